"""Kill a run at random moments over all its stages, and hold every mart to an undisturbed run's.

`python -m tests.kills --kills 200 --seed 1` by hand; a few of them are a test of every change.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.published_marts import differences
from tests.sample_home import Home, small_watchlist

STAGES = {
    ("land",): "land",
    ("deduplicate",): "deduplicate",
    ("check", "clean"): "check_clean",
    ("build",): "build",
    ("publish",): "publish",
}
KILLS_PER_STAGE = 5
TRIES = 6


def seconds_by_stage(home: Home) -> Counter:
    """What each stage of the home's first run took, as its record says, with a start of its own."""
    record = json.loads(min(home.place.runs.glob("*.json")).read_text())
    seconds = Counter(dict.fromkeys(STAGES.values(), 4.0))
    for step in record["steps"]:
        seconds[step["name"].split()[0]] += step["seconds"]
    return seconds


@dataclass
class Disturbed:
    """A first run whose every stage is killed at work, started again each time, and then let through.

    Every other kill takes the command alone: what it has started must end by itself.
    """

    folder: Path
    watchlist: Path
    seconds: Counter
    moments: random.Random
    tell: Callable[[str], None] = print
    kills: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.home = Home(self.folder / "disturbed", self.watchlist)
        self.home.folder.mkdir(parents=True)

    def run(self, per_stage: int) -> None:
        """All stages, each killed so often; then one whole run."""
        for arguments, stage in STAGES.items():
            self.disturb(arguments, stage, per_stage)
            self.home.trendhouse(*arguments)
        self.home.trendhouse("run")

    def disturb(self, arguments: tuple[str, ...], stage: str, count: int) -> None:
        """A try that ended before it was killed does not count; the next begins at the stage's start."""
        before = self.home.copy(self.folder / f"before-{stage}")
        for _ in range(TRIES * count):
            if self.kills[stage] == count:
                break
            after = self.moments.uniform(0.2, 0.9) * self.seconds[stage]
            alone = bool(self.kills[stage] % 2)
            if self.home.kill(after, *arguments, alone=alone):
                self.kills[stage] += 1
                self.tell(f"{stage} killed after {after:.1f} s{', alone' if alone else ''}")
            else:
                self.seconds[stage] *= 0.8
                shutil.rmtree(self.home.folder)
                self.home = before.copy(self.home.folder)
        shutil.rmtree(before.folder)


def main() -> int:
    """Rounds of kills until there were as many as asked for; 1 if a mart differs after any of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    moments, done, wrong = random.Random(asked.seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        watchlist = small_watchlist(Path(folder) / "watchlist.csv")
        whole = Home(Path(folder) / "undisturbed", watchlist)
        whole.trendhouse("run")
        expected, seconds = whole.marts(), seconds_by_stage(whole)
        while done < asked.kills:
            per_stage = min(KILLS_PER_STAGE, -(-(asked.kills - done) // len(STAGES)))
            disturbed = Disturbed(Path(folder) / "round", watchlist, seconds, moments)
            disturbed.run(per_stage)
            done += disturbed.kills.total()
            found = differences(disturbed.home.marts(), expected)
            wrong += len(found)
            for mart, (ours, theirs) in found.items():
                print(f"  {mart} differs: {ours} here, {theirs} undisturbed")
            counted = ", ".join(f"{count} in {stage}" for stage, count in disturbed.kills.items())
            print(
                f"{done} kills ({counted}): {len(expected)} marts, {len(found)} differ", flush=True
            )
            shutil.rmtree(disturbed.folder)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
