"""Reports to NCMEC, as they are asked of the reporter for people."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from coop_contracts.export import api_examples
from coop_contracts.permission import Role
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

EXAMPLES = api_examples("cybertip")
TIP = EXAMPLES["getCybertip"]["answers"]["cybertip"]["id"]
PATHS = (
    ("GET", "/v1/cybertips", None, "listCybertips", "cybertips"),
    ("GET", f"/v1/cybertips/{TIP}", None, "getCybertip", f"cybertips/{TIP}"),
    (
        "GET",
        f"/v1/cybertips/{TIP}/documents/receipt",
        None,
        "cybertipDocument",
        f"cybertips/{TIP}/documents/receipt",
    ),
    (
        "POST",
        f"/v1/cybertips/{TIP}/retry",
        {"further": True},
        "retryCybertip",
        f"cybertips/{TIP}/retry",
    ),
    (
        "PUT",
        f"/v1/cybertips/{TIP}/hold",
        {"reason": "Case 1", "until": "2027-09-01T00:00:00Z"},
        "placeHold",
        f"cybertips/{TIP}/hold",
    ),
    ("DELETE", f"/v1/cybertips/{TIP}/hold", None, "liftHold", f"cybertips/{TIP}/hold/lift"),
    (
        "POST",
        f"/v1/cybertips/{TIP}/destruction",
        {"ground": "LAW_ENFORCEMENT", "reason": "Case 1"},
        "askDestruction",
        f"cybertips/{TIP}/destruction",
    ),
    (
        "POST",
        f"/v1/cybertips/{TIP}/destruction/confirm",
        None,
        "confirmDestruction",
        f"cybertips/{TIP}/destruction/confirm",
    ),
    (
        "POST",
        f"/v1/cybertips/{TIP}/destruction/refuse",
        None,
        "refuseDestruction",
        f"cybertips/{TIP}/destruction/refuse",
    ),
)
ACTIONS = {
    "listCybertips": "child-safety.listed",
    "retryCybertip": "cybertip.retried",
    "placeHold": "cybertip.held",
    "liftHold": "cybertip.hold-lifted",
    "askDestruction": "cybertip.destruction-asked",
    "confirmDestruction": "cybertip.destruction-confirmed",
    "refuseDestruction": "cybertip.destruction-refused",
}
"""What is in the audit log for each; for the others, that it was looked at."""


async def org_of(admin: Any) -> str:
    found: str = (await admin.call("GET", "/v1/session")).json()["org"]["id"]
    return found


@pytest.mark.parametrize(
    ("method", "path", "body", "call", "asked"), PATHS, ids=[one[3] for one in PATHS]
)
async def test_what_the_reporter_says_is_told(
    admin: Any,
    sign_in: Any,
    dispatcher: Any,
    engine: Any,
    method: str,
    path: str,
    body: Any,
    call: str,
    asked: str,
) -> None:
    """To who may see child-safety data, with an audit row; to nobody else, who is not asked for."""
    org_id, moderator = await org_of(admin), await sign_in(Role.MODERATOR)
    answer = httpx.Response(200, content=msgspec.json.encode(EXAMPLES[call]["answers"]))
    dispatcher.answers[f"/internal/v1/orgs/{org_id}/{asked}"] = answer
    refused = await moderator.call(method, path, body)
    assert refused.status_code == 403, refused.text
    assert dispatcher.asked == []
    told = await admin.call(method, path, body)
    assert told.status_code == 200, told.text
    assert TIP in told.text or "reportDoneResponse" in told.text
    async with transaction(engine) as connection:
        rows = list(
            await connection.execute(
                text(
                    "SELECT action FROM review.audit_log "
                    "WHERE org_id = :org AND target_kind = 'cybertip'"
                ),
                {"org": org_id},
            )
        )
    assert [one.action for one in rows] == [ACTIONS.get(call, "child-safety.viewed")]


async def test_who_acts_is_who_is_signed_in(admin: Any, dispatcher: Any, sign_in: Any) -> None:
    """The reporter is told the person of the session, so that two are two; its answer has people
    beside their ids."""
    org_id = await org_of(admin)
    base = f"/internal/v1/orgs/{org_id}/cybertips/{TIP}/destruction"
    asked = EXAMPLES["askDestruction"]["answers"]
    asked["cybertip"]["destruction"]["askedBy"] = admin.user_id
    for path in (base, f"{base}/confirm"):
        dispatcher.answers[path] = httpx.Response(200, content=msgspec.json.encode(asked))
    body = {"ground": "LAW_ENFORCEMENT", "reason": "Case 1"}
    told = await admin.call("POST", f"/v1/cybertips/{TIP}/destruction", body)
    person = told.json()["cybertip"]["destruction"]["askedByPerson"]
    assert person["id"] == admin.user_id
    second = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    await second.call("POST", f"/v1/cybertips/{TIP}/destruction/confirm")
    sent = [msgspec.json.decode(one.content)["personId"] for one in dispatcher.asked]
    assert sent == [admin.user_id, second.user_id]


async def test_a_refusal_has_its_code(admin: Any, dispatcher: Any) -> None:
    """What stands against it is said for people and for programs."""
    path = f"/internal/v1/orgs/{await org_of(admin)}/cybertips/{TIP}/destruction/confirm"
    problem = {
        "type": "/problems/evidence-held",
        "title": "Conflict",
        "status": 409,
        "detail": "the report is held: Case 1",
    }
    dispatcher.answers[path] = httpx.Response(409, json=problem)
    refused = await admin.call("POST", f"/v1/cybertips/{TIP}/destruction/confirm")
    assert refused.status_code == 409, refused.text
    assert refused.json()["detail"] == "the report is held: Case 1"
    (error,) = refused.json()["errors"]
    assert error["code"] == "evidence-held"


async def test_only_those_that_are_due_can_be_asked_for(admin: Any, dispatcher: Any) -> None:
    """The filter goes to the reporter."""
    path = f"/internal/v1/orgs/{await org_of(admin)}/cybertips"
    page = msgspec.json.encode(EXAMPLES["listCybertips"]["answers"])
    dispatcher.answers[path] = httpx.Response(200, content=page)
    assert (await admin.call("GET", "/v1/cybertips?due=true")).status_code == 200
    assert dispatcher.asked[-1].url.params["due"] == "true"
    await admin.call("GET", "/v1/cybertips")
    assert "due" not in dispatcher.asked[-1].url.params


async def test_a_page_goes_on_where_the_last_one_ended(admin: Any, dispatcher: Any) -> None:
    """Its cursor is of this list alone; no more, no cursor."""
    path = f"/internal/v1/orgs/{await org_of(admin)}/cybertips"
    page = EXAMPLES["listCybertips"]["answers"]
    for more in (page["nextCursor"], None):
        answer = httpx.Response(200, content=msgspec.json.encode(page | {"nextCursor": more}))
        dispatcher.answers[path] = answer
        found = (await admin.call("GET", "/v1/cybertips?limit=1")).json()
        assert (found["nextCursor"] is None) == (more is None)
        if more:
            cursor = found["nextCursor"]
    await admin.call("GET", f"/v1/cybertips?limit=1&cursor={cursor}")
    assert dispatcher.asked[-1].url.params["cursor"] == page["nextCursor"]
    before = len(dispatcher.asked)
    refused = await admin.call("GET", "/v1/cybertips?cursor=x")
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == "#/query/cursor"
    assert len(dispatcher.asked) == before


async def test_a_reporter_that_is_away_is_said(admin: Any, dispatcher: Any) -> None:
    """503; one that does not know a report, 404; one that may not go on, 409."""
    org_id = await org_of(admin)
    base = f"/internal/v1/orgs/{org_id}/cybertips/{TIP}"
    dispatcher.answers[base] = httpx.ConnectError("away")
    dispatcher.answers[f"{base}/retry"] = httpx.Response(409, json={"detail": "not now"})
    assert (await admin.call("GET", f"/v1/cybertips/{TIP}")).status_code == 503
    assert (await admin.call("GET", "/v1/cybertips/unknown")).status_code == 404
    refused = await admin.call("POST", f"/v1/cybertips/{TIP}/retry", {})
    assert refused.status_code == 409
    assert "not now" in refused.text


async def test_what_reports_are_checked_with_is_told(
    admin: Any, sign_in: Any, dispatcher: Any
) -> None:
    """The version and fingerprint of the schema and what NCMEC serves, to who manages the
    organisation; to nobody else, who is not asked for."""
    org_id, moderator = await org_of(admin), await sign_in(Role.MODERATOR)
    told = EXAMPLES["schemaUsed"]["answers"]
    answer = httpx.Response(200, content=msgspec.json.encode(told))
    dispatcher.answers[f"/internal/v1/orgs/{org_id}/schema"] = answer
    assert (await moderator.call("GET", "/v1/ncmec-schema")).status_code == 403
    assert dispatcher.asked == []
    found = await admin.call("GET", "/v1/ncmec-schema")
    assert (found.status_code, found.json()) == (200, told), found.text
    bare = told | {"hasFile": False, "version": None, "fingerprint": None, "served": []}
    dispatcher.answers[f"/internal/v1/orgs/{org_id}/schema"] = httpx.Response(200, json=bare)
    assert (await admin.call("GET", "/v1/ncmec-schema")).json() == bare
