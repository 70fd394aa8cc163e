"""A report with 300 media, one of them of two gigabytes: what its process takes in memory.

The real role `reporter`, on engines of this run's own: it holds every medium encrypted, fetched
from a host on loopback that makes the bytes up, then uploads all of them to the stand-in, which
keeps none. The peak is the kernel's own (VmHWM), from the process's start to its end.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg

from coop_contracts.config import Kind, NcmecSettings
from coop_contracts.event import CybertipRequested, ItemRef, ReportedMedium, ReportedUser
from coop_contracts.ids import item_key
from coop_local.stack import EngineAddresses
from coop_ncmec_reporter.migrations import run as migrate
from coop_runtime.database.engine import bootstrap, owner_of, service_url
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.secret.vault import Vault
from tests.bench import environment as stand
from tests.bench.media_host import serving
from tests.bench.result import show

_MEDIA: Final = 300
_LARGE: Final = 2 * 1024**3
_SMALL: Final = 200 * 1024
_SECONDS: Final = 1500.0
_MIB: Final = 1024 * 1024
_ROLE: Final = "coop_ncmec"
_KEY: Final = b"0" * 32


def main() -> None:
    """Prints one line."""
    with stand.engines() as addresses, _host() as host, TemporaryDirectory() as folder:
        url = addresses.postgres_admin
        bootstrap(url, {_ROLE: "bench", owner_of(_ROLE): "bench"})
        migrate(service_url(url, owner_of(_ROLE), "bench"))
        found = _filed(addresses, service_url(url, _ROLE, "bench"), host, Path(folder))
    show(
        "memory_of_a_report",
        [found.pop("peak")],
        unit="MiB at most",
        bound="< 200 MiB",
        compared_to=found,
    )


def _filed(addresses: EngineAddresses, database: str, host: str, folder: Path) -> dict[str, Any]:
    org = stand.new_organisation()
    password = Vault([_KEY]).encrypt("demo", context=f"{org.id}/{Kind.NCMEC_SETTINGS}/settings")
    settings = NcmecSettings(
        id="settings",
        enabled=True,
        username="demo",
        password=password,
        company_report_name="Bench",
        legal_url="https://example.com/legal",
        contact_email="safety@example.com",
    )
    stand.seed(addresses, org, (Kind.NCMEC_SETTINGS, settings))
    ports = [stand.free_port() for _ in range(4)]
    stand_in = stand.environment_of(
        addresses,
        COOP_NCMEC_SIMULATOR_PORT=str(ports[0]),
        COOP_INTERNAL_PORT=str(ports[1]),
    )
    reporter = stand.environment_of(
        addresses,
        COOP_POSTGRES=database,
        COOP_SECRET_KEYS=base64.b64encode(_KEY).decode(),
        COOP_INTERNAL_TOKEN="bench",
        COOP_EGRESS_ALLOW="127.0.0.0/8",
        COOP_NCMEC_TEST_URL=f"http://127.0.0.1:{ports[0]}/ispws",
        COOP_NCMEC_EVIDENCE=str(folder / "evidence"),
        COOP_NCMEC_PORT=str(ports[2]),
        COOP_INTERNAL_PORT=str(ports[3]),
    )
    with (
        stand.service(
            "coop_ncmec_simulator",
            "",
            stand_in,
            ready_url=f"http://127.0.0.1:{ports[1]}/readyz",
        ),
        stand.service(
            "coop_ncmec_reporter",
            "reporter",
            reporter,
            ready_url=f"http://127.0.0.1:{ports[3]}/readyz",
            deadline=60,
        ) as process,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        idle = peak(process.pid)
        _decide(addresses, _request(org.id, host))
        began = time.perf_counter()
        held = _until(connection, "state NOT IN ('REQUESTED', 'HOLDING')") - began
        done = _until(connection, "state = 'DONE'") - began
        return {
            "peak": peak(process.pid),
            "idle_mib": round(idle, 1),
            "media": _MEDIA,
            "largest_bytes": _LARGE,
            "held_after_s": round(held, 1),
            "filed_after_s": round(done, 1),
        }


def _request(org_id: str, host: str) -> CybertipRequested:
    now = datetime.now(UTC)
    sizes = [_LARGE, *(_SMALL + n for n in range(_MEDIA - 1))]
    return CybertipRequested(
        event_id=str(uuid.uuid4()),
        org_id=org_id,
        time=now,
        correlation_id="bench",
        cybertip_id=str(uuid.uuid4()),
        decision_id=str(uuid.uuid4()),
        job_id="job",
        queue_id="queue",
        reviewer_id="reviewer",
        environment="TEST",
        incident="CHILD_PORNOGRAPHY",
        user=ReportedUser(user=ItemRef("user", "user"), email="user@example.com"),
        decided_at=now,
        config_revision=1,
        media=tuple(
            ReportedMedium(
                item=ItemRef(f"post-{n}", "post"),
                field="/picture",
                url=f"{host}/{size}",
                classification="B2",
                submitted_at=now,
            )
            for n, size in enumerate(sizes)
        ),
    )


def _decide(addresses: EngineAddresses, request: CybertipRequested) -> None:
    settings = RuntimeSettings(
        kafka=addresses.kafka, kafka_idempotence=addresses.kafka_idempotence, internal_port=0
    )

    async def publish() -> None:
        producer = Producer(settings, client_id="bench-cybertips")
        await producer.start()
        key = item_key(request.org_id, "user", "user")
        await producer.publish([message_of(request, key=key)], timeout=20)
        await producer.stop()

    asyncio.run(publish())


def _until(connection: psycopg.Connection[Any], condition: str) -> float:
    """When a report is so. Raises RuntimeError for one that needs a person, TimeoutError."""
    deadline = time.monotonic() + _SECONDS
    query = f"SELECT {condition}, state, fault FROM ncmec.cybertips"
    while time.monotonic() < deadline:
        row = connection.execute(query).fetchone()
        if row is not None and row[0]:
            return time.perf_counter()
        if row is not None and row[1] == "NEEDS_ATTENTION":
            raise RuntimeError(str(row[2]))
        time.sleep(0.1)
    raise TimeoutError(condition)


def peak(pid: int) -> float:
    """The most that was ever resident of the process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / _MIB


@contextlib.contextmanager
def _host() -> Iterator[str]:
    """A host on loopback: the path is how many bytes there are."""
    part = os.urandom(_MIB)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.split(b" ")[1].strip(b"/"))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
                for first in range(0, size, _MIB):
                    writer.write(part[: min(_MIB, size - first)])
                    await writer.drain()
        writer.close()

    with serving(serve) as address:
        yield address
