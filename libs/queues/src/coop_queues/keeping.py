"""Jobs that are kept for somebody, or while an answer is awaited, until a time.

    pending ──assign──▶ ASSIGNED to a person: theirs first, nobody else's
            ──hold────▶ HELD: nobody is given it; who has the answer claims it by its id
       ▲                  │
       └── taken back, its time runs out, the person may not any more (LEFT) ──┘
           a HELD job that is claimed is held no longer (CLAIMED); an ASSIGNED one stays its
           person's until it is decided (CLOSED) or moved (MOVED)

Guarantees: the row of the job says so, under its own lock, and every claim asks it, so that Redis
lost, or a process that stopped, changes nothing; the turn and the deadline are untouched, so that
the job comes back at its place; each keeping leaves a row that says who, for whom, why, from when
to when and how it ended; the end is the database's clock's.
Must not: lock a slot (`slot.py`), or the row of a keeping before that of its job.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import metric
from coop_queues.error import HeldByOther, NotKept
from coop_queues.job import JobSummary, KeepAs, Keeping, Kept, OrderChange
from coop_queues.lease import pending_row
from coop_queues.lookup import SUMMARY_SQL, summary_of, uuid_of

_BATCH: Final = 500

_LOCK = text("SELECT 1 FROM queues.jobs WHERE org_id = :org AND job_id = :job FOR NO KEY UPDATE")
_KEEP = text(
    f"""
    UPDATE queues.jobs j
       SET kept_as = :kept_as, kept_for = :person,
           kept_until = clock_timestamp() + make_interval(secs => :seconds)
     WHERE j.org_id = :org AND j.job_id = :job
    RETURNING {SUMMARY_SQL}
    """  # noqa: S608 - constants only; values are bound
)
_FREE = text(
    f"""
    UPDATE queues.jobs j SET kept_as = NULL, kept_for = NULL, kept_until = NULL
     WHERE j.org_id = :org AND j.job_id = :job
    RETURNING {SUMMARY_SQL}
    """  # noqa: S608
)
_NOTE = text(
    """
    INSERT INTO queues.keepings
           (job_id, number, org_id, queue_id, kept_as, person_id, reason, kept_by, since, until)
    SELECT :job, 1 + (SELECT coalesce(max(number), 0) FROM queues.keepings WHERE job_id = :job),
           :org, :queue, :kept_as, :person, :reason, :by, clock_timestamp(), :until
    RETURNING number
    """
)
# One that ran out ended then, whatever ends it in the books.
_END = text(
    """
    UPDATE queues.keepings
       SET ended_at = least(until, clock_timestamp()), ended_by = :by,
           outcome = CASE WHEN until <= clock_timestamp() THEN 'EXPIRED' ELSE :outcome END
     WHERE job_id = :job AND ended_at IS NULL
    RETURNING number
    """
)
_EXPIRE = text(
    """
    WITH due AS MATERIALIZED (
        SELECT k.job_id, k.number FROM queues.keepings k
          JOIN queues.jobs j ON j.job_id = k.job_id
         WHERE k.ended_at IS NULL AND k.until <= clock_timestamp()
           AND coalesce(j.kept_until, k.until) <= clock_timestamp()
         ORDER BY k.until LIMIT :batch FOR NO KEY UPDATE OF j SKIP LOCKED),
    freed AS (
        UPDATE queues.jobs j SET kept_as = NULL, kept_for = NULL, kept_until = NULL
          FROM due WHERE j.job_id = due.job_id),
    ended AS (
        UPDATE queues.keepings k SET ended_at = k.until, outcome = 'EXPIRED'
          FROM due WHERE k.job_id = due.job_id AND k.number = due.number
        RETURNING k.job_id)
    SELECT count(*) FROM ended
    """
)
_OF_PERSON = text(
    """
    SELECT CAST(job_id AS text) FROM queues.keepings
     WHERE org_id = :org AND person_id = :person AND ended_at IS NULL ORDER BY job_id
    """
)
_COLUMNS = """CAST(k.job_id AS text) AS job_id, k.number, k.org_id, k.queue_id, k.kept_as,
              k.person_id, k.reason, k.kept_by, k.since, k.until, k.ended_at, k.ended_by,
              k.outcome"""
_OF_JOBS = text(
    f"""
    SELECT {_COLUMNS} FROM queues.keepings k
     WHERE k.org_id = :org AND k.job_id = ANY(CAST(:jobs AS uuid[]))
     ORDER BY k.since DESC, k.job_id, k.number DESC LIMIT :limit
    """  # noqa: S608
)
_OPEN = text(
    f"""
    SELECT {_COLUMNS} FROM queues.keepings k
     WHERE k.ended_at IS NULL AND k.person_id IS NOT NULL
       AND (k.org_id, k.person_id, k.job_id) > (:org, :person, CAST(:job AS uuid))
     ORDER BY k.org_id, k.person_id, k.job_id LIMIT :limit
    """  # noqa: S608
)


async def keep(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    kept_as: KeepAs,
    person_id: str | None,
    seconds: float,
    by: str,
    reason: str | None = None,
) -> Kept:
    """Keeps a pending job for `seconds`, in place of what it was kept for before. A job that its
    person holds stays with them.

    Raises JobNotFound, AlreadyClosed, HeldByOther (somebody else has a lease on it).
    """
    job = uuid_of(job_id)
    await connection.execute(_LOCK, {"org": org_id, "job": job})
    row = await pending_row(connection, org_id, job)
    if row.held and row.lease_holder != person_id:
        raise HeldByOther(row.lease_holder, row.lease_expires_at)
    await connection.execute(_END, {"job": job, "by": by, "outcome": "REPLACED"})
    found = await connection.execute(
        _KEEP,
        {"org": org_id, "job": job, "kept_as": kept_as, "person": person_id, "seconds": seconds},
    )
    summary = summary_of(dict(found.mappings().one()))
    values: dict[str, Any] = {"org": org_id, "job": job, "queue": summary.queue_id}
    values["kept_as"] = kept_as
    values |= {"person": person_id, "reason": reason, "by": by, "until": summary.kept_until}
    number = (await connection.execute(_NOTE, values)).scalar_one()
    metric.KEPT.labels(kept_as).inc()
    changes = () if row.held else (_change(summary, "LEASE", seconds),)
    return Kept(summary=summary, number=number, changes=changes)


async def unkeep(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    by: str | None,
    outcome: str,
    kept_as: KeepAs | None = None,
    person_id: str | None = None,
) -> Kept:
    """The job is everybody's again, at its place; `outcome` is TAKEN_BACK, CLAIMED or LEFT.

    Raises JobNotFound, AlreadyClosed, NotKept (or not as, or for whom, it says).
    """
    job = uuid_of(job_id)
    await connection.execute(_LOCK, {"org": org_id, "job": job})
    row = await pending_row(connection, org_id, job)
    if not row.kept or kept_as not in (None, row.kept_as) or person_id not in (None, row.kept_for):
        raise NotKept(f"job {job_id} is not kept so")
    number = await connection.scalar(_END, {"job": job, "by": by, "outcome": outcome})
    found = await connection.execute(_FREE, {"org": org_id, "job": job})
    summary = summary_of(dict(found.mappings().one()))
    changes = () if row.held else (_change(summary, "FREE"),)
    return Kept(summary=summary, number=number or 0, changes=changes)


async def answered(connection: AsyncConnection, org_id: str, job_id: str, *, by: str) -> None:
    """A job that was held is claimed, under the lock of its row: the waiting is over."""
    job = uuid_of(job_id)
    await connection.execute(_END, {"job": job, "by": by, "outcome": "CLAIMED"})
    await connection.execute(_FREE, {"org": org_id, "job": job})


def _change(summary: JobSummary, op: Any, seconds: float = 0) -> OrderChange:
    return OrderChange(
        op=op,
        org_id=summary.org_id,
        queue_id=summary.queue_id,
        job_id=summary.job_id,
        rank=summary.rank,
        seconds=seconds,
    )


async def expire(connection: AsyncConnection) -> int:
    """Ends the keepings whose time ran out, of all organisations; how many, at most 500. The jobs
    were free before that: this is for the books."""
    ended = int(await connection.scalar(_EXPIRE, {"batch": _BATCH}) or 0)
    metric.KEEPINGS_EXPIRED.inc(ended)
    return ended


async def kept_for(connection: AsyncConnection, org_id: str, person_id: str) -> list[str]:
    """The jobs that are kept for a person, by id; some may be free by now."""
    return list(await connection.scalars(_OF_PERSON, {"org": org_id, "person": person_id}))


async def keepings_of(
    connection: AsyncConnection, org_id: str, job_ids: Sequence[str], *, limit: int = 200
) -> tuple[Keeping, ...]:
    """How these jobs were kept, newest first."""
    parameters = {"org": org_id, "jobs": [uuid_of(one) for one in job_ids], "limit": limit}
    return tuple(
        Keeping(**row) for row in (await connection.execute(_OF_JOBS, parameters)).mappings()
    )


async def open_keepings(
    connection: AsyncConnection, after: Keeping | None, *, limit: int = _BATCH
) -> tuple[Keeping, ...]:
    """What is kept for people, of all organisations, by organisation and person, from the one after
    `after`."""
    start = ("", "", "00000000-0000-0000-0000-000000000000")
    org_id, person_id, job_id = start if after is None else after.position
    parameters = {"org": org_id, "person": person_id, "job": job_id, "limit": limit}
    return tuple(Keeping(**row) for row in (await connection.execute(_OPEN, parameters)).mappings())
