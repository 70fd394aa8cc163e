"""An item in a list: what to call it, how it begins, whether there is something to see.

Guarantees: pure; as the item's type says now; a type that is gone says nothing. Hidden fields are
not among the words. Nothing that a platform sent makes this fail.
Must not: hold more than `PREVIEW` characters of an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from coop_contracts.config import ItemType, ScalarType
from coop_contracts.event import SubmittedItem

PREVIEW: Final = 200
"""Characters of a preview, and of a display name."""

_MEDIA: Final = frozenset({ScalarType.IMAGE, ScalarType.VIDEO, ScalarType.AUDIO, ScalarType.MEDIA})
_BETWEEN: Final = " · "

_data = msgspec.json.Decoder(dict[str, Any])


class Listing(Struct, frozen=True, kw_only=True):
    """`preview`: the item's words, one after the other; `avatar_field` the field of the picture
    that stands for it."""

    kind: Literal["CONTENT", "USER", "THREAD"] | None = None
    display_name: str | None = None
    preview: str = ""
    media_count: int = 0
    avatar_field: str | None = None


def listing_of(item: SubmittedItem, item_type: ItemType | None) -> Listing:
    """How the item is listed."""
    if item_type is None:
        return Listing()
    data, roles = _data.decode(item.data), item_type.field_roles
    names = list(_texts(_values(data.get(roles.display_name)))) if roles.display_name else []
    hidden = {*item_type.hidden_fields, roles.display_name}
    words: list[str] = []
    media = 0
    for field in item_type.fields:
        container = field.container
        scalar = field.type if container is None else container.value_scalar_type
        values = list(_values(data.get(field.name)))
        if scalar == ScalarType.STRING and field.name not in hidden:
            words += _texts(values)
        elif scalar in _MEDIA:
            media += sum(1 for value in values if value)
    return Listing(
        kind=item_type.kind,
        display_name=_cut(names[0]) if names else None,
        preview=_cut(_BETWEEN.join(words)),
        media_count=media,
        avatar_field=roles.profile_icon if data.get(roles.profile_icon or "") else None,
    )


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and "url" not in value:
        yield from value.values()
    elif isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if text:
            yield text


def _cut(text: str) -> str:
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"
