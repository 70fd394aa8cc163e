"""The upkeep of turns: what became overdue goes first, what has an old turn gets it anew.

    overdue_at passed ──▶ `promote`: the rank of what is overdue
    a queue's or a policy's document changed ──▶ `rerank`: page by page, each batch a transaction
    ranking set to `UNRANKED` ──▶ `rerank`
    lease ran out ──▶ `holding.expire`: the claim has an end
    kept for long enough ──▶ `keeping.expire`: the keeping has an end

Guarantees: each job says by which ranking it has its turn (digest and revision), so that the work
may stop anywhere, be done twice, or by two processes, and goes on where it is missing; a process
whose configuration is behind takes nothing back; claims never wait for it, and are right meanwhile,
since they depend on rank for the order alone.
Must not: hold locks for longer than a batch.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_queues import holding, keeping, metric
from coop_queues.growth import added, columns, turn_columns
from coop_queues.job import OrderChange
from coop_queues.order import OrderIndex
from coop_queues.ranking import OVERDUE, UNRANKED, Ranking, TurnFacts
from coop_queues.sync import PAGE, PAUSE, START, queues_of
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger


class RankingSource(Protocol):
    """Where the configuration is known."""

    @property
    def changes(self) -> int:
        """A number that rises when any ranking could have changed."""

    def of(self, org_id: str, queue_id: str) -> Ranking:
        """The ranking of a queue as it is configured now."""


_BATCH: Final = 500
_CHECK_ALL: Final = 600.0  # seconds after which every queue is looked through again

_log = logger("coop_queues.rerank")

_PROMOTE = text(
    f"""
    WITH due AS (
        SELECT job_id FROM queues.jobs
         WHERE state = 'PENDING' AND overdue_at <= :now
         ORDER BY overdue_at LIMIT {_BATCH} FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE queues.jobs j
       SET rank = greatest(0, CAST(extract(epoch FROM j.overdue_at) * 1000000 AS bigint))
                  - {OVERDUE},
           overdue_at = NULL
      FROM due WHERE j.job_id = due.job_id
    RETURNING j.org_id, j.queue_id, CAST(j.job_id AS text), j.rank
    """  # noqa: S608 - constants only; values are bound
)

_UNRANKED = text(
    f"""
    SELECT org_id, queue_id, array_agg(CAST(job_id AS text)) FROM (
        SELECT org_id, queue_id, job_id FROM queues.jobs
         WHERE state = 'PENDING' AND ranking = {UNRANKED} LIMIT {_BATCH}) AS found
     GROUP BY org_id, queue_id
    """  # noqa: S608 - constants only
)

_PAGE_OF = text(
    """
    SELECT CAST(job_id AS text), rank, ranking, ranking_revision FROM queues.jobs
     WHERE org_id = :org AND queue_id = :queue AND state = 'PENDING'
       AND (rank, job_id) > (:rank, CAST(:job AS uuid))
     ORDER BY rank, job_id LIMIT :page
    """
)

_STALE = text(
    """
    SELECT CAST(job_id AS text) AS job_id, created_at, report_count, reporter_count, policy_ids
      FROM queues.jobs
     WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND org_id = :org AND queue_id = :queue
       AND state = 'PENDING' AND ranking <> :ranking AND ranking_revision <= :revision
     ORDER BY jobs.job_id FOR NO KEY UPDATE SKIP LOCKED
    """
)

_TURNS = {
    "job_id": "uuid",
    "severity": "int",
    "deadline": "timestamptz",
    "overdue_at": "timestamptz",
    "rank": "bigint",
    "ranking": "bigint",
    "ranking_revision": "bigint",
}

_RERANK = text(
    f"""
    UPDATE queues.jobs j
       SET {", ".join(f"{name} = p.{name}" for name in _TURNS if name != "job_id")}
      FROM unnest({", ".join(f"CAST(:{name} AS {type_}[])" for name, type_ in _TURNS.items())})
        AS p ({", ".join(_TURNS)})
     WHERE j.job_id = p.job_id
    RETURNING CAST(j.job_id AS text), j.rank
    """  # noqa: S608
)


async def promote(connection: AsyncConnection, *, now: datetime) -> list[OrderChange]:
    """Gives up to 500 jobs that are overdue at `now` their turn before all others; what Redis is to
    be told. Call it until it answers with nothing."""
    rows = (await connection.execute(_PROMOTE, {"now": now})).all()
    return [added(*row) for row in rows]


async def rerank(
    connection: AsyncConnection,
    org_id: str,
    queue_id: str,
    job_ids: Sequence[str],
    ranking: Ranking,
    *,
    now: datetime,
) -> list[OrderChange]:
    """Gives those of these jobs that need it their turn by `ranking`; what Redis is to be told.

    Leaves out what is locked at this moment, and what a newer configuration ranked.
    """
    parameters = {
        "jobs": list(job_ids),
        "org": org_id,
        "queue": queue_id,
        "ranking": ranking.digest,
        "revision": ranking.revision,
    }
    found = (await connection.execute(_STALE, parameters)).mappings().all()
    if not found:
        return []
    rows = [_turn(dict(row), ranking, now) for row in found]
    return [added(org_id, queue_id, *row) for row in await columns(connection, _RERANK, rows)]


def _turn(row: dict[str, Any], ranking: Ranking, now: datetime) -> dict[str, Any]:
    facts = TurnFacts(
        row["created_at"], row["report_count"], row["reporter_count"], row["policy_ids"]
    )
    return {"job_id": row["job_id"], **turn_columns(ranking, facts, now=now)}


class Ranker:
    """Does the upkeep every `period` seconds. `rankings` is asked anew each time."""

    def __init__(
        self,
        engine: AsyncEngine,
        order: OrderIndex,
        rankings: RankingSource,
        *,
        period: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._order = order
        self._rankings = rankings
        self._period = period
        self._clock = clock
        # By queue: the ranking that all of its jobs were seen to have.
        self._seen: dict[tuple[str, str], int] = {}
        self._seen_changes: int | None = None  # of the last round that left nothing
        self._next_full = -math.inf

    async def run(self) -> None:
        """A service task; ends only when cancelled."""
        while True:
            try:
                await self.once()
            except Retryable as error:
                _log.warning("turns not looked after", error=str(error))
            await asyncio.sleep(self._period)

    async def once(self) -> None:
        """Everything that is due now. Raises Retryable."""
        await self._promote()
        await self._rank_unranked()
        await self._rerank()
        async with transaction(self._engine) as connection:
            await holding.expire(connection)
            await keeping.expire(connection)

    async def _promote(self) -> None:
        while True:
            async with transaction(self._engine) as connection:
                changes = await promote(connection, now=self._clock())
            await self._order.apply(changes)
            metric.OVERDUE.inc(len(changes))
            if len(changes) < _BATCH:
                return
            await asyncio.sleep(PAUSE)

    async def _rank_unranked(self) -> None:
        async with transaction(self._engine) as connection:
            found = (await connection.execute(_UNRANKED)).all()
        for org_id, queue_id, job_ids in found:
            await self._rank(org_id, queue_id, job_ids, self._rankings.of(org_id, queue_id))

    async def _rank(
        self, org_id: str, queue_id: str, job_ids: Sequence[str], ranking: Ranking
    ) -> int:
        """How many of these jobs have their turn anew."""
        async with transaction(self._engine) as connection:
            changes = await rerank(
                connection, org_id, queue_id, job_ids, ranking, now=self._clock()
            )
        await self._order.apply(changes)
        metric.RERANKED.inc(len(changes))
        return len(changes)

    async def _rerank(self) -> None:
        changes = self._rankings.changes
        if time.monotonic() >= self._next_full:
            # A process that was behind may have placed jobs by an old ranking.
            self._seen.clear()
            self._next_full = time.monotonic() + _CHECK_ALL
        elif changes == self._seen_changes:
            return
        async with transaction(self._engine) as connection:
            queues = await queues_of(connection)
        whole = True
        for org_id, queue_id in queues:
            ranking = self._rankings.of(org_id, queue_id)
            if self._seen.get((org_id, queue_id)) == ranking.digest:
                continue
            if await self._pass(org_id, queue_id, ranking):
                self._seen[org_id, queue_id] = ranking.digest
            else:
                whole = False
        self._seen_changes = changes if whole else None

    async def _pass(self, org_id: str, queue_id: str, ranking: Ranking) -> bool:
        """Whether every job of the queue has its turn by that ranking, or by a newer one."""
        position, missing = START, 0
        while True:
            rank, job_id = position
            parameters = {
                "org": org_id,
                "queue": queue_id,
                "rank": rank,
                "job": job_id,
                "page": PAGE,
            }
            async with transaction(self._engine) as connection:
                rows = (await connection.execute(_PAGE_OF, parameters)).all()
            stale = [
                row[0] for row in rows if row[2] != ranking.digest and row[3] <= ranking.revision
            ]
            for start in range(0, len(stale), _BATCH):
                batch = stale[start : start + _BATCH]
                missing += len(batch) - await self._rank(org_id, queue_id, batch, ranking)
                await asyncio.sleep(PAUSE)
            if len(rows) < PAGE:
                return missing == 0
            position = (rows[-1][1], rows[-1][0])
            await asyncio.sleep(PAUSE)
