"""Who may call what: every route, every role, every organisation."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from fastapi.routing import APIRoute

from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Permission, Role
from coop_review_api.http.authentication import Access
from coop_review_api.process.application import build

PUBLIC = {
    ("GET", "/v1"),
    ("POST", "/v1/csp-reports"),
    ("POST", "/v1/session"),
    ("POST", "/v1/session/second-factor"),
    ("POST", "/v1/invitations/look"),
    ("POST", "/v1/invitations/accept"),
    ("POST", "/v1/password-resets"),
    ("POST", "/v1/password-resets/use"),
    ("POST", "/v1/sso/start"),
    ("GET", "/v1/sso/{provider_id}/start"),
    ("GET", "/v1/sso/{provider_id}/metadata"),
    ("POST", "/v1/sso/{provider_id}/acs"),
    ("GET", "/v1/sso/{provider_id}/finish"),
    ("GET", "/v1/sso/{provider_id}/callback"),
    ("GET", "/v1/openapi.json"),
}
SIGNED_IN = {
    ("PUT", "/v1/me"),
    ("PUT", "/v1/me/wellness"),
    ("DELETE", "/v1/me/wellness"),
    ("PUT", "/v1/me/password"),
    ("POST", "/v1/me/remove"),
    ("GET", "/v1/me/sessions"),
    ("DELETE", "/v1/me/sessions"),
    ("DELETE", "/v1/me/sessions/{session_id}"),
    ("GET", "/v1/me/exposure"),
    ("DELETE", "/v1/me/reveals/{reveal_id}"),
    ("GET", "/v1/me/second-factor"),
    ("POST", "/v1/me/second-factor"),
    ("POST", "/v1/me/second-factor/confirm"),
    ("POST", "/v1/me/second-factor/recovery-codes"),
    ("POST", "/v1/me/second-factor/remove"),
    ("GET", "/v1/session"),
    ("GET", "/v1/bootstrap"),
    ("GET", "/v1/search"),
    ("GET", "/v1/me/preferences"),
    ("GET", "/v1/me/preferences/{key}"),
    ("PUT", "/v1/me/preferences/{key}"),
    ("DELETE", "/v1/me/preferences/{key}"),
    ("GET", "/v1/views"),
    ("GET", "/v1/views/{view_id}"),
    ("PUT", "/v1/views/{view_id}"),
    ("DELETE", "/v1/views/{view_id}"),
    ("DELETE", "/v1/session"),
    ("GET", "/v1/events"),
    ("GET", "/v1/notifications"),
    ("POST", "/v1/notifications/read"),
    ("POST", "/v1/notifications/{notification_id}/read"),
}


def routes_of(app: Any) -> list[APIRoute]:
    routes = list(app.routes)
    assert all(isinstance(route, APIRoute) for route in routes), "a route that is not an API route"
    return routes


def access_of(route: APIRoute) -> list[Access]:
    """Every access a route declares, in whatever depth of its dependencies."""
    found, waiting = [], [route.dependant]
    while waiting:
        dependant = waiting.pop()
        if isinstance(dependant.call, Access):
            found.append(dependant.call)
        waiting += dependant.dependencies
    return found


def test_every_route_declares_one_access() -> None:
    """A route without a declared permission, or with two, fails here."""
    app = build(None)  # type: ignore[arg-type]
    for route in routes_of(app):
        declared = access_of(route)
        assert len(declared) == 1, f"{route.methods} {route.path} declares {len(declared)}"
        (method,) = route.methods or set()
        key = (method, route.path)
        assert declared[0].is_public == (key in PUBLIC), key
        if not declared[0].is_public:
            assert bool(declared[0].any_of) != (key in SIGNED_IN), key


def test_a_route_without_access_would_be_found() -> None:
    """The walk above notices a route that declares nothing."""
    app = build(None)  # type: ignore[arg-type]

    async def forgotten() -> None:
        """No access."""

    app.add_api_route("/v1/forgotten", forgotten)
    assert [route.path for route in routes_of(app) if not access_of(route)] == ["/v1/forgotten"]


CUSTOM = frozenset({Permission.MANAGE_ROLES, Permission.VIEW_INSIGHTS, Permission.VIEW_MRT_DATA})


@pytest.mark.engines
@pytest.mark.parametrize("role", [*Role, "custom", "empty"])
async def test_every_route_with_every_role(app: Any, sign_in: Any, admin: Any, role: str) -> None:
    """Exactly the roles with a route's permission pass its gate; all others get 403. So do those
    that an organisation made itself, one that holds nothing included."""
    defaults: dict[str, frozenset[Permission]] = {
        str(one): permissions for one, permissions in DEFAULT_ROLE_PERMISSIONS.items()
    }
    held = CUSTOM if role == "custom" else defaults.get(role, frozenset())
    if role not in list(Role):
        document = {"name": role, "permissions": sorted(held)}
        role = (await admin.make("/v1/roles", document))["id"]
    person = await sign_in(role)
    for route in routes_of(app):
        (access,) = access_of(route)
        (method,) = route.methods or set()
        if (method, route.path) in {("DELETE", "/v1/session")}:
            continue
        path = route.path.replace("{revision}", "1")
        path = re.sub(r"\{\w+\}", "00000000-0000-7000-8000-000000000000", path)
        answer = await person.call(method, path, {} if method in {"POST", "PUT"} else None)
        allowed = access.is_public or not access.any_of or bool(access.any_of & held)
        assert (answer.status_code != 403) == allowed, (method, route.path, answer.text)
        assert answer.status_code < 500, (method, route.path, answer.text)


@pytest.mark.engines
async def test_nobody_gets_in_without_a_session(app: Any, http: Any) -> None:
    """Every route that is not public answers 401 without a session, before it reads the body."""
    for route in routes_of(app):
        (access,) = access_of(route)
        (method,) = route.methods or set()
        path = re.sub(r"\{\w+\}", "x", route.path)
        answer = await http.request(method, path, content=b"{not json")
        assert (answer.status_code == 401) == (not access.is_public), (method, route.path)
        assert answer.headers["content-type"].startswith("application/") or not answer.content


@pytest.mark.engines
async def test_another_organisations_ids_do_not_exist(
    app: Any, admin: Any, sign_in: Any, kit: Any, place: Any
) -> None:
    """With another organisation's id every route answers 404, and nothing of it is listed; with
    their own the same request finds what it is of."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    post = await admin.make("/v1/item-types", kit.item_type())
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    job_id = await place(queues[0]["id"], post["id"])
    claimed = (await admin.call("POST", f"/v1/queues/{queues[0]['id']}/claims")).json()
    token = claimed["lease"]["token"]
    routing = {
        "name": "R",
        "itemTypeIds": [post["id"]],
        "conditionSet": kit.contains(strings=["x"]),
        "destinationQueueId": next(q["id"] for q in queues if not q["isAppealsQueue"]),
    }
    bodies: dict[str, Any] = {
        "item-types": kit.item_type(),
        "policies": {"name": "P"},
        "actions": kit.action(post["id"]),
        "rules": kit.rule(post["id"]),
        "routing-rules": routing,
        "queues": {"name": "Q"},
        "text-banks": {"name": "B", "type": "STRING", "strings": ["a"]},
        "location-banks": {"name": "L", "locations": []},
        "hash-banks": {"name": "H"},
        "roles": {"name": "Ro", "permissions": []},
        "identity-providers": {
            "scheme": "OIDC",
            "name": "I",
            "issuer": "https://accounts.example.com",
            "clientId": "coop",
            "enabled": False,
        },
    }
    ids = {"item-types": post["id"]}
    revisions = {"item-types": post["revision"]}
    for path, document in bodies.items():
        if path not in ids:
            made = await admin.make(f"/v1/{path}", document)
            ids[path], revisions[path] = made["id"], made["revision"]
    ids["integrations"] = "OPEN_AI"
    account = {"credential": {"apiKey": "k"}}
    saved = await admin.call("PUT", "/v1/integrations/OPEN_AI", account)
    revisions["integrations"] = saved.json()["revision"]
    ids["queues"], revisions["queues"] = queues[0]["id"], queues[0]["revision"]
    ids["users"] = admin.user_id
    invited = {"email": "someone@acme.example", "role": "MODERATOR"}
    ids["invitations"] = (await admin.make("/v1/invitations", invited))["id"]
    ids["me"] = (await admin.call("GET", "/v1/me/sessions")).json()["items"][0]["id"]
    ids["api-keys"] = (await admin.make("/v1/api-keys", {"name": "K"}))["id"]
    made = await admin.make("/v1/webhook-keys/rotate", {"scheme": "RSA_SHA256"})
    ids["webhook-keys"] = made["id"]
    ids["jobs"] = job_id
    tried = {"rule": kit.rule(post["id"], name="Tried", actionIds=[ids["actions"]])}
    tried |= {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    for path in ("backtests", "retroactions"):
        answer = await admin.call("POST", f"/v1/{path}", tried)
        assert answer.status_code == 202, answer.text
        ids[path] = answer.json()["id"]
    await place(queues[0]["id"], post["id"], "another")
    taken = (await admin.call("POST", f"/v1/queues/{queues[0]['id']}/claims")).json()
    decided = {"leaseToken": taken["lease"]["token"], "components": [{"type": "IGNORE"}]}
    answer = await admin.call("POST", f"/v1/jobs/{taken['job']['id']}/decisions", decided)
    ids["decisions"] = answer.json()["id"]
    bulk = {"itemTypeId": post["id"], "actionIds": [ids["actions"]], "itemIds": ["a"]}
    ids["bulk-actions"] = (await admin.make("/v1/bulk-actions", bulk))["id"]
    batch: dict[str, Any] = {"id": str(uuid.uuid4()), "jobIds": [str(uuid.uuid4())]}
    batch["components"] = [{"type": "IGNORE"}]
    answer = await admin.call("POST", "/v1/batch-decisions", batch)
    ids["batch-decisions"] = answer.json()["id"]
    golden = {"decisionId": ids["decisions"]}
    ids["quality"] = (await admin.make("/v1/quality/golden-items", golden))["id"]
    ids["second-reviews"] = str(uuid.uuid4())  # test_second_review tries another organisation's
    answer = await admin.call("POST", "/v1/decision-log/exports", {"format": "CSV"})
    ids["decision-log"] = answer.json()["id"]
    erased = {"users": [{"typeId": post["id"], "id": "nobody"}]}
    ids["erasures"] = (await admin.make("/v1/erasures", erased))["id"]
    invalidated = {"reporter": {"id": "nobody", "typeId": post["id"]}}
    answer = await admin.call("POST", "/v1/report-invalidations", invalidated)
    ids["automations"] = answer.json()["id"]
    await sign_in(Role.RULES_MANAGER)
    settings = {"name": "Acme", "ruleApprovalAbove": 0}
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200
    of_rule = {"ruleId": ids["rules"], "revision": revisions["rules"]}
    of_rule["rule"] = kit.rule(post["id"], status="LIVE", actionIds=[ids["actions"]])
    ids["rule-proposals"] = (await admin.make("/v1/rule-proposals", of_rule))["id"]
    ids["media"] = "none"  # test_media tries another organisation's
    ids["notifications"] = "1"  # test_notification tries another person's
    # test_explanation and test_integration try another organisation's. The dispatcher has none.
    ids |= {"deliveries": str(uuid.uuid4()), "endpoints": "1"}
    ids |= {"submissions": "none", "executions": "none"}
    ids |= {"cybertips": "none"}  # the reporter has none: test_cybertip
    lease = {"leaseToken": token}
    tried_of: list[tuple[str, str, str, Any]] = []
    for route in routes_of(app):
        if "{" not in route.path or route.path.startswith(("/v1/users/{type_id}/", "/v1/items/")):
            continue  # the platform's: test_strike_api and test_job_search try another's
        if route.path == "/v1/integrations/{document_id}":
            continue  # integrations are everybody's, accounts are not
        if route.path.startswith("/v1/sso/"):
            continue  # everybody signs in there: tests/single_sign_on try another's provider
        if route.path in ("/v1/views/{view_id}", "/v1/me/preferences/{key}"):
            continue  # under names of everybody's own: test_saved_view and test_preference
        if route.path.startswith(("/v1/settings/", "/v1/ncmec-settings/")):
            continue  # everybody's settings have the same id, and each their own
        (method,) = route.methods or set()
        collection = route.path.split("/")[2]
        path = route.path.replace("{revision}", str(revisions.get(collection)))
        path = path.replace("{command}", "cancel").replace("{what}", "receipt")
        path = re.sub(r"\{\w+\}", ids[collection], path)
        body: Any = None
        if method == "PUT":
            single: dict[str, Any] = {"users": {"queueIds": []}, "jobs": {"content": {}}}
            single["cybertips"] = {"reason": "r"}
            body = single.get(collection) or bodies[collection]
            if path.endswith("/credentials"):
                body = {"apiToken": "t"}
        elif method == "PATCH":
            body = {}
        elif method == "POST":
            body = {**lease, "components": [{"type": "IGNORE"}]}
            if collection == "bulk-actions":
                body = {"itemIds": ["b"]} if path.endswith("/items") else {"total": 1}
            elif path.endswith("/confirm"):
                body = {"passed": 0}
            elif path.endswith(("/pause", "/decline")):
                body = {"reason": "r"}
            elif path.endswith("/assignment"):
                body = {"personId": admin.user_id}
            elif path.endswith("/hold"):
                body = {"reason": "r", **lease}
            elif path.endswith("/destruction"):
                body = {"ground": "LAW_ENFORCEMENT", "reason": "r"}
            elif path.endswith(("/retry", "/rotate", "/test-requests", "/undo")):
                body = {}
            elif path.endswith("/match"):
                body = {"text": "a"} if collection == "text-banks" else {"geohash": "u33"}
            elif path.endswith("/empty"):
                body = {"closable": 0, "asOf": "2026-01-01T00:00:00Z"}
            elif path.endswith("/reveal"):
                body = {"stage": "clear", "investigation": True}
            elif path.endswith("/comments"):
                body = {"body": "mine"}
            elif collection == "hash-banks":
                of_hashes: dict[str, dict[str, Any]] = {"media": {"ref": "none"}}
                of_hashes["hashes"] = {"hashes": [{"hash": "0" * 32}]}
                of_hashes["changes"] = {"ids": ["1"], "state": "ACTIVE"}
                of_hashes["copies"] = {"hash": "0" * 32}
                of_hashes["exchanges"] = {"kind": "STOP_NCII"}
                span = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
                queued = {"items": 1, "queueId": ids["queues"], **span}
                of_hashes["jobs"] = of_hashes["copies"] | queued
                body = of_hashes.get(path.rpartition("/")[2], {})
            elif not path.endswith("/decisions"):
                body = lease
        tried_of.append((method, route.path, path, body))
        answer = await stranger.call(method, path, body, headers={"X-Lease-Token": token})
        assert answer.status_code == 404, (method, route.path, answer.text)
    others = ("users", "api-keys", "webhook-keys", "jobs", "backtests", "retroactions")
    for path in (*bodies, *others, "rule-proposals"):
        listed = (await stranger.call("GET", f"/v1/{path}")).text
        assert ids[path] not in listed, path
    assert (await admin.call("GET", f"/v1/jobs/{job_id}")).json()["lease"] is not None
    # The positive control: reads first, and what ends something last.
    order = ["GET", "PATCH", "PUT", "POST", "DELETE"]
    tried_of.sort(key=lambda one: (one[1].startswith("/v1/me/"), order.index(one[0]), -len(one[1])))
    # (One's own sessions, all at once, by the way of an administrator: that would be the end.)
    tried_of = [one for one in tried_of if one[:2] != ("DELETE", "/v1/users/{user_id}/sessions")]
    for method, template, path, body in tried_of:
        if template.split("/")[2] in FOUND_ELSEWHERE or template in FOUND_ELSEWHERE:
            continue
        answer = await admin.call(method, path, body, headers={"X-Lease-Token": token})
        assert answer.status_code not in (404, 401, 403), (method, template, answer.text)


FOUND_ELSEWHERE = {
    "second-reviews": "test_second_review",
    "notifications": "test_notification",
    "deliveries": "test_delivery_api",
    "cybertips": "test_cybertip",
    "/v1/actions/{action_id}/test-requests": "test_trial_api",
    "endpoints": "test_delivery_api",
    "media": "test_media",
    "/v1/me/reveals/{reveal_id}": "test_media",
    "submissions": "test_explanation",
    "executions": "test_explanation",
    "/v1/hash-banks/{bank_id}/exchanges": "test_hash_exchange",
    "/v1/hash-banks/{bank_id}/exchanges/{exchange_id}": "test_hash_exchange",
    "/v1/hash-banks/{bank_id}/exchanges/{exchange_id}/credentials": "test_hash_exchange",
    "/v1/hash-banks/{bank_id}/exchanges/{exchange_id}/pause": "test_hash_exchange",
    "/v1/hash-banks/{bank_id}/exchanges/{exchange_id}/resume": "test_hash_exchange",
    "/v1/hash-banks/{bank_id}/hashes": "test_hash_bank",
    "/v1/hash-banks/{bank_id}/hashes/changes": "test_hash_bank",
    "/v1/hash-banks/{bank_id}/media": "test_hash_bank",
    "/v1/hash-banks/{bank_id}/copies": "test_seen_copy",
    "/v1/hash-banks/{bank_id}/copies/jobs": "test_seen_copy",
    "/v1/jobs/{job_id}/draft": "test_claim",
    "/v1/jobs/{job_id}/comments/{comment_id}": "test_comment",
    "/v1/decision-log/exports/{export_id}/download": "test_export",
}
"""Of what the walk has no ids of its own: where somebody finds it, and another organisation not."""


@pytest.mark.engines
async def test_every_change_needs_the_csrf_token(app: Any, admin: Any) -> None:
    """No route that changes something takes a session's cookie alone, or another's token."""
    checked = 0
    for route in routes_of(app):
        (access,) = access_of(route)
        (method,) = route.methods or set()
        if access.is_public or method in {"GET", "HEAD", "OPTIONS"}:
            continue
        path = re.sub(r"\{\w+\}", "1", route.path)
        for token in ("", "x" * 43):
            answer = await admin.call(method, path, {}, headers={"X-CSRF-Token": token})
            assert answer.status_code == 403, (method, path, answer.text)
            assert "X-CSRF-Token" in answer.json()["detail"], (method, path)
            checked += 1
    assert checked > 100


@pytest.mark.engines
async def test_no_route_sends_a_browser_elsewhere(app: Any, admin: Any) -> None:
    """Whatever an address is given as a parameter, no answer redirects to it."""
    for route in routes_of(app):
        (method,) = route.methods or set()
        path = re.sub(r"\{\w+\}", "1", route.path)
        elsewhere = "https://evil.example/"
        query = f"?next={elsewhere}&returnTo={elsewhere}&redirect={elsewhere}&url={elsewhere}"
        if (method, route.path) == ("DELETE", "/v1/session"):
            continue
        answer = await admin.call(method, path + query, {} if method != "GET" else None)
        assert "evil.example" not in answer.headers.get("location", ""), (method, path)
