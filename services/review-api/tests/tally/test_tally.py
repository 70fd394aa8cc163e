"""Tallies: what is counted is what happened, however it is split, cut and asked for."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from coop_contracts.ids import new_id
from coop_review_api.tally.bucket import Bucket, Buckets, buckets_of
from coop_review_api.tally.figure import FIGURES, DimensionName, Fact
from coop_review_api.tally.keeper import TallyKeeper
from coop_review_api.tally.memory import SeasonMemory
from coop_review_api.tally.reader import Sums, TallyQuestion, TallyReader
from coop_review_api.tally.season import DAYS as SEASON
from coop_review_api.tally.season import place_of, season_of, seasons_between
from coop_review_api.tally.store import QUARTERS, count
from coop_runtime.database.engine import transaction

from ..world.statement import counted

pytestmark = pytest.mark.engines

BEGIN = datetime(2026, 3, 20, tzinfo=UTC)  # a season begins ten days later
DAYS = 20
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]


def fact(org_id: str, dice: random.Random) -> Fact:
    """A decision, with none to three policies and one or two types."""
    some = [f"policy-{n}" for n in range(3)]
    return Fact(
        org_id=org_id,
        figure="decisions",
        time=BEGIN + timedelta(seconds=dice.randrange(DAYS * 86400)),
        values=(
            tuple(dice.sample(["IGNORE", "CUSTOM_ACTION"], dice.randrange(1, 3))),
            tuple(dice.sample(["a", 'b"\\{},', "NULL"], 1)),
            tuple(dice.sample(some, dice.randrange(4))),
            dice.choice(["queue-1", "queue-2"]),
            dice.choice(["", "ann", "ben"]),
            "post",
        ),
        grave=dice.random() < 0.1,
    )


def expected(facts: list[Fact], question: TallyQuestion) -> dict[tuple[str, ...], list[int]]:
    """The same by going through all facts."""
    names = FIGURES["decisions"].dimensions
    edges = question.buckets.edges
    found: dict[tuple[str, ...], list[int]] = {}
    for one in facts:
        values = {
            name: value if isinstance(value, tuple) else (value,)
            for name, value in zip(names, one.values, strict=True)
        }
        hidden = one.grave and not question.grave
        if question.queues is not None:
            is_open = values["QUEUE"][0] in question.queues
            hidden = hidden or not (is_open or values["REVIEWER"][0] == question.reviewer)
        fits = all(set(values[name]) & set(of) for name, of in question.filters.items())
        bucket = sum(edge <= one.time for edge in edges) - 1
        if hidden or not fits or not 0 <= bucket < len(edges) - 1:
            continue
        keys: list[tuple[str, ...]] = [()]
        for name in question.group_by:
            keys = [(*key, value) for key in keys for value in set(values[name])]
        for key in keys:
            found.setdefault(key, [0] * (len(edges) - 1))[bucket] += one.units
    return {key: counts for key, counts in found.items() if any(counts)}


async def write(engine: Any, facts: list[Fact]) -> None:
    for first in range(0, len(facts), 100):
        async with transaction(engine) as connection:
            await count(connection, facts[first : first + 100])


async def ask(
    engine: Any, question: TallyQuestion, tallies: TallyReader | None = None
) -> dict[tuple[str, ...], list[int]]:
    async with transaction(engine) as connection:
        return await (tallies or TallyReader()).read(connection, question)


async def read_largest(
    connection: Any, question: TallyQuestion, top: int, tallies: TallyReader | None = None
) -> tuple[Sums, Sums]:
    tallies = tallies or TallyReader()
    (ranked,) = await tallies.ranked(connection, [(question, top)])
    (found,) = await tallies.series(connection, [ranked])
    assert ranked.totals is not None
    return found, ranked.totals


GROUPS: list[tuple[DimensionName, ...]] = [
    (),
    ("TYPE",),
    ("POLICY",),
    ("QUEUE",),
    ("REVIEWER", "TYPE"),
    ("REVIEWER", "POLICY"),
    ("ACTION", "QUEUE"),
]
FILTERS: list[dict[DimensionName, tuple[str, ...]]] = [
    {},
    {"POLICY": ("policy-1",)},
    {"POLICY": ("policy-1", "policy-2")},
    {"TYPE": ("IGNORE",), "REVIEWER": ("ann",)},
    {"REVIEWER": ("", "ben")},
    {"ACTION": ('b"\\{},',), "ITEM_TYPE": ("post",)},
    {"QUEUE": ("none",)},
]


async def test_it_is_what_going_through_all_facts_gives(engine: Any) -> None:
    """In whatever way it is grouped, filtered, cut and seen, in every zone, also on days on which
    clocks change."""
    dice = random.Random(7)
    org_id = new_id()
    facts = [fact(org_id, dice) for _ in range(600)]
    await write(engine, facts)
    gone = [
        Fact(
            org_id=one.org_id,
            figure=one.figure,
            time=one.time,
            values=one.values,
            grave=one.grave,
            units=-1,
        )
        for one in facts[:100]
    ]
    # Of weeks that are over one row: of some of them, and what came for them later in days again.
    await TallyKeeper(engine, clock=lambda: BEGIN + timedelta(days=16)).keep()
    await write(engine, gone)
    for group_by in GROUPS:
        for filters in FILTERS:
            bucket: Bucket = dice.choice(["TOTAL", "DAY", "HOUR"])
            start = BEGIN + timedelta(minutes=dice.randrange(-3000, 20000))
            end = start + timedelta(minutes=dice.randrange(1, 12000))
            question = TallyQuestion(
                org_id=org_id,
                figure="decisions",
                buckets=buckets_of(
                    start,
                    end,
                    bucket,
                    ZoneInfo(dice.choice(ZONES)),
                    compare=dice.random() < 0.5,
                ),
                group_by=group_by,
                filters=filters,
                grave=dice.random() < 0.5,
                queues=dice.choice([None, ("queue-1",), ()]),
                reviewer="ben",
            )
            assert await ask(engine, question) == expected(facts + gone, question), question


async def test_the_largest_have_their_series_and_all_their_totals(engine: Any) -> None:
    """The largest keys by bucket; of all keys what there was, and before."""
    org_id = new_id()
    dice = random.Random(3)
    facts = [fact(org_id, dice) for _ in range(200)]
    await write(engine, facts)
    await TallyKeeper(engine, clock=lambda: BEGIN + timedelta(days=12)).keep()
    buckets = buckets_of(
        BEGIN + timedelta(days=10), BEGIN + timedelta(days=18), "DAY", ZoneInfo("UTC"), compare=True
    )
    question = TallyQuestion(
        org_id=org_id, figure="decisions", buckets=buckets, group_by=("POLICY",), grave=True
    )
    whole = expected(facts, question)
    async with transaction(engine) as connection:
        found, totals = await read_largest(connection, question, 2)
    assert totals == {
        keys: [sum(counts[: buckets.before]), sum(counts[buckets.before :])]
        for keys, counts in whole.items()
    }
    first = sorted(whole, key=lambda keys: (-totals[keys][-1], keys))[:2]
    assert found == {keys: whole[keys] for keys in first}


async def test_another_organisations_are_not_counted(engine: Any) -> None:
    """What one organisation counts, no other one is told."""
    mine = new_id()
    await write(engine, [fact(new_id(), random.Random(1)) for _ in range(10)])
    whole = buckets_of(BEGIN, BEGIN + timedelta(days=DAYS), "DAY", ZoneInfo("UTC"))
    question = TallyQuestion(org_id=mine, figure="decisions", buckets=whole, grave=True)
    assert await ask(engine, question) == {}


async def test_what_was_rolled_back_was_not_counted(engine: Any) -> None:
    """Facts are counted in the transaction of their rows, or not at all."""
    org_id = new_id()
    facts = [fact(org_id, random.Random(1))]
    async with transaction(engine) as connection:
        await count(connection, facts)
        await connection.rollback()
    whole = buckets_of(BEGIN, BEGIN + timedelta(days=DAYS), "TOTAL", ZoneInfo("UTC"))
    question = TallyQuestion(org_id=org_id, figure="decisions", buckets=whole, grave=True)
    assert await ask(engine, question) == {}
    await write(engine, facts)
    assert await ask(engine, question) == {(): [1]}


@pytest.mark.parametrize("zone", [*ZONES, "America/Santiago", "Pacific/Chatham"])
@pytest.mark.parametrize("bucket", ["DAY", "HOUR", "TOTAL"])
def test_buckets_have_no_gap(zone: str, bucket: Bucket) -> None:
    """They follow one another, hold the time that was asked for, begin at quarters of an hour, and
    days at midnight, or where there is none, when the day begins; the ones before are as many."""
    dice = random.Random(zone + bucket)
    for _ in range(30):
        start = BEGIN + timedelta(minutes=dice.randrange(400 * 1440))
        end = start + timedelta(minutes=dice.randrange(1, 20 * 1440))
        found = buckets_of(start, end, bucket, ZoneInfo(zone), compare=True)
        assert found.since <= start < end <= found.until
        assert list(found.edges) == sorted(set(found.edges))
        assert all(edge.minute % 15 == 0 and edge.second == 0 for edge in found.edges)
        assert found.before == len(found.starts)
        if bucket == "DAY":
            days = Counter(edge.astimezone(ZoneInfo(zone)).date() for edge in found.edges)
            assert set(days.values()) == {1}
            assert len(days) == (max(days) - min(days)).days + 1
        alone = buckets_of(start, end, bucket, ZoneInfo(zone))
        assert alone == Buckets(edges=found.edges[found.before :])


async def test_a_year_by_day_goes_through_seasons(engine: Any) -> None:
    """Over many seasons, some of which have nothing, with what came late for some: every day of a
    zone is what all facts give, and so is the whole."""
    dice = random.Random(5)
    org_id = new_id()
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    days = [n for n in range(500) if not 100 < n < 320]
    facts = [
        replace(
            fact(org_id, dice),
            time=begin + timedelta(days=dice.choice(days), minutes=dice.randrange(1440)),
        )
        for _ in range(400)
    ]
    keeper = TallyKeeper(engine, clock=lambda: begin + timedelta(days=480))
    # One that has room for all of them and one that has not remember what they read before.
    readers = (TallyReader(), TallyReader(SeasonMemory(numbers=2000)))
    written = 0
    for number, keeps in ((0, False), (300, True), (350, False), (350, True), (400, False)):
        await write(engine, facts[written:number])
        written = number
        if keeps:
            await keeper.keep()
        for tallies, _ in itertools.product(readers, range(2)):
            for question in _questions_of_a_year(org_id, begin):
                await _check(engine, tallies, question, facts[:written])


def _questions_of_a_year(org_id: str, begin: datetime) -> Iterator[TallyQuestion]:
    of: list[Bucket] = ["DAY", "TOTAL"]
    for zone, bucket in itertools.product(("Asia/Kathmandu", "America/St_Johns"), of):
        yield TallyQuestion(
            org_id=org_id,
            figure="decisions",
            buckets=buckets_of(
                begin + timedelta(days=230),
                begin + timedelta(days=490),
                bucket,
                ZoneInfo(zone),
                compare=True,
            ),
            group_by=("POLICY",),
            grave=True,
        )


async def _check(
    engine: Any, tallies: TallyReader, question: TallyQuestion, facts: list[Fact]
) -> None:
    whole = expected(facts, question)
    assert await ask(engine, question, tallies) == whole
    async with transaction(engine) as connection:
        found, totals = await read_largest(connection, question, 2, tallies)
    before = question.buckets.before
    assert totals == {
        keys: [sum(counts[:before]), sum(counts[before:])] for keys, counts in whole.items()
    }
    assert len(found) == min(2, len(whole))
    assert found.items() <= whole.items()


async def test_what_is_remembered_is_not_read_again(engine: Any) -> None:
    """Asked a second time, seasons are not read; when the keeper has come by, they are."""
    org_id, begin = new_id(), datetime(2025, 1, 1, tzinfo=UTC)
    clock = lambda: begin + timedelta(days=480)  # noqa: E731
    (question, *_) = _questions_of_a_year(org_id, begin)
    one = fact(org_id, random.Random(3))
    tallies = TallyReader()

    async def written_and_kept(day: int) -> None:
        await write(engine, [replace(one, time=begin + timedelta(days=day), grave=False)])
        await TallyKeeper(engine, clock=clock).keep()

    async def asked() -> tuple[int, int]:
        """How often it happened, and how many statements read seasons."""
        with counted(engine) as seen:
            sums = await ask(engine, replace(question, group_by=()), tallies)
        return sum(sums[()]), sum("tally_seasons" in one for one in seen.texts)

    await written_and_kept(240)
    assert await asked() == (1, 1)
    assert await asked() == (1, 0)
    await written_and_kept(250)
    assert await asked() == (2, 1)
    assert await asked() == (2, 0)


def test_seasons_have_every_day_once() -> None:
    """Each begins on a Monday, where the one before ended, and a moment's place is that of the
    quarter of an hour before it."""
    day = datetime(2025, 11, 30, tzinfo=UTC).date()
    for number in range(400):
        one = day + timedelta(days=number)
        season = season_of(one)
        assert season.weekday() == 0
        assert 0 <= (one - season).days < SEASON
        assert season_of(season) == season
        assert season_of(season - timedelta(days=1)) == season - timedelta(days=SEASON)
        noon = datetime(one.year, one.month, one.day, 12, tzinfo=UTC)
        assert place_of(noon) == (season, 48, (one - season).days + 1)
    beginning = season_of(day)
    midnight = datetime(beginning.year, beginning.month, beginning.day, tzinfo=UTC)
    assert place_of(midnight) == (beginning - timedelta(days=SEASON), QUARTERS, SEASON)
    assert seasons_between(beginning, beginning) == []


async def test_what_is_older_than_two_years_goes(engine: Any) -> None:
    """A day and a season that are longer over than tallies are kept go, and the key that nothing is
    counted under any more; what is younger stays, in its season."""
    today = datetime.now(UTC)
    old, young = today - timedelta(days=800 + SEASON), today - timedelta(days=700)
    org_id = new_id()
    async with transaction(engine) as connection:
        for number, (made_at, table) in enumerate(
            ((old, "tallies"), (old, "tally_seasons"), (young, "tallies"))
        ):
            key = await connection.scalar(
                text(
                    "INSERT INTO review.tally_keys (org_id, figure, split, dimension_values, grave,"
                    " made_at) VALUES (:org, :figure, '', '{}', false, :at) RETURNING key_id"
                ),
                {"org": org_id, "figure": f"f{number}", "at": made_at},
            )
            row: dict[str, Any] = {"key": key, "day": made_at.date(), "counts": [1] * QUARTERS}
            columns = "key_id, day, counts"
            if table == "tally_seasons":
                columns, row["counts"] = "quarter, key_id, season, counts", [1] * SEASON
                row["day"] = season_of(made_at.date())
            first = "96, " if table == "tally_seasons" else ""
            await connection.execute(
                text(f"INSERT INTO review.{table} ({columns}) VALUES ({first}:key, :day, :counts)"),
                row,
            )
    await TallyKeeper(engine, clock=lambda: today).keep()
    async with transaction(engine) as connection:
        left = await connection.execute(
            text(
                "SELECT k.figure, s.season, count(*) FROM review.tally_keys k"
                " LEFT JOIN review.tally_seasons s USING (key_id) WHERE k.org_id = :org"
                " GROUP BY 1, 2"
            ),
            {"org": org_id},
        )
        assert left.all() == [("f2", season_of(young.date()), QUARTERS)]
