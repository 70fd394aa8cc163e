"""Users' live strikes in Redis, where rules read them: a copy, never a truth.

    coop:strikes:<org>:<type id>:<user id>   JSON [[expires at, Unix ms; weight], …]; absent: none
    coop:strikes:whole                       the `run_id` of the Redis that holds all of them

Guarantees: what was committed is written soon after, in the order of the commits of each user; a
Redis that lost anything (restarted, flushed, another one) has no valid `whole`, and is written anew
from the rows before it gets one; whatever Redis does delays nothing else. One process writes at a
time: the advisory lock is held by the transaction in which the rows are read.
Must not: be configured to evict (`maxmemory-policy noeviction`): an absent key says "no strikes".
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import redis.asyncio
from redis.exceptions import RedisError
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher import metric
from coop_action_dispatcher import strike_statement as sql
from coop_action_dispatcher.strike_name import PREFIX, key_of
from coop_contracts.event import ItemRef
from coop_runtime.database.engine import transaction
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.redis.client import redis_client

WHOLE = PREFIX + "whole"

_BUILDING = PREFIX + "building"
_BATCH = 500
_EVERY = 1.0  # seconds between two looks at Redis and at what other processes committed
_TIMEOUT = 1.0  # seconds that Redis may take
_REBUILD_TIMEOUT = 600.0
_SPACING = 0.02  # seconds between two looks, however much is committed

# Whole only if nothing was lost since the rebuilding began: a flush would have taken the mark.
_FINISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[2])
return 1
"""

_log = logger("coop.dispatcher.strikes")
_ref = msgspec.json.Decoder(ItemRef)
_Rows = Sequence[Row[Any]]


class _Interrupted(Exception):
    """Redis lost what was being built: begin again."""


def client_of(url: str) -> redis.asyncio.Redis:
    """A client with a deadline for every call and no retries of its own."""
    return redis_client(url, timeout=_TIMEOUT, connections=4)


class StrikeIndex:
    """Keeps Redis told for as long as it runs. `committed` is set when something was changed."""

    def __init__(
        self, engine: AsyncEngine, client: redis.asyncio.Redis, committed: asyncio.Event
    ) -> None:
        self._engine = engine
        self._client = client
        self._committed = committed
        self._finish = client.register_script(_FINISH)
        # Written by us in a transaction that then failed: someone else may have written first.
        self._unsure: set[bytes] = set()
        self._whole = False  # Redis said so when it was last asked

    async def run(self) -> None:
        """Until cancelled. Outages of Redis or the database are waited out."""
        backoff = Backoff()
        while True:
            self._committed.clear()
            try:
                more = await self.publish()
                metric.STRIKES_UNPUBLISHED.set(not self._whole)
                backoff.reset()
            except (RedisError, OSError, Retryable, _Interrupted) as error:
                metric.STRIKES_UNPUBLISHED.set(1)
                _log.warning("strikes are not published", reason=str(error) or repr(error))
                await asyncio.sleep(backoff.next_delay())
                continue
            await asyncio.sleep(_SPACING)
            if not more:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY):
                        await self._committed.wait()

    async def publish(self) -> bool:
        """One pass: rebuilds what Redis lost, or tells what changed.

        True when there may be more to tell, or another process is about to tell it. Raises
        RedisError, `Retryable`.
        """
        if self._unsure:
            async with transaction(self._engine) as connection:
                await connection.execute(sql.UNPUBLISH, {"digests": list(self._unsure)})
            self._unsure.clear()
        run_id = str((await self._client.info("server"))["run_id"])
        self._whole = await self._client.get(WHOLE) == run_id.encode()
        if not self._whole:
            return await self._rebuild(run_id)
        async with transaction(self._engine) as connection:
            if not await _ours(connection):
                return True
            rows = (await connection.execute(sql.UNPUBLISHED, {"limit": _BATCH})).all()
            if not rows:
                return False
            self._unsure = {bytes(row.user_digest) for row in rows}
            await self._write(rows)
            await connection.execute(
                sql.PUBLISHED,
                {
                    "digests": [row.user_digest for row in rows],
                    "versions": [row.version for row in rows],
                },
            )
        self._unsure.clear()
        metric.STRIKE_PUBLICATIONS.inc(len(rows))
        return len(rows) == _BATCH

    async def _rebuild(self, run_id: str) -> bool:
        """Writes all live strikes anew. What changes meanwhile is told afterwards, as ever."""
        async with transaction(self._engine, within=_REBUILD_TIMEOUT) as connection:
            if not await _ours(connection):
                return True
            mark = uuid.uuid4().hex
            await self._client.delete(WHOLE)
            await self._clear()
            await self._client.set(_BUILDING, mark)
            count, after = 0, b""
            while True:
                page = {"after": after, "limit": _BATCH}
                rows = (await connection.execute(sql.LIVE_PAGE, page)).all()
                if not rows:
                    break
                self._unsure = {bytes(row.user_digest) for row in rows}
                await self._write(rows)
                after = bytes(rows[-1].user_digest)
                count += len(rows)
            # The last reading has shown that the transaction, hence the lock, was still ours.
            if not await self._finish(keys=[_BUILDING, WHOLE], args=[mark, run_id]):
                raise _Interrupted("Redis was emptied while strikes were written to it")
        self._unsure.clear()
        self._whole = True
        metric.STRIKE_REBUILDS.inc()
        _log.info("strikes written to Redis anew", users=count)
        return True

    async def _clear(self) -> None:
        found: list[bytes] = []
        async for key in self._client.scan_iter(match=PREFIX + "*", count=1000):
            found.append(key)
            if len(found) == _BATCH:
                await self._client.unlink(*found)
                found.clear()
        if found:
            await self._client.unlink(*found)

    async def _write(self, rows: _Rows) -> None:
        async with self._client.pipeline(transaction=False) as pipeline:
            for row in rows:
                key = key_of(row.org_id, _ref.decode(row.ref))
                if row.live:
                    last = max(expires_at for expires_at, _ in row.live)
                    pipeline.set(key, msgspec.json.encode(row.live), pxat=last)
                else:
                    pipeline.delete(key)
            await pipeline.execute()


async def _ours(connection: AsyncConnection) -> bool:
    return bool((await connection.execute(sql.TRY_PUBLISHER)).scalar_one())
