"""Time cut into buckets, as somebody's clock shows it.

    HOUR    from full hour to full hour      DAY    from midnight to midnight
    TOTAL   all of it at once

Guarantees: pure. The time that is asked for lies within the buckets, which begin and end at
quarters of an hour: days have 23 or 25 hours where clocks change. The buckets before are as many,
and end where these begin.
Must not: know what is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Bucket = Literal["TOTAL", "DAY", "HOUR"]

_QUARTER = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """`edges` are where they begin, and where the last one ends, in UTC; the first `before` of them
    are those to compare with."""

    edges: tuple[datetime, ...]
    before: int = 0

    def __hash__(self) -> int:
        # Of a year by hours there are thousands of edges; these tell them apart well enough.
        return hash((self.edges[0], self.edges[-1], len(self.edges), self.before))

    @property
    def starts(self) -> tuple[datetime, ...]:
        """Where those begin that were asked for."""
        return self.edges[self.before : -1]

    @property
    def since(self) -> datetime:
        return self.edges[self.before]

    @property
    def until(self) -> datetime:
        return self.edges[-1]


@lru_cache(maxsize=32)
def buckets_of(
    start: datetime, end: datetime, bucket: Bucket, zone: ZoneInfo, *, compare: bool = False
) -> Buckets:
    """The buckets from the one with `start` to the one before `end`; with `compare` as many before
    them. A page asks several questions about one time: the same buckets."""
    if bucket == "DAY":
        return _days(start.astimezone(zone).date(), _last(end, zone), zone, compare=compare)
    if bucket == "HOUR":
        return _hours(start.astimezone(zone), end, compare=compare)
    since, until = floor(start), -(-(end - _EPOCH) // _QUARTER) * _QUARTER + _EPOCH
    if not compare:
        return Buckets(edges=(since, until))
    # By the clock on the wall: seven days before these seven, also where one of them has 23 hours.
    wall = until.astimezone(zone).replace(tzinfo=None) - since.astimezone(zone).replace(tzinfo=None)
    earlier = floor((since.astimezone(zone).replace(tzinfo=None) - wall).replace(tzinfo=zone))
    return Buckets(edges=(min(earlier, since - _QUARTER), since, until), before=1)


def floor(time: datetime) -> datetime:
    """The quarter of an hour that it is in, in UTC."""
    return time.astimezone(UTC) - (time - _EPOCH) % _QUARTER


def _last(end: datetime, zone: ZoneInfo) -> date:
    """The day that has what is just before `end`."""
    return (end - timedelta(microseconds=1)).astimezone(zone).date()


def _days(first: date, last: date, zone: ZoneInfo, *, compare: bool) -> Buckets:
    before = (last - first).days + 1 if compare else 0
    edges = (
        floor(datetime(day.year, day.month, day.day, tzinfo=zone))
        for day in _dates(first - before * _DAY, last + _DAY)
    )
    return Buckets(edges=tuple(edges), before=before)


def _dates(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY


def _hours(start: datetime, end: datetime, *, compare: bool) -> Buckets:
    # The offset of a zone is not of whole hours everywhere: an hour there begins at :30 or :45.
    first = floor(start - timedelta(minutes=start.minute))
    hours = max(1, -(-(end - first) // _HOUR))
    before = hours if compare else 0
    edges = (first + number * _HOUR for number in range(-before, hours + 1))
    return Buckets(edges=tuple(edges), before=before)
