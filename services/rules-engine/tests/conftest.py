"""An organisation's configuration, items, and a broker edge that keeps what it is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from redis import Redis

from coop_contracts.config import (
    Action,
    Document,
    Field,
    FieldRoles,
    ItemType,
    Kind,
    Policy,
    Rule,
    ScalarType,
    TextBank,
)
from coop_contracts.event import (
    ActionRequested,
    EvaluationDeferred,
    Event,
    ItemRef,
    ItemSubmitted,
    ReviewRequested,
    RulesEvaluated,
    RuleTripped,
    SubmittedItem,
)
from coop_local.valkey import Valkey
from coop_rules.program.state import Facts
from coop_rules_engine.counter.limit import Limiter
from coop_rules_engine.counter.rebuild import LOOK_SECONDS, Rebuilder
from coop_rules_engine.counter.redis_store import GROUP_MEMBERS, CounterStore
from coop_rules_engine.counter.value import CounterValues, RegistryRules
from coop_rules_engine.lane.fast import SLICE_SECONDS, ItemHandler
from coop_rules_engine.lane.verdict import Verdicts
from coop_rules_engine.rules.registry import NEWER_SECONDS, Registry
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.message import Message, Received
from coop_runtime.process.settings import RuntimeSettings

ORG = "org"
AWAY = "redis://127.0.0.1:1/0"  # nobody listens there
VERSION = "2026-01-01T00:00:00.000000Z"
TYPES = {
    kind.topic: kind
    for kind in (
        RulesEvaluated,
        ActionRequested,
        ReviewRequested,
        EvaluationDeferred,
        RuleTripped,
    )
}


def contains(*strings: str, banks: tuple[str, ...] = ()) -> dict[str, Any]:
    name = "TEXT_MATCHING_CONTAINS_TEXT"
    return {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"id": json.dumps({"type": name}), "type": name},
        "matchingValues": {"strings": list(strings), "textBankIds": list(banks)},
    }


def signal(name: str, field: str | None, **others: Any) -> dict[str, Any]:
    """A condition on a signal of a field (None: the author)."""
    source: dict[str, Any] = {"type": "CONTENT_FIELD", "name": field, "contentTypeId": "post"}
    return {
        "input": {"type": "USER_ID"} if field is None else source,
        "signal": {"id": json.dumps({"type": name}), "type": name},
        **others,
    }


def at_least(condition: dict[str, Any], threshold: float) -> dict[str, Any]:
    return condition | {"comparator": "GREATER_THAN_OR_EQUALS", "threshold": threshold}


def strikes(threshold: float) -> dict[str, Any]:
    return at_least(signal("USER_STRIKE_VALUE", None), threshold)


def hate(threshold: float) -> dict[str, Any]:
    return at_least(signal("OPEN_AI_HATE_TEXT_MODEL", "text"), threshold)


def image(*banks: str) -> dict[str, Any]:
    return signal("IMAGE_SIMILARITY_MATCH", "image", matchingValues={"imageBankIds": list(banks)})


def counted(
    threshold: float, *, seconds: float = 3600, only: Any = None, type_ids: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A condition on how many items the author has had within a window."""
    clause: dict[str, Any] = {
        "id": "x",
        "aggregation": {"type": "COUNT"},
        "groupBy": [{"type": "USER_ID"}],
        "window": {"sizeMs": seconds * 1000, "hopMs": 1000},
    }
    if only is not None:
        clause["conditionSet"] = both(only)
    return {
        "input": {"type": "FULL_ITEM"},
        "signal": {
            "id": json.dumps({"type": "AGGREGATION"}),
            "type": "AGGREGATION",
            "args": {"aggregationClause": clause},
        },
        "comparator": "GREATER_THAN_OR_EQUALS",
        "threshold": threshold,
    }


def both(*conditions: Any) -> dict[str, Any]:
    return {"conjunction": "AND", "conditions": list(conditions)}


def either(*conditions: Any) -> dict[str, Any]:
    return {"conjunction": "OR", "conditions": list(conditions)}


def rule(rule_id: str, condition: Any, *, status: str = "LIVE", **others: Any) -> Rule:
    return Rule(
        id=rule_id,
        name=f"Rule {rule_id}",
        status=status,  # type: ignore[arg-type]
        item_type_ids=others.pop("item_type_ids", ("post",)),
        condition_set=condition if "conjunction" in condition else both(condition),
        **others,
    )


def post_type() -> ItemType:
    fields = (
        Field(name="text", type=ScalarType.STRING),
        Field(name="likes", type=ScalarType.NUMBER),
        Field(name="image", type=ScalarType.IMAGE),
        Field(name="video", type=ScalarType.VIDEO),
        Field(name="made", type=ScalarType.DATETIME),
    )
    roles = FieldRoles(created_at="made")
    return ItemType(
        id="post", name="Post", kind="CONTENT", version=VERSION, fields=fields, field_roles=roles
    )


def documents() -> list[tuple[Kind, Document]]:
    """An item type, three actions, two policies and no rules."""
    return [
        (Kind.ITEM_TYPE, post_type()),
        (Kind.ACTION, Action(id="delete", name="Delete", item_type_ids=("post",))),
        (Kind.ACTION, Action(id="warn", name="Warn", applies_to_all_items_of_kind=("CONTENT",))),
        (Kind.ACTION, Action(id="other", name="Other", item_type_ids=("comment",))),
        (
            Kind.ACTION,
            Action(
                id="review",
                name="Review",
                action_type="ENQUEUE_TO_MRT",  # type: ignore[arg-type]
                applies_to_all_items_of_kind=("CONTENT", "USER", "THREAD"),
            ),
        ),
        (
            Kind.ACTION,
            Action(
                id="author",
                name="Author",
                action_type="ENQUEUE_AUTHOR_TO_MRT",  # type: ignore[arg-type]
                applies_to_all_items_of_kind=("CONTENT",),
            ),
        ),
        (
            Kind.ACTION,
            Action(
                id="ncmec",
                name="NCMEC",
                action_type="ENQUEUE_TO_NCMEC",  # type: ignore[arg-type]
                applies_to_all_items_of_kind=("CONTENT", "USER"),
            ),
        ),
        (Kind.POLICY, Policy(id="p1", name="Spam")),
        (Kind.POLICY, Policy(id="p2", name="Fraud")),
        (Kind.TEXT_BANK, TextBank(id="bank", name="Bank", type="STRING", strings=("viagra",))),
    ]


def submission(data: Any, **others: Any) -> ItemSubmitted:
    raw = data if isinstance(data, bytes) else msgspec.json.encode(data)
    number = others.pop("number", 1)
    return ItemSubmitted(
        event_id=f"event-{number}",
        org_id=others.pop("org_id", ORG),
        time=others.pop("time", datetime(2026, 1, 2, tzinfo=UTC)),
        correlation_id=f"correlation-{number}",
        submission_id=f"submission-{number}",
        item=SubmittedItem(
            id=others.pop("item_id", f"item-{number}"),
            type_id=others.pop("type_id", "post"),
            type_version=VERSION,
            data=msgspec.Raw(raw),
            creator=others.pop("creator", ItemRef("user-1", "user")),
        ),
        request_id="request",
        config_revision=others.pop("config_revision", 1),
        awaits_media=others.pop("awaits_media", False),
        reply_to=others.pop("reply_to", None),
    )


def received(event: ItemSubmitted) -> Received[ItemSubmitted]:
    headers = {"traceparent": b"00-11111111111111111111111111111111-2222222222222222-01"}
    return Received(event, b"key", "coop.items.v1", 0, 0, headers, 0)


@dataclass
class Broker:
    """The broker edge: keeps messages, acknowledges when told to."""

    messages: list[Message] = field(default_factory=list)
    acknowledge: bool = True

    def begin(self, messages: Sequence[Message]) -> Awaitable[None]:
        self.messages += messages
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.acknowledge:
            future.set_result(None)
        return future

    def events(self, kind: type[Event] | None = None) -> list[Any]:
        decoded = [msgspec.json.decode(m.value, type=TYPES[m.topic]) for m in self.messages]
        return [event for event in decoded if kind is None or isinstance(event, kind)]


@dataclass
class Engine:
    """A handler over a table that tests change."""

    table: ConfigTable
    registry: Registry
    broker: Broker
    handler: ItemHandler
    revision: int
    store: CounterStore
    rebuilder: Rebuilder
    verdicts: Verdicts

    def put(self, kind: Kind, document: Document) -> int:
        return self.change(kind, document.id, document)

    def change(self, kind: Kind, document_id: str, document: Document | None) -> int:
        self.revision += 1
        self.table.apply(ConfigChange(ORG, kind, document_id, document, self.revision))
        return self.revision

    async def handle(self, *events: ItemSubmitted) -> None:
        settlement = await self.handler([received(event) for event in events])
        async with asyncio.timeout(5):
            await settlement


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a test may have otherwise than production."""

    newer_seconds: float = NEWER_SECONDS
    look_seconds: float = LOOK_SECONDS
    slice_seconds: float = SLICE_SECONDS
    group_members: int = GROUP_MEMBERS


Start = Callable[..., Engine]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts an engine over the organisation's documents and the given rules. Its Redis is away
    unless one is given."""
    tasks: list[asyncio.Task[None]] = []
    stores: list[CounterStore] = []

    def begin(
        *rules: Rule,
        redis: str = AWAY,
        kafka: str = "127.0.0.1:1",
        more: Sequence[tuple[Kind, Document]] = (),
        org_id: str = ORG,
        limits: Limits = Limits(),
    ) -> Engine:
        found = [*documents(), *more, *((Kind.RULE, entry) for entry in rules)]
        table = ConfigTable.of(
            ConfigChange(org_id, kind, document.id, document, revision)
            for revision, (kind, document) in enumerate(found, 1)
        )
        registry = Registry(table, newer_seconds=limits.newer_seconds)
        tasks.append(asyncio.create_task(registry.run()))
        broker = Broker()
        settings = RuntimeSettings(kafka=kafka, redis=redis, internal_port=0)
        store = CounterStore.of(redis, group_members=limits.group_members)
        stores.append(store)
        rebuilder = Rebuilder(
            store,
            RegistryRules(registry),
            settings,
            window=3600,
            pause=0,
            look=limits.look_seconds,
        )
        if redis != AWAY:
            tasks.append(asyncio.create_task(rebuilder.run()))
        verdicts = Verdicts(store.client)
        tasks.append(asyncio.create_task(verdicts.run()))
        handler = ItemHandler(
            registry,
            broker,
            CounterValues(store, rebuilder),
            Limiter(store, rebuilder),
            verdicts,
            slice_seconds=limits.slice_seconds,
        )
        return Engine(table, registry, broker, handler, len(found), store, rebuilder, verdicts)

    yield begin
    ending = set(tasks)
    while ending:  # Python 3.11 may lose a cancellation: see `coop_runtime.process.service`
        for task in ending:
            task.cancel()
        _, ending = await asyncio.wait(ending, timeout=1)
    for store in stores:
        await store.close()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server of these tests' own: they empty it and start it again."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_redis(valkey: Valkey) -> Iterator[Redis]:
    """An empty Redis, which knows that nothing was counted and no one has strikes."""
    client = Redis.from_url(valkey.url)
    client.flushall()
    run_id = client.info("server")["run_id"]
    client.mset(
        {
            "coop:strikes:whole": run_id,
            "coop:count:whole": run_id,
            "coop:quota:whole": f"{run_id}:0",
        }
    )
    yield client
    client.close()


class Kit:
    """The builders above, for tests: modules of a test folder are not importable."""

    contains = staticmethod(contains)
    strikes = staticmethod(strikes)
    hate = staticmethod(hate)
    image = staticmethod(image)
    counted = staticmethod(counted)
    signal = staticmethod(signal)
    both = staticmethod(both)
    either = staticmethod(either)
    rule = staticmethod(rule)
    post_type = staticmethod(post_type)
    documents = staticmethod(documents)
    submission = staticmethod(submission)
    received = staticmethod(received)
    limits = Limits

    @staticmethod
    def facts(event: ItemSubmitted) -> Facts:
        return Submission.of_event(event).facts()


@pytest.fixture
def kit() -> type[Kit]:
    return Kit
