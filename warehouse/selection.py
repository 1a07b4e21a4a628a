"""What a build has to reach: the models below the sources that have new data since the last whole one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from trendhouse.lake.lake import MANIFEST, replace_text
from trendhouse.settings import Place
from trendhouse.state import read_state
from warehouse.dbt import is_there

BUILT = "built.json"
# Every deduplication writes into it, whatever the source.
LEDGER = "ledger"


@dataclass(frozen=True)
class Selection:
    """The sources whose models are built (None: everything), and the clean lake that this brings in."""

    sources: tuple[str, ...] | None
    versions: Mapping[str, str]

    @property
    def select(self) -> str | None:
        """As dbt takes it: `source:github+ source:ledger+`."""
        if self.sources is None:
            return None
        return " ".join(f"source:{name}+" for name in self.sources)


def choose(
    place: Place, told: Iterable[str], manifest: Mapping[str, Any], *, whole: bool
) -> Selection:
    """`told` are the sources whose events started this build; what else is newer in the lake than in
    the marts (a build that failed, an event that was lost) comes in, too."""
    place.lake.pull()
    versions, built = lake_versions(place), built_versions(place)
    if whole or built is None or not is_there(place):
        return Selection(None, versions)
    new = {name for name, version in versions.items() if built.get(name) != version}
    known = {source["source_name"] for source in manifest["sources"].values()}
    return Selection(tuple(sorted(known & {*told, *new, LEDGER})), versions)


def unreached(manifest: Mapping[str, Any], sources: Collection[str] | None) -> set[str]:
    """The nodes that `select` leaves out, by their ids."""
    if sources is None:
        return set()
    found = [
        name for name, source in manifest["sources"].items() if source["source_name"] in sources
    ]
    reached: set[str] = set()
    while found:
        for child in manifest["child_map"].get(found.pop(), ()):
            if child not in reached:
                reached.add(child)
                found.append(child)
    return set(manifest["nodes"]) - reached


def lake_versions(place: Place) -> dict[str, str]:
    """Per source a fingerprint of its clean tables as they are."""
    digests: dict[str, Any] = {}
    for path in sorted(place.lake.clean.glob(f"*/*/{MANIFEST}")):
        digest = digests.setdefault(path.parent.parent.name, sha256())
        digest.update(path.parent.name.encode() + path.read_bytes())
    return {source: digest.hexdigest()[:16] for source, digest in digests.items()}


def built_versions(place: Place) -> dict[str, str] | None:
    """The clean lake that the published marts hold; None if that is not known."""
    path = place.warehouse.with_name(BUILT)
    return read_state(path) if path.exists() else None


def keep(place: Place, versions: Mapping[str, str]) -> None:
    """After a build that was checked and published: what is in the marts now."""
    replace_text(place.warehouse.with_name(BUILT), json.dumps(versions))
