"""/metrics: how the application answers, and how old that is what it serves."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.responses import Response

from serving.follower import Follower
from trendhouse.settings import Settings
from warehouse.published import NothingPublished

router = APIRouter(include_in_schema=False)

# Seconds; most answers take a few milliseconds.
BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def install(app: FastAPI, settings: Settings) -> None:
    """Count and time every request under the template of its route, in a registry of the application's own."""
    app.state.registry = CollectorRegistry()
    app.state.registry.register(Served(app.state.follower, settings))
    Instrumentator(
        registry=app.state.registry,
        should_group_untemplated=True,
        should_exclude_streaming_duration=True,
        excluded_handlers=["/metrics", "/healthz"],
    ).instrument(
        app,
        metric_namespace="trendhouse",
        metric_subsystem="api",
        latency_lowr_buckets=BUCKETS,
        latency_highr_buckets=BUCKETS,
    )


@router.get("/metrics")
def metrics(request: Request) -> Response:
    text = generate_latest(request.app.state.registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


class Served(Collector):
    """What is served: its version, its time and age by the world's clock, and whether a newer one fails."""

    def __init__(self, follower: Follower, settings: Settings) -> None:
        self.follower, self.settings = follower, settings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "trendhouse_served_failed",
            "1 if a newer publication could not be taken.",
            value=float(self.follower.failure is not None),
        )
        try:
            model = self.follower.model
        except NothingPublished:
            return
        published = model.published_at
        yield GaugeMetricFamily(
            "trendhouse_served_version", "Version that is served.", value=model.version
        )
        yield GaugeMetricFamily(
            "trendhouse_served_published_timestamp_seconds",
            "When what is served was published.",
            value=published.timestamp(),
        )
        yield GaugeMetricFamily(
            "trendhouse_served_age_seconds",
            "Age of what is served, by the world's clock.",
            value=(self.settings.clock() - published).total_seconds(),
        )

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked when it is registered."""
        return []
