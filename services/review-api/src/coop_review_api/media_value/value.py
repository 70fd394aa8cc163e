"""Media in an item's data: as ingest coerces them, `{"url": …}` and `{"url", "mediaType"}`.

Guarantees: found wherever they are (in lists, maps, and fields that the type no longer has), in the
order of the data, `MOST` of an item at most.
Must not: need the item's type: what was submitted under an older one has pictures too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from coop_contracts.error import pointer
from coop_items.scalar import media_type

MOST: Final = 200

Kind = Literal["IMAGE", "VIDEO", "AUDIO"]
_KINDS: Final = ("IMAGE", "VIDEO", "AUDIO")


class MediaValue(msgspec.Struct, frozen=True):
    """`pointer` leads to the value in the item's data; `kind` is as the platform, or the address,
    says."""

    pointer: str
    url: str
    kind: Kind | None


def values_of(data: msgspec.Raw | bytes) -> list[MediaValue]:
    """The media in an item's data."""
    return list(itertools.islice(_walk(msgspec.json.decode(data)), MOST))


def _walk(root: Any) -> Iterator[MediaValue]:
    # A stack, not recursion: how deep unknown fields nest is up to who submitted them.
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), root)]
    while stack:
        path, value = stack.pop()
        inner: list[tuple[str | int, Any]] = []
        match value:
            case {"url": str() as url}:
                yield MediaValue(pointer(*path), url, _kind(value.get("mediaType"), url))
            case dict() as fields:
                inner = list(fields.items())
            case list() as entries:
                inner = list(enumerate(entries))
        stack.extend(((*path, key), one) for key, one in reversed(inner))


def _kind(stated: Any, url: str) -> Kind | None:
    found = stated if stated in _KINDS else media_type(url)
    return found if found in _KINDS else None  # type: ignore[return-value]
