"""An organisation's configuration, items, and a broker edge that keeps what it is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from coop_contracts.config import (
    Action,
    Document,
    Field,
    ItemType,
    Kind,
    Policy,
    Rule,
    ScalarType,
    TextBank,
)
from coop_contracts.event import (
    ActionRequested,
    Event,
    ItemRef,
    ItemSubmitted,
    ReviewRequested,
    RulesEvaluated,
    SubmittedItem,
)
from coop_rules_engine.handler import ItemHandler
from coop_rules_engine.registry import Registry
from coop_runtime.config_table import ConfigChange, ConfigTable
from coop_runtime.message import Message, Received

ORG = "org"
VERSION = "2026-01-01T00:00:00.000000Z"
TYPES = {kind.topic: kind for kind in (RulesEvaluated, ActionRequested, ReviewRequested)}


def contains(*strings: str, banks: tuple[str, ...] = ()) -> dict[str, Any]:
    name = "TEXT_MATCHING_CONTAINS_TEXT"
    return {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"id": json.dumps({"type": name}), "type": name},
        "matchingValues": {"strings": list(strings), "textBankIds": list(banks)},
    }


def both(*conditions: Any) -> dict[str, Any]:
    return {"conjunction": "AND", "conditions": list(conditions)}


def rule(rule_id: str, condition: Any, *, status: str = "LIVE", **others: Any) -> Rule:
    return Rule(
        id=rule_id,
        name=f"Rule {rule_id}",
        status=status,  # type: ignore[arg-type]
        item_type_ids=others.pop("item_type_ids", ("post",)),
        condition_set=both(condition),
        **others,
    )


def post_type() -> ItemType:
    fields = (
        Field(name="text", type=ScalarType.STRING),
        Field(name="likes", type=ScalarType.NUMBER),
    )
    return ItemType(id="post", name="Post", kind="CONTENT", version=VERSION, fields=fields)


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
            id=f"item-{number}",
            type_id=others.pop("type_id", "post"),
            type_version=VERSION,
            data=msgspec.Raw(raw),
            creator=ItemRef("user-1", "user"),
        ),
        request_id="request",
        config_revision=others.pop("config_revision", 1),
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


Start = Callable[..., Engine]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts an engine over the organisation's documents and the given rules."""
    tasks: list[asyncio.Task[None]] = []

    def begin(*rules: Rule) -> Engine:
        found = [*documents(), *((Kind.RULE, entry) for entry in rules)]
        table = ConfigTable.of(
            ConfigChange(ORG, kind, document.id, document, revision)
            for revision, (kind, document) in enumerate(found, 1)
        )
        registry = Registry(table)
        tasks.append(asyncio.create_task(registry.run()))
        broker = Broker()
        return Engine(table, registry, broker, ItemHandler(registry, broker), len(found))

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Kit:
    """The builders above, for tests: modules of a test folder are not importable."""

    contains = staticmethod(contains)
    rule = staticmethod(rule)
    post_type = staticmethod(post_type)
    documents = staticmethod(documents)
    submission = staticmethod(submission)
    received = staticmethod(received)


@pytest.fixture
def kit() -> type[Kit]:
    return Kit
