"""The dashboard of the upstream APIs: quotas, costs, landings."""

from __future__ import annotations

from deploy.grafana.panels import Board, Graph

API = Board(
    uid="trendhouse-api",
    title="Trendhouse: upstream APIs",
    about="What the landings ask of upstream, what it costs, and what is left of the quotas.",
    rows={
        "Quotas": (
            Graph(
                "Left of the quota when last told",
                "percentunit",
                {"{{source}} {{resource}}": "trendhouse_quota_remaining / trendhouse_quota_limit"},
                about="Below 15 %: QuotaNearlySpent. A tenth of each token is never touched.",
            ),
            Graph(
                "Until the quota is full again",
                "s",
                {
                    "{{source}} {{resource}}": "clamp_min("
                    "trendhouse_quota_reset_timestamp_seconds - time(), 0)"
                },
            ),
        ),
        "Costs": (
            Graph(
                "Requests, per hour",
                "short",
                {"{{source}}": "sum by (source) (increase(trendhouse_landing_requests_total[1h]))"},
            ),
            Graph(
                "GraphQL points, per hour",
                "short",
                {"{{source}}": "sum by (source) (increase(trendhouse_landing_points_total[1h]))"},
            ),
            Graph(
                "Bytes received, per hour",
                "bytes",
                {
                    "{{source}}": "sum by (source) "
                    "(increase(trendhouse_landing_received_bytes_total[1h]))"
                },
            ),
            Graph(
                "Requests of the newest landing beside its plan",
                "short",
                {
                    "{{source}} sent": "trendhouse_landing_last_requests",
                    "{{source}} planned": "trendhouse_landing_last_planned_requests",
                },
            ),
        ),
        "Landings": (
            Graph(
                "What could not be landed, per hour",
                "short",
                {"{{source}}": "sum by (source) (increase(trendhouse_landing_failures_total[1h]))"},
            ),
            Graph(
                "How long the newest landing took",
                "s",
                {"{{source}}": "trendhouse_landing_last_duration_seconds"},
            ),
        ),
    },
)
