"""Dates and times as platforms send them.

Accepts the ordinary forms of ISO 8601 and RFC 3339, among them all that Coop accepts:

    2024-05-01T10:00:00.000Z    `T`, `t` or a blank between; a fraction of any length, after `.` or
                                `,`, is cut to milliseconds; `Z`, `z`, `+HH:MM`, `+HHMM`, `+HH`
    2024-05-01T10:00            without seconds; without an offset it is UTC
    2024-05-01                  a day alone is its midnight in UTC
    20240501T100000Z, 20240501  the basic format
    23:59:60, 24:00             a leap second is the next minute's first, 24:00 the next midnight
    1714557600000               a number: milliseconds since the Unix epoch

A day or an hour that does not exist (30 February, 25:00) is doubtful: it rolls over, as in Coop.
Must not: guess a format, or read anything around the date.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from coop_items.refusal import DoubtfulValue, NotAnItemValue

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UTC = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{0,9}))?(?:Z|\+00:00)"
)
_REST = r"(?:[.,]([0-9]{0,60}))?)?(?: ?(?:[Zz]|([+\u2212-])([0-9]{2})(?::?([0-9]{2}))?))?)?"
_FORMS: Final = (
    re.compile(
        r"(?:\+00)?([0-9]{4})-([0-9]{2})-([0-9]{2})"
        r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})" + _REST
    ),
    re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[Tt]([0-9]{2})([0-9]{2})(?:([0-9]{2})" + _REST),
)
_REASON: Final = "it must be a date and time such as 2024-05-01T10:00:00.000Z"
_RANGE: Final = "the date is out of range"


def parse_moment(value: Any) -> datetime:
    """The moment in UTC, cut to milliseconds. Raises NotAnItemValue, or DoubtfulValue with the
    moment that a day or an hour that does not exist rolls over to."""
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
    bare = text.strip()
    match = _FORMS[0].fullmatch(bare) or _FORMS[1].fullmatch(bare)
    if match is None:
        raise NotAnItemValue(_REASON)
    *clock, fraction, sign, hours, minutes = match.groups()
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        raise NotAnItemValue("the offset from UTC is out of range")
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if sign is not None and sign != "+":
        offset = -offset
    moment, reason = _local(*(int(part or 0) for part in clock))
    moment = _shifted(moment, timedelta(milliseconds=int(((fraction or "") + "000")[:3])) - offset)
    if reason is not None:
        raise DoubtfulValue(reason, moment)
    return moment


def _local(
    year: int, month: int, day: int, hour: int, minute: int, second: int
) -> tuple[datetime, str | None]:
    """The moment of a clock, and why it does not exist; None where it does."""
    if year == 0:
        raise NotAnItemValue(_RANGE)
    leap, second = divmod(second, 60) if second == 60 else (0, second)
    late, hour = (1, 0) if (hour, minute, second, leap) == (24, 0, 0, 0) else (0, hour)
    try:
        exact = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return _shifted(exact, timedelta(days=late, minutes=leap)), None
    except ValueError as error:
        reason = str(error)
    years, month = divmod(month - 1, 12)
    try:
        first = datetime(year + years, month + 1, 1, tzinfo=UTC)
    except ValueError:
        raise NotAnItemValue(_RANGE) from None
    rest = timedelta(days=day - 1 + late, hours=hour, minutes=minute + leap, seconds=second)
    return _shifted(first, rest), reason


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        raise NotAnItemValue(_RANGE) from None


def to_iso(value: Any) -> str:
    """The moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`. Raises NotAnItemValue, or DoubtfulValue."""
    # What most platforms send is in UTC already: checked by the C parser, it needs no arithmetic.
    match = _UTC.fullmatch(value) if type(value) is str else None
    if match is not None:
        seconds, fraction = match.groups()
        try:
            datetime.fromisoformat(seconds)
            return f"{seconds}.{((fraction or '') + '000')[:3]}Z"
        except ValueError:
            pass  # a leap second, 24:00, or a day that does not exist
    try:
        return format_moment(parse_moment(value))
    except DoubtfulValue as doubtful:
        raise DoubtfulValue(doubtful.reason, format_moment(doubtful.kept)) from None


def format_moment(moment: datetime) -> str:
    """A UTC datetime as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
