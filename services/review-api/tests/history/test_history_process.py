"""The history as a process: from the log into tables, killed half-way."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from confluent_kafka import Consumer
from sqlalchemy import func, select

from coop_contracts.config import SYSTEM_ORG, Document, Kind, LogHead
from coop_contracts.event import (
    ActionRequested,
    AppealSubmitted,
    ConfigChanged,
    DecisionMade,
    ItemRef,
    ItemSubmitted,
    ReportSubmitted,
    RulesEvaluated,
)
from coop_contracts.ids import item_key, new_id
from coop_review_api.history.table import item_marks, item_versions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.kafka.producer import Producer

from ..world.consumer import skip_what_is_there, start_role
from .history_world import MEMBER, POST, ref, settings, submitted, submitted_item

pytestmark = pytest.mark.engines

SUBMISSIONS = 2_000
GROUPS: dict[str, type[Any]] = {
    "review-api-history-items": ItemSubmitted,
    "review-api-history-reports": ReportSubmitted,
    "review-api-history-appeals": AppealSubmitted,
    "review-api-history-actions": ActionRequested,
    "review-api-history-decisions": DecisionMade,
}


def messages_of(org_id: str, number: int) -> list[Message]:
    """One item, a report of it with one item around it, and an action on it."""
    now = datetime.now(UTC)
    item = submitted_item(f"i{number}", text="river", author=ref("u"))
    head: dict[str, Any] = {"org_id": org_id, "time": now, "correlation_id": "c"}
    report = ReportSubmitted(
        event_id=new_id(),
        report_id=new_id(),
        reporter=ItemRef("u", "member"),
        reported_at=now,
        item=submitted_item(f"r{number}", text="stone"),
        thread_items=(submitted_item(f"t{number}", text="stone"),),
        config_revision=1,
        **head,
    )
    action = ActionRequested(
        event_id=new_id(),
        execution_id=new_id(),
        action_id="ban",
        item=ItemRef(item.id, "post"),
        source="RULE_EXECUTION",
        config_revision=1,
        **head,
    )
    key = item_key(org_id, "post", item.id)
    return [message_of(one, key=key) for one in (submitted(org_id, item, now), report, action)]


def configuration(org_id: str) -> list[Message]:
    documents: list[tuple[str, Kind, Document]] = [
        (org_id, Kind.SETTINGS, settings(item_text_search=True)),
        (org_id, Kind.ITEM_TYPE, POST),
        (org_id, Kind.ITEM_TYPE, MEMBER),
        (SYSTEM_ORG, Kind.LOG_HEAD, LogHead(id="head", published_at=datetime.now(UTC))),
    ]
    return [
        message_of(
            ConfigChanged(
                event_id=new_id(),
                org_id=owner,
                time=datetime.now(UTC),
                correlation_id="c",
                revision=revision,
                kind=kind,
                id=document.id,
                document=msgspec.Raw(msgspec.json.encode(document)),
            ),
            key=f"{owner}/{kind}/{document.id}",
        )
        for revision, (owner, kind, document) in enumerate(documents, 1)
    ]


async def counts(engine: Any, org_id: str) -> dict[str, int]:
    """Versions by what brought them, those that are searched, marks by their reason."""
    async with transaction(engine) as connection:
        found: dict[str, int] = {}
        for table, column in ((item_versions, "source"), (item_marks, "reason")):
            rows = await connection.execute(
                select(table.c[column], func.count())
                .where(table.c.org_id == org_id)
                .group_by(table.c[column])
            )
            found |= {row[0]: row[1] for row in rows}
        searched = select(func.count(item_versions.c.words)).where(item_versions.c.org_id == org_id)
        found["searched"] = await connection.scalar(searched) or 0
    return found


EXPECTED = {
    "ITEM": SUBMISSIONS,
    "REPORT": 2 * SUBMISSIONS,
    "REPORTED": SUBMISSIONS,
    "ACTIONED": SUBMISSIONS,
    "searched": 3 * SUBMISSIONS,
}


async def test_killed_half_way_it_has_everything_once(
    context: Any, engine: Any, review_url: str, kafka_bootstrap: str, broker_idempotence: bool
) -> None:
    """Killed with -9 three times in the middle and started again, the history has every version and
    every mark once; it is ready, and stops on SIGTERM with 0."""
    broker = context.settings.model_copy(
        update={"kafka": kafka_bootstrap, "kafka_idempotence": broker_idempotence}
    )
    org_id = new_id()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        internal = int(probe.getsockname()[1])
    await asyncio.to_thread(skip_what_is_there, kafka_bootstrap, GROUPS)
    producer = Producer(broker, client_id="test")
    await producer.start()
    process = start_role("history", review_url, broker, internal, COOP_REVIEW_HISTORY_BATCH="100")
    try:
        await producer.publish(configuration(org_id), timeout=20)
        numbers = range(SUBMISSIONS)
        for first in range(0, SUBMISSIONS, 100):
            part = numbers[first : first + 100]
            await producer.begin([m for n in part for m in messages_of(org_id, n)])
        seen = 0
        for _ in range(3):
            deadline = time.monotonic() + 90
            while (now := (await counts(engine, org_id)).get("ITEM", 0)) <= seen:
                assert process.poll() is None, "the process ended"
                assert time.monotonic() < deadline, "nothing was kept"
                await asyncio.sleep(0.02)
            seen = min(now, SUBMISSIONS - 1)
            process.kill()
            process.wait(30)
            process = start_role(
                "history", review_url, broker, internal, COOP_REVIEW_HISTORY_BATCH="100"
            )
        deadline = time.monotonic() + 90
        while (found := await counts(engine, org_id)) != EXPECTED:
            assert all(found.get(name, 0) <= most for name, most in EXPECTED.items()), found
            assert process.poll() is None, "the process ended"
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.1)
        async with httpx.AsyncClient(trust_env=False) as client:
            ready = await client.get(f"http://127.0.0.1:{internal}/readyz")
            metrics = (await client.get(f"http://127.0.0.1:{internal}/metrics")).text
        assert ready.status_code == 200, ready.text
        assert 'coop_review_history_versions_total{source="item"}' in metrics
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
        await producer.stop()


class Results:
    """What the rules engine says of an organisation's items, from now on."""

    def __init__(self, bootstrap: str, org_id: str) -> None:
        group = f"test-{new_id()}"
        skip_what_is_there(bootstrap, {group: RulesEvaluated})
        self._client = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "latest"}
        )
        self._client.subscribe([RulesEvaluated.topic])
        self._org_id = org_id
        self.items: set[str] = set()

    def read(self, wanted: set[str], within: float) -> float:
        """Reads until all of these items have a result; the seconds that it took."""
        began = time.monotonic()
        while not wanted <= self.items:
            assert time.monotonic() - began < within, f"{len(wanted - self.items)} have no result"
            message = self._client.poll(0.05)
            if message is None or message.error() is not None:
                continue
            event = msgspec.json.decode(message.value() or b"", type=RulesEvaluated)
            if event.org_id == self._org_id:
                self.items.add(event.item.id)
        return time.monotonic() - began

    def close(self) -> None:
        self._client.close()


def start_engine(broker: Any, redis_url: str, internal: int) -> subprocess.Popen[bytes]:
    """The fast lane, as it is run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    return subprocess.Popen(
        [sys.executable, "-m", "coop_rules_engine", "engine"],
        env={
            **kept,
            "COOP_KAFKA": broker.kafka,
            "COOP_KAFKA_IDEMPOTENCE": str(broker.kafka_idempotence).lower(),
            "COOP_REDIS": redis_url,
            "COOP_SECRET_KEYS": base64.b64encode(b"k" * 32).decode(),
            "COOP_INTERNAL_PORT": str(internal),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def is_up(internal: int) -> None:
    deadline = time.monotonic() + 60
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"http://127.0.0.1:{internal}/readyz")).status_code == 200:
                    return
            assert time.monotonic() < deadline, "the process does not get ready"
            await asyncio.sleep(0.05)


async def test_a_history_that_is_behind_holds_no_decision_up(
    context: Any,
    engine: Any,
    review_url: str,
    review_admin_url: str,
    redis_url: str,
    kafka_bootstrap: str,
    broker_idempotence: bool,
) -> None:
    """While the history cannot write a row, and while it catches up afterwards, the rules engine
    decides whatever is sent; in the end the history has everything, too."""
    broker = context.settings.model_copy(
        update={"kafka": kafka_bootstrap, "kafka_idempotence": broker_idempotence}
    )
    org_id, ports = new_id(), free_ports(2)
    groups = GROUPS | {"rules-engine": ItemSubmitted}
    await asyncio.to_thread(skip_what_is_there, kafka_bootstrap, groups)
    producer = Producer(broker, client_id="test")
    await producer.start()
    results = await asyncio.to_thread(Results, kafka_bootstrap, org_id)
    processes = [
        start_engine(broker, redis_url, ports[0]),
        start_role("history", review_url, broker, ports[1]),
    ]

    async def send(numbers: range, within: float) -> float:
        messages = [messages_of(org_id, number)[0] for number in numbers]
        await producer.publish(messages, timeout=20)
        return await asyncio.to_thread(results.read, {f"i{n}" for n in numbers}, within)

    try:
        await producer.publish(configuration(org_id), timeout=20)
        await asyncio.gather(*map(is_up, ports))
        with psycopg.connect(review_admin_url) as held:
            held.execute("LOCK TABLE review.item_versions IN SHARE ROW EXCLUSIVE MODE")
            for first in range(0, 2000, 200):
                await send(range(first, first + 200), within=20)
            assert (await counts(engine, org_id)).get("ITEM", 0) == 0
        behind = [await send(range(n, n + 1), within=5) for n in range(2000, 2030)]
        assert statistics.median(behind) < 1
        deadline = time.monotonic() + 60
        while (await counts(engine, org_id)).get("ITEM", 0) < 2030:
            assert time.monotonic() < deadline, "it does not catch up"
            await asyncio.sleep(0.1)
        assert [one.poll() for one in processes] == [None, None]
    finally:
        for one in processes:
            one.kill()
            one.wait(30)
        results.close()
        await producer.stop()


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
