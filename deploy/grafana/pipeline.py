"""The dashboard of the pipeline: Airflow, its queues, and the steps."""

from __future__ import annotations

from deploy.grafana.panels import Board, Figure, Graph

PIPELINE = Board(
    uid="trendhouse-pipeline",
    title="Trendhouse: pipeline",
    about="Airflow and the steps: what runs, waits, fails, and how long it takes.",
    rows={
        "Now": (
            Figure(
                "Scheduler heartbeats",
                "reqps",
                {"per second": "sum(rate(airflow_scheduler_heartbeats_total[2m])) or vector(0)"},
                bad=0.01,
                below=True,
                about="Nothing for 4 minutes: SchedulerHeartbeatLost.",
            ),
            Figure("DAGs", "short", {"DAGs": "max(airflow_dags)"}, bad=1, below=True),
            Figure("Import errors", "short", {"files": "max(airflow_dag_import_errors)"}, bad=1),
            Figure(
                "DAG runs at work", "short", {"runs": "max(airflow_dag_runs_running)"}, bad=1000
            ),
            Figure(
                "Failed runs, 24 h",
                "short",
                {"runs": "sum(increase(dag_id:airflow_dag_runs_failed:total[24h])) or vector(0)"},
                bad=1,
            ),
            Figure(
                "Alerts",
                "short",
                {"firing": 'count(ALERTS{alertstate="firing"}) or vector(0)'},
                bad=1,
            ),
        ),
        "DAGs": (
            Graph(
                "DAG runs that ended, per hour",
                "short",
                {
                    "{{dag_id}} {{state}}": "sum by (dag_id, state) "
                    "(increase(airflow_dag_run_duration_seconds_count[1h])) > 0"
                },
            ),
            Graph(
                "How long DAG runs take, mean of a day",
                "s",
                {
                    "{{dag_id}}": "sum by (dag_id) (rate(airflow_dag_run_duration_seconds_sum[1d])) / "
                    "sum by (dag_id) (rate(airflow_dag_run_duration_seconds_count[1d]))"
                },
            ),
            Graph(
                "How late scheduled runs begin, 95 %",
                "s",
                {
                    "{{dag_id}}": "histogram_quantile(0.95, sum by (dag_id, le) "
                    "(rate(airflow_dag_run_schedule_delay_seconds_bucket[1d])))"
                },
            ),
            Graph(
                "Tasks that ended, per hour",
                "short",
                {"{{state}}": "sum by (state) (increase(airflow_task_finishes_total[1h]))"},
            ),
        ),
        "Queues": (
            Graph(
                "Slots that wait, by pool",
                "short",
                {"{{pool_name}}": "pool_name:airflow_pool_waiting:slots"},
                about="Never empty for half an hour and growing: QueueGrowing.",
            ),
            Graph(
                "Slots at work, by pool",
                "short",
                {"{{pool_name}}": "sum by (pool_name) (airflow_pool_running_slots)"},
            ),
            Graph(
                "Executor",
                "short",
                {
                    "queued": "sum(airflow_executor_queued_tasks)",
                    "running": "sum(airflow_executor_running_tasks)",
                    "open": "sum(airflow_executor_open_slots)",
                },
            ),
            Graph(
                "How long tasks run, 95 %",
                "s",
                {
                    "{{dag_id}}": "histogram_quantile(0.95, sum by (dag_id, le) "
                    "(rate(airflow_task_duration_seconds_bucket[6h])))"
                },
            ),
        ),
        "Steps": (
            Graph(
                "How long each step last took",
                "s",
                {"{{step}} {{source}}": "trendhouse_step_last_duration_seconds"},
            ),
            Graph(
                "Steps whose last end was not good",
                "short",
                {
                    "{{step}} {{source}}: {{state}}": "trendhouse_step_last_state"
                    '{state=~"failed|refused|partial"} == 1'
                },
            ),
            Graph(
                "Since a step last succeeded",
                "s",
                {"{{step}} {{source}}": "time() - trendhouse_step_last_success_timestamp_seconds"},
            ),
            Graph(
                "Runs on record that ended badly, per day",
                "short",
                {
                    "{{command}} {{exit_code}}": "sum by (command, exit_code) "
                    '(increase(trendhouse_runs_total{exit_code!="0"}[1d]))'
                },
            ),
        ),
    },
)
