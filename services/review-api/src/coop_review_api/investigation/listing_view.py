"""Items of a list on this API's wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from fastapi import Request

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.history.port import FoundItem
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.item_ref import ItemRefView
from coop_review_api.investigation.listing import listing_of
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction


class ListedItemView(Model):
    """An item as a list shows it. `displayName` and `preview` (200 characters at most) are by its
    type's roles and texts; `mediaCount` its pictures, films and sounds; `avatarField` the field of
    the picture that stands for it. Of a type that is gone `kind` is null."""

    id: str
    type_id: str
    kind: Literal["CONTENT", "USER", "THREAD"] | None
    display_name: str | None
    preview: str
    media_count: int
    avatar_field: str | None
    creator: ItemRefView | None
    submission_id: str
    submitted_at: datetime
    said_at: datetime


class ListedItemPage(Model):
    """A page may hold fewer than asked for, and still have a next one."""

    items: list[ListedItemView]
    next_cursor: str | None = None


Types = Mapping[str, ItemType]


async def types_of(request: Request, principal: Principal, found: Iterable[FoundItem]) -> Types:
    """The types of these items, as they are now, by id."""
    ids = {one.item.type_id for one in found}
    if not ids:
        return {}
    wanted = [(Kind.ITEM_TYPE, type_id) for type_id in ids]
    async with transaction(context_of(request).engine) as connection:
        documents = await load_documents(connection, principal.org_id, wanted)
    return documents.all(Kind.ITEM_TYPE, ItemType)


def listed(found: FoundItem, types: Types) -> ListedItemView:
    """One item."""
    item = found.item
    listing = listing_of(item, types.get(item.type_id))
    creator = item.creator
    return ListedItemView(
        id=item.id,
        type_id=item.type_id,
        kind=listing.kind,
        display_name=listing.display_name,
        preview=listing.preview,
        media_count=listing.media_count,
        avatar_field=listing.avatar_field,
        creator=None if creator is None else ItemRefView(id=creator.id, type_id=creator.type_id),
        submission_id=found.submission_id,
        submitted_at=found.time,
        said_at=found.said_at,
    )


def ref_of(found: FoundItem) -> ItemRef:
    """Which item it is a version of."""
    return ItemRef(id=found.item.id, type_id=found.item.type_id)
