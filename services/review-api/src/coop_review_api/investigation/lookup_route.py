"""Items found by something else than their type and id.

    GET /v1/items?id=                                of whatever type
    GET /v1/items?ip=                                sent from an address
    GET /v1/items?text=                              with these words, of the last days
    GET /v1/items/{typeId}/{id}/children             that name it as their parent
    GET /v1/items/{typeId}/{id}/conversation         around it in its thread, the oldest first

Guarantees: those of `paging_view`; pages are bounded, and a cursor leads on in each direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import read
from coop_review_api.history.port import FoundItem, ItemPage, Slice
from coop_review_api.history.reader import MAX_DAYS, ItemReader
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import MAX_PAGE, Cursor, Limit
from coop_review_api.http.query import QueryModel
from coop_review_api.investigation.listing_view import (
    ListedItemPage,
    ListedItemView,
    listed,
    ref_of,
    types_of,
)
from coop_review_api.investigation.paging_view import (
    cursor_of,
    latest,
    next_of,
    shown,
    slice_of,
    thread_of,
)
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["items"])

_investigates = requires(Permission.VIEW_INVESTIGATION)
Investigator = Annotated[Principal, Depends(_investigates)]

TypeId = Annotated[str, Path(max_length=512)]
ItemId = Annotated[str, Path(max_length=512)]


class ItemQuery(QueryModel):
    """By one of: an id, an address, words."""

    id: str | None = Field(None, min_length=1, max_length=512)
    ip: str | None = Field(None, min_length=1, max_length=64)
    text: str | None = Field(None, min_length=1, max_length=200)
    days: int = Field(MAX_DAYS, ge=1, le=MAX_DAYS, description="How far back words are searched.")


def asked(query: Annotated[ItemQuery, Query()]) -> ItemQuery:
    """What is asked for."""
    return query


class ConversationQuery(QueryModel):
    """How much before and after; or on from a cursor, in its direction."""

    before: int = Field(20, ge=0, le=MAX_PAGE)
    after: int = Field(20, ge=0, le=MAX_PAGE)
    earlier_than: Cursor = None
    later_than: Cursor = None


def around(query: Annotated[ConversationQuery, Query()]) -> ConversationQuery:
    """What is asked for. Raises `Invalid`."""
    if query.earlier_than and query.later_than:
        raise Invalid([Fault("#/query", "say one of earlierThan and laterThan")])
    return query


class ConversationView(Model):
    """`items` are the oldest first, the item itself among them unless a cursor was followed.
    `earlierCursor` leads to what was said before them, `laterCursor` to what was said after."""

    items: list[ListedItemView]
    earlier_cursor: str | None = None
    later_cursor: str | None = None


@router.get("/items", operation_id="findItems", response_model=ListedItemPage)
async def find_items(
    request: Request,
    principal: Investigator,
    query: Annotated[ItemQuery, Depends(asked)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ListedItemPage:
    """The latest of each item with an id, an address or words, the newest first. Of one id there
    are twenty types at most, on one page."""
    reader, part, org_id = part_of(request, ItemReader), slice_of(limit, cursor), principal.org_id
    if [query.id, query.ip, query.text].count(None) != 2:
        raise Invalid([Fault("#/query", "say one of id, ip and text")])
    if query.id is not None:
        return await _page(request, principal, ItemPage(await reader.of_id(org_id, query.id), None))
    if query.ip is not None:
        return await _page(request, principal, await reader.by_address(org_id, query.ip, part))
    words = query.text or ""
    async with transaction(context_of(request).engine) as connection:
        entry = await read(connection, org_id, Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    if entry is None or entry.document is None or not entry.document.item_text_search:
        fault = Fault("#/query/text", "the organisation's texts are not searched: itemTextSearch")
        raise Invalid([fault])
    return await _page(
        request, principal, await reader.by_text(org_id, words, part, days=query.days)
    )


@router.get(
    "/items/{type_id}/{item_id:path}/children",
    operation_id="listItemChildren",
    response_model=ListedItemPage,
)
async def list_item_children(
    request: Request,
    principal: Investigator,
    type_id: TypeId,
    item_id: ItemId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ListedItemPage:
    """What names the item as its parent, the oldest first: answers, comments."""
    part, parent = slice_of(limit, cursor), ItemRef(id=item_id, type_id=type_id)
    await latest(request, principal, parent)
    page = await part_of(request, ItemReader).by_parent(principal.org_id, parent, part)
    return await _page(request, principal, page)


@router.get(
    "/items/{type_id}/{item_id:path}/conversation",
    operation_id="getItemConversation",
    response_model=ConversationView,
)
async def get_item_conversation(
    request: Request,
    principal: Investigator,
    type_id: TypeId,
    item_id: ItemId,
    query: Annotated[ConversationQuery, Depends(around)],
) -> ConversationView:
    """What was said around the item in its thread; with a cursor what was said before or after
    that. Nothing but the item where it has no thread."""
    item = await latest(request, principal, ItemRef(id=item_id, type_id=type_id))
    async with transaction(context_of(request).engine) as connection:
        thread = await thread_of(connection, principal.org_id, item.item)
    return await conversation(
        request,
        principal,
        item,
        thread,
        before=None if query.later_than else slice_of(query.before, query.earlier_than),
        after=None if query.earlier_than else slice_of(query.after, query.later_than),
    )


async def conversation(
    request: Request,
    principal: Principal,
    item: FoundItem,
    thread: ItemRef | None,
    *,
    before: Slice | None,
    after: Slice | None,
) -> ConversationView:
    """The items around `item` in its thread, the oldest first; a slice of None, or of nothing, is
    not read. The item itself is there where no slice begins elsewhere."""
    reader, org_id = part_of(request, ItemReader), principal.org_id
    nothing = ItemPage((), None)
    earlier = later = nothing
    if thread is not None and before is not None and before.limit:
        earlier = await reader.before(org_id, thread, before, of=item)
    if thread is not None and after is not None and after.limit:
        later = await reader.after(org_id, thread, after, of=item)
    said_before = [one for one in reversed(earlier.items) if ref_of(one) != ref_of(item)]
    said_after = [one for one in later.items if ref_of(one) != ref_of(item)]
    follows = any(part is not None and part.after for part in (before, after))
    nearby = [*said_before, *([] if follows else [item]), *said_after]
    found = await shown(request, principal, nearby)
    types = await types_of(request, principal, found)
    return ConversationView(
        items=[listed(one, types) for one in found],
        earlier_cursor=None if earlier.next is None else cursor_of(earlier.next),
        later_cursor=None if later.next is None else cursor_of(later.next),
    )


async def _page(request: Request, principal: Principal, page: ItemPage) -> ListedItemPage:
    return ListedItemPage(
        items=await listed_of(request, principal, page.items), next_cursor=next_of(page)
    )


async def listed_of(
    request: Request, principal: Principal, items: Sequence[FoundItem]
) -> list[ListedItemView]:
    """Those that may be seen, as a list shows them."""
    found = await shown(request, principal, items)
    types = await types_of(request, principal, found)
    return [listed(one, types) for one in found]
