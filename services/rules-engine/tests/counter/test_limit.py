"""Daily limits and blast radius: exact, idempotent, and nothing acts beyond them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import ActionRequested, ItemRef, RulesEvaluated, RuleTripped
from coop_local.valkey import Valkey
from coop_runtime.process.error import Retryable

Start = Callable[..., Any]

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def acted(*engines: Any) -> set[str]:
    """The items that an action was requested for."""
    return {one.item.id for engine in engines for one in engine.broker.events(ActionRequested)}


def limited(engine: Any) -> list[tuple[str, ...]]:
    return [one.limited for one in engine.broker.events(RulesEvaluated)]


async def test_a_daily_limit_is_exact(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """A rule acts on as many submissions of a day as it may, then it is recorded as limited; other
    rules act on; the next UTC day begins anew."""
    spam = kit.contains("spam")
    engine = start(
        kit.rule("r1", spam, action_ids=("delete",), max_daily_actions=2),
        kit.rule("r2", spam, action_ids=("warn",)),
        redis=valkey.url,
    )
    times = [NOON, NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=12)]
    await engine.handle(
        *(kit.submission({"text": "spam"}, time=at, number=n) for n, at in enumerate(times))
    )
    assert limited(engine) == [(), (), ("r1",), ()]
    found = engine.broker.events(ActionRequested)
    assert [one.item.id for one in found if one.action_id == "delete"] == [
        "item-0",
        "item-1",
        "item-3",
    ]
    assert sum(one.action_id == "warn" for one in found) == 4
    result = engine.broker.events(RulesEvaluated)[2]
    assert [one.passed for one in result.rules] == [True, True]
    assert [one.action_id for one in result.executions] == ["warn"]


async def test_a_limit_holds_across_processes_and_repeats(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Two processes at the same time act on exactly as many submissions as the rule may; doing it
    again, in whatever order, acts on the very same."""
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_daily_actions=7)
    events = [kit.submission({"text": "spam"}, time=NOON, number=n) for n in range(40)]

    async def evaluate(engine: Any, mine: list[Any]) -> None:
        for event in mine:
            await engine.handle(event)

    first, second = start(rule, redis=valkey.url), start(rule, redis=valkey.url)
    await asyncio.gather(evaluate(first, events[::2]), evaluate(second, events[1::2]))
    chosen = acted(first, second)
    assert len(chosen) == 7
    again = start(rule, redis=valkey.url)
    await evaluate(again, events[::-1])
    assert acted(again) == chosen


async def test_background_and_failing_rules_use_nothing_up(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Only submissions on which the live rule passes count."""
    spam = kit.contains("spam")
    engine = start(
        kit.rule("r1", spam, action_ids=("delete",), max_daily_actions=1),
        kit.rule("r2", spam, status="BACKGROUND", action_ids=("warn",), max_daily_actions=0),
        redis=valkey.url,
    )
    await engine.handle(
        kit.submission({"text": "ham"}, time=NOON), kit.submission({"text": "spam"}, number=2)
    )
    assert limited(engine) == [(), ()]
    assert acted(engine) == {"item-2"}


async def test_without_redis_a_limited_rule_waits(start: Start, kit: Any) -> None:
    """Redis away: where a limited rule passes nothing is published; where none does, all is."""
    engine = start(
        kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_daily_actions=9)
    )
    with pytest.raises(Retryable):
        await engine.handle(kit.submission({"text": "spam"}))
    assert engine.broker.messages == []
    await engine.handle(kit.submission({"text": "ham"}))
    assert len(engine.broker.events(RulesEvaluated)) == 1


async def test_actions_a_minute_trip_the_rule(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """The submission that goes past the ceiling trips the rule: it, and all after it, in every
    process, are recorded without effect; it is said once; another revision acts again."""
    rule = kit.rule(
        "r1", kit.contains("spam"), action_ids=("delete", "warn"), max_actions_per_minute=4
    )
    engine, other = start(rule, redis=valkey.url), start(rule, redis=valkey.url)
    events = [kit.submission({"text": "spam"}, time=NOON, number=n) for n in range(4)]
    await engine.handle(*events)
    assert acted(engine) == {"item-0", "item-1"}
    assert limited(engine) == [(), (), ("r1",), ("r1",)]
    (trip,) = engine.broker.events(RuleTripped)
    assert (trip.measure, trip.limit, trip.count, trip.window) == ("ACTIONS", 4, 6, 60)
    assert (trip.rule.id, trip.rule.revision) == ("r1", engine.revision)
    later = NOON + timedelta(hours=5)
    await other.handle(kit.submission({"text": "spam"}, time=later, number=9))
    assert acted(other) == set()
    assert other.broker.events(RuleTripped) == []
    revision = other.put(Kind.RULE, rule)
    await other.handle(
        kit.submission({"text": "spam"}, time=later, number=10, config_revision=revision)
    )
    assert acted(other) == {"item-10"}


async def test_a_trip_is_said_again_by_its_own_submission(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Killed before it was said: evaluating again acts on the same submissions, and says the same
    under the same id."""
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_actions_per_minute=1)
    events = [kit.submission({"text": "spam"}, time=NOON, number=n) for n in range(3)]
    seen = []
    for _ in range(2):
        engine = start(rule, redis=valkey.url)
        await engine.handle(*events)
        (trip,) = engine.broker.events(RuleTripped)
        seen.append((trip.event_id, trip.count, acted(engine)))
    assert seen[0] == seen[1]
    assert seen[0][2] == {"item-0"}


async def test_users_an_hour_trip_the_rule(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Distinct users count, not submissions; items of nobody count for nobody."""
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_users_per_hour=2)
    engine = start(rule, redis=valkey.url)
    users = ["a", "a", "b", None, "b", "c", "a"]
    await engine.handle(
        *(
            kit.submission(
                {"text": "spam"},
                time=NOON,
                number=n,
                creator=None if user is None else ItemRef(user, "user"),
            )
            for n, user in enumerate(users)
        )
    )
    assert acted(engine) == {f"item-{n}" for n in range(5)}
    (trip,) = engine.broker.events(RuleTripped)
    assert (trip.measure, trip.limit, trip.count, trip.window) == ("USERS", 2, 3, 3600)


async def test_the_organisations_ceilings_are_for_rules_without(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """A rule's own ceiling counts; where it has none, the organisation's does; rules do not share
    what they count."""
    spam = kit.contains("spam")
    settings = OrgSettings(id="settings", name="Org", rule_max_actions_per_minute=1)
    engine = start(
        kit.rule("r1", spam, action_ids=("delete",)),
        kit.rule("r2", spam, action_ids=("warn",), max_actions_per_minute=3),
        redis=valkey.url,
        more=[(Kind.SETTINGS, settings)],
    )
    await engine.handle(*(kit.submission({"text": "spam"}, time=NOON, number=n) for n in range(3)))
    assert limited(engine) == [(), ("r1",), ("r1",)]
    found = [one.action_id for one in engine.broker.events(ActionRequested)]
    assert sorted(found) == ["delete", "warn", "warn", "warn"]


async def test_a_tripped_rule_uses_up_no_daily_limit(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """What does not act does not count: neither ceiling uses the other up."""
    rule = kit.rule(
        "r1",
        kit.contains("spam"),
        action_ids=("delete",),
        max_daily_actions=3,
        max_actions_per_minute=2,
    )
    engine = start(rule, redis=valkey.url)
    await engine.handle(*(kit.submission({"text": "spam"}, time=NOON, number=n) for n in range(6)))
    assert own_redis.scard("coop:quota:org:r1:20455") == 2
    revision = engine.put(Kind.RULE, rule)
    await engine.handle(
        *(
            kit.submission(
                {"text": "spam"},
                time=NOON + timedelta(minutes=n),
                number=n,
                config_revision=revision,
            )
            for n in range(10, 13)
        )
    )
    assert acted(engine) == {"item-0", "item-1", "item-10"}


async def test_a_rule_without_actions_has_no_blast_radius(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """A rule that does nothing trips nothing, and asks nobody."""
    engine = start(kit.rule("r1", kit.contains("spam"), max_actions_per_minute=0))
    await engine.handle(kit.submission({"text": "spam"}, time=NOON))
    assert limited(engine) == [()]
