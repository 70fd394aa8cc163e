"""Strings and unknown JSON that everything behind can hold.

Guarantees: what passes is UTF-8 without NUL (PostgreSQL's jsonb cannot hold U+0000), its numbers
are finite, and it nests at most `MAX_DEPTH` deep.
Must not: change a value.
"""

from __future__ import annotations

import math
from typing import Any, Final

from coop_items.refusal import NotAnItemValue

MAX_DEPTH: Final = 32  # lists and objects inside one field
MAX_INTEGER: Final = int(1.7976931348623157e308)  # larger numbers are out of a double's range


def check_text(value: str) -> str:
    """The string itself; refuses NUL and lone surrogates."""
    if "\0" in value:
        raise NotAnItemValue("it contains the character U+0000")
    # str.isascii reads a flag; only other strings pay for the encoding.
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            code = ord(value[error.start])
            raise NotAnItemValue(f"it contains a lone surrogate, U+{code:04X}") from None
    return value


def check_json(value: Any, *, depth: int = 1) -> Any:
    """The value itself; refuses what cannot be kept, naming the path to it."""
    kind = type(value)
    if kind is str:
        return check_text(value)
    if kind is float:
        if not math.isfinite(value):
            raise NotAnItemValue("it is not a finite number")
    elif kind is int:
        if abs(value) > MAX_INTEGER:
            raise NotAnItemValue("the number is out of range")
    elif kind is dict or kind is list:
        _check_container(value, depth)
    elif value is not None and kind is not bool:
        raise NotAnItemValue("it is not JSON")
    return value


def _check_container(value: dict[Any, Any] | list[Any], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotAnItemValue(f"it nests deeper than {MAX_DEPTH}")
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        try:
            if type(key) is str:
                check_text(key)
            check_json(inner, depth=depth + 1)
        except NotAnItemValue as error:
            raise NotAnItemValue(error.reason, key, *error.path) from None
