"""Many jobs at once: what waits in a queue or about a user, closed or moved in batches.

    contents                     what is in a queue, by kind
    closable, held_count         what may be closed without being judged, and what is held of it
    close_free                   closes those that nobody holds
    move_batch                   takes everything out of a queue, a batch at a time

Guarantees: jobs of child-abuse material, NCMEC jobs and appeals are never closed here, whatever
merges into a job meanwhile; a job that somebody holds is closed by nobody else; moving ends leases
and loses nothing. A batch locks its slots first and in order, so that batches never deadlock with
placing, closing or each other.
Must not: commit, or talk to Redis; the caller does, with the answers' `changes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_queues import slot as slots
from coop_queues.child_safety import is_grave
from coop_queues.close import close_free_job, requeue, slot_of_job
from coop_queues.job import CloseCause, Closed, JobKind, JobSummary, Moved, QueueContents
from coop_queues.lookup import SUMMARY_COLUMNS, summary_of
from coop_queues.ranking import Ranking
from coop_queues.table import jobs

_NOW = func.clock_timestamp()
_LEASED = func.coalesce(jobs.c.lease_expires_at > _NOW, False)
_KEPT = func.coalesce(jobs.c.kept_until > _NOW, False)
_HELD = _LEASED | _KEPT
_FREE = ~_HELD
_CLOSABLE = (jobs.c.state == "PENDING") & (jobs.c.kind == JobKind.DEFAULT) & ~is_grave(jobs)


async def contents(
    connection: AsyncConnection, org_id: str, queue_id: str, *, child_safety: bool = True
) -> QueueContents:
    """What is pending in a queue; without `child_safety` grave jobs are not counted. Reads all of
    it."""
    grave = is_grave(jobs).label("grave")
    pending_jobs = (
        select(jobs.c.kind, grave, _HELD.label("held"))
        .where(jobs.c.org_id == org_id, jobs.c.queue_id == queue_id, jobs.c.state == "PENDING")
        .subquery()
    ).c
    query = select(
        pending_jobs.kind,
        pending_jobs.grave,
        func.count(),
        func.count().filter(pending_jobs.held),
    ).group_by(pending_jobs.kind, pending_jobs.grave)
    by_kind: dict[JobKind, int] = {}
    closable = csam = leased = 0
    for kind, is_csam, pending, held in await connection.execute(query):
        if is_csam and not child_safety:
            continue
        by_kind[JobKind(kind)] = by_kind.get(JobKind(kind), 0) + pending
        leased += held
        csam += pending if is_csam else 0
        closable += pending if kind == JobKind.DEFAULT and not is_csam else 0
    return QueueContents(
        pending=sum(by_kind.values()), leased=leased, by_kind=by_kind, csam=csam, closable=closable
    )


class SweepScope(NamedTuple):
    """Which closable jobs are meant: those whose first cause is not after `until`, where given of a
    queue, about a user (or content of theirs), of these item types, and other than that job."""

    org_id: str
    until: datetime
    queue_id: str | None = None
    subject: ItemRef | None = None
    item_type_ids: Sequence[str] | None = None
    other_than: str | None = None


def _wanted(scope: SweepScope) -> list[ColumnElement[bool]]:
    conditions = [
        jobs.c.org_id == scope.org_id,
        _CLOSABLE,
        jobs.c.created_at <= scope.until,
    ]
    if scope.queue_id is not None:
        conditions.append(jobs.c.queue_id == scope.queue_id)
    if scope.subject is not None:
        key = slots.item_key(scope.subject.type_id, scope.subject.id)
        conditions.append(jobs.c.subject_key == key)
    if scope.item_type_ids is not None:
        conditions.append(jobs.c.item_type_id.in_(list(scope.item_type_ids)))
    if scope.other_than is not None:
        conditions.append(jobs.c.job_id != scope.other_than)
    return conditions


async def closable(
    connection: AsyncConnection, scope: SweepScope, *, limit: int
) -> list[JobSummary]:
    """Up to `limit` jobs of the scope that nobody holds."""
    query = select(*SUMMARY_COLUMNS).where(*_wanted(scope), _FREE).limit(limit)
    return [summary_of(dict(row)) for row in (await connection.execute(query)).mappings()]


async def closable_count(connection: AsyncConnection, scope: SweepScope) -> int:
    """How many jobs of the scope there are, held or not."""
    query = select(func.count()).where(*_wanted(scope))
    return int((await connection.execute(query)).scalar_one())


async def held_count(connection: AsyncConnection, scope: SweepScope) -> int:
    """How many jobs of the scope somebody holds."""
    query = select(func.count()).where(*_wanted(scope), _HELD)
    return int((await connection.execute(query)).scalar_one())


async def close_free(
    connection: AsyncConnection,
    org_id: str,
    found: Sequence[JobSummary],
    *,
    by: str,
    reason: CloseCause,
) -> list[Closed]:
    """Closes those of the jobs that are free and closable at this moment."""
    await slots.lock(connection, [slot_of_job(summary) for summary in found])
    # Under the slots' locks nothing merges into them any more.
    query = select(*SUMMARY_COLUMNS).where(
        jobs.c.org_id == org_id, jobs.c.job_id.in_([job.job_id for job in found]), _CLOSABLE
    )
    closed = []
    for row in (await connection.execute(query)).mappings().all():
        one = await close_free_job(connection, summary_of(dict(row)), by=by, reason=reason)
        if one is not None:
            closed.append(one)
    return closed


async def end_leases(connection: AsyncConnection, org_id: str, job_ids: Sequence[str]) -> None:
    """Ends the leases on these pending jobs now: their holders' tokens are worth nothing. They are
    kept for nobody any more."""
    theirs = jobs.update().where(
        jobs.c.org_id == org_id,
        jobs.c.job_id.in_(list(job_ids)),
        jobs.c.state == "PENDING",
    )
    await connection.execute(theirs.where(_LEASED).values(lease_expires_at=_NOW))
    await connection.execute(theirs.where(_KEPT).values(kept_until=_NOW))


async def move_batch(
    connection: AsyncConnection,
    org_id: str,
    queue_id: str,
    *,
    to_queue: str,
    by: str,
    ranking: Ranking,
    limit: int,
) -> list[Moved]:
    """Moves up to `limit` pending jobs of a queue, held ones too: their leases end. `ranking` is
    that of `to_queue`. An empty answer says that nothing is pending there."""
    query = (
        select(*SUMMARY_COLUMNS)
        .where(jobs.c.org_id == org_id, jobs.c.queue_id == queue_id, jobs.c.state == "PENDING")
        .order_by(jobs.c.rank, jobs.c.job_id)
        .limit(limit)
    )
    rows = (await connection.execute(query)).mappings().all()
    found = [summary_of(dict(row)) for row in rows]
    sources = [slot_of_job(summary) for summary in found]
    targets = [slot._replace(queue_id=to_queue) for slot in sources]
    await slots.lock(connection, [*sources, *targets])
    await end_leases(connection, org_id, [summary.job_id for summary in found])
    moved = []
    for summary in found:
        one = await requeue(
            connection, org_id, summary.job_id, to_queue=to_queue, by=by, ranking=ranking
        )
        if one is not None:
            moved.append(one)
    return moved
