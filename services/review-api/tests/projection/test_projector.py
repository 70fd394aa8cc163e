"""The projector as a process: from the log into tables, killed half-way."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
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

from ..world.consumer import skip_what_is_there, start_role

pytestmark = pytest.mark.engines

SUBMISSIONS = 3_000
GROUPS: dict[str, type[Any]] = {
    "review-api-projector-evaluations": RulesEvaluated,
    "review-api-projector-submissions": ItemSubmitted,
    "review-api-projector-deliveries": ActionDelivered,
}


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
    await asyncio.to_thread(skip_what_is_there, kafka_bootstrap, GROUPS)
    producer = Producer(broker, client_id="test")
    await producer.start()
    process = start_role(
        "projector", review_url, broker, internal, COOP_REVIEW_PROJECTOR_BATCH="100"
    )
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
        process = start_role(
            "projector", review_url, broker, internal, COOP_REVIEW_PROJECTOR_BATCH="100"
        )
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
