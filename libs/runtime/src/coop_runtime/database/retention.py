"""Keeping data to its size, round by round: what every keeper of rows runs on.

Guarantees: an outage of the database postpones a round and ends nothing.
Must not: decide what goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_log = logger("coop.runtime.retention")


async def keep_at_intervals(keep: Callable[[], Awaitable[None]], every: float) -> None:
    """`keep`, which may raise `Retryable`, again `every` seconds after it ended, until
    cancelled."""
    while True:
        try:
            await keep()
        except Retryable as error:
            _log.warning("retention postponed", error=str(error))
        await asyncio.sleep(every)
