"""The end of rows that are of no use after a time: what a slice declares, and what does it.

    a row whose moment lies longer ago than it is kept ──▶ deleted, a batch at a time

Guarantees: a batch is one short transaction; several processes may do this at once, and may be
killed anywhere; an outage of the database postpones a round and ends nothing.
Must not: be used for a table that is partitioned by time (`partition`), or that somebody still
needs: the slice that owns the table declares its ending, beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Column, ColumnElement, Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

_BATCH = 500
_EVERY = 600.0  # seconds
_PAUSE = 0.02
_DAY = timedelta(days=1)

RECORD_DAYS = timedelta(days=400)
"""For which what was carried out is kept: a year, and the time to look back at it."""

SPENT = _DAY
"""For which what has expired is kept: whoever comes late is told so."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Rows of `table` go when `column` lies longer ago than `kept`; a null in it keeps them.
    `only`: of those rows alone."""

    table: Table
    column: Column[object]
    kept: timedelta
    only: ColumnElement[bool] | None = None


class EndingKeeper:
    """One process's; several may run."""

    def __init__(
        self, engine: AsyncEngine, endings: Sequence[Ending], *, clock: Clock, batch: int = _BATCH
    ) -> None:
        self._engine = engine
        self._endings = endings
        self._clock = clock
        self._batch = batch

    async def run(self) -> None:
        """Keep until cancelled."""
        await at_intervals(self.keep, _EVERY, postponed="retention postponed")

    async def keep(self) -> None:
        """One round. Raises `Retryable`."""
        for ending in self._endings:
            more = True
            while more:
                more = await self._end(ending)
                await asyncio.sleep(_PAUSE)

    async def _end(self, ending: Ending) -> bool:
        """One batch; True when there may be more."""
        table = ending.table
        keys = tuple(table.primary_key.columns)
        over = ending.column < self._clock() - ending.kept
        old = select(*keys).where(over if ending.only is None else over & ending.only)
        old = old.limit(self._batch).with_for_update(skip_locked=True)
        async with transaction(self._engine) as connection:
            done = await connection.execute(delete(table).where(tuple_(*keys).in_(old)))
        return done.rowcount == self._batch
