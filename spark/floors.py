"""Which partitions of a clean table are whole enough to be shown: what upstream says it holds against
what was kept of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from trendhouse.declared.sources import Floor

# Records in quarantine are known and told with their reason: so many, or a tenth of what there is, do not
# hold the rest of their partition back.
FEW = 5


@dataclass(frozen=True)
class Reading:
    """What upstream says a partition holds at a moment (naive UTC), and the load that brought it;
    `is_new`: it has not been held against the table before."""

    partition_name: str
    observed_at: datetime
    expected_count: int
    method: str
    load_id: str
    is_new: bool


@dataclass(frozen=True)
class Arrived:
    """New rows of one partition, load and moment (naive UTC): the readable ones, and those in quarantine.

    Rows of a list, which comes in parts, are gathered to their latest moment.
    """

    partition_name: str
    load_id: str
    observed_at: datetime
    good_count: int
    quarantined_count: int


Each = TypeVar("Each", Reading, Arrived)


@dataclass(frozen=True)
class Capture:
    """A reading held against what was kept, as the ledger keeps it; counts are records."""

    partition_name: str
    observed_at: datetime
    method: str | None
    measure: str
    expected_count: int | None
    captured_count: int
    floor_capture_rate: float | None
    floor_action: str | None
    is_below_floor: bool

    @property
    def observed_date(self) -> date:
        return self.observed_at.date()


@dataclass(frozen=True)
class Verdict:
    """A capture, and the load whose rows it is about."""

    capture: Capture
    load_id: str


def moment_of(verdict: Verdict) -> tuple[datetime, str]:
    return verdict.capture.observed_at, verdict.load_id


@dataclass
class Assessment:
    """What the readings say of a table: the captures, and for each refused partition the load up to
    which its rows are taken up; later ones wait."""

    captures: list[Capture] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass
class Held:
    """Of a table that is judged by what it holds: distinct keys of a partition with all that has come, or
    as of an earlier load and moment; and distinct records of it in quarantine."""

    keys: Callable[[str, tuple[str, datetime] | None], int]
    quarantined: Callable[[str], int]


def is_below(captured: int, quarantined: int, expected: int, floor: Floor | None) -> bool:
    """Whether too little was kept. Records in quarantine count as if they were kept while they are few
    (`FEW`, or a tenth of what upstream has) and no more than those that were."""
    if floor is None:
        return False
    excused = min(quarantined, max(FEW, expected // 10), captured)
    return captured + excused < floor.capture_rate * expected


def assess(
    measure: str,
    floor: Floor | None,
    readings: Iterable[Reading],
    arrived: Iterable[Arrived],
    held: Held,
    before: Mapping[str, str],
    newest_load: str,
) -> Assessment:
    """Hold every partition that has new rows or a new reading to its floor.

    `readings` are the new ones, those of the moments of new rows and, of every such partition, the newest;
    `before` is `refused` of the run before, `newest_load` the newest load that was consumed then. A partition is refused if what upstream
    last said of it is not met; a row that comes later without a reading lifts nothing.
    """
    said, came = grouped(readings), grouped(arrived)
    found = Assessment(refused=dict(before))
    judge = judge_held if measure == "held" else judge_landed
    for name in sorted({*said, *came}):
        if not said[name]:
            found.captures += unread(measure, floor, came[name])
            continue
        verdicts = judge(floor, said[name], came[name], held)
        found.captures += [verdict.capture for verdict in verdicts]
        newest = max(verdicts, key=moment_of, default=None)
        if newest is None or newest.capture.observed_at < max(
            each.observed_at for each in said[name]
        ):
            continue  # late news of an older moment: the newest reading has been judged before
        found.refused.pop(name, None)
        if newest.capture.is_below_floor and floor is not None and floor.action == "block":
            met = [each.load_id for each in verdicts if not each.capture.is_below_floor]
            found.refused[name] = max([*met, before.get(name, newest_load)])
    return found


def grouped(rows: Iterable[Each]) -> defaultdict[str, list[Each]]:
    groups: defaultdict[str, list[Each]] = defaultdict(list)
    for row in rows:
        groups[row.partition_name].append(row)
    return groups


def unread(measure: str, floor: Floor | None, came: list[Arrived]) -> list[Capture]:
    """Rows of a stream with a floor that no reading has ever been made of: told, and not refused."""
    if floor is None:
        return []
    newest = max(came, key=lambda each: each.load_id)
    count = sum(each.good_count for each in came if each.load_id == newest.load_id)
    name, rate, action = newest.partition_name, floor.capture_rate, floor.action
    return [Capture(name, newest.observed_at, None, measure, None, count, rate, action, False)]


def judge_landed(
    floor: Floor | None, said: list[Reading], came: list[Arrived], held: Held
) -> list[Verdict]:
    """An answer or a file comes whole: each reading against the rows of its moment's newest load."""
    verdicts = []
    for reading in said:
        rows = [each for each in came if each.observed_at == reading.observed_at]
        if not rows and not reading.is_new:
            continue
        load = max((each.load_id for each in rows), default=reading.load_id)
        newest = [each for each in rows if each.load_id == load]
        good = sum(each.good_count for each in newest)
        quarantined = sum(each.quarantined_count for each in newest)
        verdicts.append(judged("landed", floor, reading, good, quarantined, load))
    return verdicts


def judge_held(
    floor: Floor | None, said: list[Reading], came: list[Arrived], held: Held
) -> list[Verdict]:
    """A list comes in parts: each reading against the keys that were held once its load was taken up."""
    name = said[0].partition_name
    newest = max(said, key=lambda each: (each.observed_at, each.load_id))
    last = max((each.load_id for each in came), default="")
    verdicts = []
    for reading in said:
        if not reading.is_new and reading is not newest:
            continue
        as_of = None if reading is newest else (reading.load_id, reading.observed_at)
        load = reading.load_id if as_of else max(reading.load_id, last)
        count = held.keys(name, as_of)
        verdict = judged("held", floor, reading, count, 0, load)
        if verdict.capture.is_below_floor:
            verdict = judged("held", floor, reading, count, held.quarantined(name), load)
        verdicts.append(verdict)
    return verdicts


def judged(
    measure: str, floor: Floor | None, reading: Reading, captured: int, quarantined: int, load: str
) -> Verdict:
    capture = Capture(
        partition_name=reading.partition_name,
        observed_at=reading.observed_at,
        method=reading.method,
        measure=measure,
        expected_count=reading.expected_count,
        captured_count=captured,
        floor_capture_rate=floor and floor.capture_rate,
        floor_action=floor and floor.action,
        is_below_floor=is_below(captured, quarantined, reading.expected_count, floor),
    )
    return Verdict(capture, load)
