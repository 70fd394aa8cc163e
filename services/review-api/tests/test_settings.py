"""The organisation's settings: what they may be, and what refers to what."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engines


@pytest.fixture
async def ban(admin: Any, kit: Any) -> dict[str, Any]:
    """An action on users, with a required parameter."""
    user = await admin.make(
        "/v1/item-types",
        {"name": "Member", "kind": "USER", "fields": [{"name": "bio", "type": "STRING"}]},
    )
    days = {"name": "days", "displayName": "Days", "type": "NUMBER", "required": True, "min": 1}
    made: dict[str, Any] = await admin.make(
        "/v1/actions", kit.action(user["id"], name="Ban", parameters=[days])
    )
    return made


def threshold(action: dict[str, Any], at: int = 3, **fields: Any) -> dict[str, Any]:
    values = {action["id"]: {"days": 7}}
    return {"threshold": at, "actionIds": [action["id"]], "actionParameters": values, **fields}


async def put(admin: Any, **fields: Any) -> Any:
    return await admin.call("PUT", "/v1/settings", {"name": "Acme", **fields})


async def test_everything_is_saved_and_shown(admin: Any, ban: Any) -> None:
    """What was put is what is read, defaults included."""
    fields = {
        "userStrikeTtlDays": 30,
        "userStrikeThresholds": [threshold(ban, 3), threshold(ban, 10)],
        "undoWindow": 0,
        "bulkConfirmationAbove": 5000,
        "evaluationSample": 1,
        "ruleMaxActionsPerMinute": 600,
        "ruleMaxUsersPerHour": 1000,
    }
    answer = await put(admin, **fields)
    assert answer.status_code == 200, answer.text
    shown = (await admin.call("GET", "/v1/settings")).json()
    assert {name: shown[name] for name in fields} == fields
    assert (await put(admin)).status_code == 200
    shown = (await admin.call("GET", "/v1/settings")).json()
    assert (shown["undoWindow"], shown["userStrikeThresholds"]) == (10.0, [])
    assert (shown["userStrikeTtlDays"], shown["ruleMaxUsersPerHour"]) == (90, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"userStrikeTtlDays": 0},
        {"userStrikeTtlDays": 3651},
        {"undoWindow": -1},
        {"undoWindow": 3601},
        {"bulkConfirmationAbove": -1},
        {"evaluationSample": 1.01},
        {"evaluationSample": -0.1},
        {"ruleMaxActionsPerMinute": 0},
        {"ruleMaxUsersPerHour": 0},
    ],
)
async def test_numbers_lie_where_their_readers_expect_them(
    admin: Any, fields: dict[str, Any]
) -> None:
    """Out of range is a fault at that field."""
    answer = await put(admin, **fields)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/{next(iter(fields))}"]


async def test_thresholds_can_be_carried_out(admin: Any, kit: Any, ban: Any) -> None:
    """Positive, different, with actions that exist, apply to users, and get their parameters."""
    post = await admin.make("/v1/item-types", kit.item_type())
    remove = await admin.make("/v1/actions", kit.action(post["id"], name="Remove post"))
    wrong = {
        "/userStrikeThresholds/1/threshold": [threshold(ban), threshold(ban)],
        "/userStrikeThresholds/0/threshold": [threshold(ban, 0)],
        "/userStrikeThresholds/0/actionIds": [threshold(ban, actionIds=[], actionParameters={})],
        "/userStrikeThresholds/0/actionIds/0": [
            {"threshold": 1, "actionIds": [remove["id"]]},
        ],
        "/userStrikeThresholds/0/actionIds/1": [threshold(ban, actionIds=[ban["id"], ban["id"]])],
        f"/userStrikeThresholds/0/actionParameters/{ban['id']}/days": [
            threshold(ban, actionParameters={})
        ],
        "/userStrikeThresholds/0/actionParameters/other": [
            threshold(ban, actionParameters={ban["id"]: {"days": 1}, "other": {}})
        ],
    }
    for at, thresholds in wrong.items():
        answer = await put(admin, userStrikeThresholds=thresholds)
        assert answer.status_code == 422, at
        assert [one["pointer"] for one in answer.json()["errors"]] == [at], answer.text
    unknown = [{"threshold": 1, "actionIds": ["unknown"]}]
    answer = await put(admin, userStrikeThresholds=unknown)
    assert answer.json()["errors"] == [
        {"pointer": "/userStrikeThresholds/0/actionIds/0", "reason": "no such action"}
    ]


async def test_people_may_be_sent_to_review_by_a_threshold(admin: Any) -> None:
    """The built-in actions that apply to users may stand in a threshold, the author's may not."""
    actions = (await admin.call("GET", "/v1/actions?limit=200")).json()["items"]
    by_type = {one["actionType"]: one["id"] for one in actions}
    review = [{"threshold": 2, "actionIds": [by_type["ENQUEUE_TO_MRT"]]}]
    assert (await put(admin, userStrikeThresholds=review)).status_code == 200
    author = [{"threshold": 2, "actionIds": [by_type["ENQUEUE_AUTHOR_TO_MRT"]]}]
    assert (await put(admin, userStrikeThresholds=author)).status_code == 422


async def test_an_action_of_a_threshold_is_not_deleted(admin: Any, ban: Any) -> None:
    """While a threshold names it; afterwards it can be."""
    assert (await put(admin, userStrikeThresholds=[threshold(ban)])).status_code == 200
    refused = await admin.call("DELETE", f"/v1/actions/{ban['id']}")
    assert refused.status_code == 409
    assert refused.json()["usedBy"] == ["settings Acme"]
    assert (await put(admin)).status_code == 200
    assert (await admin.call("DELETE", f"/v1/actions/{ban['id']}")).status_code == 204


async def test_policies_say_whether_their_strikes_count_below(admin: Any) -> None:
    """The flag is saved and shown."""
    made = await admin.make(
        "/v1/policies", {"name": "Hate", "userStrikeCount": 3, "applyStrikesToSubPolicies": True}
    )
    shown = (await admin.call("GET", f"/v1/policies/{made['id']}")).json()
    assert (shown["userStrikeCount"], shown["applyStrikesToSubPolicies"]) == (3, True)
