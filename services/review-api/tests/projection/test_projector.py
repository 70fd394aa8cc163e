"""The projector as a process: from the log into tables, killed half-way."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import func, select

from coop_contracts.event import (
    ActionDelivered,
    ItemRef,
    ItemSubmitted,
    RequestedExecution,
    RuleOutcome,
    RuleRef,
    RulesEvaluated,
    SubmittedItem,
)
from coop_contracts.ids import item_key, new_id
from coop_review_api.projection.table import deliveries, evaluations, recent_submissions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.kafka.producer import Producer

pytestmark = pytest.mark.engines

SUBMISSIONS = 3_000


def messages_of(org_id: str) -> list[Message]:
    """What ingest, the engine and the dispatcher say of one submission."""
    submission_id, now = new_id(), datetime.now(UTC)
    item, execution_id = ItemRef(new_id(), "post"), new_id()
    head: dict[str, Any] = {"org_id": org_id, "time": now, "correlation_id": submission_id}
    submitted = ItemSubmitted(
        event_id=new_id(),
        submission_id=submission_id,
        item=SubmittedItem(
            id=item.id, type_id="post", type_version="v", data=msgspec.Raw(b'{"text":"spam"}')
        ),
        request_id="r",
        config_revision=1,
        **head,
    )
    evaluated = RulesEvaluated(
        event_id=new_id(),
        submission_id=submission_id,
        submitted_at=now,
        item=item,
        config_revision=1,
        rules=(RuleOutcome(rule=RuleRef("r", "Spam", 1), status="LIVE", passed=True),),
        executions=(RequestedExecution(execution_id=execution_id, action_id="a"),),
        **head,
    )
    delivered = ActionDelivered(
        event_id=new_id(),
        execution_id=execution_id,
        action_id="a",
        item=item,
        state="DELIVERED",
        attempts=1,
        **head,
    )
    key = item_key(org_id, "post", item.id)
    return [message_of(event, key=key) for event in (submitted, evaluated, delivered)]


def start(review_url: str, broker: Any, internal: int) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    return subprocess.Popen(
        [sys.executable, "-m", "coop_review_api", "projector"],
        env={
            **kept,
            "COOP_POSTGRES": review_url,
            "COOP_KAFKA": broker.kafka,
            "COOP_KAFKA_IDEMPOTENCE": str(broker.kafka_idempotence).lower(),
            "COOP_INTERNAL_PORT": str(internal),
            "COOP_REVIEW_PROJECTOR_BATCH": "100",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def skip_what_is_there(bootstrap: str) -> None:
    """Let the groups begin at the end: a broker may be shared with tests that left a lot."""
    for event_type, name in (
        (RulesEvaluated, "evaluations"),
        (ItemSubmitted, "submissions"),
        (ActionDelivered, "deliveries"),
    ):
        group = f"review-api-projector-{name}"
        client = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
        try:
            found = client.list_topics(event_type.topic, timeout=10).topics[event_type.topic]
            ends = []
            for number in found.partitions:
                partition = TopicPartition(event_type.topic, number)
                _, end = client.get_watermark_offsets(partition, timeout=10)
                ends.append(TopicPartition(event_type.topic, number, end))
            client.commit(offsets=ends, asynchronous=False)
        finally:
            client.close()


async def counts(engine: Any, org_id: str) -> list[int]:
    async with transaction(engine) as connection:
        return [
            await connection.scalar(
                select(func.count()).select_from(table).where(table.c.org_id == org_id)
            )
            or 0
            for table in (recent_submissions, evaluations, deliveries)
        ]


async def test_killed_half_way_it_has_everything_once(
    context: Any, engine: Any, review_url: str, kafka_bootstrap: str, broker_idempotence: bool
) -> None:
    """Killed with -9 in the middle and started again, the projector has every event once; it is
    ready, and stops on SIGTERM with 0."""
    broker = context.settings.model_copy(
        update={"kafka": kafka_bootstrap, "kafka_idempotence": broker_idempotence}
    )
    org_id = new_id()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        internal = int(probe.getsockname()[1])
    await asyncio.to_thread(skip_what_is_there, kafka_bootstrap)
    producer = Producer(broker, client_id="test")
    await producer.start()
    process = start(review_url, broker, internal)
    try:
        for _ in range(SUBMISSIONS // 100):
            await producer.begin([m for _ in range(100) for m in messages_of(org_id)])
        deadline = time.monotonic() + 90
        while not any(await counts(engine, org_id)):
            assert process.poll() is None, "the process ended"
            assert time.monotonic() < deadline, "nothing was projected"
            await asyncio.sleep(0.02)
        process.kill()
        process.wait(30)
        process = start(review_url, broker, internal)
        deadline = time.monotonic() + 90
        while min(await counts(engine, org_id)) < SUBMISSIONS:
            assert process.poll() is None, "the process ended"
            assert time.monotonic() < deadline, await counts(engine, org_id)
            await asyncio.sleep(0.1)
        assert await counts(engine, org_id) == [SUBMISSIONS] * 3
        async with httpx.AsyncClient(trust_env=False) as client:
            ready = await client.get(f"http://127.0.0.1:{internal}/readyz")
            metrics = (await client.get(f"http://127.0.0.1:{internal}/metrics")).text
        assert ready.status_code == 200, ready.text
        assert 'coop_review_projected_total{kind="evaluation"}' in metrics
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
        await producer.stop()
