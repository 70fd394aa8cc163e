"""A version of an item, with everything that it can be found by.

Guarantees: what the item's type does not say, or says of a field that is not as it should be, is
missing; nothing that a platform sent makes this fail.
Must not: do I/O.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from coop_contracts.config import Field, ItemType, ScalarType
from coop_contracts.event import AppealSubmitted, ItemSubmitted, ReportSubmitted, SubmittedItem
from coop_queues.reading import item_key

Source = Literal["ITEM", "REPORT", "APPEAL"]
Cause = ItemSubmitted | ReportSubmitted | AppealSubmitted

MAX_WORDS: Final = 20_000  # characters of an item that can be searched
_MEDIA: Final = frozenset({ScalarType.IMAGE, ScalarType.VIDEO, ScalarType.AUDIO, ScalarType.MEDIA})
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_IPV4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)

_decoder = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()


class ItemVersion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of `item_versions`; `text` is what is searched, None where nothing is."""

    org_id: str
    item_id: str
    type_id: str
    time: datetime
    submission_id: str
    source: Source
    is_user: bool
    has_media: bool
    author_key: str
    thread_key: str | None
    parent_key: str | None
    said_at: datetime
    address: str | None
    item: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ItemShape:
    """Which fields of an item type a version is found by."""

    is_user: bool = False
    thread: str | None = None
    parent: str | None = None
    said_at: str | None = None
    address: str | None = None
    media: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, item_type: ItemType | None) -> ItemShape:
        """Of a type that nobody knows any more nothing can be said."""
        if item_type is None:
            return cls()
        roles = item_type.field_roles
        addresses = _named(item_type.fields, {ScalarType.IP_ADDRESS})
        return cls(
            is_user=item_type.kind == "USER",
            thread=roles.thread_id,
            parent=roles.parent_id,
            said_at=roles.created_at,
            address=roles.ip_address or next(addresses, None),
            media=tuple(_named(item_type.fields, _MEDIA)),
            texts=tuple(_named(item_type.fields, {ScalarType.STRING})),
        )


@dataclass(frozen=True, slots=True)
class Indexing:
    """What an organisation wants of an item: its shape, and whether its texts are searched."""

    shape: ItemShape
    searched: bool


def versions_of(event: Cause, kept: Callable[[str, SubmittedItem], Indexing]) -> list[ItemVersion]:
    """The versions that an event brings, each item once: the one that it is about first."""
    source, submission_id, items = _parts(event)
    found: dict[tuple[str, str], ItemVersion] = {}
    for item in items:
        if (item.id, item.type_id) in found:
            continue
        found[item.id, item.type_id] = _version(
            event, item, kept(event.org_id, item), source=source, submission_id=submission_id
        )
    return list(found.values())


def _parts(event: Cause) -> tuple[Source, str, Iterable[SubmittedItem]]:
    if isinstance(event, ItemSubmitted):
        return "ITEM", event.submission_id, (event.item,)
    if isinstance(event, ReportSubmitted):
        items = (event.item, *event.thread_items, *event.additional_items)
        return "REPORT", event.report_id, items
    return "APPEAL", event.appeal_id, (event.item, *event.additional_items)


def _version(
    event: Cause, item: SubmittedItem, kept: Indexing, *, source: Source, submission_id: str
) -> ItemVersion:
    shape = kept.shape
    data = _decoder.decode(item.data)
    owner = item.creator or item
    return ItemVersion(
        org_id=event.org_id,
        item_id=item.id,
        type_id=item.type_id,
        time=event.time,
        submission_id=submission_id,
        source=source,
        is_user=shape.is_user,
        has_media=bool(shape.media) and any(map(data.get, shape.media)),
        author_key=item_key(owner.type_id, owner.id),
        thread_key=_key(data, shape.thread),
        parent_key=_key(data, shape.parent),
        said_at=moment_in(data, shape.said_at) or event.time,
        address=_address(data, shape.address),
        item=_encoder.encode(item).decode(),
        text=_text(data, shape.texts) if kept.searched else None,
    )


def _named(fields: Iterable[Field], scalars: Iterable[ScalarType]) -> Iterator[str]:
    """The fields whose values, or elements, are of these types."""
    wanted = frozenset(scalars)
    for field in fields:
        scalar = field.type if field.container is None else field.container.value_scalar_type
        if scalar in wanted:
            yield field.name


def _key(data: dict[str, Any], field: str | None) -> str | None:
    value = None if field is None else data.get(field)
    if not isinstance(value, dict):
        return None
    type_id, id_ = value.get("typeId"), value.get("id")
    if not (isinstance(type_id, str) and isinstance(id_, str)):
        return None
    return item_key(type_id, id_)


def moment_in(data: dict[str, Any], field: str | None) -> datetime | None:
    """The moment that a field of an item says; None where it says none."""
    value = None if field is None else data.get(field)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None  # an optional field keeps a date that no calendar has
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    # Nearer to the ends of time an offset leads out of it.
    return found if found.replace(tzinfo=UTC) > _EARLIEST else None


def _address(data: dict[str, Any], field: str | None) -> str | None:
    """In one spelling, so that it is found whatever the platform writes."""
    value = None if field is None else data.get(field)
    if isinstance(value, list | dict):
        value = next(iter(value.values() if isinstance(value, dict) else value), None)
    return spelled(value) if isinstance(value, str) else None


def spelled(address: str) -> str | None:
    """An address as the history has it; None where there is none."""
    if _PLAIN_IPV4.fullmatch(address):
        return address  # as nearly all are
    try:
        return str(ipaddress.ip_address(address.strip()))
    except ValueError:
        return address.strip().lower()[:64].replace("\0", "") or None  # a doubtful value


def _text(data: dict[str, Any], fields: Iterable[str]) -> str | None:
    found: list[Any] = []
    for name in fields:
        value = data.get(name)
        if isinstance(value, dict):
            value = list(value.values())
        found += value if isinstance(value, list) else [value]
    text = "\n".join(one for one in found if isinstance(one, str))[:MAX_WORDS]
    return text.replace("\0", " ") or None
