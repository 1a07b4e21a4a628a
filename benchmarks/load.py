"""A load generator: so many clients, or so many requests a second, on some addresses; one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle

import aiohttp


@dataclass
class Seen:
    """Latencies in seconds, answers by status (0: none), and the versions that were served."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    versions: set[str] = field(default_factory=set)

    def told(self, seconds: float) -> dict[str, object]:
        ranked = sorted(self.latencies)
        return {
            "requests": len(ranked),
            "per_second": len(ranked) / seconds,
            "p50_ms": 1000 * ranked[len(ranked) // 2],
            "p99_ms": 1000 * ranked[int(len(ranked) * 0.99)],
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "versions": sorted(self.versions, key=int),
        }


async def ask(session: aiohttp.ClientSession, url: str, seen: Seen) -> None:
    began = time.perf_counter()
    try:
        async with session.get(url) as answer:
            await answer.read()
            status = answer.status
            if version := answer.headers.get("Trendhouse-Version"):
                seen.versions.add(version)
    except aiohttp.ClientError:
        status = 0
    seen.latencies.append(time.perf_counter() - began)
    seen.statuses[status] += 1


async def saturate(session, urls: list[str], clients: int, seconds: float, seen: Seen) -> None:
    """Each client asks again as soon as it is answered."""
    until = time.perf_counter() + seconds
    queue = cycle(urls)

    async def client() -> None:
        while time.perf_counter() < until:
            await ask(session, next(queue), seen)

    await asyncio.gather(*(client() for _ in range(clients)))


async def pace(session, urls: list[str], rate: float, seconds: float, seen: Seen) -> None:
    """So many requests a second, whether or not those before are answered."""
    began, under_way = time.perf_counter(), []
    for number, url in zip(range(int(rate * seconds)), cycle(urls), strict=False):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        under_way.append(asyncio.create_task(ask(session, url, seen)))
    await asyncio.gather(*under_way)


async def load(
    urls: list[str], seconds: float, clients: int, rate: float | None
) -> dict[str, object]:
    seen = Seen()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        began = time.perf_counter()
        if rate is None:
            await saturate(session, urls, clients, seconds, seen)
        else:
            await pace(session, urls, rate, seconds, seen)
        return seen.told(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("urls", nargs="+")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rate", type=float, help="Requests a second, instead of clients.")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(load(given.urls, given.seconds, given.clients, given.rate))))


if __name__ == "__main__":
    main()
