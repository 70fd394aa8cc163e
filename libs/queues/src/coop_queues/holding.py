"""What a reviewer holds, and how claims ended.

    claims row: open ──closed, moved, released, skipped──▶ ended, by who did it
                  └────lease runs out────────────────────▶ EXPIRED, by the next claim or `expire`
    taken ahead, not begun ──given back, runs out──▶ deleted, as if it had never been

Guarantees: a row says from when to when its reviewer had the job, so that time spent can be
counted; the lease on the job alone says who holds it now.
Must not: give anyone a token but the one who holds the lease.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import metric
from coop_queues.error import OneAhead, TooManyClaims
from coop_queues.job import Freed, Holding
from coop_queues.lease import FREED_SQL, freed
from coop_queues.lookup import SUMMARY_SQL, summary_of, uuid_of

_BATCH: Final = 1000

_LIVE = """
      FROM queues.claims c JOIN queues.jobs j ON j.job_id = c.job_id
     WHERE c.org_id = :org AND c.reviewer_id = :reviewer AND c.ended_at IS NULL
       AND j.claim_count = c.number AND j.lease_holder = :reviewer
       AND j.lease_expires_at > clock_timestamp()
"""

_HELD = text(f"SELECT {SUMMARY_SQL}, j.lease_token {_LIVE} ORDER BY c.claimed_at, c.job_id")
_HELD_THIS = text(f"SELECT {SUMMARY_SQL}, j.lease_token {_LIVE} AND c.job_id = :job")
# Of what was begun after another job of theirs was closed, the first.
_HELD_SINCE = text(
    f"""
    SELECT {SUMMARY_SQL}, j.lease_token {_LIVE} AND NOT j.unopened
       AND c.claimed_at >= (SELECT closed_at FROM queues.jobs
                             WHERE org_id = :org AND job_id = :job AND closed_by = :reviewer)
     ORDER BY c.claimed_at, c.job_id LIMIT 1
    """  # noqa: S608 - constants only; values are bound
)
_COUNT = text(f"SELECT count(*), count(*) FILTER (WHERE j.unopened) {_LIVE}")
_RELEASE_ALL = text(
    f"""
    WITH mine AS MATERIALIZED (
        SELECT j.job_id {_LIVE} ORDER BY j.job_id FOR NO KEY UPDATE OF j),
    freed AS (
        UPDATE queues.jobs j
           SET {FREED_SQL}
          FROM mine WHERE j.job_id = mine.job_id
        RETURNING {SUMMARY_SQL},
                  extract(epoch FROM j.kept_until - clock_timestamp()) AS kept_left),
    ended AS (
        UPDATE queues.claims m SET ended_at = clock_timestamp(), outcome = 'RELEASED'
          FROM freed f
         WHERE m.job_id = f.job_id AND m.number = f.claim_count AND m.ended_at IS NULL
           AND NOT m.unopened),
    never_begun AS (
        DELETE FROM queues.claims m USING freed f
         WHERE m.job_id = f.job_id AND m.number = f.claim_count AND m.ended_at IS NULL
           AND m.unopened)
    SELECT * FROM freed
    """  # noqa: S608
)

# A reviewer's claims at one moment wait for each other, so that they are counted.
_QUEUE_UP = text("SELECT pg_advisory_xact_lock(hashtextextended(:reviewer, 0))")

_EXPIRE = text(
    """
    WITH due AS (
        SELECT c.job_id, c.number, j.lease_expires_at, c.unopened
          FROM queues.claims c JOIN queues.jobs j ON j.job_id = c.job_id
         WHERE c.ended_at IS NULL AND j.claim_count = c.number
           AND j.lease_expires_at <= clock_timestamp()
         LIMIT :batch FOR UPDATE OF c SKIP LOCKED),
    never_begun AS (
        DELETE FROM queues.claims c USING due
         WHERE c.job_id = due.job_id AND c.number = due.number AND due.unopened)
    UPDATE queues.claims c SET ended_at = due.lease_expires_at, outcome = 'EXPIRED'
      FROM due WHERE c.job_id = due.job_id AND c.number = due.number AND NOT due.unopened
    """
)


async def held(connection: AsyncConnection, org_id: str, reviewer_id: str) -> tuple[Holding, ...]:
    """What the reviewer holds now, first claimed first."""
    return await _holdings(connection, _HELD, {"org": org_id, "reviewer": reviewer_id})


async def held_job(
    connection: AsyncConnection, org_id: str, job_id: str, reviewer_id: str
) -> Holding | None:
    """That job, if the reviewer holds it now. Raises JobNotFound for what is no job's id."""
    parameters = {"org": org_id, "reviewer": reviewer_id, "job": uuid_of(job_id)}
    return next(iter(await _holdings(connection, _HELD_THIS, parameters)), None)


async def held_since(
    connection: AsyncConnection, org_id: str, closed_job_id: str, reviewer_id: str
) -> Holding | None:
    """The job that the reviewer holds and took first after they closed that one."""
    parameters = {"org": org_id, "reviewer": reviewer_id, "job": uuid_of(closed_job_id)}
    return next(iter(await _holdings(connection, _HELD_SINCE, parameters)), None)


async def _holdings(
    connection: AsyncConnection, statement: TextClause, parameters: dict[str, str]
) -> tuple[Holding, ...]:
    found = []
    for row in (await connection.execute(statement, parameters)).mappings():
        values = dict(row)
        token = values.pop("lease_token")
        summary = summary_of(values)
        if summary.lease_expires_at is not None:
            found.append(
                Holding(summary=summary, lease_token=token, expires_at=summary.lease_expires_at)
            )
    return tuple(found)


async def release_all(
    connection: AsyncConnection, org_id: str, reviewer_id: str
) -> tuple[Freed, ...]:
    """Gives back everything that the reviewer holds; each job has its old turn again."""
    rows = await connection.execute(_RELEASE_ALL, {"org": org_id, "reviewer": reviewer_id})
    found = []
    for row in rows.mappings():
        values = dict(row)
        kept_left = float(values.pop("kept_left") or 0)
        found.append(freed(summary_of(values), kept_left))
    return tuple(found)


async def require_room(
    connection: AsyncConnection,
    org_id: str,
    reviewer_id: str,
    *,
    at_most: int,
    unopened: bool = False,
) -> None:
    """Before a claim, in its transaction; `unopened`: before one ahead of time. Raises
    TooManyClaims: the reviewer holds `at_most`; OneAhead: they have one ahead already."""
    await connection.execute(_QUEUE_UP, {"reviewer": f"{org_id}/{reviewer_id}"})
    found = await connection.execute(_COUNT, {"org": org_id, "reviewer": reviewer_id})
    count, ahead = found.one()
    if unopened and ahead:
        raise OneAhead("has a job ahead already")
    if count >= at_most:
        raise TooManyClaims(f"holds {count} jobs already")


async def expire(connection: AsyncConnection) -> int:
    """Ends the claims whose lease ran out, of all organisations; how many, at most 1,000."""
    ended = await connection.execute(_EXPIRE, {"batch": _BATCH})
    metric.EXPIRED.inc(ended.rowcount)
    return ended.rowcount
