"""Typed comparison: the families of values, and thresholds read as one of them or refused.

Guarantees: a threshold that does not fit its family is None, never a guess (`"false"` is not true,
`""` is not 0). Must not: know fields or signals.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum


class Family(StrEnum):
    """How values of a scalar type compare."""

    NUMBER = "NUMBER"
    DATETIME = "DATETIME"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    REFERENCE = "REFERENCE"  # {id, typeId}: compares by id
    MEDIA = "MEDIA"  # {url}: compares by URL


Threshold = bool | int | float | str | datetime


def read_threshold(
    given: bool | int | float | str, family: Family, *, number_as_id: bool
) -> Threshold | None:
    """The threshold as a value of the family, or None where it does not fit. Numbers and booleans
    may be written as strings, because Coop's client writes them so."""
    match family:
        case Family.NUMBER:
            return read_number(given)
        case Family.BOOLEAN:
            words: dict[object, bool] = {"true": True, "false": False, "1": True, "0": False}
            return words.get(str(given).strip().lower())
        case Family.DATETIME:
            return read_time(given)
        case _:
            if isinstance(given, str):
                return given
            whole = isinstance(given, int) and not isinstance(given, bool)
            return str(given) if whole and number_as_id else None


def read_number(given: object) -> int | float | None:
    """A finite number, or None. `""` is not 0, and a boolean is not a number."""
    if isinstance(given, str):
        try:
            given = float(given)
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return None
    return given


def read_time(given: object) -> datetime | None:
    """An ISO 8601 time, UTC where it names no zone; None where it is none."""
    if not isinstance(given, str):
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
