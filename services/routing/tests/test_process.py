"""The router as a process: real Kafka in, job rows out, killed in the middle."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest
from confluent_kafka import Producer

from coop_contracts.config import SYSTEM_ORG, Document, Kind, LogHead, Queue
from coop_contracts.event import ConfigChanged, Event, encode
from coop_contracts.ids import item_key
from coop_runtime.secret.vault import new_key

from .conftest import POST, appeal, contains, item, report, request, rule

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]

DEADLINE = 90.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE} s: {what}"
        time.sleep(0.02)


class Log:
    """The log, as ingest and review-api write it."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
        self._revision = time.time_ns() // 1000

    def put(self, org: str, kind: Kind, document: Document) -> None:
        self._revision += 1
        event = ConfigChanged(
            event_id=str(uuid.uuid4()),
            org_id=org,
            time=datetime.now(UTC),
            correlation_id="c",
            revision=self._revision,
            kind=kind,
            id=document.id,
            document=msgspec.Raw(msgspec.json.encode(document)),
        )
        self._producer.produce(event.topic, encode(event), f"{org}/{kind}/{document.id}")

    def write(self, *events: Any) -> None:
        for event in events:
            key = item_key(event.org_id, event.item.type_id, event.item.id)
            self._producer.produce(type(event).topic, encode(event), key)
        self.flush()

    def poison(self, event_type: type[Event], key: str) -> None:
        self._producer.produce(event_type.topic, b"{not json", key)  # type: ignore[attr-defined]

    def flush(self) -> None:
        assert self._producer.flush(DEADLINE) == 0


@contextmanager
def process(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(
        [sys.executable, "-m", "coop_routing", "router"], env={**os.environ, **environment}
    )
    try:
        until(lambda: answers(environment["COOP_INTERNAL_PORT"], "readyz"), "ready")
        yield running
    finally:
        if running.poll() is None:
            running.kill()
            running.wait(10)


def answers(port: str, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_events_become_jobs_though_the_router_is_killed(
    kafka_bootstrap: str, broker_idempotence: bool, queues_url: str, redis_url: str, org: str
) -> None:
    """Each of 600 reports is in exactly one job, though the process was killed with -9 and the
    log has a record that nobody can read."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_REDIS": redis_url,
        "COOP_POSTGRES": queues_url,
        "COOP_INTERNAL_PORT": port,
        "COOP_ROUTING_BATCH": "20",
        "COOP_SECRET_KEYS": new_key(),
        "COOP_LOG_LEVEL": "WARNING",
    }
    log = Log(kafka_bootstrap)
    log.put(org, Kind.ITEM_TYPE, POST)
    log.put(org, Kind.QUEUE, Queue(id="main", name="Main", is_default_queue=True))
    log.put(org, Kind.QUEUE, Queue(id="spam", name="Spam"))
    log.put(org, Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("buy")))
    log.put(SYSTEM_ORG, Kind.LOG_HEAD, LogHead(id="head", published_at=datetime.now(UTC)))
    log.flush()

    with psycopg.connect(queues_url, autocommit=True) as database:

        def count(table: str, where: str = "true") -> int:
            query = f"SELECT count(*) FROM queues.{table} WHERE org_id = %s AND {where}"
            row = database.execute(query, [org]).fetchone()
            assert row is not None
            return int(row[0])

        with process(environment) as running:
            log.poison(type(report(org, "0")), "poison")
            log.write(
                *(
                    report(org, str(n), item(f"i{n % 300}", text="buy" if n % 2 else "hi"))
                    for n in range(600)
                )
            )
            until(lambda: count("entries") > 50, "the first jobs")
            os.kill(running.pid, signal.SIGKILL)
            running.wait(10)
        log.write(appeal(org, "x1"), request(org, "e1", queue_id="spam"))
        with process(environment) as running:
            until(lambda: count("entries") >= 602, "every entry")
            assert count("entries") == 602
            assert count("jobs", "queue_id = 'main' AND kind = 'DEFAULT'") == 150
            assert count("jobs", "queue_id = 'spam'") == 150
            assert count("jobs", "kind = 'APPEAL'") == 1
            assert count("jobs", "entry_count = 2") == 299
            running.send_signal(signal.SIGTERM)
            assert running.wait(25) == 0
