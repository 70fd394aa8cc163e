"""Says whose line is long, so that ingest asks them to slow down.

Must not: be needed: while Redis is away nobody is asked, and what waits, waits longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_runtime.process.log import logger
from coop_runtime.redis.crowd import crowd_key

EVERY = 0.5
"""Seconds between two looks."""
_KEPT = 2_000  # milliseconds; a process that dies says nothing for longer

_log = logger(__name__)


async def announce(long_lines: Callable[[], Sequence[str]], redis: Redis) -> None:
    """Until cancelled; `long_lines` gives the organisations."""
    while True:
        try:
            for org_id in long_lines():
                await redis.set(crowd_key(org_id), 1, px=_KEPT)
        except (RedisError, OSError) as error:
            _log.warning("redis is away: long lines are not announced", error=str(error))
        await asyncio.sleep(EVERY)
