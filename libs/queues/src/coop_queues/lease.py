"""Leases on the rows: who holds a job, until when. The truth that Redis only hints at.

    free ──take──▶ held ──extend──▶ held
     ▲              │ └── `close.py`: close, move
     └──────────────┘ release, skip, or the time runs out

Guarantees: a job has at most one live lease, whatever Redis says, because each step is one
conditional UPDATE under the row's lock; time is the database's clock alone; a token is 128 random
bits, and without the token of the live lease nothing happens (LeaseLost).
Must not: lock a slot (`slot.py`): claims never wait for placing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.child_safety import GRAVE
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost
from coop_queues.job import Extended, Freed, JobSummary, OrderChange
from coop_queues.lookup import SUMMARY_SQL, summary_of, uuid_of
from coop_queues.order import Candidate
from coop_queues.ranking import LONGEST_WAIT

DEFAULT_SKIP: Final = 30 * 60.0
"""Seconds that a skipped job stays hidden from who skipped it."""

_HIDE_UNSEEN: Final = 60.0  # seconds Redis does not offer what this reviewer may not see

FREE: Final = "(j.lease_expires_at IS NULL OR j.lease_expires_at <= clock_timestamp())"
_HELD = "j.state = 'PENDING' AND j.lease_token = :token AND j.lease_expires_at > clock_timestamp()"
HELD: Final = _HELD
"""SQL: the row `j` is held under `:token`, now; `FREE`: it has no live lease."""

_NOT_SKIPPED = """NOT EXISTS (
            SELECT 1 FROM queues.skips s
             WHERE s.job_id = j.job_id AND s.reviewer_id = :reviewer
               AND s.until > clock_timestamp())"""

_CANDIDATE = f"""
        SELECT j.job_id, j.lease_expires_at AS ran_out FROM queues.jobs j
         WHERE j.org_id = :org AND j.state = 'PENDING' AND {FREE} AND {_NOT_SKIPPED}
           AND (:child_safety OR NOT {GRAVE})
"""  # noqa: S608 - constants only; values are bound

# A claim that ran out ends where its lease did; the row is locked, so nobody else ends it.
_TAKE = f"""
    WITH candidate AS MATERIALIZED ({_CANDIDATE} AND %s),
    taken AS (
        UPDATE queues.jobs j
           SET lease_token = :token, lease_holder = :reviewer, claimed_at = clock_timestamp(),
               lease_expires_at = clock_timestamp() + make_interval(secs => :seconds),
               claim_count = j.claim_count + 1
          FROM candidate
         WHERE j.job_id = candidate.job_id
        RETURNING {SUMMARY_SQL}),
    ran_out AS (
        UPDATE queues.claims m SET ended_at = candidate.ran_out, outcome = 'EXPIRED'
          FROM candidate
         WHERE m.job_id = candidate.job_id AND m.ended_at IS NULL
           AND candidate.ran_out IS NOT NULL),
    noted AS (
        INSERT INTO queues.claims (job_id, number, org_id, queue_id, reviewer_id, claimed_at)
        SELECT t.job_id, t.claim_count, t.org_id, t.queue_id, t.lease_holder, t.claimed_at
          FROM taken t)
    SELECT * FROM taken
"""  # noqa: S608

_TAKE_THIS = text(_TAKE % "j.queue_id = :queue AND j.job_id = :job FOR NO KEY UPDATE SKIP LOCKED")
_TAKE_FIRST = {
    wait: text(
        _TAKE
        % (
            "j.queue_id = :queue ORDER BY j.rank, j.job_id LIMIT 1 FOR NO KEY UPDATE"
            + ("" if wait else " SKIP LOCKED")
        )
    )
    for wait in (False, True)
}

_DUE = f"coalesce(j.deadline, j.created_at + interval '{LONGEST_WAIT.total_seconds()} s') AS due"

_HEADS = text(
    f"""
    SELECT q.queue_id FROM unnest(CAST(:queues AS text[])) AS q (queue_id)
     CROSS JOIN LATERAL ({_CANDIDATE.replace("j.job_id,", f"j.job_id, {_DUE},")}
                            AND j.queue_id = q.queue_id ORDER BY j.rank, j.job_id LIMIT 1) AS head
     ORDER BY head.due, head.job_id
    """  # noqa: S608
)

_WHY_NOT = text(
    f"""
    SELECT j.state, j.queue_id, j.rank, {GRAVE} AS csam,
           extract(epoch FROM j.lease_expires_at - clock_timestamp()) AS lease_left,
           extract(epoch FROM s.until - clock_timestamp()) AS skip_left
      FROM queues.jobs j
      LEFT JOIN queues.skips s ON s.job_id = j.job_id AND s.reviewer_id = :reviewer
     WHERE j.org_id = :org AND j.job_id = :job
    """  # noqa: S608 - constants only; values are bound
)


def new_token() -> str:
    """A lease token: 128 random bits in hex."""
    return secrets.token_hex(16)


async def take(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    queue_id: str,
    reviewer_id: str,
    seconds: float,
    child_safety: bool = True,
) -> tuple[JobSummary, str] | None:
    """Leases that job and gives its token; None when it is not free for this reviewer now.

    Never waits: a row that is locked at this moment counts as not free.
    """
    parameters = {
        "org": org_id,
        "job": uuid_of(job_id),
        "queue": queue_id,
        "reviewer": reviewer_id,
        "seconds": seconds,
        "child_safety": child_safety,
    }
    return await _take(connection, _TAKE_THIS, parameters)


async def take_first(
    connection: AsyncConnection,
    org_id: str,
    queue_id: str,
    *,
    reviewer_id: str,
    seconds: float,
    child_safety: bool = True,
    wait: bool = False,
) -> tuple[JobSummary, str] | None:
    """Leases the first free job of the queue, without Redis. Rows locked at this moment are passed
    over, or with `wait` waited for (then None can also mean: another one took it)."""
    parameters = {
        "org": org_id,
        "queue": queue_id,
        "reviewer": reviewer_id,
        "seconds": seconds,
        "child_safety": child_safety,
    }
    return await _take(connection, _TAKE_FIRST[wait], parameters)


async def _take(
    connection: AsyncConnection, statement: Any, parameters: dict[str, Any]
) -> tuple[JobSummary, str] | None:
    token = new_token()
    found = await connection.execute(statement, {**parameters, "token": token})
    row = found.mappings().one_or_none()
    if row is None:
        return None
    return summary_of(dict(row)), token


async def heads(
    connection: AsyncConnection,
    org_id: str,
    queue_ids: Sequence[str],
    *,
    reviewer_id: str,
    child_safety: bool = True,
) -> list[str]:
    """The queues that have a job free for this reviewer; first the one whose first job is due
    first: at its deadline, or where nothing was promised after `LONGEST_WAIT`."""
    parameters = {
        "org": org_id,
        "queues": list(queue_ids),
        "reviewer": reviewer_id,
        "child_safety": child_safety,
    }
    return list(await connection.scalars(_HEADS, parameters))


async def correction(
    connection: AsyncConnection, offer: Candidate, *, reviewer_id: str, child_safety: bool = True
) -> OrderChange | None:
    """Why a job that Redis offered could not be taken, as what Redis is to be told instead.

    None: the row was locked at that moment; Redis offers it again when its reservation ends.
    """
    parameters = {"org": offer.org_id, "job": offer.job_id, "reviewer": reviewer_id}
    row = (await connection.execute(_WHY_NOT, parameters)).one_or_none()
    change = OrderChange(
        op="REMOVE", org_id=offer.org_id, queue_id=offer.queue_id, job_id=offer.job_id
    )
    if row is None or row.state != "PENDING" or row.queue_id != offer.queue_id:
        return change
    if row.lease_left is not None and row.lease_left > 0:
        return replace(change, op="LEASE", rank=row.rank, seconds=float(row.lease_left))
    hidden = float(row.skip_left or 0)
    if row.csam and not child_safety:
        hidden = max(hidden, _HIDE_UNSEEN)
    if hidden > 0:
        return replace(change, op="FREE", rank=row.rank, reviewer_id=reviewer_id, seconds=hidden)
    return None


_EXTEND = text(
    f"""
    UPDATE queues.jobs j
       SET lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)
     WHERE j.org_id = :org AND j.job_id = :job AND {_HELD}
    RETURNING j.queue_id, j.rank, j.lease_expires_at, j.revision, j.report_count
    """  # noqa: S608
)

_FREE_JOB = text(
    f"""
    WITH freed AS (
        UPDATE queues.jobs j
           SET lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL, claimed_at = NULL
          FROM (SELECT job_id, lease_holder FROM queues.jobs WHERE job_id = :job) AS before
         WHERE j.org_id = :org AND j.job_id = before.job_id AND {_HELD}
        RETURNING {SUMMARY_SQL}, before.lease_holder AS holder),
    ended AS (
        UPDATE queues.claims m SET ended_at = clock_timestamp(), outcome = :outcome
          FROM freed f
         WHERE m.job_id = f.job_id AND m.number = f.claim_count AND m.ended_at IS NULL)
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
    """The lease runs `seconds` from now. Raises LeaseLost, AlreadyClosed, JobNotFound."""
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
        revision=row.revision,
        report_count=row.report_count,
        changes=(change,),
    )


async def release(connection: AsyncConnection, org_id: str, job_id: str, lease_token: str) -> Freed:
    """Gives the job back: it has its old turn again. Raises as `extend`."""
    summary, _ = await _free(connection, org_id, job_id, lease_token, "RELEASED")
    return Freed(summary=summary, changes=(_freed(summary),))


async def skip(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str,
    *,
    hide_seconds: float = DEFAULT_SKIP,
) -> Freed:
    """Gives the job back to the others: hidden from its holder for a while. Raises as `extend`."""
    summary, holder = await _free(connection, org_id, job_id, lease_token, "SKIPPED")
    await connection.execute(
        _SKIP,
        {"job": summary.job_id, "reviewer": holder, "org": org_id, "seconds": hide_seconds},
    )
    return Freed(summary=summary, changes=(_freed(summary, holder, hide_seconds),))


async def withhold(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    lease_token: str,
    *,
    hide_seconds: float,
) -> Freed:
    """As `skip`, for a job that its holder was not shown: as if they had never claimed it."""
    freed = await skip(connection, org_id, job_id, lease_token, hide_seconds=hide_seconds)
    await connection.execute(_UNCLAIM, {"org": org_id, "job": freed.summary.job_id})
    return freed


def _freed(summary: JobSummary, reviewer_id: str | None = None, seconds: float = 0) -> OrderChange:
    return OrderChange(
        op="FREE",
        org_id=summary.org_id,
        queue_id=summary.queue_id,
        job_id=summary.job_id,
        rank=summary.rank,
        reviewer_id=reviewer_id,
        seconds=seconds,
    )


async def _free(
    connection: AsyncConnection, org_id: str, job_id: str, lease_token: str, outcome: str
) -> tuple[JobSummary, str]:
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
    return summary_of(values), holder


_STATE = text("SELECT state, moved_to FROM queues.jobs WHERE org_id = :org AND job_id = :job")


async def refuse(connection: AsyncConnection, org_id: str, job_id: str) -> NoReturn:
    """Says why a step under a token was refused: JobNotFound, AlreadyClosed or LeaseLost."""
    found = await connection.execute(_STATE, {"org": org_id, "job": uuid_of(job_id)})
    row = found.one_or_none()
    if row is None:
        raise JobNotFound(f"no job {job_id}")
    if row.state == "CLOSED":
        on = f": it goes on as job {row.moved_to}" if row.moved_to else ""
        raise AlreadyClosed(f"job {job_id} is closed{on}")
    raise LeaseLost(f"the lease on job {job_id} is not held under this token")
