"""What Coop's documentation tells platforms to send, sent to the real ingest: its answer, and what
is on the log of it.

The bodies are those of Coop's public documents (docs/api/items.md, report.md, appeal.md, and the
earlier APPEALS.md and NCMEC.md), and of what its code takes beside them (nested types, the older
content route, orders of actions). Ids are as they stand there: the organisation has types, actions
and policies of these names. What waits for rules (`sync`) is in `tests/journey/test_sync.py`.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from coop_contracts.config import (
    Action,
    ApiKey,
    Document,
    Field,
    ItemType,
    Kind,
    OrgSettings,
    Policy,
    ScalarType,
)
from coop_contracts.event import ActionOrdered, AppealSubmitted, ItemSubmitted, ReportSubmitted
from coop_local.tested_process import RoleProcess, configure
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

pytestmark = pytest.mark.engines

Json = dict[str, Any]

_EVENTS: dict[str, type[Any]] = {
    one.topic: one for one in (ItemSubmitted, ReportSubmitted, AppealSubmitted, ActionOrdered)
}
_SECONDS = 30.0


def _type(type_id: str, kind: Any, **fields: str) -> tuple[Kind, Document]:
    made = tuple(Field(name=name, type=ScalarType(scalar)) for name, scalar in fields.items())
    return Kind.ITEM_TYPE, ItemType(
        id=type_id, name=f"The {type_id}", kind=kind, version="version-id", fields=made
    )


def _action(action_id: str, *types: str) -> tuple[Kind, Document]:
    return Kind.ACTION, Action(
        id=action_id, name=action_id, item_type_ids=types, callback_url="https://p.example/"
    )


DOCUMENTS: list[tuple[Kind, Document]] = [
    _type("your-item-type-id", "CONTENT", fieldName1="STRING", fieldName2="NUMBER"),
    _type("item-type-id", "CONTENT", fieldName="STRING"),
    _type("message-type-id", "CONTENT", content="STRING"),
    _type("jkl234", "CONTENT", text="STRING"),
    _type("reporter-user-type-id", "USER", name="STRING"),
    _type("appealer-user-type-id", "USER", name="STRING"),
    _type("def456", "USER", name="STRING"),
    _action("action-id-1", "item-type-id"),
    _action("action-id-2", "item-type-id"),
    _action("mno654", "jkl234"),
    *((Kind.POLICY, Policy(id=f"policy-id-{n}", name=f"Policy {n}")) for n in (1, 2)),
    (Kind.POLICY, Policy(id="violated-policy-id", name="Violence")),
    (Kind.SETTINGS, OrgSettings(id="settings", name="Largo", has_appeals_enabled=True)),
]


def _key_of(org: str) -> str:
    return f"the key that {org} has had all the time"


def _api_key(org: str) -> tuple[Kind, Document]:
    hashed = hashlib.sha256(_key_of(org).encode()).hexdigest()
    created = datetime(2025, 1, 1, tzinfo=UTC)
    return Kind.API_KEY, ApiKey(id="key", name="key", key_hash=hashed, created_at=created)


ITEM = {
    "id": "unique-item-id-123",
    "typeId": "your-item-type-id",
    "data": {"fieldName1": "value1", "fieldName2": 123},
}
REPORT: Json = {
    "reporter": {"kind": "user", "typeId": "reporter-user-type-id", "id": "reporter-user-id"},
    "reportedAt": "2024-01-15T10:30:00.000Z",
    "reportedForReason": {
        "policyId": "violated-policy-id",
        "reason": "Free-text reason from reporter",
        "csam": False,
    },
    "reportedItem": {
        "id": "reported-item-id",
        "data": {"fieldName": "value"},
        "typeId": "item-type-id",
    },
    "reportedItemThread": [
        {
            "id": "thread-message-1",
            "data": {"content": "message content"},
            "typeId": "message-type-id",
        }
    ],
    "reportedItemsInThread": [{"id": "specific-reported-message", "typeId": "message-type-id"}],
    "additionalItems": [{"id": "additional-context-item", "data": {}, "typeId": "item-type-id"}],
}
APPEAL: Json = {
    "appealId": "platform-internal-appeal-id",
    "appealedBy": {"typeId": "appealer-user-type-id", "id": "appealer-user-id"},
    "appealedAt": "2024-01-15T12:00:00.000Z",
    "actionedItem": {
        "id": "item-that-was-actioned",
        "data": {"fieldName": "value"},
        "typeId": "item-type-id",
    },
    "actionsTaken": ["action-id-1", "action-id-2"],
    "appealReason": "User's explanation for why they are appealing",
    "violatingPolicies": [{"id": "policy-id-1"}, {"id": "policy-id-2"}],
    "additionalItems": [{"id": "additional-context-item", "data": {}, "typeId": "item-type-id"}],
}
EARLIER_APPEAL: Json = {
    "appealId": "3cc76649-f99b-4ce2-b45f-4f40e7115e2a",
    "appealedBy": {"id": "abc123", "typeId": "def456"},
    "appealedAt": "2022-10-16 17:47:55.781-05",
    "actionedItem": {
        "id": "ghi789",
        "typeId": "jkl234",
        "data": {"text": "some text commented by a user"},
    },
    "actionsTaken": ["mno654"],
    "appealReason": "I dont believe this violates any site policies, but was taken down anyway",
    "additionalItems": [
        {"id": "hij123", "typeId": "jkl234", "data": {"text": "some post"}},
        {"id": "rst567", "typeId": "jkl234", "data": {"text": "another post"}},
    ],
    "violatingPolicies": [{"id": "ghi789"}, {"id": "jkl321"}],
}
REPORT_OF_NCMEC: Json = {
    "reporter": {"id": "user123", "typeId": "reporter-user-type-id"},
    "reportedAt": "2025-01-01T00:00:00Z",
    "reportedItem": {"id": "content456", "typeId": "item-type-id", "data": {}},
    "reportedForReason": {"csam": True},
}
ORDER: Json = {
    "actionId": "action-id-1",
    "itemId": "item-id",
    "itemTypeId": "item-type-id",
    "policyIds": ["policy-id-1", "policy-id-2"],
    "reportedItems": [{"id": "item-id", "typeId": "item-type-id"}],
    "actorId": "an-old-user-of-coop",
    "parameters": {},
    "note": "from our own tools",
}
CONTENT: Json = {
    "contentType": "The item-type-id",
    "contentId": "older-1",
    "content": {"fieldName": "value"},
    "userId": "user-123",
}


class Case(NamedTuple):
    """One request; `kept` are the ids of the items that are on the log of it."""

    path: str
    body: Json
    status: int
    topic: str
    kept: tuple[str, ...]


ITEMS, REPORTS = ItemSubmitted.topic, ReportSubmitted.topic
APPEALS, ORDERS = AppealSubmitted.topic, ActionOrdered.topic
_NESTED = {"id": "nested-1", "data": {"fieldName1": "a"}, "type": {"id": "your-item-type-id"}}
_VERSIONED = {**ITEM, "id": "versioned-1", "typeVersion": "version-id"}
_PARTIAL = {**ITEM, "id": "partial-1", "data": {}, "typeSchemaVariant": "partial"}
_IMAGES = {
    **ITEM,
    "id": "with-images",
    "data": {"fieldName1": "a", "images": ["https://images.example/1.png"]},
}
_WRONG = {**ITEM, "id": "wrong-1", "data": {"fieldName2": "no number"}}
_CSAM = {**REPORT_OF_NCMEC, "reporter": REPORT["reporter"]}

CASES = {
    "items": Case("/items/async/", {"items": [ITEM]}, 202, ITEMS, (str(ITEM["id"]),)),
    "items, without the slash": Case(
        "/items/async", {"items": [_NESTED, _VERSIONED, _PARTIAL]}, 202, ITEMS,
        ("nested-1", "versioned-1", "partial-1"),
    ),
    "items with images": Case("/items/async/", {"items": [_IMAGES]}, 202, ITEMS, ("with-images",)),
    "content, the older form": Case("/content/", CONTENT, 202, ITEMS, ("older-1",)),
    "a report": Case("/report", REPORT, 201, REPORTS, ("reported-item-id",)),
    "a report, with the slash": Case(
        "/report/", {**REPORT, "reportedItem": {**REPORT["reportedItem"], "id": "slash-1"}}, 201,
        REPORTS, ("slash-1",),
    ),
    "a report of abuse": Case("/report", _CSAM, 201, REPORTS, ("content456",)),
    "an appeal": Case("/report/appeal", APPEAL, 204, APPEALS, ("item-that-was-actioned",)),
    "an appeal, of the earlier document": Case(
        "/report/appeal", EARLIER_APPEAL, 204, APPEALS, ("ghi789",)
    ),
    "an order": Case("/actions/", ORDER, 202, ORDERS, ("item-id",)),
}  # fmt: skip


class Refused(NamedTuple):
    """A request that Coop refuses, and the same put right: about the same items, so that what the
    first had left on the log would be there before it."""

    path: str
    wrong: Json
    right: Json
    error: str
    topic: str
    ids: tuple[str, ...]


_BESIDE = {**ITEM, "id": "beside-a-wrong-one"}
_ABUSE = {**REPORT_OF_NCMEC, "reportedItem": {**REPORT_OF_NCMEC["reportedItem"], "id": "abuse-1"}}

REFUSED = {
    "a batch with one wrong item": Refused(
        "/items/async/",
        {"items": [_BESIDE, _WRONG]},
        {"items": [_BESIDE, {**ITEM, "id": "wrong-1"}]},
        "/errors/data-invalid-for-item-type",
        ITEMS,
        ("beside-a-wrong-one", "wrong-1"),
    ),
    # Coop's document leaves `kind` out, and its code refuses that.
    "a report of nobody's kind": Refused(
        "/report",
        _ABUSE,
        {**_ABUSE, "reporter": REPORT["reporter"]},
        "/errors/invalid-user-input",
        REPORTS,
        ("abuse-1",),
    ),
}


class Log:
    """What is on the topics about one organisation."""

    def __init__(self, bootstrap: str, org: str) -> None:
        self._key = f"{org}/".encode()
        self._seen: list[Any] = []
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"test-{org}"})
        known = self._consumer.list_topics(timeout=20).topics
        places = [TopicPartition(t, p, 0) for t in _EVENTS for p in known[t].partitions]
        self._consumer.assign(places)

    async def events(self, topic: str, *item_ids: str) -> list[Any]:
        """The events about these items, in their order, once all are there."""
        async with asyncio.timeout(_SECONDS):
            while True:
                found = {one.item.id: one for one in self._seen if isinstance(one, _EVENTS[topic])}
                if found.keys() >= set(item_ids):
                    return [found[item_id] for item_id in item_ids]
                await self._read()

    def count(self, item_id: str) -> int:
        """Events about that item, as far as was read."""
        return sum(one.item.id == item_id for one in self._seen)

    async def _read(self) -> None:
        for record in await asyncio.to_thread(self._consumer.consume, 500, 0.2):
            value, topic, key = record.value(), record.topic(), record.key()
            # Others write to the topics of this session too, and not only what can be read.
            if record.error() is None and value and topic and key and key.startswith(self._key):
                self._seen.append(msgspec.json.decode(value, type=_EVENTS[topic]))

    def close(self) -> None:
        self._consumer.close()


class Platform:
    """Sends as a platform of Coop's does, with the key that it has."""

    def __init__(self, port: int, org: str) -> None:
        self._key = _key_of(org)
        base = f"http://127.0.0.1:{port}/api/v1"
        self._http = httpx.AsyncClient(base_url=base, trust_env=False, timeout=20)

    async def send(self, path: str, body: Json, **headers: str) -> httpx.Response:
        told = {"X-API-KEY": self._key, "Content-Type": "application/json"} | headers
        content = json.dumps(body).encode()
        if headers.get("Content-Encoding") == "gzip":
            content = gzip.compress(content)
        return await self._http.post(path, content=content, headers=told)

    async def get(self, path: str) -> httpx.Response:
        return await self._http.get(path, headers={"X-API-KEY": self._key})

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture(scope="module")
def org() -> str:
    return f"org-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
async def ingest(
    org: str, kafka_bootstrap: str, broker_idempotence: bool, redis_url: str
) -> AsyncIterator[RoleProcess]:
    """A process of its own, on the real broker, with the organisation of the documents."""
    kafka: Json = {"kafka": kafka_bootstrap, "kafka_idempotence": broker_idempotence}
    producer = Producer(
        RuntimeSettings(**kafka, internal_port=0), client_id="test", delivery_timeout=30
    )
    await producer.start()
    await configure(producer, org, *DOCUMENTS, _api_key(org))
    await producer.stop()
    environment = {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_REDIS": redis_url,
        "COOP_INTERNAL_TOKEN": "the-stacks-token",
    }
    made = RoleProcess("coop_ingest", "api", environment, port_setting="COOP_INGEST_PORT")
    with made as process:
        process.start()
        yield process


@pytest.fixture(scope="module")
def log(ingest: RoleProcess, kafka_bootstrap: str, org: str) -> Iterator[Log]:
    made = Log(kafka_bootstrap, org)
    yield made
    made.close()


@pytest.fixture(scope="module")
async def platform(ingest: RoleProcess, org: str) -> AsyncIterator[Platform]:
    made = Platform(ingest.port, org)
    yield made
    await made.close()


@pytest.mark.parametrize("name", CASES)
async def test_a_request_of_coops_documents(platform: Platform, log: Log, name: str) -> None:
    """The status that Coop gives, and what it keeps is on the log."""
    path, body, status, topic, kept = CASES[name]
    answer = await platform.send(path, body)
    assert answer.status_code == status, answer.text
    await log.events(topic, *kept)


@pytest.mark.parametrize("name", REFUSED)
async def test_a_request_that_coop_refuses(platform: Platform, log: Log, name: str) -> None:
    """400 with an error of the documented form, and nothing of it is kept."""
    path, wrong, right, kind, topic, ids = REFUSED[name]
    answer = await platform.send(path, wrong)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["status"], error["type"][0]) == (400, kind)
    assert (await platform.send(path, right)).is_success
    await log.events(topic, *ids)
    assert [log.count(one) for one in ids] == [1] * len(ids)


async def test_an_item_keeps_what_was_sent(platform: Platform, log: Log) -> None:
    """Its data as they were, an unknown field too, which the answer names."""
    sent = {**_IMAGES, "id": "kept-whole"}
    answer = await platform.send("/items/async/", {"items": [sent]}, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["x-coop-unknown-fields"] == "images"
    (event,) = await log.events(ITEMS, "kept-whole")
    assert msgspec.json.decode(event.item.data) == sent["data"]


async def test_a_report_keeps_everything_that_was_said(platform: Platform, log: Log) -> None:
    """Who, when, why, the thread, what in it, and what is beside it."""
    item = {**REPORT["reportedItem"], "id": "reported-whole"}
    answer = await platform.send("/report", {**REPORT, "reportedItem": item})
    (event,) = await log.events(REPORTS, "reported-whole")
    assert answer.json() == {"reportId": event.report_id}
    assert (event.reporter.id, event.reporter.type_id) == (
        "reporter-user-id",
        "reporter-user-type-id",
    )
    assert event.reported_at == datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    assert event.reason.policy_id == "violated-policy-id"
    assert event.reason.reason == "Free-text reason from reporter"
    assert [one.id for one in event.thread_items] == ["thread-message-1"]
    assert [one.id for one in event.reported_in_thread] == ["specific-reported-message"]
    assert [one.id for one in event.additional_items] == ["additional-context-item"]


async def test_an_appeal_keeps_everything_that_was_said(platform: Platform, log: Log) -> None:
    """The time of the earlier document too, whose form is none of the standard's."""
    item = {**EARLIER_APPEAL["actionedItem"], "id": "appealed-whole"}
    answer = await platform.send("/report/appeal", {**EARLIER_APPEAL, "actionedItem": item})
    assert (answer.status_code, answer.content) == (204, b"")
    (event,) = await log.events(APPEALS, "appealed-whole")
    assert event.appeal_id == EARLIER_APPEAL["appealId"]
    assert event.appealed_at == datetime(2022, 10, 16, 22, 47, 55, 781000, tzinfo=UTC)
    assert [one.id for one in event.additional_items] == ["hij123", "rst567"]


async def test_policies_are_told_as_coop_tells_them(platform: Platform) -> None:
    """By id, name and parent."""
    for path in ("/policies/", "/policies"):
        answer = await platform.get(path)
        assert answer.status_code == 200
        found = answer.json()["policies"]
        assert {one["id"] for one in found} == {"policy-id-1", "policy-id-2", "violated-policy-id"}
        assert {frozenset(one) for one in found} == {frozenset({"id", "name", "parentId"})}


@pytest.mark.parametrize("key", ["", "no such key"])
async def test_without_the_key_nothing_is_taken(platform: Platform, key: str) -> None:
    """401, and an error of the documented form."""
    answer = await platform.send("/items/async/", {"items": [ITEM]}, **{"X-API-KEY": key})
    assert answer.status_code == 401
    (error,) = answer.json()["errors"]
    assert error["type"] == ["/errors/authentication-failed-or-missing"]
