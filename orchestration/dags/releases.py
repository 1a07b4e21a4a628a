"""The DAG that tells of new releases: to a server of the release-note service's wire, in Slack and by mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from orchestration.alerts import dag_alerts, task_alerts
from orchestration.assets import marts

DOMAIN = "opensource"
OWNER = "open-source-trends@example.org"


@task
def send() -> dict[str, Any]:
    """Post the release feed, unless this very feed was delivered before."""
    from airflow.sdk.exceptions import AirflowSkipException

    from serving.publication import Publication
    from serving.sender import Sender
    from trendhouse.settings import load_settings

    settings = load_settings()
    if settings.send_url is None:
        raise AirflowSkipException("TRENDHOUSE_SEND_URL is not set.")
    key = settings.send_key.get_secret_value() if settings.send_key else None
    Publication.fetched(settings.place)
    proof = Sender(settings.place, key).send(settings.send_url)
    return {"rows": proof.rows if proof else 0, "url": proof.url if proof else None}


@task
def digest() -> dict[str, int]:
    """Tell of new releases; way to how many were told."""
    from airflow.sdk.exceptions import AirflowSkipException

    from serving.digest import send as tell
    from serving.model import Model
    from serving.publication import Publication
    from serving.read_model import build
    from trendhouse.settings import load_settings

    settings = load_settings()
    if not settings.digest:
        raise AirflowSkipException("TRENDHOUSE_DIGEST is not set.")
    return tell(
        settings,
        Model(build(Publication.fetched(settings.place))),
        settings.digest,
        products=settings.digest_products,
        language=settings.digest_language,
    )


@dag(
    dag_id="tell_releases",
    description="Send the release feed and the digest of new releases after each publication.",
    schedule=[marts(DOMAIN)],
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": OWNER,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=1),
        **task_alerts(),
    },
    tags={"layer:serving", f"domain:{DOMAIN}"},
    **dag_alerts(timedelta(hours=1)),
)
def tell_releases() -> None:
    """### Tell of what was published

    **When.** After each publication of the marts. Both tasks look at what is published, each for itself.

    `send` posts the feed to `TRENDHOUSE_SEND_URL`, with the key `TRENDHOUSE_SEND_KEY`, and keeps a proof of
    the delivery; the same feed is not sent twice. `digest` tells of releases that are new by the ways of
    `TRENDHOUSE_DIGEST`, each release once. A task whose setting is not there is **skipped**, and says so.

    **If it fails.** Nothing else waits for it. Clear the failed task, or wait for the next publication:
    what was not delivered then goes whole. By hand: `trendhouse send URL`, `trendhouse digest --slack`.
    """
    send()
    digest()


tell_releases()
