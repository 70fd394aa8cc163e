"""The end of what people wrote of decisions, of what is kept because of them, and of what closed
jobs say: each organisation says after how many days (`recordDays`, `closedJobDays`); who says
nothing keeps it for ever.

    older than its organisation's days ──┬─ about child safety, or still in hand ──▶ it stays
                                         └─ otherwise ──▶ emptied, or gone

Guarantees: a batch is one short transaction; several processes may do this at once, and may be
killed anywhere; what is passed over is not asked for again in the same round.
Must not: touch that something was decided, by whom, when, and what followed from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Column, ColumnElement, Integer, Row, Table, cast, delete, select, tuple_
from sqlalchemy import update as update_of
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind
from coop_queues.reading import grave_items
from coop_review_api.configuration.table import config_current
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

_PAUSE: Final = 0.02  # between two batches: others use this database, too
_BATCH: Final = 200

Setting = Literal["recordDays", "closedJobDays"]
_EVERY: Final[Mapping[Setting, float]] = {"recordDays": 3600.0, "closedJobDays": 600.0}  # seconds

Spares = Callable[[AsyncConnection, str, Sequence[str]], Awaitable[Collection[str]]]
"""Those of these keys of items of which nothing fades now (`coop_queues.reading.item_key`)."""


@dataclass(frozen=True, slots=True)
class Faded:
    """How many rows faded, and where the batch ended; None: it was the last."""

    rows: int
    last: tuple[Any, ...] | None


class Fades(Protocol):
    """Something that fades, a batch at a time, in the caller's transaction."""

    @property
    def name(self) -> str:
        """The table whose rows fade."""

    async def __call__(
        self,
        connection: AsyncConnection,
        org_id: str,
        *,
        before: datetime,
        after: tuple[Any, ...] | None,
        batch: int,
    ) -> Faded:
        """Lets rows fade that are older than `before`, from the one behind `after`."""


@dataclass(frozen=True, kw_only=True)
class Fading:
    """Rows of `table`, which has an `org_id`, fade when `column` lies before: `values` take the
    place of what they say; None: they go. `key` is that of the item a row is about, `beside` what
    it is made of that is no column of the table; `spares` says which items are left out; `only`:
    of these rows alone. An index begins with `org_id, column`."""

    table: Table
    column: Column[Any]
    key: Callable[[Row[Any]], str]
    spares: Spares
    beside: Sequence[ColumnElement[Any]] = ()
    only: ColumnElement[bool] | None = None
    values: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """See `Fades`."""
        return self.table.name

    async def __call__(
        self,
        connection: AsyncConnection,
        org_id: str,
        *,
        before: datetime,
        after: tuple[Any, ...] | None,
        batch: int,
    ) -> Faded:
        """See `Fades`."""
        table = self.table
        keys = tuple(table.primary_key.columns)
        place = (self.column, *keys)
        query = select(table, *self.beside).where(table.c.org_id == org_id, self.column < before)
        if self.only is not None:
            query = query.where(self.only)
        if after is not None:
            query = query.where(tuple_(*place) > after)
        query = query.order_by(*place).limit(batch).with_for_update(skip_locked=True)
        rows = (await connection.execute(query)).all()
        spared = await self.spares(connection, org_id, [self.key(row) for row in rows])
        names = [column.name for column in keys]
        gone = [
            tuple(getattr(row, name) for name in names)
            for row in rows
            if self.key(row) not in spared
        ]
        if gone:
            of_them = tuple_(*keys).in_(gone)
            if self.values is None:
                await connection.execute(delete(table).where(of_them))
            else:
                await connection.execute(update_of(table).where(of_them).values(**self.values))
        last = None
        if len(rows) == batch:
            last = tuple(getattr(rows[-1], one.name) for one in place)
        return Faded(len(gone), last)


async def grave_among(
    connection: AsyncConnection, org_id: str, keys: Sequence[str]
) -> frozenset[str]:
    """Those of these keys of items that are about child safety."""
    if not keys:
        return frozenset()
    found = await connection.scalars(
        select(grave_items.c.item_key).where(
            grave_items.c.org_id == org_id, grave_items.c.item_key.in_(set(keys))
        )
    )
    return frozenset(map(str, found))


class FadingKeeper:
    """One process's; several may run. `setting` is where organisations name the days."""

    def __init__(
        self,
        engine: AsyncEngine,
        fading: Sequence[Fades],
        *,
        setting: Setting,
        clock: Clock,
        batch: int = _BATCH,
    ) -> None:
        self._engine = engine
        self._fading = fading
        self._setting: Setting = setting
        self._clock = clock
        self._batch = batch

    async def run(self) -> None:
        """Keep until cancelled."""

        async def once() -> None:
            await self.keep()

        await at_intervals(once, _EVERY[self._setting], postponed="retention postponed")

    async def keep(self) -> int:
        """One round; how many rows faded. Raises `Retryable`."""
        days = config_current.c.document[self._setting].astext
        query = select(config_current.c.org_id, cast(days, Integer).label("days")).where(
            config_current.c.kind == Kind.SETTINGS, days.is_not(None)
        )
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        count = 0
        for row in rows:
            before = self._clock() - timedelta(days=row.days)
            for fades in self._fading:
                count += await self._fade(fades, row.org_id, before)
        return count

    async def _fade(self, fades: Fades, org_id: str, before: datetime) -> int:
        count, after = 0, None
        while True:
            async with transaction(self._engine) as connection:
                faded = await fades(
                    connection, org_id, before=before, after=after, batch=self._batch
                )
            metric.FADED.labels(fades.name).inc(faded.rows)
            count, after = count + faded.rows, faded.last
            if after is None:
                return count
            await asyncio.sleep(_PAUSE)
