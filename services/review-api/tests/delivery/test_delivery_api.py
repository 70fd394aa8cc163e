"""Deliveries and endpoints as people see them: asked of the dispatcher, for their organisation."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from coop_contracts.permission import Role

pytestmark = pytest.mark.engines

EXECUTION = str(uuid.uuid4())
DELIVERY: dict[str, Any] = {
    "executionId": EXECUTION,
    "kind": "ACTION",
    "actionId": "a-1",
    "item": {"id": "post 1", "typeId": "t-1"},
    "state": "DEAD",
    "attempts": 10,
    "createdAt": "2026-03-01T12:00:00Z",
    "finishedAt": "2026-03-04T12:00:00Z",
    "nextAttemptAt": None,
    "waitsFor": None,
    "lastStatus": 500,
    "lastError": "HTTP 500; gave up after 10 attempts",
    "endpointId": "7",
    "endpoint": "https://platform.example:443 #0a1b2c3d",
}
DETAIL = DELIVERY | {
    "source": "RULE_EXECUTION",
    "rules": [{"id": "r-1", "name": "Spam", "revision": 4}],
    "policyIds": ["p-1"],
    "actorId": None,
    "causeId": "s-1",
    "reverses": None,
    "body": "{}",
    "log": [
        {
            "number": 1,
            "startedAt": "2026-03-01T12:00:00Z",
            "latencyMs": 12.5,
            "status": 500,
            "error": None,
            "response": "oops",
        }
    ],
}
ENDPOINT: dict[str, Any] = {
    "id": "7",
    "name": "https://platform.example:443 #0a1b2c3d",
    "state": "PAUSED",
    "actionIds": ["a-1"],
    "hours": 1,
    "attempts": 40,
    "delivered": 10,
    "successRate": 0.25,
    "p50Ms": 12.0,
    "p95Ms": 80.0,
    "waiting": 3,
    "dead": 1,
    "failingSince": "2026-02-24T12:00:00Z",
    "lastSuccessAt": None,
    "lastFailureAt": "2026-03-01T12:00:00Z",
    "lastStatus": 500,
    "lastError": "HTTP 500",
    "openUntil": None,
    "pausedAt": "2026-03-01T12:00:00Z",
    "pausedBy": "system",
    "pauseReason": "no success for 5 days",
    "createdAt": "2026-01-01T12:00:00Z",
}


async def audited(engine: Any, org_id: str) -> list[tuple[str, str | None]]:
    async with engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT action, target_id FROM review.audit_log WHERE org_id = :org"
                " AND (action LIKE 'redelivery%' OR action LIKE 'endpoint%') ORDER BY time"
            ),
            {"org": org_id},
        )
        return [(row.action, row.target_id) for row in found]


async def test_deliveries_are_the_dispatchers_answer(admin: Any, dispatcher: Any, org: Any) -> None:
    """The question names the caller's organisation and every filter; the answer is handed on."""
    root = f"/internal/v1/orgs/{org.org_id}/deliveries"
    page = {"items": [DELIVERY], "nextCursor": "MTI"}
    dispatcher.answers[root] = httpx.Response(200, json=page)
    dispatcher.answers[f"{root}/{EXECUTION}"] = httpx.Response(200, json=DETAIL)
    answer = await admin.call(
        "GET",
        "/v1/deliveries?state=DEAD&itemTypeId=t-1&itemId=post%201&actionId=a-1&endpointId=7"
        "&ruleId=r-1&since=2026-03-01T00:00:00Z&limit=7",
    )
    assert answer.status_code == 200, answer.text
    cursor = answer.json()["nextCursor"]
    assert answer.json() == page | {"nextCursor": cursor}
    assert dict(dispatcher.asked[0].url.params) == {
        "state": "DEAD",
        "itemTypeId": "t-1",
        "itemId": "post 1",
        "actionId": "a-1",
        "endpointId": "7",
        "ruleId": "r-1",
        "since": "2026-03-01T00:00:00+00:00",
        "limit": "7",
    }
    assert (await admin.call("GET", f"/v1/deliveries/{EXECUTION}")).json() == DETAIL | {
        "actor": None
    }
    await admin.call("GET", f"/v1/deliveries?cursor={cursor}")
    assert dispatcher.asked[-1].url.params["cursor"] == "MTI"


async def test_sending_again_leaves_an_audit_row(
    admin: Any, dispatcher: Any, org: Any, engine: Any
) -> None:
    """One by one and by query, both noted with who asked; a query must say which."""
    root = f"/internal/v1/orgs/{org.org_id}/deliveries"
    dispatcher.answers[f"{root}/{EXECUTION}/redeliver"] = httpx.Response(
        202, json={"executionId": EXECUTION}
    )
    dispatcher.answers[f"{root}/redeliver"] = httpx.Response(200, json={"count": 4, "more": False})
    one = await admin.call("POST", f"/v1/deliveries/{EXECUTION}/redeliver")
    assert (one.status_code, one.json()) == (202, {"executionId": EXECUTION})
    many = await admin.call(
        "POST", "/v1/deliveries/redeliver", {"endpointId": "7", "since": "2026-03-01T00:00:00Z"}
    )
    assert many.json() == {"count": 4, "more": False}
    sent = json.loads(dispatcher.asked[-1].content)
    assert sent == {"endpointId": "7", "since": "2026-03-01T00:00:00Z"}
    assert (await admin.call("POST", "/v1/deliveries/redeliver", {})).status_code == 422
    assert await audited(engine, org.org_id) == [
        ("redelivery.requested", EXECUTION),
        ("redelivery.requested", None),
    ]


async def test_what_is_not_dead_is_a_conflict(admin: Any, dispatcher: Any, org: Any) -> None:
    """The dispatcher's refusal reaches the caller as 409."""
    dispatcher.answers[f"/internal/v1/orgs/{org.org_id}/deliveries/{EXECUTION}/redeliver"] = (
        httpx.Response(409, json={"detail": "only a dead delivery can be sent again"})
    )
    answer = await admin.call("POST", f"/v1/deliveries/{EXECUTION}/redeliver")
    assert answer.status_code == 409
    assert "only a dead delivery" in answer.text


async def test_endpoints_are_seen_paused_and_resumed(
    admin: Any, dispatcher: Any, org: Any, engine: Any
) -> None:
    """Health is handed on; who pauses or resumes is told to the dispatcher and noted."""
    root = f"/internal/v1/orgs/{org.org_id}/endpoints"
    dispatcher.answers[root] = httpx.Response(200, json={"items": [ENDPOINT], "nextCursor": None})
    shown = ENDPOINT | {"pausedByPerson": None}
    for path in ("/7", "/7/pause", "/7/resume"):
        dispatcher.answers[f"{root}{path}"] = httpx.Response(200, json=ENDPOINT)
    assert (await admin.call("GET", "/v1/endpoints")).json()["items"] == [shown]
    assert (await admin.call("GET", "/v1/endpoints/7?hours=24")).json() == shown
    paused = await admin.call("POST", "/v1/endpoints/7/pause", {"reason": "maintenance"})
    assert paused.json() == shown
    assert json.loads(dispatcher.asked[-1].content) == {
        "actorId": admin.user_id,
        "reason": "maintenance",
    }
    assert (await admin.call("POST", "/v1/endpoints/7/resume")).status_code == 200
    assert json.loads(dispatcher.asked[-1].content) == {"actorId": admin.user_id}
    assert await audited(engine, org.org_id) == [
        ("endpoint_pause.requested", "7"),
        ("endpoint_resumption.requested", "7"),
    ]


async def test_who_may_look_may_not_mend(sign_in: Any, dispatcher: Any, org: Any) -> None:
    """An analyst sees deliveries, and neither sends them again nor touches endpoints."""
    analyst = await sign_in(Role.ANALYST)
    root = f"/internal/v1/orgs/{org.org_id}"
    dispatcher.answers[f"{root}/deliveries"] = httpx.Response(
        200, json={"items": [], "nextCursor": None}
    )
    assert (await analyst.call("GET", "/v1/deliveries")).status_code == 200
    for path in (f"deliveries/{EXECUTION}/redeliver", "endpoints/7/resume"):
        assert (await analyst.call("POST", f"/v1/{path}")).status_code == 403
    refused = await analyst.call("POST", "/v1/deliveries/redeliver", {"actionId": "a-1"})
    assert refused.status_code == 403
    external = await sign_in(Role.EXTERNAL_MODERATOR)
    assert (await external.call("GET", "/v1/deliveries")).status_code == 403


async def test_a_dispatcher_that_is_away_is_503(admin: Any, dispatcher: Any, org: Any) -> None:
    """No answer is an answer of our own, with Retry-After."""
    dispatcher.answers[f"/internal/v1/orgs/{org.org_id}/endpoints"] = httpx.ConnectError("refused")
    answer = await admin.call("GET", "/v1/endpoints")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
