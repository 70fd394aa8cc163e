"""Shapes on the wire of the internal API: camelCase JSON, immutable; and cursor paging.

Guarantees: a cursor is opaque and names the last entry seen, so that it stays valid while entries
come and go. Must not: be trusted: a cursor is checked like any input.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import HTTPException, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

MAX_PAGE = 200


class Model(BaseModel):
    """Everything that goes out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Body(Model):
    """Everything that comes in: nothing but the declared fields."""

    model_config = ConfigDict(extra="forbid")


def _storable(value: str) -> str:
    # PostgreSQL stores no U+0000, so nothing can have such an id.
    if "\0" in value:
        raise ValueError("must not contain U+0000")
    return value


Text = Annotated[str, AfterValidator(_storable)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str | None, Query(max_length=200)]
Moment = Annotated[AwareDatetime | None, Query()]


def encode_cursor(number: int) -> str:
    """A cursor of a position."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def decode_number(cursor: str | None) -> int | None:
    """The position in a cursor of one number. Raises the answer 422."""
    if cursor is None:
        return None
    try:
        number = int(_decode(cursor))
    except ValueError:
        raise _not_a_cursor() from None
    if not 0 <= number < 1 << 63:
        raise _not_a_cursor()
    return number


def _decode(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _not_a_cursor() from None


def _not_a_cursor() -> HTTPException:
    return HTTPException(422, "not a cursor of this list")
