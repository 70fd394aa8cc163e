"""Leases on the rows: who holds a job, until when. The truth that Redis only hints at.

    free ──take──▶ held ──extend──▶ held
     ▲              │ └── `close.py`: close, move
     └──────────────┘ release, skip, or the time runs out

    taken ahead of time: held, unopened ──extend──▶ held; time runs out, release ──▶ free, as if
    it had never been claimed

How a free job is taken is in `taking`.

Guarantees: a job has at most one live lease, whatever Redis says, because each step is one
conditional UPDATE under the row's lock; time is the database's clock alone; a token is 128 random
bits, and without the token of the live lease nothing happens (LeaseLost).
Must not: lock a slot (`slot.py`): claims never wait for placing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from msgspec.structs import replace
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.child_safety import GRAVE
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost
from coop_queues.job import Extended, Freed, JobSummary, OrderChange
from coop_queues.lookup import SUMMARY_SQL, summary_of, uuid_of

DEFAULT_SKIP: Final = 30 * 60.0
"""Seconds that a skipped job stays hidden from who skipped it."""

FREE: Final = "(j.lease_expires_at IS NULL OR j.lease_expires_at <= clock_timestamp())"
_HELD = "j.state = 'PENDING' AND j.lease_token = :token AND j.lease_expires_at > clock_timestamp()"
HELD: Final = _HELD
"""SQL: the row `j` is held under `:token`, now; `FREE`: it has no live lease."""

UNKEPT: Final = "(j.kept_until IS NULL OR j.kept_until <= clock_timestamp())"
"""SQL: the row `j` is kept for nobody (`keeping.py`)."""


def new_token() -> str:
    """A lease token: 128 random bits in hex."""
    return secrets.token_hex(16)


# The first one opens what was taken ahead of time: the work begins now.
_EXTEND = text(
    f"""
    WITH extended AS (
        UPDATE queues.jobs j
           SET lease_expires_at = clock_timestamp() + make_interval(secs => :seconds),
               claimed_at = CASE WHEN j.unopened THEN clock_timestamp() ELSE j.claimed_at END,
               unopened = false
          FROM (SELECT job_id, unopened FROM queues.jobs WHERE job_id = :job) AS before
         WHERE j.org_id = :org AND j.job_id = before.job_id AND {_HELD}
        RETURNING j.job_id, j.queue_id, j.rank, j.lease_expires_at, j.revision, j.report_count,
                  j.claimed_at, j.claim_count, before.unopened AS opened),
    noted AS (
        UPDATE queues.claims m SET claimed_at = e.claimed_at, unopened = false
          FROM extended e
         WHERE e.opened AND m.job_id = e.job_id AND m.number = e.claim_count)
    SELECT * FROM extended
    """  # noqa: S608
)

FREED_SQL: Final = """lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL,
               claimed_at = NULL, unopened = false"""
"""SQL: what is set when a lease is given back."""

_FREE_JOB = text(
    f"""
    WITH freed AS (
        UPDATE queues.jobs j
           SET {FREED_SQL}
          FROM (SELECT job_id, lease_holder FROM queues.jobs WHERE job_id = :job) AS before
         WHERE j.org_id = :org AND j.job_id = before.job_id AND {_HELD}
        RETURNING {SUMMARY_SQL}, before.lease_holder AS holder,
                  extract(epoch FROM j.kept_until - clock_timestamp()) AS kept_left),
    ended AS (
        UPDATE queues.claims m SET ended_at = clock_timestamp(), outcome = :outcome
          FROM freed f
         WHERE m.job_id = f.job_id AND m.number = f.claim_count AND m.ended_at IS NULL
           AND NOT (m.unopened AND :outcome = 'RELEASED')),
    never_begun AS (
        DELETE FROM queues.claims m USING freed f
         WHERE m.job_id = f.job_id AND m.number = f.claim_count AND m.ended_at IS NULL
           AND m.unopened AND :outcome = 'RELEASED')
    SELECT * FROM freed
    """  # noqa: S608
)

_UNCLAIM = text(
    """
    DELETE FROM queues.claims m USING queues.jobs j
     WHERE j.org_id = :org AND j.job_id = :job AND m.job_id = j.job_id AND m.number = j.claim_count
    """
)

_SKIP = text(
    """
    INSERT INTO queues.skips (job_id, reviewer_id, org_id, until)
    VALUES (:job, :reviewer, :org, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (job_id, reviewer_id) DO UPDATE SET until = excluded.until
    """
)


async def extend(
    connection: AsyncConnection, org_id: str, job_id: str, lease_token: str, *, seconds: float
) -> Extended:
    """The lease runs `seconds` from now; one that was taken ahead of time is opened by it, and work
    counts from now. Raises LeaseLost, AlreadyClosed, JobNotFound."""
    job_id = uuid_of(job_id)
    parameters = {"org": org_id, "job": job_id, "token": lease_token, "seconds": seconds}
    row = (await connection.execute(_EXTEND, parameters)).one_or_none()
    if row is None:
        await refuse(connection, org_id, job_id)
    change = OrderChange(
        op="LEASE",
        org_id=org_id,
        queue_id=row.queue_id,
        job_id=job_id,
        rank=row.rank,
        seconds=seconds,
    )
    return Extended(
        expires_at=row.lease_expires_at,
        opened_at=row.claimed_at,
        revision=row.revision,
        report_count=row.report_count,
        changes=(change,),
    )


async def release(connection: AsyncConnection, org_id: str, job_id: str, lease_token: str) -> Freed:
    """Gives the job back: it has its old turn again. Raises as `extend`."""
    summary, _, kept_left = await _free(connection, org_id, job_id, lease_token, "RELEASED")
    return freed(summary, kept_left)


def freed(summary: JobSummary, kept_left: float) -> Freed:
    """The job as it was given back; `kept_left`: seconds for which it is kept from now on."""
    return Freed(summary=summary, changes=tuple(_freed(summary, kept_left)))


async def skip(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str,
    *,
    hide_seconds: float = DEFAULT_SKIP,
) -> Freed:
    """Gives the job back to the others: hidden from its holder for a while. Raises as `extend`."""
    summary, holder, kept_left = await _free(connection, org_id, job_id, lease_token, "SKIPPED")
    await connection.execute(
        _SKIP,
        {"job": summary.job_id, "reviewer": holder, "org": org_id, "seconds": hide_seconds},
    )
    changes = _freed(summary, kept_left, reviewer_id=holder, seconds=hide_seconds)
    return Freed(summary=summary, changes=tuple(changes))


async def withhold(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str,
    *,
    hide_seconds: float,
) -> Freed:
    """As `skip`, for a job that its holder was not shown: as if they had never claimed it."""
    hidden = await skip(connection, org_id, job_id, lease_token, hide_seconds=hide_seconds)
    await connection.execute(_UNCLAIM, {"org": org_id, "job": hidden.summary.job_id})
    return hidden


def _freed(
    summary: JobSummary, kept_left: float, *, reviewer_id: str | None = None, seconds: float = 0
) -> Iterator[OrderChange]:
    change = OrderChange(
        op="FREE",
        org_id=summary.org_id,
        queue_id=summary.queue_id,
        job_id=summary.job_id,
        rank=summary.rank,
        reviewer_id=reviewer_id,
        seconds=seconds,
    )
    yield change
    if kept_left > 0:
        yield replace(change, op="LEASE", reviewer_id=None, seconds=kept_left)


async def _free(
    connection: AsyncConnection, org_id: str, job_id: str, lease_token: str, outcome: str
) -> tuple[JobSummary, str, float]:
    parameters = {
        "org": org_id,
        "job": uuid_of(job_id),
        "token": lease_token,
        "outcome": outcome,
    }
    row = (await connection.execute(_FREE_JOB, parameters)).mappings().one_or_none()
    if row is None:
        await refuse(connection, org_id, job_id)
    values = dict(row)
    holder: str = values.pop("holder")
    kept_left = float(values.pop("kept_left") or 0)
    return summary_of(values), holder, kept_left


_STATE = text(
    f"""
    SELECT j.state, j.moved_to, j.lease_holder, j.lease_expires_at, {GRAVE} AS csam,
           coalesce(j.lease_expires_at > clock_timestamp(), false) AS held, j.kept_as, j.kept_for,
           j.kept_until, coalesce(j.kept_until > clock_timestamp(), false) AS kept
      FROM queues.jobs j WHERE j.org_id = :org AND j.job_id = :job
    """  # noqa: S608 - constants only; values are bound
)


async def refuse(connection: AsyncConnection, org_id: str, job_id: str) -> NoReturn:
    """Says why a step under a token was refused: JobNotFound, AlreadyClosed or LeaseLost."""
    await pending_row(connection, org_id, job_id)
    raise LeaseLost(f"the lease on job {job_id} is not held under this token")


async def pending_row(connection: AsyncConnection, org_id: str, job_id: str) -> Row[Any]:
    """The job's state. Raises JobNotFound, AlreadyClosed."""
    found = await connection.execute(_STATE, {"org": org_id, "job": uuid_of(job_id)})
    row = found.one_or_none()
    if row is None:
        raise JobNotFound(f"no job {job_id}")
    if row.state == "CLOSED":
        on = f": it goes on as job {row.moved_to}" if row.moved_to else ""
        raise AlreadyClosed(f"job {job_id} is closed{on}")
    return row
