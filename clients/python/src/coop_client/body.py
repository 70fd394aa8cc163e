"""A request's body, up to a limit: nobody can make the receiver hold more.

Must not: know what is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MAX_BODY: Final = 4_000_000
"""Bytes. Coop sends less: an item has 256 KB, and what is told about it is short."""

_CHUNK: Final = 65_536


class TooLarge(Exception):
    """The body is longer than the limit: to be answered with 413, and the connection closed."""


def read_limited(
    read: Callable[[int], bytes], *, length: int | None, limit: int = MAX_BODY
) -> bytes:
    """The body from `read(count)`, which gives b"" at its end, as a file or a WSGI input does.

    `length` is the Content-Length, None where there is none. Raises TooLarge as soon as it is so.
    """
    if length is not None and length > limit:
        raise TooLarge(f"the body has {length} bytes, more than {limit}")
    left = limit if length is None else length
    parts = []
    while left > 0 and (part := read(min(left, _CHUNK))):
        parts.append(part)
        left -= len(part)
    if length is None and read(1):
        raise TooLarge(f"the body has more than {limit} bytes")
    return b"".join(parts)
