"""Versions as the text that COPY takes, many at once.

Source: PostgreSQL's manual, COPY, "Text Format". A driver's own rows cost twice as much, and a
wait each.

Guarantees: what is read back is what was given, whatever characters are in it. Columns stand in the
order of `COPIED`.
Must not: hold U+0000, which no text of PostgreSQL can; ingest lets none through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from coop_review_api.history.version import ItemVersion

COPIED: Final = (
    "org_id",
    "item_id",
    "type_id",
    "submission_id",
    "address",
    "source",
    "time",
    "is_user",
    "has_media",
    "author_key",
    "thread_key",
    "parent_key",
    "said_at",
    "item",
)
_NULL: Final = "\\N"
_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_BACKSLASH: Final = "\\"
_TWO: Final = "\\\\"
_BETWEEN: Final = "\x1f"  # not special


def copy_lines(versions: Sequence[ItemVersion]) -> bytes:
    """A line each."""
    return "".join([_line(version) for version in versions]).encode()


def _line(v: ItemVersion) -> str:
    names = (v.org_id, v.item_id, v.type_id, v.submission_id, v.address or "")
    if _SPECIAL.search(_BETWEEN.join(names)):
        names = tuple(map(_escaped, names))  # type: ignore[assignment]  # as many
    org_id, item_id, type_id, submission_id, address = names
    item = v.item
    # JSON has backslashes; the others, if at all, between its tokens.
    if "\n" in item or "\t" in item or "\r" in item:
        item = _escaped(item)
    elif _BACKSLASH in item:
        item = item.replace(_BACKSLASH, _TWO)
    return (
        f"{org_id}\t{item_id}\t{type_id}\t{submission_id}"
        f"\t{_NULL if v.address is None else address}\t{v.source}\t{v.time}"
        f"\t{v.is_user}\t{v.has_media}\t{v.author_key}\t{v.thread_key or _NULL}"
        f"\t{v.parent_key or _NULL}\t{v.said_at}\t{item}\n"
    )


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)
