"""The real process on a real broker: nothing lost, nothing doubled, a bad item aside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from coop_contracts.config import SYSTEM_ORG, Document, Kind, LogHead
from coop_contracts.event import (
    ActionRequested,
    ConfigChanged,
    Event,
    ItemSubmitted,
    ReviewRequested,
    RulesEvaluated,
)
from coop_contracts.ids import item_key
from coop_runtime.message import message_of
from coop_runtime.producer import Producer
from coop_runtime.settings import RuntimeSettings

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

_SECONDS = 60.0


class Topics:
    """Reads every record of one organisation, from the beginning of the topics given."""

    def __init__(self, bootstrap: str, org_id: str) -> None:
        self.org_id = org_id
        self.seen: dict[str, list[Any]] = {}
        self._types: dict[str, type[Event]] = {
            kind.topic: kind for kind in (RulesEvaluated, ActionRequested, ReviewRequested)
        }
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"test-{uuid.uuid4()}",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self._dead = f"{ItemSubmitted.topic}.dlq"
        wanted = (*self._types, self._dead)
        known = self._consumer.list_topics(timeout=20).topics
        partitions = [TopicPartition(name, p, 0) for name in wanted for p in known[name].partitions]
        self._consumer.assign(partitions)

    def read_until(self, done: Callable[[dict[str, list[Any]]], bool]) -> dict[str, list[Any]]:
        until = time.monotonic() + _SECONDS
        while not done(self.seen):
            if time.monotonic() > until:
                counts = {topic: len(found) for topic, found in self.seen.items()}
                raise TimeoutError(f"read so far: {counts}")
            for record in self._consumer.consume(500, timeout=0.2):
                assert record.error() is None
                topic, value = record.topic(), record.value()
                if not (record.key() or b"").startswith(f"{self.org_id}/".encode()):
                    continue
                kind = self._types.get(topic)
                found = value if kind is None else msgspec.json.decode(value, type=kind)
                self.seen.setdefault(topic, []).append(found)
        return self.seen

    @property
    def dead(self) -> str:
        return self._dead

    def close(self) -> None:
        self._consumer.close()


class Process:
    """`python -m coop_rules_engine engine`."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.environment = environment | {"COOP_INTERNAL_PORT": str(port)}
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "coop_rules_engine", "engine"]
        self.process = subprocess.Popen(command, env=self.environment)
        until = time.monotonic() + _SECONDS
        while not self._ready():
            assert self.process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)

    def _ready(self) -> bool:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.port}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        return False

    def stop(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def org_id() -> str:
    return uuid.uuid4().hex[:11]


@pytest.fixture
def topics(kafka_bootstrap: str, org_id: str) -> Iterator[Topics]:
    found = Topics(kafka_bootstrap, org_id)
    yield found
    found.close()


@pytest.fixture
def process(kafka_bootstrap: str, broker_idempotence: bool) -> Iterator[Process]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if "COOP_" not in name}
    environment |= {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_LOG_LEVEL": "WARNING",
        "COOP_RULES_BATCH": "50",
    }
    found = Process(environment, port)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
        found.process.wait()


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )
    found = Producer(settings, client_id="rules-engine-test")
    await found.start()
    yield found
    await found.stop()


async def configure(
    producer: Producer, org_id: str, *documents: tuple[Kind, Document], first: int = 1
) -> None:
    head = LogHead(id="head", published_at=datetime.now(UTC))
    entries = [(org_id, kind, document) for kind, document in documents]
    entries.append((SYSTEM_ORG, Kind.LOG_HEAD, head))
    await producer.publish(
        [
            message_of(
                ConfigChanged(
                    event_id=str(uuid.uuid4()),
                    org_id=org,
                    time=datetime.now(UTC),
                    correlation_id="config",
                    revision=revision,
                    kind=kind,
                    id=document.id,
                    document=msgspec.Raw(msgspec.json.encode(document)),
                ),
                key=f"{org}/{kind}/{document.id}",
            )
            for revision, (org, kind, document) in enumerate(entries, first)
        ],
        timeout=20,
    )


async def submit(producer: Producer, *events: ItemSubmitted) -> None:
    messages = [
        message_of(event, key=item_key(event.org_id, event.item.type_id, event.item.id))
        for event in events
    ]
    await producer.publish(messages, timeout=20)


async def test_kill_in_the_middle_loses_and_doubles_nothing(
    producer: Producer, process: Process, topics: Topics, kit: Any, org_id: str
) -> None:
    """Killed in the middle and started again, every submission has a result and every effect one
    id; an item that cannot be read is in the dead letters, and nothing waits for it; a stop that
    is asked for ends with 0."""
    found = kit.rule("r1", kit.contains("spam"), action_ids=("delete", "review"))
    await configure(producer, org_id, *kit.documents(), (Kind.RULE, found))
    process.start()
    items = [
        kit.submission(
            {"text": "spam" if number % 3 == 0 else "hello", "likes": number},
            number=number,
            org_id=org_id,
        )
        for number in range(3000)
    ]
    items.insert(700, kit.submission(b"[]", number=99_999, org_id=org_id))
    await submit(producer, *items)
    topics.read_until(lambda seen: len(seen.get(RulesEvaluated.topic, ())) > 200)
    process.stop(signal.SIGKILL)
    process.start()

    def done(seen: dict[str, list[Any]]) -> bool:
        results = {one.submission_id for one in seen.get(RulesEvaluated.topic, ())}
        asked = {one.execution_id for one in seen.get(ActionRequested.topic, ())}
        reviews = {one.entry_id for one in seen.get(ReviewRequested.topic, ())}
        return (
            len(results) == 3000
            and len(asked) == len(reviews) == 1000
            and bool(seen.get(topics.dead))
        )

    seen = topics.read_until(done)
    requested = {one.item.id: one.execution_id for one in seen[ActionRequested.topic]}
    assert len(requested) == 1000
    for one in seen[ActionRequested.topic]:
        assert one.execution_id == requested[one.item.id]
    assert process.stop(signal.SIGTERM) == 0


async def test_a_rule_change_acts_on_what_follows(
    producer: Producer, process: Process, topics: Topics, kit: Any, org_id: str
) -> None:
    """A rule published while the engine runs acts on items submitted right after it."""
    await configure(producer, org_id, *kit.documents())
    process.start()
    await submit(producer, kit.submission({"text": "spam"}, number=1, org_id=org_id))
    topics.read_until(lambda seen: len(seen.get(RulesEvaluated.topic, ())) == 1)
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",))
    await configure(producer, org_id, (Kind.RULE, rule), first=50)
    event = kit.submission({"text": "spam"}, number=2, org_id=org_id, config_revision=50)
    await submit(producer, event)
    seen = topics.read_until(lambda seen: bool(seen.get(ActionRequested.topic)))
    assert seen[ActionRequested.topic][0].config_revision >= 50
