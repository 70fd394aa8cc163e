"""The slow lane: rules that need a remote model run once, in order, and delay nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from coop_contracts.config import Kind
from coop_contracts.event import (
    ActionRequested,
    EvaluationDeferred,
    RulesEvaluated,
    SignalValue,
)
from coop_local.valkey import Valkey
from coop_runtime.process.error import Retryable

Start = Callable[..., Any]

_SECONDS = 20.0


async def test_a_remote_rule_is_evaluated_in_the_slow_lane(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """What needs a remote model is deferred, fetched, recorded with its value, and acted on; what
    does not is evaluated at once, and neither twice."""
    engine = start(
        kit.rule("fast", kit.contains("spam"), action_ids=("warn",)),
        kit.rule("slow", kit.hate(0.5), action_ids=("delete",)),
    )
    lanes = lanes_of(engine)
    await engine.handle(kit.submission({"text": "spam"}))
    assert lanes.results() == [("FAST", [True])]
    await lanes.run()
    assert lanes.results() == [("FAST", [True]), ("SLOW", [True])]
    result = engine.broker.events(RulesEvaluated)[1]
    assert [(one.signal, one.score) for one in result.signals] == [("OPEN_AI_HATE_TEXT_MODEL", 0.9)]
    assert lanes.provider.asked == [("org", "OPEN_AI_HATE_TEXT_MODEL", ["spam"])]
    assert [one.action_id for one in engine.broker.events(ActionRequested)] == ["warn", "delete"]
    assert engine.broker.messages[-2].key == engine.broker.messages[0].key


async def test_what_is_decided_is_not_deferred(start: Start, kit: Any, lanes_of: Any) -> None:
    """Where the item alone, or its lack of an input, decides the slow rules, no one is asked."""
    engine = start(kit.rule("r1", kit.both(kit.contains("spam"), kit.hate(0.5))))
    lanes = lanes_of(engine)
    await engine.handle(kit.submission({"text": "ham"}), kit.submission({"likes": 1}, number=2))
    assert engine.broker.events(EvaluationDeferred) == []
    assert lanes.results() == [("FAST", []), ("SLOW", [])] * 2


async def test_an_unavailable_question_is_asked_before_it_is_answered(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """A rule that acts when a model is unavailable does not act because it was not asked yet."""
    gone = kit.hate(0.5) | {"comparator": "IS_UNAVAILABLE"}
    gone.pop("threshold")
    engine = start(
        kit.rule("r1", {"conjunction": "AND", "conditions": [gone]}, action_ids=("warn",))
    )
    lanes = lanes_of(engine)
    await engine.handle(kit.submission({"text": "x"}))
    await lanes.run()
    assert lanes.results()[-1] == ("SLOW", [])
    lanes.provider.gate.clear()
    slow = lanes_of(engine, deadline=0.05)
    slow.provider.gate.clear()
    await engine.handle(kit.submission({"text": "x"}, number=2))
    await slow.run()
    assert lanes.results()[-1] == ("SLOW", [True])


async def test_a_dead_provider_makes_the_condition_unavailable(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """No answer by the deadline: the rule is unknown, the reason recorded, the item not lost."""
    engine = start(kit.rule("r1", kit.hate(0.5), action_ids=("delete",)))
    lanes = lanes_of(engine, deadline=0.05)
    lanes.provider.gate.clear()
    await engine.handle(kit.submission({"text": "x"}))
    await lanes.run()
    assert lanes.results() == [("FAST", []), ("SLOW", [None])]
    result = engine.broker.events(RulesEvaluated)[1]
    assert result.signals[0].error == "no answer in time"
    assert engine.broker.events(ActionRequested) == []


async def test_one_item_waits_for_its_own_only(start: Start, kit: Any, lanes_of: Any) -> None:
    """While one item's values do not come, others are evaluated and published; what is said of one
    item stays in its order, and its batch is not settled before."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = lanes_of(engine)
    first, *others = (
        kit.submission({"text": str(n)}, number=n, item_id="a" if n in (0, 2) else f"b{n}")
        for n in range(4)
    )
    await engine.handle(first, *others)
    engine.broker.messages = [m for m in engine.broker.messages if m.topic != RulesEvaluated.topic]
    held = asyncio.Event()
    real = lanes.provider.values

    async def values(org_id: str, need: Any, inputs: Any, *, deadline: float) -> Any:
        if inputs == ["0"]:
            await held.wait()
        return await real(org_id, need, inputs, deadline=deadline)

    lanes.provider.values = values
    settlement = asyncio.ensure_future(await lanes.slow(lanes.deferred()))
    async with asyncio.timeout(_SECONDS):
        while len(engine.broker.events(RulesEvaluated)) < 2:  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.005)
    assert {one.submission_id for one in engine.broker.events()} == {
        "submission-1",
        "submission-3",
    }
    assert not settlement.done()
    held.set()
    async with asyncio.timeout(_SECONDS):
        await settlement
    assert [one.submission_id for one in engine.broker.events()][2:] == [
        "submission-0",
        "submission-2",
    ]


async def test_a_failure_takes_back_what_follows_it(start: Start, kit: Any, lanes_of: Any) -> None:
    """Where an item's evaluation fails, its later ones are not published before it: the batch comes
    again, in order, with the same ids."""
    engine = start(
        kit.rule("r1", kit.hate(0.5), action_ids=("delete",), max_daily_actions=5)
    )  # whose Redis is away
    lanes = lanes_of(engine)
    await engine.handle(*(kit.submission({"text": "x"}, number=n, item_id="a") for n in range(2)))
    before = len(engine.broker.messages)
    events = lanes.deferred()
    with pytest.raises(Retryable):
        await (await lanes.slow(events))
    assert len(engine.broker.messages) == before - 2


async def test_evaluating_again_says_the_same(start: Start, kit: Any, lanes_of: Any) -> None:
    """Killed in the middle: the same events again give results and effects with the same ids."""
    engine = start(kit.rule("r1", kit.hate(0.5), action_ids=("delete",)))
    lanes = lanes_of(engine)
    for _ in range(2):
        await engine.handle(kit.submission({"text": "x"}))
    assert len({one.event_id for one in engine.broker.events(EvaluationDeferred)}) == 1
    await lanes.run()
    for kind, ids in ((RulesEvaluated, 2), (ActionRequested, 1)):
        found = [one.event_id for one in engine.broker.events(kind)]
        assert len(found) == 2 * ids
        assert len(set(found)) == ids


async def test_an_organisation_has_its_share(start: Start, kit: Any, lanes_of: Any) -> None:
    """What an organisation has waiting beyond its share is evaluated without values."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = lanes_of(engine, share=2)
    lanes.provider.gate.clear()
    await engine.handle(*(kit.submission({"text": str(n)}, number=n) for n in range(4)))
    settlement = asyncio.ensure_future(await lanes.slow(lanes.deferred()))
    async with asyncio.timeout(_SECONDS):
        while len(engine.broker.events(RulesEvaluated)) < 4 + 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    shed = engine.broker.events(RulesEvaluated)[-1]
    assert "too many" in shed.signals[0].error
    lanes.provider.gate.set()
    async with asyncio.timeout(_SECONDS):
        await settlement
    assert lanes.results()[-1] == ("SLOW", [True])


async def test_a_burst_waits_for_its_turn(start: Start, kit: Any, lanes_of: Any) -> None:
    """What waits for its organisation's turn uses up none of the time that the provider has; whose
    turn does not come goes without values; another organisation's turn is its own."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = lanes_of(engine, patience=0.05)
    lanes.provider.gate.clear()
    await engine.handle(*(kit.submission({"text": str(n)}, number=n) for n in range(70)))
    settlement = asyncio.ensure_future(await lanes.slow(lanes.deferred()))
    async with asyncio.timeout(_SECONDS):
        while len(engine.broker.events(RulesEvaluated)) < 70 + 6:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    assert "turn did not come" in engine.broker.events(RulesEvaluated)[-1].signals[0].error
    assert len(lanes.provider.asked) == 64
    lanes.provider.gate.set()
    async with asyncio.timeout(_SECONDS):
        await settlement
    assert sum(passed == [True] for _, passed in lanes.results()) == 64


async def test_the_window_is_bounded(start: Start, kit: Any, lanes_of: Any) -> None:
    """A lane takes up no more than its window, until something ends."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = lanes_of(engine, window=2)
    lanes.provider.gate.clear()
    await engine.handle(*(kit.submission({"text": str(n)}, number=n) for n in range(3)))
    first, second = (events := lanes.deferred())[:2], events[2:]
    settlement = asyncio.ensure_future(await lanes.slow(first))
    waiting = asyncio.ensure_future(lanes.slow(second))
    await asyncio.sleep(0)
    assert not waiting.done()
    lanes.provider.gate.set()
    async with asyncio.timeout(_SECONDS):
        await settlement
        await (await waiting)


async def test_known_values_go_along(
    start: Start, kit: Any, lanes_of: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """What was counted and read from Redis in the fast lane is what the slow lane decides on, and
    records."""
    engine = start(
        kit.rule("r1", kit.both(kit.counted(1), kit.strikes(0), kit.hate(0.5))),
        redis=valkey.url,
    )
    lanes = lanes_of(engine)
    await engine.handle(kit.submission({"text": "x"}))
    own_redis.flushall()
    await lanes.run()
    assert lanes.results() == [("FAST", []), ("SLOW", [True])]
    found = engine.broker.events(RulesEvaluated)[1].signals
    assert {one.signal for one in found} == {
        "AGGREGATION",
        "USER_STRIKE_VALUE",
        "OPEN_AI_HATE_TEXT_MODEL",
    }


async def test_a_transcript_is_had_before_it_is_judged(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """A model that is asked about what is said in a video is asked when that is known, and its
    score decides."""
    spoken = {
        "type": "CONTENT_DERIVED_FIELD",
        "spec": {
            "source": {"type": "CONTENT_FIELD", "name": "video", "contentTypeId": "post"},
            "derivationType": "VIDEO_TRANSCRIPTION",
        },
    }
    engine = start(kit.rule("r1", kit.hate(0.5) | {"input": spoken}))
    lanes = lanes_of(engine)
    answers: dict[str, str | float] = {
        "OPEN_AI_WHISPER_TRANSCRIPTION": "what is said",
        "OPEN_AI_HATE_TEXT_MODEL": 0.9,
    }
    asked: list[tuple[str, list[object]]] = []

    async def values(org_id: str, need: Any, inputs: Any, *, deadline: float) -> list[SignalValue]:
        asked.append((need.signal.name, list(inputs)))
        name = need.signal.name
        return [SignalValue(key=need.key, signal=name, score=answers[name]) for _ in inputs]

    lanes.provider.values = values
    await engine.handle(kit.submission({"video": {"url": "https://a/1.mp4"}}))
    await lanes.run()
    assert asked == [
        ("OPEN_AI_WHISPER_TRANSCRIPTION", [{"url": "https://a/1.mp4"}]),
        ("OPEN_AI_HATE_TEXT_MODEL", ["what is said"]),
    ]
    assert lanes.results()[-1] == ("SLOW", [True])


async def test_rules_that_left_the_lane_have_an_empty_result(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """A rule that was archived between the lanes is not evaluated; its submission has a result."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = lanes_of(engine)
    await engine.handle(kit.submission({"text": "x"}))
    revision = engine.put(Kind.RULE, kit.rule("r1", kit.hate(0.5), status="ARCHIVED"))
    await engine.registry.wait("org", revision)
    await lanes.run()
    assert lanes.results() == [("FAST", []), ("SLOW", [])]
    assert lanes.provider.asked == []


async def test_a_dead_provider_costs_the_fast_lane_nothing(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """While nothing comes from a provider, the fast lane handles its items in the same time."""
    engine = start(kit.rule("slow", kit.hate(0.5)), kit.rule("fast", kit.contains("spam")))
    lanes = lanes_of(engine, deadline=60)

    async def seconds(first: int) -> float:
        taken = []
        for round_ in range(5):
            events = [
                kit.submission({"text": f"spam {n}"}, number=n)
                for n in range(first + round_ * 100, first + round_ * 100 + 100)
            ]
            began = time.perf_counter()
            await engine.handle(*events)
            taken.append(time.perf_counter() - began)
        return min(taken)

    await seconds(0)
    alone = await seconds(1000)
    lanes.provider.gate.clear()
    settlement = asyncio.ensure_future(await lanes.slow(lanes.deferred()))
    await asyncio.sleep(0.01)
    beside = await seconds(2000)
    # On the same thread here; in production they are processes of their own.
    assert beside < 3 * alone + 0.05
    settlement.cancel()
    await asyncio.gather(settlement, return_exceptions=True)
