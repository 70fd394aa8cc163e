"""Typed comparison: the families of values, and thresholds read as one of them or refused.

Guarantees: a threshold that does not fit its family is None, never a guess (`"false"` is not true,
`""` is not 0). Must not: know fields or signals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from coop_contracts.event import ItemRef
from coop_contracts.number import parse_number
from coop_items.moment import parse_moment
from coop_items.refusal import NotAnItemValue


class ComparisonFamily(StrEnum):
    """How values of a scalar type compare."""

    NUMBER = "NUMBER"
    DATETIME = "DATETIME"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    REFERENCE = "REFERENCE"  # {id, typeId}: compares by id
    MEDIA = "MEDIA"  # {url}: compares by URL
    ENUM = "ENUM"  # compares by its place in an order


Threshold = bool | int | float | str | datetime

ORDERED = frozenset({ComparisonFamily.NUMBER, ComparisonFamily.DATETIME, ComparisonFamily.ENUM})


def read_threshold(
    given: bool | int | float | str,
    family: ComparisonFamily,
    *,
    number_as_id: bool = False,
    order: tuple[str, ...] = (),
) -> Threshold | None:
    """The threshold as a value of the family, or None where it does not fit; of an ENUM its place
    in `order`. Numbers and booleans may be written as strings, because Coop's client writes them
    so."""
    match family:
        case ComparisonFamily.NUMBER:
            return read_number(given)
        case ComparisonFamily.BOOLEAN:
            words: dict[object, bool] = {"true": True, "false": False, "1": True, "0": False}
            return words.get(str(given).strip().lower())
        case ComparisonFamily.DATETIME:
            return read_time(given) or _read_moment(given)
        case ComparisonFamily.ENUM:
            return order.index(given) if isinstance(given, str) and given in order else None
        case _:
            if isinstance(given, str):
                return given
            whole = isinstance(given, int) and not isinstance(given, bool)
            return str(given) if whole and number_as_id else None


def read_number(given: object) -> int | float | None:
    """A finite number, or None. `""` is not 0, and a boolean is not a number. One written as text
    is as exact as one that is not."""
    if isinstance(given, str):
        return parse_number(given)
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


def _read_moment(given: object) -> datetime | None:
    """A time in a form that items may have it in; a day that does not exist is none."""
    try:
        return parse_moment(given) if isinstance(given, str) else None
    except NotAnItemValue:
        return None


def identifier_of(value: object) -> str | None:
    """The id of a user or item reference (`{id, typeId}`, or an ItemRef); None if it is none."""
    if isinstance(value, ItemRef):
        return value.id
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def url_of(value: object) -> str | None:
    """The URL of a media value `{url, …}` or a plain string; None if it is neither."""
    found = value.get("url") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def _number(value: Any) -> Any:
    return value if value.__class__ is float or value.__class__ is int else None


def _boolean(value: Any) -> Any:
    return value if value.__class__ is bool else None


def _text(value: Any) -> Any:
    return value if value.__class__ is str else None


READERS: Mapping[ComparisonFamily, Callable[[Any], Any]] = {
    ComparisonFamily.NUMBER: _number,
    ComparisonFamily.BOOLEAN: _boolean,
    ComparisonFamily.TEXT: _text,
    ComparisonFamily.DATETIME: read_time,
    ComparisonFamily.REFERENCE: identifier_of,
    ComparisonFamily.MEDIA: url_of,
}
"""Give an item's value as it is compared, or None where its type is wrong."""


def enum_reader(order: tuple[str, ...]) -> Callable[[Any], int | None]:
    """Gives a value's place in the order, None where it has none."""
    places = {value: place for place, value in enumerate(order)}
    return lambda value: places.get(value) if value.__class__ is str else None
