"""The numbers of keys by bucket, from seasons and from days.

Guarantees: what stands in both is added up; of seasons only what is not remembered is read, and of
one that reaches beyond the buckets the days in them alone.
Must not: know what a key is about.
"""

from __future__ import annotations

import itertools
import operator
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.tally.bucket import Buckets
from coop_review_api.tally.memory import SeasonMemory
from coop_review_api.tally.season import DAYS, SeasonPlace, place_of, seasons_between
from coop_review_api.tally.store import QUARTERS, quarter_of

# Only the quarters in which a bucket begins, and the last: of a day there are 96. Key by key, or a
# plan that is made for any time reads the days of all keys.
_OF_DAYS = text(
    """
    SELECT c.key_id, c.day, ARRAY(SELECT c.counts[q] FROM unnest(CAST(:quarters AS int[])) q)
      FROM unnest(CAST(:ids AS bigint[])) AS wanted (key_id)
     CROSS JOIN LATERAL (
        SELECT t.key_id, t.day, t.counts FROM review.tallies t
         WHERE t.key_id = wanted.key_id
           AND t.day BETWEEN CAST(:first AS date) AND CAST(:last AS date)
         ORDER BY t.day) AS c
    """
)
# Of the first season from the first day, of the last until the last one; where no bucket begins at
# midnight the row of midnight says only how much the season has.
_OF_SEASONS = text(
    f"""
    SELECT s.key_id, s.season, s.quarter,
           s.counts[CASE WHEN s.quarter = CAST(:sum_of AS int) THEN {DAYS}
                         WHEN s.season = CAST(:first AS date) THEN CAST(:since AS int) ELSE 1 END
                    : CASE WHEN s.season = CAST(:last AS date) AND s.quarter <> CAST(:sum_of AS int)
                           THEN CAST(:until AS int) ELSE {DAYS} END]
      FROM review.tally_seasons s
     WHERE s.key_id = ANY(CAST(:ids AS bigint[])) AND s.quarter = ANY(CAST(:quarters AS int2[]))
       AND s.season BETWEEN CAST(:first AS date) AND CAST(:last AS date)
    """  # noqa: S608 - a constant
)


@dataclass(frozen=True, kw_only=True)
class _Lookup:
    """Where the numbers of buckets stand: made once for all questions about the same time."""

    places: tuple[SeasonPlace, ...]
    rows: tuple[tuple[date, int, int], ...]
    """The rows of seasons that are needed: season, quarter, how many days of it."""
    pick: Callable[[Sequence[int]], tuple[int, ...]]
    """The number at each edge, of all these rows one behind the other."""
    quarters: tuple[int, ...]
    """Of a season, in which one of these numbers or its sum stands."""
    turns: tuple[tuple[int, tuple[date, ...]], ...]
    """Buckets that end in another season than they begin in, with those that are over by then."""
    sum_of: int
    """The quarter that is read for the sum of a season alone; 0: none is."""
    days: tuple[date, ...]
    """Of each edge."""
    of_day: tuple[int, ...]
    """The quarters of a day after which there is an edge, and its last one."""
    read: tuple[int, ...]
    """Of each edge: where its number stands when these come behind a 0, which is midnight's."""


@lru_cache(maxsize=16)
def _lookup_of(buckets: Buckets) -> _Lookup:
    places = tuple(map(place_of, buckets.edges))
    rows = sorted({(place.season, place.quarter) for place in places})
    since, until = (places[0].season, places[0].day), (places[-1].season, places[-1].day)
    lengths, where, length = {}, {}, 0
    for season, quarter in rows:
        skipped = since[1] - 1 if season == since[0] else 0
        lengths[season] = (until[1] if season == until[0] else DAYS) - skipped
        where[season, quarter] = length - skipped
        length += lengths[season]
    days, after = zip(*map(quarter_of, buckets.edges), strict=True)
    of_day = sorted({QUARTERS, *after} - {0})
    read = {quarter: at for at, quarter in enumerate((0, *of_day))}
    quarters = {quarter for _, quarter in rows}
    return _Lookup(
        places=places,
        rows=tuple((*row, lengths[row[0]]) for row in rows),
        pick=operator.itemgetter(
            *(where[place.season, place.quarter] + place.day - 1 for place in places)
        ),
        quarters=tuple(sorted({QUARTERS, *quarters})),
        turns=tuple(
            (bucket, tuple(seasons_between(start.season, end.season)))
            for bucket, (start, end) in enumerate(itertools.pairwise(places))
            if start.season != end.season
        ),
        sum_of=0 if QUARTERS in quarters else QUARTERS,
        days=days,
        of_day=tuple(of_day),
        read=tuple(read[quarter] for quarter in after),
    )


async def numbers_of(
    connection: AsyncConnection,
    memory: SeasonMemory,
    buckets: Buckets,
    versions: Mapping[int, int],
) -> dict[int, list[int]]:
    """By key: how often in each bucket; a key of which there is nothing is left out. `versions` are
    those of the keys in this snapshot."""
    known = memory.known(buckets, versions)
    fresh = {key: version for key, version in versions.items() if key not in known}
    if fresh:
        read = await _in_seasons(connection, buckets, list(fresh))
        memory.keep(buckets, fresh, read)
        known.update(read)
    found = {key: list(counts) for key, counts in known.items() if counts}
    await _add_days(connection, buckets, list(versions), found)
    return found


async def _in_seasons(
    connection: AsyncConnection, buckets: Buckets, ids: Sequence[int]
) -> dict[int, list[int]]:
    lookup = _lookup_of(buckets)
    first, last = lookup.places[0].season, lookup.places[-1].season
    asked = {
        "ids": ids,
        "quarters": list(lookup.quarters),
        "sum_of": lookup.sum_of,
        "first": first,
        "last": last,
        "since": lookup.places[0].day,
        "until": lookup.places[-1].day,
    }
    by_key: dict[int, dict[tuple[date, int], Sequence[int]]] = defaultdict(dict)
    for key, season, quarter, counts in await connection.execute(_OF_SEASONS, asked):
        by_key[key][season, quarter] = counts
    found: dict[int, list[int]] = {}
    for key, numbers in by_key.items():
        line: list[int] = []
        for season, quarter, length in lookup.rows:
            line += numbers.get((season, quarter)) or [0] * length
        sums = lookup.pick(line)
        counted = list(map(operator.sub, sums[1:], sums))
        # Each season counts from its own beginning: what the one before had in all is behind it.
        for bucket, over in lookup.turns:
            for season in over:
                whole = numbers.get((season, QUARTERS))
                counted[bucket] += whole[-1] if whole else 0
        found[key] = counted
    return found


class _Day(NamedTuple):
    """Where what happened on a day goes: into the buckets from the first on, the numbers there
    less those before."""

    first: int
    until: int
    pick: Callable[[Sequence[int]], tuple[int, ...]]


@lru_cache(maxsize=4096)
def _day_of(buckets: Buckets, day: date) -> _Day | None:
    """None: there is no bucket that has any of it."""
    lookup = _lookup_of(buckets)
    last = len(buckets.edges) - 1
    since, until = bisect_left(lookup.days, day), bisect_right(lookup.days, day)
    # From midnight to the first edge of the day, from edge to edge, and until its end; what there
    # was before the first edge of all, or after the last, is of no bucket.
    places = [0, *lookup.read[since:until], len(lookup.of_day)]
    first, end = since - 1, until
    if first < 0:
        first, places = 0, places[1:]
    if end > last:
        end, places = last, places[:-1]
    return _Day(first, end, operator.itemgetter(*places)) if len(places) > 1 else None


async def _add_days(
    connection: AsyncConnection, buckets: Buckets, ids: Sequence[int], found: dict[int, list[int]]
) -> None:
    lookup = _lookup_of(buckets)
    asked = {
        "ids": ids,
        "quarters": list(lookup.of_day),
        "first": lookup.days[0],
        "last": lookup.days[-1],
    }
    for key, day, counts in await connection.execute(_OF_DAYS, asked):
        place = _day_of(buckets, day)
        if place is None:
            continue
        numbers = found.get(key)
        if numbers is None:
            numbers = found[key] = [0] * (len(buckets.edges) - 1)
        first, until, pick = place
        sums = pick((0, *counts))
        happened = map(operator.sub, sums[1:], sums)
        numbers[first:until] = map(operator.add, numbers[first:until], happened)
