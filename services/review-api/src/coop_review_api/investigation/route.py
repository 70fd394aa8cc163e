"""Items and users of the platform, looked up.

    GET /v1/items/{typeId}/{id}             the item as it was sent last
    GET /v1/items/{typeId}/{id}/versions    what it was before
    GET /v1/items/{typeId}/{id}/thread      what was said before and after it
    GET /v1/users/{typeId}/{id}/items       what a user made

Guarantees: scoped by organisation; what is about child safety is not there without the permission,
in a page of other items too, and with it a look leaves a row.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef, SubmittedItem
from coop_contracts.permission import Permission
from coop_review_api.configuration.log import read
from coop_review_api.history.port import FoundItem, ItemPage, Position, Slice, Span
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit, decode_cursor, encode_cursor
from coop_review_api.http.query import QueryModel
from coop_review_api.investigation.view import ItemVersionPage, ItemVersionView, view_of
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.media_value.view import media_of_item
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["items"])

_investigates = requires(Permission.VIEW_INVESTIGATION)
Investigator = Annotated[Principal, Depends(_investigates)]

TypeId = Annotated[str, Path(max_length=512)]
ItemId = Annotated[str, Path(max_length=512)]
Direction = Annotated[
    Literal["BEFORE", "AFTER"], Query(description="The nearest first, in either direction.")
]


class UserItemFilter(QueryModel):
    """Of one type, of a time; or what has media."""

    item_type_id: str | None = Field(None, max_length=512)
    since: Moment | None = None
    until: Moment | None = None
    with_media: bool = False


def filter_of(query: Annotated[UserItemFilter, Query()]) -> UserItemFilter:
    """What is asked for. Raises `Invalid`."""
    if query.with_media and (query.item_type_id or query.since or query.until):
        raise Invalid([Fault("#/query/withMedia", "stands alone")])
    return query


_position = msgspec.json.Decoder(Position)


@router.get(
    "/items/{type_id}/{item_id:path}/versions",
    operation_id="listItemVersions",
    response_model=ItemVersionPage,
)
async def list_item_versions(
    request: Request,
    principal: Investigator,
    type_id: TypeId,
    item_id: ItemId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ItemVersionPage:
    """The item as it was sent each time, the newest first."""
    item = ItemRef(id=item_id, type_id=type_id)
    reader = part_of(request, ItemReader)
    page = await reader.versions(principal.org_id, item, _slice(limit, cursor))
    await _require(request, principal, item)
    return ItemVersionPage(
        items=[_view(request, one) for one in page.items], next_cursor=_next(page)
    )


@router.get(
    "/items/{type_id}/{item_id:path}/thread",
    operation_id="listItemThread",
    response_model=ItemVersionPage,
)
async def list_item_thread(
    request: Request,
    principal: Investigator,
    type_id: TypeId,
    item_id: ItemId,
    direction: Direction = "BEFORE",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ItemVersionPage:
    """What was said in the item's thread before or after it; nothing where it has none."""
    part = _slice(limit, cursor)
    item = ItemRef(id=item_id, type_id=type_id)
    found = await _latest(request, principal, item)
    async with transaction(context_of(request).engine) as connection:
        thread = await _thread_of(connection, principal.org_id, found.item)
    if thread is None:
        return ItemVersionPage(items=[])
    reader = part_of(request, ItemReader)
    way = reader.before if direction == "BEFORE" else reader.after
    page = await way(principal.org_id, thread, part, of=found)
    others = [one for one in page.items if (one.item.type_id, one.item.id) != (type_id, item_id)]
    return await _page(request, principal, others, page)


@router.get(
    "/users/{type_id}/{user_id:path}/items",
    operation_id="listUserItems",
    response_model=ItemVersionPage,
)
async def list_user_items(
    request: Request,
    principal: Investigator,
    type_id: TypeId,
    user_id: ItemId,
    wanted: Annotated[UserItemFilter, Depends(filter_of)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ItemVersionPage:
    """What a user made and is, the newest first; of one type, of a time, or what has media."""
    reader, part = part_of(request, ItemReader), _slice(limit, cursor)
    user = ItemRef(id=user_id, type_id=type_id)
    if wanted.with_media:
        page = await reader.media_of(principal.org_id, user, part)
    else:
        span = Span(wanted.since, wanted.until)
        page = await reader.by_author(
            principal.org_id, user, part, span=span, type_id=wanted.item_type_id
        )
    return await _page(request, principal, page.items, page)


# Last: an id may have slashes, and the addresses above end like one.
@router.get(
    "/items/{type_id}/{item_id:path}", operation_id="getItem", response_model=ItemVersionView
)
async def get_item(
    request: Request, principal: Investigator, type_id: TypeId, item_id: ItemId
) -> ItemVersionView:
    """The item as it was sent last."""
    found = await _latest(request, principal, ItemRef(id=item_id, type_id=type_id))
    return _view(request, found)


def _view(request: Request, found: FoundItem) -> ItemVersionView:
    context, org_id = context_of(request), request.state.principal.org_id
    media = media_of_item(context.vault, org_id, found.item, submission_id=found.submission_id)
    return view_of(found, media)


async def _latest(request: Request, principal: Principal, item: ItemRef) -> FoundItem:
    found = await part_of(request, ItemReader).latest(principal.org_id, item)
    if found is None:
        raise NotFound(f"no item {item.id:.60}")
    await _require(request, principal, item)
    return found


async def _require(request: Request, principal: Principal, item: ItemRef) -> None:
    """Asked after reading: what became grave in between is not shown."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await child_safety.require(
            connection, principal, ("item", item.id), items=[item], now=context.clock()
        )


async def _page(
    request: Request, principal: Principal, found: Sequence[FoundItem], page: ItemPage
) -> ItemVersionPage:
    context = context_of(request)
    async with transaction(context.engine) as connection:
        shown = await child_safety.shown(
            connection,
            principal,
            "item",
            found,
            item_of=lambda one: ItemRef(id=one.item.id, type_id=one.item.type_id),
            id_of=lambda one: one.item.id,
            now=context.clock(),
        )
    return ItemVersionPage(items=[_view(request, one) for one in shown], next_cursor=_next(page))


async def _thread_of(
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


def _slice(limit: int, cursor: str | None) -> Slice:
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


def _next(page: ItemPage) -> str | None:
    if page.next is None:
        return None
    return encode_cursor(msgspec.json.encode(page.next).decode())
