"""The real process on the real broker and database: stamped submissions, kill -9, a stop."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from coop_contracts.config import Kind
from coop_contracts.event import Event, MediaSignals
from coop_contracts.hash_bank import ADD_FILE, COUNT_HASHES, AddFile, BanksQuestion
from coop_contracts.ids import item_key
from coop_local.tested_process import RoleProcess, configure
from coop_runtime.internal.client import InternalApi
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

from .conftest import TYPE, bank, item, report
from .media_host import Host, jpeg, png

pytestmark = pytest.mark.engines

WAIT = 60.0
TOKEN = "the-stacks-token"


@pytest.fixture
def org() -> str:
    return f"org-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )
    made = Producer(settings, client_id="test")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def process(kafka_bootstrap: str, broker_idempotence: bool, database: str) -> Iterator[RoleProcess]:
    environment = {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_POSTGRES": database,
        "COOP_INTERNAL_TOKEN": TOKEN,
        "COOP_EGRESS_ALLOW": "127.0.0.0/8",
    }
    with RoleProcess(
        "coop_hma_bridge", "bridge", environment, port_setting="COOP_HASH_PORT"
    ) as made:
        yield made


class SignalsTopic:
    """Reads what was said of one organisation's media."""

    def __init__(self, bootstrap: str, org: str) -> None:
        self._org = org
        self.seen: list[MediaSignals] = []
        options = {"bootstrap.servers": bootstrap, "group.id": f"test-{uuid.uuid4()}"}
        self._consumer = Consumer(options | {"enable.auto.commit": False})
        known = self._consumer.list_topics(timeout=20).topics[MediaSignals.topic].partitions
        self._consumer.assign([TopicPartition(MediaSignals.topic, p, 0) for p in known])

    async def until(self, submissions: int) -> dict[str, MediaSignals]:
        """By submission, once so many have come."""
        async with asyncio.timeout(WAIT):
            while len({one.submission_id for one in self.seen}) < submissions:
                for record in await asyncio.to_thread(self._consumer.consume, 500, 0.2):
                    value = record.value()
                    if record.error() is None and value is not None:
                        event = msgspec.json.decode(value, type=MediaSignals)
                        self.seen += [event] if event.org_id == self._org else []
        return {one.submission_id: one for one in self.seen}

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def topic(kafka_bootstrap: str, org: str) -> Iterator[SignalsTopic]:
    found = SignalsTopic(kafka_bootstrap, org)
    yield found
    found.close()


async def submit(producer: Producer, events: list[Any]) -> None:
    messages = [
        message_of(event, key=item_key(event.org_id, event.item.type_id, event.item.id))
        for event in events
    ]
    await producer.publish(messages, timeout=20)


def of_org(event: Event, org: str) -> Any:
    return msgspec.structs.replace(event, org_id=org)


async def test_known_pictures_are_found_whatever_happens_to_the_process(
    host: Host,
    org: str,
    producer: Producer,
    process: RoleProcess,
    topic: SignalsTopic,
) -> None:
    """A picture is added by file; near copies of it in items and in a report match, others do not.
    Killed in the middle of two hundred, and started again, each submission is spoken of, every
    known picture is matched, and a repeat is the same event. Told to stop, it ends with 0."""
    await configure(producer, org, (Kind.ITEM_TYPE, TYPE), (Kind.HASH_BANK, bank()))
    await asyncio.to_thread(process.start)
    api = InternalApi(f"http://127.0.0.1:{process.port}", TOKEN, timeout=20)
    for number in range(10):
        await api.ask(org, ADD_FILE, AddFile(bank_id="b1", content=png(number)))
    (size,) = (await api.ask(org, COUNT_HASHES, BanksQuestion())).banks
    assert size.active == 20
    for number in range(20):
        host.put(f"/{number}", jpeg(number))

    first = [of_org(item({"picture": {"url": host.url("/3")}}), org) for _ in range(2)]
    first.append(of_org(report({}, {"picture": {"url": host.url("/4")}}), org))
    await submit(producer, first)
    found = await topic.until(3)
    assert all(one.media[0].matched_banks[0].bank_id == "b1" for one in found.values())

    # A query makes each an address of its own: nothing is remembered.
    events = []
    for number in range(200):
        path = f"/{number % 20}?{number}"
        host.files[path] = host.files[f"/{number % 20}"]
        events.append(of_org(item({"picture": {"url": host.url(path)}}), org))
    await submit(producer, events)
    await topic.until(20)
    await asyncio.to_thread(process.end, signal.SIGKILL)
    await asyncio.to_thread(process.start)
    found = await topic.until(203)
    for number, event in enumerate(events):
        (signal_,) = found[event.submission_id].media
        assert signal_.error is None
        assert bool(signal_.matched_banks) is (number % 20 < 10), number
    ids = {(one.submission_id, one.event_id) for one in topic.seen}
    assert len(ids) == 203
    await api.aclose()
    assert await asyncio.to_thread(process.end, signal.SIGTERM) == 0
