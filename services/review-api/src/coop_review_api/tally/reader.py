"""Asking the tallies: sums by bucket, of what is grouped by.

A row, of a day or of a week that is over, has what happened until the end of each quarter of an
hour: a bucket is what there was until its end less what there was until its beginning. So a year of
days is one number a day, in whatever time zone, from some sixty rows.

Guarantees: scoped by organisation; every value is bound; what the reader may not see is not
counted. A fact with several values of what is grouped by counts under each.
Must not: decide what a reader may see.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

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
from coop_review_api.tally.store import DAYS_OF_WEEK, QUARTERS, quarter_of, week_of

Keys = tuple[str, ...]
Sums = dict[Keys, list[int]]
"""By the values of what is grouped by: how often, in each bucket."""


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


async def read(connection: AsyncConnection, question: TallyQuestion) -> Sums:
    """What there is; keys of which nothing happened in the time are left out."""
    if len(question.buckets.edges) <= 3:
        return {keys: sums for keys, (sums, _) in (await _few(connection, question)).items()}
    return await _series(connection, question, None)


async def read_largest(
    connection: AsyncConnection, question: TallyQuestion, largest: int
) -> tuple[Sums, Sums]:
    """The sums of the largest keys by bucket; and of all keys those of the whole time, behind those
    of the time before, where there is one."""
    buckets = question.buckets
    edges: tuple[datetime, ...] = (buckets.edges[buckets.before], buckets.edges[-1])
    if buckets.before:
        edges = (buckets.edges[0], *edges)
    whole = replace(question, buckets=Buckets(edges=edges, before=len(edges) - 2))
    found = await _few(connection, whole)
    totals = {keys: sums for keys, (sums, _) in found.items()}
    if len(buckets.edges) == len(edges):
        return totals, totals
    first = sorted(found, key=lambda keys: (-totals[keys][-1], keys))[:largest]
    ids = sorted({one for keys in first for one in found[keys][1]})
    series = await _series(connection, question, ids)
    return {keys: series[keys] for keys in first if keys in series}, totals


async def _few(
    connection: AsyncConnection, question: TallyQuestion
) -> dict[Keys, tuple[list[int], set[int]]]:
    """Of one or two buckets, which the database sums up; with the keys' ids."""
    found: dict[Keys, tuple[list[int], set[int]]] = {}
    for periods in _periods(question.buckets):
        values: dict[str, Any] = {}
        columns = periods.sums(values)
        joined = (
            f"CROSS JOIN LATERAL (SELECT {columns} FROM {periods.table} c"  # noqa: S608 - constants
            f" WHERE c.key_id = k.key_id AND {periods.within}) AS t"
        )
        for row, keys in await _rows(connection, question, periods, joined, "t.*", values):
            sums = [int(one or 0) for one in row[2:]]
            if not any(sums):
                continue
            for one in keys:
                known, ids = found.setdefault(one, ([0] * len(sums), set()))
                known[:] = map(operator.add, known, sums)
                ids.add(row[0])
    return {keys: sums for keys, sums in found.items() if any(sums[0])}


async def _series(
    connection: AsyncConnection, question: TallyQuestion, ids: list[int] | None
) -> Sums:
    found: Sums = {}
    for periods in _periods(question.buckets):
        values: dict[str, Any] = {}
        columns = periods.picked(values)
        by_key: dict[int, tuple[list[Keys], list[Sequence[Any]]]] = {}
        if ids is not None:
            values["ids"] = ids
        joined = f"JOIN {periods.table} c ON c.key_id = k.key_id AND {periods.within}"
        for row, under in await _rows(connection, question, periods, joined, columns, values):
            by_key.setdefault(row[0], (under, []))[1].append(row[2:])
        for under, rows in by_key.values():
            counts = periods.counts(rows)
            for keys in under:
                known = found.get(keys)
                found[keys] = counts if known is None else list(map(operator.add, known, counts))
    return {keys: counts for keys, counts in found.items() if any(counts)}


async def _rows(
    connection: AsyncConnection,
    question: TallyQuestion,
    periods: _Periods,
    joined: str,
    columns: str,
    values: dict[str, Any],
) -> list[tuple[Sequence[Any], list[Keys]]]:
    """Rows of the key's id, its values and the columns, with what each is grouped under; of the
    keys with `ids` alone, where these are among the values."""
    figure = FIGURES[question.figure]
    source = _source_of(figure, question)
    values |= {
        "org": question.org_id,
        "figure": question.figure,
        "split": source.split,
        **periods.bound,
    }
    where = _conditions(figure, source, question, values)
    if "ids" in values:
        where.append("k.key_id = ANY(CAST(:ids AS bigint[]))")
    statement = f"""
        SELECT k.key_id, k.dimension_values, {columns}
          FROM review.tally_keys k {joined} WHERE {" AND ".join(where)}
    """  # noqa: S608 - constants and places; values are bound
    positions = positions_of(source.dimensions)
    places = [
        (positions[name] - 1, source.is_whole and name in figure.many) for name in question.group_by
    ]
    rows = (await connection.execute(text(statement), values)).all()
    return [(row, list(_keys(row[1], places))) for row in rows]


def _source_of(figure: Figure, question: TallyQuestion) -> _Source:
    asked = {name: len(values) for name, values in question.filters.items()}
    split = None
    if question.queues is None:
        split = split_for(figure, question.group_by, asked)
    if split is None:
        return _Source(split=WHOLE, dimensions=figure.dimensions)
    return _Source(split=name_of(split), dimensions=split)


def _conditions(
    figure: Figure, source: _Source, question: TallyQuestion, values: dict[str, Any]
) -> list[str]:
    where = ["k.org_id = :org", "k.figure = :figure", "k.split = :split"]
    if not question.grave:
        where.append("NOT k.grave")
    positions = positions_of(source.dimensions)
    for name, wanted in question.filters.items():
        value = f"k.dimension_values[{positions[name]}]"
        bound = f"CAST(:of_{name.lower()} AS text[])"
        values[f"of_{name.lower()}"] = list(wanted)
        if source.is_whole and name in figure.many:
            values["separator"] = SEPARATOR
            where.append(f"string_to_array({value}, CAST(:separator AS text)) && {bound}")
        else:
            where.append(f"{value} = ANY({bound})")
    if question.queues is not None:
        values |= {"queues": list(question.queues), "reviewer": question.reviewer}
        where.append(
            f"(k.dimension_values[{positions['QUEUE']}] = ANY(CAST(:queues AS text[]))"
            f" OR k.dimension_values[{positions['REVIEWER']}] = :reviewer)"
        )
    return where


def _keys(found: Sequence[str], places: Sequence[tuple[int, bool]]) -> Iterable[Keys]:
    each = (
        tuple(one for one in found[place].split(SEPARATOR) if one) if is_many else (found[place],)
        for place, is_many in places
    )
    return itertools.product(*each)


def _periods(buckets: Buckets) -> tuple[_Periods, ...]:
    """Where it is: in days, and in weeks once they are over."""
    return (
        _Periods.of(buckets, table="review.tallies", days=1),
        _Periods.of(buckets, table="review.tally_weeks", days=DAYS_OF_WEEK),
    )


@dataclass(frozen=True, kw_only=True)
class _Periods:
    """The UTC days, or weeks, that buckets touch. `edges` are the buckets' edges: which period from
    the first, and after how many quarters of it."""

    table: str
    days: int
    first: date
    number: int
    edges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, buckets: Buckets, *, table: str, days: int) -> _Periods:
        at = [quarter_of(edge) for edge in buckets.edges]
        first = at[0][0] if days == 1 else week_of(at[0][0])
        edges = []
        for day, quarter in at:
            period, rest = divmod((day - first).days, days)
            edges.append((period, rest * QUARTERS + quarter))
        return cls(table=table, days=days, first=first, number=edges[-1][0] + 1, edges=tuple(edges))

    @property
    def within(self) -> str:
        return "c.day BETWEEN CAST(:first AS date) AND CAST(:last AS date)"

    @property
    def bound(self) -> dict[str, Any]:
        last = self.first + timedelta(days=(self.number - 1) * self.days)
        return {"first": self.first, "last": last}

    @property
    def _place(self) -> str:
        return f"(c.day - CAST(:first AS date)) / {self.days} + 1"

    def sums(self, values: dict[str, Any]) -> str:
        """One number for each bucket, where there are few; adds what is bound."""
        found = []
        for bucket in range(len(self.edges) - 1):
            values[f"from_{bucket}"], values[f"to_{bucket}"] = self._spans(bucket)
            upper = f"coalesce(c.counts[(CAST(:to_{bucket} AS int[]))[{self._place}]], 0)"
            lower = f"coalesce(c.counts[(CAST(:from_{bucket} AS int[]))[{self._place}]], 0)"
            found.append(f"sum({upper} - {lower}) AS sum_{bucket}")
        return ", ".join(found)

    def picked(self, values: dict[str, Any]) -> str:
        """Of a period which one it is, what there was of it, and until each edge in it."""
        quarters = [quarter for _, quarter in self.edges]
        values["quarters"] = quarters
        begins = [0] * (self.number + 1)
        for period, _ in self.edges:
            begins[period + 1] += 1
        begins = list(itertools.accumulate(begins))
        values["begins"] = begins
        return f"""{self._place} - 1, c.counts[{self.days * QUARTERS}],
            ARRAY(SELECT coalesce(c.counts[quarter], 0)
                    FROM unnest((CAST(:quarters AS int[]))[
                        (CAST(:begins AS int[]))[{self._place}] + 1
                        : (CAST(:begins AS int[]))[{self._place} + 1]]) AS quarter)"""  # noqa: S608

    def counts(self, rows: Sequence[Sequence[Any]]) -> list[int]:
        """How often in each bucket, by the rows of one key."""
        totals = [0] * self.number
        until: dict[int, Sequence[int]] = {}
        for period, total, picked in rows:
            totals[period] = total
            until[period] = picked
        before = list(itertools.accumulate(totals, initial=0))
        sums: list[int] = []
        for period, edges in itertools.groupby(self.edges, key=operator.itemgetter(0)):
            found = until.get(period)
            if found is None:
                sums += [before[period] for _ in edges]
            else:
                sums += [before[period] + one for one in found]
        return list(map(operator.sub, sums[1:], sums))

    def _spans(self, bucket: int) -> tuple[list[int], list[int]]:
        """Of each period the quarters from and to which the bucket reaches."""
        (first, since), (last, until) = self.edges[bucket], self.edges[bucket + 1]
        lower, upper = [0] * self.number, [0] * self.number
        for period in range(first, last + 1):
            lower[period] = since if period == first else 0
            upper[period] = until if period == last else self.days * QUARTERS
        return lower, upper
