"""The dashboard of the data: fresh, complete, clean, large."""

from __future__ import annotations

from deploy.grafana.panels import Board, Figure, Graph

DATA = Board(
    uid="trendhouse-data",
    title="Trendhouse: data",
    about="How fresh, how complete and how clean what readers see is, and how large it grows.",
    rows={
        "Now": (
            Figure("World readable", "short", {"up": "min(trendhouse_up)"}, bad=1, below=True),
            Figure(
                "Publication refused",
                "short",
                {"refused": "max(trendhouse_publication_refused)"},
                bad=1,
            ),
            Figure(
                "Worst capture rate",
                "percentunit",
                {"rate": "min(trendhouse_capture_ratio)"},
                bad=0.98,
                below=True,
            ),
            Figure(
                "Partitions below a floor",
                "short",
                {"partitions": "sum(trendhouse_partitions_below_floor)"},
                bad=1,
            ),
            Figure("Quarantine", "short", {"rows": "sum(trendhouse_quarantine_rows)"}, bad=1000),
            Figure("Drift", "short", {"fields": "sum(trendhouse_drift_fields)"}, bad=1000),
        ),
        "Fresh": (
            Graph(
                "Age of the newest row, of what is promised",
                "percentunit",
                {
                    "{{source}}": "trendhouse_source_age_seconds "
                    "/ on (source) trendhouse_source_age_limit_seconds"
                },
                about="Above 100 %, and not asked for since without a failure: SourceStale.",
            ),
            Graph(
                "Since a landing last failed nowhere",
                "s",
                {"{{source}}": "trendhouse_source_confirmed_age_seconds"},
            ),
            Graph(
                "Newest row seen",
                "dateTimeAsIso",
                {"{{source}}": "trendhouse_source_newest_timestamp_seconds * 1000"},
            ),
            Graph(
                "Published",
                "short",
                {"version": "trendhouse_published_version"},
                about="By the world's clock at the time in trendhouse_published_timestamp_seconds.",
            ),
        ),
        "Complete and clean": (
            Graph(
                "Capture rate, worst partition",
                "percentunit",
                {"{{source}} {{stream}}": "trendhouse_capture_ratio"},
            ),
            Graph(
                "Missing records",
                "short",
                {
                    "{{source}} {{stream}}": "clamp_min(trendhouse_expected_records "
                    "- on (source, stream) trendhouse_captured_records, 0) > 0"
                },
            ),
            Graph(
                "Quarantine, rows",
                "short",
                {"{{source}} {{stream}}": "trendhouse_quarantine_rows"},
            ),
            Graph("Drift, fields", "short", {"{{source}}": "trendhouse_drift_fields"}),
        ),
        "Large": (
            Graph(
                "Rows landed, per hour",
                "short",
                {
                    "{{source}} {{stream}}": "sum by (source, stream) "
                    "(increase(trendhouse_landed_rows_total[1h]))"
                },
            ),
            Graph("Published rows", "short", {"{{mart}}": "trendhouse_published_rows"}),
            Graph(
                "Bytes",
                "bytes",
                {
                    "{{layer}} {{source}}": "trendhouse_lake_size_bytes",
                    "warehouse": "trendhouse_warehouse_size_bytes",
                    "published": "trendhouse_published_size_bytes",
                },
            ),
            Graph(
                "Parquet files",
                "short",
                {"{{layer}} {{source}}": "trendhouse_lake_files"},
                about="Many small raw files: `trendhouse compact`.",
            ),
        ),
    },
)
