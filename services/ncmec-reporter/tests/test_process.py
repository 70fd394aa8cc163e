"""The real process on the real broker and database: decisions are filed, kill -9, a stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from coop_contracts.config import Kind
from coop_contracts.cybertip import (
    CYBERTIP_DOCUMENT,
    GET_CYBERTIP,
    LIST_CYBERTIPS,
    RETRY_CYBERTIP,
    CybertipDocumentQuestion,
    CybertipQuestion,
    CybertipsQuestion,
    RetryCybertip,
)
from coop_contracts.event import CybertipProgressed, CybertipRequested, CybertipSecured
from coop_contracts.ids import item_key
from coop_local.tested_process import RoleProcess, configure
from coop_ncmec_simulator.app import Simulator
from coop_runtime.internal.client import CallRefused, InternalApi
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

from .conftest import (
    PASSWORD,
    PIXELS,
    VAULT,
    Host,
    in_clear,
    medium,
    on_disk,
    requested,
    serving,
    settings_of,
    thread,
    user,
)

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]

WAIT = 60.0
TOKEN = "the-stacks-token"
KEY = "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="  # 32 times "0", as VAULT's


@pytest.fixture
def org() -> str:
    return f"org-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )
    made = Producer(settings, client_id="test")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def environment(
    kafka_bootstrap: str, broker_idempotence: bool, database: str, tmp_path: Path
) -> dict[str, str]:
    return {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_POSTGRES": database,
        "COOP_INTERNAL_TOKEN": TOKEN,
        "COOP_SECRET_KEYS": KEY,
        "COOP_EGRESS_ALLOW": "127.0.0.0/8",
        "COOP_NCMEC_EVIDENCE": str(tmp_path / "evidence"),
        "COOP_NCMEC_LEASE": "2",
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator[RoleProcess]:
    with RoleProcess(
        "coop_ncmec_reporter", "reporter", environment, port_setting="COOP_NCMEC_PORT"
    ) as made:
        yield made


class ResultsTopic:
    """Reads what became of one organisation's reports."""

    def __init__(self, bootstrap: str, org: str) -> None:
        self._org = org
        self.seen: list[CybertipProgressed] = []
        options = {"bootstrap.servers": bootstrap, "group.id": f"test-{uuid.uuid4()}"}
        self._consumer = Consumer(options | {"enable.auto.commit": False})
        known = self._consumer.list_topics(timeout=20).topics[CybertipProgressed.topic].partitions
        self._consumer.assign([TopicPartition(CybertipProgressed.topic, p, 0) for p in known])

    async def until(self, done: int) -> None:
        """So many reports are done."""
        async with asyncio.timeout(2 * WAIT):
            while len({one.cybertip_id for one in self.seen if one.state == "DONE"}) < done:
                for record in await asyncio.to_thread(self._consumer.consume, 500, 0.2):
                    value = record.value()
                    if record.error() is None and value is not None:
                        event = msgspec.json.decode(value, type=CybertipProgressed)
                        self.seen += [event] if event.org_id == self._org else []

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def topic(kafka_bootstrap: str, org: str) -> Iterator[ResultsTopic]:
    found = ResultsTopic(kafka_bootstrap, org)
    yield found
    found.close()


def records_of(bootstrap: str, *topics: str) -> dict[str, bytes]:
    """Every record of these topics, keys, values and headers, from their beginning."""
    options = {"bootstrap.servers": bootstrap, "group.id": f"test-{uuid.uuid4()}"}
    consumer = Consumer(options | {"enable.auto.commit": False})
    found: dict[str, bytes] = {}
    ends: dict[tuple[str, int], int] = {}
    for topic in topics:
        for number in consumer.list_topics(topic, timeout=20).topics[topic].partitions:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)
            ends[topic, number] = end
    consumer.assign([TopicPartition(topic, number, 0) for topic, number in ends])
    left = {place for place, end in ends.items() if end > 0}
    until = time.monotonic() + WAIT
    while left and time.monotonic() < until:
        for record in consumer.consume(500, 0.2):
            place = (str(record.topic()), int(record.partition() or 0))
            offset = int(record.offset() or 0)
            parts = (record.key(), record.value(), repr(record.headers()).encode())
            found[f"{place} {offset}"] = b"\0".join(bytes(one) for one in parts if one)
            if offset + 1 >= ends[place]:
                left.discard(place)
    consumer.close()
    return found


async def decide(producer: Producer, requests: list[CybertipRequested]) -> None:
    messages = [
        message_of(one, key=item_key(one.org_id, one.user.user.type_id, one.user.user.id))
        for one in requests
    ]
    await producer.publish(messages, timeout=20)


def of_org(org: str, *media: Any, **more: Any) -> CybertipRequested:
    return msgspec.structs.replace(requested(*media, **more), org_id=org)


async def test_decisions_are_filed_whatever_happens_to_the_process(
    org: str,
    producer: Producer,
    process: RoleProcess,
    topic: ResultsTopic,
    kafka_bootstrap: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A decision on the topic is filed, told on the other, and shown to review-api; killed in the
    middle of five more, and started again, each is filed once; one that needs a person waits for
    one. Told to stop, it ends with 0. No pixel and no password is on a topic, on the disk, or in a
    line of its log."""
    sealed = VAULT.encrypt(PASSWORD, context=f"{org}/{Kind.NCMEC_SETTINGS}/settings")
    await configure(producer, org, (Kind.NCMEC_SETTINGS, settings_of(password=sealed)))
    simulator, host = Simulator(users={"esp": PASSWORD}), Host()
    async with serving(simulator) as ncmec, serving(host) as host.url:
        where = {"COOP_NCMEC_TEST_URL": f"{ncmec}/ispws"}
        await asyncio.to_thread(process.start, **where)
        first = of_org(org, medium(host.put("/a.png")), user=user(0))
        await decide(producer, [first, first])
        await topic.until(1)
        api = InternalApi(f"http://127.0.0.1:{process.port}", TOKEN, timeout=20)
        (listed,) = (await api.ask(org, LIST_CYBERTIPS, CybertipsQuestion())).cybertips
        assert (listed.id, listed.state, listed.files) == (first.cybertip_id, "DONE", 1)
        question = CybertipQuestion(cybertip_id=first.cybertip_id)
        (attempt,) = (await api.ask(org, GET_CYBERTIP, question)).attempts
        assert (attempt.outcome, attempt.report_id) == ("FILED", listed.report_id)
        sent = CybertipDocumentQuestion(cybertip_id=first.cybertip_id, what="document")
        assert first.cybertip_id in (await api.ask(org, CYBERTIP_DOCUMENT, sent)).text
        with pytest.raises(CallRefused):
            await api.ask("another", CYBERTIP_DOCUMENT, sent)

        more = [
            of_org(org, medium(host.put(f"/{n}.png")), user=user(n), threads=(thread("a"),))
            for n in range(1, 6)
        ]
        await decide(producer, more)
        await topic.until(2)
        await asyncio.to_thread(process.end, signal.SIGKILL)
        await asyncio.to_thread(process.start, **where)
        await topic.until(6)
        finished = simulator.reports.finished()
        assert {one.cybertip_id for one in (first, *more)} == set(finished)
        assert all(len(reports) == 1 for reports in finished.values())

        again = of_org(org, user=user(0), threads=(thread("b"),))
        await decide(producer, [again])
        async with asyncio.timeout(WAIT):
            while True:
                question = CybertipQuestion(cybertip_id=again.cybertip_id)
                try:
                    found = await api.ask(org, GET_CYBERTIP, question)
                except CallRefused:
                    found = None
                if found is not None and found.cybertip.state == "NEEDS_ATTENTION":
                    break
                await asyncio.sleep(0.05)
        await api.ask(
            org, RETRY_CYBERTIP, RetryCybertip(cybertip_id=again.cybertip_id, further=True)
        )
        await topic.until(7)
        await api.aclose()
        assert await asyncio.to_thread(process.end, signal.SIGTERM) == 0
    topics = (CybertipRequested.topic, CybertipSecured.topic, CybertipProgressed.topic)
    places = await asyncio.to_thread(records_of, kafka_bootstrap, *topics)
    assert {one.split("'")[1] for one in places} == set(topics)
    files = on_disk(tmp_path)
    assert len(files) >= 12
    places |= files
    out, err = capfd.readouterr()
    places["log"] = (out + err).encode()
    assert b"report waits" in places["log"]
    for place, content in places.items():
        for secret in (*in_clear(PIXELS), PASSWORD.encode()):
            assert secret not in content, place
    ids = {(one.cybertip_id, one.event_id) for one in topic.seen}
    assert len({one for one, _ in ids}) == 7


@asynccontextmanager
async def hosting(sizes: dict[str, int]) -> AsyncIterator[str]:
    """A host of files of so many bytes, by path; none of them lies anywhere."""
    part = os.urandom(65536)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
                size = sizes[path]
                # Its own beginning: two files of one report are not the same.
                own = path.encode().ljust(64)[:size]
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + own)
                for first in range(len(own), size, len(part)):
                    writer.write(part[: size - first])
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_report_of_three_hundred_media_takes_little_memory(
    org: str, producer: Producer, process: RoleProcess, topic: ResultsTopic
) -> None:
    """One of them is twice as large as all that the process may ever hold, 200 MiB; all are filed,
    each once. (`make bench ONLY=evidence`: one of two gigabytes.)"""
    sealed = VAULT.encrypt(PASSWORD, context=f"{org}/{Kind.NCMEC_SETTINGS}/settings")
    await configure(producer, org, (Kind.NCMEC_SETTINGS, settings_of(password=sealed)))
    simulator = Simulator(users={"esp": PASSWORD})
    sizes = {f"/{n}": 20_000 + n for n in range(299)} | {"/large": 400 * 1024 * 1024}
    async with serving(simulator) as ncmec, hosting(sizes) as host:
        await asyncio.to_thread(process.start, COOP_NCMEC_TEST_URL=f"{ncmec}/ispws")
        media = [medium(f"{host}{path}", number) for number, path in enumerate(sizes)]
        request = of_org(org, *media, user=user(0))
        await decide(producer, [request])
        await topic.until(1)
        assert process.peak() < 200
        assert await asyncio.to_thread(process.end, signal.SIGTERM) == 0
    (report,) = simulator.reports.finished()[request.cybertip_id]
    assert sorted(one.size for one in report.files.values()) == sorted(sizes.values())
    assert len({one.md5 for one in report.files.values()}) == 300


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"COOP_NCMEC_ENVIRONMENT": "production"}, "COOP_NCMEC_XSD"),
        ({"COOP_SECRET_KEYS": ""}, "COOP_SECRET_KEYS"),
    ],
    ids=["schema", "keys"],
)
def test_it_refuses_to_start_without_what_it_needs(
    environment: dict[str, str], more: dict[str, str], said: str
) -> None:
    """Real reports need NCMEC's schema, all of them the keys: one line, and exit code 2."""
    told = {k: v for k, v in os.environ.items() if k != "COOP_NCMEC_XSD"}
    ended = subprocess.run(
        [sys.executable, "-m", "coop_ncmec_reporter", "reporter"],
        env=told | environment | {"COOP_INTERNAL_PORT": "0"} | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert said in ended.stderr
