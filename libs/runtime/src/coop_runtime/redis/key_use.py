"""When each API key was last used: noted by ingest, shown by review-api.

    note (in memory) ──every 15 s──▶ Redis hash `coop:api-key-use:<org>`: key id → Unix seconds

Guarantees: noting costs a dictionary's write; Redis away delays what is shown, nothing else.
Must not: be needed: when Redis lost it, a key's last use is unknown until it is used again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_runtime.process.log import logger

EVERY = 15.0
"""Seconds between two writes."""

_log = logger("coop.key_use")


def _name(org_id: str) -> str:
    return f"coop:api-key-use:{org_id}"


class KeyUse:
    """One process's notes."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], float] = {}

    def note(self, org_id: str, key_id: str, at: datetime) -> None:
        """The key was used."""
        self._noted[org_id, key_id] = at.timestamp()

    async def write(self, redis: Redis) -> None:
        """What was noted since the last time. Raises RedisError; then it is kept."""
        noted, self._noted = self._noted, {}
        try:
            async with redis.pipeline(transaction=False) as pipeline:
                for (org_id, key_id), at in noted.items():
                    pipeline.hset(_name(org_id), key_id, str(int(at)))
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError):
            self._noted = noted | self._noted
            raise

    async def run(self, redis: Redis) -> None:
        """A service task; ends only when cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.write(redis)
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("the use of keys was not written", error=repr(error))


async def last_used(redis: Redis, org_id: str, key_ids: Sequence[str]) -> dict[str, datetime]:
    """When those keys were last used (UTC); those of which it is not known are left out. Empty
    while Redis is away."""
    if not key_ids:
        return {}
    try:
        found = await redis.hmget(_name(org_id), list(key_ids))
    except (RedisError, OSError, TimeoutError) as error:
        _log.warning("the use of keys is not known", error=repr(error))
        return {}
    return {
        key_id: datetime.fromtimestamp(int(at), UTC)
        for key_id, at in zip(key_ids, found, strict=True)
        if at is not None
    }
