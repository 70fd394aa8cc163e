"""What the organisation's own platform says of an item now.

Guarantees: an item that is part of a child-safety job needs the permission for such data, and the
look leaves an audit row; a wrong answer is told by what is wrong with it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.partial_item.access import type_of
from coop_review_api.partial_item.partial_item import PartialItems
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["items"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class ItemReference(Model):
    id: str
    type_id: str


class PartialItemView(Model):
    """An item as its platform says it is; fields it left out are missing in `data`."""

    id: str
    type_id: str
    type_version: str
    data: dict[str, Any]
    creator: ItemReference | None
    is_deleted: bool


@router.get(
    "/items/{type_id}/{item_id}/partial",
    operation_id="getPartialItem",
    response_model=PartialItemView,
)
async def get_partial_item(
    request: Request, principal: Reviewer, type_id: str, item_id: str
) -> PartialItemView:
    """Ask the platform about an item that Coop does not know, or not as it is now."""
    context = context_of(request)
    item = ItemRef(id=item_id, type_id=type_id)
    async with transaction(context.engine) as connection:
        item_type = await type_of(connection, principal, item, now=context.clock())
    found = (await context.part(PartialItems).ask(principal.org_id, [item])).get(item)
    if found is None:
        raise NotFound("the platform does not know this item")
    creator = found.creator
    return PartialItemView(
        id=item_id,
        type_id=type_id,
        type_version=found.type_version,
        data=found.data,
        creator=None if creator is None else ItemReference(id=creator.id, type_id=creator.type_id),
        is_deleted=found.is_deleted(item_type),
    )
