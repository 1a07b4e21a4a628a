"""The whole way of the data, once: land, deduplicate, check, build, check, publish."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from orchestration import steps
from orchestration.display import Display
from orchestration.steps import CRASHES, Outcome
from trendhouse.declared.sources import landed_specs
from trendhouse.disk import disk_trouble
from trendhouse.errors import Exit
from trendhouse.running import Record
from trendhouse.settings import Settings
from trendhouse.terminable import asked

log = logging.getLogger(__name__)


@dataclass
class Report:
    """What a run did: the outcome of each step, what failed, what was refused."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    refused: str | None = None

    @property
    def exit_code(self) -> Exit:
        if self.broken:
            return Exit.FAILED
        if self.refused:
            return Exit.REFUSED
        return Exit.PARTIAL if self.failures else Exit.DONE


def step_names(sources: list[str]) -> list[str]:
    """The lines of a run, in the order in which they are shown."""
    per_source = [
        f"{verb} {name}" for name in sources for verb in ("land", "deduplicate", "check_clean")
    ]
    return [*per_source, "build", "check_marts", "publish"]


def sources() -> list[str]:
    return [spec.name for spec in landed_specs()]


def carry_out(settings: Settings, display: Display, record: Record) -> Report:
    """A run as it is shown; the record has its steps, also of one that was told to end."""
    run = Run(settings, display)
    try:
        with display.shown():
            return run.execute()
    finally:
        record.keep(display.lines, run.report)


class Run:
    """One pass over all sources; each step is shown, timed and recorded."""

    def __init__(self, settings: Settings, display: Display) -> None:
        self.settings = settings
        self.display = display
        self.report = Report()

    def execute(self) -> Report:
        """Sources land one after the other; Spark follows behind on a thread of its own.

        A step that breaks stops what depends on it: a source that cannot be deduplicated or breaks
        its promise keeps the marts from being built; the published state stays.
        """
        from expectations.check import ExpectationsFailed
        from warehouse.publish import PublicationBlocked

        # Both threads import it, and two at once can see it half made; so it is there before them.
        importlib.import_module("pandas")
        with ThreadPoolExecutor(1, thread_name_prefix="spark") as spark:
            spark.submit(self.warm_up)
            cleaned: list[Future[None]] = []
            for name in sources():
                self.step(
                    f"land {name}",
                    lambda name=name: steps.land(name, self.settings, self.to(f"land {name}")),
                    breaks=False,
                )
                cleaned.append(spark.submit(self.clean, name))
            for future in cleaned:
                future.result()
        if self.report.broken or self.report.refused:
            for name in ("build", "check_marts", "publish"):
                self.display.finish(
                    name, "skipped", "an earlier step failed; the published state stays"
                )
            return self.report
        if (
            self.step(
                "build", lambda: steps.build(settings=self.settings, progress=self.to("build"))
            )
            is None
        ):
            return self.report
        for name, verb in (("check_marts", steps.check_marts), ("publish", steps.publish)):
            refusals = (ExpectationsFailed, PublicationBlocked)
            if (
                self.step(name, lambda verb=verb: verb(settings=self.settings), refusals=refusals)
                is None
            ):
                break
        return self.report

    def warm_up(self) -> None:
        """Start the JVM while the first source lands; a failure shows where Spark is needed."""
        from spark.session import start

        try:
            start(self.settings)
        except Exception:
            log.exception("Spark could not be started ahead of time")

    def clean(self, source: str) -> None:
        from expectations.check import ExpectationsFailed

        name = f"deduplicate {source}"
        if self.step(name, lambda: steps.deduplicate(source, self.settings, self.to(name))) is None:
            self.display.finish(f"check_clean {source}", "skipped", "")
            return
        self.step(
            f"check_clean {source}",
            lambda: steps.check_clean(source, self.settings),
            refusals=(ExpectationsFailed,),
        )

    def to(self, name: str) -> Callable[[str], None]:
        return lambda detail: self.display.progress(name, detail)

    def step(
        self,
        name: str,
        act: Callable[[], Outcome],
        *,
        breaks: bool = True,
        refusals: tuple[type[Exception], ...] = (),
    ) -> Outcome | None:
        """Run one step; None if it failed, with the reason kept in the report. Raises KeyboardInterrupt
        where the run was told to end, whatever the step has made of that."""
        if asked():
            raise KeyboardInterrupt
        self.display.start(name)
        log.info("%s started", name)
        try:
            outcome = act()
        except refusals as refusal:
            self.report.refused = str(refusal)
            return self.fail(name, refusal)
        except BaseException as error:
            if asked() or not isinstance(error, Exception):
                self.display.finish(name, "failed", "interrupted")
                raise KeyboardInterrupt from error
            is_broken = breaks or isinstance(error, CRASHES) or disk_trouble(error)
            (self.report.broken if is_broken else self.report.failures).append(f"{name}: {error}")
            return self.fail(name, error)
        self.report.outcomes[name] = outcome
        self.report.failures += outcome.failures
        self.report.broken += outcome.crashes
        self.display.finish(name, outcome.state, outcome.summary, outcome.rows)
        log.info("%s: %s", name, outcome.summary)
        for failure in (*outcome.failures, *outcome.crashes):
            log.warning("%s", failure)
        return outcome

    def fail(self, name: str, error: Exception) -> None:
        log.error("%s failed", name, exc_info=error)
        first = str(error).strip().splitlines() or [type(error).__name__]
        self.display.finish(name, "failed", first[0][:160])
