"""The dashboard of the machines and of the watchers themselves."""

from __future__ import annotations

from deploy.grafana.panels import Board, Figure, Graph

DISKS = '{fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|fuse.*"}'
HOST = Board(
    uid="trendhouse-host",
    title="Trendhouse: host",
    about="The machines, and whether the watchers themselves are there.",
    rows={
        "Now": (
            Figure("Hosts that answer", "short", {"up": 'sum(up{job="node"})'}, bad=1, below=True),
            Figure(
                "Fullest disk",
                "percent",
                {
                    "used": f"max(100 * (1 - node_filesystem_avail_bytes{DISKS} "
                    f"/ node_filesystem_size_bytes{DISKS}))"
                },
                bad=85,
                about="From 85 % on: DiskFilling.",
            ),
            Figure(
                "Least memory free",
                "percentunit",
                {"free": "min(node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"},
                bad=0.05,
                below=True,
            ),
            Figure("Up since", "s", {"s": "min(time() - node_boot_time_seconds)"}, 600, below=True),
            Figure("Targets down", "short", {"targets": "count(up == 0) or vector(0)"}, bad=1),
            Figure(
                "Alerts not delivered, 1 h",
                "short",
                {"alerts": "sum(increase(alertmanager_notifications_failed_total[1h]))"},
                bad=1,
            ),
        ),
        "Machines": (
            Graph(
                "Processors at work",
                "percentunit",
                {
                    "{{instance}}": "1 - avg by (instance) "
                    '(rate(node_cpu_seconds_total{mode="idle"}[5m]))'
                },
            ),
            Graph(
                "Memory used",
                "bytes",
                {"{{instance}}": "node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes"},
            ),
            Graph(
                "Disks used",
                "percent",
                {
                    "{{instance}} {{mountpoint}}": "100 * (1 - node_filesystem_avail_bytes"
                    f"{DISKS} / node_filesystem_size_bytes{DISKS})"
                },
            ),
            Graph(
                "Load of a minute, by processor",
                "short",
                {
                    "{{instance}}": "node_load1 / on (instance) "
                    'count by (instance) (node_cpu_seconds_total{mode="idle"})'
                },
            ),
            Graph(
                "Network, received and sent",
                "Bps",
                {
                    "{{instance}} in": "sum by (instance) "
                    '(rate(node_network_receive_bytes_total{device!="lo"}[5m]))',
                    "{{instance}} out": "sum by (instance) "
                    '(rate(node_network_transmit_bytes_total{device!="lo"}[5m]))',
                },
            ),
            Graph(
                "Targets",
                "short",
                {"{{job}}": "min by (job) (up)"},
                about="0 for 5 minutes: TargetDown.",
            ),
        ),
    },
)
