"""`python -m simulator`: serve a world (or recordings) and print one JSON line when ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import signal
import sys
import threading

from aiohttp import web

from simulator.faults import KINDS, PASSING, Faults
from simulator.instants import moment, read
from simulator.scenarios import DEFAULT_NOW
from simulator.server import Options, Simulator
from simulator.world import DEFAULT_REPOSITORIES, DEFAULT_SEED, World


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="simulator", description=__doc__)
    add = made.add_argument
    add("--port", type=int, default=0, help="0: any free port")
    add("--now", default=DEFAULT_NOW, help="the world's instant, ISO 8601")
    add("--seed", type=int, default=DEFAULT_SEED)
    add("--repositories", type=int, default=DEFAULT_REPOSITORIES)
    add("--scale", type=float, default=1.0, help="multiplies history older than two months")
    add("--faults", type=float, default=0.0, metavar="RATE", help="share of requests that fail")
    add("--fault-seed", type=int, default=0)
    add("--fault-kinds", default=",".join(PASSING), help=f"comma list of: {', '.join(KINDS)}")
    add("--retry-after", type=int, default=1, help="seconds that Retry-After names")
    add("--slow-seconds", type=float, default=0.4, help="how slow a slow answer is")
    add(
        "--cut-page", metavar="REGEX", help="pages whose path and query match lose half their items"
    )
    add("--down", metavar="REGEX", help="paths and queries that answer 503, every time")
    add("--latency-ms", type=float, default=0.0)
    add("--core-limit", type=int, default=5000, help="requests per token and window")
    add("--search-limit", type=int, default=30)
    add("--graphql-limit", type=int, default=5000, help="points per token and window")
    add("--window-seconds", type=float, default=3600.0, help="length of core and graphql windows")
    add("--search-window-seconds", type=float, default=60.0)
    add("--concurrency-limit", type=int, default=100, help="requests of a token at the same time")
    add("--stats-attempts", type=int, default=1, help="how often statistics answer 202 first")
    add("--prerender", action="append", default=[], metavar="PATH",
        help="render this list (`issues?state=all&per_page=100`) of every repository at start")  # fmt: skip
    add("--recorded", type=pathlib.Path, metavar="DIR", help="serve the recordings in DIR instead")
    add("--exit-with-parent", action="store_true", help="end when standard input is closed")
    return made


def simulator_of(asked: argparse.Namespace) -> Simulator:
    kinds = tuple(kind for kind in asked.fault_kinds.split(",") if kind)
    faults = Faults(
        rate=asked.faults,
        seed=asked.fault_seed,
        kinds=kinds,
        retry_after=asked.retry_after,
        slow_seconds=asked.slow_seconds,
        cut_page=asked.cut_page,
        down=asked.down,
    )
    long, short = asked.window_seconds, asked.search_window_seconds
    options = Options(
        latency_ms=asked.latency_ms,
        limits={
            "core": asked.core_limit,
            "search": asked.search_limit,
            "graphql": asked.graphql_limit,
        },
        windows={"core": long, "search": short, "graphql": long},
        concurrency_limit=asked.concurrency_limit,
        stats_attempts=asked.stats_attempts,
        prerender=asked.prerender,
    )
    return Simulator(World(asked.now, asked.seed, asked.repositories, asked.scale), faults, options)


async def serve(asked: argparse.Namespace) -> None:
    """Serve until interrupted; what is ready is printed as one JSON line with `base_url`."""
    simulator = None
    if asked.recorded is not None:
        from simulator.recordings import build_app

        app = build_app(asked.recorded, moment(read(asked.now)))
    else:
        simulator = simulator_of(asked)
        app = simulator.app()
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", asked.port, backlog=512)
    await site.start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    ready = {"base_url": base_url, "now": asked.now}
    if simulator is not None and asked.prerender:
        ready["rendered_pages"] = simulator.prerender(base_url)
    try:
        print(json.dumps(ready), flush=True)
    except BrokenPipeError:  # whoever started it has ended meanwhile
        await runner.cleanup()
        return
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    if asked.exit_with_parent:
        threading.Thread(target=wait_for_parent, args=(loop, stopped), daemon=True).start()
    await stopped.wait()
    await runner.cleanup()


def wait_for_parent(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    sys.stdin.read()
    loop.call_soon_threadsafe(stopped.set)


if __name__ == "__main__":
    asyncio.run(serve(parser().parse_args()))
