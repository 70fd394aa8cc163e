"""What a reviewer holds, and how claims ended.

    claims row: open ──closed, moved, released, skipped──▶ ended, by who did it
                  └────lease runs out────────────────────▶ EXPIRED, by the next claim or `expire`

Guarantees: a row says from when to when its reviewer had the job, so that time spent can be
counted; the lease on the job alone says who holds it now.
Must not: give anyone a token but the one who holds the lease.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import metric
from coop_queues.error import TooManyClaims
from coop_queues.job import Holding
from coop_queues.lookup import SUMMARY_SQL, summary_of

_BATCH: Final = 1000

_LIVE = """
      FROM queues.claims c JOIN queues.jobs j ON j.job_id = c.job_id
     WHERE c.org_id = :org AND c.reviewer_id = :reviewer AND c.ended_at IS NULL
       AND j.claim_count = c.number AND j.lease_holder = :reviewer
       AND j.lease_expires_at > clock_timestamp()
"""

_HELD = text(f"SELECT {SUMMARY_SQL}, j.lease_token {_LIVE} ORDER BY c.claimed_at, c.job_id")
_COUNT = text(f"SELECT count(*) {_LIVE}")

# A reviewer's claims at one moment wait for each other, so that they are counted.
_QUEUE_UP = text("SELECT pg_advisory_xact_lock(hashtextextended(:reviewer, 0))")

_EXPIRE = text(
    """
    WITH due AS (
        SELECT c.job_id, c.number, j.lease_expires_at
          FROM queues.claims c JOIN queues.jobs j ON j.job_id = c.job_id
         WHERE c.ended_at IS NULL AND j.claim_count = c.number
           AND j.lease_expires_at <= clock_timestamp()
         LIMIT :batch FOR NO KEY UPDATE OF c SKIP LOCKED)
    UPDATE queues.claims c SET ended_at = due.lease_expires_at, outcome = 'EXPIRED'
      FROM due WHERE c.job_id = due.job_id AND c.number = due.number
    """
)


async def held(connection: AsyncConnection, org_id: str, reviewer_id: str) -> tuple[Holding, ...]:
    """What the reviewer holds now, first claimed first."""
    rows = await connection.execute(_HELD, {"org": org_id, "reviewer": reviewer_id})
    found = []
    for row in rows.mappings():
        values = dict(row)
        token = values.pop("lease_token")
        summary = summary_of(values)
        if summary.lease_expires_at is not None:
            found.append(
                Holding(summary=summary, lease_token=token, expires_at=summary.lease_expires_at)
            )
    return tuple(found)


async def require_room(
    connection: AsyncConnection, org_id: str, reviewer_id: str, *, at_most: int
) -> None:
    """Before a claim, in its transaction. Raises TooManyClaims: the reviewer holds `at_most`."""
    await connection.execute(_QUEUE_UP, {"reviewer": f"{org_id}/{reviewer_id}"})
    count = await connection.scalar(_COUNT, {"org": org_id, "reviewer": reviewer_id})
    if (count or 0) >= at_most:
        raise TooManyClaims(f"holds {count} jobs already")


async def expire(connection: AsyncConnection) -> int:
    """Ends the claims whose lease ran out, of all organisations; how many, at most 1,000."""
    ended = await connection.execute(_EXPIRE, {"batch": _BATCH})
    metric.EXPIRED.inc(ended.rowcount)
    return ended.rowcount
