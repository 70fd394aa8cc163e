"""A thread around an item: what the history has of it, and what reports carried.

    … earlier ◀──BEFORE── [ items, oldest first ] ──AFTER──▶ later …

Guarantees: one order, that of the conversation; each item once, as the history has it where it
does; a page costs one page of the history and one question about what was carried, however long
the thread is. A page may be shorter than asked for and still have more.
Must not: decide what may be seen of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from coop_contracts.config import ItemType
from coop_contracts.event import ItemRef
from coop_queues.job import Job
from coop_review_api.history import known_item
from coop_review_api.history.known_item import KnownItem, thread_of
from coop_review_api.history.port import FoundItem, ItemFinder, ItemPage, Position, Slice

Direction = Literal["BEFORE", "AFTER"]

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


class Spot(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Where an item stands in its thread."""

    said_at: datetime
    item_id: str
    type_id: str


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What a job has of a thread, oldest first, each with a moment that orders it. `thread` None:
    the item's type names none, and there is only what reports brought."""

    org_id: str
    thread: ItemRef | None
    items: tuple[KnownItem, ...]
    around: KnownItem


@dataclass(frozen=True, kw_only=True)
class ThreadPart:
    """Items in the order of the conversation, and where it goes on; None at that end."""

    items: tuple[KnownItem, ...]
    before: Spot | None = None
    after: Spot | None = None


def carried_by(job: Job, around: KnownItem, types: Mapping[str, ItemType]) -> Carried:
    """The thread as the job has it, around its item. What does not say when it was made stands in
    the order in which it came."""
    start = job.summary.created_at
    placed = [
        known_item.of_job(one, types, otherwise=start + timedelta(microseconds=index))
        for index, one in enumerate(reversed(job.thread_items))
        if (one.id, one.type_id) != (around.item.id, around.item.type_id)
    ]
    end = start + timedelta(microseconds=len(placed))
    return Carried(
        org_id=job.summary.org_id,
        thread=thread_of(around.item, types),
        items=tuple(sorted(placed, key=spot_of)),
        around=replace(around, said_at=around.said_at or end),
    )


def spot_of(one: KnownItem) -> Spot:
    assert one.said_at is not None
    return Spot(one.said_at, one.item.id, one.item.type_id)


def alone(carried: Carried, *, each_way: int) -> ThreadPart:
    """The part around the item without the history."""
    spot = spot_of(carried.around)
    before = carried_part(carried, direction="BEFORE", at=spot, limit=each_way)
    after = carried_part(carried, direction="AFTER", at=spot, limit=each_way)
    items = (*before.items, carried.around, *after.items)
    return ThreadPart(items=items, before=before.before, after=after.after)


def carried_part(carried: Carried, *, direction: Direction, at: Spot, limit: int) -> ThreadPart:
    """As `part`, without the history."""
    mine = _beyond(carried.items, at, direction)
    return _shown(mine, direction, limit, end=None)


async def part(
    finder: ItemFinder,
    carried: Carried,
    types: Mapping[str, ItemType],
    *,
    direction: Direction,
    at: Spot,
    limit: int,
) -> ThreadPart:
    """Up to `limit` items that stand before or after `at`, the nearest, oldest first."""
    page = ItemPage((), None)
    if carried.thread is not None:
        way = finder.before if direction == "BEFORE" else finder.after
        start = _position(at, _FIRST if direction == "BEFORE" else _LAST)
        page = await way(carried.org_id, carried.thread, Slice(limit, start))
    found = [known_item.of_history(one) for one in page.items if _is_other(one, carried)]
    mine = _beyond(carried.items, at, direction)
    if page.next is not None:
        # What lies behind the end of the history's page waits for the next one.
        bound = _spot_in(page.next)
        mine = [one for one in mine if _is_nearer(spot_of(one), bound, direction)]
    mine = await _unknown(finder, carried, types, found, mine[: limit + 1])
    nearest = sorted([*found, *mine], key=spot_of, reverse=direction == "BEFORE")
    end = None if page.next is None else _spot_in(page.next)
    return _shown(nearest, direction, limit, end=end)


def _shown(
    nearest: Sequence[KnownItem], direction: Direction, limit: int, *, end: Spot | None
) -> ThreadPart:
    """The first `limit`; `end` is where the history goes on, if it does."""
    shown = tuple(nearest[:limit])
    more = spot_of(shown[-1]) if len(nearest) > limit else end
    if direction == "BEFORE":
        return ThreadPart(items=shown[::-1], before=more)
    return ThreadPart(items=shown, after=more)


def _spot_in(position: Position) -> Spot:
    return Spot(position.at, position.item_id, position.type_id)


async def _unknown(
    finder: ItemFinder,
    carried: Carried,
    types: Mapping[str, ItemType],
    found: Sequence[KnownItem],
    mine: Sequence[KnownItem],
) -> list[KnownItem]:
    """What was carried and the history does not have in this thread: that it shows itself, where it
    stands there."""
    shown = {one.ref for one in found}
    rest = [one for one in mine if one.ref not in shown]
    if not rest or carried.thread is None:
        return rest
    known = await finder.latest_of(carried.org_id, [one.ref for one in rest])
    there = {ref for ref, one in known.items() if thread_of(one.item, types) == carried.thread}
    return [one for one in rest if one.ref not in there]


def _is_other(found: FoundItem, carried: Carried) -> bool:
    return known_item.ref_of(found.item) != carried.around.ref


def _beyond(items: Iterable[KnownItem], at: Spot, direction: Direction) -> list[KnownItem]:
    """Those on that side, the nearest first; `items` are oldest first."""
    if direction == "AFTER":
        return [one for one in items if spot_of(one) > at]
    return [one for one in items if spot_of(one) < at][::-1]


def _is_nearer(spot: Spot, end: Spot, direction: Direction) -> bool:
    return spot > end if direction == "BEFORE" else spot < end


def _position(at: Spot, time: datetime) -> Position:
    return Position(at.said_at, at.item_id, at.type_id, time, "")
