"""Repeatable chance: every draw is a hash of what it is for, so no state has to be kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
DAY = 86_400
# Scale lengthens history only up to this long before the reference, so that a new day stays alike.
UNSCALED_TAIL = 60 * DAY
_UNIT = 1.0 / 2**64


def digest(*parts: object, size: int = 8) -> bytes:
    """`size` bytes that depend on nothing but `parts`."""
    return blake2b("|".join(map(str, parts)).encode(), digest_size=size).digest()


def unit(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but `parts`."""
    return int.from_bytes(digest(*parts), "big") * _UNIT


def below(limit: int, *parts: object) -> int:
    """A whole number in [0, limit) that depends on nothing but `parts`."""
    return int.from_bytes(digest(*parts), "big") % limit


def hexadecimal(*parts: object, length: int = 40) -> str:
    """A hexadecimal name of `length` characters (40: like a commit's)."""
    return digest(*parts, size=length // 2).hex()


class Dice:
    """A sequence of draws for one thing; the n-th draw is always the same."""

    __slots__ = ("draws", "key", "turn", "used")

    def __init__(self, *parts: object) -> None:
        self.key = "|".join(map(str, parts))
        self.turn = 0
        self.draws: bytes = b""
        self.used = 64

    def unit(self) -> float:
        """The next number in [0, 1)."""
        if self.used == 64:
            self.draws = blake2b(f"{self.key}|{self.turn}".encode(), digest_size=64).digest()
            self.turn += 1
            self.used = 0
        value = int.from_bytes(self.draws[self.used : self.used + 8], "big")
        self.used += 8
        return value * _UNIT

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def below(self, limit: int) -> int:
        return int(self.unit() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.unit() * len(choices))]

    def wait(self, mean_days: float) -> int:
        """An exponential waiting time in seconds, at least one."""
        return 1 + int(-math.log(1.0 - self.unit()) * mean_days * DAY)


class Arrivals:
    """When the k-th of something happens, and how many have happened by then, both without a list.

    `total` things are due between `start` and `reference`; arrivals go on at the same pace after
    it. One falls into each unit of expected growth, so counting needs no walk through the past.
    `scale` multiplies what lies more than UNSCALED_TAIL before the reference.
    """

    __slots__ = ("key", "power", "scale", "span", "start", "total", "turning")

    def __init__(
        self,
        key: str,
        start: int,
        reference: int,
        total: float,
        *,
        power: float = 1.0,
        scale: float = 1.0,
    ) -> None:
        self.key = key
        self.start = start
        self.span = max(reference - start, 90 * DAY)
        self.total = total
        self.power = power
        self.scale = scale
        self.turning = self.plain_growth(reference - UNSCALED_TAIL)

    def plain_growth(self, instant: int) -> float:
        if instant <= self.start:
            return 0.0
        return self.total * ((instant - self.start) / self.span) ** self.power

    def growth(self, instant: int) -> float:
        """How many are expected by `instant`."""
        plain = self.plain_growth(instant)
        return plain + (self.scale - 1) * min(plain, self.turning)

    def instant(self, k: int) -> int:
        """When the k-th (from 0) happens, in seconds since 1970; the 0-th happens at the start."""
        if k == 0:
            return self.start
        due = k + unit(self.key, k)
        if due <= self.turning * self.scale:
            due /= self.scale
        else:
            due -= (self.scale - 1) * self.turning
        return self.start + int(self.span * (due / self.total) ** (1 / self.power))

    def count(self, instant: int) -> int:
        """How many have happened by `instant`, itself included."""
        if instant < self.start:
            return 0
        k = int(self.growth(instant))
        while self.instant(k) <= instant:
            k += 1
        while k > 0 and self.instant(k - 1) > instant:
            k -= 1
        return k
