"""Asking the tallies: sums by bucket, of what is grouped by.

A number says what happened from the beginning of a day, or of a season for weeks that are over,
until the end of a quarter of an hour: a bucket is what there was until its end less what there was
until its beginning. So a year of days is one number a day, in whatever time zone, from some ten
rows a key.

Guarantees: scoped by organisation; every value is bound; what the reader may not see is not
counted. A fact with several values of what is grouped by counts under each. Where a snapshot lasts
for the transaction, all of an answer is of it.
Must not: decide what a reader may see.
"""

from __future__ import annotations

import itertools
import operator
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.statement import statement_of
from coop_review_api.tally.bucket import Buckets
from coop_review_api.tally.figure import (
    FIGURES,
    SEPARATOR,
    WHOLE,
    DimensionName,
    Figure,
    FigureName,
    name_of,
    positions_of,
    split_for,
)
from coop_review_api.tally.memory import SeasonMemory
from coop_review_api.tally.number import numbers_of
from coop_review_api.tally.season import DAYS, SeasonPlace, place_of, seasons_between
from coop_review_api.tally.store import QUARTERS, quarter_of

Keys = tuple[str, ...]
Sums = dict[Keys, list[int]]
"""By the values of what is grouped by: how often, in each bucket."""

_NO_TIME: Final = Buckets(edges=())


@dataclass(frozen=True, kw_only=True)
class TallyQuestion:
    """`filters`: of each dimension one of these values fits; all filters hold. `grave`: with what
    is about child safety. `queues` and `reviewer`: of these queues alone, or of that person; None:
    of all."""

    org_id: str
    figure: FigureName
    buckets: Buckets
    group_by: tuple[DimensionName, ...] = ()
    filters: Mapping[DimensionName, tuple[str, ...]] = field(default_factory=dict)
    grave: bool = False
    queues: tuple[str, ...] | None = None
    reviewer: str = ""


@dataclass(frozen=True, kw_only=True)
class _Source:
    """Where it is read: the split and the places of its values."""

    split: str
    dimensions: tuple[DimensionName, ...]

    @property
    def is_whole(self) -> bool:
        return self.split == WHOLE


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Whose numbers by bucket are wanted. `keyed`: by the id of a key what it is grouped under;
    `versions`: of the same keys; `first`: of that these alone; None: all. `totals`: of all keys
    those of the whole time, behind those of the time before, where there is one; None: nobody
    asked."""

    buckets: Buckets
    keyed: Mapping[int, list[Keys]]
    versions: Mapping[int, int]
    first: frozenset[Keys] | None = None
    totals: Sums | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the totals are the buckets."""
        return self.totals is not None and len(self.buckets.edges) == 2 + bool(self.buckets.before)


class _Row(NamedTuple):
    """A key, what it is grouped under, and how often in each bucket in days."""

    key_id: int
    version: int
    under: list[Keys]
    counts: Sequence[int]


class TallyReader:
    """One process's, which remembers what it read of weeks that are over."""

    def __init__(self, memory: SeasonMemory | None = None) -> None:
        self._memory = SeasonMemory() if memory is None else memory

    async def read(self, connection: AsyncConnection, question: TallyQuestion) -> Sums:
        """What there is; keys of which nothing happened in the time are left out."""
        # The totals of one or two buckets are these buckets.
        top = sys.maxsize if len(question.buckets.edges) <= 3 else None
        (found,) = await self.series(connection, await self.ranked(connection, [(question, top)]))
        return found

    async def ranked(
        self, connection: AsyncConnection, asked: Sequence[tuple[TallyQuestion, int | None]]
    ) -> list[Ranked]:
        """Of each question so many keys, the largest in the time that is asked for, and all totals;
        None: all that there is a key of, without. All of them are one statement."""
        found = await _rows(
            connection,
            [
                (question, None if top is None else _whole(question.buckets).edges)
                for question, top in asked
            ],
        )
        return [
            _every(question.buckets, rows)
            if top is None
            else await self._largest(connection, question.buckets, rows, top)
            for (question, top), rows in zip(asked, found, strict=True)
        ]

    async def series(self, connection: AsyncConnection, asked: Sequence[Ranked]) -> list[Sums]:
        """By bucket; what is asked about the same time is looked up together."""
        wanted: dict[Buckets, dict[int, int]] = defaultdict(dict)
        for one in asked:
            if not one.is_answered:
                wanted[one.buckets].update(one.versions)
        numbers = {
            buckets: await numbers_of(connection, self._memory, buckets, versions)
            for buckets, versions in wanted.items()
            if versions
        }
        return [_summed(one, numbers.get(one.buckets, {})) for one in asked]

    async def _largest(
        self, connection: AsyncConnection, buckets: Buckets, rows: Sequence[_Row], top: int
    ) -> Ranked:
        totals, some = await self._totals(connection, _whole(buckets), rows)
        first = frozenset(sorted(totals, key=lambda keys: (-totals[keys][-1], keys))[:top])
        largest = [row for row in some if not first.isdisjoint(row.under)]
        return replace(_every(buckets, largest), first=first, totals=totals)

    async def _totals(
        self, connection: AsyncConnection, buckets: Buckets, rows: Sequence[_Row]
    ) -> tuple[Sums, list[_Row]]:
        """With the rows of the keys that have something."""
        versions = {row.key_id: row.version for row in rows}
        known = self._memory.known(buckets, versions)
        fresh = {key: version for key, version in versions.items() if key not in known}
        if fresh:
            found = await _in_seasons(connection, buckets.edges, list(fresh))
            self._memory.keep(buckets, fresh, found)
            known.update(found)
        totals: Sums = {}
        some: list[_Row] = []
        for row in rows:
            sums = row.counts
            if seasons := known.get(row.key_id):
                sums = list(map(operator.add, seasons, sums))
            if not any(sums):
                continue
            some.append(row)
            for keys in row.under:
                before = totals.get(keys)
                totals[keys] = list(sums if before is None else map(operator.add, before, sums))
        return {keys: sums for keys, sums in totals.items() if any(sums)}, some


def _every(buckets: Buckets, rows: Sequence[_Row]) -> Ranked:
    return Ranked(
        buckets=buckets,
        keyed={row.key_id: row.under for row in rows},
        versions={row.key_id: row.version for row in rows},
    )


def _whole(buckets: Buckets) -> Buckets:
    """The time that is asked for as one bucket, and the time before, where there is one."""
    edges: tuple[datetime, ...] = (buckets.edges[buckets.before], buckets.edges[-1])
    if buckets.before:
        edges = (buckets.edges[0], *edges)
    return Buckets(edges=edges, before=len(edges) - 2)


def _summed(asked: Ranked, numbers: Mapping[int, list[int]]) -> Sums:
    if asked.is_answered and asked.totals is not None:
        return {keys: asked.totals[keys] for keys in asked.first or ()}
    found: Sums = {}
    for one, under in asked.keyed.items():
        counts = numbers.get(one)
        if counts is None:
            continue
        for keys in under:
            if asked.first is None or keys in asked.first:
                known = found.get(keys)
                found[keys] = counts if known is None else [*map(operator.add, known, counts)]
    return {keys: counts for keys, counts in found.items() if any(counts)}


async def _in_seasons(
    connection: AsyncConnection, edges: Sequence[datetime], ids: Sequence[int]
) -> dict[int, list[int]]:
    """By key what there is in each bucket; a number of a season is looked up by itself: there are
    few."""
    places = [place_of(edge) for edge in edges]
    values: dict[str, Any] = {"ids": ids}
    columns = []
    for bucket, (start, end) in enumerate(itertools.pairwise(places)):
        terms = [(end, 1), (start, -1)]
        whole = seasons_between(start.season, end.season)
        terms += [(SeasonPlace(season, QUARTERS, DAYS), 1) for season in whole]
        values[f"seasons_{bucket}"] = [place.season for place, _ in terms]
        values[f"quarters_{bucket}"] = [place.quarter for place, _ in terms]
        values[f"days_{bucket}"] = [place.day for place, _ in terms]
        values[f"signs_{bucket}"] = [sign for _, sign in terms]
        columns.append(
            f"""coalesce((
            SELECT sum(a.sign * (
                       SELECT s.counts[a.day] FROM review.tally_seasons s
                        WHERE s.key_id = k.key_id AND s.quarter = a.quarter
                          AND s.season = a.season))
              FROM unnest(CAST(:seasons_{bucket} AS date[]), CAST(:quarters_{bucket} AS int2[]),
                          CAST(:days_{bucket} AS int[]), CAST(:signs_{bucket} AS int[]))
                   AS a (season, quarter, day, sign)), 0)::bigint"""  # noqa: S608 - constants
        )
    statement = f"""
        SELECT k.key_id, ARRAY[{", ".join(columns)}]
          FROM unnest(CAST(:ids AS bigint[])) AS k (key_id)
    """  # noqa: S608 - constants; values are bound
    return {row[0]: row[1] for row in await connection.execute(statement_of(statement), values)}


class _Bound:
    """The values of a statement."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, value: Any, type_: str = "text") -> str:
        """Where it is in the statement."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"CAST(:{name} AS {type_})"


class _Selected(NamedTuple):
    """What is read of keys: of whom, in which split, and between which edges of days."""

    question: TallyQuestion
    source: _Source
    edges: tuple[datetime, ...] | None


async def _rows(
    connection: AsyncConnection,
    asked: Sequence[tuple[TallyQuestion, tuple[datetime, ...] | None]],
) -> list[list[_Row]]:
    """Of each question all keys that fit; with edges what there was of each between them in days.
    What several questions read alike is read once."""
    bound = _Bound()
    counts: dict[tuple[datetime, ...] | None, str] = {None: "CAST(NULL AS bigint[])"}
    selected: list[_Selected] = []
    places: list[int] = []
    for question, edges in asked:
        source = _source_of(FIGURES[question.figure], question)
        alike = replace(question, buckets=_NO_TIME, group_by=())
        one = _Selected(alike, source, edges)
        if one not in selected:
            selected.append(one)
        places.append(selected.index(one))
        if edges not in counts and edges is not None:
            counts[edges] = f"ARRAY[{', '.join(_in_days(edges, bound))}]"
    parts = (
        f"""SELECT {place}, k.key_id, k.seasons_version, k.dimension_values, {counts[one.edges]}
              FROM review.tally_keys k
             WHERE {" AND ".join(_conditions(one, bound))}"""  # noqa: S608 - values are bound
        for place, one in enumerate(selected)
    )
    found: list[list[Any]] = [[] for _ in selected]
    if selected:
        statement = statement_of(" UNION ALL ".join(parts))
        for row in await connection.execute(statement, bound.values):
            found[row[0]].append(row)
    return [
        _grouped(question, selected[place].source, found[place])
        for (question, _), place in zip(asked, places, strict=True)
    ]


def _grouped(question: TallyQuestion, source: _Source, rows: Iterable[Any]) -> list[_Row]:
    positions, many = positions_of(source.dimensions), FIGURES[question.figure].many
    places = [(positions[name] - 1, source.is_whole and name in many) for name in question.group_by]
    return [
        _Row(key_id, version, list(_keys(values, places)), counts)
        for _, key_id, version, values, counts in rows
    ]


def _in_days(edges: Sequence[datetime], bound: _Bound) -> Iterator[str]:
    """Of each bucket what there was of the key `k` on days."""
    places = [
        (bound(day, "date"), bound(quarter, "int")) for day, quarter in map(quarter_of, edges)
    ]
    for start, end in itertools.pairwise(places):
        yield f"""coalesce((
            SELECT sum({_until(*end)} - {_until(*start)}) FROM review.tallies c
             WHERE c.key_id = k.key_id AND c.day BETWEEN {start[0]} AND {end[0]}), 0)::bigint"""  # noqa: S608 - values are bound


def _until(day: str, quarter: str) -> str:
    """What there was on the day of `c` until an edge."""
    return f"""CASE WHEN c.day < {day} THEN c.counts[{QUARTERS}]
        WHEN c.day = {day} THEN coalesce(c.counts[{quarter}], 0) ELSE 0 END"""


def _source_of(figure: Figure, question: TallyQuestion) -> _Source:
    asked = {name: len(values) for name, values in question.filters.items()}
    split = None
    if question.queues is None:
        split = split_for(figure, question.group_by, asked)
    if split is None:
        return _Source(split=WHOLE, dimensions=figure.dimensions)
    return _Source(split=name_of(split), dimensions=split)


def _conditions(selected: _Selected, bound: _Bound) -> list[str]:
    question, source, _ = selected
    where = [
        f"k.org_id = {bound(question.org_id)}",
        f"k.figure = {bound(question.figure)}",
        f"k.split = {bound(source.split)}",
    ]
    if not question.grave:
        where.append("NOT k.grave")
    positions = positions_of(source.dimensions)
    for name, wanted in question.filters.items():
        value = f"k.dimension_values[{positions[name]}]"
        values = bound(list(wanted), "text[]")
        if source.is_whole and name in FIGURES[question.figure].many:
            where.append(f"string_to_array({value}, {bound(SEPARATOR)}) && {values}")
        else:
            where.append(f"{value} = ANY({values})")
    if question.queues is not None:
        where.append(
            f"(k.dimension_values[{positions['QUEUE']}]"
            f" = ANY({bound(list(question.queues), 'text[]')})"
            f" OR k.dimension_values[{positions['REVIEWER']}] = {bound(question.reviewer)})"
        )
    return where


def _keys(found: Sequence[str], places: Sequence[tuple[int, bool]]) -> Iterable[Keys]:
    each = (
        tuple(one for one in found[place].split(SEPARATOR) if one) if is_many else (found[place],)
        for place, is_many in places
    )
    return itertools.product(*each)
