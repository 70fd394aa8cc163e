"""Configuration through the API: every kind, every check, the log behind it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec
import psycopg
import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from coop_contracts.config import Action, ItemType, Kind, Policy
from coop_contracts.event import ConfigChanged
from coop_contracts.permission import Role
from coop_review_api.configuration.log import change, read
from coop_review_api.error import RevisionMismatch
from coop_review_api.schema import audit_log, config_current, config_log, orgs, outbox
from coop_runtime.database import transaction

pytestmark = pytest.mark.engines


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def published(engine: Any, org_id: str) -> list[ConfigChanged]:
    """What the outbox holds of an organisation's configuration, in order."""
    async with transaction(engine) as connection:
        values = await connection.scalars(
            select(outbox.c.value)
            .where(outbox.c.topic == ConfigChanged.topic)
            .order_by(outbox.c.id)
        )
        events = [msgspec.json.decode(value, type=ConfigChanged) for value in values]
    return [event for event in events if event.org_id == org_id]


async def test_a_change_is_log_current_audit_and_outbox_at_once(
    admin: Any, engine: Any, org: Any
) -> None:
    """A created document is one revision in log, current state, audit log and outbox."""
    before = len(await published(engine, org.org_id))
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
    assert entry.revision == head == made["revision"]
    assert entry.document.policy_text == "No spam."
    assert audited == "config.saved"
    events = (await published(engine, org.org_id))[before:]
    assert [(event.kind, event.id, event.revision) for event in events] == [
        ("policy", made["id"], head)
    ]
    assert msgspec.json.decode(events[0].document, type=Policy) == entry.document


async def test_a_failed_change_leaves_nothing(admin: Any, engine: Any, org: Any) -> None:
    """A refused document appears nowhere, and the next revision has no gap."""
    first = await admin.make("/v1/policies", {"name": "A"})
    refused = await admin.call("POST", "/v1/policies", {"name": "B", "parentId": "nowhere"})
    assert pointers(refused) == ["/parentId"]
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
        with pytest.raises(DBAPIError, match="append-only"):
            async with transaction(engine) as connection:
                await connection.execute(statement)


async def test_a_resource_is_created_read_replaced_listed_and_deleted(admin: Any) -> None:
    """The six routes of a resource work together, and the history keeps what was deleted."""
    made = await admin.make("/v1/policies", {"name": "Spam"})
    path = f"/v1/policies/{made['id']}"
    read_back = await admin.call("GET", path)
    assert read_back.json() == made
    assert read_back.headers["etag"] == f'"{made["revision"]}"'
    replaced = await admin.call("PUT", path, {"name": "Spam", "userStrikeCount": 3})
    assert replaced.json()["userStrikeCount"] == 3
    listed = await admin.call("GET", "/v1/policies")
    assert [policy["id"] for policy in listed.json()["items"]] == [made["id"]]
    assert (await admin.call("DELETE", path)).status_code == 204
    assert (await admin.call("GET", path)).status_code == 404
    assert (await admin.call("DELETE", path)).status_code == 404
    history = (await admin.call("GET", path + "/revisions")).json()["items"]
    assert [entry["document"] and entry["document"]["userStrikeCount"] for entry in history] == [
        None,
        3,
        1,
    ]
    assert {entry["authorEmail"] for entry in history} == {admin.email}


async def test_a_stale_revision_is_refused(admin: Any) -> None:
    """Of two authors who saw the same revision, the second gets 412 and changes nothing."""
    made = await admin.make("/v1/policies", {"name": "Spam"})
    path, seen = f"/v1/policies/{made['id']}", {"If-Match": f'"{made["revision"]}"'}
    assert (await admin.call("PUT", path, {"name": "First"}, headers=seen)).status_code == 200
    late = await admin.call("PUT", path, {"name": "Second"}, headers=seen)
    assert late.status_code == 412
    assert late.headers["etag"] == f'"{made["revision"] + 1}"'
    assert (await admin.call("DELETE", path, headers=seen)).status_code == 412
    assert (await admin.call("GET", path)).json()["name"] == "First"
    wrong = await admin.call("DELETE", path, headers={"If-Match": "W/1"})
    assert pointers(wrong) == ["#/header/If-Match"]


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


async def test_names_are_unique_within_organisation_and_kind(
    admin: Any, sign_in: Any, kit: Any
) -> None:
    """The same name is refused within a kind, allowed in another kind and another organisation."""
    await admin.make("/v1/policies", {"name": "Spam"})
    taken = await admin.call("POST", "/v1/policies", {"name": "Spam"})
    assert taken.status_code == 409
    assert taken.json()["errors"][0]["pointer"] == "/name"
    await admin.make("/v1/queues", {"name": "Spam"})
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    await stranger.make("/v1/policies", {"name": "Spam"})


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


async def test_an_item_type_keeps_its_versions(admin: Any, engine: Any, org: Any, kit: Any) -> None:
    """Each save gives a later version, kept under its own id and published before the type."""
    made = await admin.make("/v1/item-types", kit.item_type())
    body = kit.item_type(description="Changed")
    changed = (await admin.call("PUT", f"/v1/item-types/{made['id']}", body)).json()
    assert changed["version"] > made["version"]
    assert len(changed["version"]) == len("2026-01-01T00:00:00.000000Z")
    async with transaction(engine) as connection:
        for view in (made, changed):
            version_id = f"{made['id']}@{view['version']}"
            entry = await read(connection, org.org_id, Kind.ITEM_TYPE_VERSION, ItemType, version_id)
            assert entry.document.version == view["version"]
    events = [e for e in await published(engine, org.org_id) if e.id.startswith(made["id"])]
    assert [event.kind for event in events] == ["item-type-version", "item-type"] * 2


async def test_versions_rise_when_the_clock_does_not(
    engine: Any, org: Any, kit: Any, clock: Any
) -> None:
    """Two changes at the same moment still have different, rising versions."""
    moment = clock()
    document = msgspec.convert({**kit.item_type("Note"), "id": "t1", "version": ""}, ItemType)
    versions = []
    for _ in range(3):
        async with transaction(engine) as connection:
            await change(
                connection,
                org.org_id,
                Kind.ITEM_TYPE,
                "t1",
                document,
                author="cli",
                clock=lambda: moment,
            )
            entry = await read(connection, org.org_id, Kind.ITEM_TYPE, ItemType, "t1")
            versions.append(entry.document.version)
    assert versions == sorted(set(versions))
    assert len(versions) == 3


async def test_an_item_type_is_checked(admin: Any, kit: Any) -> None:
    """Wrong roles and doubled fields are refused with the pointers of the definition."""
    body = kit.item_type(
        fields=[{"name": "text", "type": "STRING"}, {"name": "text", "type": "NUMBER"}],
        fieldRoles={"creatorId": "nobody"},
    )
    found = pointers(await admin.call("POST", "/v1/item-types", body))
    assert "/fields/1/name" in found
    assert "/fieldRoles/creatorId" in found


async def test_the_default_user_type_stays(admin: Any) -> None:
    """Every organisation starts with the user type, and it cannot be deleted."""
    (user_type,) = (await admin.call("GET", "/v1/item-types")).json()["items"]
    assert user_type["name"] == "User"
    assert user_type["isDefaultUserType"]
    refused = await admin.call("DELETE", f"/v1/item-types/{user_type['id']}")
    assert refused.status_code == 409
    body = {"name": "User", "kind": "USER", "fields": [{"name": "name", "type": "STRING"}]}
    kept = await admin.call("PUT", f"/v1/item-types/{user_type['id']}", body)
    assert kept.json()["isDefaultUserType"] is True


async def test_policies_make_no_cycle(admin: Any) -> None:
    """A policy cannot be below itself, directly or through others."""
    top = await admin.make("/v1/policies", {"name": "Top"})
    below = await admin.make("/v1/policies", {"name": "Below", "parentId": top["id"]})
    body = {"name": "Top", "parentId": below["id"]}
    assert pointers(await admin.call("PUT", f"/v1/policies/{top['id']}", body)) == ["/parentId"]


async def test_what_is_used_is_not_deleted(admin: Any, kit: Any) -> None:
    """Deleting what others refer to is 409 and names every user; without users it goes."""
    post = await admin.make("/v1/item-types", kit.item_type())
    policy = await admin.make("/v1/policies", {"name": "Spam"})
    child = await admin.make("/v1/policies", {"name": "Scams", "parentId": policy["id"]})
    action = await admin.make("/v1/actions", kit.action(post["id"]))
    bank = await admin.make(
        "/v1/text-banks", {"name": "Words", "type": "STRING", "strings": ["spam"]}
    )
    rule = await admin.make(
        "/v1/rules",
        kit.rule(
            post["id"],
            actionIds=[action["id"]],
            policyIds=[policy["id"]],
            conditionSet=kit.contains(textBankIds=[bank["id"]]),
        ),
    )
    for path, document, users in (
        ("item-types", post, ["action Remove", "rule Spam rule"]),
        ("policies", policy, ["policy Scams", "rule Spam rule"]),
        ("actions", action, ["rule Spam rule"]),
        ("text-banks", bank, ["rule Spam rule"]),
    ):
        refused = await admin.call("DELETE", f"/v1/{path}/{document['id']}")
        assert refused.status_code == 409, path
        assert sorted(refused.json()["usedBy"]) == users
    for path, document in (
        ("rules", rule),
        ("policies", child),
        ("policies", policy),
        ("actions", action),
        ("text-banks", bank),
        ("item-types", post),
    ):
        assert (await admin.call("DELETE", f"/v1/{path}/{document['id']}")).status_code == 204


async def test_references_must_exist(admin: Any, kit: Any) -> None:
    """Every unknown id is reported at its own place, once."""
    post = await admin.make("/v1/item-types", kit.item_type())
    body = kit.rule(
        post["id"],
        actionIds=["no-action"],
        policyIds=["no-policy"],
        conditionSet=kit.contains(textBankIds=["no-bank"]),
    )
    assert sorted(pointers(await admin.call("POST", "/v1/rules", body))) == [
        "/actionIds/0",
        "/conditionSet/conditions/0/matchingValues/textBankIds/0",
        "/policyIds/0",
    ]
    routing = {
        "name": "R",
        "itemTypeIds": [post["id"]],
        "conditionSet": kit.contains(strings=["x"]),
        "destinationQueueId": "no-queue",
    }
    assert pointers(await admin.call("POST", "/v1/routing-rules", routing)) == [
        "/destinationQueueId"
    ]


async def test_rules_are_checked_by_the_rule_language(admin: Any, kit: Any) -> None:
    """A condition that could not be compiled is refused with the pointer of the condition."""
    post = await admin.make("/v1/item-types", kit.item_type())
    broken = kit.contains(strings=["x"])
    broken["conditions"][0]["input"] = {
        "type": "CONTENT_FIELD",
        "name": "gone",
        "contentTypeId": post["id"],
    }
    (found,) = pointers(
        await admin.call("POST", "/v1/rules", kit.rule(post["id"], conditionSet=broken))
    )
    assert found.startswith("/conditionSet/conditions/0/input")


async def test_built_in_actions(admin: Any, kit: Any) -> None:
    """They are there from the start, cannot be changed, and rules may carry them."""
    post = await admin.make("/v1/item-types", kit.item_type())
    actions = (await admin.call("GET", "/v1/actions")).json()["items"]
    by_type = {action["actionType"]: action for action in actions}
    assert sorted(by_type) == ["ENQUEUE_AUTHOR_TO_MRT", "ENQUEUE_TO_MRT", "ENQUEUE_TO_NCMEC"]
    enqueue = by_type["ENQUEUE_TO_MRT"]
    assert enqueue["name"].startswith("Enqueue Item")
    body = kit.action(post["id"], name="Mine")
    assert (await admin.call("PUT", f"/v1/actions/{enqueue['id']}", body)).status_code == 409
    assert (await admin.call("DELETE", f"/v1/actions/{enqueue['id']}")).status_code == 409
    built_in = [action["id"] for action in actions]
    await admin.make("/v1/rules", kit.rule(post["id"], actionIds=built_in))


async def test_an_action_must_fit_the_rule(admin: Any, kit: Any) -> None:
    """A rule cannot carry an action that does not apply to one of its item types."""
    post = await admin.make("/v1/item-types", kit.item_type())
    comment = await admin.make("/v1/item-types", kit.item_type("Comment"))
    action = await admin.make("/v1/actions", kit.action(comment["id"]))
    body = kit.rule(post["id"], actionIds=[action["id"]])
    assert pointers(await admin.call("POST", "/v1/rules", body)) == ["/actionIds/0"]


async def test_an_item_type_is_not_changed_under_its_rules(admin: Any, kit: Any) -> None:
    """Removing a field that a rule reads is 409 and names the rule."""
    post = await admin.make("/v1/item-types", kit.item_type())
    reads = kit.contains(strings=["x"])
    reads["conditions"][0]["input"] = {
        "type": "CONTENT_FIELD",
        "name": "text",
        "contentTypeId": post["id"],
    }
    await admin.make("/v1/rules", kit.rule(post["id"], conditionSet=reads))
    body = kit.item_type(fields=[{"name": "other", "type": "STRING"}], fieldRoles={})
    refused = await admin.call("PUT", f"/v1/item-types/{post['id']}", body)
    assert refused.status_code == 409
    assert "Spam rule" in refused.json()["usedBy"][0]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://platform.example/x",
        "platform.example",
        "http://",
        "https://user:secret@platform.example/",
        "http://[::1",
        "https://platform.example/a b",
        "https://platform.example/\nx",
        "https://platform.example:99999/",
        "javascript:alert(1)",
    ],
)
async def test_callback_addresses(admin: Any, kit: Any, url: str) -> None:
    """Only http(s) URLs with a host and without credentials are callback addresses."""
    post = await admin.make("/v1/item-types", kit.item_type())
    answer = await admin.call("POST", "/v1/actions", kit.action(post["id"], callbackUrl=url))
    assert pointers(answer) == ["/callbackUrl"]


async def test_header_values_are_never_shown(
    admin: Any, engine: Any, org: Any, kit: Any, context: Any
) -> None:
    """Header values are ciphertext in database and outbox; the API gives names; updates can keep
    one, replace one and remove all."""
    post = await admin.make("/v1/item-types", kit.item_type())
    secret = "Bearer very-secret-value"
    body = kit.action(post["id"], callbackUrlHeaders={"Authorization": secret, "X-Team": "trust"})
    made = await admin.make("/v1/actions", body)
    path = f"/v1/actions/{made['id']}"
    assert made["callbackUrlHeaderNames"] == ["Authorization", "X-Team"]
    history = await admin.call("GET", path + "/revisions")
    for shown in (str(made), (await admin.call("GET", path)).text, history.text):
        assert "very-secret" not in shown
    async with transaction(engine) as connection:
        stored = await connection.scalar(
            text("SELECT string_agg(document::text, '') FROM review.config_log")
        )
        sent = await connection.scalars(select(outbox.c.value))
        assert "very-secret" not in stored
        assert not any(b"very-secret" in value for value in sent)

    async def headers() -> dict[str, str]:
        async with transaction(engine) as connection:
            entry = await read(connection, org.org_id, Kind.ACTION, Action, made["id"])
        if entry.document.callback_url_headers is None:
            return {}
        plain = context.vault.decrypt(
            entry.document.callback_url_headers, context=f"{org.org_id}/action/{made['id']}"
        )
        return msgspec.json.decode(plain)

    await admin.call("PUT", path, kit.action(post["id"], description="untouched headers"))
    assert await headers() == {"Authorization": secret, "X-Team": "trust"}
    changed = {"Authorization": None, "X-New": "1"}
    await admin.call("PUT", path, kit.action(post["id"], callbackUrlHeaders=changed))
    assert await headers() == {"Authorization": secret, "X-New": "1"}
    await admin.call("PUT", path, kit.action(post["id"], callbackUrlHeaders={}))
    assert await headers() == {}
    for wrong in (
        {"Host": "evil"},
        {"X-A": "a\r\nX-B: b"},
        {"bad name": "x"},
        {"X-Unknown": None},
        {"webhook-id": "1"},
    ):
        answer = await admin.call("PUT", path, kit.action(post["id"], callbackUrlHeaders=wrong))
        assert pointers(answer)[0].startswith("/callbackUrlHeaders/")


async def test_parameters_are_limited(admin: Any, kit: Any) -> None:
    """Parameter definitions are held to their limits, each fault at its place."""
    post = await admin.make("/v1/item-types", kit.item_type())
    parameters = [
        {"name": "bad name", "displayName": "x", "type": "STRING"},
        {"name": "a", "displayName": "", "type": "SELECT", "options": []},
        {"name": "a", "displayName": "A", "type": "NUMBER", "min": 3, "max": 1},
        {"name": "b", "displayName": "B", "type": "BOOLEAN", "defaultValue": "yes"},
    ]
    found = pointers(
        await admin.call("POST", "/v1/actions", kit.action(post["id"], parameters=parameters))
    )
    assert found == [
        "/parameters/0/name",
        "/parameters/1/displayName",
        "/parameters/1/options",
        "/parameters/2/name",
        "/parameters/2/min",
        "/parameters/3/defaultValue",
    ]
    many = [{"name": f"p{n}", "displayName": "P", "type": "STRING"} for n in range(51)]
    answer = await admin.call("POST", "/v1/actions", kit.action(post["id"], parameters=many))
    assert pointers(answer) == ["/parameters"]


async def test_patterns_must_compile_in_re2(admin: Any) -> None:
    """Look-around and back-references are refused at the string, plain strings are not patterns."""
    strings = ["ok.*", "(?=x)", r"(a)\1", "("]
    body = {"name": "P", "type": "REGEX", "strings": strings}
    found = pointers(await admin.call("POST", "/v1/text-banks", body))
    assert found == ["/strings/1", "/strings/2", "/strings/3"]
    await admin.make("/v1/text-banks", {**body, "type": "STRING"})


async def test_a_bank_that_rules_match_is_not_emptied(admin: Any, kit: Any) -> None:
    """An empty bank may wait for its strings, but not while a rule looks for them."""
    post = await admin.make("/v1/item-types", kit.item_type())
    body = {"name": "Words", "type": "STRING", "strings": []}
    bank = await admin.make("/v1/text-banks", body)
    path = f"/v1/text-banks/{bank['id']}"
    assert (await admin.call("PUT", path, {**body, "strings": ["spam"]})).status_code == 200
    condition = kit.contains(textBankIds=[bank["id"]])
    await admin.make("/v1/rules", kit.rule(post["id"], conditionSet=condition))
    assert pointers(await admin.call("PUT", path, body)) == ["/strings"]


async def test_there_is_always_one_default_queue(admin: Any) -> None:
    """Making a queue the default takes that from the other; having none is refused."""

    async def queues() -> dict[str, Any]:
        items = (await admin.call("GET", "/v1/queues")).json()["items"]
        return {queue["name"]: queue for queue in items}

    first = await queues()
    assert {name: queue["isDefaultQueue"] for name, queue in first.items()} == {
        "Default": True,
        "Appeals": True,
    }
    spam = await admin.make("/v1/queues", {"name": "Spam"})
    assert spam["isDefaultQueue"] is False
    await admin.call("PUT", f"/v1/queues/{spam['id']}", {"name": "Spam", "isDefaultQueue": True})
    now = await queues()
    assert (now["Spam"]["isDefaultQueue"], now["Default"]["isDefaultQueue"]) == (True, False)
    assert now["Appeals"]["isDefaultQueue"] is True
    body = {"name": "Spam", "isDefaultQueue": False}
    refused = await admin.call("PUT", f"/v1/queues/{spam['id']}", body)
    assert pointers(refused) == ["/isDefaultQueue"]
    assert (await admin.call("DELETE", f"/v1/queues/{spam['id']}")).status_code == 409
    assert (await admin.call("DELETE", f"/v1/queues/{first['Default']['id']}")).status_code == 204


async def test_queues_know_their_people(admin: Any, sign_in: Any, kit: Any) -> None:
    """Reviewers must be users of the organisation; a closed queue does not exist for others."""
    stranger = await sign_in(Role.MODERATOR, (await kit.make_org()).org_id)
    moderator, other = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    body = {"name": "Closed", "reviewerIds": [moderator.user_id, stranger.user_id]}
    assert pointers(await admin.call("POST", "/v1/queues", body)) == ["/reviewerIds/1"]
    queue = await admin.make("/v1/queues", {**body, "reviewerIds": [moderator.user_id]})
    path = f"/v1/queues/{queue['id']}"
    assert (await moderator.call("GET", path)).status_code == 200
    for suffix in ("", "/revisions", "/counts"):
        assert (await other.call("GET", path + suffix)).status_code == 404
    assert (await other.call("POST", path + "/claims")).status_code == 404
    assert "Closed" not in (await other.call("GET", "/v1/queues")).text


async def test_routing_rules_are_numbered_in_order(admin: Any, kit: Any) -> None:
    """A new routing rule goes last unless it says where; appeals rules need appeals queues."""
    post = await admin.make("/v1/item-types", kit.item_type())
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    ids = {queue["name"]: queue["id"] for queue in queues}
    body = {
        "name": "First",
        "itemTypeIds": [post["id"]],
        "conditionSet": kit.contains(strings=["x"]),
        "destinationQueueId": ids["Default"],
    }
    first = await admin.make("/v1/routing-rules", body)
    second = await admin.make("/v1/routing-rules", {**body, "name": "Second"})
    assert second["sequenceNumber"] == first["sequenceNumber"] + 1
    wrong = {**body, "name": "Third", "destinationQueueId": ids["Appeals"]}
    assert pointers(await admin.call("POST", "/v1/routing-rules", wrong)) == ["/destinationQueueId"]
    await admin.make("/v1/routing-rules", {**wrong, "forAppeals": True})


async def test_live_rules_need_their_permission(admin: Any, sign_in: Any, kit: Any) -> None:
    """An analyst writes drafts, but touches neither live rules nor the banks they match."""
    analyst = await sign_in(Role.ANALYST)
    post = await admin.make("/v1/item-types", kit.item_type())
    bank_body = {"name": "Words", "type": "STRING", "strings": ["spam"]}
    bank = await analyst.make("/v1/text-banks", bank_body)
    body = kit.rule(post["id"], conditionSet=kit.contains(textBankIds=[bank["id"]]))
    draft = await analyst.make("/v1/rules", body)
    path, live = f"/v1/rules/{draft['id']}", {**body, "status": "LIVE"}
    bank_path = f"/v1/text-banks/{bank['id']}"
    assert (await analyst.call("PUT", bank_path, bank_body)).status_code == 200
    assert (await analyst.call("PUT", path, live)).status_code == 403
    assert (await analyst.call("POST", "/v1/rules", {**live, "name": "L"})).status_code == 403
    assert (await admin.call("PUT", path, live)).status_code == 200
    assert (await analyst.call("PUT", path, body)).status_code == 403
    assert (await analyst.call("DELETE", path)).status_code == 403
    assert (await analyst.call("PUT", bank_path, bank_body)).status_code == 403


async def test_callbacks_are_for_those_who_manage_actions(
    admin: Any, sign_in: Any, kit: Any
) -> None:
    """A reviewer sees an action's name and parameters, not its address, body or headers."""
    post = await admin.make("/v1/item-types", kit.item_type())
    await admin.make("/v1/actions", kit.action(post["id"], callbackUrlHeaders={"X-Key": "v"}))
    moderator = await sign_in(Role.MODERATOR)
    shown = await moderator.call("GET", "/v1/actions")
    assert shown.status_code == 200
    assert "platform.example" not in shown.text
    assert "X-Key" not in shown.text


async def test_settings_are_replaced(admin: Any, engine: Any, org: Any) -> None:
    """Settings have a revision like every document, and keep their secret headers."""
    before = (await admin.call("GET", "/v1/settings")).json()
    body = {
        "name": "Acme",
        "requiresPolicyForDecisions": True,
        "appealCallbackUrl": "https://platform.example/appeals",
        "appealCallbackHeaders": {"X-Key": "hidden-value"},
    }
    changed = await admin.call(
        "PUT", "/v1/settings", body, headers={"If-Match": f'"{before["revision"]}"'}
    )
    assert changed.json()["requiresPolicyForDecisions"] is True
    assert changed.json()["appealCallbackHeaderNames"] == ["X-Key"]
    assert "hidden-value" not in changed.text
    wrong = await admin.call("PUT", "/v1/settings", {"name": "A", "ignoreCallbackUrl": "nope"})
    assert pointers(wrong) == ["/ignoreCallbackUrl"]


async def test_lists_are_paged(admin: Any) -> None:
    """Pages of two give every policy once, in a stable order; a foreign cursor is refused."""
    names = {f"Policy {number}" for number in range(5)}
    for name in sorted(names):
        await admin.make("/v1/policies", {"name": name})
    seen, cursor = [], None
    while True:
        query = f"&cursor={cursor}" if cursor else ""
        page = (await admin.call("GET", f"/v1/policies?limit=2{query}")).json()
        seen += [policy["name"] for policy in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(names)
    assert pointers(await admin.call("GET", "/v1/policies?cursor=!!")) == ["#/query/cursor"]
    assert (await admin.call("GET", "/v1/policies?limit=201")).status_code == 422
    assert (await admin.call("GET", "/v1/policies?limit=0")).status_code == 422


async def test_a_document_must_fit_a_message(admin: Any, kit: Any) -> None:
    """A document that is too large for one message is refused, not lost at the relay."""
    post = await admin.make("/v1/item-types", kit.item_type())
    strings = [f"{number:05d}" + "x" * 90 for number in range(9_800)]
    rule = kit.rule(post["id"], conditionSet=kit.contains(strings=strings))
    answer = await admin.call("POST", "/v1/rules", rule)
    assert answer.status_code == 422
    assert "bytes" in answer.text


def test_the_models_are_what_the_migrations_made(review_url: str) -> None:
    """Nothing differs between schema.py and the migrated database."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    import coop_review_api.backtest.table
    import coop_review_api.notification.table
    import coop_review_api.projection.table  # noqa: F401 - adds its tables to the metadata
    from coop_review_api.schema import SCHEMA, metadata
    from coop_runtime.database import driver_url

    def is_wanted(name: str | None, kind: str, _: object) -> bool:
        if kind == "schema":
            return name == SCHEMA
        # Partitions are made as they are needed, not by migrations.
        return kind != "table" or re.search(r"_p\d{8,10}$", name or "") is None

    # The role's own search path would make alembic take the schema for the default one.
    options = {"options": "-csearch_path=pg_catalog"}
    made = create_engine(driver_url(review_url), connect_args=options)
    with made.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": is_wanted,
                "version_table_schema": SCHEMA,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    made.dispose()


def test_nobody_else_reads_the_schema(review_admin_url: str) -> None:
    """The queue store's role cannot read review-api's tables."""
    from coop_runtime.database import service_url

    url = service_url(review_admin_url, "coop_queues", "queues-password")
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM review.users")


async def test_changes_at_once_queue_up(admin: Any, engine: Any, org: Any) -> None:
    """Twenty authors at once get twenty revisions without a gap, in the order of the outbox."""
    before = len(await published(engine, org.org_id))
    answers = await asyncio.gather(
        *(admin.call("POST", "/v1/policies", {"name": f"P{number}"}) for number in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    revisions = [event.revision for event in (await published(engine, org.org_id))[before:]]
    assert revisions == list(range(revisions[0], revisions[0] + 20))
    assert sorted(answer.json()["revision"] for answer in answers) == revisions


async def test_of_equal_names_at_once_one_wins(admin: Any) -> None:
    """Two authors who take the same name at the same moment: one document, one 409."""
    answers = await asyncio.gather(
        *(admin.call("POST", "/v1/policies", {"name": "Same"}) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
