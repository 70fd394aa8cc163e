"""From an item as sent to an item as kept: its type found, its data coerced and checked.

Guarantees: an item is either whole and coerced, or has at least one error with an exact pointer.
Must not: publish, or know what the item is part of.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Raw

from coop_contracts.error import ApiError, ErrorType
from coop_contracts.event import SubmittedItem
from coop_ingest.catalog import Catalog
from coop_ingest.json_reading import StructReader, UnreadableJson
from coop_ingest.refusal import invalid, too_large
from coop_ingest.wire import Item, Variant
from coop_items import CompiledItemType, InvalidItemType
from coop_items.refusal import NotAnItemValue
from coop_items.scalar import check_id
from coop_runtime.process.log import logger

_log = logger(__name__)
_encode = msgspec.json.Encoder().encode


class Reading(NamedTuple):
    """What came of one item. `item` is None when there are errors; `kind` is then empty. `doubtful`
    are pointers to values that were kept and are of no use as what their field is for."""

    item: SubmittedItem | None
    kind: str
    unknown_fields: tuple[str, ...]
    errors: list[ApiError]
    doubtful: tuple[str, ...] = ()


class _Selected(NamedTuple):
    """The type an item names, and where it names it."""

    type_id: str
    version: str | None
    variant: Variant
    id_at: str
    version_at: str


class ItemReader:
    """Reads items for any organisation. `max_item` is in bytes, as sent."""

    def __init__(self, catalog: Catalog, *, max_item: int) -> None:
        self._catalog = catalog
        self._max_item = max_item
        self._structs = StructReader(Item)

    def read(
        self,
        raw: Raw,
        at: str,
        org_id: str,
        *,
        submission_id: str,
        variant: Variant | None = None,
    ) -> Reading:
        """Read the item at the pointer `at`. `variant` overrides what the item says."""
        if memoryview(raw).nbytes > self._max_item:
            detail = f"The item is larger than {self._max_item} bytes."
            return _failed([too_large(detail, at)])
        try:
            sent = self._structs.read(raw, at)
        except UnreadableJson as unreadable:
            return _failed(unreadable.errors)
        errors = []
        try:
            check_id(sent.id)
        except NotAnItemValue as refused:
            errors.append(invalid(f"The item's id: {refused.reason}.", at + "/id"))
        selected = _select(sent, at)
        if isinstance(selected, ApiError):
            return _failed([*errors, selected])
        found = self._find(org_id, selected)
        if isinstance(found, ApiError):
            return _failed([*errors, found])
        variant = variant or selected.variant
        checked = found.check(sent.data, at + "/data", variant)
        if errors or checked.errors:
            return _failed(errors + checked.errors)
        item = SubmittedItem(
            id=sent.id,
            type_id=selected.type_id,
            type_version=found.item_type.version,
            data=Raw(_encode(checked.data)),
            schema_variant=variant,
            creator=checked.creator,
            submission_id=submission_id,
        )
        return Reading(item, found.item_type.kind, checked.unknown_fields, [], checked.doubtful)

    def _find(self, org_id: str, selected: _Selected) -> CompiledItemType | ApiError:
        try:
            found = self._catalog.find(org_id, selected.type_id, selected.version)
        except InvalidItemType as error:
            _log.error(
                "an item type cannot be compiled",
                org_id=org_id,
                item_type=selected.type_id,
                error=str(error),
            )
            return ApiError(
                status=500,
                type=(ErrorType.INTERNAL,),
                title="The item type cannot be used",
                detail="The item type's definition is not valid; save it again.",
                pointer=selected.id_at,
            )
        if found is not None:
            return found
        if self._catalog.knows(org_id, selected.type_id):
            return _unknown_type("The item type has no such version.", selected.version_at)
        return _unknown_type("You have no item type with this id.", selected.id_at)


def check_type(catalog: Catalog, org_id: str, type_id: str, at: str) -> list[ApiError]:
    """What is wrong with the id of an item type at `at`."""
    if catalog.knows(org_id, type_id):
        return []
    return [_unknown_type("You have no item type with this id.", at)]


def _select(sent: Item, at: str) -> _Selected | ApiError:
    nested = sent.type
    flat = sent.type_id is not None or sent.type_version or sent.type_schema_variant
    if nested is not None and flat:
        detail = "The item type must be given by typeId or by type, not by both."
        return invalid(detail, at + "/type")
    if nested is not None:
        variant = nested.schema_variant or "original"
        where = at + "/type"
        return _Selected(nested.id, nested.version, variant, where + "/id", where + "/version")
    if sent.type_id is None:
        return invalid('The field "typeId" is required.', at + "/typeId")
    variant = sent.type_schema_variant or "original"
    return _Selected(sent.type_id, sent.type_version, variant, at + "/typeId", at + "/typeVersion")


def _unknown_type(detail: str, at: str) -> ApiError:
    return ApiError(
        status=400,
        type=(ErrorType.UNRECOGNIZED_CONTENT_TYPE, ErrorType.INVALID_USER_INPUT),
        title="Item type not found",
        detail=detail,
        pointer=at,
    )


def _failed(errors: list[ApiError]) -> Reading:
    return Reading(None, "", (), errors)
