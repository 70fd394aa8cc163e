"""Required single sign-on: who may waive it, and what it ends."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from coop_contracts.config import IdentityProvider, Kind
from coop_contracts.permission import Role
from coop_review_api.configuration.log import lock
from coop_review_api.people.table import sessions
from coop_runtime.database.engine import transaction

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]

REQUIRED = {"name": "Acme", "requiresSingleSignOn": True, "undoWindow": 0}


@pytest.fixture
async def provider(context: Any, org: Any) -> None:
    """An identity provider, so that single sign-on can be required."""
    async with transaction(context.engine) as connection:
        configuration = await lock(connection, org.org_id, author="test", clock=context.clock)
        document = IdentityProvider(id=f"idp-{org.org_id}", scheme="OIDC", name="Okta")
        await configuration.restate(Kind.IDENTITY_PROVIDER, document.id, document)


async def test_who_manages_people_alone_waives_nothing(admin: Any, sign_in: Any) -> None:
    """Neither for themselves nor for others; who may end the requirement may mark an account."""
    role = await admin.make(
        "/v1/roles", {"name": "People", "permissions": ["MANAGE_USERS", "VIEW_MRT"]}
    )
    person = await sign_in(role["id"])
    for user_id in (person.user_id, (await sign_in(role["id"])).user_id):
        mark = await person.call("PATCH", f"/v1/users/{user_id}", {"isBreakGlass": True})
        assert mark.status_code == 403, mark.text
        assert "MANAGE_ORG" in mark.json()["detail"]
        marked = await admin.call("PATCH", f"/v1/users/{user_id}", {"isBreakGlass": True})
        assert marked.json()["isBreakGlass"] is True


@pytest.mark.usefixtures("provider")
async def test_who_manages_people_alone_gets_into_no_marked_account(
    admin: Any, sign_in: Any, context: Any
) -> None:
    """Where single sign-on is required a link, or a missing factor, of a marked account would waive
    it as well."""
    role = await admin.make(
        "/v1/roles", {"name": "People", "permissions": ["MANAGE_USERS", "VIEW_MRT"]}
    )
    person, marked = await sign_in(role["id"]), await sign_in(role["id"])
    at = f"/v1/users/{marked.user_id}"
    assert (await admin.call("PATCH", at, {"isBreakGlass": True})).status_code == 200
    await admin.call("PATCH", f"/v1/users/{admin.user_id}", {"isBreakGlass": True})
    assert (await person.call("POST", f"{at}/reset-link")).status_code == 200
    async with transaction(context.engine) as connection:
        of_person = sessions.c.user_id == person.user_id
        await connection.execute(update(sessions).where(of_person).values(method="SINGLE_SIGN_ON"))
    assert (await admin.call("PUT", "/v1/settings", REQUIRED)).status_code == 200
    session = await admin.call("GET", "/v1/session")
    assert session.status_code == 200, "marked for emergencies"
    assert (await person.call("GET", "/v1/session")).status_code == 200, "of single sign-on"
    for method, path in (("POST", f"{at}/reset-link"), ("DELETE", f"{at}/second-factor")):
        refused = await person.call(method, path)
        assert refused.status_code == 403
        assert "MANAGE_ORG" in refused.json()["detail"]
    assert (await admin.call("POST", f"{at}/reset-link")).status_code == 200


@pytest.mark.usefixtures("provider")
async def test_the_requirement_ends_what_passwords_opened(
    admin: Any, sign_in: Any, http: Any, org: Any, kit: Any
) -> None:
    """Sessions by password end when single sign-on is required, but for marked accounts, and when
    an account loses its mark."""
    person, keeper = await sign_in(Role.MODERATOR), await sign_in(Role.ADMIN)
    at = f"/v1/users/{keeper.user_id}"
    assert (await admin.call("PATCH", at, {"isBreakGlass": True})).status_code == 200
    body = {"email": org.admin_email, "password": kit.password}
    first = await http.post("/v1/session", json=body)
    http.headers["X-CSRF-Token"] = first.json()["csrfToken"]
    assert (await keeper.call("PUT", "/v1/settings", REQUIRED)).status_code == 200
    assert (await person.call("GET", "/v1/session")).status_code == 401
    assert (await admin.call("GET", "/v1/session")).status_code == 401
    assert (await keeper.call("GET", "/v1/session")).status_code == 200
    assert (await http.get("/v1/session")).status_code == 200, "the first administrator is marked"
    lifted = await keeper.call("PUT", "/v1/settings", {**REQUIRED, "requiresSingleSignOn": False})
    assert lifted.status_code == 200
    assert (await person.call("GET", "/v1/session")).status_code == 401, "ended, not paused"
    assert (await keeper.call("PUT", "/v1/settings", REQUIRED)).status_code == 200
    unmarked = await http.patch(at, json={"isBreakGlass": False})
    assert unmarked.status_code == 200
    assert (await keeper.call("GET", "/v1/session")).status_code == 401
