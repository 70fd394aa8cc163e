"""Redis from the rows: building an order that is missing, repairing one that has drifted.

Guarantees: what is done here may be done twice, at once, and while jobs come and go; an order
counts as built only if Redis kept its data from the first row to the last; rows are read in pages.
Must not: hold up a claim: the rows serve while an order is built.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_queues import metric
from coop_queues.job import OrderChange
from coop_queues.order import OrderIndex, OrderUnavailable
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

PAGE: Final = 2000
_BUILD_MS: Final = 30_000  # a builder that is silent for so long is dead
PAUSE: Final = 0.005  # seconds between pages: claims go first
START: Final = (-(2**63), str(uuid.UUID(int=0)))
"""Before every job of a queue, by rank and job id."""

_log = logger("coop_queues.sync")

_ROWS = text(
    """
    SELECT CAST(job_id AS text), rank,
           extract(epoch FROM greatest(lease_expires_at, kept_until) - clock_timestamp())
               AS lease_left
      FROM queues.jobs
     WHERE org_id = :org AND queue_id = :queue AND state = 'PENDING'
       AND (rank, job_id) > (:rank, CAST(:job AS uuid))
     ORDER BY rank, job_id LIMIT :page
    """
)

_QUEUES = text(
    """
    SELECT org_id, queue_id, count(*) FROM queues.jobs
     WHERE state = 'PENDING' GROUP BY org_id, queue_id ORDER BY org_id, queue_id
    """
)

_STILL_PENDING = text(
    """
    SELECT CAST(job_id AS text) FROM queues.jobs
     WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND org_id = :org AND queue_id = :queue
       AND state = 'PENDING'
    """
)


# From queue to queue along the index, without a look at the jobs in between.
_WITH_JOBS = text(
    """
    WITH RECURSIVE q AS (
        (SELECT org_id, queue_id FROM queues.jobs WHERE state = 'PENDING'
          ORDER BY org_id, queue_id LIMIT 1)
        UNION ALL
        SELECT n.org_id, n.queue_id FROM q CROSS JOIN LATERAL (
            SELECT org_id, queue_id FROM queues.jobs
             WHERE state = 'PENDING' AND (org_id, queue_id) > (q.org_id, q.queue_id)
             ORDER BY org_id, queue_id LIMIT 1) AS n)
    SELECT org_id, queue_id FROM q
    """
)


async def queues_of(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Organisation and queue of everything that is pending."""
    return [(org_id, queue_id) for org_id, queue_id in await connection.execute(_WITH_JOBS)]


async def _pages(
    engine: AsyncEngine, org_id: str, queue_id: str
) -> AsyncIterator[list[OrderChange]]:
    rank, job_id = START
    while True:
        parameters = {
            "org": org_id,
            "queue": queue_id,
            "rank": rank,
            "job": job_id,
            "page": PAGE,
        }
        async with transaction(engine) as connection:
            rows = (await connection.execute(_ROWS, parameters)).all()
        yield [_change(org_id, queue_id, *row) for row in rows]
        if len(rows) < PAGE:
            return
        job_id, rank, _ = rows[-1]
        await asyncio.sleep(PAUSE)


def _change(
    org_id: str, queue_id: str, job_id: str, rank: int, lease_left: float | None
) -> OrderChange:
    held = lease_left is not None and lease_left > 0
    return OrderChange(
        op="HELD" if held else "ADD",
        org_id=org_id,
        queue_id=queue_id,
        job_id=job_id,
        rank=rank,
        seconds=float(lease_left or 0) if held else 0,
    )


async def build(engine: AsyncEngine, order: OrderIndex, org_id: str, queue_id: str) -> bool:
    """Fills the order of a queue that Redis does not know. False when another process is at it, or
    Redis lost its data meanwhile. Raises OrderUnavailable, Retryable."""
    token = secrets.token_hex(8)
    if (await order.call(org_id, queue_id, "begin", token, _BUILD_MS))[0] != b"ok":
        return False
    async for changes in _pages(engine, org_id, queue_id):
        await order.tell(changes)
        if (await order.call(org_id, queue_id, "keep", token, _BUILD_MS))[0] != b"ok":
            return False
    if (await order.call(org_id, queue_id, "built", token))[0] != b"ok":
        return False
    metric.ORDER_BUILDS.labels("missing").inc()
    return True


async def repair(engine: AsyncEngine, order: OrderIndex, org_id: str, queue_id: str) -> None:
    """Adds what Redis misses and removes what is not pending. Raises as `build`."""
    async for changes in _pages(engine, org_id, queue_id):
        await order.tell(changes)
    start = 0
    while members := await order.members(org_id, queue_id, start, PAGE):
        parameters = {"org": org_id, "queue": queue_id, "jobs": members}
        async with transaction(engine) as connection:
            pending = set(await connection.scalars(_STILL_PENDING, parameters))
        stale = [job for job in members if job not in pending]
        await order.tell(
            OrderChange(op="REMOVE", org_id=org_id, queue_id=queue_id, job_id=job) for job in stale
        )
        start += len(members) - len(stale)
        await asyncio.sleep(PAUSE)
    metric.ORDER_BUILDS.labels("drift").inc()


class OrderBuilder:
    """Builds missing orders beside the claims that found them missing; `close` it at the end."""

    def __init__(self, engine: AsyncEngine, order: OrderIndex) -> None:
        self._engine = engine
        self._order = order
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def start(self, org_id: str, queue_id: str) -> None:
        """Begins to build that order, unless this process is at it already."""
        key = (org_id, queue_id)
        if key not in self._tasks:
            task = asyncio.create_task(self._build(*key), name=f"build order of {queue_id}")
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _build(self, org_id: str, queue_id: str) -> None:
        try:
            await build(self._engine, self._order, org_id, queue_id)
        except (OrderUnavailable, Retryable) as error:
            # The next claim finds it missing again.
            _log.warning("order not built", org_id=org_id, queue_id=queue_id, error=str(error))

    async def idle(self) -> None:
        """Returns when nothing is being built."""
        await asyncio.gather(*self._tasks.values())

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Reconciler:
    """Compares Redis with the rows every `period` seconds, and repairs.

    The numbers are compared each time; a queue whose numbers differ twice running is repaired, and
    every queue at each `full_every`-th time, because a missing and a surplus job cancel out. A
    queue that was emptied is looked at until Redis, too, has nothing of it.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        order: OrderIndex,
        *,
        period: float = 30.0,
        full_every: int = 20,
    ) -> None:
        self._engine = engine
        self._order = order
        self._period = period
        self._full_every = full_every
        self._round = 0
        self._suspects: set[tuple[str, str]] = set()
        self._known: set[tuple[str, str]] = set()  # with pending jobs, or something left in Redis

    async def run(self) -> None:
        """A service task; ends only when cancelled."""
        while True:
            try:
                await self.once()
            except (OrderUnavailable, Retryable) as error:
                _log.warning("order not compared with the rows", error=str(error))
            await asyncio.sleep(self._period)

    async def once(self) -> None:
        """One comparison. Raises OrderUnavailable, Retryable."""
        self._round += 1
        full = self._round % self._full_every == 0
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_QUEUES)).all()
        suspects = set()
        counts = dict.fromkeys(self._known, 0) | {(org, queue): count for org, queue, count in rows}
        self._known = {queue for queue, count in counts.items() if count}
        for (org_id, queue_id), count in counts.items():
            size = await self._order.size(org_id, queue_id)
            if count == 0 and not size:
                continue
            self._known.add((org_id, queue_id))
            if size is None:
                await build(self._engine, self._order, org_id, queue_id)
            elif full or (size != count and (org_id, queue_id) in self._suspects):
                await repair(self._engine, self._order, org_id, queue_id)
            elif size != count:
                suspects.add((org_id, queue_id))
        self._suspects = suspects
