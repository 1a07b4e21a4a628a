"""From coroutines to an iterator: what asynchronous fetching emits, item by item, with back-pressure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from ingestion.landing import Item

# Items that may wait to be written; a page of a list is one item.
WAITING = 32

Emit = Callable[[Item], Awaitable[None]]


def drain(produce: Callable[[Emit], Awaitable[None]]) -> Iterator[Item]:
    """Run `produce(emit)` on a loop of its own and yield what it emits; its error is raised at the end.

    The loop only turns while the consumer asks for the next item, in the consumer's thread, so nothing
    is fetched ahead of more than WAITING items and no state is shared between threads.
    """
    loop = asyncio.new_event_loop()
    queue: asyncio.Queue[Item] = asyncio.Queue(WAITING)
    task = loop.create_task(produce(queue.put))
    try:
        while items := loop.run_until_complete(waiting(queue, task)):
            yield from items
        task.result()
    finally:
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def waiting(queue: asyncio.Queue[Item], task: asyncio.Task[None]) -> list[Item]:
    """What has been emitted since, at least one item; empty once the task has ended."""
    if queue.empty() and not task.done():
        get = asyncio.ensure_future(queue.get())
        await asyncio.wait({get, task}, return_when=asyncio.FIRST_COMPLETED)
        if not get.done():
            get.cancel()
            return []
        items = [get.result()]
    else:
        items = []
    while not queue.empty():
        items.append(queue.get_nowait())
    return items
