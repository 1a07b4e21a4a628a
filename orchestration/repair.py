"""Mending what is broken of a world's state: each piece from the layer below it, from the bottom up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from orchestration import steps
from orchestration.pieces import Piece, Way, broken_pieces
from trendhouse.lake.lake import replace_text
from trendhouse.settings import Place, Settings
from trendhouse.state import StateBroken, read_state
from trendhouse.verdicts import CLEAN
from warehouse.file import opened
from warehouse.publish import VERSIONS
from warehouse.published import CURRENT
from warehouse.published_files import faults
from warehouse.upgrade import SCHEMA, backups, copy_warehouse

ASIDE = "broken"
Say = Callable[[str], None]


@dataclass
class Repair:
    """One repair of a world: the broken pieces, and what could not be mended.

    Nothing is deleted: what is broken moves to `broken/<time>`, below the place that it had. The caller
    holds the locks and has entered the world's variables.
    """

    settings: Settings
    say: Say
    left: list[Piece] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return self.settings.place

    def mend(self) -> int:
        """Mend all that can be mended; how many pieces were. Raises what the steps raise."""
        pieces = list(broken_pieces(self.place, deep=True))
        by_way = {way: [each for each in pieces if each.way is way] for way in Way}
        self.left = by_way[Way.hand]
        for piece in pieces:
            self.say(f"{piece.path} {piece.wrong}: {piece.remedy}")
        self.put_aside(each.path for each in by_way[Way.aside])
        for piece in by_way[Way.pointer]:
            self.point_back(piece)
        if by_way[Way.world]:
            self.set_clock(by_way[Way.world][0].path)
        self.make_tables(by_way[Way.table])
        self.check_again(by_way[Way.aside])
        if by_way[Way.warehouse]:
            self.bring_warehouse()
        if by_way[Way.table] or by_way[Way.warehouse]:
            refresh = bool(by_way[Way.table])
            self.say(f"build: {steps.build(None, refresh, self.settings).summary}")
        if by_way[Way.table] or by_way[Way.warehouse] or self.is_published_broken():
            self.say(f"check_marts: {steps.check_marts(settings=self.settings).summary}")
            self.say(f"publish: {steps.publish(settings=self.settings).summary}")
        return len(pieces) - len(self.left)

    def put_aside(self, paths: Iterable[Path]) -> None:
        """Move files and folders out of the way; those that are gone already, too."""
        folder = self.place.root / ASIDE / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        for path in dict.fromkeys(paths):
            if path.exists():
                target = folder / path.relative_to(self.place.root)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)

    def point_back(self, piece: Piece) -> None:
        """Let CURRENT.json name the newest version that is kept whole; without any, nothing is published
        until the next publication."""
        self.put_aside([piece.path])
        known = sorted((self.place.published / VERSIONS).glob("*.json"), key=number, reverse=True)
        states = [read_state(path) for path in known]
        whole = [each for each in states if not any(faults(self.place.published, each))]
        for state in (whole or states)[:1]:
            replace_text(self.place.published / CURRENT, json.dumps(state, indent=1))

    def set_clock(self, path: Path) -> None:
        """The sample world's date as it was last published; the folder of recordings has to be given again."""
        self.put_aside([path])
        current = self.place.published / CURRENT
        if current.exists():
            now = read_state(current)["published_at"]
            replace_text(path, json.dumps({"now": now}, indent=1))

    def make_tables(self, pieces: list[Piece]) -> None:
        """Clean tables from raw, as if they had never been written."""
        self.put_aside(each.path for each in pieces)
        for source in sorted({each.path.parent.name for each in pieces}):
            self.say(f"deduplicate {source}: {steps.deduplicate(source, self.settings).summary}")
            self.say(f"check_clean {source}: {steps.check_clean(source, self.settings).summary}")

    def check_again(self, pieces: list[Piece]) -> None:
        """Clean tables whose verdicts are lost: nothing that is built from them could be published."""
        for source in sorted({each.path.parent.name for each in pieces if each.path.name == CLEAN}):
            self.say(f"check_clean {source}: {steps.check_clean(source, self.settings).summary}")

    def bring_warehouse(self) -> None:
        """The warehouse of the newest backup that is whole, for its history; without one, none."""
        folder = self.place.warehouse.parent
        self.put_aside([*folder.glob("*.duckdb*"), folder / SCHEMA])
        for backup in reversed(backups(self.place)):
            kept = self.place.backups / backup.name / "warehouse"
            try:
                with opened(kept / self.place.warehouse.name):
                    pass
            except StateBroken:
                continue
            copy_warehouse(kept, folder)
            self.say(f"warehouse of backup {backup.name} brought back")
            return
        self.say("no backup holds a warehouse: the snapshots' history begins anew")

    def is_published_broken(self) -> bool:
        current = self.place.published / CURRENT
        return current.exists() and any(faults(self.place.published, read_state(current)))


def number(path: Path) -> int:
    return int(path.stem)
