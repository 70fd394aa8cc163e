"""Seasons: thirteen weeks of one key, turned so that a time of day is one row.

    tallies        a row a key and day:             until the end of each quarter of an hour of it
    tally_seasons  96 rows a key and season, each:  until the end of one quarter, on each of 91 days

A chart by day wants one number a day, at the quarter of an hour in which the day begins in the
reader's zone: of a year it is one row of a season, five times over, instead of 366 rows.

Guarantees: pure. The n-th number of a row is what happened from the season's beginning until the
end of that quarter on its n-th day, so that any span is one number less another. Seasons begin on
Mondays, and a week lies within one.
Must not: know what is counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from coop_review_api.tally.store import QUARTERS, quarter_of

DAYS: Final = 91
_LENGTH: Final = timedelta(days=DAYS)
_FIRST: Final = date(2001, 1, 1)  # a Monday


class SeasonPlace(NamedTuple):
    """Where the number stands of what there was until a moment: in which season, in the row of
    which quarter of an hour (from 1), on which day (from 1)."""

    season: date
    quarter: int
    day: int


def season_of(day: date) -> date:
    """The first day of its season."""
    return day - timedelta(days=(day - _FIRST).days % DAYS)


def place_of(moment: datetime) -> SeasonPlace:
    """Midnight is the end of the day before: that also at the beginning of a season."""
    day, quarter = quarter_of(moment)
    if quarter == 0:
        day, quarter = day - timedelta(days=1), QUARTERS
    season = season_of(day)
    return SeasonPlace(season, quarter, (day - season).days + 1)


def seasons_between(first: date, last: date) -> list[date]:
    """Those that begin from `first` until before `last`; both are beginnings."""
    return [first + number * _LENGTH for number in range((last - first) // _LENGTH)]


def rows_of(season: date, days: Mapping[date, Sequence[int]]) -> Iterator[str]:
    """The rows that days of one season add to it, in the order of quarters, as PostgreSQL writes
    arrays."""
    given = sorted(days)
    first, last = given[0], given[-1]
    before = "0," * (first - season).days
    touched = [days.get(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    ends = [0 if counts is None else counts[-1] for counts in touched]
    bases = list(itertools.accumulate(ends, initial=0))
    after = f",{bases[-1]}" * (DAYS - (last - season).days - 1)
    for quarter in range(QUARTERS):
        sums = (
            str(base if counts is None else base + counts[quarter])
            for base, counts in zip(bases, touched, strict=False)
        )
        yield "{" + before + ",".join(sums) + after + "}"
