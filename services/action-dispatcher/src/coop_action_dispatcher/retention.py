"""The end of deliveries that ended long ago, and of old statistics.

Guarantees: a batch is short; what is pending, or ended lately, stays however old its request is.
Must not: be set below the time that the log keeps requests (30 days): the row is what makes a
replayed request harmless.
"""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MIN_DAYS = 35

# By number alone, page by page, until a page ends with a delivery that is young: the cost follows
# what is old.
_SCAN = text(
    """
    SELECT count(*) AS seen, max(seq) AS reached,
           bool_and(created_at < now() - make_interval(secs => :keep_for)) AS all_old,
           array_agg(seq) FILTER (
               WHERE state <> 'PENDING' AND finished_at < now() - make_interval(secs => :keep_for)
           ) AS old
    FROM (
        SELECT seq, state, created_at, finished_at FROM dispatch.deliveries
        WHERE seq > :after ORDER BY seq LIMIT :batch
    ) AS page
    """
)

_DELETE = text(
    """
    WITH gone AS MATERIALIZED (
        DELETE FROM dispatch.deliveries
        WHERE seq = ANY(CAST(:seqs AS bigint[])) AND state <> 'PENDING'
        RETURNING seq
    ),
    attempts AS (DELETE FROM dispatch.attempts AS a USING gone WHERE a.seq = gone.seq),
    asked AS (DELETE FROM dispatch.requests AS r USING gone WHERE r.seq = gone.seq)
    SELECT count(*) FROM gone
    """
)

_DELETE_BY_TIME = tuple(
    text(
        f"""
        DELETE FROM dispatch.{table}
        WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM dispatch.{table}
            WHERE {column} < now() - make_interval(secs => :keep_for) LIMIT :batch))
        """  # noqa: S608 - made of constants
    )
    for table, column in (("rule_executions", "created_at"), ("endpoint_minutes", "minute"))
)


class Retention(Struct, frozen=True, kw_only=True):
    """Ended deliveries are kept for `keep_for` seconds; `batch` rows go in one transaction."""

    keep_for: float = 90 * 24 * 3600.0
    batch: int = 500


class Pruned(Struct, frozen=True):
    """`reached`: where the next batch begins; 0 when it was the last."""

    deleted: int
    reached: int
    more: bool


async def prune(connection: AsyncConnection, retention: Retention, *, after: int) -> Pruned:
    """Deletes one batch, beginning behind the delivery with the number `after`."""
    limits = {"keep_for": retention.keep_for, "batch": retention.batch}
    page = (await connection.execute(_SCAN, {"after": after, **limits})).one()
    deleted = 0
    if page.old:
        deleted = (await connection.execute(_DELETE, {"seqs": page.old})).scalar_one()
    more = further = bool(page.seen == retention.batch and page.all_old)
    for statement in _DELETE_BY_TIME:
        done = await connection.execute(statement, limits)
        more = more or done.rowcount == retention.batch
    # From the beginning again the next time: what was pending may have ended.
    return Pruned(deleted, page.reached if further else 0, more)
