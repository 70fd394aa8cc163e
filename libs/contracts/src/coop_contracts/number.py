"""A number written as text: one reading for items, thresholds and matching values.

Guarantees: what is read are the forms that ECMAScript's `Number()` reads: decimal with or without
a fraction and an exponent, and `0x`, `0o`, `0b`, with white space around. An integer keeps all its
digits. Digits are ASCII; underscores, other scripts' digits, `""`, `Infinity` and `NaN` are none.
Must not: guess, or raise.
"""

from __future__ import annotations

import math
import re
from typing import Final

MAX_NUMBER_TEXT: Final = 400  # characters, without the white space around

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BASED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_MAX_FLOAT: Final = int(1.7976931348623157e308)


def parse_number(text: str) -> int | float | None:
    """The number, or None where the text is none or is out of a double's range."""
    digits = text.strip().strip("\ufeff").strip()
    if len(digits) > MAX_NUMBER_TEXT:
        return None
    if _INTEGER.fullmatch(digits) is not None:
        whole = int(digits)
    elif _BASED.fullmatch(digits) is not None:
        whole = int(digits, 0)
    elif _DECIMAL.fullmatch(digits) is not None:
        number = float(digits)
        return number if math.isfinite(number) else None
    else:
        return None
    return whole if abs(whole) <= _MAX_FLOAT else None
