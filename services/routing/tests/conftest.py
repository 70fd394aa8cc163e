"""Fixtures of routing's tests: events, a configuration, a database of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import (
    Document,
    Field,
    ItemType,
    Kind,
    Queue,
    RoutingRule,
    ScalarType,
)
from coop_contracts.event import (
    AppealSubmitted,
    ItemRef,
    ReportReason,
    ReportSubmitted,
    ReviewRequested,
    SignalValue,
    SubmittedItem,
)
from coop_local.testing import Databases
from coop_queues.migrations import run
from coop_queues.store import OrderIndex
from coop_routing.entry_router import EntryRouter
from coop_routing.route_table import RouteTables
from coop_rules.language.need import Need
from coop_runtime.database.engine import bootstrap, engine_of, service_url
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_signals import strike
from coop_signals.media_value import MediaValues
from coop_signals.strike import StrikeQuestion

PASSWORDS = {
    "coop_review": "review-password",
    "coop_review_owner": "review-owner-password",
    "coop_queues": "queues-password",
    "coop_queues_owner": "queues-owner-password",
}
POST = ItemType(
    id="post",
    name="Post",
    kind="CONTENT",
    fields=(
        Field(name="text", type=ScalarType.STRING),
        Field(name="picture", type=ScalarType.IMAGE),
        Field(name="place", type=ScalarType.GEOHASH),
    ),
    version="2026-01-01T00:00:00.000000Z",
)


def item(
    item_id: str = "i1",
    *,
    text: str = "hello",
    type_id: str = "post",
    creator: ItemRef | None = None,
    **fields: Any,
) -> SubmittedItem:
    data = msgspec.Raw(msgspec.json.encode({"text": text, **fields}))
    return SubmittedItem(
        id=item_id, type_id=type_id, type_version=POST.version, data=data, creator=creator
    )


def envelope(org: str) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "org_id": org,
        "time": datetime.now(UTC),
        "correlation_id": "c1",
        "config_revision": 1,
    }


def report(
    org: str, report_id: str, what: SubmittedItem | None = None, **fields: Any
) -> ReportSubmitted:
    values = {
        **envelope(org),
        "report_id": report_id,
        "reporter": ItemRef("u1", "user"),
        "reported_at": datetime.now(UTC),
        "item": what or item(),
        **fields,
    }
    return ReportSubmitted(**values)


def appeal(org: str, appeal_id: str, **fields: Any) -> AppealSubmitted:
    values = {
        **envelope(org),
        "appeal_id": appeal_id,
        "appealed_by": ItemRef("u1", "user"),
        "appealed_at": datetime.now(UTC),
        "item": item(),
        "actions_taken": ("a1",),
        **fields,
    }
    return AppealSubmitted(**values)


def request(org: str, entry_id: str, **fields: Any) -> ReviewRequested:
    values = {
        **envelope(org),
        "entry_id": entry_id,
        "item": item(),
        "source": "RULE_EXECUTION",
        **fields,
    }
    return ReviewRequested(**values)


def reason(policy_id: str | None = None, **fields: Any) -> ReportReason:
    return ReportReason(policy_id=policy_id, **fields)


def contains(*words: str) -> dict[str, Any]:
    """The condition set of a text that contains one of the words."""
    return leaf(
        input={"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "post"},
        signal={
            "id": '{"type":"TEXT_MATCHING_CONTAINS_TEXT"}',
            "type": "TEXT_MATCHING_CONTAINS_TEXT",
        },
        matchingValues={"strings": list(words)},
    )


def scores(signal: str, field: str, comparator: str, threshold: Any) -> dict[str, Any]:
    """The condition set of a signal's score of one field."""
    return leaf(
        input={"type": "CONTENT_FIELD", "name": field, "contentTypeId": "post"},
        signal={"id": f'{{"type":"{signal}"}}', "type": signal},
        comparator=comparator,
        threshold=threshold,
    )


def hateful(threshold: float = 0.5) -> dict[str, Any]:
    """The condition set of a text that OpenAI calls hateful."""
    return scores("OPEN_AI_HATE_TEXT_MODEL", "text", "GREATER_THAN", threshold)


def strikes(threshold: int) -> dict[str, Any]:
    """The condition set of an author with so many strikes."""
    return leaf(
        input={"type": "USER_ID"},
        signal={"id": '{"type":"USER_STRIKE_VALUE"}', "type": "USER_STRIKE_VALUE"},
        comparator="GREATER_THAN_OR_EQUALS",
        threshold=threshold,
    )


def equals(name: str, value: str) -> dict[str, Any]:
    """The condition set of one of Coop's inputs being that value."""
    return leaf(
        input={"type": "CONTENT_COOP_INPUT", "name": name}, comparator="EQUALS", threshold=value
    )


def leaf(**parts: Any) -> dict[str, Any]:
    return {"conjunction": "AND", "conditions": [parts]}


def rule(
    rule_id: str, number: int, destination: str, condition: dict[str, Any], **fields: Any
) -> RoutingRule:
    values = {
        "id": rule_id,
        "name": rule_id,
        "sequence_number": number,
        "item_type_ids": ("post",),
        "condition_set": condition,
        "destination_queue_id": destination,
        **fields,
    }
    return RoutingRule(**values)


class Configuration:
    """A configuration table that a test changes; each change is a new revision."""

    def __init__(self, org: str) -> None:
        self.org = org
        self.table = ConfigTable.of([])
        self.revision = 0

    def put(self, kind: Kind, *documents: Document) -> None:
        for document in documents:
            self._apply(kind, document.id, document)

    def remove(self, kind: Kind, document_id: str) -> None:
        self._apply(kind, document_id, None)

    def _apply(self, kind: Kind, document_id: str, document: Document | None) -> None:
        self.revision += 1
        self.table.apply(ConfigChange(self.org, kind, document_id, document, self.revision))


@pytest.fixture
def org() -> str:
    return f"org-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def configuration(org: str) -> Configuration:
    """An organisation with the item type Post, a default and an appeals queue, and two more."""
    made = Configuration(org)
    made.put(Kind.ITEM_TYPE, POST)
    made.put(
        Kind.QUEUE,
        Queue(id="default", name="Default", is_default_queue=True),
        Queue(id="appeals", name="Appeals", is_appeals_queue=True, is_default_queue=True),
        Queue(id="spam", name="Spam"),
        Queue(id="urgent", name="Urgent"),
    )
    return made


class Models:
    """Stands for the providers of models: a score for each text or URL it was told of; all others
    wait until their deadline."""

    def __init__(self) -> None:
        self.scores: dict[str, Any] = {}
        self.asked: list[Any] = []
        self.signals: frozenset[str] = frozenset(
            ("OPEN_AI_HATE_TEXT_MODEL", "GOOGLE_CONTENT_SAFETY_API_IMAGE")
        )

    def gives(self, signal: str) -> bool:
        return signal in self.signals

    async def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> list[SignalValue]:
        return await asyncio.gather(
            *(self._value(need, place, given, deadline) for place, given in enumerate(inputs))
        )

    async def _value(self, need: Need, place: int, given: object, deadline: float) -> SignalValue:
        key = given["url"] if isinstance(given, dict) else given
        self.asked.append(key)
        known, name = self.scores.get(str(key)), need.signal.name
        if known is None:
            await asyncio.sleep(deadline - asyncio.get_running_loop().time())
            return SignalValue(key=need.key, signal=name, position=place, error="no answer in time")
        return SignalValue(key=need.key, signal=name, position=place, score=known)


@pytest.fixture
def models() -> Models:
    return Models()


class NoStrikes:
    """No user has a strike."""

    async def values(self, asked: Sequence[StrikeQuestion]) -> list[list[SignalValue]]:
        return [
            [strike.value(one.need, place, (), one.now, "") for place in range(len(one.users))]
            for one in asked
        ]


def router_of(
    tables: RouteTables,
    models: Any,
    strikes: Any,
    *,
    seconds: float,
    media: MediaValues | None = None,
    media_seconds: float = 0.3,
) -> EntryRouter:
    """A router; nothing is on the log of media's hashes but what a test gives `media`."""
    return EntryRouter(
        tables,
        models,
        strikes,
        media or MediaValues(None, catch_up=0.01),
        seconds=seconds,
        media_seconds=media_seconds,
    )


@pytest.fixture
def entry_router(tables: RouteTables, models: Models) -> EntryRouter:
    return router_of(tables, models, NoStrikes(), seconds=0.3)


@pytest.fixture
def tables(configuration: Configuration) -> Iterator[RouteTables]:
    made = RouteTables(configuration.table)
    yield made
    made.close()


@pytest.fixture(scope="session")
def queues_url(databases: Databases) -> str:
    """The URL of the role coop_queues on a migrated database."""
    admin = databases.make()
    bootstrap(admin, PASSWORDS)
    run(service_url(admin, "coop_queues_owner", PASSWORDS["coop_queues_owner"]))
    return service_url(admin, "coop_queues", PASSWORDS["coop_queues"])


@pytest.fixture(scope="session")
async def engine(queues_url: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(queues_url, pool_size=4, application_name="test")
    yield made
    await made.dispose()


@pytest.fixture
async def order(redis_url: str) -> AsyncIterator[OrderIndex]:
    # A busy machine is not an absent Redis.
    made = OrderIndex.of(redis_url, timeout=20)
    yield made
    await made.close()
