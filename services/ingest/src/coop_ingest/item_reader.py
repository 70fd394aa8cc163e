"""From an item as sent to an item as kept: its type found, its data coerced and checked.

Guarantees: an item is either whole and coerced, or has at least one error with an exact pointer.
Must not: publish, or know what the item is part of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from coop_contracts.error import ApiError, ErrorType
from coop_contracts.event import ItemRef, SubmittedItem
from coop_ingest.catalog import Catalog
from coop_ingest.json_reading import StructReader, UnreadableJson
from coop_ingest.refusal import Refusal, invalid, too_large
from coop_ingest.wire import Content, Item, Variant
from coop_items import CompiledItemType, InvalidItemType
from coop_items.medium import media_of
from coop_items.refusal import NotAnItemValue
from coop_items.scalar import check_id
from coop_runtime.process.log import logger

_log = logger(__name__)
_encode = msgspec.json.Encoder().encode


class Reading(NamedTuple):
    """What came of one item. `item` is None when there are errors; `kind` is then empty. `doubtful`
    are pointers to values that were kept and are of no use as what their field is for.
    `has_media`: a picture or film is among its values."""

    item: SubmittedItem | None
    kind: str
    unknown_fields: tuple[str, ...]
    errors: list[ApiError]
    doubtful: tuple[str, ...] = ()
    has_media: bool = False


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
        selected = _select(sent, at)
        return self._kept(
            sent.id, sent.data, selected, (at + "/id", at + "/data"), org_id, submission_id, variant
        )

    def check_size(self, body: bytes) -> None:
        """Raises Refusal (413) where the body of a request that is one item is too large for it."""
        if len(body) > self._max_item:
            raise Refusal("size", [too_large(f"The item is larger than {self._max_item} bytes.")])

    def read_content(self, sent: Content, org_id: str, *, submission_id: str) -> Reading:
        """Read the older form of an item. Its author is the user it names, else whom its data
        name."""
        type_id = self._catalog.named(org_id, sent.content_type)
        at = "/contentType"
        selected: _Selected | ApiError
        if type_id is None:
            selected = _unknown_type("You have no item type with this name.", at)
        else:
            selected = _Selected(type_id, None, "original", at, at)
        reading = self._kept(
            sent.content_id,
            sent.content,
            selected,
            ("/contentId", "/content"),
            org_id,
            submission_id,
        )
        if sent.user_id is None:
            return reading
        errors = _id_errors(sent.user_id, "The user's id", "/userId")
        if errors:
            return _failed(reading.errors + errors)
        user_type = self._catalog.default_user_type(org_id)
        if reading.item is None or user_type is None:
            return reading
        creator = ItemRef(sent.user_id, user_type)
        return reading._replace(item=replace(reading.item, creator=creator))

    def _kept(
        self,
        item_id: str,
        data: dict[str, Any],
        selected: _Selected | ApiError,
        at: tuple[str, str],
        org_id: str,
        submission_id: str,
        variant: Variant | None = None,
    ) -> Reading:
        """The item, coerced and checked; `at` are the pointers of its id and its data."""
        errors = _id_errors(item_id, "The item's id", at[0])
        if isinstance(selected, ApiError):
            return _failed([*errors, selected])
        found = self._find(org_id, selected)
        if isinstance(found, ApiError):
            return _failed([*errors, found])
        variant = variant or selected.variant
        checked = found.check(data, at[1], variant)
        if errors or checked.errors:
            return _failed(errors + checked.errors)
        item = SubmittedItem(
            id=item_id,
            type_id=selected.type_id,
            type_version=found.item_type.version,
            data=Raw(_encode(checked.data)),
            schema_variant=variant,
            creator=checked.creator,
            submission_id=submission_id,
        )
        media = found.media and any(True for _ in media_of(checked.data, found.media))
        return Reading(
            item,
            found.item_type.kind,
            checked.unknown_fields,
            [],
            checked.doubtful,
            bool(media),
        )

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


def _id_errors(item_id: str, what: str, at: str) -> list[ApiError]:
    try:
        check_id(item_id)
    except NotAnItemValue as refused:
        return [invalid(f"{what}: {refused.reason}.", at)]
    return []


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
