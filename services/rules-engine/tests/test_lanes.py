"""Each rule runs once for a submission, in the lane of what it needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import (
    ActionRequested,
    EvaluationDeferred,
    MatchedBank,
    MediaSignal,
    MediaSignals,
    RulesEvaluated,
    SignalValue,
)
from coop_local.valkey import Valkey
from coop_rules_engine import record
from coop_rules_engine.awaiting import MediaEvaluation
from coop_rules_engine.deferred import DeferredHandler
from coop_rules_engine.limit import Limiter
from coop_rules_engine.media import MediaValues
from coop_rules_engine.remote import RemoteEvaluation
from coop_runtime.error import Retryable
from coop_runtime.message import Received

Start = Callable[..., Any]

_SECONDS = 20.0
IMAGE = {"image": {"url": "https://cdn.example/1.jpg"}}


class Provider:
    """Stands for the providers of remote signals: answers when it is told to."""

    def __init__(self, score: float = 0.9) -> None:
        self.score: float | None = score
        self.asked: list[tuple[str, str, Sequence[object]]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def values(
        self, org_id: str, need: Any, inputs: Sequence[object], *, deadline: float
    ) -> list[SignalValue]:
        self.asked.append((org_id, need.signal.name, list(inputs)))
        error = None
        try:
            async with asyncio.timeout_at(deadline):
                await self.gate.wait()
        except TimeoutError:
            error = "no answer in time"
        score = None if error else self.score
        return [
            SignalValue(key=need.key, signal=need.signal.name, position=n, score=score, error=error)
            for n in range(len(inputs))
        ]


class Lanes:
    """The waiting lanes behind an engine whose broker keeps what is published."""

    def __init__(
        self,
        engine: Any,
        *,
        deadline: float = 10.0,
        patience: float = 10.0,
        share: int = 100,
        window: int = 1000,
    ) -> None:
        self.engine = engine
        self.provider = Provider()
        self.media = MediaValues(None)
        self.media._caught_up.set()
        limiter = Limiter(engine.store, engine.rebuilder)
        self.slow = DeferredHandler(
            RemoteEvaluation(
                engine.registry,
                self.provider,
                deadline=deadline,
                patience=patience,
                share=share,
            ),
            engine.broker,
            limiter,
            lane="SLOW",
            window=window,
        )
        self.waiting = DeferredHandler(
            MediaEvaluation(engine.registry, self.media, deadline=deadline),
            engine.broker,
            limiter,
            lane="MEDIA",
            window=window,
        )

    def deferred(self) -> list[Received[EvaluationDeferred]]:
        """What the engine deferred since this was asked last."""
        messages = self.engine.broker.messages
        found = [
            Received(event, message.key, message.topic, 0, 0, dict(message.headers), 0)
            for message, event in zip(messages, self.engine.broker.events(), strict=True)
            if isinstance(event, EvaluationDeferred)
        ]
        self.engine.broker.messages = [m for m in messages if m.topic != EvaluationDeferred.topic]
        return found

    async def run(self) -> None:
        """Both lanes, until nothing is deferred any more."""
        async with asyncio.timeout(_SECONDS):
            while events := self.deferred():
                for handler in (self.slow, self.waiting):
                    await (await handler(events))

    def results(self) -> list[tuple[str, list[Any]]]:
        """(lane, outcomes of its rules) of each result."""
        return [
            (one.lane, [rule.passed for rule in one.rules])
            for one in self.engine.broker.events(RulesEvaluated)
        ]


def signals(number: int, *banks: str, url: str = "https://cdn.example/1.jpg") -> MediaSignals:
    matched = tuple(MatchedBank(bank_id=bank) for bank in banks)
    return MediaSignals(
        event_id=f"media-{number}",
        org_id="org",
        time=datetime.now(UTC),
        correlation_id="c",
        submission_id=f"submission-{number}",
        item={"id": "x", "typeId": "post"},  # type: ignore[arg-type]
        media=(MediaSignal(url=url, field="image", matched_banks=matched),),
    )


async def test_a_remote_rule_is_evaluated_in_the_slow_lane(start: Start, kit: Any) -> None:
    """What needs a remote model is deferred, fetched, recorded with its value, and acted on; what
    does not is evaluated at once, and neither twice."""
    engine = start(
        kit.rule("fast", kit.contains("spam"), action_ids=("warn",)),
        kit.rule("slow", kit.hate(0.5), action_ids=("delete",)),
    )
    lanes = Lanes(engine)
    await engine.handle(kit.submission({"text": "spam"}))
    assert lanes.results() == [("FAST", [True])]
    await lanes.run()
    assert lanes.results() == [("FAST", [True]), ("SLOW", [True])]
    result = engine.broker.events(RulesEvaluated)[1]
    assert [(one.signal, one.score) for one in result.signals] == [("OPEN_AI_HATE_TEXT_MODEL", 0.9)]
    assert lanes.provider.asked == [("org", "OPEN_AI_HATE_TEXT_MODEL", ["spam"])]
    assert [one.action_id for one in engine.broker.events(ActionRequested)] == ["warn", "delete"]
    assert engine.broker.messages[-2].key == engine.broker.messages[0].key


async def test_what_is_decided_is_not_deferred(start: Start, kit: Any) -> None:
    """Where the item alone, or its lack of an input, decides the slow rules, no one is asked."""
    engine = start(kit.rule("r1", kit.both(kit.contains("spam"), kit.hate(0.5))))
    lanes = Lanes(engine)
    await engine.handle(kit.submission({"text": "ham"}), kit.submission({"likes": 1}, number=2))
    assert engine.broker.events(EvaluationDeferred) == []
    assert lanes.results() == [("FAST", []), ("SLOW", [])] * 2


async def test_an_unavailable_question_is_asked_before_it_is_answered(
    start: Start, kit: Any
) -> None:
    """A rule that acts when a model is unavailable does not act because it was not asked yet."""
    gone = kit.hate(0.5) | {"comparator": "IS_UNAVAILABLE"}
    gone.pop("threshold")
    engine = start(
        kit.rule("r1", {"conjunction": "AND", "conditions": [gone]}, action_ids=("warn",))
    )
    lanes = Lanes(engine)
    await engine.handle(kit.submission({"text": "x"}))
    await lanes.run()
    assert lanes.results()[-1] == ("SLOW", [])
    lanes.provider.gate.clear()
    slow = Lanes(engine, deadline=0.05)
    slow.provider.gate.clear()
    await engine.handle(kit.submission({"text": "x"}, number=2))
    await slow.run()
    assert lanes.results()[-1] == ("SLOW", [True])


async def test_a_dead_provider_makes_the_condition_unavailable(start: Start, kit: Any) -> None:
    """No answer by the deadline: the rule is unknown, the reason recorded, the item not lost."""
    engine = start(kit.rule("r1", kit.hate(0.5), action_ids=("delete",)))
    lanes = Lanes(engine, deadline=0.05)
    lanes.provider.gate.clear()
    await engine.handle(kit.submission({"text": "x"}))
    await lanes.run()
    assert lanes.results() == [("FAST", []), ("SLOW", [None])]
    result = engine.broker.events(RulesEvaluated)[1]
    assert result.signals[0].error == "no answer in time"
    assert engine.broker.events(ActionRequested) == []


async def test_one_item_waits_for_its_own_only(start: Start, kit: Any) -> None:
    """While one item's values do not come, others are evaluated and published; what is said of one
    item stays in its order, and its batch is not settled before."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = Lanes(engine)
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

    lanes.provider.values = values  # type: ignore[method-assign]
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


async def test_a_failure_takes_back_what_follows_it(start: Start, kit: Any) -> None:
    """Where an item's evaluation fails, its later ones are not published before it: the batch comes
    again, in order, with the same ids."""
    engine = start(
        kit.rule("r1", kit.hate(0.5), action_ids=("delete",), max_daily_actions=5)
    )  # whose Redis is away
    lanes = Lanes(engine)
    await engine.handle(*(kit.submission({"text": "x"}, number=n, item_id="a") for n in range(2)))
    before = len(engine.broker.messages)
    events = lanes.deferred()
    with pytest.raises(Retryable):
        await (await lanes.slow(events))
    assert len(engine.broker.messages) == before - 2


async def test_evaluating_again_says_the_same(start: Start, kit: Any) -> None:
    """Killed in the middle: the same events again give results and effects with the same ids."""
    engine = start(kit.rule("r1", kit.hate(0.5), action_ids=("delete",)))
    lanes = Lanes(engine)
    for _ in range(2):
        await engine.handle(kit.submission({"text": "x"}))
    assert len({one.event_id for one in engine.broker.events(EvaluationDeferred)}) == 1
    await lanes.run()
    for kind, ids in ((RulesEvaluated, 2), (ActionRequested, 1)):
        found = [one.event_id for one in engine.broker.events(kind)]
        assert len(found) == 2 * ids
        assert len(set(found)) == ids


async def test_an_organisation_has_its_share(start: Start, kit: Any) -> None:
    """What an organisation has waiting beyond its share is evaluated without values."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = Lanes(engine, share=2)
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


async def test_a_burst_waits_for_its_turn(start: Start, kit: Any) -> None:
    """What waits for its organisation's turn uses up none of the time that the provider has; whose
    turn does not come goes without values; another organisation's turn is its own."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = Lanes(engine, patience=0.05)
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


async def test_the_window_is_bounded(start: Start, kit: Any) -> None:
    """A lane takes up no more than its window, until something ends."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = Lanes(engine, window=2)
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


async def test_media_rules_run_when_the_values_arrive(start: Start, kit: Any) -> None:
    """A rule on hash banks waits for the item's media, runs once, and passes if a bank of its own
    has the image; values that come twice change nothing."""
    engine = start(
        kit.rule("r1", kit.image("bad", "worse"), action_ids=("delete",)),
        kit.rule("r2", kit.image("other")),
    )
    lanes = Lanes(engine)
    event = kit.submission(IMAGE, awaits_media=True, time=datetime.now(UTC))
    await engine.handle(event)
    assert lanes.results() == [("FAST", [])]
    settlement = asyncio.ensure_future(await lanes.waiting(lanes.deferred()))
    await asyncio.sleep(0.01)
    assert not settlement.done()
    lanes.media.take(signals(1, "worse"))
    lanes.media.take(signals(1, "other"))
    async with asyncio.timeout(_SECONDS):
        await settlement
    assert lanes.results() == [("FAST", []), ("MEDIA", [True])]
    result = engine.broker.events(RulesEvaluated)[1]
    assert {(one.score, one.matched_value) for one in result.signals} == {
        (True, "worse"),
        (False, None),
    }
    assert len(engine.broker.events(ActionRequested)) == 1


async def test_media_that_never_come_are_unavailable(start: Start, kit: Any) -> None:
    """At the deadline after the submission the media rules run without values; what comes later
    changes nothing."""
    engine = start(kit.rule("r1", kit.image("bad"), action_ids=("delete",)))
    lanes = Lanes(engine, deadline=0.05)
    await engine.handle(kit.submission(IMAGE, awaits_media=True, time=datetime.now(UTC)))
    await lanes.run()
    assert lanes.results() == [("FAST", []), ("MEDIA", [None])]
    result = engine.broker.events(RulesEvaluated)[1]
    assert "did not come within 0.05 s" in result.signals[0].error
    lanes.media.take(signals(1, "bad"))
    assert len(engine.broker.events(RulesEvaluated)) == 2


async def test_values_that_came_first_are_used_after_the_deadline(start: Start, kit: Any) -> None:
    """An item that is read late, when the deadline is over, has the values that came in time."""
    engine = start(kit.rule("r1", kit.image("bad")))
    lanes = Lanes(engine)
    lanes.media.take(signals(1, "bad"))
    hour = timedelta(hours=1)
    await engine.handle(kit.submission(IMAGE, awaits_media=True, time=datetime.now(UTC) - hour))
    await lanes.run()
    assert lanes.results()[-1] == ("MEDIA", [True])


async def test_items_that_await_no_media_are_evaluated_at_once(start: Start, kit: Any) -> None:
    """Without the stamp the media rules run in the fast lane, with no values."""
    engine = start(kit.rule("r1", kit.image("bad")), kit.rule("r2", kit.contains("spam")))
    lanes = Lanes(engine)
    await engine.handle(kit.submission({}), kit.submission(IMAGE, number=2))
    assert engine.broker.events(EvaluationDeferred) == []
    assert lanes.results() == [("FAST", []), ("MEDIA", []), ("FAST", []), ("MEDIA", [None])]


async def test_a_rule_of_media_and_model_has_both(start: Start, kit: Any) -> None:
    """A rule that needs media and a remote model gets the media first, then the model, in one
    evaluation."""
    engine = start(
        kit.rule("r1", kit.both(kit.image("bad"), kit.hate(0.5)), action_ids=("delete",))
    )
    lanes = Lanes(engine)
    lanes.media.take(signals(1, "bad"))
    lanes.media.take(signals(2))
    now = datetime.now(UTC)
    await engine.handle(
        *(
            kit.submission(IMAGE | {"text": "x"}, awaits_media=True, time=now, number=n)
            for n in (1, 2)
        )
    )
    await lanes.run()
    assert sorted(lanes.results()[2:]) == [("SLOW", []), ("SLOW", [True])]
    # Where the image decides, the model is not asked.
    assert len(lanes.provider.asked) == 1
    assert [one.item.id for one in engine.broker.events(ActionRequested)] == ["item-1"]


async def test_known_values_go_along(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """What was counted and read from Redis in the fast lane is what the slow lane decides on, and
    records."""
    engine = start(
        kit.rule("r1", kit.both(kit.counted(1), kit.strikes(0), kit.hate(0.5))),
        redis=valkey.url,
    )
    lanes = Lanes(engine)
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


async def test_rules_that_left_the_lane_have_an_empty_result(start: Start, kit: Any) -> None:
    """A rule that was archived between the lanes is not evaluated; its submission has a result."""
    engine = start(kit.rule("r1", kit.hate(0.5)))
    lanes = Lanes(engine)
    await engine.handle(kit.submission({"text": "x"}))
    revision = engine.put(Kind.RULE, kit.rule("r1", kit.hate(0.5), status="ARCHIVED"))
    await engine.registry.wait("org", revision)
    await lanes.run()
    assert lanes.results() == [("FAST", []), ("SLOW", [])]
    assert lanes.provider.asked == []


async def test_a_dead_provider_costs_the_fast_lane_nothing(start: Start, kit: Any) -> None:
    """While nothing comes from a provider, the fast lane handles its items in the same time."""
    engine = start(kit.rule("slow", kit.hate(0.5)), kit.rule("fast", kit.contains("spam")))
    lanes = Lanes(engine, deadline=60)

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


async def test_a_sample_too_large_for_a_message_is_not_whole(
    start: Start, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all rules would not fit into a message, those that failed are left out, and it is not
    said to be whole."""
    settings = OrgSettings(id="settings", name="Org", evaluation_sample=1)
    rules = [kit.rule(f"r{n}", kit.contains(f"word{n}")) for n in range(20)]
    engine = start(*rules, more=[(Kind.SETTINGS, settings)])
    monkeypatch.setattr(record, "SAMPLED_BYTES", 2000)
    await engine.handle(kit.submission({"text": "word3"}), kit.submission({}, number=2))
    for one, ids in zip(engine.broker.events(), [["r3"], []], strict=True):
        assert not one.sampled
        assert [rule.rule.id for rule in one.rules] == ids


async def test_a_sample_is_recorded_whole(start: Start, kit: Any) -> None:
    """The organisation's share of evaluations, the same ones each time, has all rules, those that
    failed too; the others have only those that did not."""
    settings = OrgSettings(id="settings", name="Org", evaluation_sample=0.25)
    engine = start(
        kit.rule("r1", kit.contains("spam"), action_ids=("warn",)),
        kit.rule("r2", kit.contains("ham")),
        more=[(Kind.SETTINGS, settings)],
    )
    events = [kit.submission({"text": "spam"}, number=n) for n in range(200)]
    sampled = []
    for _ in range(2):
        engine.broker.messages.clear()
        await engine.handle(*events)
        found = engine.broker.events(RulesEvaluated)
        for one in found:
            outcomes = {rule.rule.id: rule.passed for rule in one.rules}
            assert outcomes == ({"r1": True, "r2": False} if one.sampled else {"r1": True})
        sampled.append([one.submission_id for one in found if one.sampled])
    assert sampled[0] == sampled[1]
    assert 20 < len(sampled[0]) < 90
    assert len(engine.broker.events(ActionRequested)) == 200
