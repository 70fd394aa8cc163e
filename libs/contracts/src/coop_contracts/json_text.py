"""The text of JSON that somebody else wrote, made such that everything behind can hold it.

Guarantees: `storable` leaves no byte order mark, no U+0000, no half of a surrogate pair and nothing
that is not UTF-8: what cannot be kept becomes U+FFFD, everything else stays as it is, byte by byte.
Its cost is linear, whatever is sent.
Must not: parse, or judge whether the rest is JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from coop_contracts.error import pointer

BOM: Final = b"\xef\xbb\xbf"  # RFC 8259, 8.1: a reader may skip it

_HEX = rb"[0-9a-fA-F]"
_HIGH = rb"\\u[dD][89abAB]" + _HEX * 2
_LOW = rb"\\u[dD][c-fC-F]" + _HEX * 2
_UNSTORABLE = re.compile(rb"\\u0000|" + _HIGH + rb"(?!" + _LOW + rb")|(?<!" + _HIGH + rb")" + _LOW)
_LOST = re.compile("[\0\ud800-\udfff]")


def storable(raw: bytes) -> bytes:
    """The text with U+FFFD for what nothing behind can hold; `raw` itself where that is nothing."""
    text = raw.removeprefix(BOM)
    if not is_utf8(text):
        text = text.decode("utf-8", "replace").encode()
    # Inside JSON a backslash begins an escape; an escaped one must not be taken for a beginning.
    # U+0001 stands for it meanwhile: as it is, it is not JSON.
    if b"\x01" in text:
        return text
    mended = _UNSTORABLE.sub(rb"\\ufffd", text.replace(rb"\\", b"\x01\x01"))
    mended = mended.replace(b"\x01\x01", rb"\\")
    return raw if mended == raw else mended


def is_utf8(raw: bytes) -> bool:
    """Whether the bytes are text in UTF-8."""
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def lost_texts(raw: bytes) -> Iterator[str]:
    """Pointers to the strings, and the names, that `storable` changes. Nothing for what is no
    JSON."""
    try:
        value = json.loads(raw.removeprefix(BOM).decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return
    for path, key, inner in walk(value):
        named = isinstance(key, str) and _LOST.search(key) is not None
        if named or (isinstance(inner, str) and _LOST.search(inner) is not None):
            yield _LOST.sub("\ufffd", pointer(*path, key))


def walk(value: Any) -> Iterator[tuple[list[str | int], str | int, Any]]:
    """Everything inside a JSON value: the path to its container, its key there, itself.

    The path is the walker's own list. Walks without recursion and holds one iterator for each
    level.
    """
    path: list[str | int] = []
    stack = [_entries(value)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            if path:
                path.pop()
            continue
        key, inner = entry
        yield path, key, inner
        if isinstance(inner, dict | list):
            path.append(key)
            stack.append(_entries(inner))


def _entries(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list) else iter(())
