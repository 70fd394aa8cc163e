"""Closing and moving a job under its lease, and taking a closing back, in the caller's transaction
with the decision.

Guarantees: a job closes once, by who holds its lease; with it the slot's generation rises, so that
a later report is a new job; a moved job goes on in the other queue with its whole history and its
turn, in the same transaction. A report that is being merged at this moment is in the closed job.
Must not: commit, or talk to Redis; the caller does, with the answer's `changes`, after the commit.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import slot as slots
from coop_queues.job import Closed, JobSummary, Moved, OrderChange, Reopened
from coop_queues.lease import FREE, HELD, refuse
from coop_queues.lookup import SUMMARY_SQL, get_summary, summary_of
from coop_queues.slot import Slot

MOVED: Final = "MOVED"
"""The `close_reason` of a job that goes on in another queue."""

REOPENED: Final = "REOPENED"
"""The `close_reason` of a job whose closing was taken back."""

_CLOSE_IF = f"""
    WITH gone AS (DELETE FROM queues.skips WHERE job_id = :job)
    UPDATE queues.jobs j
       SET state = 'CLOSED', closed_at = clock_timestamp(), closed_by = :by, close_reason = :reason,
           moved_to = :moved_to, lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
     WHERE j.org_id = :org AND j.job_id = :job AND %s
    RETURNING {SUMMARY_SQL}
"""  # noqa: S608 - constants only; values are bound
_CLOSE_HELD = text(_CLOSE_IF % HELD)
_CLOSE_FREE = text(_CLOSE_IF % f"j.state = 'PENDING' AND {FREE}")

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
    reason: str,
) -> Closed:
    """Closes the job; `by` is the reviewer, `reason` a word such as DECIDED.

    `summary.revision` tells whether it had grown since the reviewer saw it. Raises JobNotFound,
    AlreadyClosed, LeaseLost; then nothing was changed.
    """
    found = await get_summary(connection, org_id, job_id)
    slot = _slot(found)
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
    reason: str,
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


def _slot(summary: JobSummary) -> Slot:
    item = summary.item
    return slots.slot_of(summary.org_id, summary.queue_id, summary.kind, item.type_id, item.id)


def _removed(summary: JobSummary) -> OrderChange:
    return OrderChange(
        op="REMOVE", org_id=summary.org_id, queue_id=summary.queue_id, job_id=summary.job_id
    )


_CONTINUE = text(
    """
    INSERT INTO queues.jobs AS j (job_id, org_id, queue_id, kind, item_key, item_type_id, item_id,
                                  generation, source, policy_ids, csam, entry_count, report_count,
                                  rank, created_at, moved_from)
    SELECT :new, o.org_id, :queue, o.kind, o.item_key, o.item_type_id, o.item_id, :generation,
           o.source, o.policy_ids, o.csam, o.entry_count, o.report_count, o.rank, o.created_at,
           array_append(o.moved_from, o.job_id)
      FROM queues.jobs o WHERE o.job_id = :old
    ON CONFLICT (job_id) DO UPDATE
       SET revision = j.revision + 1,
           entry_count = j.entry_count + excluded.entry_count,
           report_count = j.report_count + excluded.report_count,
           csam = j.csam OR excluded.csam,
           rank = least(j.rank, excluded.rank),
           created_at = least(j.created_at, excluded.created_at),
           moved_from = j.moved_from || excluded.moved_from,
           policy_ids = ARRAY(
               SELECT DISTINCT unnest(j.policy_ids || excluded.policy_ids) ORDER BY 1)
     WHERE j.state = 'PENDING'
    RETURNING j.rank, j.revision
    """
)


async def move(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str,
    *,
    to_queue: str,
    by: str,
) -> Moved:
    """Closes the job here (MOVED) and goes on with it in `to_queue`, free for anyone there.

    It keeps entries, items and its turn; if the item is pending there already the two become one.
    The caller has checked that the queue is one of this organisation's. Raises ValueError for the
    queue where the job already is, otherwise as `close`.
    """
    moved = await _move(connection, org_id, job_id, lease_token, to_queue=to_queue, by=by)
    if moved is None:
        await refuse(connection, org_id, job_id)
    return moved


async def requeue(
    connection: AsyncConnection, org_id: str, job_id: str, *, to_queue: str, by: str
) -> Moved | None:
    """Moves a job that nobody holds, as `move` does; None when it is held or closed by now."""
    return await _move(connection, org_id, job_id, None, to_queue=to_queue, by=by)


async def _move(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str | None,
    *,
    to_queue: str,
    by: str,
) -> Moved | None:
    found = await get_summary(connection, org_id, job_id)
    if to_queue == found.queue_id:
        raise ValueError("the job is in that queue already")
    source = _slot(found)
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
    parameters = {
        "new": new,
        "old": found.job_id,
        "queue": to_queue,
        "generation": generations[target],
    }
    rank, revision = (await connection.execute(_CONTINUE, parameters)).one()
    added = OrderChange(op="ADD", org_id=org_id, queue_id=to_queue, job_id=new, rank=rank)
    return Moved(closed=closed, job_id=new, merged=revision > 1, changes=(_removed(closed), added))


_MARK_REOPENED = text(
    """
    UPDATE queues.jobs SET close_reason = :reason, moved_to = :new
     WHERE org_id = :org AND job_id = :old AND state = 'CLOSED' AND moved_to IS NULL
    RETURNING job_id
    """
)


async def reopen(connection: AsyncConnection, org_id: str, job_id: str) -> Reopened | None:
    """Takes a closing back: the job goes on as a new one in the same queue, with its history and
    its turn; what came for the item since joins it. None when it is pending, or went on already.

    Raises JobNotFound.
    """
    found = await get_summary(connection, org_id, job_id)
    slot = _slot(found)
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
    parameters = {
        "new": new,
        "old": found.job_id,
        "queue": found.queue_id,
        "generation": generations[slot],
    }
    rank, revision = (await connection.execute(_CONTINUE, parameters)).one()
    added = OrderChange(op="ADD", org_id=org_id, queue_id=found.queue_id, job_id=new, rank=rank)
    return Reopened(job_id=new, merged=revision > 1, changes=(added,))
