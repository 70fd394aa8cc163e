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
)


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
    assert [one.action for one in rows] == [
        "cybertip.retried"
        if method == "POST"
        else ("child-safety.listed" if call == "listCybertips" else "child-safety.viewed")
    ]


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
