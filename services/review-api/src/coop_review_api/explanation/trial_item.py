"""The item that a rule is tried on: sent, or recorded with a submission.

Guarantees: an item that is sent becomes what ingest would make of it; what was recorded is read by
those who may investigate, and as child safety allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef, SignalValue, SubmittedItem
from coop_contracts.permission import Permission
from coop_items import compile_item_type
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.explanation.desk import Explanations
from coop_review_api.kernel.error import Fault, Invalid, LacksPermission, NotFound
from coop_review_api.kernel.principal import Principal


async def recorded_item(
    explanations: Explanations, principal: Principal, submission_id: str
) -> tuple[SubmittedItem, datetime, tuple[SignalValue, ...]]:
    """A recorded submission: the item, its time, the values it was evaluated with.

    Raises `Forbidden`, `NotFound`.
    """
    if not {Permission.VIEW_INVESTIGATION, Permission.VIEW_INSIGHTS} & principal.permissions:
        raise LacksPermission(Permission.VIEW_INVESTIGATION)
    found = await explanations.read(principal, submission_id)
    if found.submission is None:
        raise NotFound("the data of that submission is no longer kept")
    recorded = tuple(value for event in found.events for value in event.signals)
    return found.submission.item, found.submission.time, recorded


def sent_item(
    item: ItemRef, data: Mapping[str, Any], *, creator: ItemRef | None, catalogue: Catalogue
) -> SubmittedItem:
    """The item as ingest would make it of what was sent; `creator` counts where the data has none,
    `catalogue` has all item types. Raises `Invalid`, at `/item`."""
    types = catalogue.all(Kind.ITEM_TYPE, ItemType)
    item_type = types.get(item.type_id)
    if item_type is None:
        raise Invalid([Fault("/item/typeId", "no such item type")])
    checks = compile_item_type(item_type, is_known_type=types.__contains__)
    checked = checks.check(data, "/item/data", "partial")
    if checked.errors:
        raise Invalid(
            [Fault(error.pointer or "/item/data", error.detail or "") for error in checked.errors]
        )
    return SubmittedItem(
        id=item.id,
        type_id=item.type_id,
        type_version=item_type.version,
        data=Raw(msgspec.json.encode(checked.data)),
        schema_variant="partial",
        creator=checked.creator or creator,
    )
