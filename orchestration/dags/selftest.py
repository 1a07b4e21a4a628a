"""The self-test: two DAGs that a new operator runs by hand to see that data flows and alerts arrive."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, get_current_context, task

from orchestration.alerts import Alert, Cause, send
from orchestration.alerts.callbacks import notifiers
from orchestration.alerts.context import place_of
from trendhouse.settings import load_settings

DEFAULTS = {
    "owner": "trendhouse",
    "retries": 1,
    "retry_delay": timedelta(seconds=load_settings().selftest_retry_seconds),
}
COMMON = {"schedule": None, "catchup": False, "max_active_runs": 1, "tags": ["layer:selftest"]}


@dag(
    dag_id="selftest_single_api",
    description="One API to a dated CSV, and a message that says so.",
    default_args=DEFAULTS,
    **COMMON,
)
def single_api() -> None:
    """### Does data come in, and does a message go out?

    Trigger it by hand. `fetch` asks an API for a JSON list (`TRENDHOUSE_SELFTEST_URL`; in the sample
    world the simulator's licenses), `write` exports it to `success/data_YYYYMMDD.csv` below the
    world's home, `tell` sends a message by every channel.

    **Expect**: three green tasks, the file, and one message **success** per channel (a mail, if the
    connection `smtp_default` is there; a message in Slack, if `slack_default` is). `tell` fails if no
    channel delivers: its log says why.
    """

    @task(pool="api_pool")
    def fetch() -> list[dict[str, Any]]:
        from orchestration import selftest

        return selftest.fetch(selftest.address(load_settings()))

    @task
    def write(records: list[dict[str, Any]]) -> dict[str, Any]:
        from orchestration import selftest

        settings = load_settings()
        path = selftest.export(records, settings.place.root, settings.clock().date())
        return {"path": str(path), "rows": len(records)}

    @task
    def tell(written: dict[str, Any]) -> list[str]:
        from orchestration.selftest import SelftestFailed

        name = Path(written["path"]).name
        alert = Alert(
            Cause.SUCCESS,
            f"The self-test has written success/{name}.",
            rows=written["rows"],
            is_grouped=False,
        )
        told = send(alert)
        if not told:
            raise SelftestFailed(
                "No message left the house. Make the connection `smtp_default` or `slack_default`; "
                "if there is one, the lines above say what went wrong."
            )
        return told

    tell(write(fetch()))


def tell_in_own_words(context: Any) -> None:
    """A callback of the self-test's own, beside the notifiers: any function will do."""
    alert = Alert(
        Cause.FAILURE,
        f"This is the self-test's own callback: {context.get('exception')}",
        label="custom failure",
        is_grouped=False,
        **place_of(context),
    )
    send(alert)


@dag(
    dag_id="selftest_parallel_apis",
    description="Two APIs at once, one fails on purpose: four messages.",
    default_args={**DEFAULTS, "pool": "api_pool"},
    **COMMON,
)
def parallel_apis() -> None:
    """### Do alerts arrive?

    Trigger it by hand. `fetch_good` and `fetch_broken` run beside each other; `fetch_broken` fails on
    purpose, is tried again after a minute (`TRENDHOUSE_SELFTEST_RETRY_SECONDS`) and fails for good.
    The run ends **failed**: so it should.

    **Expect** exactly four messages per channel, within about two minutes:

    1. `up for retry 1/2: selftest_parallel_apis.fetch_broken`
    2. `success: selftest_parallel_apis.fetch_good`
    3. `failure 2/2: selftest_parallel_apis.fetch_broken`
    4. `custom failure: selftest_parallel_apis.fetch_broken`

    None at all: is there a connection `smtp_default` or `slack_default`? The tasks' logs say what
    went wrong with a message that could not be sent.
    """

    @task(on_success_callback=notifiers(Cause.SUCCESS, is_grouped=False))
    def fetch_good() -> int:
        from orchestration import selftest

        return len(selftest.fetch(selftest.address(load_settings())))

    @task(
        on_retry_callback=notifiers(Cause.RETRY, is_grouped=False),
        on_failure_callback=[*notifiers(Cause.FAILURE, is_grouped=False), tell_in_own_words],
    )
    def fetch_broken() -> None:
        from orchestration.selftest import SelftestFailed

        attempt = get_current_context()["ti"].try_number
        raise SelftestFailed(f"Attempt {attempt} fails on purpose, to see that people are told.")

    fetch_good()
    fetch_broken()


single_api()
parallel_apis()
