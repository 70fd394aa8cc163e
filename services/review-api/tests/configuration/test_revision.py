"""Revisions: what changed, and having it back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.permission import Role
from coop_review_api.configuration.difference import difference

engines = pytest.mark.engines


def changes_of(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {change["path"]: change for change in answer.json()["changes"]}


def test_a_difference_is_by_field() -> None:
    """Fields are added, removed, replaced; lists of texts are sets; objects are told by id or
    name; other lists by position, what is the same at both ends left out."""
    old = {
        "name": "a",
        "gone": 1,
        "tags": ["x", "y"],
        "fields": [{"name": "text", "type": "STRING"}, {"name": "old", "type": "ID"}],
        "conditions": [{"k": 1}, {"k": 2}, {"k": 3}],
        "same": {"deep": [1, {"a": None}]},
    }
    new = {
        "name": "b",
        "tags": ["y", "z"],
        "fields": [{"name": "new", "type": "ID"}, {"name": "text", "type": "ID"}],
        "conditions": [{"k": 1}, {"k": 9}, {"k": 2}, {"k": 3}],
        "same": {"deep": [1, {"a": None}]},
        "made": True,
    }
    found = {(c.op, c.path): c for c in difference(old, new)}
    assert set(found) == {
        ("replace", "/name"),
        ("entries", "/tags"),
        ("add", "/fields/0"),
        ("replace", "/fields/1/type"),
        ("remove", "/fields/1"),
        ("add", "/made"),
        ("remove", "/gone"),
        ("add", "/conditions/1"),
    }
    tags = found["entries", "/tags"]
    assert (tags.added, tags.removed, tags.added_count) == (("z",), ("x",), 1)


def test_a_difference_tells_true_from_one() -> None:
    """What compares equal in Python and is not the same JSON is a change."""
    assert [c.path for c in difference({"a": 1, "b": 0}, {"a": True, "b": False})] == ["/a", "/b"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "a", "b"]), inner, max_size=3)
    ),
    max_leaves=12,
)
_documents = st.dictionaries(st.sampled_from(["a", "b", "c"]), _json, max_size=3)


@given(_documents, _documents)
def test_equal_documents_and_only_those_have_no_difference(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    """No document differs from itself; two that differ have a change."""
    assert difference(old, old) == []
    same = json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
    assert same or difference(old, new)


@engines
async def test_every_save_is_a_revision_that_can_be_compared(admin: Any, kit: Any) -> None:
    """Revisions have author, time and what changed, against the one before or any other."""
    post = await admin.make("/v1/item-types", kit.item_type())
    made = await admin.make("/v1/rules", kit.rule(post["id"], tags=["a", "b"]))
    path = f"/v1/rules/{made['id']}"
    changed = kit.rule(
        post["id"], tags=["b", "c"], description="New", conditionSet=kit.contains(strings=["scam"])
    )
    second = (await admin.call("PUT", path, changed)).json()
    third = (await admin.call("PUT", path, {**changed, "name": "Scam"})).json()
    listed = (await admin.call("GET", f"{path}/revisions")).json()["items"]
    assert [one["revision"] for one in listed] == [
        third["revision"],
        second["revision"],
        made["revision"],
    ]
    assert listed[0]["changed"] == ["name"]
    assert set(listed[1]["changed"]) == {"conditionSet", "description", "tags"}
    assert {one["authorEmail"] for one in listed} == {admin.email}
    paged = (await admin.call("GET", f"{path}/revisions?limit=1")).json()
    assert paged["items"][0]["changed"] == ["name"]
    assert paged["nextCursor"]
    changes = changes_of(await admin.call("GET", f"{path}/revisions/{second['revision']}/changes"))
    assert set(changes) == {
        "/conditionSet/conditions/0/matchingValues/strings",
        "/description",
        "/tags",
    }
    assert (changes["/tags"]["added"], changes["/tags"]["removed"]) == (["c"], ["a"])
    backwards = await admin.call(
        "GET", f"{path}/revisions/{made['revision']}/changes?since={third['revision']}"
    )
    assert changes_of(backwards)["/name"]["new"] == "Spam rule"
    first = await admin.call("GET", f"{path}/revisions/{made['revision']}/changes")
    assert first.json()["since"] is None
    assert changes_of(first)["/name"]["op"] == "add"
    was = (await admin.call("GET", f"{path}/revisions/{made['revision']}")).json()
    beside = ("warnings", "cost", "createdAt", "createdBy", "createdByPerson")
    assert was == {**made, **dict.fromkeys(beside)}
    other = await admin.call("GET", f"{path}/revisions/{post['revision']}")
    assert other.status_code == 404


@engines
async def test_an_earlier_revision_is_restored_as_a_new_one(admin: Any, kit: Any) -> None:
    """Restoring saves the document as it was, under a new revision; a deleted one is there again;
    the revision that deleted it cannot be restored."""
    post = await admin.make("/v1/item-types", kit.item_type())
    made = await admin.make("/v1/rules", kit.rule(post["id"]))
    path = f"/v1/rules/{made['id']}"
    await admin.call("PUT", path, kit.rule(post["id"], name="Other", status="ARCHIVED"))
    restored = await admin.call("POST", f"{path}/revisions/{made['revision']}/restore")
    assert restored.status_code == 200, restored.text
    assert restored.json()["name"] == "Spam rule"
    assert restored.json()["revision"] > made["revision"] + 1
    stale = {"If-Match": f'"{made["revision"]}"'}
    refused = await admin.call(
        "POST", f"{path}/revisions/{made['revision']}/restore", headers=stale
    )
    assert refused.status_code == 412
    await admin.call("DELETE", path)
    gone = (await admin.call("GET", f"{path}/revisions")).json()["items"][0]
    assert gone["document"] is None
    assert (await admin.call("GET", f"{path}/revisions/{gone['revision']}")).status_code == 404
    nothing = await admin.call("POST", f"{path}/revisions/{gone['revision']}/restore")
    assert nothing.status_code == 409
    again = await admin.call("POST", f"{path}/revisions/{made['revision']}/restore")
    assert again.status_code == 200
    assert (await admin.call("GET", path)).json()["name"] == "Spam rule"


@engines
async def test_what_no_longer_fits_is_not_restored(admin: Any, kit: Any) -> None:
    """A revision that refers to what is gone is refused, naming the place; nothing changes."""
    post = await admin.make("/v1/item-types", kit.item_type())
    bank = await admin.make("/v1/text-banks", {"name": "B", "type": "STRING", "strings": ["a"]})
    made = await admin.make(
        "/v1/rules", kit.rule(post["id"], conditionSet=kit.contains(textBankIds=[bank["id"]]))
    )
    path = f"/v1/rules/{made['id']}"
    await admin.call("PUT", path, kit.rule(post["id"]))
    assert (await admin.call("DELETE", f"/v1/text-banks/{bank['id']}")).status_code == 204
    refused = await admin.call("POST", f"{path}/revisions/{made['revision']}/restore")
    assert refused.status_code == 422
    assert refused.json()["errors"][0] == {
        "pointer": "/conditionSet/conditions/0/matchingValues/textBankIds/0",
        "reason": "no such text bank",
        "code": "not-found",
        "params": {"what": "text bank"},
    }
    now = (await admin.call("GET", path)).json()
    assert now["conditionSet"] == kit.contains(strings=["spam"])


@engines
async def test_restoring_needs_what_saving_needs(admin: Any, sign_in: Any, kit: Any) -> None:
    """Who may not change live rules can neither restore a live revision nor one over a live rule,
    and secrets are in no difference."""
    analyst = await sign_in(Role.ANALYST)
    post = await admin.make("/v1/item-types", kit.item_type())
    live = await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    path = f"/v1/rules/{live['id']}"
    draft = (await admin.call("PUT", path, kit.rule(post["id"]))).json()
    restore = f"{path}/revisions/{live['revision']}/restore"
    assert (await analyst.call("POST", restore)).status_code == 403
    assert (await admin.call("POST", restore)).status_code == 200
    over_live = f"{path}/revisions/{draft['revision']}/restore"
    assert (await analyst.call("POST", over_live)).status_code == 403
    body = kit.action(post["id"], callbackUrlHeaders={"X-Key": "very-secret-value"})
    action = await admin.make("/v1/actions", body)
    one = f"/v1/actions/{action['id']}"
    body["callbackUrlHeaders"] = {"X-Key": "other-secret-value", "X-New": "third-secret-value"}
    second = (await admin.call("PUT", one, body)).json()
    changes = await admin.call("GET", f"{one}/revisions/{second['revision']}/changes")
    assert "secret-value" not in changes.text
    assert changes_of(changes)["/callbackUrlHeaderNames"]["added"] == ["X-New"]


@engines
async def test_rules_have_parameters_and_ceilings(admin: Any, kit: Any) -> None:
    """Parameter values of a rule are checked against its actions' parameters, ceilings are
    positive."""
    post = await admin.make("/v1/item-types", kit.item_type())
    parameters = [
        {"name": "days", "displayName": "Days", "type": "NUMBER", "required": True, "max": 30},
        {"name": "why", "displayName": "Why", "type": "STRING", "defaultValue": "spam"},
    ]
    action = await admin.make("/v1/actions", kit.action(post["id"], parameters=parameters))
    one = action["id"]

    async def faults(**more: Any) -> list[str]:
        answer = await admin.call("POST", "/v1/rules", kit.rule(post["id"], **more))
        assert answer.status_code == 422, answer.text
        return [error["pointer"] for error in answer.json()["errors"]]

    assert await faults(actionIds=[one]) == [f"/actionParameters/{one}/days"]
    wrong = {one: {"days": 31, "nothing": 1}}
    assert set(await faults(actionIds=[one], actionParameters=wrong)) == {
        f"/actionParameters/{one}/days",
        f"/actionParameters/{one}/nothing",
    }
    assert await faults(actionParameters={one: {"days": 1}}) == [f"/actionParameters/{one}"]
    assert await faults(maxActionsPerMinute=0) == ["/maxActionsPerMinute"]
    assert await faults(expirationTime="2026-01-01T00:00:00") == ["/expirationTime"]
    made = await admin.make(
        "/v1/rules",
        kit.rule(
            post["id"],
            actionIds=[one],
            actionParameters={one: {"days": 3}},
            maxActionsPerMinute=10,
            maxUsersPerHour=100,
            maxDailyActions=1000,
            expirationTime="2027-01-01T00:00:00Z",
        ),
    )
    assert made["actionParameters"] == {one: {"days": 3}}
    assert (made["maxActionsPerMinute"], made["maxUsersPerHour"]) == (10, 100)


@engines
async def test_an_action_is_taken_back_by_one_that_can(admin: Any, kit: Any) -> None:
    """A reverse action exists, is another one, applies to the same items and asks for nothing; it
    cannot be deleted while it is one."""
    post = await admin.make("/v1/item-types", kit.item_type())
    other = await admin.make("/v1/item-types", kit.item_type("Comment"))
    restore = await admin.make("/v1/actions", kit.action(post["id"], name="Restore"))
    needs = [{"name": "days", "displayName": "Days", "type": "NUMBER", "required": True}]
    asking = await admin.make(
        "/v1/actions", kit.action(post["id"], name="Asking", parameters=needs)
    )
    elsewhere = await admin.make("/v1/actions", kit.action(other["id"], name="Elsewhere"))
    for reverse in (asking["id"], elsewhere["id"], "nowhere"):
        body = kit.action(post["id"], reverseActionId=reverse)
        refused = await admin.call("POST", "/v1/actions", body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["pointer"] == "/reverseActionId"
    made = await admin.make("/v1/actions", kit.action(post["id"], reverseActionId=restore["id"]))
    assert made["reverseActionId"] == restore["id"]
    assert (await admin.call("DELETE", f"/v1/actions/{restore['id']}")).status_code == 409
    itself = kit.action(post["id"], reverseActionId=made["id"])
    assert (await admin.call("PUT", f"/v1/actions/{made['id']}", itself)).status_code == 422


@engines
async def test_signals_for_routing_only_are_refused_in_rules(admin: Any, kit: Any) -> None:
    """A signal that may not decide automatically is refused in a rule, with its place."""
    fields = [{"name": "picture", "type": "IMAGE"}]
    post = await admin.make("/v1/item-types", kit.item_type(fields=fields, fieldRoles={}))
    signal = "GOOGLE_CONTENT_SAFETY_API_IMAGE"
    urgent = {
        "conjunction": "AND",
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "Any image"},
                "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
                "comparator": "GREATER_THAN_OR_EQUALS",
                "threshold": "HIGH",
            }
        ],
    }
    refused = await admin.call("POST", "/v1/rules", kit.rule(post["id"], conditionSet=urgent))
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"].startswith("/conditionSet/conditions/0/signal")
