"""What an API key may be used for: every route asks for its scope, and for no other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.config import ApiScope, Kind, OrgSettings

from .conftest import api_key

ROUTES = {
    ("POST", "/items/async/"): ApiScope.ITEMS_WRITE,
    ("POST", "/content/"): ApiScope.ITEMS_WRITE,
    ("GET", "/items/{typeId}/{id}"): ApiScope.ITEMS_READ,
    ("POST", "/report"): ApiScope.REPORTS_WRITE,
    ("POST", "/report/appeal"): ApiScope.APPEALS_WRITE,
    ("POST", "/actions/"): ApiScope.ACTIONS_WRITE,
    ("GET", "/policies/"): ApiScope.POLICIES_READ,
}


def give(ingest: Any, *scopes: ApiScope) -> None:
    key = msgspec.structs.replace(api_key("org1"), scopes=scopes)
    ingest.configure(Kind.API_KEY, key, "key")


async def call(ingest: Any, method: str, path: str) -> Any:
    if method == "POST":
        return await ingest.post(path, b"not JSON")
    headers = {"x-api-key": "key-of-org1"}
    return await ingest.client.request(method, f"/api/v1{path}", headers=headers)


async def test_every_route_is_here(ingest: Any) -> None:
    """The routes above are all that there are, and the document names each one's scope."""
    document = (await ingest.client.get("/api/v1/openapi.json")).json()
    found = {
        (method.upper(), path.removeprefix("/api/v1")): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert found.keys() == ROUTES.keys()
    for route, scope in ROUTES.items():
        assert f"`{scope}`" in found[route]["description"]
        assert "403" in found[route]["responses"]


@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_needs_its_scope_and_no_other(ingest: Any, route: tuple[str, str]) -> None:
    """With every scope but the route's the answer is 403, names it, and the body is not looked at;
    with that one alone, or with none named, the request goes on."""
    method, path = route
    needed = ROUTES[route]
    give(ingest, *(scope for scope in ApiScope if scope is not needed))
    refused = await call(ingest, method, path)
    assert refused.status_code == 403
    [error] = refused.json()["errors"]
    assert error["type"] == ["/errors/authorization-failed"]
    assert str(needed) in error["detail"]
    assert error["requestId"]
    for scopes in ((needed,), ()):
        give(ingest, *scopes)
        assert (await call(ingest, method, path)).status_code in (200, 400, 404, 415)
    assert ingest.broker.messages == []


@pytest.mark.parametrize("route", ROUTES)
async def test_a_suspended_organisation_may_nothing(ingest: Any, route: tuple[str, str]) -> None:
    """403 on every route, before the body is looked at, at once; another organisation goes on, and
    so does this one when it is resumed."""
    method, path = route
    suspended = OrgSettings(id="settings", name="", suspended_at=ingest.clock.now())
    ingest.configure(Kind.SETTINGS, suspended, "settings")
    refused = await call(ingest, method, path)
    assert refused.status_code == 403
    [error] = refused.json()["errors"]
    assert (error["type"], error["title"]) == (
        ["/errors/authorization-failed"],
        "Organisation suspended",
    )
    assert ingest.broker.messages == []
    ingest.configure(Kind.SETTINGS, OrgSettings(id="settings", name=""), "settings")
    assert (await call(ingest, method, path)).status_code in (200, 400, 404, 409, 415)


async def test_a_scope_taken_away_acts_on_the_next_request(ingest: Any) -> None:
    """What was allowed is refused as soon as the change is in the configuration."""
    item = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}
    give(ingest, ApiScope.ITEMS_WRITE)
    assert (await ingest.items(item)).status_code == 202
    give(ingest, ApiScope.REPORTS_WRITE)
    assert (await ingest.items(item)).status_code == 403
    assert len(ingest.broker.messages) == 1
