"""Closing and moving a job under its lease, and taking a closing back, in the caller's transaction
with the decision.

Guarantees: a job closes once, by who holds its lease; with it the slot's generation rises, so that
a later report is a new job; a moved job goes on in the other queue with its whole history and its
turn, in the same transaction. A report that is being merged at this moment is in the closed job.
Must not: commit, or talk to Redis; the caller does, with the answer's `changes`, after the commit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import slot as slots
from coop_queues.child_safety import add_grave
from coop_queues.growth import Grown, Growth, added, grow
from coop_queues.job import CloseCause, Closed, JobSummary, Moved, OrderChange, Reopened
from coop_queues.lease import FREE, HELD, UNKEPT, refuse
from coop_queues.lookup import SUMMARY_SQL, get_summary, summary_of
from coop_queues.ranking import Ranking
from coop_queues.slot import Slot

MOVED: Final = "MOVED"
"""The `close_reason` of a job that goes on in another queue."""

REOPENED: Final = "REOPENED"
"""The `close_reason` of a job whose closing was taken back."""

# The claim ends with the job: when it was closed, or when its lease had run out before.
_CLOSE_IF = f"""
    WITH closed AS (
        UPDATE queues.jobs j
           SET state = 'CLOSED', closed_at = clock_timestamp(), closed_by = :by,
               close_reason = :reason, moved_to = :moved_to,
               lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL,
               kept_as = NULL, kept_for = NULL, kept_until = NULL
         WHERE j.org_id = :org AND j.job_id = :job AND %s
        RETURNING {SUMMARY_SQL}),
    shown AS (DELETE FROM queues.skips s USING closed c WHERE s.job_id = c.job_id),
    ended AS (
        UPDATE queues.claims m
           SET ended_at = least(c.closed_at, b.lease_expires_at),
               outcome = CASE WHEN b.lease_expires_at <= c.closed_at THEN 'EXPIRED'
                              WHEN c.moved_to IS NULL THEN 'CLOSED' ELSE 'MOVED' END
          FROM closed c JOIN queues.jobs b USING (job_id)
         WHERE m.job_id = c.job_id AND m.number = c.claim_count AND m.ended_at IS NULL
           AND NOT (m.unopened AND b.lease_expires_at <= c.closed_at)),
    never_begun AS (
        DELETE FROM queues.claims m USING closed c JOIN queues.jobs b USING (job_id)
         WHERE m.job_id = c.job_id AND m.number = c.claim_count AND m.ended_at IS NULL
           AND m.unopened AND b.lease_expires_at <= c.closed_at),
    kept AS (
        UPDATE queues.keepings k
           SET ended_at = least(k.until, c.closed_at), ended_by = c.closed_by,
               outcome = CASE WHEN k.until <= c.closed_at THEN 'EXPIRED'
                              WHEN c.moved_to IS NULL THEN 'CLOSED' ELSE 'MOVED' END
          FROM closed c WHERE k.job_id = c.job_id AND k.ended_at IS NULL)
    SELECT * FROM closed
"""  # noqa: S608 - constants only; values are bound
_CLOSE_HELD = text(_CLOSE_IF % HELD)
_CLOSE_FREE = text(_CLOSE_IF % f"j.state = 'PENDING' AND {FREE} AND {UNKEPT}")

_NEXT_GENERATION = text(
    """
    UPDATE queues.generations SET generation = generation + 1
     WHERE org_id = :org_id AND queue_id = :queue_id AND kind = :kind AND item_key = :item_key
    """
)


async def close(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str,
    *,
    by: str,
    reason: CloseCause,
) -> Closed:
    """Closes the job; `by` is the reviewer, `reason` a word such as DECIDED.

    `summary.revision` tells whether it had grown since the reviewer saw it. Raises JobNotFound,
    AlreadyClosed, LeaseLost; then nothing was changed.
    """
    found = await get_summary(connection, org_id, job_id)
    slot = slot_of_job(found)
    await slots.lock(connection, [slot])
    summary = await _close(connection, found, slot, lease_token, by=by, reason=reason)
    if summary is None:
        await refuse(connection, org_id, found.job_id)
    return Closed(summary=summary, changes=(_removed(summary),))


async def _close(
    connection: AsyncConnection,
    found: JobSummary,
    slot: Slot,
    lease_token: str | None,
    *,
    by: str,
    reason: CloseCause,
    moved_to: str | None = None,
) -> JobSummary | None:
    """Closes the job held under that token, or without a token the free job; else None."""
    parameters = {
        "org": found.org_id,
        "job": found.job_id,
        "by": by,
        "reason": reason,
        "moved_to": moved_to,
    }
    statement = _CLOSE_FREE
    if lease_token is not None:
        statement = _CLOSE_HELD
        parameters["token"] = lease_token
    row = (await connection.execute(statement, parameters)).mappings().one_or_none()
    if row is None:
        return None
    await connection.execute(_NEXT_GENERATION, slot._asdict())
    return summary_of(dict(row))


async def close_free_job(
    connection: AsyncConnection, found: JobSummary, *, by: str, reason: CloseCause
) -> Closed | None:
    """Closes a pending job that nobody holds; its slot is locked. None when it is held or closed
    by now."""
    summary = await _close(connection, found, slot_of_job(found), None, by=by, reason=reason)
    return None if summary is None else Closed(summary=summary, changes=(_removed(summary),))


def slot_of_job(summary: JobSummary) -> Slot:
    """The slot that the job is in."""
    item = summary.item
    return slots.slot_of(summary.org_id, summary.queue_id, summary.kind, item.type_id, item.id)


def _removed(summary: JobSummary) -> OrderChange:
    return OrderChange(
        op="REMOVE", org_id=summary.org_id, queue_id=summary.queue_id, job_id=summary.job_id
    )


_ADDED_REPORTERS = text(
    """
    SELECT count(DISTINCT e.reporter_key) FROM queues.entries e
     WHERE e.job_id = ANY(CAST(:old AS uuid[])) AND e.invalidated_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM queues.entries k
                        WHERE k.org_id = e.org_id AND k.reporter_key = e.reporter_key
                          AND k.invalidated_at IS NULL
                          AND (k.job_id = CAST(:new AS uuid) OR k.job_id = ANY(ARRAY(
                              SELECT unnest(j.moved_from) FROM queues.jobs j
                               WHERE j.job_id = CAST(:new AS uuid)))))
    """
)
_SUBJECT = text("SELECT CAST(subject_key AS text) FROM queues.jobs WHERE job_id = :job")


async def _continue(
    connection: AsyncConnection,
    old: JobSummary,
    new: tuple[str, Slot, int],
    ranking: Ranking,
    now: datetime | None,
) -> Grown:
    """The closed job goes on as `new` (job id, slot, generation), which may be pending already."""
    job_id, slot, generation = new
    line = [*old.moved_from, old.job_id]
    reporters = await connection.scalar(_ADDED_REPORTERS, {"old": line, "new": job_id})
    growth = Growth(
        slot=slot,
        job_id=job_id,
        generation=generation,
        ranking=ranking,
        item_type_id=old.item.type_id,
        item_id=old.item.id,
        source=old.source,
        first_cause=old.created_at,
        entries=old.entry_count,
        reports=old.report_count,
        new_reporters=reporters or 0,
        policy_ids=old.policy_ids,
        csam=old.csam,
        subject=await connection.scalar(_SUBJECT, {"job": old.job_id}),
        moved_from=tuple(line),
    )
    grown = (await grow(connection, [growth], now=now or datetime.now(UTC)))[job_id]
    if grown.csam:
        await add_grave(connection, [job_id])
    return grown


async def move(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str,
    *,
    to_queue: str,
    by: str,
    ranking: Ranking,
    now: datetime | None = None,
) -> Moved:
    """Closes the job here (MOVED) and goes on with it in `to_queue`, free for anyone there.

    It keeps entries, items and the time of its first cause, and has its turn by `ranking`, which is
    that of `to_queue`; if the item is pending there already the two become one. `now` (absent: this
    process's clock) decides whether it is overdue. The caller has checked that the queue is one of
    this organisation's. Raises ValueError for the queue where the job already is, otherwise as
    `close`.
    """
    moved = await _move(
        connection, org_id, job_id, lease_token, to_queue=to_queue, by=by, ranking=ranking, now=now
    )
    if moved is None:
        await refuse(connection, org_id, job_id)
    return moved


async def requeue(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    to_queue: str,
    by: str,
    ranking: Ranking,
    now: datetime | None = None,
) -> Moved | None:
    """Moves a job that nobody holds, as `move` does; None when it is held or closed by now."""
    return await _move(
        connection, org_id, job_id, None, to_queue=to_queue, by=by, ranking=ranking, now=now
    )


async def _move(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str | None,
    *,
    to_queue: str,
    by: str,
    ranking: Ranking,
    now: datetime | None,
) -> Moved | None:
    found = await get_summary(connection, org_id, job_id)
    if to_queue == found.queue_id:
        raise ValueError("the job is in that queue already")
    source = slot_of_job(found)
    slots.storable(to_queue)
    target = source._replace(queue_id=to_queue)
    generations = await slots.lock(connection, [source, target])
    item = found.item
    new = slots.job_id(
        target, item_type_id=item.type_id, item_id=item.id, generation=generations[target]
    )
    closed = await _close(connection, found, source, lease_token, by=by, reason=MOVED, moved_to=new)
    if closed is None:
        return None
    rank, revision, _ = await _continue(
        connection, closed, (new, target, generations[target]), ranking, now
    )
    changes = (_removed(closed), added(org_id, to_queue, new, rank))
    return Moved(closed=closed, job_id=new, merged=revision > 1, changes=changes)


_MARK_REOPENED = text(
    """
    UPDATE queues.jobs SET close_reason = :reason, moved_to = :new
     WHERE org_id = :org AND job_id = :old AND state = 'CLOSED' AND moved_to IS NULL
    RETURNING job_id
    """
)


async def reopen(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    ranking: Ranking,
    now: datetime | None = None,
) -> Reopened | None:
    """Takes a closing back: the job goes on as a new one in the same queue, whose `ranking` it is,
    with its history; what came for the item since joins it. `now` as for `move`. None when it is
    pending, or went on already.

    Raises JobNotFound.
    """
    found = await get_summary(connection, org_id, job_id)
    slot = slot_of_job(found)
    generations = await slots.lock(connection, [slot])
    new = slots.job_id(
        slot,
        item_type_id=found.item.type_id,
        item_id=found.item.id,
        generation=generations[slot],
    )
    mark = {"org": org_id, "old": found.job_id, "new": new, "reason": REOPENED}
    if (await connection.execute(_MARK_REOPENED, mark)).one_or_none() is None:
        return None
    rank, revision, _ = await _continue(
        connection, found, (new, slot, generations[slot]), ranking, now
    )
    changes = (added(org_id, found.queue_id, new, rank),)
    return Reopened(job_id=new, merged=revision > 1, changes=changes)
