"""Media values from the log: those that came before, after, and never."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from coop_contracts.event import ItemRef, MediaSignal, MediaSignals
from coop_contracts.ids import item_key
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import Retryable
from coop_runtime.process.settings import RuntimeSettings
from coop_signals.media_value import MediaValues

pytestmark = [pytest.mark.engines, pytest.mark.timeout(120)]

_SECONDS = 30.0


@pytest.fixture
def settings(kafka_bootstrap: str, broker_idempotence: bool) -> RuntimeSettings:
    return RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )


@pytest.fixture
async def producer(settings: RuntimeSettings) -> AsyncIterator[Producer]:
    found = Producer(settings, client_id="media-test")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def values(settings: RuntimeSettings) -> AsyncIterator[MediaValues]:
    found = MediaValues(settings)
    running = asyncio.create_task(found.run())
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def signals(submission_id: str, *urls: str) -> MediaSignals:
    return MediaSignals(
        event_id=str(uuid.uuid4()),
        org_id="org",
        time=datetime.now(UTC),
        correlation_id="c",
        submission_id=submission_id,
        item=ItemRef("a", "post"),
        media=tuple(MediaSignal(url=url, field="image") for url in urls),
    )


async def say(producer: Producer, *events: MediaSignals) -> None:
    key = item_key("org", "post", "a")
    await producer.publish([message_of(event, key=key) for event in events], timeout=20)


async def test_values_that_came_before_the_process(
    producer: Producer, settings: RuntimeSettings
) -> None:
    """Values that were on the log already are there, also of an item older than the reading began
    with and after its deadline; those that came twice are the first."""
    old, new = str(uuid.uuid4()), str(uuid.uuid4())
    await say(producer, signals(old, "first"), signals(old, "second"), signals(new, "new"))
    values = MediaValues(settings)
    # As if the process had begun long after.
    values._since_ms = int(time.time() * 1000) + 3_600_000
    running = asyncio.create_task(values.run())
    submitted = datetime.now(UTC) - timedelta(minutes=30)
    async with asyncio.timeout(_SECONDS):
        found = await values.get(old, submitted=submitted, deadline=time.time() - 60)
        other = await values.get(new, submitted=submitted, deadline=time.time() - 60)
    assert found is not None
    assert [one.url for one in found.media] == ["first"]
    assert other is not None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_values_that_come_while_they_are_awaited(
    producer: Producer, values: MediaValues
) -> None:
    """Who waits is told as soon as the values are on the log; all who wait are."""
    submission = str(uuid.uuid4())
    waiting = [
        asyncio.create_task(
            values.get(submission, submitted=datetime.now(UTC), deadline=time.time() + _SECONDS)
        )
        for _ in range(2)
    ]
    await asyncio.sleep(0)
    await say(producer, signals(submission, "x"))
    async with asyncio.timeout(_SECONDS):
        found = await asyncio.gather(*waiting)
    assert [one is not None for one in found] == [True, True]
    assert values._waiting == {}


async def test_values_that_were_looked_at_again(producer: Producer, values: MediaValues) -> None:
    """Who wants what was said since a moment waits for that, and gets the newest; who does not
    gets the first, as ever."""
    submission, submitted = str(uuid.uuid4()), datetime.now(UTC)
    await say(producer, signals(submission, "old"))
    async with asyncio.timeout(_SECONDS):
        await values.get(submission, submitted=submitted, deadline=time.time() + _SECONDS)
    since = datetime.now(UTC)
    late = time.time() + _SECONDS
    again = asyncio.create_task(
        values.get(submission, submitted=submitted, deadline=late, since=since)
    )
    await asyncio.sleep(0.3)
    assert not again.done()
    await say(producer, signals(submission, "new"))
    async with asyncio.timeout(_SECONDS):
        found = [
            await again,
            await values.get(submission, submitted=submitted, deadline=late, since=since),
            await values.get(submission, submitted=submitted, deadline=late),
        ]
    assert [one.media[0].url for one in found if one is not None] == ["new", "new", "old"]
    assert values._waiting == {}


async def test_values_that_never_come(values: MediaValues) -> None:
    """At the deadline, and when the log has been read, there are none."""
    async with asyncio.timeout(_SECONDS):
        found = await values.get(
            str(uuid.uuid4()), submitted=datetime.now(UTC), deadline=time.time() + 0.2
        )
    assert found is None
    assert values._waiting == {}


async def test_without_the_broker_no_one_is_told_that_there_are_none() -> None:
    """Where the log cannot be read, a deadline that is over is no answer: Retryable."""
    values = MediaValues(RuntimeSettings(kafka="127.0.0.1:1", internal_port=0), catch_up=0.2)
    running = asyncio.create_task(values.run())
    with pytest.raises(Retryable):
        await values.get("x", submitted=datetime.now(UTC), deadline=time.time())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_kept_is_bounded() -> None:
    """The values of the oldest submissions are forgotten."""
    values = MediaValues(None, kept=3)
    for number in range(10):
        values.take(signals(str(number)))
    assert list(values._kept) == ["7", "8", "9"]
