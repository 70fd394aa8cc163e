"""Dates and times as platforms send them.

Accepts what date-fns `parseJSON` reads: `YYYY-MM-DD[T ]HH:MM:SS[.fff][Z|±HH[:]MM|±HH]` (no offset
means UTC) and numbers as milliseconds since the Unix epoch. Unlike it: nothing may stand around the
date, and a day that does not exist is refused instead of rolling over.
Must not: guess a format.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from coop_items.refusal import NotAnItemValue

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UTC = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{0,9}))?(?:Z|\+00:00)"
)
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{0,9}))?(?:Z|([+-])([0-9]{2}):?([0-9]{2})?)?"
)
_REASON: Final = "it must be a date and time such as 2024-05-01T10:00:00.000Z"
_RANGE: Final = "the date is out of range"


def parse_moment(value: Any) -> datetime:
    """The moment in UTC, cut to milliseconds. Raises NotAnItemValue."""
    kind = type(value)
    if kind is str:
        return _parse_iso(value)
    if kind is int or kind is float:
        if kind is float and not math.isfinite(value):
            raise NotAnItemValue(_REASON)
        try:
            return _EPOCH + timedelta(milliseconds=int(value))
        except OverflowError:
            raise NotAnItemValue(_RANGE) from None
    raise NotAnItemValue(_REASON)


def _parse_iso(text: str) -> datetime:
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise NotAnItemValue(_REASON)
    *clock, fraction, sign, hours, minutes = match.groups()
    milliseconds = int(((fraction or "") + "000")[:3])
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        raise NotAnItemValue("the offset from UTC is out of range")
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        year, month, day, hour, minute, second = (int(part) for part in clock)
        local = datetime(year, month, day, hour, minute, second, milliseconds * 1000, tzinfo=UTC)
        return local + offset if sign == "-" else local - offset
    except ValueError as error:
        raise NotAnItemValue(str(error)) from None
    except OverflowError:
        raise NotAnItemValue(_RANGE) from None


def to_iso(value: Any) -> str:
    """The moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`. Raises NotAnItemValue."""
    # What most platforms send is in UTC already: checked by the C parser, it needs no arithmetic.
    match = _UTC.fullmatch(value) if type(value) is str else None
    if match is not None:
        seconds, fraction = match.groups()
        try:
            datetime.fromisoformat(seconds)
        except ValueError as error:
            raise NotAnItemValue(str(error)) from None
        return f"{seconds}.{((fraction or '') + '000')[:3]}Z"
    return format_moment(parse_moment(value))


def format_moment(moment: datetime) -> str:
    """A UTC datetime as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
