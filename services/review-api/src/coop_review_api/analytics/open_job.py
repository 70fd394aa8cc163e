"""How many jobs are open now, and were open at the end of each bucket.

Guarantees: at a time at which nobody looked it is not known, and said so; the bucket that is not
over yet has what is open now.
Must not: count what the reader may not see.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import reading
from coop_review_api.analytics.answer import Answer, Level, Series, answer
from coop_review_api.analytics.asked import AskedQuestion
from coop_review_api.review.visibility import ReaderScope
from coop_review_api.tally.relation import OPEN_JOB_TIMES, OPEN_JOBS

_TIMES = text(
    f"""
    SELECT width_bucket(t.time, CAST(:edges AS timestamptz[])) AS place, max(t.time) AS time
      FROM {OPEN_JOB_TIMES.sql} t
     WHERE t.time >= CAST(:since AS timestamptz) AND t.time <= CAST(:until AS timestamptz)
     GROUP BY 1
    """  # noqa: S608 - constants; values are bound
)


async def open_jobs(
    connection: AsyncConnection, scope: ReaderScope, asked: AskedQuestion, *, now: datetime
) -> Answer:
    """By queue, where that is grouped by."""
    edges = asked.buckets.edges
    looked = await _looked(connection, edges)
    levels = await _levels(connection, scope, asked, sorted(set(looked.values())))
    current = await _now(connection, scope, asked) if edges[0] <= now < edges[-1] else {}
    keys = set(current) | {key for by_key in levels.values() for key in by_key}
    if not asked.group_by:
        keys = {""}

    def level(key: str, bucket: int) -> Level:
        if edges[bucket] <= now < edges[bucket + 1]:
            return current.get(key, 0)
        at = looked.get(bucket)
        return None if at is None else levels.get(at, {}).get(key, 0)

    series = []
    for key in keys:
        counts = [level(key, bucket) for bucket in range(len(edges) - 1)]
        series.append(_series(asked, [key] if asked.group_by else [], counts))
    series.sort(key=lambda one: (-(one.total or 0), one.keys))
    return answer(asked, series[: asked.top])


def _series(asked: AskedQuestion, keys: list[str | None], counts: list[Level]) -> Series:
    """The total of a level is the last one."""
    before = asked.buckets.before
    previous = counts[:before] if before else None
    return Series(
        keys=keys,
        total=_last(counts[before:]),
        counts=counts[before:],
        previous_total=None if previous is None else _last(previous),
        previous=previous,
    )


def _last(counts: list[Level]) -> Level:
    return next((one for one in reversed(counts) if one is not None), None)


async def _looked(connection: AsyncConnection, edges: tuple[datetime, ...]) -> dict[int, datetime]:
    """By bucket: when was looked last in it, or just as it ended."""
    rows = await connection.execute(
        _TIMES, {"edges": list(edges), "since": edges[0], "until": edges[-1]}
    )
    by_place = {row.place: row.time for row in rows}
    found = {}
    exact = await _exact(connection, edges)
    for bucket in range(len(edges) - 1):
        ended = edges[bucket + 1]
        at = ended if ended in exact else by_place.get(bucket + 1)
        if at is not None:
            found[bucket] = at
    return found


async def _exact(connection: AsyncConnection, edges: tuple[datetime, ...]) -> set[datetime]:
    query = text(
        f"SELECT t.time FROM {OPEN_JOB_TIMES.sql} t"  # noqa: S608
        " WHERE t.time = ANY(CAST(:edges AS timestamptz[]))"
    )
    return set(await connection.scalars(query, {"edges": list(edges)}))


async def _levels(
    connection: AsyncConnection,
    scope: ReaderScope,
    asked: AskedQuestion,
    times: list[datetime],
) -> dict[datetime, dict[str, int]]:
    values: dict[str, Any] = {"org": scope.org_id, "times": times}
    where = ["o.org_id = :org", "o.time = ANY(CAST(:times AS timestamptz[]))"]
    if not scope.child_safety:
        where.append("NOT o.grave")
    where += _queues(scope, asked, values, "o")
    statement = f"""
        SELECT o.time, {_key(asked, "o")} AS key, sum(o.units)::bigint AS units
          FROM {OPEN_JOBS.sql} o WHERE {" AND ".join(where)} GROUP BY 1, 2
    """  # noqa: S608 - constants; values are bound
    found: dict[datetime, dict[str, int]] = defaultdict(dict)
    for row in await connection.execute(text(statement), values):
        found[row.time][row.key] = row.units
    return found


async def _now(
    connection: AsyncConnection, scope: ReaderScope, asked: AskedQuestion
) -> dict[str, int]:
    values: dict[str, Any] = {"org": scope.org_id}
    where = ["j.org_id = :org", "j.state = 'PENDING'"]
    if not scope.child_safety:
        where.append(f"NOT {reading.GRAVE}")
    where += _queues(scope, asked, values, "j")
    statement = f"""
        SELECT {_key(asked, "j")} AS key, count(*) AS units
          FROM {reading.JOBS} j WHERE {" AND ".join(where)} GROUP BY 1
    """  # noqa: S608
    return {row.key: row.units for row in await connection.execute(text(statement), values)}


def _key(asked: AskedQuestion, alias: str) -> str:
    return f"{alias}.queue_id" if asked.group_by else "CAST('' AS text)"


def _queues(
    scope: ReaderScope, asked: AskedQuestion, values: dict[str, Any], alias: str
) -> list[str]:
    where = []
    for name, queue_ids in (("open", scope.queue_ids), ("asked", asked.filters.get("QUEUE"))):
        if queue_ids is not None:
            values[f"{name}_queues"] = list(queue_ids)
            where.append(f"{alias}.queue_id = ANY(CAST(:{name}_queues AS text[]))")
    return where
