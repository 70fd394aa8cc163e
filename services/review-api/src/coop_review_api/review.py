"""A reviewer's steps up to the decision: what waits, claiming, keeping, giving back, looking.

Guarantees: a job of a queue that is closed to the reviewer, or of child-abuse material without the
permission for it, does not exist for them; each look at child-abuse material leaves an audit row.
Must not: decide; `submission` does.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind, Queue
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.error import JobNotFound, LeaseLost
from coop_queues.job import Claim, Extended, Freed, Job, JobSummary, QueueCount
from coop_queues.lookup import SUMMARY_COLUMNS, summary_of
from coop_queues.slot import item_key
from coop_queues.store import Claims, OrderIndex
from coop_queues.table import jobs
from coop_review_api import audit
from coop_review_api.access import may_see, may_work
from coop_review_api.clock import Clock
from coop_review_api.configuration.catalogue import load_catalogue, load_documents
from coop_review_api.error import Fault, Invalid, NotFound
from coop_review_api.session import Principal
from coop_runtime.database import transaction

_CLAIM_ATTEMPTS = 10
_HIDE_FORBIDDEN = 24 * 3600.0  # seconds a job one may not see stays out of one's turn


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a reviewer's steps need. One for each process. Times are seconds."""

    engine: AsyncEngine
    order: OrderIndex
    claims: Claims
    clock: Clock
    lease: float
    skip: float


async def visible_queues(connection: AsyncConnection, principal: Principal) -> dict[str, Queue]:
    """The queues open to this person, by id."""
    catalogue = await load_catalogue(connection, principal.org_id, [Kind.QUEUE])
    queues = catalogue.all(Kind.QUEUE, Queue)
    return {queue_id: queue for queue_id, queue in queues.items() if may_work(principal, queue)}


async def open_queue(connection: AsyncConnection, principal: Principal, queue_id: str) -> Queue:
    """The queue, when it is open to this person. Raises `NotFound`."""
    catalogue = await load_documents(connection, principal.org_id, [(Kind.QUEUE, queue_id)])
    queue = catalogue.get(Kind.QUEUE, Queue, queue_id)
    if queue is None or not may_work(principal, queue):
        raise NotFound(f"no queue {queue_id}")
    return queue


async def counts(
    engine: AsyncEngine, principal: Principal, *, queue_id: str | None = None
) -> dict[str, QueueCount]:
    """What waits, by queue; with `queue_id` in that one only. Raises `NotFound`."""
    async with transaction(engine) as connection:
        if queue_id is None:
            queue_ids = list(await visible_queues(connection, principal))
        else:
            queue_ids = [(await open_queue(connection, principal, queue_id)).id]
        found = await store.pending_counts(connection, principal.org_id)
    nothing = QueueCount(pending=0, leased=0)
    return {queue_id: found.get(queue_id, nothing) for queue_id in queue_ids}


async def claim(desk: Desk, principal: Principal, queue_id: str) -> Claim | None:
    """Lease the most urgent job of the queue; None when nothing waits. Raises `NotFound`."""
    async with transaction(desk.engine) as connection:
        queue = await open_queue(connection, principal, queue_id)
    for _ in range(_CLAIM_ATTEMPTS):
        claimed = await desk.claims.claim(
            principal.org_id, [queue.id], principal.user_id, lease_seconds=desk.lease
        )
        if claimed is None or may_see(principal, claimed.job.summary, queue):
            if claimed is not None and claimed.job.summary.csam:
                await _audit_view(desk, principal, claimed.job.summary)
            return claimed
        async with transaction(desk.engine) as connection:
            freed = await store.skip(
                connection,
                principal.org_id,
                claimed.job.summary.job_id,
                claimed.lease_token,
                hide_seconds=_HIDE_FORBIDDEN,
            )
        await desk.order.apply(freed.changes)
    return None


async def extend(desk: Desk, principal: Principal, job_id: str, token: str) -> datetime:
    """The lease's new end. Raises LeaseLost, AlreadyClosed, JobNotFound."""
    async with transaction(desk.engine) as connection:
        await _held(connection, principal, job_id)
        extended: Extended = await store.extend(
            connection, principal.org_id, job_id, token, seconds=desk.lease
        )
    await desk.order.apply(extended.changes)
    return extended.expires_at


async def release(desk: Desk, principal: Principal, job_id: str, token: str) -> None:
    """Give the job back. Raises as `extend`."""
    async with transaction(desk.engine) as connection:
        await _held(connection, principal, job_id)
        freed: Freed = await store.release(connection, principal.org_id, job_id, token)
    await desk.order.apply(freed.changes)


async def skip(desk: Desk, principal: Principal, job_id: str, token: str) -> None:
    """Leave the job to others: hidden from this reviewer for a while. Raises as `extend`."""
    async with transaction(desk.engine) as connection:
        await _held(connection, principal, job_id)
        freed = await store.skip(
            connection, principal.org_id, job_id, token, hide_seconds=desk.skip
        )
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="job.skipped",
            target=("job", job_id),
            time=desk.clock(),
        )
    await desk.order.apply(freed.changes)


async def look(desk: Desk, principal: Principal, job_id: str) -> Job:
    """The whole job, pending or closed. Raises JobNotFound."""
    async with transaction(desk.engine) as connection:
        job = await store.get_job(connection, principal.org_id, job_id)
        await _require_visible(connection, principal, job.summary)
        if job.summary.csam:
            await _record_view(connection, principal, job.summary, desk.clock())
    return job


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which jobs to list. `item_id_prefix` finds all items whose ids begin so."""

    state: str | None = None
    queue_id: str | None = None
    item_type_id: str | None = None
    item_id: str | None = None
    item_id_prefix: str | None = None


async def search(
    engine: AsyncEngine, principal: Principal, wanted: Filter, *, after: str | None, limit: int
) -> list[JobSummary]:
    """Up to `limit` jobs in the order they came, from the one after the position `after`."""
    query = select(*SUMMARY_COLUMNS).where(jobs.c.org_id == principal.org_id, *_conditions(wanted))
    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        query = query.where(jobs.c.csam.is_(False))
    if after is not None:
        query = query.where(tuple_(jobs.c.enqueued_at, jobs.c.job_id) > _parse_position(after))
    query = query.order_by(jobs.c.enqueued_at, jobs.c.job_id).limit(limit)
    async with transaction(engine) as connection:
        if not principal.may(Permission.EDIT_MRT_QUEUES):
            open_ids = list(await visible_queues(connection, principal))
            query = query.where(jobs.c.queue_id.in_(open_ids))
        rows = await connection.execute(query)
        return [summary_of(dict(row)) for row in rows.mappings()]


def position_of(job: JobSummary) -> str:
    """Where the job stands in a search."""
    return f"{job.enqueued_at.isoformat()} {job.job_id}"


def _parse_position(position: str) -> tuple[datetime, str]:
    time, _, job_id = position.partition(" ")
    try:
        return datetime.fromisoformat(time), str(uuid.UUID(job_id))
    except ValueError:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")]) from None


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    exact = {
        jobs.c.state: wanted.state,
        jobs.c.queue_id: wanted.queue_id,
        jobs.c.item_type_id: wanted.item_type_id,
        jobs.c.item_id: wanted.item_id,
    }
    conditions = [column == value for column, value in exact.items() if value is not None]
    if wanted.item_type_id is not None and wanted.item_id is not None:
        # The indexed key of an item.
        conditions.append(jobs.c.item_key == item_key(wanted.item_type_id, wanted.item_id))
    if wanted.item_id_prefix is not None:
        conditions.append(jobs.c.item_id.startswith(wanted.item_id_prefix, autoescape=True))
    return conditions


async def _held(connection: AsyncConnection, principal: Principal, job_id: str) -> None:
    """Raises JobNotFound for a job one may not see, LeaseLost for one that another holds."""
    summary = await store.get_summary(connection, principal.org_id, job_id)
    await _require_visible(connection, principal, summary)
    if summary.lease_holder not in (None, principal.user_id):
        raise LeaseLost("somebody else holds this job")


async def _require_visible(
    connection: AsyncConnection, principal: Principal, summary: JobSummary
) -> None:
    wanted = [(Kind.QUEUE, summary.queue_id)]
    catalogue = await load_documents(connection, principal.org_id, wanted)
    queue = catalogue.get(Kind.QUEUE, Queue, summary.queue_id)
    if not may_see(principal, summary, queue):
        raise JobNotFound(f"no job {summary.job_id}")


async def _audit_view(desk: Desk, principal: Principal, summary: JobSummary) -> None:
    async with transaction(desk.engine) as connection:
        await _record_view(connection, principal, summary, desk.clock())


async def _record_view(
    connection: AsyncConnection, principal: Principal, summary: JobSummary, now: datetime
) -> None:
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action="child-safety.viewed",
        target=("job", summary.job_id),
        time=now,
    )
