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

import msgspec

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
_OF_BYTES: Final = {special.encode(): escape.encode() for special, escape in _ESCAPES.items()}
_BETWEEN: Final = "\x1f"  # not special


def copy_lines(versions: Sequence[ItemVersion]) -> bytes:
    """A line each."""
    # Looked at all at once: nearly never is anything special in any of them.
    names = {v.org_id for v in versions} | {v.type_id for v in versions}
    names |= {v.item_id for v in versions} | {v.submission_id for v in versions}
    names |= {v.address or "" for v in versions}
    if _SPECIAL.search(_BETWEEN.join(names)):
        versions = [_with_escaped_names(version) for version in versions]
    lines: list[bytes] = []
    for version in versions:
        # Items are long, and stay the bytes that they are.
        lines += (_names(version), _item(version.item), b"\n")
    return b"".join(lines)


def _names(v: ItemVersion) -> bytes:
    return (
        f"{v.org_id}\t{v.item_id}\t{v.type_id}\t{v.submission_id}"
        f"\t{_NULL if v.address is None else v.address}\t{v.source}\t{v.time.isoformat()}"
        f"\t{v.is_user}\t{v.has_media}\t{v.author_key}\t{v.thread_key or _NULL}"
        f"\t{v.parent_key or _NULL}\t{v.said_at.isoformat()}\t"
    ).encode()


def _item(item: bytes) -> bytes:
    # JSON has backslashes; the others, if at all, between its tokens.
    for special, escape in _OF_BYTES.items():
        if special in item:
            item = item.replace(special, escape)
    return item


def _with_escaped_names(v: ItemVersion) -> ItemVersion:
    return msgspec.structs.replace(
        v,
        org_id=_escaped(v.org_id),
        item_id=_escaped(v.item_id),
        type_id=_escaped(v.type_id),
        submission_id=_escaped(v.submission_id),
        address=None if v.address is None else _escaped(v.address),
    )


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)
