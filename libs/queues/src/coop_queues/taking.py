"""Taking a free job: the first of a queue, one that Redis offers, one that was asked for by its id.

Guarantees: one conditional UPDATE under the row's lock takes a job, so that of two who want it one
has it; what a reviewer may not see is passed over inside the statement, never leased to them; a
claim that ran out ends where its lease did.
Must not: lock a slot (`slot.py`): claims never wait for placing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.child_safety import GRAVE
from coop_queues.error import HeldByOther, JobNotFound
from coop_queues.job import JobSummary, OrderChange
from coop_queues.lease import FREE, UNKEPT, new_token, pending_row
from coop_queues.lookup import SUMMARY_SQL, summary_of, uuid_of
from coop_queues.order import Candidate
from coop_queues.ranking import LONGEST_WAIT

_HIDE_UNSEEN: Final = 60.0  # seconds Redis does not offer what this reviewer may not see

_NOT_SKIPPED = """NOT EXISTS (
            SELECT 1 FROM queues.skips s
             WHERE s.job_id = j.job_id AND s.reviewer_id = :reviewer
               AND s.until > clock_timestamp())"""

# What one is given, and what one may ask for: a job that waits for an answer is for who has it.
_MINE = f"({UNKEPT} OR (j.kept_as = 'ASSIGNED' AND j.kept_for = :reviewer))"
_MAY_CHOOSE = f"""({UNKEPT} OR j.kept_for = :reviewer
            OR (j.kept_as = 'HELD' AND j.kept_for IS NULL))"""
_OPEN = f"""
        SELECT j.job_id, j.lease_expires_at AS ran_out FROM queues.jobs j
         WHERE j.org_id = :org AND j.state = 'PENDING' AND {FREE}
           AND (:child_safety OR NOT {GRAVE})
"""  # noqa: S608 - constants only; values are bound
_CANDIDATE = f"{_OPEN} AND {_MINE} AND {_NOT_SKIPPED}"

# A claim that ran out ends where its lease did; the row is locked, so nobody else ends it.
_TAKE = f"""
    WITH candidate AS MATERIALIZED (%s),
    taken AS (
        UPDATE queues.jobs j
           SET lease_token = :token, lease_holder = :reviewer, claimed_at = clock_timestamp(),
               lease_expires_at = clock_timestamp() + make_interval(secs => :seconds),
               claim_count = j.claim_count + 1, unopened = :unopened
          FROM candidate
         WHERE j.job_id = candidate.job_id
        RETURNING {SUMMARY_SQL}),
    ran_out AS (
        UPDATE queues.claims m SET ended_at = candidate.ran_out, outcome = 'EXPIRED'
          FROM candidate
         WHERE m.job_id = candidate.job_id AND m.ended_at IS NULL AND NOT m.unopened
           AND candidate.ran_out IS NOT NULL),
    never_begun AS (
        DELETE FROM queues.claims m USING candidate
         WHERE m.job_id = candidate.job_id AND m.ended_at IS NULL AND m.unopened
           AND candidate.ran_out IS NOT NULL),
    noted AS (
        INSERT INTO queues.claims
               (job_id, number, org_id, queue_id, reviewer_id, claimed_at, unopened)
        SELECT t.job_id, t.claim_count, t.org_id, t.queue_id, t.lease_holder, t.claimed_at,
               t.unopened
          FROM taken t)
    SELECT * FROM taken
"""  # noqa: S608

_TAKE_THIS = text(
    _TAKE
    % f"{_CANDIDATE} AND j.queue_id = :queue AND j.job_id = :job FOR NO KEY UPDATE SKIP LOCKED"
)
# Asked for by its id: skipped before or not.
_TAKE_CHOSEN = text(_TAKE % f"{_OPEN} AND {_MAY_CHOOSE} AND j.job_id = :job FOR NO KEY UPDATE")
_TAKE_FIRST = {
    wait: text(
        _TAKE
        % (
            f"{_CANDIDATE} AND j.queue_id = :queue"
            " ORDER BY j.rank, j.job_id LIMIT 1 FOR NO KEY UPDATE"
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
           extract(epoch FROM greatest(j.lease_expires_at, CASE WHEN {_MINE} THEN NULL
                   ELSE j.kept_until END) - clock_timestamp()) AS lease_left,
           extract(epoch FROM s.until - clock_timestamp()) AS skip_left
      FROM queues.jobs j
      LEFT JOIN queues.skips s ON s.job_id = j.job_id AND s.reviewer_id = :reviewer
     WHERE j.org_id = :org AND j.job_id = :job
    """  # noqa: S608 - constants only; values are bound
)


async def take(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    queue_id: str,
    reviewer_id: str,
    seconds: float,
    child_safety: bool = True,
    unopened: bool = False,
) -> tuple[JobSummary, str] | None:
    """Leases that job and gives its token; None when it is not free for this reviewer now.

    Never waits: a row that is locked at this moment counts as not free. `unopened`: ahead of time,
    the reviewer begins with `extend`.
    """
    parameters = {
        "org": org_id,
        "job": uuid_of(job_id),
        "queue": queue_id,
        "reviewer": reviewer_id,
        "seconds": seconds,
        "child_safety": child_safety,
        "unopened": unopened,
    }
    return await _take(connection, _TAKE_THIS, parameters)


async def take_chosen(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    reviewer_id: str,
    seconds: float,
    child_safety: bool = True,
    unopened: bool = False,
) -> tuple[JobSummary, str] | None:
    """Leases the job that the reviewer asked for by its id, though they skipped it before; None
    when it is not free for them. A row that is locked at this moment is waited for."""
    parameters = {
        "org": org_id,
        "job": uuid_of(job_id),
        "reviewer": reviewer_id,
        "seconds": seconds,
        "child_safety": child_safety,
        "unopened": unopened,
    }
    return await _take(connection, _TAKE_CHOSEN, parameters)


_ASSIGNED = text(
    f"""
    SELECT CAST(j.job_id AS text) FROM queues.keepings k JOIN queues.jobs j ON j.job_id = k.job_id
     WHERE k.org_id = :org AND k.person_id = :reviewer AND k.ended_at IS NULL
       AND j.queue_id = ANY(:queues) AND j.state = 'PENDING' AND {FREE} AND {_NOT_SKIPPED}
       AND j.kept_as = 'ASSIGNED' AND j.kept_for = :reviewer AND j.kept_until > clock_timestamp()
       AND (:child_safety OR NOT {GRAVE})
     ORDER BY j.rank, j.job_id LIMIT 20
    """  # noqa: S608 - constants only; values are bound
)


async def assigned(
    connection: AsyncConnection,
    org_id: str,
    queue_ids: Sequence[str],
    *,
    reviewer_id: str,
    child_safety: bool = True,
) -> list[str]:
    """The jobs of these queues that are assigned to the reviewer and free for them, by turn; up to
    20."""
    parameters = {
        "org": org_id,
        "queues": list(queue_ids),
        "reviewer": reviewer_id,
        "child_safety": child_safety,
    }
    return list(await connection.scalars(_ASSIGNED, parameters))


async def take_first(
    connection: AsyncConnection,
    org_id: str,
    queue_id: str,
    *,
    reviewer_id: str,
    seconds: float,
    child_safety: bool = True,
    unopened: bool = False,
    wait: bool = False,
) -> tuple[JobSummary, str] | None:
    """Leases the first free job of the queue, without Redis. Rows locked at this moment are passed
    over, or with `wait` waited for (then None can also mean: another one took it). `unopened` as
    for `take`."""
    parameters = {
        "org": org_id,
        "queue": queue_id,
        "reviewer": reviewer_id,
        "seconds": seconds,
        "child_safety": child_safety,
        "unopened": unopened,
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


async def require_takable(
    connection: AsyncConnection,
    org_id: str,
    job_id: str,
    *,
    reviewer_id: str,
    child_safety: bool,
) -> None:
    """Says why a job was not to be had: JobNotFound, AlreadyClosed or HeldByOther. Nothing is
    raised for one that is free by now."""
    row = await pending_row(connection, org_id, job_id)
    if row.csam and not child_safety:
        raise JobNotFound(f"no job {job_id}")
    if row.held:
        raise HeldByOther(row.lease_holder, row.lease_expires_at)
    anyones = row.kept_as == "HELD" and row.kept_for is None
    if row.kept and not anyones and row.kept_for != reviewer_id:
        raise HeldByOther(row.kept_for, row.kept_until)
