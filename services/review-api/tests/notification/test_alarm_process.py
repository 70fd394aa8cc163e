"""From an alarm on the log to a stopped rule and a mail, through the real processes and engines."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from coop_contracts.event import (
    EndpointChanged,
    Event,
    ItemRef,
    RuleRef,
    RuleTripped,
    StrikesChanged,
)
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

pytestmark = pytest.mark.engines


class Postmaster:
    """Takes every mail."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope)
        return "250 OK"

    def subjects_to(self, address: str) -> list[str]:
        lines = [
            (one.original_content or b"").decode().split("\r\n")
            for one in self.taken
            if address in one.rcpt_tos
        ]
        return [line for mail in lines for line in mail if line.startswith("Subject: ")]


@pytest.fixture
async def mail_server() -> AsyncIterator[tuple[Postmaster, int]]:
    postmaster = Postmaster()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(postmaster, loop=loop), "127.0.0.1", 0)
    yield postmaster, server.sockets[0].getsockname()[1]
    server.close()


@contextlib.asynccontextmanager
async def role(name: str, environment: dict[str, str]) -> AsyncIterator[None]:
    """A role of review-api as a process, ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COOP_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "coop_review_api",
        name,
        env={**kept, **environment, "COOP_INTERNAL_PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:

            async def ready() -> bool:
                assert process.returncode is None, "the process ended"
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success
                return False

            await poll(ready)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)


async def poll(condition: Any, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        await asyncio.sleep(0.05)


async def test_an_alarm_stops_the_rule_and_reaches_people(
    admin: Any,
    org: Any,
    kit: Any,
    review_url: str,
    kafka_bootstrap: str,
    broker_idempotence: bool,
    mail_server: tuple[Postmaster, int],
) -> None:
    """The projector stops the rule and notifies, the relay mails; alarms that come again add
    nothing; strikes come into the history."""
    postmaster, port = mail_server
    post = await admin.make("/v1/item-types", kit.item_type())
    live = await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    common: dict[str, Any] = {
        "org_id": org.org_id,
        "time": datetime.now(UTC),
        "correlation_id": "test",
    }
    trip = RuleTripped(
        event_id=str(uuid.uuid4()),
        rule=RuleRef(live["id"], live["name"], live["revision"]),
        measure="USERS",
        limit=10,
        count=11,
        window=3600,
        **common,
    )
    pause = EndpointChanged(
        event_id=str(uuid.uuid4()),
        endpoint="https://platform.example:443",
        state="PAUSED",
        reason="gone",
        **common,
    )
    struck = StrikesChanged(
        event_id=str(uuid.uuid4()),
        user=ItemRef("user-1", "u-1"),
        cause_id="c-1",
        delta=2,
        total=2,
        **common,
    )
    environment = {
        "COOP_POSTGRES": review_url,
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_SECRET_KEYS": base64.b64encode(b"k" * 32).decode(),
        "COOP_SMTP_HOST": "127.0.0.1",
        "COOP_SMTP_PORT": str(port),
        "COOP_SMTP_TLS": "none",
        "COOP_SMTP_FROM": "coop@acme.example",
    }
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )
    producer = Producer(settings, client_id="test")
    await producer.start()
    events: list[tuple[Event, str]] = [
        (trip, f"{org.org_id}/{live['id']}"),
        (pause, f"{org.org_id}/{pause.endpoint}"),
        (struck, f"{org.org_id}/u-1/user-1"),
    ]
    messages = [message_of(event, key=key) for event, key in events]

    async def stopped() -> bool:
        rule = (await admin.call("GET", f"/v1/rules/{live['id']}")).json()
        return bool(rule["status"] == "BACKGROUND" and rule["updatedBy"] == "blast-radius")

    async def mailed() -> bool:
        return len(postmaster.subjects_to(admin.email)) == 2

    async def in_history() -> bool:
        answer = await admin.call("GET", "/v1/users/u-1/user-1/strike-changes")
        return [one["total"] for one in answer.json()["items"]] == [2]

    try:
        async with role("projector", environment), role("relay", environment):
            await producer.publish(messages * 2)
            for condition in (stopped, mailed, in_history):
                await poll(condition)
    finally:
        await producer.stop()
    assert sorted(postmaster.subjects_to(admin.email)) == [
        "Subject: Endpoint paused: https://platform.example:443",
        f"Subject: Rule stopped: {live['name']}",
    ]
    notes = (await admin.call("GET", "/v1/notifications")).json()
    assert sorted(one["kind"] for one in notes["items"]) == ["ENDPOINT_PAUSED", "RULE_TRIPPED"]
