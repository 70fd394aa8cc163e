"""The media lane: rules on hash banks run once, when the values arrive or their time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from coop_contracts.event import (
    ActionRequested,
    EvaluationDeferred,
    ItemRef,
    MatchedBank,
    MediaSignal,
    MediaSignals,
    RulesEvaluated,
)

Start = Callable[..., Any]

_SECONDS = 20.0
IMAGE = {"image": {"url": "https://cdn.example/1.jpg"}}


def signals(number: int, *banks: str, url: str = "https://cdn.example/1.jpg") -> MediaSignals:
    matched = tuple(MatchedBank(bank_id=bank) for bank in banks)
    return MediaSignals(
        event_id=f"media-{number}",
        org_id="org",
        time=datetime.now(UTC),
        correlation_id="c",
        submission_id=f"submission-{number}",
        item=ItemRef("x", "post"),
        media=(MediaSignal(url=url, field="image", matched_banks=matched),),
    )


async def test_media_rules_run_when_the_values_arrive(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """A rule on hash banks waits for the item's media, runs once, and passes if a bank of its own
    has the image; values that come twice change nothing."""
    engine = start(
        kit.rule("r1", kit.image("bad", "worse"), action_ids=("delete",)),
        kit.rule("r2", kit.image("other")),
    )
    lanes = lanes_of(engine)
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


async def test_what_is_known_to_be_good_passes_no_rule(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """Also where a rule of before names the bank."""
    engine = start(kit.rule("r1", kit.image("good"), action_ids=("delete",)))
    lanes = lanes_of(engine)
    found = signals(1)
    medium = msgspec.structs.replace(
        found.media[0], matched_banks=(MatchedBank(bank_id="good", distance=0, known_good=True),)
    )
    lanes.media.take(msgspec.structs.replace(found, media=(medium,)))
    await engine.handle(kit.submission(IMAGE, awaits_media=True, time=datetime.now(UTC)))
    await lanes.run()
    assert lanes.results()[-1] == ("MEDIA", [])
    assert engine.broker.events(ActionRequested) == []


async def test_media_that_never_come_are_unavailable(start: Start, kit: Any, lanes_of: Any) -> None:
    """At the deadline after the submission the media rules run without values; what comes later
    changes nothing."""
    engine = start(kit.rule("r1", kit.image("bad"), action_ids=("delete",)))
    lanes = lanes_of(engine, deadline=0.05)
    await engine.handle(kit.submission(IMAGE, awaits_media=True, time=datetime.now(UTC)))
    await lanes.run()
    assert lanes.results() == [("FAST", []), ("MEDIA", [None])]
    result = engine.broker.events(RulesEvaluated)[1]
    assert "did not come within 0.05 s" in result.signals[0].error
    lanes.media.take(signals(1, "bad"))
    assert len(engine.broker.events(RulesEvaluated)) == 2


async def test_values_that_came_first_are_used_after_the_deadline(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """An item that is read late, when the deadline is over, has the values that came in time."""
    engine = start(kit.rule("r1", kit.image("bad")))
    lanes = lanes_of(engine)
    lanes.media.take(signals(1, "bad"))
    hour = timedelta(hours=1)
    await engine.handle(kit.submission(IMAGE, awaits_media=True, time=datetime.now(UTC) - hour))
    await lanes.run()
    assert lanes.results()[-1] == ("MEDIA", [True])


async def test_media_that_are_looked_at_again(start: Start, kit: Any, lanes_of: Any) -> None:
    """Long after the submission the media rules are evaluated once more, on what is said since, and
    not on what was said before; what follows has the ids of before."""
    engine = start(kit.rule("r1", kit.image("bad"), action_ids=("delete",)))
    lanes = lanes_of(engine)
    day = timedelta(days=1)
    event = kit.submission(IMAGE, awaits_media=True, time=datetime.now(UTC) - day)
    lanes.media.take(signals(1))
    await engine.handle(event)
    await lanes.run()
    assert lanes.results()[-1] == ("MEDIA", [])
    assert engine.broker.events(ActionRequested) == []
    for _ in range(2):
        await engine.handle(event)
        since = datetime.now(UTC)
        (waiting,) = lanes.deferred()
        again = msgspec.structs.replace(waiting.event, media_since=since)
        settlement = asyncio.ensure_future(
            await lanes.waiting([msgspec.structs.replace(waiting, event=again)])
        )
        await asyncio.sleep(0.01)
        assert not settlement.done()
        lanes.media.take(signals(1, "bad"))
        async with asyncio.timeout(_SECONDS):
            await settlement
        assert lanes.results()[-1] == ("MEDIA", [True])
    first, second = engine.broker.events(ActionRequested)
    assert first.execution_id == second.execution_id


async def test_items_that_await_no_media_are_evaluated_at_once(
    start: Start, kit: Any, lanes_of: Any
) -> None:
    """Without the stamp the media rules run in the fast lane, with no values."""
    engine = start(kit.rule("r1", kit.image("bad")), kit.rule("r2", kit.contains("spam")))
    lanes = lanes_of(engine)
    await engine.handle(kit.submission({}), kit.submission(IMAGE, number=2))
    assert engine.broker.events(EvaluationDeferred) == []
    assert lanes.results() == [("FAST", []), ("MEDIA", []), ("FAST", []), ("MEDIA", [None])]


async def test_a_rule_of_media_and_model_has_both(start: Start, kit: Any, lanes_of: Any) -> None:
    """A rule that needs media and a remote model gets the media first, then the model, in one
    evaluation."""
    engine = start(
        kit.rule("r1", kit.both(kit.image("bad"), kit.hate(0.5)), action_ids=("delete",))
    )
    lanes = lanes_of(engine)
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
