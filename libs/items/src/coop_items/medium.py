"""Pictures and films in an item's data, by its type's fields: what is hashed.

Guarantees: a value of a MEDIA field is what it says it is; one that does not say may be a picture
or a film. Sounds are none of them.
Must not: look into fields that the type does not have: no rule can ask about those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from coop_contracts.config import ContainerType, ItemType, ScalarType

MediumKind = Literal["IMAGE", "VIDEO"]

_KINDS: Final[dict[str, MediumKind | None]] = {
    ScalarType.IMAGE: "IMAGE",
    ScalarType.VIDEO: "VIDEO",
    ScalarType.MEDIA: None,
}


class MediaField(NamedTuple):
    """`kind` is None where each value says itself; `container` is None where there is one value."""

    name: str
    kind: MediumKind | None
    container: ContainerType | None


class MediumAt(NamedTuple):
    """A medium's address, and the field that it stands in."""

    field: str
    url: str
    kind: MediumKind | None


def media_fields(item_type: ItemType) -> tuple[MediaField, ...]:
    """The fields of the type that hold pictures or films."""
    found = []
    for field in item_type.fields:
        scalar = field.type if field.container is None else field.container.value_scalar_type
        if scalar in _KINDS:
            box = None if field.container is None else field.container.container_type
            found.append(MediaField(field.name, _KINDS[scalar], box))
    return tuple(found)


def media_of(data: Mapping[str, Any], fields: tuple[MediaField, ...]) -> Iterator[MediumAt]:
    """Those of an item's data, as ingest coerced it, in the order of the fields."""
    for field in fields:
        for value in _values(data.get(field.name), field.container):
            if not isinstance(value, dict) or not isinstance(value.get("url"), str):
                continue
            kind = field.kind or value.get("mediaType")
            if kind in (None, "IMAGE", "VIDEO"):
                yield MediumAt(field.name, value["url"], kind)


def _values(value: Any, container: ContainerType | None) -> list[Any]:
    if container == "ARRAY" and isinstance(value, list):
        return value
    if container == "MAP" and isinstance(value, dict):
        return list(value.values())
    return [value]
