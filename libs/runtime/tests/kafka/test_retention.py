"""Topics forget by themselves: what an erasure leaves on the log is gone after the days that
docs/retention.md names."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

from coop_contracts.topic import all_topics
from coop_runtime.kafka.message import Message
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

from .conftest import WAIT, create_topic, read_topic

pytestmark = pytest.mark.engines

_FASTER = 30 * 24 * 60 * 60  # thirty days in a second
_MARKER = b"WHAT-AN-ERASED-USER-SAID"


async def test_a_record_goes_though_others_follow(
    settings: RuntimeSettings, producer: Producer
) -> None:
    """With the settings of `coop.items.v1`, its days taken for moments, a record is gone soon after
    its time, while others that are still young follow it into the same partition."""
    if not settings.kafka_idempotence:
        pytest.skip("Tansu, which stands in for Kafka, keeps everything until it ends")
    items = next(one for one in all_topics() if one.topic == "coop.items.v1")
    config = {
        name: str(max(1, int(value) // _FASTER)) if name.endswith(".ms") else value
        for name, value in items.broker_config().items()
    }
    name = f"retention-{uuid.uuid4().hex}"
    create_topic(settings.kafka, name, 1, config)

    async def publish(value: bytes) -> None:
        await producer.publish([Message(name, b"k", value, [])], timeout=WAIT)

    def kept() -> list[bytes | None]:
        return [record.value for record in read_topic(settings.kafka, name)]

    await publish(_MARKER)
    assert _MARKER in await asyncio.to_thread(kept)
    deadline = time.monotonic() + WAIT
    while _MARKER in await asyncio.to_thread(kept):
        assert time.monotonic() < deadline, "the topic does not forget"
        await publish(b"later")
        await asyncio.sleep(0.3)
    await publish(b"last")
    assert b"last" in await asyncio.to_thread(kept)
