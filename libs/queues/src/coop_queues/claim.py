"""Claiming: the most urgent free job of some queues, for one reviewer.

    several queues ──▶ the rows say whose first job is due first (`lease.heads`) ──▶ that queue
    one queue: Redis offers a job ──▶ its row decides ──▶ leased
      │ nothing, not filled, not there   │ refused: Redis is corrected, the next one
      └──────────▶ the rows alone ◀──────┘ (after `_OFFERS` of them)

Within a queue its order decides. Between queues, whose orders cannot be compared, time does: which
job is due first.

Guarantees: two reviewers never hold the same job (`lease.py`); None means that the rows, too, have
nothing free; Redis absent makes claims slower, not wrong.
Must not: run in the caller's transaction: a lease is committed before the job is shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_queues import holding, lease, lookup, metric
from coop_queues.error import TooManyClaims
from coop_queues.job import Claim, JobSummary, OrderChange
from coop_queues.order import Candidate, OrderIndex, OrderMissing, OrderUnavailable
from coop_queues.sync import OrderBuilder
from coop_runtime.database.engine import transaction

DEFAULT_LEASE: Final = 10 * 60.0  # seconds

_OFFERS = 16
_WAITS = 3


class Claims:
    """Claims jobs. One for each process; `close` it at the end."""

    def __init__(self, engine: AsyncEngine, order: OrderIndex) -> None:
        self._engine = engine
        self._order = order
        self.builder = OrderBuilder(engine, order)

    async def close(self) -> None:
        await self.builder.close()

    async def claim(
        self,
        org_id: str,
        queue_ids: Sequence[str],
        reviewer_id: str,
        *,
        lease_seconds: float = DEFAULT_LEASE,
        at_most: int | None = None,
        child_safety: bool = True,
    ) -> Claim | None:
        """Leases the first job of these queues that is free and not skipped by this reviewer.

        Without `child_safety` jobs of child-abuse material are passed over. None when there is
        none. Raises TooManyClaims when the reviewer holds `at_most` jobs already and there is a
        further one; Retryable while the database is away.
        """
        started = time.perf_counter()
        reviewer = _Reviewer(reviewer_id, lease_seconds, at_most, child_safety)
        if len(queue_ids) > 1:
            queue_ids = await self._most_urgent_first(org_id, queue_ids, reviewer)
        claim, way = None, "nothing"
        for queue_id in queue_ids:
            claim, way = await self._from_redis(org_id, queue_id, reviewer), "redis"
            if claim is None:
                claim = await self._from_rows(org_id, queue_id, reviewer)
                way = "rows" if claim else "nothing"
            if claim is not None:
                break
        metric.CLAIMS.labels(way).inc()
        metric.CLAIM_SECONDS.observe(time.perf_counter() - started)
        if claim is not None:
            await self._order.apply([_held(claim.job.summary, lease_seconds)])
        return claim

    async def _most_urgent_first(
        self, org_id: str, queue_ids: Sequence[str], reviewer: _Reviewer
    ) -> list[str]:
        async with transaction(self._engine) as connection:
            return await lease.heads(
                connection,
                org_id,
                queue_ids,
                reviewer_id=reviewer.id,
                child_safety=reviewer.child_safety,
            )

    async def _from_redis(self, org_id: str, queue_id: str, reviewer: _Reviewer) -> Claim | None:
        try:
            for _ in range(_OFFERS):
                offer = await self._order.reserve(org_id, queue_id, reviewer_id=reviewer.id)
                if offer is None:
                    return None
                claim = await self._decide(offer, reviewer)
                if claim is not None:
                    return claim
        except OrderMissing as missing:
            self.builder.start(missing.org_id, missing.queue_id)
        except OrderUnavailable:
            pass  # logged and counted where it happened; the rows are asked next
        return None

    async def _decide(self, offer: Candidate, reviewer: _Reviewer) -> Claim | None:
        try:
            async with transaction(self._engine) as connection:
                await reviewer.require_room(connection, offer.org_id)
                taken = await lease.take(
                    connection,
                    offer.org_id,
                    offer.job_id,
                    queue_id=offer.queue_id,
                    reviewer_id=reviewer.id,
                    seconds=reviewer.seconds,
                    child_safety=reviewer.child_safety,
                )
                if taken is not None:
                    return await _claim(connection, *taken)
                change = await lease.correction(
                    connection,
                    offer,
                    reviewer_id=reviewer.id,
                    child_safety=reviewer.child_safety,
                )
        except TooManyClaims:
            await self._order.apply([_given_back(offer)])
            raise
        metric.OFFERS_REFUSED.inc()
        if change is not None:
            await self._order.apply([change])
        return None

    async def _from_rows(self, org_id: str, queue_id: str, reviewer: _Reviewer) -> Claim | None:
        for attempt in range(_WAITS):
            async with transaction(self._engine) as connection:
                free = await lease.heads(
                    connection,
                    org_id,
                    [queue_id],
                    reviewer_id=reviewer.id,
                    child_safety=reviewer.child_safety,
                )
                if not free:
                    return None
                await reviewer.require_room(connection, org_id)
                taken = await lease.take_first(
                    connection,
                    org_id,
                    queue_id,
                    reviewer_id=reviewer.id,
                    seconds=reviewer.seconds,
                    child_safety=reviewer.child_safety,
                    # Free but locked: a merge or another claim is at it, and will soon be done.
                    wait=attempt > 0,
                )
                if taken is not None:
                    return await _claim(connection, *taken)
        return None


class _Reviewer(NamedTuple):
    """Who claims, for how many seconds, how many jobs they may hold, and whether child-abuse
    material is for them."""

    id: str
    seconds: float
    at_most: int | None
    child_safety: bool

    async def require_room(self, connection: AsyncConnection, org_id: str) -> None:
        if self.at_most is not None:
            await holding.require_room(connection, org_id, self.id, at_most=self.at_most)


async def _claim(connection: AsyncConnection, summary: JobSummary, token: str) -> Claim:
    job = await lookup.load_job(connection, summary)
    expires_at = summary.lease_expires_at
    if expires_at is None:
        raise RuntimeError("a leased row without an end of its lease: the table forbids it")
    return Claim(job=job, lease_token=token, expires_at=expires_at)


def _given_back(offer: Candidate) -> OrderChange:
    return OrderChange(
        op="FREE",
        org_id=offer.org_id,
        queue_id=offer.queue_id,
        job_id=offer.job_id,
        rank=offer.rank,
    )


def _held(summary: JobSummary, seconds: float) -> OrderChange:
    return OrderChange(
        op="LEASE",
        org_id=summary.org_id,
        queue_id=summary.queue_id,
        job_id=summary.job_id,
        rank=summary.rank,
        seconds=seconds,
    )
