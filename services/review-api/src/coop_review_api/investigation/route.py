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

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.history.port import Span
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit
from coop_review_api.http.query import QueryModel
from coop_review_api.investigation.paging_view import (
    latest,
    next_of,
    page_of,
    require,
    seen,
    slice_of,
    thread_of,
)
from coop_review_api.investigation.view import ItemVersionPage, ItemVersionView
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
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
    page = await reader.versions(principal.org_id, item, slice_of(limit, cursor))
    await require(request, principal, item)
    items = [seen(request, one) for one in page.items]
    return ItemVersionPage(items=items, next_cursor=next_of(page))


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
    part = slice_of(limit, cursor)
    item = ItemRef(id=item_id, type_id=type_id)
    found = await latest(request, principal, item)
    async with transaction(context_of(request).engine) as connection:
        thread = await thread_of(connection, principal.org_id, found.item)
    if thread is None:
        return ItemVersionPage(items=[])
    reader = part_of(request, ItemReader)
    way = reader.before if direction == "BEFORE" else reader.after
    page = await way(principal.org_id, thread, part, of=found)
    others = [one for one in page.items if (one.item.type_id, one.item.id) != (type_id, item_id)]
    return await page_of(request, principal, others, page)


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
    reader, part = part_of(request, ItemReader), slice_of(limit, cursor)
    user = ItemRef(id=user_id, type_id=type_id)
    if wanted.with_media:
        page = await reader.media_of(principal.org_id, user, part)
    else:
        span = Span(wanted.since, wanted.until)
        page = await reader.by_author(
            principal.org_id, user, part, span=span, type_id=wanted.item_type_id
        )
    return await page_of(request, principal, page.items, page)


# Last: an id may have slashes, and the addresses above end like one.
@router.get(
    "/items/{type_id}/{item_id:path}", operation_id="getItem", response_model=ItemVersionView
)
async def get_item(
    request: Request, principal: Investigator, type_id: TypeId, item_id: ItemId
) -> ItemVersionView:
    """The item as it was sent last."""
    return seen(request, await latest(request, principal, ItemRef(id=item_id, type_id=type_id)))
