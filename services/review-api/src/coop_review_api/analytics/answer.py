"""What is answered to a question: numbers by bucket, for each key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from coop_review_api.analytics.asked import AskedFigure, AskedQuestion, GroupName
from coop_review_api.tally.bucket import Bucket
from coop_review_api.tally.reader import Sums

Level = int | None
"""A number at a time; None: nobody looked then."""


class Series(Struct, frozen=True, rename="camel", kw_only=True):
    """`keys` are the values of what was grouped by, in its order; null where there is none: a
    decision that no person made. `previous…` are null unless it was compared."""

    keys: list[str | None]
    total: Level
    counts: list[Level]
    previous_total: Level = None
    previous: list[Level] | None = None


class Others(Struct, frozen=True, rename="camel", kw_only=True):
    """All further keys together."""

    keys: int
    total: int
    previous_total: int | None = None


class Answer(Struct, frozen=True, rename="camel", kw_only=True):
    """The buckets begin at `starts`, the last one ends at `until`. `series` are the largest first;
    `others` are all further ones together."""

    figure: AskedFigure
    group_by: tuple[GroupName, ...]
    bucket: Bucket
    time_zone: str
    since: datetime
    until: datetime
    starts: tuple[datetime, ...]
    previous_since: datetime | None
    series: list[Series]
    others: Others | None


class Answers(Struct, frozen=True, rename="camel", kw_only=True):
    """In the order of the questions, as of one moment. `names` by what was grouped by and id, also
    of what was removed."""

    as_of: datetime
    answers: list[Answer]
    names: Mapping[str, Mapping[str, str]]


def answer_of(asked: AskedQuestion, series: Sums, totals: Sums) -> Answer:
    """The answer in the sums of the largest keys by all buckets, those before too, and in the
    totals of all keys."""
    if not asked.group_by and not series:
        series = {(): [0] * (len(asked.buckets.edges) - 1)}
        totals = {(): [0, 0] if asked.buckets.before else [0]}
    found = sorted(series, key=lambda keys: (-totals[keys][-1], keys))[: asked.top]
    by_themselves = set(found)
    rest = [sums for keys, sums in totals.items() if keys not in by_themselves]
    others = None
    if rest:
        others = Others(
            keys=len(rest),
            total=sum(sums[-1] for sums in rest),
            previous_total=sum(sums[0] for sums in rest) if asked.buckets.before else None,
        )
    return answer(asked, [_series(asked, keys, series[keys]) for keys in found], others)


def totals_of(asked: AskedQuestion, sums: Sums) -> Sums:
    """Of each key what there was in the whole time, behind what there was before."""
    before = asked.buckets.before
    return {
        keys: [*([sum(counts[:before])] if before else []), sum(counts[before:])]
        for keys, counts in sums.items()
    }


def answer(asked: AskedQuestion, series: list[Series], others: Others | None = None) -> Answer:
    """The answer with these series."""
    buckets = asked.buckets
    return Answer(
        figure=asked.figure,
        group_by=asked.group_by,
        bucket=asked.bucket,
        time_zone=asked.zone,
        since=buckets.since,
        until=buckets.until,
        starts=buckets.starts,
        previous_since=buckets.edges[0] if buckets.before else None,
        series=series,
        others=others,
    )


def _series(asked: AskedQuestion, keys: tuple[str, ...], counts: list[int]) -> Series:
    before = asked.buckets.before
    previous = counts[:before] if before else None
    now: list[Level] = [*counts[before:]]
    return Series(
        keys=[key or None for key in keys],
        total=sum(counts[before:]),
        counts=now,
        previous_total=None if previous is None else sum(previous),
        previous=None if previous is None else [*previous],
    )
