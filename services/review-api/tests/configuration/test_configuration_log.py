"""The configuration log: one transaction a change, revisions without a gap, append-only."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from coop_contracts.config import Kind, Policy
from coop_review_api.configuration.log import change, read
from coop_review_api.configuration.table import config_current, config_log, orgs
from coop_review_api.kernel.error import RevisionMismatch
from coop_review_api.kernel.schema import audit_log
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


async def test_a_change_is_log_current_audit_and_outbox_at_once(
    admin: Any, engine: Any, org: Any, published: Any
) -> None:
    """A created document is one revision in log, current state, audit log and outbox."""
    before = len(await published(org.org_id))
    made = await admin.make("/v1/policies", {"name": "Spam", "policyText": "No spam."})
    async with transaction(engine) as connection:
        head = await connection.scalar(
            select(orgs.c.head_revision).where(orgs.c.org_id == org.org_id)
        )
        row = (
            await connection.execute(
                select(config_log).where(
                    config_log.c.org_id == org.org_id, config_log.c.revision == head
                )
            )
        ).one()
        entry = await read(connection, org.org_id, Kind.POLICY, Policy, made["id"])
        audited = await connection.scalar(
            select(audit_log.c.action).where(audit_log.c.target_id == made["id"])
        )
    assert (row.kind, row.id, row.author) == ("policy", made["id"], admin.user_id)
    assert entry is not None
    assert entry.revision == head == made["revision"]
    assert entry.document.policy_text == "No spam."
    assert audited == "config.saved"
    events = (await published(org.org_id))[before:]
    assert [(event.kind, event.id, event.revision) for event in events] == [
        ("policy", made["id"], head)
    ]
    assert msgspec.json.decode(events[0].document, type=Policy) == entry.document


async def test_a_failed_change_leaves_nothing(admin: Any, engine: Any, org: Any, kit: Any) -> None:
    """A refused document appears nowhere, and the next revision has no gap."""
    first = await admin.make("/v1/policies", {"name": "A"})
    refused = await admin.call("POST", "/v1/policies", {"name": "B", "parentId": "nowhere"})
    assert kit.pointers(refused) == ["/parentId"]
    second = await admin.make("/v1/policies", {"name": "C"})
    assert second["revision"] == first["revision"] + 1


async def test_the_log_cannot_be_altered(admin: Any, engine: Any, org: Any) -> None:
    """The database itself refuses to update, delete or truncate the logs."""
    await admin.make("/v1/policies", {"name": "A"})
    for statement in (
        update(config_log).values(author="somebody"),
        delete(config_log),
        update(audit_log).values(actor="somebody"),
        delete(audit_log),
        text("TRUNCATE review.config_log CASCADE"),
        text("TRUNCATE review.audit_log"),
    ):
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            async with transaction(engine) as connection:
                await connection.execute(statement)


async def test_change_is_one_command(engine: Any, org: Any, clock: Any) -> None:
    """`change` creates, refuses a stale revision and deletes, each under the lock."""
    policy = Policy(id="p1", name="Spam")
    async with transaction(engine) as connection:
        first = await change(
            connection, org.org_id, Kind.POLICY, "p1", policy, author="cli", clock=clock
        )
    with pytest.raises(RevisionMismatch):
        async with transaction(engine) as connection:
            await change(
                connection,
                org.org_id,
                Kind.POLICY,
                "p1",
                policy,
                author="cli",
                clock=clock,
                expected_revision=0,
            )
    async with transaction(engine) as connection:
        last = await change(
            connection,
            org.org_id,
            Kind.POLICY,
            "p1",
            None,
            author="cli",
            clock=clock,
            expected_revision=first,
        )
    assert last == first + 1


async def test_the_database_refuses_a_taken_name_too(engine: Any, org: Any, clock: Any) -> None:
    """Two current documents of one kind and name cannot exist, whatever the code forgot."""
    rows = [
        {
            "org_id": org.org_id,
            "kind": "policy",
            "id": document_id,
            "revision": 1,
            "document": {"id": document_id, "name": "Same"},
            "author": "test",
            "time": clock(),
        }
        for document_id in ("a", "b")
    ]
    with pytest.raises(DBAPIError, match="config_current_name_key"):
        async with transaction(engine) as connection:
            await connection.execute(config_current.insert(), rows)


async def test_changes_at_once_queue_up(admin: Any, engine: Any, org: Any, published: Any) -> None:
    """Twenty authors at once get twenty revisions without a gap, in the order of the outbox."""
    before = len(await published(org.org_id))
    answers = await asyncio.gather(
        *(admin.call("POST", "/v1/policies", {"name": f"P{number}"}) for number in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    revisions = [event.revision for event in (await published(org.org_id))[before:]]
    assert revisions == list(range(revisions[0], revisions[0] + 20))
    assert sorted(answer.json()["revision"] for answer in answers) == revisions


async def test_of_equal_names_at_once_one_wins(admin: Any) -> None:
    """Two authors who take the same name at the same moment: one document, one 409."""
    answers = await asyncio.gather(
        *(admin.call("POST", "/v1/policies", {"name": "Same"}) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_a_document_must_fit_a_message(admin: Any, kit: Any) -> None:
    """A document that is too large for one message is refused, not lost at the relay."""
    post = await admin.make("/v1/item-types", kit.item_type())
    strings = [f"{number:05d}" + "x" * 90 for number in range(9_800)]
    rule = kit.rule(post["id"], conditionSet=kit.contains(strings=strings))
    answer = await admin.call("POST", "/v1/rules", rule)
    assert answer.status_code == 422
    assert "bytes" in answer.text
