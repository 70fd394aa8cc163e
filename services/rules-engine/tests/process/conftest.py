"""The real processes on a real broker, with a model's provider of their own."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from coop_contracts.config import Document, Integration, Kind
from coop_contracts.event import (
    ActionRequested,
    Event,
    ItemSubmitted,
    ReviewRequested,
    RulesEvaluated,
)
from coop_contracts.ids import item_key
from coop_local.tested_process import RoleProcess, configure
from coop_local.valkey import Valkey
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.secret.vault import Vault

_SECONDS = 60.0
KEY = bytes(range(32))


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
                assert topic is not None
                if not (record.key() or b"").startswith(f"{self.org_id}/".encode()):
                    continue
                kind = self._types.get(topic)
                found: Any = value
                if kind is not None:
                    assert value is not None
                    found = msgspec.json.decode(value, type=kind)
                self.seen.setdefault(topic, []).append(found)
        return self.seen

    @property
    def dead(self) -> str:
        return self._dead

    def close(self) -> None:
        self._consumer.close()


class Model(ThreadingHTTPServer):
    """Speaks OpenAI's moderation: hate, for texts that have the word. `silent`: takes requests and
    does not answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.silent = threading.Event()
        self.ended = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        model: Any = self.server
        if model.silent.is_set():
            model.ended.wait(60)
            return
        score = 0.99 if b"hate" in body.rsplit(b"input", 1)[-1] else 0.01
        answer = msgspec.json.encode({"results": [{"category_scores": {"hate": score}}]})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the process that asked was killed
            super().handle()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def model() -> Iterator[Model]:
    found = Model()
    yield found
    found.ended.set()
    found.shutdown()
    found.server_close()


@pytest.fixture
def org_id() -> str:
    return uuid.uuid4().hex[:11]


@pytest.fixture
def topics(kafka_bootstrap: str, org_id: str) -> Iterator[Topics]:
    found = Topics(kafka_bootstrap, org_id)
    yield found
    found.close()


@pytest.fixture
def environment(
    kafka_bootstrap: str, broker_idempotence: bool, valkey: Valkey, model: Model
) -> dict[str, str]:
    return {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_LOG_LEVEL": "WARNING",
        "COOP_RULES_BATCH": "50",
        "COOP_REDIS": valkey.url,
        "COOP_SECRET_KEYS": base64.b64encode(KEY).decode(),
        "COOP_EGRESS_ALLOW": "127.0.0.0/8",
        "COOP_SIGNAL_OPEN_AI_URL": model.url,
        "COOP_RULES_SLOW_DEADLINE": "20",
        "COOP_RULES_MEDIA_DEADLINE": "2",
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator[RoleProcess]:
    with RoleProcess("coop_rules_engine", "engine", environment) as found:
        yield found


@pytest.fixture
def slow(environment: dict[str, str]) -> Iterator[RoleProcess]:
    with RoleProcess("coop_rules_engine", "slow", environment) as found:
        yield found


def open_ai(org_id: str) -> tuple[Kind, Document]:
    """The organisation's account."""
    credential = Vault([KEY]).encrypt(
        '{"apiKey":"sk-test"}', context=f"{org_id}/{Kind.INTEGRATION}/OPEN_AI"
    )
    return Kind.INTEGRATION, Integration(id="OPEN_AI", credential=credential)


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )
    found = Producer(settings, client_id="rules-engine-test")
    await found.start()
    yield found
    await found.stop()


async def submit(producer: Producer, *events: ItemSubmitted) -> None:
    messages = [
        message_of(event, key=item_key(event.org_id, event.item.type_id, event.item.id))
        for event in events
    ]
    await producer.publish(messages, timeout=20)


def lanes(seen: dict[str, list[Any]], lane: str) -> dict[str, Any]:
    """The results of a lane, by submission."""
    found = seen.get(RulesEvaluated.topic, ())
    return {one.submission_id: one for one in found if one.lane == lane}


class Platform:
    """What the processes read, and where their results are."""

    configure = staticmethod(configure)
    submit = staticmethod(submit)
    open_ai = staticmethod(open_ai)
    lanes = staticmethod(lanes)


@pytest.fixture
def platform() -> type[Platform]:
    return Platform
