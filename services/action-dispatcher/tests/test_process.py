"""The real process on the real engines: from the log to the platform, through kills and replays."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import msgspec
import pytest
import redis.asyncio
from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from confluent_kafka import Consumer as KafkaConsumer
from sqlalchemy import text
from standardwebhooks import Webhook

from coop_contracts.config import (
    SYSTEM_ORG,
    Action,
    Document,
    ItemType,
    Kind,
    LogHead,
    OrgSettings,
    Policy,
    StrikeThreshold,
    WebhookKey,
)
from coop_contracts.event import (
    ActionDelivered,
    ActionRequested,
    CallbackRequested,
    ConfigChanged,
    EffectsReversed,
    ItemRef,
)
from coop_contracts.ids import item_key
from coop_contracts.topic import all_topics
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.secret.signing import new_rsa_key, new_webhook_secret
from coop_runtime.secret.vault import Vault

pytestmark = pytest.mark.engines

KEY = os.urandom(32)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """`python -m coop_action_dispatcher <role>`, which a test may kill and start again."""

    def __init__(self, environment: dict[str, str], *, role: str = "dispatcher") -> None:
        self.port = free_port()
        self._role = role
        self._environment = {
            **os.environ,
            **environment,
            "COOP_INTERNAL_PORT": str(self.port),
        }
        self._running: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.output = ""

    async def start(self, *, path: str = "/readyz") -> None:
        """Returns once `path` answers 200."""
        self._running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "coop_action_dispatcher",
            self._role,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read(self._running))
        async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as client:
            while not await self._answers(client, path):
                assert self._running.returncode is None, self.output
                await asyncio.sleep(0.05)

    async def _read(self, running: asyncio.subprocess.Process) -> None:
        assert running.stdout is not None
        while chunk := await running.stdout.read(65536):
            self.output += chunk.decode(errors="replace")

    async def _answers(self, client: httpx.AsyncClient, path: str) -> bool:
        try:
            found = await client.get(f"http://127.0.0.1:{self.port}{path}")
        except httpx.TransportError:
            return False
        return found.status_code == 200

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{self.port}/metrics")).text

    def kill(self) -> None:
        assert self._running is not None
        self._running.kill()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        if self._running is None:
            return 0
        if self._running.returncode is None:
            self._running.send_signal(number)
        code = await asyncio.wait_for(self._running.wait(), 30)
        if self._reading is not None:
            await self._reading
        return code


@pytest.fixture
async def producer(kafka_bootstrap: str, broker_idempotence: bool) -> AsyncIterator[Producer]:
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )
    made = Producer(settings, client_id="test")
    await made.start()
    yield made
    await made.stop()


class Organisation:
    """An organisation of its own for each test, with its configuration on the log."""

    def __init__(self, producer: Producer) -> None:
        self.id = f"org-{uuid.uuid4().hex[:8]}"
        self.secret = new_webhook_secret()
        self._producer = producer
        self._revision = 0

    @property
    def revision(self) -> int:
        return self._revision

    async def put(self, kind: Kind, document: Document, *, org_id: str | None = None) -> None:
        self._revision += 1
        org_id = org_id or self.id
        event = ConfigChanged(
            event_id=str(uuid.uuid4()),
            org_id=org_id,
            time=datetime.now(UTC),
            correlation_id="test",
            revision=self._revision,
            kind=kind,
            id=document.id,
            document=msgspec.Raw(msgspec.json.encode(document)),
        )
        await self._producer.publish([message_of(event, key=f"{org_id}/{kind}/{document.id}")])

    async def set_up(self, url: str) -> None:
        vault = Vault([KEY])
        private, _ = new_rsa_key()
        keys: list[tuple[str, Literal["RSA_SHA256", "STANDARD_WEBHOOKS"], str]] = [
            ("rsa", "RSA_SHA256", private),
            ("std", "STANDARD_WEBHOOKS", self.secret),
        ]
        for key_id, scheme, secret in keys:
            sealed = vault.encrypt(secret, context=f"{self.id}/{Kind.WEBHOOK_KEY}/{key_id}")
            await self.put(
                Kind.WEBHOOK_KEY,
                WebhookKey(id=key_id, scheme=scheme, secret=sealed, created_at=datetime.now(UTC)),
            )
        await self.put(
            Kind.ITEM_TYPE, ItemType(id="t-1", name="Post", kind="CONTENT", fields=(), version="1")
        )
        await self.put(Kind.ACTION, Action(id="a-1", name="Remove", callback_url=url))
        head = LogHead(id="head", published_at=datetime.now(UTC))
        await self.put(Kind.LOG_HEAD, head, org_id=SYSTEM_ORG)

    async def request(self, *items: str) -> list[ActionRequested]:
        events = [
            ActionRequested(
                event_id=str(uuid.uuid4()),
                org_id=self.id,
                time=datetime.now(UTC),
                correlation_id="submission-1",
                execution_id=str(uuid.uuid4()),
                action_id="a-1",
                item=ItemRef(item, "t-1"),
                source="RULE_EXECUTION",
                config_revision=self._revision,
            )
            for item in items
        ]
        await self.publish(events)
        return events

    async def publish(
        self, events: Sequence[ActionRequested | CallbackRequested | EffectsReversed]
    ) -> None:
        await self._producer.publish(
            [
                message_of(event, key=item_key(event.org_id, event.item.type_id, event.item.id))
                for event in events
            ]
        )


@pytest.fixture
async def organisation(producer: Producer, platform: Any) -> Organisation:
    made = Organisation(producer)
    await made.set_up(platform.url)
    return made


@pytest.fixture
async def process(
    database: Any,
    dispatch_url: str,
    kafka_bootstrap: str,
    broker_idempotence: bool,
    redis_url: str,
    organisation: Organisation,
) -> AsyncIterator[Process]:
    made = Process(
        {
            "COOP_KAFKA": kafka_bootstrap,
            "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
            "COOP_POSTGRES": dispatch_url,
            "COOP_REDIS": redis_url,
            "COOP_SECRET_KEYS": base64.b64encode(KEY).decode(),
            "COOP_EGRESS_ALLOW": "127.0.0.0/8",
            "COOP_DELIVERY_RETRY_DELAYS": "0.2,0.2,0.2",
            "COOP_DELIVERY_HEARTBEAT": "0.3",
            "COOP_DELIVERY_OWNER_TIMEOUT": "1",
        }
    )
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


@pytest.fixture
def deliveries(database: Any, organisation: Organisation) -> Callable[[], Any]:
    """The organisation's deliveries as (execution id, state, attempts), in order."""

    async def query() -> list[tuple[str, str, int]]:
        async with database.connect() as connection:
            found = await connection.execute(
                text(
                    "SELECT execution_id::text, state, attempts FROM dispatch.deliveries"
                    " WHERE org_id = :org ORDER BY seq"
                ),
                {"org": organisation.id},
            )
            return [tuple(row) for row in found]

    return query


@pytest.fixture
def results(kafka_bootstrap: str, organisation: Organisation) -> Callable[..., Any]:
    """Reads the organisation's ActionDelivered events until there are as many as expected."""

    async def read(count: int) -> list[ActionDelivered]:
        consumer = KafkaConsumer(
            {
                "bootstrap.servers": kafka_bootstrap,
                "group.id": f"test-{uuid.uuid4().hex}",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 20,  # Tansu answers a waiting fetch late
            }
        )
        topic = next(one for one in all_topics() if one.topic == ActionDelivered.topic)
        consumer.assign(
            [
                TopicPartition(topic.topic, number, OFFSET_BEGINNING)
                for number in range(topic.partitions)
            ]
        )
        found: list[ActionDelivered] = []
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(20):
                while len(found) < count:
                    message = await loop.run_in_executor(None, consumer.poll, 0.5)
                    if message is None or message.error():
                        continue
                    value = message.value()
                    assert value is not None
                    event = msgspec.json.decode(value, type=ActionDelivered)
                    if event.org_id == organisation.id:
                        found.append(event)
        finally:
            consumer.close()
        return found

    return read


async def test_from_the_log_to_the_platform_and_back(
    process: Process,
    organisation: Organisation,
    platform: Any,
    deliveries: Any,
    results: Any,
    eventually: Any,
) -> None:
    """A request on the log arrives signed at the platform; its end arrives on the log; it stops."""
    requested = await organisation.request("a", "b", "a")
    await eventually(lambda: len(platform.hits) == 3)
    ids = [event.execution_id for event in requested]
    assert sorted(platform.ids()) == sorted(ids)
    assert platform.ids().index(ids[0]) < platform.ids().index(ids[2])
    for hit in platform.hits:
        Webhook(organisation.secret).verify(hit.body, hit.headers)
        assert "coop-signature" in hit.headers
    ended = await results(3)
    assert {(event.execution_id, event.state) for event in ended} == {
        (execution_id, "DELIVERED") for execution_id in ids
    }
    assert 'coop_delivery_attempts_total{outcome="2xx"} 3.0' in await process.metrics()
    assert await process.stop() == 0
    assert "url-secret" not in process.output


async def test_a_replay_of_the_log_sends_nothing_twice(
    process: Process, organisation: Organisation, platform: Any, deliveries: Any, eventually: Any
) -> None:
    """The same requests again, under new offsets, make no second delivery."""
    requested = await organisation.request("a", "b")
    await eventually(lambda: len(platform.hits) == 2)
    await organisation.publish(requested)
    (marker,) = await organisation.request("c")
    await eventually(lambda: marker.execution_id in platform.ids())
    (last,) = await organisation.request("a")
    await eventually(lambda: last.execution_id in platform.ids())
    assert len(platform.hits) == 4
    assert len(await deliveries()) == 4


@pytest.mark.parametrize("answered", [False, True])
async def test_killed_between_send_and_record(
    process: Process,
    organisation: Organisation,
    platform: Any,
    answer: Any,
    deliveries: Any,
    results: Any,
    eventually: Any,
    answered: bool,
) -> None:
    """Killed with -9 before it could record: sent again with the same id and body, counted once."""

    async def kill(_hit: Any, writer: Any) -> None:
        if len(platform.hits) == 1:
            os.kill(process_id, signal.SIGSTOP)
            if answered:
                await answer(writer)
            process.kill()
        else:
            await answer(writer)

    assert process._running is not None
    process_id = process._running.pid
    platform.behave = kill
    first, second = await organisation.request("a", "a")
    await eventually(lambda: len(platform.hits) == 1)
    await process.stop(signal.SIGKILL)
    assert [state for _, state, _ in await deliveries()] == ["PENDING", "PENDING"]
    # Not ready while the broker still waits for the dead member, yet it delivers already.
    await process.start(path="/livez")
    await eventually(lambda: len(platform.hits) == 3, 15)
    assert platform.ids() == [first.execution_id, first.execution_id, second.execution_id]
    assert platform.hits[0].body == platform.hits[1].body
    ended = await results(2)
    assert [event.execution_id for event in ended] == [first.execution_id, second.execution_id]
    assert [row[1:] for row in await deliveries()] == [("DELIVERED", 1), ("DELIVERED", 1)]


async def test_retries_survive_a_restart(
    process: Process,
    organisation: Organisation,
    platform: Any,
    answer: Any,
    deliveries: Any,
    eventually: Any,
) -> None:
    """A delivery that waits for its next attempt is tried by the next process."""

    async def fail(_hit: Any, writer: Any) -> None:
        await answer(writer, 500)

    platform.behave = fail
    (request,) = await organisation.request("a")

    async def tried() -> bool:
        return bool((rows := await deliveries()) and rows[0][2] >= 1)

    await eventually(tried)
    await process.stop(signal.SIGKILL)
    before = len(platform.hits)
    platform.behave = type(platform)().behave
    await process.start(path="/livez")
    await eventually(lambda: len(platform.hits) > before)
    assert set(platform.ids()) == {request.execution_id}

    async def delivered() -> bool:
        return bool((await deliveries())[0][1] == "DELIVERED")

    await eventually(delivered)


async def test_callbacks_from_the_log_survive_a_kill(
    process: Process, organisation: Organisation, platform: Any, deliveries: Any, eventually: Any
) -> None:
    """Killed after the platform has it and before that is written, a callback that is on the log
    twice goes out again under the same id, with the same bytes, and ends once."""
    settings = OrgSettings(
        id="settings",
        name="Acme",
        appeal_callback_url=platform.url,
        appeal_callback_body={"team": "trust"},
    )
    await organisation.put(Kind.SETTINGS, settings)
    callback = CallbackRequested(
        event_id=str(uuid.uuid4()),
        org_id=organisation.id,
        time=datetime.now(UTC),
        correlation_id="report-1",
        callback_id=str(uuid.uuid4()),
        callback="APPEAL_DECISION",
        item=ItemRef("a", "t-1"),
        decision_id="decision-1",
        config_revision=organisation.revision,
        body=msgspec.Raw(b'{"appealId":"appeal-1","appealDecision":"REJECT"}'),
    )

    async def hang(_hit: Any, _writer: Any) -> None:
        await asyncio.sleep(60)

    honest, platform.behave = platform.behave, hang
    await organisation.publish([callback, callback])
    await eventually(lambda: platform.hits, 30.0)
    await process.stop(signal.SIGKILL)
    platform.behave = honest
    # Not ready while the broker still waits for the dead member, yet it delivers already.
    await process.start(path="/livez")

    async def done() -> bool:
        return [(id_, state) for id_, state, _ in await deliveries()] == [
            (callback.callback_id, "DELIVERED")
        ]

    await eventually(done, 30.0)
    assert set(platform.ids()) == {callback.callback_id}
    (body,) = {hit.body for hit in platform.hits}
    assert json.loads(body) == {
        "appealId": "appeal-1",
        "appealDecision": "REJECT",
        "custom": {"team": "trust"},
    }
    for hit in platform.hits:
        Webhook(organisation.secret).verify(hit.body, hit.headers)


async def test_strikes_from_the_log_to_the_platform_and_away_again(
    process: Process, organisation: Organisation, platform: Any, redis_url: str, eventually: Any
) -> None:
    """A threshold that two requests reach acts on the user, through the log; Redis knows the
    strikes; a reversal on the log takes them away."""
    member = ItemType(id="u-1", name="Member", kind="USER", fields=(), version="1")
    threshold = StrikeThreshold(threshold=4, action_ids=("a-ban",))
    await organisation.put(Kind.ITEM_TYPE, member)
    await organisation.put(Kind.POLICY, Policy(id="p-2", name="Hate", user_strike_count=2))
    for action_id in ("a-strike", "a-ban"):
        await organisation.put(
            Kind.ACTION,
            Action(
                id=action_id,
                name=action_id,
                callback_url=platform.url,
                apply_user_strikes=True,
            ),
        )
    await organisation.put(
        Kind.SETTINGS, OrgSettings(id="settings", name="Acme", user_strike_thresholds=(threshold,))
    )

    def strike(item: str) -> ActionRequested:
        return ActionRequested(
            event_id=str(uuid.uuid4()),
            org_id=organisation.id,
            time=datetime.now(UTC),
            correlation_id=f"submission of {item}",
            execution_id=str(uuid.uuid4()),
            action_id="a-strike",
            item=ItemRef(item, "t-1"),
            creator=ItemRef("user-1", "u-1"),
            source="RULE_EXECUTION",
            config_revision=organisation._revision,
            policy_ids=("p-2",),
        )

    requests = [strike("a"), strike("b")]
    await organisation.publish(requests)
    await eventually(lambda: len(platform.hits) == 3, 30)
    bodies = [json.loads(hit.body) for hit in platform.hits]
    (ban,) = [body for body in bodies if body["action"]["id"] == "a-ban"]
    assert (ban["item"]["id"], ban["item"]["typeName"]) == ("user-1", "Member")
    assert (ban["policies"], ban["rules"]) == ([], [])
    assert "actorEmail" not in ban
    assert ban["creator"] == {"id": "user-1", "typeId": "u-1"}
    assert ban["userStrikeCount"] == 4
    told = sorted(body["userStrikeCount"] for body in bodies if body is not ban)
    assert told == [2, 4]

    client = redis.asyncio.Redis.from_url(redis_url)
    key = f"coop:strikes:{organisation.id}:u-1:user-1"

    async def weights() -> list[int]:
        return [weight for _, weight in json.loads(await client.get(key) or b"[]")]

    async def all_known() -> bool:
        return bool(await weights() == [2, 2])

    async def none_left() -> bool:
        return bool(await weights() == [])

    try:
        await eventually(all_known, 30)
        await organisation.publish(
            [
                EffectsReversed(
                    event_id=str(uuid.uuid4()),
                    org_id=organisation.id,
                    time=datetime.now(UTC),
                    correlation_id="undo",
                    execution_id=request.execution_id,
                    item=request.item,
                )
                for request in requests
            ]
        )
        await eventually(none_left, 30)
    finally:
        await client.aclose()
    assert len(platform.hits) == 3


async def test_the_internal_api_is_a_process_of_its_own(
    database: Any,
    dispatch_url: str,
    process: Process,
    organisation: Organisation,
    platform: Any,
    eventually: Any,
    kafka_bootstrap: str,
    broker_idempotence: bool,
) -> None:
    """It answers whoever shows the secret, from what the dispatcher did, sends trials, and stops in
    order."""
    (requested,) = await organisation.request("a")
    await eventually(lambda: len(platform.hits) == 1)
    port = free_port()
    api = Process(
        {
            "COOP_KAFKA": kafka_bootstrap,
            "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
            "COOP_POSTGRES": dispatch_url,
            "COOP_SECRET_KEYS": base64.b64encode(KEY).decode(),
            "COOP_EGRESS_ALLOW": "127.0.0.0/8",
            "COOP_INTERNAL_TOKEN": "s" * 32,
            "COOP_DISPATCH_PORT": str(port),
        },
        role="api",
    )
    await api.start()
    try:
        url = f"http://127.0.0.1:{port}/internal/v1/orgs/{organisation.id}/deliveries"
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).status_code == 401
            headers = {"Authorization": "Bearer " + "s" * 32}

            async def delivered() -> bool:
                answer = await client.get(f"{url}/{requested.execution_id}", headers=headers)
                return answer.status_code == 200 and answer.json()["state"] == "DELIVERED"

            await eventually(delivered)
            trial = {
                "trialId": str(uuid.uuid4()),
                "item": {"id": "coop-test", "typeId": "t-1"},
                "configRevision": organisation.revision - 1,  # the last is of the log itself
            }
            trials = f"{url.removesuffix('deliveries')}actions/a-1/trials"

            async def tried() -> bool:  # its configuration comes by the log
                answer = await client.post(trials, json=trial, headers=headers)
                return answer.status_code == 200 and answer.json()["status"] == 200

            await eventually(tried)
            assert trial["trialId"] in platform.ids()
    finally:
        assert await api.stop() == 0
    assert "s" * 32 not in api.output
