"""The history in PostgreSQL: finding.

Guarantees: those of `port`: every statement names the organisation, goes by one index of each
partition, newest partition first where time orders it, and reads `MAX_SCAN` entries at most.
Must not: change anything.

A version is shown where it is its item's newest. Whether it is, is asked of the entries of one page
alone, by the primary key: an author's 100,000 items cost no more than their fifty newest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues.reading import item_key
from coop_review_api.history import statement
from coop_review_api.history.port import (
    MAX_NAMED,
    MAX_SCAN,
    FoundItem,
    ItemPage,
    Position,
    Slice,
    Span,
)
from coop_review_api.history.version import spelled
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction

MAX_DAYS: Final = 7
"""So many days back texts are searched."""

_AHEAD: Final = timedelta(hours=1)  # so far may the clock of another machine be ahead of this one's
_TYPES: Final = 20
_WITHIN: Final = 5.0  # seconds
_BEGINNING, _END = "-infinity", "infinity"
_ALL = Span()
_PART = Slice()

_item = msgspec.json.Decoder(SubmittedItem)

# What holds for all values holds for these: planning anew costs more than reading.
_PLAN_ONCE: Final = text("SET LOCAL plan_cache_mode = force_generic_plan")

Horizon = Callable[[AsyncConnection, str], Awaitable[datetime | None]]
"""From when on an organisation's versions are shown; None: only what is kept."""


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A transaction in which one organisation's history is read."""

    org_id: str
    connection: AsyncConnection
    horizon: datetime | None


class ItemReader:
    """An `ItemFinder`. `horizon` is the organisations' retention (`retention.horizon`)."""

    def __init__(
        self,
        engine: AsyncEngine,
        horizon: Horizon,
        *,
        clock: Clock,
        opened: _Opened | None = None,
    ) -> None:
        self._engine = engine
        self._horizon = horizon
        self._clock = clock
        self._opened = opened

    @asynccontextmanager
    async def together(self, org_id: str) -> AsyncIterator[ItemReader]:
        async with self._open(org_id) as opened:
            yield ItemReader(self._engine, self._horizon, clock=self._clock, opened=opened)

    async def on(self, connection: AsyncConnection, org_id: str) -> ItemReader:
        """A reader within the caller's transaction, of one organisation."""
        horizon = await self._horizon(connection, org_id)
        opened = _Opened(org_id=org_id, connection=connection, horizon=horizon)
        return ItemReader(self._engine, self._horizon, clock=self._clock, opened=opened)

    async def latest(self, org_id: str, item: ItemRef) -> FoundItem | None:
        page = await self.versions(org_id, item, Slice(limit=1))
        return page.items[0] if page.items else None

    async def latest_of(self, org_id: str, items: Collection[ItemRef]) -> dict[ItemRef, FoundItem]:
        wanted = list(dict.fromkeys(items))[:MAX_NAMED]
        if not wanted:
            return {}
        async with self.together(org_id) as reader:
            rows = [
                row
                for first in range(0, len(wanted), MAX_SCAN)
                for row in await reader._latest_of(org_id, wanted[first : first + MAX_SCAN])
            ]
        return {ItemRef(id=row.item_id, type_id=row.type_id): _found(row) for row in rows}

    async def _latest_of(self, org_id: str, wanted: Sequence[ItemRef]) -> list[Row[Any]]:
        ids, types = [one.id for one in wanted], [one.type_id for one in wanted]
        return await self._rows(statement.LATEST_OF, org_id, item_ids=ids, type_ids=types)

    async def seen(self, org_id: str, author: ItemRef) -> Span:
        key = item_key(author.type_id, author.id)
        (row,) = await self._rows(statement.SEEN, org_id, author=key)
        return Span(since=row.first, until=row.last)

    async def versions(self, org_id: str, item: ItemRef, part: Slice = _PART) -> ItemPage:
        return await self._page(
            statement.VERSIONS, org_id, part, item_id=item.id, type_id=item.type_id
        )

    async def of_id(self, org_id: str, item_id: str) -> tuple[FoundItem, ...]:
        rows = await self._rows(statement.OF_ID, org_id, item_id=item_id, limit=_TYPES)
        return tuple(map(_found, rows))

    async def by_author(
        self,
        org_id: str,
        author: ItemRef,
        part: Slice = _PART,
        *,
        span: Span = _ALL,
        type_id: str | None = None,
    ) -> ItemPage:
        asked: dict[str, Any] = {"author": item_key(author.type_id, author.id)}
        if type_id is None:
            return await self._page(statement.BY_AUTHOR, org_id, part, span, **asked)
        asked["type_id"] = type_id
        return await self._page(statement.BY_AUTHOR_AND_TYPE, org_id, part, span, **asked)

    async def media_of(self, org_id: str, author: ItemRef, part: Slice = _PART) -> ItemPage:
        key = item_key(author.type_id, author.id)
        return await self._page(statement.MEDIA_OF, org_id, part, author=key)

    async def before(
        self, org_id: str, thread: ItemRef, part: Slice = _PART, *, of: FoundItem | None = None
    ) -> ItemPage:
        return await self._around(statement.BEFORE, org_id, thread, part, of)

    async def after(
        self, org_id: str, thread: ItemRef, part: Slice = _PART, *, of: FoundItem | None = None
    ) -> ItemPage:
        return await self._around(statement.AFTER, org_id, thread, part, of)

    async def by_parent(self, org_id: str, parent: ItemRef, part: Slice = _PART) -> ItemPage:
        key = item_key(parent.type_id, parent.id)
        return await self._page(statement.BY_PARENT, org_id, part, parent=key)

    async def by_address(
        self, org_id: str, address: str, part: Slice = _PART, *, span: Span = _ALL
    ) -> ItemPage:
        known = spelled(address)
        if known is None:
            return ItemPage((), None)
        return await self._page(statement.BY_ADDRESS, org_id, part, span, address=known)

    async def by_text(
        self, org_id: str, words: str, part: Slice = _PART, *, days: int = MAX_DAYS
    ) -> ItemPage:
        now = self._clock()
        span = Span(since=now - timedelta(days=min(days, MAX_DAYS)))
        asked = {"words": words.replace("\0", " "), "now": (now + _AHEAD).isoformat()}
        return await self._page(statement.BY_TEXT, org_id, part, span, **asked)

    async def _around(
        self,
        way: TextClause,
        org_id: str,
        thread: ItemRef,
        part: Slice,
        of: FoundItem | None,
    ) -> ItemPage:
        if part.after is None and of is not None:
            start = Position(of.said_at, of.item.id, of.item.type_id, of.time, of.submission_id)
            part = Slice(part.limit, start)
        key = item_key(thread.type_id, thread.id)
        return await self._page(way, org_id, part, thread=key)

    async def _page(
        self, way: TextClause, org_id: str, part: Slice, span: Span = _ALL, **asked: Any
    ) -> ItemPage:
        limit = max(1, min(part.limit, MAX_SCAN))
        asked["until"] = _moment(span.until, _END)
        if way in statement.SPANNED:
            asked["since"] = _moment(span.since, _BEGINNING)
        asked |= _behind(way, part.after)
        rows = await self._rows(way, org_id, limit=limit, **asked)
        items = [_found(row) for row in _once(rows) if row.newest]
        more = len(rows) == limit
        return ItemPage(tuple(items), _position(rows[-1]) if more else None)

    async def _rows(self, way: TextClause, org_id: str, **asked: Any) -> list[Row[Any]]:
        async with self._open(org_id) as opened:
            horizon = _moment(opened.horizon, _END)
            values = {"org": org_id, "horizon": horizon, **asked}
            return list(await opened.connection.execute(way, values))

    @asynccontextmanager
    async def _open(self, org_id: str) -> AsyncIterator[_Opened]:
        """The transaction that is open for this organisation, or one for a question alone."""
        if self._opened is not None and self._opened.org_id == org_id:
            yield self._opened
            return
        async with transaction(self._engine, within=_WITHIN) as connection:
            horizon = await self._horizon(connection, org_id)
            await connection.execute(_PLAN_ONCE)
            yield _Opened(org_id=org_id, connection=connection, horizon=horizon)


def _moment(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else moment.isoformat()


def _behind(way: TextClause, at: Position | None) -> dict[str, str]:
    """The position as the statement's parameters: at the very beginning of the way without one."""
    names = statement.positions(way)
    if at is None:
        start = _BEGINNING if way in statement.UPWARD else _END
        return {name: start if name in ("at", "at_time") else "" for name in names}
    values = {
        "at": at.at.isoformat(),
        "at_item": at.item_id,
        "at_type": at.type_id,
        "at_time": at.time.isoformat(),
        "at_submission": at.submission_id,
    }
    return {name: values[name] for name in names}


def _once(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """A version may be kept and in its day, for the moment until the day is dropped."""
    first: dict[tuple[str, ...], Row[Any]] = {}
    for row in rows:
        first.setdefault((row.item_id, row.type_id, row.submission_id, str(row.time)), row)
    return list(first.values())


def _found(row: Row[Any]) -> FoundItem:
    return FoundItem(
        item=_item.decode(row.item),
        time=row.time,
        said_at=row.said_at,
        source=row.source,
        submission_id=row.submission_id,
        position=_position(row),
    )


def _position(row: Row[Any]) -> Position:
    return Position(row.at, row.item_id, row.type_id, row.time, row.submission_id)
