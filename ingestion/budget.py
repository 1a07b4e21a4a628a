"""What a landing costs in requests and points: planned before it, booked while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Cost:
    """What a resource has cost: requests sent, GraphQL points, bytes received."""

    requests: int = 0
    points: int = 0
    bytes: int = 0

    def add(self, requests: int, points: int, size: int) -> None:
        self.requests += requests
        self.points += points
        self.bytes += size


@dataclass(frozen=True)
class Estimate:
    """What one resource will cost; `basis` says where the figures come from."""

    resource: str
    requests: int
    points: int = 0
    seconds: float = 0.0
    basis: str = ""


@dataclass
class Plan:
    """What a landing will cost, by resource, before anything is sent."""

    source: str
    estimates: list[Estimate] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(each.requests for each in self.estimates)

    @property
    def points(self) -> int:
        return sum(each.points for each in self.estimates)

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.estimates)
