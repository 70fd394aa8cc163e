"""The real process on the real broker and database: stamped submissions, kill -9, a stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

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
from .media_host import MP4, Host, jpeg, png

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
def environment(kafka_bootstrap: str, broker_idempotence: bool, database: str) -> dict[str, str]:
    return {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_POSTGRES": database,
        "COOP_INTERNAL_TOKEN": TOKEN,
        "COOP_EGRESS_ALLOW": "127.0.0.0/8",
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator[RoleProcess]:
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
                await self.read()
        return {one.submission_id: one for one in self.seen}

    async def read(self) -> None:
        """What has come."""
        for record in await asyncio.to_thread(self._consumer.consume, 500, 0.2):
            value = record.value()
            if record.error() is None and value is not None:
                event = msgspec.json.decode(value, type=MediaSignals)
                self.seen += [event] if event.org_id == self._org else []

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
    return msgspec.structs.replace(event, org_id=org, time=datetime.now(UTC))


async def test_known_pictures_are_found_whatever_happens_to_the_process(
    host: Host,
    org: str,
    producer: Producer,
    process: RoleProcess,
    topic: SignalsTopic,
    engine: AsyncEngine,
) -> None:
    """A picture is added by file; near copies of it in items and in a report match, others do not.
    Killed in the middle of two hundred, and started again, each submission is spoken of, every
    known picture is matched, and a repeat is the same event; each medium is remembered once. Told
    to stop, it ends with 0."""
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
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT submission_id FROM hashes.seen_media"))
        assert sorted(row.submission_id for row in rows) == sorted(found)


async def rehashed(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """What the command printed."""
    command = (sys.executable, "-m", "coop_hma_bridge", "rehash", *arguments)
    running = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(running.communicate(), WAIT)
    assert running.returncode == 0, err.decode()
    shown: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return shown


async def test_what_was_sent_before_is_looked_at_again(
    host: Host,
    org: str,
    producer: Producer,
    process: RoleProcess,
    topic: SignalsTopic,
    environment: dict[str, str],
) -> None:
    """A picture that came before its hash matches nothing; looked at again it does, once the plan
    has said how many there are, by a command beside the bridge."""
    await configure(producer, org, (Kind.ITEM_TYPE, TYPE), (Kind.HASH_BANK, bank()))
    await asyncio.to_thread(process.start)
    api = InternalApi(f"http://127.0.0.1:{process.port}", TOKEN, timeout=20)
    begin = datetime.now(UTC)
    events = [
        msgspec.structs.replace(
            of_org(item({"picture": {"url": host.put(f"/{n}", jpeg(n))}}), org), time=begin
        )
        for n in range(3)
    ]
    await submit(producer, events)
    before = await topic.until(3)
    assert not any(one.media[0].matched_banks for one in before.values())
    await api.ask(org, ADD_FILE, AddFile(bank_id="b1", content=png(1)))
    await api.aclose()
    span = ["--since", begin.isoformat(), "--until", (begin + timedelta(seconds=1)).isoformat()]
    plan = await rehashed(environment, *span, "--org", org)
    assert (plan["submissions"], plan["byOrganisation"]) == (3, {org: 3})
    assert len(topic.seen) == 3
    done = await rehashed(environment, *span, "--org", org, "--apply")
    assert (done["done"], done["failed"]) == (3, 0)
    async with asyncio.timeout(WAIT):
        while len(topic.seen) < 6:
            await topic.read()
    assert len({one.event_id for one in topic.seen}) == 3
    matched = {one.submission_id for one in topic.seen[3:] if one.media[0].matched_banks}
    assert matched == {events[1].submission_id}


async def test_three_hundred_media_of_which_some_have_no_end_take_little_memory(
    host: Host, org: str, producer: Producer, process: RoleProcess, topic: SignalsTopic
) -> None:
    """Pictures of a megapixel, a film of 90 megabytes, and two that never end: each is spoken of,
    and the process never held 200 MiB."""
    await configure(producer, org, (Kind.ITEM_TYPE, TYPE), (Kind.HASH_BANK, bank()))
    await asyncio.to_thread(process.start)
    pictures = [png(n, (1280, 800)) for n in range(6)]
    events = []
    for number in range(297):
        url = host.put(f"/{number}", pictures[number % len(pictures)])
        events.append(of_org(item({"picture": {"url": url}}), org))
    whole = host.put("/whole.mp4", MP4 + bytes(90 * 1024 * 1024))
    events.append(of_org(item({"film": {"url": whole}}), org))
    for path, start in (("/endless.mp4", MP4), ("/endless.png", pictures[0])):
        host.endless.add(path)
        name = "picture" if path.endswith("png") else "film"
        events.append(of_org(item({name: {"url": host.put(path, start)}}), org))
    await submit(producer, events)
    found = await topic.until(300)
    errors = {
        number: found[event.submission_id].media[0].error
        for number, event in enumerate(events)
        if found[event.submission_id].media[0].error
    }
    assert errors.keys() == {298, 299}, errors
    assert found[events[297].submission_id].media[0].hashes["md5"]
    assert process.peak() < 200
