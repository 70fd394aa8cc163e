"""What Redis loses is there again: exact, and nothing is evaluated without it meanwhile."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from redis import Redis

from coop_contracts.event import ActionRequested, RulesEvaluated
from coop_contracts.ids import item_key
from coop_local.valkey import Valkey
from coop_rules_engine import metric
from coop_rules_engine.counter import rebuild
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import Retryable
from coop_runtime.process.settings import RuntimeSettings

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

Start = Callable[..., Any]

_SECONDS = 60.0


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )
    found = Producer(settings, client_id="rebuild-test")
    await found.start()
    yield found
    await found.stop()


async def handle(engine: Any, producer: Producer, *events: Any) -> None:
    """Evaluates, waiting as a consumer would; publishes what is said."""
    async with asyncio.timeout(_SECONDS):
        while True:
            try:
                await engine.handle(*events)
                break
            except Retryable:
                await asyncio.sleep(0.05)
    await producer.publish(engine.broker.messages, timeout=20)


def acted(engine: Any) -> list[str]:
    return [one.item.id for one in engine.broker.events(ActionRequested)]


def lose_everything(valkey: Valkey, redis: Redis, how: str) -> None:
    if how == "flushed":
        redis.flushall()
    else:
        # What it had on disk is back, and may lack the last second.
        valkey.stop()
        valkey.start()


@pytest.mark.parametrize("how", ["flushed", "restarted"])
async def test_a_daily_limit_survives_the_loss_of_redis(
    start: Start,
    kit: Any,
    valkey: Valkey,
    own_redis: Redis,
    producer: Producer,
    kafka_bootstrap: str,
    how: str,
) -> None:
    """After Redis lost its data, or was started again, a rule acts on exactly as many submissions
    of the day as it may, those before included; two processes rebuild once."""
    org_id = uuid.uuid4().hex[:11]
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_daily_actions=5)
    events = [
        kit.submission({"text": "spam"}, time=datetime.now(UTC), number=n, org_id=org_id)
        for n in range(12)
    ]

    def process() -> Any:
        return start(rule, redis=valkey.url, kafka=kafka_bootstrap, org_id=org_id)

    before = process()
    await handle(before, producer, *events[:3])
    lose_everything(valkey, own_redis, how)
    rebuilds = metric.REBUILDS.labels("quota")
    count = rebuilds._value.get()
    one, two = process(), process()
    await asyncio.gather(handle(one, producer, *events[3:8]), handle(two, producer, *events[8:]))
    assert len(acted(one)) + len(acted(two)) == 2
    assert rebuilds._value.get() == count + 1
    again = process()
    await handle(again, producer, *events)
    assert sorted(acted(again)) == sorted(acted(before) + acted(one) + acted(two))


async def test_an_empty_redis_is_filled_before_an_item_waits(
    start: Start,
    kit: Any,
    valkey: Valkey,
    own_redis: Redis,
    kafka_bootstrap: str,
) -> None:
    """What rules will need is rebuilt without an item that asks for it; what none needs is not."""
    own_redis.flushall()
    org_id = uuid.uuid4().hex[:11]
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_daily_actions=2)
    engine = start(
        rule,
        redis=valkey.url,
        kafka=kafka_bootstrap,
        org_id=org_id,
        limits=kit.limits(look_seconds=0.05),
    )
    async with asyncio.timeout(_SECONDS):
        while not own_redis.get("coop:quota:whole"):  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.05)
    await engine.handle(kit.submission({"text": "spam"}, time=datetime.now(UTC), org_id=org_id))
    assert acted(engine) == ["item-1"]
    assert own_redis.get("coop:count:whole") is None


async def test_counts_survive_the_loss_of_redis(
    start: Start,
    kit: Any,
    valkey: Valkey,
    own_redis: Redis,
    producer: Producer,
    kafka_bootstrap: str,
) -> None:
    """After Redis lost its data a group has again what the log says of its window."""
    org_id = uuid.uuid4().hex[:11]
    rule = kit.rule("r1", kit.counted(1, only=kit.contains("spam")))
    texts = ["spam", "ham", "spam", "spam"]
    events = [
        kit.submission({"text": text}, time=datetime.now(UTC), number=n, org_id=org_id)
        for n, text in enumerate(texts)
    ]
    await producer.publish(
        [message_of(e, key=item_key(org_id, "post", e.item.id)) for e in events], timeout=20
    )
    own_redis.flushall()
    engine = start(rule, redis=valkey.url, kafka=kafka_bootstrap, org_id=org_id)
    await handle(engine, producer, events[-1])
    (result,) = engine.broker.events(RulesEvaluated)
    assert [one.score for one in result.signals] == [3]


async def test_a_loss_in_the_middle_begins_again(
    start: Start,
    kit: Any,
    valkey: Valkey,
    own_redis: Redis,
    producer: Producer,
    kafka_bootstrap: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Redis loses its data again while it is rebuilt: the half of it is not taken for the whole."""
    org_id = uuid.uuid4().hex[:11]
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_daily_actions=2)
    events = [
        kit.submission({"text": "spam"}, time=datetime.now(UTC), number=n, org_id=org_id)
        for n in range(4)
    ]
    before = start(rule, redis=valkey.url, kafka=kafka_bootstrap, org_id=org_id)
    await handle(before, producer, *events[:2])
    own_redis.flushall()
    real = rebuild.Rebuilder._quotas
    losses: list[object] = []

    async def losing(self: Any, since: int) -> int:
        records = await real(self, since)
        if not losses:
            losses.append(own_redis.flushall())
        return records

    monkeypatch.setattr(rebuild.Rebuilder, "_quotas", losing)
    engine = start(rule, redis=valkey.url, kafka=kafka_bootstrap, org_id=org_id)
    await handle(engine, producer, *events[2:])
    assert losses == [True]
    assert acted(engine) == []


async def test_another_day_is_read_when_it_is_asked_for(
    start: Start,
    kit: Any,
    valkey: Valkey,
    own_redis: Redis,
    producer: Producer,
    kafka_bootstrap: str,
) -> None:
    """A marker that begins today does not vouch for yesterday: an item of yesterday has it read."""
    org_id = uuid.uuid4().hex[:11]
    run_id = own_redis.info("server")["run_id"]
    now = datetime.now(UTC)
    midnight = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
    own_redis.set("coop:quota:whole", f"{run_id}:{midnight}")
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",), max_daily_actions=1)
    engine = start(rule, redis=valkey.url, kafka=kafka_bootstrap, org_id=org_id)
    today = kit.submission({"text": "spam"}, time=now, org_id=org_id)
    await engine.handle(today)
    yesterday = msgspec.structs.replace(
        today, time=datetime.fromtimestamp(midnight / 1000 - 60, UTC), submission_id="other"
    )
    with pytest.raises(Retryable):
        await engine.handle(yesterday)
    await handle(engine, producer, yesterday)
    assert len(acted(engine)) == 2
    whole = own_redis.get("coop:quota:whole")
    assert isinstance(whole, bytes)
    assert int(whole.decode().split(":")[1]) == midnight - 86_400_000


async def test_why_it_is_filled_is_said(
    start: Start,
    kit: Any,
    valkey: Valkey,
    own_redis: Redis,
    kafka_bootstrap: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The log tells the first counting apart from a loss, and losses from one another."""
    own_redis.flushall()
    org_id = uuid.uuid4().hex[:11]
    rule = kit.rule("r1", kit.counted(1, only=kit.contains("spam")))
    engine = start(
        rule,
        redis=valkey.url,
        kafka=kafka_bootstrap,
        org_id=org_id,
        limits=kit.limits(look_seconds=0.05),
    )

    async def said(reason: str) -> None:
        written = ""
        async with asyncio.timeout(_SECONDS):
            while f"{reason}" not in written or "filled" not in written:
                await asyncio.sleep(0.05)
                written += capsys.readouterr().out
        assert "redis does not hold what was counted" in written
        assert "evicted" in written

    await said("FIRST")
    own_redis.flushall()
    await said("GONE")
    own_redis.set("coop:count:whole", "0" * 40)
    await said("ANOTHER_RUN")
    assert engine is not None
