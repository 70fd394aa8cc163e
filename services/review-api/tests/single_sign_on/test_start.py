"""Where single sign-on begins, and what it replaces: discovery, redirects, bounds, passwords."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from coop_contracts.permission import Role
from coop_review_api.directory.table import users
from coop_review_api.kernel.error import Conflict, Invalid
from coop_review_api.people import domain
from coop_review_api.people.table import sessions
from coop_review_api.single_sign_on.attempt import AttemptLimits
from coop_review_api.single_sign_on.table import sso_attempts
from coop_runtime.database.engine import transaction

from ..world.application import application_of

pytestmark = pytest.mark.engines


async def test_discovery_knows_domains_not_people(
    http: Any, saml: Any, engine: Any, org: Any, member: Any, clock: Any, kit: Any
) -> None:
    """An address of the organisation's domain is answered the same whether anybody has it; any
    other is told nothing, an account of the organisation included."""
    async with transaction(engine) as connection:
        await domain.add(connection, org.org_id, "Sso-1.Example.", now=clock())

    async def found(email: str, **more: str) -> Any:
        answer = await http.post("/v1/sso/start", json={"email": email, **more})
        assert answer.status_code == 200
        return answer.json()

    at = {"redirectUrl": f"http://review/v1/sso/{saml['id']}/start"}
    assert await found("nobody@sso-1.example") == at
    assert await found("Somebody@SSO-1.example ") == at
    assert await found("a@b@sso-1.example") == at
    for other in (member.email, "a@x.sso-1.example", "sso-1.example.com", "@", "a b"):
        assert await found(f"{other:>3}") == {"redirectUrl": None}, other
    assert await found("nobody@nowhere.example", organisation=org.slug) == at
    assert await found("nobody@nowhere.example", organisation="no-such-one") == {
        "redirectUrl": None
    }
    path = await found("x@sso-1.example", returnTo="/queues?a=b")
    assert path["redirectUrl"] == at["redirectUrl"] + "?returnTo=%2Fqueues%3Fa%3Db"
    async with transaction(engine) as connection:
        with pytest.raises(Conflict):
            await domain.add(
                connection, (await kit.make_org()).org_id, "sso-1.example", now=clock()
            )
        with pytest.raises(Invalid):
            await domain.add(connection, org.org_id, "no domain", now=clock())
        await domain.remove(connection, org.org_id, "sso-1.example", now=clock())
    assert await found("nobody@sso-1.example") == {"redirectUrl": None}


async def test_the_operator_enters_domains(org: Any, review_url: str, kit: Any) -> None:
    """`sso-domain add` says what the organisation has then; another's domain is refused."""

    async def run(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "coop_review_api",
            "sso-domain",
            *arguments,
            env={**os.environ, "COOP_POSTGRES": review_url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode()

    of_org = ("--org", org.org_id)
    code, out = await run("add", *of_org, "--domain", "Cli.Example")
    assert (code, json.loads(out)["domains"]) == (0, ["cli.example"])
    other = (await kit.make_org()).org_id
    assert (await run("add", "--org", other, "--domain", "cli.example"))[0] == 1


async def test_no_open_redirect(browser: Any, http: Any) -> None:
    """Only a path of the console is taken to return to, at either door."""
    start = f"/v1/sso/{browser.provider_id}/start"
    for evil in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "evil.example",
        "@evil.example",
        ".evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "/a\tb",
        " /a",
        "/\u2028",
        "",
        "/" + "x" * 3000,
        "/v1/session",
        "/v1",
    ):
        answer = await browser.http.get(start, params={"returnTo": evil})
        assert answer.status_code == 422, evil
        body = {"email": "a@b.example", "returnTo": evil}
        assert (await http.post("/v1/sso/start", json=body)).status_code == 422, evil
    assert (await browser.http.get(start, params={"returnTo": "/a?next=//b"})).status_code == 303


async def test_the_cookie(browser: Any, context: Any) -> None:
    """HttpOnly and Lax; over TLS also Secure, under a name that no other host can set."""
    await browser.begin()
    settings = context.settings.model_copy(update={"review_secure_cookies": True})
    app = application_of(replace(context, settings=settings))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://review") as client:
        answer = await client.get(f"/v1/sso/{browser.provider_id}/start")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-coop_sso=")
    for part in ("httponly", "samesite=lax", "path=/", "secure", "max-age=600"):
        assert part in cookie.lower()
    assert "domain" not in cookie.lower()


async def test_a_cookie_that_is_no_secret_is_replaced(browser: Any) -> None:
    """What does not look like a secret of ours is not used as one."""
    browser.http.cookies.set("coop_sso", "planted")
    answer = await browser.http.get(f"/v1/sso/{browser.provider_id}/start")
    assert "planted" not in answer.headers["set-cookie"]


async def test_attempts_are_bounded(browser: Any, engine: Any, clock: Any, context: Any) -> None:
    """An address has so many attempts under way, a provider so many; old ones make room."""
    context.parts[AttemptLimits] = AttemptLimits(of_address=3)
    start = f"/v1/sso/{browser.provider_id}/start"
    await _clear(engine)
    for _ in range(3):
        await browser.begin()
    answer = await browser.http.get(start)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    context.parts[AttemptLimits] = AttemptLimits(of_provider=3)
    assert (await browser.http.get(start)).status_code == 429
    clock.forward(minutes=11)
    await browser.begin()


async def test_nothing_of_an_attempt_is_kept_in_clear(
    browser: Any, idp: Any, tools: Any, member: Any, engine: Any
) -> None:
    """State, cookie and ticket are in the table as hashes only."""
    to = tools.asked(await browser.begin())
    ticket = await browser.post(idp.respond(to, member.email), to.relay_state)
    async with transaction(engine) as connection:
        rows = str([tuple(row) for row in await connection.execute(select(sso_attempts))])
    secrets = (to.relay_state, browser.http.cookies["coop_sso"], ticket.rpartition("=")[2])
    assert all(secret not in rows for secret in secrets)


async def test_passwords_open_nothing_where_single_sign_on_is_required(
    http: Any, org: Any, admin: Any, engine: Any, saml: Any, kit: Any, clock: Any
) -> None:
    """A right password is answered as a wrong one is, unless the account is marked for
    emergencies; and neither the last provider nor the last such account can be taken away."""

    async def log_in(email: str, password: str) -> Any:
        answer = await http.post("/v1/session", json={"email": email, "password": password})
        body = answer.json()
        body.pop("requestId", None)
        return answer.status_code, body

    async with transaction(engine) as connection:
        stored = await connection.scalar(
            select(users.c.password_hash).where(users.c.user_id == org.admin_id)
        )
        await connection.execute(
            update(users).where(users.c.user_id == admin.user_id).values(password_hash=stored)
        )
    settings = (await admin.call("GET", "/v1/settings")).json()
    required = {"name": settings["name"], "requiresSingleSignOn": True}
    marked = f"/v1/users/{org.admin_id}"
    await admin.call("PATCH", marked, {"isBreakGlass": False})
    assert (await admin.call("PUT", "/v1/settings", required)).status_code == 409
    assert (await admin.call("PATCH", marked, {"isBreakGlass": True})).status_code == 200
    assert (await admin.call("PUT", "/v1/settings", required)).status_code == 200
    wrong = await log_in(admin.email, "wrong password!!")
    assert wrong[0] == 401
    assert await log_in(admin.email, kit.password) == wrong
    assert await log_in("nobody@acme.example", kit.password) == wrong
    status, opened = await log_in(org.admin_email, kit.password)
    assert status == 200
    http.headers["X-CSRF-Token"] = opened["csrfToken"]
    assert (await admin.call("GET", "/v1/session")).status_code == 401, "opened by a password"
    path = f"/v1/identity-providers/{saml['id']}"
    assert (await http.delete(path)).status_code == 409
    off = {
        "scheme": "SAML",
        "name": "Okta",
        "enabled": False,
        "entityId": saml["entityId"],
        "ssoUrl": saml["ssoUrl"],
        "certificates": [one["pem"] for one in saml["certificates"]],
    }
    assert (await http.put(path, json=off)).status_code == 409
    assert (await http.patch(marked, json={"isBreakGlass": False})).status_code == 409


async def test_a_refused_sign_on_makes_no_session(
    browser: Any, idp: Any, tools: Any, sign_in: Any, engine: Any
) -> None:
    """Not even a row is left of a sign-in that was refused."""
    person = await sign_in(Role.ANALYST)
    count = select(func.count()).where(sessions.c.user_id == person.user_id)
    async with transaction(engine) as connection:
        before = await connection.scalar(count)
    to = tools.asked(await browser.begin())
    await browser.post(idp.respond(to, person.email, sign="none"), to.relay_state)
    async with transaction(engine) as connection:
        assert await connection.scalar(count) == before


async def _clear(engine: Any) -> None:
    async with transaction(engine) as connection:
        await connection.execute(sso_attempts.delete())
