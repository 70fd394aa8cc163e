"""Work that is done again and again: what every keeper, counter and releaser runs on.

Guarantees: an outage of a dependency postpones a round, says so, and ends nothing.
Must not: decide what is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_log = logger("coop.runtime.interval")


async def at_intervals(
    work: Callable[[], Awaitable[object]], every: float, *, postponed: str
) -> None:
    """`work`, which may raise `Retryable`, again `every` seconds after it ended, until cancelled.
    `postponed` says what waits meanwhile."""
    while True:
        try:
            await work()
        except Retryable as error:
            _log.warning(postponed, error=str(error))
        await asyncio.sleep(every)


async def in_batches(work: Callable[[], Awaitable[int]], batch: int) -> None:
    """`work`, which says how many it did, until that is fewer than a `batch`."""
    while await work() == batch:
        pass
