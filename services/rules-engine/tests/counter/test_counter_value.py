"""Values from Redis: users' strikes, and counts of groups in a sliding window."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from redis import Redis

from coop_contracts.config import Kind
from coop_contracts.event import ActionRequested, ItemRef, RulesEvaluated
from coop_local.valkey import Valkey
from coop_runtime.process.error import Retryable

Start = Callable[..., Any]

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def outcomes(engine: Any) -> list[Any]:
    """Of each result: what its only rule said."""
    return [
        one.rules[0].passed if one.rules else False for one in engine.broker.events(RulesEvaluated)
    ]


def strike(redis: Redis, user: str, *strikes: tuple[datetime, int]) -> None:
    raw = [[int(at.timestamp() * 1000), weight] for at, weight in strikes]
    redis.set(f"coop:strikes:org:user:{user}", json.dumps(raw))


async def test_strikes_that_have_not_expired_count(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """A user's strikes are the weights of those that live on at the submission's time; a user
    without any has none; the value is recorded."""
    strike(own_redis, "user-1", (NOON + timedelta(days=1), 3), (NOON - timedelta(days=1), 5))
    engine = start(kit.rule("r1", kit.strikes(3), action_ids=("warn",)), redis=valkey.url)
    await engine.handle(
        kit.submission({}, time=NOON),
        kit.submission({}, time=NOON, number=2, creator=ItemRef("user-2", "user")),
        kit.submission({}, time=NOON, number=3, creator=None),
    )
    assert outcomes(engine) == [True, False, False]
    first, second, third = engine.broker.events(RulesEvaluated)
    assert [(one.signal, one.score) for one in first.signals] == [("USER_STRIKE_VALUE", 3.0)]
    assert [one.score for one in second.signals] == [0.0]
    assert third.signals == ()
    assert len(engine.broker.events(ActionRequested)) == 1


@pytest.mark.parametrize("held", [None, "another-run"])
async def test_strikes_of_an_empty_redis_are_unknown(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis, held: str | None
) -> None:
    """Where Redis does not say that it has all strikes, or says so of another run, they are
    unavailable, and not none."""
    own_redis.delete("coop:strikes:whole")
    if held:
        own_redis.set("coop:strikes:whole", held)
    engine = start(kit.rule("r1", kit.strikes(0)), redis=valkey.url)
    await engine.handle(kit.submission({}, time=NOON))
    assert outcomes(engine) == [None]
    (result,) = engine.broker.events(RulesEvaluated)
    assert "has not been filled" in result.signals[0].error


async def test_strikes_that_cannot_be_read_are_unknown(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """What another process wrote in a form of its own is no number of strikes."""
    own_redis.set("coop:strikes:org:user:user-1", "three")
    engine = start(kit.rule("r1", kit.strikes(0)), redis=valkey.url)
    await engine.handle(kit.submission({}, time=NOON))
    assert outcomes(engine) == [None]


async def test_without_redis_the_others_go_on(start: Start, kit: Any) -> None:
    """Redis away: rules that need nothing of it act, strikes are unavailable."""
    engine = start(
        kit.rule("r1", kit.strikes(0)), kit.rule("r2", kit.contains("spam"), action_ids=("warn",))
    )
    await engine.handle(kit.submission({"text": "spam"}, time=NOON))
    (result,) = engine.broker.events(RulesEvaluated)
    assert [(one.rule.id, one.passed) for one in result.rules] == [("r1", None), ("r2", True)]
    assert len(engine.broker.events(ActionRequested)) == 1


async def test_without_redis_counting_waits(start: Start, kit: Any) -> None:
    """Redis away: what must be counted is not evaluated without it; other item types are."""
    engine = start(
        kit.rule("r1", kit.counted(2)),
        more=[(Kind.ITEM_TYPE, msgspec.structs.replace(kit.post_type(), id="comment"))],
    )
    with pytest.raises(Retryable):
        await engine.handle(kit.submission({}, time=NOON))
    assert engine.broker.messages == []
    await engine.handle(kit.submission({}, time=NOON, type_id="comment"))
    assert len(engine.broker.events(RulesEvaluated)) == 1


async def test_a_group_counts_within_its_window(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """A rule sees how many items the author has had within the window, this one included; another
    author's do not count."""
    engine = start(kit.rule("r1", kit.counted(3, seconds=60)), redis=valkey.url)
    other = ItemRef("user-2", "user")
    times = [0, 20, 40, 61, 300]
    await engine.handle(
        *(
            kit.submission({}, time=NOON + timedelta(seconds=at), number=number)
            for number, at in enumerate(times)
        ),
        kit.submission({}, time=NOON + timedelta(seconds=41), number=9, creator=other),
    )
    found = [one.signals[0].score for one in engine.broker.events(RulesEvaluated)]
    assert found == [1, 2, 3, 3, 1, 1]
    assert outcomes(engine) == [False, False, True, True, False, False]


async def test_counting_again_is_counting_once(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """A submission that is evaluated again, by another process too, counts once, and sees the same
    count."""
    rule = kit.rule("r1", kit.counted(2))
    events = [kit.submission({}, time=NOON, number=number) for number in range(3)]
    seen = []
    for _ in range(2):
        engine = start(rule, redis=valkey.url)
        for event in events:
            await engine.handle(event)
        seen.append([one.signals[0].score for one in engine.broker.events(RulesEvaluated)][-1])
    assert seen == [3, 3]


async def test_saving_a_rule_goes_on_counting(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Another threshold, and another rule with the same clause, go on from the same count; another
    window begins anew."""
    engine = start(kit.rule("r1", kit.counted(2)), redis=valkey.url)
    await engine.handle(kit.submission({}, time=NOON))
    engine.put(Kind.RULE, kit.rule("r1", kit.counted(99)))
    revision = engine.put(Kind.RULE, kit.rule("r2", kit.counted(99, seconds=7200)))
    await engine.handle(kit.submission({}, time=NOON, number=2, config_revision=revision))
    result = engine.broker.events(RulesEvaluated)[1]
    assert sorted(one.score for one in result.signals) == [1, 2]


async def test_only_what_the_clause_says_counts(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Items that do not fulfil the clause's conditions see the count and do not add to it."""
    rule = kit.rule("r1", kit.counted(1, only=kit.contains("spam")))
    engine = start(rule, redis=valkey.url)
    texts = ["spam", "ham", "spam", "ham"]
    await engine.handle(
        *(kit.submission({"text": t}, time=NOON, number=n) for n, t in enumerate(texts))
    )
    found = [one.signals[0].score for one in engine.broker.events(RulesEvaluated)]
    assert found == [1, 1, 2, 2]


async def test_an_item_counts_when_it_was_made(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """createdAt decides where an item counts, but never later than its submission: a date in the
    future must not wipe out the present."""
    engine = start(kit.rule("r1", kit.counted(1, seconds=60)), redis=valkey.url)
    made = ["2100-01-01T00:00:00Z", "2026-01-02T09:00:00Z", "2026-01-02T09:00:30+00:00", "soon"]
    await engine.handle(
        *(kit.submission({"made": one}, time=NOON, number=n) for n, one in enumerate(made))
    )
    found = [one.signals[0].score for one in engine.broker.events(RulesEvaluated)]
    assert found == [1, 1, 2, 2]


async def test_a_group_is_bounded(start: Start, kit: Any, valkey: Valkey, own_redis: Redis) -> None:
    """A group keeps the newest submissions, up to its limit, and ends after its window."""
    limits = kit.limits(group_members=5)
    engine = start(kit.rule("r1", kit.counted(1)), redis=valkey.url, limits=limits)
    await engine.handle(
        *(
            kit.submission({}, time=NOON + timedelta(seconds=number), number=number)
            for number in range(12)
        )
    )
    found = [int(one.signals[0].score) for one in engine.broker.events(RulesEvaluated)]
    assert found == [1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6]
    (key,) = own_redis.keys("coop:count:org:*")
    assert own_redis.zcard(key) == 5
    assert 3600_000 < own_redis.pttl(key) <= 7200_000


async def test_rules_without_needs_ask_nobody(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Items whose rules need nothing from outside cost no call to Redis; those that do cost one for
    a batch."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("warn",)), redis=valkey.url)
    calls = own_redis.info("commandstats")
    batch = [kit.submission({"text": "spam"}, number=number, time=NOON) for number in range(50)]
    await engine.handle(*batch)
    assert own_redis.info("commandstats").keys() - calls.keys() <= {"cmdstat_info"}
    revision = engine.put(Kind.RULE, kit.rule("r2", kit.both(kit.counted(1), kit.strikes(1))))
    await engine.registry.wait("org", revision)
    await engine.handle(kit.submission({}, number=99, time=NOON))  # loads the script
    before = own_redis.info("commandstats")["cmdstat_evalsha"]["calls"]
    await engine.handle(*batch)
    assert own_redis.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
