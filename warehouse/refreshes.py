"""Which of the warehouse's models the project's present code has built, while the code changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Refreshes:
    """The code (by fingerprint) that built all models; in an upgrade also the code that is to build them,
    and the models that it has not built yet (None: not one of them)."""

    version: str | None = None
    upgrading_to: str | None = None
    remaining: tuple[str, ...] | None = None

    @classmethod
    def read(cls, state: dict[str, Any] | str | None) -> Refreshes:
        """From what was kept: nothing, the bare fingerprint of earlier versions, or `kept()`."""
        if not isinstance(state, dict):
            return cls(state)
        left = state.get("remaining")
        return cls(
            state.get("version"),
            state.get("upgrading_to"),
            None if left is None else tuple(left),
        )

    def kept(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    def begin(self, version: str) -> Refreshes:
        """An upgrade to other code; one that is under way goes on. Where one was given up half-way, no code
        is that of all rows any more."""
        if self.upgrading_to == version:
            return self
        return Refreshes(self.version if self.remaining is None else None, version)

    def note(self, built: Iterable[str], every: Iterable[str]) -> Refreshes:
        """After a full refresh of `built`, out of all models of the project."""
        if self.upgrading_to is None:
            return self
        left = set(every) - set(built)
        if self.remaining is not None:
            left &= set(self.remaining)
        return replace(self, remaining=tuple(sorted(left)))

    def built_by(self, mart: str, present: str) -> str:
        """Which code the rows of a mart are of, where `present` is the project's: what was found of rows of
        other code (a fingerprint, that they hold) says nothing of these."""
        if self.upgrading_to is None or self.upgrading_to != present:
            return present if self.version == present else f"{self.version} {present}"
        if self.remaining is None or any(each.endswith(f".{mart}") for each in self.remaining):
            return str(self.version)
        return present

    def conclude(self) -> Refreshes:
        """After a publication: an upgrade is over when no model remains."""
        return Refreshes(self.upgrading_to) if self.remaining == () else self

    @property
    def warning(self) -> list[str]:
        """What readers of a publication in the middle of an upgrade are told; empty outside of one."""
        if not self.remaining:
            return []
        names = ", ".join(name.rpartition(".")[2] for name in self.remaining[:5])
        more = f" and {len(self.remaining) - 5} more" if len(self.remaining) > 5 else ""
        return [
            f"still as the former code built them: {names}{more}; `trendhouse build` does the rest"
        ]
