"""Cursor paging.

    cursor = base64url(check of 4 bytes ‖ position), the check made of the list and the position

Guarantees: a cursor is opaque, names the last entry seen, and stays valid while entries come and
go; what is no cursor of the very list is a fault at `#/query/cursor`, whatever else it may be.
Must not: be trusted: the check finds slips, not forgers. A position is checked like any input.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Annotated, TypeVar

from fastapi import Query
from pydantic import AfterValidator

from coop_review_api.kernel.error import Fault, Invalid

MAX_PAGE = 200

MAX_INTEGER, MAX_BIGINT = 2**31 - 1, 2**63 - 1  # of PostgreSQL

CURRENT_LIST: ContextVar[str] = ContextVar("list", default="")
"""The list that the present request asks for: the template of its path (`http.address`)."""

_NOT_A_CURSOR = "not a cursor of this list"
_CHECK = 4  # bytes

T = TypeVar("T")


def encode_cursor(position: str, *, of: str | None = None) -> str:
    """A cursor of the present list, or of another one (`of`, the template of its path)."""
    raw = position.encode()
    return base64.urlsafe_b64encode(_check(raw, of) + raw).decode().rstrip("=")


def cursor_for(path: str, position: str) -> str:
    """A cursor of another list of this API, by the template of its path."""
    token = CURRENT_LIST.set(path)
    try:
        return encode_cursor(position)
    finally:
        CURRENT_LIST.reset(token)


def wrapped(cursor: str | None) -> str | None:
    """A cursor of another service's list, as one of the present list."""
    return None if cursor is None else encode_cursor(cursor)


def decode_cursor(cursor: str | None) -> str | None:
    """The position in a cursor; `Invalid` for one that this list did not make."""
    if cursor is None:
        return None
    try:
        return _position(cursor)
    except ValueError:
        raise _wrong() from None


def _position(cursor: str) -> str:
    """Raises ValueError."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        whole = base64.b64decode(padded, altchars=b"-_", validate=True)
        check, raw = whole[:_CHECK], whole[_CHECK:]
        position = raw.decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError(_NOT_A_CURSOR) from None
    if check != _check(raw) or "\0" in position:
        raise ValueError(_NOT_A_CURSOR)
    return position


def _check(position: bytes, of: str | None = None) -> bytes:
    of_list = (of or CURRENT_LIST.get()).encode() + b"\0"
    return hashlib.blake2s(of_list + position, digest_size=_CHECK).digest()


def _checked(cursor: str | None) -> str | None:
    if cursor is not None:
        _position(cursor)
    return cursor


Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many entries at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=2000, description="`nextCursor` of the page before."),
    AfterValidator(_checked),
]


def decode_number(cursor: str | None, *, most: int = MAX_BIGINT) -> int | None:
    """The position, from 0 to `most`, in a cursor of a list that a number orders."""
    position = decode_cursor(cursor)
    if position is None:
        return None
    # A number of more digits is not worth reading.
    is_number = position.isascii() and position.isdigit() and len(position) <= len(str(most))
    if not is_number or int(position) > most:
        raise _wrong()
    return int(position)


def _wrong() -> Invalid:
    return Invalid([Fault("#/query/cursor", _NOT_A_CURSOR)])


def cut(found: Sequence[T], limit: int, position: Callable[[T], str]) -> tuple[list[T], str | None]:
    """A page of at most `limit` of what was read (one more than that), and the next cursor."""
    page = list(found[:limit])
    more = len(found) > limit
    return page, encode_cursor(position(page[-1])) if more else None
