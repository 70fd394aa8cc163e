"""How many jobs are open now, and were open at the end of each bucket.

Guarantees: at a time at which nobody looked it is not known, and said so; the bucket that is not
over yet has what is open now. What is long over is remembered for minutes: it changes only when it
is dropped, or when a past is loaded.
Must not: count what the reader may not see.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import reading
from coop_review_api.analytics.answer import Answer, Level, Series, answer
from coop_review_api.analytics.asked import AskedQuestion
from coop_review_api.kernel.statement import statement_of
from coop_review_api.review.visibility import ReaderScope
from coop_review_api.tally.bucket import Buckets
from coop_review_api.tally.relation import OPEN_JOB_TIMES, OPEN_JOBS

_OVER: Final = timedelta(hours=1)
"""After which nobody looks at a time any more: whoever did in its quarter of an hour is done."""
_REMEMBERED: Final = timedelta(minutes=10)
_ANSWERS: Final = 16

Levels = dict[int, dict[str, int]]
"""By bucket and key; of buckets in which nobody looked there is none."""


class _Known(NamedTuple):
    read_at: datetime
    over: int
    """So many buckets were over."""
    levels: Levels


class LevelMemory:
    """One process's: what was read of buckets that are over, of the last few questions."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    def known(self, question: Hashable, now: datetime) -> tuple[int, Levels]:
        """How many of the first buckets are remembered, and what."""
        found = self._known.get(question)
        if found is None or not found.read_at <= now < found.read_at + _REMEMBERED:
            return 0, {}
        self._known.move_to_end(question)
        return found.over, found.levels

    def keep(self, question: Hashable, buckets: Buckets, levels: Levels, now: datetime) -> None:
        """Remember what is over."""
        over = max(0, bisect_right(buckets.edges, now - _OVER) - 1)
        past = {bucket: found for bucket, found in levels.items() if bucket < over}
        self._known[question] = _Known(now, over, past)
        while len(self._known) > _ANSWERS:
            self._known.popitem(last=False)


async def open_jobs(
    connection: AsyncConnection,
    memory: LevelMemory,
    scope: ReaderScope,
    asked: AskedQuestion,
    *,
    now: datetime,
) -> Answer:
    """By queue, where that is grouped by."""
    edges = asked.buckets.edges
    question = (
        scope.org_id,
        scope.child_safety,
        scope.queue_ids,
        asked.filters.get("QUEUE"),
        bool(asked.group_by),
        asked.buckets,
    )
    over, past = memory.known(question, now)
    levels = past
    # What is open now says the rest of a bucket that is not over.
    if over < len(edges) - 1 and edges[over + 1] <= now:
        levels = past | await _levels(connection, scope, asked, over)
    if not over:
        memory.keep(question, asked.buckets, levels, now)
    current = await _now(connection, scope, asked) if edges[0] <= now < edges[-1] else {}
    keys = set(current) | {key for by_key in levels.values() for key in by_key}
    if not asked.group_by:
        keys = {""}

    def level(key: str, bucket: int) -> Level:
        if edges[bucket] <= now < edges[bucket + 1]:
            return current.get(key, 0)
        found = levels.get(bucket)
        return None if found is None else found.get(key, 0)

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


async def _levels(
    connection: AsyncConnection, scope: ReaderScope, asked: AskedQuestion, first: int
) -> Levels:
    """From the first of these buckets, as it was when somebody looked last in it, or just as it
    ended; without those in which nobody did."""
    values: dict[str, Any] = {"org": scope.org_id, "edges": _array(asked.buckets, first)}
    where = ["o.org_id = :org", "o.time = looked.time"]
    if not scope.child_safety:
        where.append("NOT o.grave")
    where += _queues(scope, asked, values, "o")
    statement = f"""
        SELECT level.key, array_agg(b.bucket - 1), array_agg(level.units)
          FROM (SELECT e.edge AS start, lead(e.edge) OVER (ORDER BY e.bucket) AS until, e.bucket
                  FROM unnest(CAST(:edges AS timestamptz[])) WITH ORDINALITY AS e (edge, bucket)
               ) AS b
         CROSS JOIN LATERAL (
            SELECT greatest(
                (SELECT t.time FROM {OPEN_JOB_TIMES.sql} t
                  WHERE t.time BETWEEN b.start AND b.until ORDER BY t.time DESC LIMIT 1),
                -- Also what is known of this organisation alone.
                (SELECT o.time FROM {OPEN_JOBS.sql} o
                  WHERE o.org_id = :org AND o.time BETWEEN b.start AND b.until
                  ORDER BY o.time DESC LIMIT 1)) AS time) AS looked
          LEFT JOIN LATERAL (
            SELECT {_key(asked, "o")} AS key, sum(o.units)::bigint AS units
              FROM {OPEN_JOBS.sql} o WHERE {" AND ".join(where)} GROUP BY 1) AS level ON true
         WHERE looked.time IS NOT NULL
         GROUP BY 1
    """  # noqa: S608 - constants; values are bound
    found: Levels = defaultdict(dict)
    for key, buckets, units in await connection.execute(statement_of(statement), values):
        for bucket, open_ in zip(buckets, units, strict=True):
            by_key = found[first + bucket]
            if key is not None:
                by_key[key] = open_
    return found


@lru_cache(maxsize=16)
def _array(buckets: Buckets, first: int) -> str:
    """The edges from there as PostgreSQL writes arrays: a driver's own way costs more than the
    look-up."""
    return "{" + ",".join(edge.isoformat() for edge in buckets.edges[first:]) + "}"


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
    return {row.key: row.units for row in await connection.execute(statement_of(statement), values)}


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
