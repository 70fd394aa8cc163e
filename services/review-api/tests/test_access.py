"""Who may call what: every route, every role, every organisation."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from fastapi.routing import APIRoute

from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Role
from coop_review_api.api.application import build
from coop_review_api.api.authentication import Access

PUBLIC = {("POST", "/v1/session"), ("GET", "/v1/openapi.json")}
SIGNED_IN = {
    ("GET", "/v1/session"),
    ("DELETE", "/v1/session"),
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
        (method,) = route.methods
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


def test_every_operation_has_its_own_name_and_an_error_model() -> None:
    """OpenAPI: named operations, declared problems, valid as 3.1."""
    from openapi_spec_validator import validate

    from coop_review_api.api.application import document

    schema = document(build(None))  # type: ignore[arg-type]
    validate(schema)
    assert schema["openapi"].startswith("3.1")
    names = [
        operation["operationId"] for path in schema["paths"].values() for operation in path.values()
    ]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in names)
    for path in schema["paths"].values():
        for operation in path.values():
            assert "application/problem+json" in operation["responses"]["403"]["content"]


@pytest.mark.engines
@pytest.mark.parametrize("role", list(Role))
async def test_every_route_with_every_role(app: Any, sign_in: Any, role: Role) -> None:
    """Exactly the roles with a route's permission pass its gate; all others get 403."""
    person = await sign_in(role)
    held = DEFAULT_ROLE_PERMISSIONS[role]
    for route in routes_of(app):
        (access,) = access_of(route)
        (method,) = route.methods
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
        (method,) = route.methods
        path = re.sub(r"\{\w+\}", "x", route.path)
        answer = await http.request(method, path, content=b"{not json")
        assert (answer.status_code == 401) == (not access.is_public), (method, route.path)
        assert answer.headers["content-type"].startswith("application/") or not answer.content


@pytest.mark.engines
async def test_another_organisations_ids_do_not_exist(
    app: Any, admin: Any, sign_in: Any, kit: Any, place: Any
) -> None:
    """With another organisation's id every route answers 404, and nothing of it is listed."""
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
    }
    ids = {"item-types": post["id"]}
    for path, body in bodies.items():
        if path not in ids:
            ids[path] = (await admin.make(f"/v1/{path}", body))["id"]
    ids["integrations"] = "OPEN_AI"
    await admin.call("PUT", "/v1/integrations/OPEN_AI", {"credential": {"apiKey": "k"}})
    ids["queues"] = queues[0]["id"]
    ids["users"] = admin.user_id
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
    ids["notifications"] = "1"  # test_notification tries another person's
    # test_explanation and test_integration try another organisation's. The dispatcher has none.
    ids |= {"deliveries": str(uuid.uuid4()), "endpoints": "1"}
    ids |= {"submissions": "none", "executions": "none"}
    lease = {"leaseToken": token}
    for route in routes_of(app):
        if "{" not in route.path or route.path.startswith("/v1/users/{type_id}/"):
            continue  # those are users of the platform: test_strike_api tries another's
        if route.path == "/v1/integrations/{document_id}":
            continue  # integrations are everybody's, accounts are not
        (method,) = route.methods
        collection = route.path.split("/")[2]
        path = route.path.replace("{revision}", "1").replace("{command}", "cancel")
        path = re.sub(r"\{\w+\}", ids[collection], path)
        body: Any = None
        if method == "PUT":
            body = bodies[collection]
        elif method == "PATCH":
            body = {}
        elif method == "POST":
            body = {**lease, "components": [{"type": "IGNORE"}]}
            if collection == "bulk-actions":
                body = {"itemIds": ["b"]} if path.endswith("/items") else {"total": 1}
            elif path.endswith("/confirm"):
                body = {"passed": 0}
            elif path.endswith("/pause"):
                body = {"reason": "r"}
            elif not path.endswith("/decisions"):
                body = lease
        answer = await stranger.call(method, path, body, headers={"X-Lease-Token": token})
        assert answer.status_code == 404, (method, route.path, answer.text)
    for path in (*bodies, "users", "api-keys", "webhook-keys", "jobs", "backtests", "retroactions"):
        listed = (await stranger.call("GET", f"/v1/{path}")).text
        assert ids[path] not in listed, path
    assert (await admin.call("GET", f"/v1/jobs/{job_id}")).json()["lease"] is not None


@pytest.mark.engines
async def test_nobody_grants_more_than_they_have(engine: Any) -> None:
    """Granting a role with a permission one lacks is refused."""
    from coop_review_api.error import Forbidden
    from coop_review_api.user import check_grant

    moderator = DEFAULT_ROLE_PERMISSIONS[Role.MODERATOR]
    check_grant(Role.EXTERNAL_MODERATOR, moderator)
    with pytest.raises(Forbidden):
        check_grant(Role.ADMIN, moderator)
