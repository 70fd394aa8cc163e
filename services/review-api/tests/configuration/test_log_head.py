"""The config topic is kept whole: what `ensure_head` puts into the outbox, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import SYSTEM_ORG, LogHead, Policy
from coop_contracts.event import ConfigChanged
from coop_local.testing import Databases
from coop_review_api.configuration.log_head import TopicState, ensure_head
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.engine import engine_of, service_url, transaction

from ..world.database import ROLES, migrated

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def review_admin_url(databases: Databases) -> str:
    """A database of this file's own: the topic holds everything of everybody."""
    return databases.make(migrated)


@pytest.fixture(scope="module")
def review_url(review_admin_url: str) -> str:
    return service_url(review_admin_url, "coop_review", ROLES["coop_review"])


@pytest.fixture(scope="module")
async def engine(review_url: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(review_url, application_name="test")
    yield made
    await made.dispose()


async def take(engine: Any) -> list[ConfigChanged]:
    """The config changes that the outbox holds, in order; emptied, as the relay does."""
    async with transaction(engine) as connection:
        values = await connection.scalars(
            select(outbox.c.value)
            .where(outbox.c.topic == ConfigChanged.topic)
            .order_by(outbox.c.id)
        )
        events = [msgspec.json.decode(value, type=ConfigChanged) for value in values]
        await connection.execute(delete(outbox))
    return events


def topic_of(events: list[ConfigChanged]) -> TopicState:
    topic = TopicState()
    for event in events:
        topic.see(event)
    return topic


@pytest.fixture
async def whole(engine: Any, admin: Any, kit: Any, clock: Any) -> list[ConfigChanged]:
    """Everything the topic holds once all of the log was published, of every organisation."""
    await kit.make_org()
    await take(engine)
    await admin.make("/v1/policies", {"name": "Spam"})
    gone = await admin.make("/v1/policies", {"name": "Gone"})
    await admin.call("DELETE", f"/v1/policies/{gone['id']}")
    published = await take(engine)
    await ensure_head(engine, topic_of(published), clock=clock)
    return published + await take(engine)


async def test_a_whole_topic_gets_only_a_head(engine: Any, whole: Any, clock: Any) -> None:
    """Nothing is missing, so nothing but the head is published; twice gives two equal heads."""
    for _ in range(2):
        outcome = await ensure_head(engine, topic_of(whole), clock=clock)
        (head,) = await take(engine)
        assert (outcome.repeated, outcome.restated) == (0, 0)
        assert (head.org_id, head.kind, head.id) == (SYSTEM_ORG, "log-head", "head")
        assert head.revision == outcome.head > 0
        assert msgspec.json.decode(head.document, type=LogHead).id == "head"


async def test_a_lost_topic_is_said_again(engine: Any, whole: Any, org: Any, clock: Any) -> None:
    """An empty topic gets every current document, as it was, in the log's order, then the head."""
    await ensure_head(engine, TopicState(), clock=clock)
    events = await take(engine)
    assert events[-1].kind == "log-head"
    again = [event for event in events if event.org_id == org.org_id]
    assert [event.revision for event in again] == sorted(event.revision for event in again)
    expected = {
        (event.kind, event.id): (event.revision, bytes(event.document))
        for event in whole
        if event.org_id == org.org_id
    }
    expected = {key: value for key, value in expected.items() if value[1] != b"null"}
    assert {
        (event.kind, event.id): (event.revision, bytes(event.document)) for event in again
    } == expected
    assert {(event.kind, event.id, event.author) for event in again} <= {
        (event.kind, event.id, event.author) for event in whole
    }


async def test_an_older_topic_is_brought_up(
    engine: Any, whole: Any, org: Any, clock: Any, admin: Any
) -> None:
    """Older documents are published again and deletions too; what is current is left alone."""
    policies = (await admin.call("GET", "/v1/policies")).json()["items"]
    path = f"/v1/policies/{policies[0]['id']}"
    await admin.call("PUT", path, {"name": "Changed"})
    other = await admin.make("/v1/policies", {"name": "Other"})
    missed_late = await take(engine)
    await admin.call("DELETE", f"/v1/policies/{other['id']}")
    await take(engine)  # lost: the topic never saw the deletion
    topic = topic_of([*whole, *(event for event in missed_late if event.id == other["id"])])
    await ensure_head(engine, topic, clock=clock)
    events = await take(engine)
    assert [(event.id, bytes(event.document) == b"null") for event in events[:-1]] == [
        (policies[0]["id"], False),
        (other["id"], True),
    ]


async def test_a_log_from_a_backup_overtakes_the_topic(
    engine: Any, whole: Any, org: Any, clock: Any, admin: Any
) -> None:
    """When the topic knows later revisions than the log, the log's documents get still later ones,
    what the log never had is deleted, and further changes go above."""
    topic = topic_of(whole)
    policies = (await admin.call("GET", "/v1/policies")).json()["items"]
    policy_id = policies[0]["id"]
    for revision, event_id, document in (
        (1000, policy_id, Policy(id=policy_id, name="From the future")),
        (1001, "lost-policy", Policy(id="lost-policy", name="Lost")),
    ):
        topic.see(
            ConfigChanged(
                event_id="e",
                org_id=org.org_id,
                time=clock(),
                correlation_id="e",
                revision=revision,
                kind="policy",
                id=event_id,
                document=msgspec.Raw(msgspec.json.encode(document)),
            )
        )
    outcome = await ensure_head(engine, topic, clock=clock)
    events = {event.id: event for event in await take(engine)}
    assert outcome.restated == 2
    assert events[policy_id].revision > 1001
    assert msgspec.json.decode(events[policy_id].document, type=Policy).name == "Spam"
    assert events["lost-policy"].revision > 1001
    assert bytes(events["lost-policy"].document) == b"null"
    later = await admin.make("/v1/policies", {"name": "Later"})
    assert later["revision"] > events["lost-policy"].revision


async def test_unknown_organisations_are_reported_only(engine: Any, whole: Any, clock: Any) -> None:
    """Documents of organisations that the log does not know are left as they are."""
    topic = topic_of(whole)
    topic.see(
        ConfigChanged(
            event_id="e",
            org_id="stranger",
            time=clock(),
            correlation_id="e",
            revision=5,
            kind="policy",
            id="p",
            document=msgspec.Raw(b'{"id":"p","name":"P"}'),
        )
    )
    outcome = await ensure_head(engine, topic, clock=clock)
    assert outcome.unknown_orgs == ("stranger",)
    assert [event.kind for event in await take(engine)] == ["log-head"]


async def test_the_head_never_goes_back(engine: Any, whole: Any, clock: Any) -> None:
    """A head on the topic that is above the log's is not undercut."""
    topic = topic_of(whole)
    topic.head = 10_000_000
    outcome = await ensure_head(engine, topic, clock=clock)
    await take(engine)
    assert outcome.head == 10_000_000
