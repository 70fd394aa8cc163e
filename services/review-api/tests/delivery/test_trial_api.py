"""Test requests: who may send them, what is asked of the dispatcher, and how many."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from coop_contracts.permission import Role

pytestmark = pytest.mark.engines

SENT: dict[str, Any] = {
    "trialId": "0196a1b2-0000-7000-8000-00000000000a",
    "endpoint": "https://platform.example:443",
    "body": "{}",
    "latencyMs": 31.5,
    "status": 418,
    "headers": [{"name": "content-type", "value": "text/plain"}],
    "response": "teapot",
    "error": None,
    "refused": False,
}


@pytest.fixture
async def action(admin: Any, kit: Any) -> dict[str, Any]:
    """One with a parameter that has a default."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    parameters = [
        {"name": "days", "displayName": "Days", "type": "NUMBER", "defaultValue": 3, "max": 30}
    ]
    body = {**kit.action(post), "parameters": parameters}
    return {**await admin.make("/v1/actions", body), "post": post}


def trials(dispatcher: Any, org: Any, action: dict[str, Any]) -> None:
    path = f"/internal/v1/orgs/{org.org_id}/actions/{action['id']}/trials"
    dispatcher.answers[path] = httpx.Response(200, json=SENT)


async def test_what_the_platform_answers_is_shown(
    admin: Any, dispatcher: Any, org: Any, action: dict[str, Any], engine: Any
) -> None:
    """The dispatcher is asked for the action as it was saved, with defaults; its answer is shown,
    and who asked is on record."""
    trials(dispatcher, org, action)
    answer = await admin.call("POST", f"/v1/actions/{action['id']}/test-requests", {})
    assert answer.status_code == 200, answer.text
    told = {name: value for name, value in SENT.items() if name != "trialId"}
    assert answer.json() == told | {"id": SENT["trialId"]}
    asked = json.loads(dispatcher.asked[-1].content)
    assert asked["parameters"] == {"days": 3}
    assert asked["item"] == {"id": "coop-test", "typeId": action["post"]}
    assert asked["configRevision"] == action["revision"]
    async with engine.connect() as connection:
        row = await connection.execute(
            text(
                "SELECT target_id, detail FROM review.audit_log"
                " WHERE org_id = :org AND action = 'test_request.sent'"
            ),
            {"org": org.org_id},
        )
        ((target, detail),) = row.all()
    assert (target, detail) == (action["id"], {"testRequestId": asked["trialId"]})


async def test_only_what_the_action_takes_is_sent(
    admin: Any, kit: Any, dispatcher: Any, org: Any, action: dict[str, Any]
) -> None:
    """Wrong values, another item type, an unknown or built-in action: refused before anything."""
    trials(dispatcher, org, action)
    path = f"/v1/actions/{action['id']}/test-requests"
    assert kit.pointers(await admin.call("POST", path, {"parameters": {"days": 31}})) == [
        "/parameters/days"
    ]
    assert kit.pointers(await admin.call("POST", path, {"itemTypeId": "other"})) == ["/itemTypeId"]
    assert (await admin.call("POST", "/v1/actions/gone/test-requests", {})).status_code == 404
    built_in = next(
        one["id"]
        for one in (await admin.call("GET", "/v1/actions")).json()["items"]
        if one["actionType"] != "CUSTOM_ACTION"
    )
    answer = await admin.call("POST", f"/v1/actions/{built_in}/test-requests", {})
    assert answer.status_code == 409
    assert dispatcher.asked == []


async def test_who_edits_actions_may_try_them(sign_in: Any, action: dict[str, Any]) -> None:
    """Nobody else."""
    for role in (Role.MODERATOR, Role.MODERATOR_MANAGER, Role.ANALYST, Role.RULES_MANAGER):
        person = await sign_in(role)
        answer = await person.call("POST", f"/v1/actions/{action['id']}/test-requests", {})
        assert answer.status_code == 403, role


async def test_so_many_a_minute(
    admin: Any, dispatcher: Any, org: Any, action: dict[str, Any], context: Any
) -> None:
    """An organisation sends ten test requests a minute; the eleventh is told to wait."""
    trials(dispatcher, org, action)
    path = f"/v1/actions/{action['id']}/test-requests"
    statuses = [(await admin.call("POST", path, {})).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    context.clock.forward(seconds=61)
    assert (await admin.call("POST", path, {})).status_code == 200
