"""Publishing to a real broker, and to one that is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from coop_local.tansu import Tansu
from coop_runtime.kafka.message import Message
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import BrokerUnavailable, MessageTooLarge
from coop_runtime.process.settings import RuntimeSettings

from .conftest import Probe, Until

pytestmark = pytest.mark.engines


async def test_acknowledged_messages_are_on_the_log_in_order(
    probe: Probe,
    producer: Producer,
) -> None:
    """What `begin` acknowledged is there, in the order of the calls, awaited or not."""
    pending = [producer.begin([probe.message(n)]) for n in range(200)]
    await asyncio.gather(*pending)
    offsets = [dict(r.headers)["event-id"] for r in probe.records()]
    assert offsets == [str(n).encode() for n in range(200)]


async def test_a_message_beyond_the_topics_size_is_refused(
    probe: Probe,
    producer: Producer,
) -> None:
    """A message that the broker will never take is not an outage: retrying cannot help."""
    with pytest.raises(MessageTooLarge):
        await producer.publish([Message(probe.topic, b"k", bytes(5 * 1024 * 1024), [])])
    await producer.publish([probe.message(1)])


async def test_a_full_queue_is_an_error(probe: Probe, settings: RuntimeSettings) -> None:
    """Beyond the bound `begin` raises at once, and sends nothing of the group."""
    small = Producer(settings, client_id="small", queue_messages=10)
    await small.start()
    first = small.begin([probe.message(n) for n in range(8)])
    with pytest.raises(BrokerUnavailable):
        small.begin([probe.message(n) for n in range(8, 12)])
    await first
    await small.publish([probe.message(8)])
    await small.stop()
    assert len(probe.records()) == 9


async def test_a_client_that_failed_for_good_is_replaced(
    probe: Probe,
    producer: Producer,
    until: Until,
) -> None:
    """After a fatal error of the client, what was pending fails and a new client publishes."""
    pending = producer.begin([probe.message(1)])
    client = producer._client
    assert client is not None
    producer._renew(client)
    with pytest.raises(BrokerUnavailable):
        await pending
    await producer.publish([probe.message(2)])
    assert dict(probe.records()[-1].headers)["event-id"] == b"2"


async def test_an_unknown_topic_is_reported(producer: Producer) -> None:
    """No topic is made by publishing to it: the caller hears within the deadline."""
    with pytest.raises(BrokerUnavailable):
        await producer.publish([Message("test.missing.v1", b"k", b"v", [])], timeout=2)


async def test_a_broker_that_stops_is_reported_within_the_deadline(
    own_broker: Tansu,
    own_probe: Callable[[], Probe],
) -> None:
    """Publishing to a broker that is gone raises within the deadline, and works when it is back."""
    settings = RuntimeSettings(kafka=own_broker.url, kafka_idempotence=False, internal_port=0)
    message = own_probe().message(1)
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.publish([message])
    await asyncio.to_thread(own_broker.stop)
    started = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        await producer.publish([message], timeout=1)
    with pytest.raises(BrokerUnavailable):
        await producer.begin([message])  # the client's own deadline
    assert time.monotonic() - started < 9
    await asyncio.to_thread(own_broker.start)
    own_probe()
    async with asyncio.timeout(20):
        while True:
            try:
                await producer.publish([message])
                break
            except BrokerUnavailable:
                continue
    await producer.stop()
    with pytest.raises(BrokerUnavailable):
        producer.begin([message])
