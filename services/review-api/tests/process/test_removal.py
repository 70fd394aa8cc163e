"""The end of an organisation, on the real engines; the dispatcher answers as a test says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import select

from coop_audit.chain import verify
from coop_contracts.call import ROOT
from coop_contracts.event import ConfigChanged
from coop_contracts.permission import Role
from coop_media.store import DerivativeStore
from coop_review_api.configuration.topic import ConfigTopic
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.kernel.error import Conflict
from coop_review_api.kernel.schema import audit_log
from coop_review_api.organisation import removal, state
from coop_review_api.organisation.record import RECORDS
from coop_review_api.organisation.removal import Places
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import Retryable
from coop_runtime.secret.vault import Vault

from .test_relay import broker, relay_of

__all__ = ["broker"]

pytestmark = pytest.mark.engines


class HeldElsewhere:
    """What another service has of organisations: it gives it away in two calls."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.removals = 0
        self.refuses: str | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        org_id = request.url.path.removeprefix(ROOT).split("/")[1]
        rows = self.rows.get(org_id, 0)
        tables = {"requests": rows} if rows else {}
        if request.method == "GET":
            return httpx.Response(200, json={"tables": tables})
        if self.refuses is not None:
            return httpx.Response(409, json={"detail": self.refuses})
        self.removals += 1
        self.rows[org_id] = rows // 2
        return httpx.Response(200, json={"tables": tables, "more": rows > 1})


@pytest.fixture
def held() -> HeldElsewhere:
    return HeldElsewhere()


@pytest.fixture
def hashes() -> HeldElsewhere:
    return HeldElsewhere()


@pytest.fixture
def reports() -> HeldElsewhere:
    return HeldElsewhere()


@pytest.fixture
async def places(
    engine: Any,
    redis: Any,
    broker: Any,
    held: HeldElsewhere,
    hashes: HeldElsewhere,
    reports: HeldElsewhere,
) -> AsyncIterator[Places]:
    dispatch = Dispatch("http://dispatch", "token", transport=httpx.MockTransport(held))
    bridge = HashBridge("http://bridge", "token", transport=httpx.MockTransport(hashes))
    reporter = CybertipReporter("http://ncmec", "token", transport=httpx.MockTransport(reports))
    producer, topic = Producer(broker, client_id="test-removal"), ConfigTopic(broker)
    await producer.start()
    await until_led(topic)
    yield Places(
        engine=engine,
        dispatch=dispatch,
        bridge=bridge,
        reporter=reporter,
        redis=redis,
        producer=producer,
        topic=topic,
        derivatives=DerivativeStore.of("memory:///", Vault([b"k" * 32])),
    )
    await producer.stop()
    await topic.close()
    await reporter.aclose()
    await bridge.aclose()
    await dispatch.aclose()


async def until_led(topic: ConfigTopic) -> None:
    """A topic that was just made has no leader yet."""
    deadline = time.monotonic() + 60
    while True:
        try:
            await topic.read()
        except Retryable:
            assert time.monotonic() < deadline, "the topic has no leader"
            await asyncio.sleep(0.1)
        else:
            return


def newest_of_keys(bootstrap: str, org_id: str) -> dict[str, bytes | None]:
    """The last record of each of an organisation's keys on the config topic."""
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": "test-removal"})
    partition = TopicPartition(ConfigChanged.topic, 0)
    low, high = client.get_watermark_offsets(partition, timeout=10)
    client.assign([TopicPartition(ConfigChanged.topic, 0, low)])
    found: dict[str, bytes | None] = {}
    position = low
    while position < high:
        for message in client.consume(500, 1.0):
            if message.error() is None:
                position = (message.offset() or 0) + 1
                key = (message.key() or b"").decode()
                if key.startswith(org_id):
                    found[key] = message.value()
    client.close()
    return found


@pytest.fixture
async def filled(admin: Any, org: Any, kit: Any, place: Any, sign_in: Any, redis: Any) -> None:
    """Documents, people, a job that was decided, one that waits, and a counter."""
    type_id = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    await admin.make("/v1/actions", kit.action(type_id))
    policy = await admin.make("/v1/policies", {"name": "Gone"})
    await admin.call("DELETE", f"/v1/policies/{policy['id']}")
    await admin.make("/v1/invitations", {"email": "x@elsewhere.example", "role": "MODERATOR"})
    reviewer = await sign_in(Role.MODERATOR)
    await admin.call("POST", f"/v1/users/{reviewer.user_id}/reset-link")
    await place(org.default_queue_id, type_id)
    await admin.decide(org.default_queue_id, [{"type": "IGNORE"}])
    await place(org.default_queue_id, type_id)
    await redis.hset(f"coop:api-key-use:{org.org_id}", "key", "1")


@pytest.mark.usefixtures("filled")
async def test_nothing_is_left_of_an_organisation(
    org: Any,
    kit: Any,
    broker: Any,
    places: Places,
    held: HeldElsewhere,
    hashes: HeldElsewhere,
    reports: HeldElsewhere,
    context: Any,
) -> None:
    """What there is is said before; afterwards no table, key or document has anything of it, its
    last word of each document on the topic is a tombstone, and the chains of others hold. Another
    organisation has all that it had. Asked again it finds nothing to do."""
    if not broker.kafka_idempotence:
        pytest.skip("Tansu keeps no records without a value: nothing becomes a tombstone")
    other = await kit.make_org()
    held.rows = {org.org_id: 5, other.org_id: 7}
    hashes.rows = {org.org_id: 3, other.org_id: 4}
    reports.rows = {org.org_id: 2, other.org_id: 1}
    for one in (org.org_id, other.org_id):
        assert await places.derivatives.put(f"{one}/item/medium/no-row-knows-it", b"veiled")
    engine, clock = context.engine, context.clock
    # Those that tests of the chain itself broke.
    broken = (await verify(engine, context.vault, org_id=None)).faults
    assert not {org.org_id, other.org_id} & {fault.chain for fault in broken}
    async with relay_of(engine, broker, clock):
        with pytest.raises(Conflict):
            await removal.remove(places, org.org_id, clock=clock, tell=lambda _: None)
        async with transaction(engine) as connection:
            await state.suspend(connection, org.org_id, clock=clock)
        there = await _settled(places, org.org_id)
        kept = await _settled(places, other.org_id)
        assert there["dispatch"] == {"requests": 5}
        assert there["hashes"] == {"requests": 3}
        assert there["ncmec"] == {"requests": 2}
        assert there["redis"]["keys"] >= 1
        assert there["queues"]["jobs"] == 2
        assert there["object store"] == {"objects": 1}
        assert there["config topic"]["documents"] > 10
        assert {"users", "config_log", "audit_log", "audit_chain", "decisions", "invitations"} <= (
            there["review"].keys()
        )
        told: list[str] = []
        left = await removal.remove(places, org.org_id, clock=clock, tell=told.append)
        assert left == {}
        assert told == [
            "ncmec-reporter",
            "dispatcher",
            "hma-bridge",
            "queues",
            "redis",
            "documents",
            "object store",
            "review",
        ]
        assert (held.removals, hashes.removals, reports.removals) == (3, 2, 2)
        newest = await asyncio.to_thread(newest_of_keys, broker.kafka, org.org_id)
        assert len(newest) >= there["config topic"]["documents"]
        assert set(newest.values()) == {None}
        assert await removal.contents(places, other.org_id) == kept
        again = await removal.remove(places, org.org_id, clock=clock, tell=lambda _: None)
        assert again == {}
    report = await verify(engine, context.vault, org_id=None)
    assert report.faults == broken
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(audit_log.c.org_id, audit_log.c.detail).where(
                audit_log.c.target_id == org.org_id,
                audit_log.c.action == "organisation.removed",
            )
        )
        ((chain, detail),) = rows.all()
    assert chain is None
    assert detail["queues"] == dict(there["queues"])


async def test_nothing_goes_while_reports_have_to_be_kept(
    org: Any, places: Places, held: HeldElsewhere, reports: HeldElsewhere, context: Any
) -> None:
    """The reporter says how many and until when; nothing of the organisation was touched."""
    held.rows = {org.org_id: 5}
    reports.refuses = "evidence has to be kept: 2 reports until 2027-06-02 at the latest"
    async with transaction(context.engine) as connection:
        await state.suspend(connection, org.org_id, clock=context.clock)
    before = await removal.contents(places, org.org_id)
    told: list[str] = []
    with pytest.raises(Conflict, match="2 reports until 2027-06-02"):
        await removal.remove(places, org.org_id, clock=context.clock, tell=told.append)
    assert told == ["ncmec-reporter"]
    assert held.removals == 0
    assert await removal.contents(places, org.org_id) == before


async def _settled(places: Places, org_id: str) -> Any:
    """What there is, once the relay has published what waits for it."""
    await removal._published(places.engine, org_id)
    return await removal.contents(places, org_id)


async def test_a_logs_rows_go_by_their_owners_function_alone(
    org: Any, review_url: str, engine: Any
) -> None:
    """Whoever has the rows of the schema deletes none of the logs, whatever they say they do; the
    function refuses an organisation that is not empty."""
    with psycopg.connect(review_url, autocommit=True) as connection:
        connection.execute("SET coop.removing = 'on'")
        for table in ("audit_log", "config_log", "audit_chain", "audit_anchors"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(f"DELETE FROM review.{table}")
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute("SELECT review.remove_logs(%s)", (org.org_id,))
    async with transaction(engine) as connection_:
        assert (await RECORDS.count(connection_, org.org_id))["config_log"] > 0


async def test_a_table_of_which_nobody_says_whose_it_is_is_noticed(
    review_admin_url: str, engine: Any, org: Any
) -> None:
    """A table of tomorrow without an organisation in it stops the counting, rather than being
    passed over."""
    with psycopg.connect(review_admin_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE review.of_tomorrow (secret text)")
    try:
        with pytest.raises(LookupError, match="rows of review"):
            async with transaction(engine) as connection_:
                await RECORDS.count(connection_, org.org_id)
    finally:
        with psycopg.connect(review_admin_url, autocommit=True) as connection:
            connection.execute("DROP TABLE review.of_tomorrow")
