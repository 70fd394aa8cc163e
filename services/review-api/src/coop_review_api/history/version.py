"""A version of an item, with everything that it can be found by.

Guarantees: what the item's type does not say, or says of a field that is not as it should be, is
missing; nothing that a platform sent makes this fail.
Must not: do I/O.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
    """A row of `item_versions`: `item` is JSON, `text` what is searched, None where nothing is."""

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
    item: bytes
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ItemShape:
    """Which fields of an item type a version is found by. `read` gives them of an item's data, each
    as an attribute whose name is `place_of` its own; what else is in the data is passed over."""

    is_user: bool = False
    thread: str | None = None
    parent: str | None = None
    said_at: str | None = None
    address: str | None = None
    media: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    place_of: Mapping[str | None, str] = field(init=False, repr=False, compare=False)
    read: Callable[[msgspec.Raw], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        roles = (self.thread, self.parent, self.said_at, self.address, *self.media)
        names = dict.fromkeys(name for name in roles if name is not None)
        places = {name: f"f{number}" for number, name in enumerate(names)}
        wanted = msgspec.defstruct(
            "Wanted",
            [(place, Any, None) for place in places.values()],
            rename={place: name for name, place in places.items()},
            gc=False,
        )
        object.__setattr__(self, "place_of", places)
        object.__setattr__(self, "read", msgspec.json.Decoder(wanted).decode)

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
    if len(items) == 1:  # as nearly all are
        (item,) = items
        kinds = kept(event.org_id, item)
        return [_version(event, item, kinds, source=source, submission_id=submission_id)]
    found: dict[tuple[str, str], ItemVersion] = {}
    for item in items:
        if (item.id, item.type_id) in found:
            continue
        found[item.id, item.type_id] = _version(
            event, item, kept(event.org_id, item), source=source, submission_id=submission_id
        )
    return list(found.values())


def _parts(event: Cause) -> tuple[Source, str, tuple[SubmittedItem, ...]]:
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
    given, place = shape.read(item.data), shape.place_of.get
    owner = item.creator or item
    return ItemVersion(
        org_id=event.org_id,
        item_id=item.id,
        type_id=item.type_id,
        time=event.time,
        submission_id=submission_id,
        source=source,
        is_user=shape.is_user,
        has_media=any(getattr(given, shape.place_of[name]) for name in shape.media),
        author_key=item_key(owner.type_id, owner.id),
        thread_key=_key(given, place(shape.thread)),
        parent_key=_key(given, place(shape.parent)),
        said_at=_moment(_value(given, place(shape.said_at))) or event.time,
        address=_address(given, place(shape.address)),
        item=_encoder.encode(item),
        text=_text(_decoder.decode(item.data), shape.texts) if kept.searched else None,
    )


def _named(fields: Iterable[Field], scalars: Iterable[ScalarType]) -> Iterator[str]:
    """The fields whose values, or elements, are of these types."""
    wanted = frozenset(scalars)
    for one in fields:
        scalar = one.type if one.container is None else one.container.value_scalar_type
        if scalar in wanted:
            yield one.name


def _value(given: object, place: str | None) -> Any:
    return None if place is None else getattr(given, place)


def _key(given: object, place: str | None) -> str | None:
    value = _value(given, place)
    if not isinstance(value, dict):
        return None
    type_id, id_ = value.get("typeId"), value.get("id")
    if not (isinstance(type_id, str) and isinstance(id_, str)):
        return None
    return item_key(type_id, id_)


def moment_in(data: dict[str, Any], field: str | None) -> datetime | None:
    """The moment that a field of an item says; None where it says none."""
    return None if field is None else _moment(data.get(field))


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None  # an optional field keeps a date that no calendar has
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    if found.year > 1:
        return found
    # Nearer to the ends of time an offset leads out of it.
    return found if found.replace(tzinfo=UTC) > _EARLIEST else None


def _address(given: object, place: str | None) -> str | None:
    """In one spelling, so that it is found whatever the platform writes."""
    value = _value(given, place)
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
