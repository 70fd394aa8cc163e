"""What the routes of items have in common: pages, cursors, and who is shown what.

Guarantees: what is about child safety is not there without the permission; with it a look leaves a
row.
Must not: know which way led to an item.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef, SubmittedItem
from coop_review_api.configuration.log import read
from coop_review_api.history.port import FoundItem, ItemPage, Position, Slice
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import decode_cursor, encode_cursor
from coop_review_api.investigation.view import ItemVersionPage, ItemVersionView, view_of
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.media_value.view import media_of_item
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

_position = msgspec.json.Decoder(Position)


def seen(request: Request, found: FoundItem) -> ItemVersionView:
    """A version, with its media as references."""
    context, org_id = context_of(request), request.state.principal.org_id
    media = media_of_item(context.vault, org_id, found.item, submission_id=found.submission_id)
    return view_of(found, media)


async def latest(request: Request, principal: Principal, item: ItemRef) -> FoundItem:
    """The item as it was sent last. Raises `NotFound`."""
    found = await part_of(request, ItemReader).latest(principal.org_id, item)
    if found is None:
        raise NotFound(f"no item {item.id:.60}")
    await require(request, principal, item)
    return found


async def require(request: Request, principal: Principal, item: ItemRef) -> None:
    """Asked after reading: what became grave in between is not shown."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await child_safety.require(
            connection, principal, ("item", item.id), items=[item], now=context.clock()
        )


async def shown(
    request: Request, principal: Principal, found: Sequence[FoundItem]
) -> list[FoundItem]:
    """Those that the person may see."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        return await child_safety.shown(
            connection,
            principal,
            "item",
            found,
            item_of=lambda one: ItemRef(id=one.item.id, type_id=one.item.type_id),
            id_of=lambda one: one.item.id,
            now=context.clock(),
        )


async def page_of(
    request: Request, principal: Principal, found: Sequence[FoundItem], page: ItemPage
) -> ItemVersionPage:
    """What of a page may be seen, whole."""
    items = await shown(request, principal, found)
    return ItemVersionPage(items=[seen(request, one) for one in items], next_cursor=next_of(page))


async def thread_of(
    connection: AsyncConnection, org_id: str, item: SubmittedItem
) -> ItemRef | None:
    """The thread that the item is in, as its type is now."""
    entry = await read(connection, org_id, Kind.ITEM_TYPE, ItemType, item.type_id)
    if entry is None or entry.document is None:
        return None
    field = entry.document.field_roles.thread_id
    value: Any = None if field is None else msgspec.json.decode(item.data).get(field)
    if not isinstance(value, dict):
        return None
    return ItemRef(id=str(value.get("id")), type_id=str(value.get("typeId")))


def slice_of(limit: int, cursor: str | None) -> Slice:
    """How much is asked for, behind which cursor. Raises `Invalid`."""
    text = decode_cursor(cursor)
    if text is None:
        return Slice(limit)
    try:
        position = _position.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")]) from None
    texts = (position.item_id, position.type_id, position.submission_id)
    is_whole = position.at.tzinfo is not None and position.time.tzinfo is not None
    if not is_whole or any("\0" in one for one in texts):
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return Slice(limit, position)


def next_of(page: ItemPage) -> str | None:
    """The cursor behind which a page goes on."""
    return None if page.next is None else cursor_of(page.next)


def cursor_of(position: Position) -> str:
    """A position as a cursor of the present list."""
    return encode_cursor(msgspec.json.encode(position).decode())
