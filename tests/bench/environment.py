"""What benchmarks stand on: real engines, a seeded organisation, services as processes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from coop_contracts.config import (
    SYSTEM_ORG,
    ApiKey,
    Document,
    Field,
    FieldRoles,
    ItemType,
    Kind,
    LogHead,
    OrgSettings,
    ScalarType,
)
from coop_contracts.event import ConfigChanged
from coop_contracts.ids import new_id
from coop_local.settings import EngineSettings
from coop_local.stack import EngineAddresses, Stack
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Organisation:
    """A seeded organisation."""

    id: str
    api_key: str
    item_type: str


@contextlib.contextmanager
def engines() -> Iterator[EngineAddresses]:
    """PostgreSQL, Valkey and Kafka of this run's own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="coop-bench-") as folder:
        settings = EngineSettings.model_construct(
            **EngineSettings().model_dump()
            | {
                "state": Path(folder),
                "cache_dir": EngineSettings().cache_dir or ROOT / ".coop" / "cache",
                "kafka": None,
                "postgres_admin": None,
                "redis": None,
            }
        )
        stack = Stack(settings, say=partial(print, file=sys.stderr))
        try:
            yield stack.start()
        finally:
            stack.stop()


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(addresses: EngineAddresses, **more: str) -> dict[str, str]:
    """The environment of a service process."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("COOP_")},
        "COOP_KAFKA": addresses.kafka,
        "COOP_KAFKA_IDEMPOTENCE": str(addresses.kafka_idempotence).lower(),
        "COOP_REDIS": addresses.redis,
        "COOP_LOG_LEVEL": "WARNING",
        **more,
    }


@contextlib.contextmanager
def service(
    module: str, role: str, environment: Mapping[str, str], *, ready_url: str, deadline: float = 30
) -> Iterator[subprocess.Popen[bytes]]:
    """A service process, ready; stopped afterwards."""
    process = subprocess.Popen([sys.executable, "-m", module, role], env=dict(environment))
    try:
        wait_for(ready_url, deadline=deadline, process=process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, *, deadline: float, process: subprocess.Popen[bytes] | None = None) -> None:
    """Waits until the URL answers 200. Raises TimeoutError, or RuntimeError when it died."""
    until = time.monotonic() + deadline
    while True:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the process ended with {process.returncode}")
        if _answers(url):
            return
        if time.monotonic() > until:
            raise TimeoutError(f"{url} was not ready within {deadline} s")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # URLError and HTTPError too
        return False


def organisation_documents(org: Organisation) -> list[tuple[Kind, Document]]:
    """A narrow organisation: one key, one item type that is its own author."""
    now = datetime.now(UTC)
    item_type = ItemType(
        id=org.item_type,
        name="Post",
        kind="CONTENT",
        version="2026-01-01T00:00:00.000000Z",
        fields=(
            Field(name="text", type=ScalarType.STRING, required=True),
            Field(name="author", type=ScalarType.RELATED_ITEM, required=True),
            Field(name="created_at", type=ScalarType.DATETIME, required=True),
            Field(name="likes", type=ScalarType.NUMBER),
        ),
        field_roles=FieldRoles(creator_id="author", created_at="created_at"),
    )
    key = ApiKey(
        id="key",
        name="bench",
        key_hash=hashlib.sha256(org.api_key.encode()).hexdigest(),
        created_at=now,
    )
    settings = OrgSettings(id="settings", name="Bench", requests_per_second=1_000_000)
    return [(Kind.SETTINGS, settings), (Kind.API_KEY, key), (Kind.ITEM_TYPE, item_type)]


def seed(addresses: EngineAddresses, org: Organisation, *more: tuple[Kind, Document]) -> None:
    """Puts the organisation's documents, and the log head, on the config topic."""
    settings = RuntimeSettings(
        kafka=addresses.kafka,
        kafka_idempotence=addresses.kafka_idempotence,
        internal_port=0,
    )
    documents = [(org.id, kind, document) for kind, document in organisation_documents(org)]
    documents += [(org.id, kind, document) for kind, document in more]
    documents.append(
        (SYSTEM_ORG, Kind.LOG_HEAD, LogHead(id="head", published_at=datetime.now(UTC)))
    )

    async def publish() -> None:
        producer = Producer(settings, client_id="bench-seed")
        await producer.start()
        messages = [
            message_of(
                ConfigChanged(
                    event_id=new_id(),
                    org_id=org_id,
                    time=datetime.now(UTC),
                    correlation_id=new_id(),
                    revision=revision,
                    kind=kind,
                    id=document.id,
                    document=msgspec.Raw(msgspec.json.encode(document)),
                ),
                key=f"{org_id}/{kind}/{document.id}",
            )
            for revision, (org_id, kind, document) in enumerate(documents, 1)
        ]
        await producer.publish(messages, timeout=20)
        await producer.stop()

    asyncio.run(publish())


def new_organisation() -> Organisation:
    """Ids nobody has used."""
    return Organisation(id=uuid.uuid4().hex[:11], api_key=uuid.uuid4().hex * 2, item_type="post")
