"""What the rules said is told to the request that waits for it, and to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from coop_contracts.event import ActionRequested, EvaluationDeferred, RulesEvaluated
from coop_local.valkey import Valkey
from coop_rules_engine import metric
from coop_rules_engine.lane.verdict import Verdicts, verdicts_of
from coop_rules_engine.submission import Submission
from coop_runtime.redis.verdict import Verdict, decode_verdicts, verdict_channel

Start = Callable[..., Any]

_SECONDS = 20.0


class Ear:
    """Listens at an address."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    async def hear(self, count: int) -> list[Verdict]:
        """So many verdicts, in the order of their coming."""
        heard: list[Verdict] = []
        async with asyncio.timeout(_SECONDS):
            while len(heard) < count:
                message = await self._channel.get_message(timeout=1)
                if message is not None:
                    heard += decode_verdicts(message["data"])
        return heard


@asynccontextmanager
async def listening(url: str, address: str) -> AsyncIterator[Ear]:
    redis = AsyncRedis.from_url(url)
    async with redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(verdict_channel(address))
        assert await channel.get_message(timeout=5) is None
        yield Ear(channel)
    await redis.aclose()


async def test_a_verdict_is_what_is_on_the_log(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """Of a batch, the submissions that somebody waits for are told, each at its address, with just
    the actions that the log has for them; a limited or background rule adds none."""
    spam = kit.contains("spam")
    engine = start(
        kit.rule("r1", spam, action_ids=("delete", "review")),
        kit.rule("r2", spam, action_ids=("warn",), max_daily_actions=1),
        kit.rule("r3", spam, action_ids=("author",), status="BACKGROUND"),
        redis=valkey.url,
    )
    async with listening(valkey.url, "one") as one, listening(valkey.url, "two") as two:
        await engine.handle(
            kit.submission({"text": "spam"}, number=1, reply_to="one"),
            kit.submission({"text": "spam"}, number=2),
            kit.submission({"text": "spam"}, number=3, reply_to="two"),
            kit.submission({"text": "ham"}, number=4, reply_to="one"),
        )
        heard = {found.submission_id: found for found in await one.hear(2)}
        (last,) = await two.hear(1)
    assert set(heard) == {"submission-1", "submission-4"}
    assert heard["submission-1"].action_ids == ("delete", "review", "warn")
    assert heard["submission-1"].decided == ("FAST",)
    assert heard["submission-4"].action_ids == ()
    # r2 had acted, once: of whoever came after it the log says "limited".
    assert (last.submission_id, last.action_ids) == ("submission-3", ("delete", "review"))
    on_the_log = {
        found.submission_id: tuple(one.action_id for one in found.executions)
        for found in engine.broker.events(RulesEvaluated)
    }
    assert on_the_log["submission-3"] == last.action_ids
    assert on_the_log["submission-1"] == heard["submission-1"].action_ids


async def test_what_waits_for_a_model_is_told_when_it_is_decided(
    start: Start, kit: Any, lanes_of: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """The first verdict names the lane that is still open; the second is that lane's own. Each
    action is requested once."""
    engine = start(
        kit.rule("fast", kit.contains("spam"), action_ids=("warn",)),
        kit.rule("slow", kit.hate(0.5), action_ids=("delete",)),
        redis=valkey.url,
    )
    lanes = lanes_of(engine)
    async with listening(valkey.url, "one") as ear:
        await engine.handle(kit.submission({"text": "spam"}, reply_to="one"))
        (first,) = await ear.hear(1)
        await lanes.run()
        (second,) = await ear.hear(1)
    assert (first.decided, first.deferred, first.action_ids) == (("FAST",), ("SLOW",), ("warn",))
    assert (second.decided, second.deferred, second.action_ids) == (("SLOW",), (), ("delete",))
    assert [one.action_id for one in engine.broker.events(ActionRequested)] == ["warn", "delete"]


async def test_nothing_is_told_before_the_acknowledgement(
    start: Start, kit: Any, valkey: Valkey, own_redis: Redis
) -> None:
    """While the broker has not acknowledged, no verdict comes; then it does."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("delete",)), redis=valkey.url)
    held: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(messages: Any) -> Any:
        engine.broker.messages += messages
        return held

    engine.broker.begin = begin
    async with listening(valkey.url, "one") as ear:
        event = kit.submission({"text": "spam"}, reply_to="one")
        settlement = asyncio.ensure_future(await engine.handler([kit.received(event)]))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await ear.hear(1)
        held.set_result(None)
        await settlement
        (told,) = await ear.hear(1)
    assert told.action_ids == ("delete",)


async def test_redis_away_delays_nobody(start: Start, kit: Any) -> None:
    """A batch is settled while Redis is away; the verdict is lost, and counted."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("delete",)))
    lost = metric.VERDICTS.labels("lost")
    before = lost._value.get()
    await engine.handle(kit.submission({"text": "spam"}, reply_to="one"))
    assert len(engine.broker.events(ActionRequested)) == 1
    async with asyncio.timeout(_SECONDS):
        while lost._value.get() == before:  # noqa: ASYNC110 - a metric
            await asyncio.sleep(0.01)


async def test_what_is_too_much_is_dropped(start: Start, kit: Any) -> None:
    """More verdicts than may wait are dropped and counted, and no memory is held for them."""
    engine = start(kit.rule("r1", kit.contains("spam")))
    engine.handler._verdicts = Verdicts(engine.store.client, waiting=2)  # nobody tells them
    dropped = metric.VERDICTS.labels("dropped")
    before = dropped._value.get()
    await engine.handle(
        *(kit.submission({"text": "x"}, number=n, reply_to="one") for n in range(5))
    )
    assert dropped._value.get() == before + 3


async def test_evaluating_again_says_the_same(start: Start, kit: Any) -> None:
    """The verdict of a repeated evaluation is the same, and so are the ids of its effects."""
    engine = start(kit.rule("r1", kit.contains("spam"), action_ids=("delete",)))
    event = kit.submission({"text": "spam"}, reply_to="one")
    submission = Submission.of_event(event)
    told = []
    for _ in range(2):
        engine.broker.messages.clear()
        await engine.handle(event)
        told.append(verdicts_of({submission.submission_id: submission}, engine.broker.messages))
        assert engine.broker.events(EvaluationDeferred) == []
    assert told[0] == told[1]
    assert told[0][0][1].action_ids == ("delete",)
