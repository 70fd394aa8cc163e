"""The edge of the API: bodies, limits, problems, keys."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from coop_contracts.config import ApiKey, Kind, WebhookKey
from coop_review_api.configuration.document_model import PolicyBody, RuleBody
from coop_review_api.configuration.log import read
from coop_review_api.http.body import parse
from coop_review_api.kernel.error import Invalid
from coop_runtime.database.engine import transaction

from ..world.application import application_of

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b'{"name": 1}', "/name"),
        (b'{"name": ""}', "/name"),
        (b'{"name": "a", "userStrikeCount": "1"}', "/userStrikeCount"),
        (b'{"name": "a", "userStrikeCount": 1.5}', "/userStrikeCount"),
        (b'{"name": "a", "userStrikeCount": true}', "/userStrikeCount"),
        (b'{"name": "a", "id": "not an id"}', "/id"),
        (b'{"name": "a", "orgId": "other"}', "/orgId"),
        (b'{"name": "a\\u0000"}', "/name"),
        (b'{"name": "\\ud800"}', ""),
        (b'{"name": "\xff"}', ""),
        (b'{"name": "' + b"a" * 256 + b'"}', "/name"),
    ],
)
def test_wrong_bodies_name_the_place(sent: bytes, pointer: str) -> None:
    """A body that is not exactly what is declared is refused, with a pointer."""
    with pytest.raises(Invalid) as caught:
        parse(PolicyBody, sent)
    assert caught.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    "condition",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"a": "\\u0000"}',
    ],
)
def test_free_json_is_still_json(condition: bytes) -> None:
    """What a condition may hold freely has no NaN, no NUL and no bottomless nesting."""
    body = b'{"name":"r","status":"DRAFT","itemTypeIds":["t"],"conditionSet":' + condition + b"}"
    with pytest.raises(Invalid):
        parse(RuleBody, body)


@pytest.mark.engines
async def test_every_error_is_a_problem(admin: Any, http: Any) -> None:
    """Status, type, title and request id, as application/problem+json, whatever went wrong."""
    answers = [
        await http.get("/v1/nothing"),
        await http.put("/v1/session"),
        await http.get("/v1/policies"),
        await http.post("/v1/session", content=b"{", headers=JSON),
        await http.post("/v1/session", content=b"{}", headers={"content-type": "text/plain"}),
        await admin.call("GET", "/v1/policies/none"),
        await admin.call("GET", "/v1/policies?limit=many"),
        await admin.http.post("/v1/policies", content=b"x" * 1_000_001, headers=JSON),
    ]
    answers += [
        await admin.call("GET", "/v1/policies/%00"),
        await admin.call("GET", "/v1/jobs?itemId=a%00b"),
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [404, 405, 401, 422, 415, 404, 422, 413, 400, 400]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["type"].startswith("/problems/")
        assert problem["requestId"] == answer.headers["x-request-id"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_behind_tls_browsers_come_by_tls_alone() -> None:
    """Where the public address is https every answer says so, also one of a limit; else none."""
    import httpx

    from coop_review_api.http.limit import RequestLimit

    async def nothing(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    for behind_tls in (True, False):
        served = RequestLimit(
            nothing, max_body=1, reads_itself=lambda *_: False, behind_tls=behind_tls
        )
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://review") as client:
            for body in (b"", b"too large"):
                answer = await client.post("/", content=body)
                said = answer.headers.get("strict-transport-security")
                assert said == ("max-age=31536000" if behind_tls else None)


@pytest.mark.engines
async def test_a_bug_shows_nothing(context: Any) -> None:
    """An unexpected error is a 500 problem without a trace of the inside."""
    import httpx

    from coop_review_api.process.application import build, limited

    app = build(context)  # of its own: its routes are not the others'

    async def broken() -> None:
        raise RuntimeError("secret inside")

    app.add_api_route("/v1/broken", broken)
    transport = httpx.ASGITransport(limited(app, max_body=1000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://review") as client:
        answer = await client.get("/v1/broken")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert answer.json()["requestId"] == answer.headers["x-request-id"]


@pytest.mark.engines
async def test_an_unannounced_large_body_is_cut(admin: Any) -> None:
    """A chunked body is counted as it comes, not trusted."""

    async def endless() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    answer = await admin.http.post("/v1/policies", content=endless(), headers=JSON)
    assert answer.status_code == 413


@pytest.mark.engines
async def test_a_database_that_is_away_is_503(app: Any, context: Any) -> None:
    """Without its database the API says so, with Retry-After."""
    import httpx

    from coop_runtime.database.engine import engine_of

    away = engine_of("postgresql://nobody@127.0.0.1:1/none", application_name="test")
    broken = application_of(replace(context, engine=away))
    transport = httpx.ASGITransport(broken)
    async with httpx.AsyncClient(transport=transport, base_url="http://review") as client:
        client.cookies.set("coop_session", "any")
        answer = await client.get("/v1/session")
    await away.dispose()
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


@pytest.mark.engines
async def test_api_keys_are_shown_once(admin: Any, engine: Any, org: Any) -> None:
    """The key is in the answer of its making only; the document holds its SHA-256."""
    made = await admin.make("/v1/api-keys", {"name": "Server"})
    async with transaction(engine) as connection:
        entry = await read(connection, org.org_id, Kind.API_KEY, ApiKey, made["id"])
    assert entry is not None
    assert len(made["key"]) == 64
    assert entry.document.key_hash == hashlib.sha256(made["key"].encode()).hexdigest()
    listed = await admin.call("GET", "/v1/api-keys")
    assert made["key"] not in listed.text
    assert entry.document.key_hash not in listed.text
    assert {one["name"] for one in listed.json()["items"]} == {"First key", "Server"}
    revoked = (await admin.call("POST", f"/v1/api-keys/{made['id']}/revoke")).json()
    again = (await admin.call("POST", f"/v1/api-keys/{made['id']}/revoke")).json()
    assert revoked["revokedAt"]
    assert revoked == again
    past = await admin.call(
        "POST", "/v1/api-keys", {"name": "Old", "expiresAt": "2020-01-01T00:00:00Z"}
    )
    assert past.json()["errors"][0]["pointer"] == "/expiresAt"


@pytest.mark.engines
async def test_an_api_key_is_replaced_with_an_overlap(admin: Any, clock: Any) -> None:
    """A rotation keeps name, scopes and lifetime; the old key ends with the overlap, or at its own
    end; it cannot be replaced twice, nor brought back when it is over."""
    ends = (clock() + timedelta(hours=10)).isoformat()
    body = {"name": "Server", "scopes": ["items:write", "reports:write"], "expiresAt": ends}
    old = await admin.make("/v1/api-keys", body)
    path = f"/v1/api-keys/{old['id']}/rotate"
    new = await admin.make(path, {"overlapHours": 2})
    assert new["scopes"] == ["items:write", "reports:write"]
    assert (new["name"], new["key"]) == ("Server", new["key"])
    assert new["key"] != old["key"]
    listed = {key["id"]: key for key in (await admin.call("GET", "/v1/api-keys")).json()["items"]}
    assert listed[old["id"]]["replacedBy"] == new["id"]
    left = datetime.fromisoformat(listed[old["id"]]["expiresAt"]) - clock()
    assert timedelta(hours=1.9) < left < timedelta(hours=2)
    lifetime = datetime.fromisoformat(new["expiresAt"]) - clock()
    assert timedelta(hours=9.9) < lifetime < timedelta(hours=10.1)
    again = await admin.call("POST", path, {})
    assert again.status_code == 409
    assert again.json()["usedBy"] == [f"api-key {new['id']}"]
    short = await admin.make(f"/v1/api-keys/{new['id']}/rotate", {"overlapHours": 1000})
    listed = {key["id"]: key for key in (await admin.call("GET", "/v1/api-keys")).json()["items"]}
    assert listed[new["id"]]["expiresAt"] == new["expiresAt"]
    await admin.call("POST", f"/v1/api-keys/{short['id']}/revoke")
    assert (await admin.call("POST", f"/v1/api-keys/{short['id']}/rotate", {})).status_code == 409
    unknown = await admin.call("POST", "/v1/api-keys", {"name": "X", "scopes": ["everything"]})
    assert unknown.json()["errors"][0]["pointer"] == "/scopes/0"


@pytest.mark.engines
async def test_webhook_keys_rotate_with_overlap(
    admin: Any, engine: Any, org: Any, context: Any
) -> None:
    """Rotating leaves the old key retiring; secrets are ciphertext; the active one stays."""
    first = (await admin.call("GET", "/v1/webhook-keys")).json()["items"]
    assert sorted(key["scheme"] for key in first) == ["RSA_SHA256", "STANDARD_WEBHOOKS"]
    assert {key["status"] for key in first} == {"ACTIVE"}
    rotated = await admin.make("/v1/webhook-keys/rotate", {"scheme": "STANDARD_WEBHOOKS"})
    assert rotated["secret"].startswith("whsec_")
    rsa = await admin.make("/v1/webhook-keys/rotate", {"scheme": "RSA_SHA256"})
    assert rsa["secret"] is None
    assert rsa["publicKey"].startswith("-----BEGIN PUBLIC KEY-----")
    listed = await admin.call("GET", "/v1/webhook-keys")
    states = {key["id"]: key["status"] for key in listed.json()["items"]}
    assert sorted(states.values()) == ["ACTIVE", "ACTIVE", "RETIRING", "RETIRING"]
    assert rotated["secret"] not in listed.text
    assert "PRIVATE" not in listed.text
    async with transaction(engine) as connection:
        entry = await read(connection, org.org_id, Kind.WEBHOOK_KEY, WebhookKey, rotated["id"])
    assert entry is not None
    bound_to = f"{org.org_id}/webhook-key/{rotated['id']}"
    assert context.vault.decrypt(entry.document.secret, context=bound_to) == rotated["secret"]
    active = await admin.call("POST", f"/v1/webhook-keys/{rotated['id']}/revoke")
    assert active.status_code == 409
    old = next(key_id for key_id, status in states.items() if status == "RETIRING")
    gone = await admin.call("POST", f"/v1/webhook-keys/{old}/revoke")
    assert gone.json()["status"] == "REVOKED"


def test_what_create_org_prints_is_one_json_object() -> None:
    """The names that scripts read."""
    from coop_review_api.organisation.create_command import shown
    from coop_review_api.organisation.creation import Created

    fields = {field: field for field in Created.__dataclass_fields__ if field != "action_ids"}
    printed = shown(Created(**fields, action_ids={}))
    assert json.loads(msgspec.json.encode(printed))["admin"]["password"] == "admin_password"
    assert {"orgId", "apiKey", "webhookSecret", "publicKey"} <= printed.keys()
