"""The project's own metrics, as Prometheus reads them: what runs, landings, lake and marts say now."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from orchestration.landings import landings
from orchestration.measures import STREAM, Data, counter, gauge
from trendhouse.declared.sources import landed_specs
from trendhouse.run_records import Records, Step
from trendhouse.settings import Settings
from trendhouse.state import StateBroken

log = logging.getLogger(__name__)

Part = Callable[[], Iterable[Metric]]
STATES = ("done", "partial", "failed", "refused", "skipped")

# Name, meaning, and the figure that it shows.
NEWEST_RUN = (
    ("run_last_start_timestamp_seconds", "When the newest run began.", "started"),
    ("run_last_duration_seconds", "How long the newest ended run took.", "seconds"),
    ("run_last_exit_code", "Exit code of the newest ended run.", "exit_code"),
)
LANDED = (
    ("landings", "Landings that ended.", "landings"),
    ("landing_requests", "Requests sent upstream.", "requests"),
    ("landing_points", "GraphQL points spent.", "points"),
    ("landing_received_bytes", "Bytes received.", "bytes"),
    ("landing_failures", "Resources and partitions that could not be landed.", "failures"),
)
NEWEST_LANDING = (
    ("landing_last_duration_seconds", "How long the newest landing took.", "seconds"),
    ("landing_last_requests", "Requests of the newest landing.", "requests"),
    ("landing_last_planned_requests", "Requests planned for it.", "planned_requests"),
    ("landing_last_failures", "What the newest landing could not land.", "failures"),
)


class World:
    """Reads one world at every scrape; a part that cannot be read is said so, the others are told.

    Labels are sources, streams, steps, commands, marts: what is declared, never a repository.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self.settings = settings
        self.records = Records()
        self.data = Data()
        self.lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        with self.lock:
            yield from self.read()

    def read(self) -> Iterator[Metric]:
        up = gauge("up", "1 if the world is there and every part of it could be read.")
        health = gauge(
            "scrape_part_success", "1 if this part of the world could be read.", ["part"]
        )
        parts: dict[str, Part] = {}
        try:
            self.place, self.specs = self.settings().place, landed_specs()
            parts = self.parts() if self.place.root.is_dir() else {}
        except StateBroken as error:
            log.error("%s", error)
        except Exception:
            log.exception("the settings or the sources cannot be read")
        all_well = bool(parts)
        for name, part in parts.items():
            try:
                metrics = list(part())
            except StateBroken as error:
                log.error("%s: %s", name, error)
                all_well, metrics = False, []
                health.add_metric([name], 0)
            except Exception:
                log.exception("%s: cannot be read", name)
                all_well, metrics = False, []
                health.add_metric([name], 0)
            else:
                health.add_metric([name], 1)
            yield from metrics
        up.add_metric([], float(all_well))
        yield from (up, health)

    def parts(self) -> dict[str, Part]:
        return {
            "runs": self.runs,
            "landings": self.landings,
            "quotas": self.quotas,
            "freshness": lambda: self.data.freshness(self.place, self.specs),
            "published": lambda: self.data.published(self.place),
            "sizes": lambda: self.data.sizes(self.place, self.specs),
        }

    def runs(self) -> Iterator[Metric]:
        """What the run records say: how often, how long, how it ended, step by step."""
        self.records.read(self.place.runs)
        count = counter("runs", "Runs on record, by how they ended.", ["command", "exit_code"])
        for (command, code), number in sorted(self.records.counts.items()):
            count.add_metric([command, str(code)], number)
        yield count
        newest = {command: vars(run) for command, run in sorted(self.records.newest.items())}
        yield from families(gauge, NEWEST_RUN, "command", newest)
        yield from self.steps(self.records.steps.values())

    def steps(self, steps: Iterable[Step]) -> Iterator[Metric]:
        labels = ["step", "source"]
        took = gauge("step_last_duration_seconds", "How long the step last took.", labels)
        rows = gauge("step_last_rows", "Rows that the step last saw.", labels)
        state = gauge("step_last_state", "1 for how the step last ended.", [*labels, "state"])
        success = gauge("step_last_success_timestamp_seconds", "When it last succeeded.", labels)
        for step in steps:
            took.add_metric([step.name, step.source], step.seconds)
            rows.add_metric([step.name, step.source], step.rows)
            for each in STATES:
                state.add_metric([step.name, step.source, each], float(each == step.state))
            if step.succeeded is not None:
                success.add_metric([step.name, step.source], step.succeeded)
        refused = gauge("publication_refused", "1 while suites or floors keep back a publication.")
        refused.add_metric([], float(bool(self.records.refusals)))
        yield from (took, rows, state, success, refused)

    def landings(self) -> Iterator[Metric]:
        """What `orchestration.landings` keeps: sums since the world began, and the newest landing."""
        kept = landings(self.place)
        rows = counter("landed_rows", "Raw rows landed.", STREAM)
        for each in kept:
            for table, number in sorted(each["totals"]["rows"].items()):
                rows.add_metric([each["source"], table], number)
        yield rows
        totals = {each["source"]: each["totals"] for each in kept}
        yield from families(counter, LANDED, "source", totals)
        last = {each["source"]: each["last"] for each in kept}
        yield from families(gauge, NEWEST_LANDING, "source", last)

    def quotas(self) -> Iterator[Metric]:
        """What upstream last said is left, over all tokens."""
        labels = ["source", "resource"]
        families = {
            "limit": gauge("quota_limit", "Requests or points a window allows.", labels),
            "remaining": gauge("quota_remaining", "Left of the quota when last told.", labels),
            "resets_at": gauge("quota_reset_timestamp_seconds", "When it is full again.", labels),
        }
        for each in landings(self.place):
            for resource, quota in sorted(each["quotas"].items()):
                for name, family in families.items():
                    family.add_metric([each["source"], resource], quota[name])
        yield from families.values()


def families(
    make: Callable[..., Any],
    shown: Iterable[tuple[str, str, str]],
    label: str,
    figures: Mapping[str, Mapping[str, Any]],
) -> Iterator[Metric]:
    """A family per figure with a sample per value of the label; what nobody knows is left out."""
    for name, meaning, of in shown:
        family = make(name, meaning, [label])
        for value, known in figures.items():
            if known[of] is not None:
                family.add_metric([value], known[of])
        yield family


def registry(settings: Callable[[], Settings]) -> CollectorRegistry:
    """A registry with this world alone; it is read anew, settings too, whenever it is asked."""
    made = CollectorRegistry(auto_describe=False)
    made.register(World(settings))
    return made


def serve(settings: Callable[[], Settings], address: str, port: int) -> threading.Thread:
    """Answer `/metrics` from now on, in a thread that is handed back."""
    from prometheus_client import start_http_server

    return start_http_server(port, address, registry(settings))[1]
