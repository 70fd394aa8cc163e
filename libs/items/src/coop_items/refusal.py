"""Why a value is not acceptable, and the API errors that say so.

Guarantees: every error names the field, quotes the value as bounded ASCII JSON and points
(RFC 6901) to the exact place, down to the element of a list or the key of a map.
Must not: decide what is acceptable; `scalar`, `url` and `moment` do.
"""

from __future__ import annotations

import json
from typing import Any, Final

from coop_contracts.error import ApiError, ErrorType, pointer

MAX_QUOTE: Final = 120  # characters of a bad value repeated in an error
MAX_ELEMENT_ERRORS: Final = 100  # errors listed for one list or map

_DATA_INVALID = (ErrorType.DATA_INVALID_FOR_ITEM_TYPE, ErrorType.INVALID_USER_INPUT)
_TITLE = "Invalid Data for Item"


class NotAnItemValue(ValueError):
    """A value cannot be accepted. `path` leads from the value to the part that is wrong."""

    def __init__(self, reason: str, *path: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


class DoubtfulValue(NotAnItemValue):
    """A value that Coop accepts and that is of no use as what the field is for: an e-mail address
    without a host, the 30th of February. An optional field keeps `kept`, and the answer names it;
    a required one refuses it."""

    def __init__(self, reason: str, kept: Any) -> None:
        super().__init__(reason)
        self.kept = kept


def quote(value: Any) -> str:
    """The value as JSON in ASCII, cut to `MAX_QUOTE` characters.

    Large values are cut before they are encoded, so that a hostile one costs nothing.
    """
    if isinstance(value, str):
        value = value[: MAX_QUOTE + 1]
    elif isinstance(value, (list, dict)):
        return f"{'list' if isinstance(value, list) else 'object'} of {len(value)}"
    elif isinstance(value, int) and value.bit_length() > 256:
        return "a number of too many digits"
    text = json.dumps(value)
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "…"


def name_of(field: str) -> str:
    """A field name as it may stand in an error: quoted, ASCII, bounded."""
    return quote(field)


def data_error(at: str, detail: str) -> ApiError:
    """The error of one field; `at` is its pointer."""
    # A pointer through a key with a lone surrogate must still be encodable.
    at = at.encode("utf-8", "replace").decode()
    return ApiError(status=400, type=_DATA_INVALID, title=_TITLE, detail=detail, pointer=at)


def missing_error(at: str, field: str) -> ApiError:
    """A required field is absent, null, or empty where empty means null."""
    return data_error(at, f"The field {name_of(field)} is required.")


def value_error(at: str, field: str, value: Any, refused: NotAnItemValue) -> ApiError:
    """A value that `refused` refuses; `at` points to the value, the error to the part of it."""
    detail = f"The field {name_of(field)} cannot be {quote(value)}: {refused.reason}."
    return data_error(at + pointer(*refused.path), detail)


def role_error(at: str, detail: str) -> ApiError:
    """Fields that only make sense together were not sent together."""
    return ApiError(
        status=400,
        type=(ErrorType.FIELD_ROLES_INVALID_FOR_ITEM_TYPE, ErrorType.INVALID_USER_INPUT),
        title="Invalid field roles for Item",
        detail=detail,
        pointer=at,
    )
