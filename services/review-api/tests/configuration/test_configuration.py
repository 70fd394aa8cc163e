"""Configuration through the API: every kind and every check."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.permission import Role

pytestmark = pytest.mark.engines


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


async def test_a_stale_revision_is_refused(admin: Any, kit: Any) -> None:
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
    assert kit.pointers(wrong) == ["#/header/If-Match"]


async def test_names_are_unique_within_organisation_and_kind(
    admin: Any, sign_in: Any, kit: Any
) -> None:
    """The same name is refused within a kind, allowed in another kind and another organisation."""
    await admin.make("/v1/policies", {"name": "Spam"})
    taken = await admin.call("POST", "/v1/policies", {"name": "Spam"})
    assert taken.status_code == 409
    assert taken.json()["errors"][0]["pointer"] == "/name"
    await admin.make("/v1/queues", {"name": "Spam", "openToEveryone": True})
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    await stranger.make("/v1/policies", {"name": "Spam"})


async def test_policies_make_no_cycle(admin: Any, kit: Any) -> None:
    """A policy cannot be below itself, directly or through others."""
    top = await admin.make("/v1/policies", {"name": "Top"})
    below = await admin.make("/v1/policies", {"name": "Below", "parentId": top["id"]})
    body = {"name": "Top", "parentId": below["id"]}
    assert kit.pointers(await admin.call("PUT", f"/v1/policies/{top['id']}", body)) == ["/parentId"]


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
    assert sorted(kit.pointers(await admin.call("POST", "/v1/rules", body))) == [
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
    assert kit.pointers(await admin.call("POST", "/v1/routing-rules", routing)) == [
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
    (found,) = kit.pointers(
        await admin.call("POST", "/v1/rules", kit.rule(post["id"], conditionSet=broken))
    )
    assert found.startswith("/conditionSet/conditions/0/input")


async def test_patterns_must_compile_in_re2(admin: Any, kit: Any) -> None:
    """Look-around and back-references are refused at the string, plain strings are not patterns."""
    strings = ["ok.*", "(?=x)", r"(a)\1", "("]
    body = {"name": "P", "type": "REGEX", "strings": strings}
    found = kit.pointers(await admin.call("POST", "/v1/text-banks", body))
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
    assert kit.pointers(await admin.call("PUT", path, body)) == ["/strings"]


async def test_live_rules_need_their_permission(admin: Any, sign_in: Any, kit: Any) -> None:
    """An analyst writes drafts, but touches neither live rules nor banks."""
    analyst = await sign_in(Role.ANALYST)
    post = await admin.make("/v1/item-types", kit.item_type())
    bank_body = {"name": "Words", "type": "STRING", "strings": ["spam"]}
    bank = await admin.make("/v1/text-banks", bank_body)
    body = kit.rule(post["id"], conditionSet=kit.contains(textBankIds=[bank["id"]]))
    draft = await analyst.make("/v1/rules", body)
    path, live = f"/v1/rules/{draft['id']}", {**body, "status": "LIVE"}
    bank_path = f"/v1/text-banks/{bank['id']}"
    assert (await analyst.call("PUT", bank_path, bank_body)).status_code == 403
    assert (await analyst.call("PUT", path, live)).status_code == 403
    assert (await analyst.call("POST", "/v1/rules", {**live, "name": "L"})).status_code == 403
    assert (await admin.call("PUT", path, live)).status_code == 200
    assert (await analyst.call("PUT", path, body)).status_code == 403
    assert (await analyst.call("DELETE", path)).status_code == 403


async def test_settings_are_replaced(admin: Any, engine: Any, org: Any, kit: Any) -> None:
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
    assert kit.pointers(wrong) == ["/ignoreCallbackUrl"]


async def test_lists_are_paged(admin: Any, kit: Any) -> None:
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
    assert kit.pointers(await admin.call("GET", "/v1/policies?cursor=!!")) == ["#/query/cursor"]
    assert (await admin.call("GET", "/v1/policies?limit=201")).status_code == 422
    assert (await admin.call("GET", "/v1/policies?limit=0")).status_code == 422
