"""Claiming: the most urgent free job of some queues, for one reviewer.

    by its id ──▶ the row decides
    several queues ──▶ the rows say whose first job is due first (`taking.heads`) ──▶ that queue
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

from coop_queues import holding, keeping, lease, lookup, metric, taking
from coop_queues.error import TooManyClaims
from coop_queues.job import Claim, Holding, JobSummary, OrderChange
from coop_queues.order import Candidate, OrderIndex, OrderMissing, OrderUnavailable
from coop_queues.sync import OrderBuilder
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable

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
        ahead: bool = False,
        first: Sequence[str] = (),
    ) -> Claim | None:
        """Leases the first job of these queues that is free and not skipped by this reviewer;
        before them, of the jobs `first` (`taking.assigned`), the first that is free.

        Without `child_safety` jobs of child-abuse material are passed over. `ahead`: the reviewer
        begins later, with `lease.extend`; until then it is no claim that counts. None when there is
        none. Raises TooManyClaims when the reviewer holds `at_most` jobs already and there is a
        further one, OneAhead likewise; Retryable while the database is away.
        """
        started = time.perf_counter()
        reviewer = _Reviewer(reviewer_id, lease_seconds, at_most, child_safety, ahead)
        claim = await self._assigned(org_id, first, reviewer) if first else None
        if claim is not None:
            metric.CLAIMS.labels("assigned").inc()
            await self._order.apply([_held(claim.job.summary, lease_seconds)])
            return claim
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

    async def claim_job(
        self,
        org_id: str,
        job_id: str,
        reviewer_id: str,
        *,
        lease_seconds: float = DEFAULT_LEASE,
        at_most: int | None = None,
        child_safety: bool = True,
    ) -> Claim:
        """Leases that job, though the reviewer skipped it before; what they hold already is theirs
        again, and begun. Raises JobNotFound, AlreadyClosed, HeldByOther, TooManyClaims."""
        started = time.perf_counter()
        reviewer = _Reviewer(reviewer_id, lease_seconds, at_most, child_safety, False)
        async with transaction(self._engine) as connection:
            claim = await _take_job(connection, org_id, job_id, reviewer)
        metric.CLAIMS.labels("chosen").inc()
        metric.CLAIM_SECONDS.observe(time.perf_counter() - started)
        await self._order.apply([_held(claim.job.summary, lease_seconds)])
        return claim

    async def _assigned(
        self, org_id: str, job_ids: Sequence[str], reviewer: _Reviewer
    ) -> Claim | None:
        for job_id in job_ids:
            async with transaction(self._engine) as connection:
                await reviewer.require_room(connection, org_id)
                taken = await taking.take_chosen(
                    connection,
                    org_id,
                    job_id,
                    reviewer_id=reviewer.id,
                    seconds=reviewer.seconds,
                    child_safety=reviewer.child_safety,
                    unopened=reviewer.ahead,
                )
                if taken is not None:
                    return await _claim(connection, *taken)
        return None

    async def _most_urgent_first(
        self, org_id: str, queue_ids: Sequence[str], reviewer: _Reviewer
    ) -> list[str]:
        async with transaction(self._engine) as connection:
            return await taking.heads(
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
                taken = await taking.take(
                    connection,
                    offer.org_id,
                    offer.job_id,
                    queue_id=offer.queue_id,
                    reviewer_id=reviewer.id,
                    seconds=reviewer.seconds,
                    child_safety=reviewer.child_safety,
                    unopened=reviewer.ahead,
                )
                if taken is not None:
                    return await _claim(connection, *taken)
                change = await taking.correction(
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
                free = await taking.heads(
                    connection,
                    org_id,
                    [queue_id],
                    reviewer_id=reviewer.id,
                    child_safety=reviewer.child_safety,
                )
                if not free:
                    return None
                await reviewer.require_room(connection, org_id)
                taken = await taking.take_first(
                    connection,
                    org_id,
                    queue_id,
                    reviewer_id=reviewer.id,
                    seconds=reviewer.seconds,
                    child_safety=reviewer.child_safety,
                    unopened=reviewer.ahead,
                    # Free but locked: a merge or another claim is at it, and will soon be done.
                    wait=attempt > 0,
                )
                if taken is not None:
                    return await _claim(connection, *taken)
        return None


class _Reviewer(NamedTuple):
    """Who claims, for how many seconds, how many jobs they may hold, whether child-abuse material
    is for them, and whether they begin later."""

    id: str
    seconds: float
    at_most: int | None
    child_safety: bool
    ahead: bool = False

    async def require_room(self, connection: AsyncConnection, org_id: str) -> None:
        if self.at_most is not None:
            await holding.require_room(
                connection, org_id, self.id, at_most=self.at_most, unopened=self.ahead
            )


async def lease_job(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    reviewer_id: str,
    *,
    lease_seconds: float,
    at_most: int | None = None,
    child_safety: bool = True,
) -> tuple[Claim, OrderChange]:
    """As `Claims.claim_job`, in the caller's transaction, and what Redis is to be told after its
    commit: nobody else is given a job that comes to be in the same transaction. Raises as that."""
    reviewer = _Reviewer(reviewer_id, lease_seconds, at_most, child_safety)
    claim = await _take_job(connection, org_id, job_id, reviewer)
    return claim, _held(claim.job.summary, lease_seconds)


async def _take_job(
    connection: AsyncConnection, org_id: str, job_id: str, reviewer: _Reviewer
) -> Claim:
    mine = await holding.held_job(connection, org_id, job_id, reviewer.id)
    if mine is not None:
        await lease.extend(connection, org_id, job_id, mine.lease_token, seconds=reviewer.seconds)
        summary = await lookup.get_summary(connection, org_id, job_id)
        return await _claim(connection, summary, mine.lease_token)
    await reviewer.require_room(connection, org_id)
    for _ in range(_WAITS):
        taken = await taking.take_chosen(
            connection,
            org_id,
            job_id,
            reviewer_id=reviewer.id,
            seconds=reviewer.seconds,
            child_safety=reviewer.child_safety,
        )
        if taken is not None:
            if taken[0].kept_as == "HELD":
                await keeping.answered(connection, org_id, job_id, by=reviewer.id)
            return await _claim(connection, *taken)
        await taking.require_takable(
            connection,
            org_id,
            job_id,
            reviewer_id=reviewer.id,
            child_safety=reviewer.child_safety,
        )
    raise Retryable("the job is free and taken by turns")


async def continued(connection: AsyncConnection, found: Holding) -> Claim:
    """What a reviewer holds, as their claim of it was answered."""
    return await _claim(connection, found.summary, found.lease_token)


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
