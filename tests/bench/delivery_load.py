"""What benchmarks of deliveries are made of: an organisation with an action for each endpoint,
requests on the log, a receiving process, the dispatcher as a process.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import psycopg

from coop_action_dispatcher.migrations import run as migrate
from coop_contracts.config import Action, Document, Kind, WebhookKey
from coop_contracts.event import ActionRequested, ItemRef, RuleRef
from coop_contracts.ids import item_key, new_id
from coop_local.stack import EngineAddresses
from coop_runtime.database.engine import bootstrap, service_url
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.secret.signing import new_rsa_key, new_webhook_secret
from coop_runtime.secret.vault import Vault
from tests.bench import environment as stand

KEY = os.urandom(32)


def documents(org: stand.Organisation, urls: Mapping[str, str]) -> list[tuple[Kind, Document]]:
    """Keys, and an action for each URL (by action id)."""
    vault = Vault([KEY])
    private, _ = new_rsa_key()
    found: list[tuple[Kind, Document]] = []
    for key_id, scheme, secret in (
        ("rsa", "RSA_SHA256", private),
        ("std", "STANDARD_WEBHOOKS", new_webhook_secret()),
    ):
        sealed = vault.encrypt(secret, context=f"{org.id}/{Kind.WEBHOOK_KEY}/{key_id}")
        document = WebhookKey(
            id=key_id,
            scheme=scheme,  # type: ignore[arg-type]  # one of the two
            secret=sealed,
            created_at=datetime.now(UTC),
        )
        found.append((Kind.WEBHOOK_KEY, document))
    for action_id, url in urls.items():
        action = Action(id=action_id, name=f"Remove by {action_id}", callback_url=url)
        found.append((Kind.ACTION, action))
    return found


def request(org_id: str, action_id: str, item: str, number: int) -> Message:
    """The message that asks for the `number`-th action on an item."""
    now = datetime.now(UTC)
    event = ActionRequested(
        event_id=new_id(),
        org_id=org_id,
        time=now,
        correlation_id=new_id(),
        execution_id=str(uuid.uuid4()),
        action_id=action_id,
        item=ItemRef(item, "post"),
        source="RULE_EXECUTION",
        config_revision=1,
        rules=(RuleRef(id="rule-1", name="Spam in the text", revision=1),),
        parameters={"item": item, "number": number, "at": now.timestamp()},
    )
    return message_of(event, key=item_key(org_id, "post", item))


class Publisher:
    """Puts requests on the log; keeps its connection."""

    def __init__(self, addresses: EngineAddresses) -> None:
        settings = RuntimeSettings(
            kafka=addresses.kafka, kafka_idempotence=addresses.kafka_idempotence, internal_port=0
        )
        self._runner = asyncio.Runner()
        self._producer = Producer(settings, client_id="bench-requests")

    def __enter__(self) -> Self:
        self._runner.run(self._producer.start())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._producer.stop())
        self._runner.close()

    def publish(self, messages: Sequence[Message]) -> None:
        """Returns once the broker has them."""
        for start in range(0, len(messages), 1000):
            part = messages[start : start + 1000]
            self._runner.run(self._producer.publish(part, timeout=30))


def publish(addresses: EngineAddresses, messages: Sequence[Message]) -> None:
    """Puts the requests on the log."""
    with Publisher(addresses) as publisher:
        publisher.publish(messages)


def database(addresses: EngineAddresses) -> str:
    """The URL of role coop_dispatch on a migrated schema."""
    roles = ("coop_dispatch", "coop_dispatch_owner")
    bootstrap(addresses.postgres_admin, dict.fromkeys(roles, "bench"))
    migrate(service_url(addresses.postgres_admin, "coop_dispatch_owner", "bench"))
    return service_url(addresses.postgres_admin, "coop_dispatch", "bench")


@contextlib.contextmanager
def receiver() -> Iterator[str]:
    """A receiving process; its origin."""
    port = stand.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.receiver", str(port)], cwd=stand.ROOT
    )
    origin = f"http://127.0.0.1:{port}"
    try:
        stand.wait_for(f"{origin}/stats", deadline=20, process=process)
        yield origin
    finally:
        process.kill()
        process.wait()


def stats(origin: str) -> dict[str, Any]:
    """What the receiver has."""
    with urllib.request.urlopen(f"{origin}/stats", timeout=30) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def count(origin: str) -> int:
    """How many distinct webhooks the receiver has taken."""
    with urllib.request.urlopen(f"{origin}/count", timeout=10) as answer:
        return int(answer.read())


def reset(origin: str) -> None:
    """Makes the receiver forget."""
    with urllib.request.urlopen(f"{origin}/reset", timeout=10) as answer:
        answer.read()


def environment_of(addresses: EngineAddresses, database_url: str, **more: str) -> dict[str, str]:
    """The dispatcher's environment."""
    return stand.environment_of(
        addresses,
        COOP_POSTGRES=database_url,
        COOP_SECRET_KEYS=base64.b64encode(KEY).decode(),
        COOP_EGRESS_ALLOW="127.0.0.0/8",
        **more,
    )


def delivered(database_url: str, org_id: str) -> dict[str, int]:
    """The organisation's deliveries by state."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT state, count(*) FROM dispatch.deliveries WHERE org_id = %s GROUP BY state",
            (org_id,),
        ).fetchall()
    return {str(state): int(count) for state, count in found}
