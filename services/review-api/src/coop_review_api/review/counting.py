"""Counting decisions, for figures over time.

    decided ─▶ counted ──undone──▶ counted no longer
                 └──its item became one of child safety──▶ counted as that

The row says whether it is counted, and as what; a partial index has those of which that is not what
it should be. So nothing has to be told of a decision or an undo, and both wait for nobody.

Guarantees: a row and the tallies change in one transaction: a decision counts once while it
stands, whatever is killed when, and within a second or two of it. Any number may run.
Must not: count otherwise than `analytics.figure` does: its test compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_queues import reading
from coop_review_api.kernel.clock import Clock
from coop_review_api.tally.figure import Fact
from coop_review_api.tally.store import count
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

_BATCH: Final = 500
_EVERY: Final = 1.0  # seconds between two looks
_GRAVE_EVERY: Final = timedelta(minutes=1)
_BEGIN: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SETTLED: Final = timedelta(minutes=10)  # by then whatever marks an item has committed

_COLUMNS = """d.decision_id, d.org_id, d.decided_at, d.components, d.queue_id, d.reviewer_id,
           d.item_type_id, d.undone_at, d.counted, d.grave"""
_DIFFERENT = text(
    f"""
    SELECT {_COLUMNS},
           j.job_id IS NULL OR {reading.GRAVE}
           OR d.components @> '[{{"type": "ESCALATE_TO_NCMEC"}}]' AS is_grave
      FROM review.decisions d LEFT JOIN {reading.JOBS} j ON j.job_id = CAST(d.job_id AS uuid)
     WHERE d.counted IS DISTINCT FROM (d.undone_at IS NULL)
     ORDER BY d.decided_at LIMIT {_BATCH} FOR UPDATE OF d SKIP LOCKED
    """  # noqa: S608 - constants
)
_BECAME_GRAVE = text(
    f"""
    SELECT {_COLUMNS}, true AS is_grave
      FROM {reading.GRAVE_ITEMS} g
      JOIN {reading.JOBS} j ON j.org_id = g.org_id AND j.item_key = g.item_key
      JOIN review.decisions d ON d.job_id = CAST(j.job_id AS text)
     WHERE g.since > :since AND d.counted AND NOT d.grave AND d.undone_at IS NULL
     LIMIT {_BATCH} FOR UPDATE OF d SKIP LOCKED
    """  # noqa: S608
)
_COUNTED = text(
    """
    UPDATE review.decisions d SET counted = given.counted, grave = given.grave
      FROM unnest(CAST(:ids AS text[]), CAST(:counted AS boolean[]), CAST(:graves AS boolean[]))
           AS given (decision_id, counted, grave)
     WHERE d.decision_id = given.decision_id
    """
)


class DecisionCounter:
    """Keeps the tallies of decisions."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, every: float = _EVERY) -> None:
        self._engine = engine
        self._clock = clock
        self._every = every
        self._looked: datetime | None = None

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        await at_intervals(self.count, self._every, postponed="decisions are not counted now")

    async def count(self) -> None:
        """All that there is to be counted. Raises `Retryable`."""
        while await self._batch(_DIFFERENT, {}) == _BATCH:
            pass
        now = self._clock()
        if self._looked is not None and now - self._looked < _GRAVE_EVERY:
            return
        since = _BEGIN if self._looked is None else self._looked - _SETTLED
        while await self._batch(_BECAME_GRAVE, {"since": since}) == _BATCH:
            pass
        self._looked = now

    async def _batch(self, query: Any, values: dict[str, Any]) -> int:
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query, values)).all()
            if rows:
                await _note(connection, rows)
                await count(connection, [fact for row in rows for fact in _facts(row)])
        return len(rows)


async def _note(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> None:
    stands = [row.undone_at is None for row in rows]
    given = {
        "ids": [row.decision_id for row in rows],
        "counted": stands,
        "graves": [bool(row.is_grave) for row in rows],
    }
    await connection.execute(_COUNTED, given)


def _facts(row: Row[Any]) -> list[Fact]:
    """What was counted goes, what is to be counted comes."""
    values = (
        tuple(part["type"] for part in row.components),
        tuple(one for part in row.components for one in part.get("actionIds", ())),
        tuple(one for part in row.components for one in part.get("policyIds", ())),
        row.queue_id,
        row.reviewer_id or "",
        row.item_type_id,
    )
    facts = []
    if row.counted:
        facts.append(_fact(row, values, grave=bool(row.grave), units=-1))
    if row.undone_at is None:
        facts.append(_fact(row, values, grave=bool(row.is_grave)))
    return facts


def _fact(row: Row[Any], values: Any, *, grave: bool, units: Any = 1) -> Fact:
    return Fact(
        org_id=row.org_id,
        figure="decisions",
        time=row.decided_at,
        values=values,
        grave=grave,
        units=units,
    )
