"""Cursor paging.

Guarantees: a cursor is opaque, names the last entry seen, and stays valid while entries come and
go.
Must not: be trusted: it is checked like any input.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from coop_review_api.kernel.error import Fault, Invalid

MAX_PAGE = 200

MAX_INTEGER, MAX_BIGINT = 2**31 - 1, 2**63 - 1  # of PostgreSQL

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many entries at most.")]
Cursor = Annotated[
    str | None, Query(max_length=2000, description="`nextCursor` of the page before.")
]

T = TypeVar("T")


def encode_cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """The position in a cursor; `Invalid` for one this API did not make."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")]) from None
    if "\0" in position:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return position


def decode_number(cursor: str | None, *, most: int = MAX_BIGINT) -> int | None:
    """The position, from 0 to `most`, in a cursor of a list that a number orders."""
    position = decode_cursor(cursor)
    if position is None:
        return None
    # A number of more digits is not worth reading.
    is_number = position.isascii() and position.isdigit() and len(position) <= len(str(most))
    if not is_number or int(position) > most:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return int(position)


def cut(found: Sequence[T], limit: int, position: Callable[[T], str]) -> tuple[list[T], str | None]:
    """A page of at most `limit` of what was read (one more than that), and the next cursor."""
    page = list(found[:limit])
    more = len(found) > limit
    return page, encode_cursor(position(page[-1])) if more else None
