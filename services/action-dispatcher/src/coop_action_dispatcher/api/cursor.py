"""Cursors of pages.

Guarantees: a cursor is opaque and names the last entry seen, so that it stays valid while entries
come and go.
Must not: be trusted: a cursor is checked like any input.
"""

from __future__ import annotations

import base64
import binascii

from fastapi import HTTPException

_MAX_DIGITS = 19


def encode_cursor(number: int) -> str:
    """A cursor of a position."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def decode_number(cursor: str | None) -> int | None:
    """The position in a cursor of one number. Raises the answer 422."""
    if cursor is None:
        return None
    digits = _decode(cursor)
    # `int` would also read a sign, blanks and underscores: this cursor is none that was given.
    if not digits.isdigit() or len(digits) > _MAX_DIGITS or int(digits) >= 1 << 63:
        raise _not_a_cursor()
    return int(digits)


def _decode(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _not_a_cursor() from None


def _not_a_cursor() -> HTTPException:
    return HTTPException(422, "not a cursor of this list")
