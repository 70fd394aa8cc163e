"""Logging in and out, sessions, CSRF, and the brake on guessing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from starlette.requests import Request

from coop_contracts.permission import Permission, Role
from coop_review_api.directory.table import users
from coop_review_api.http.client import client_ip
from coop_review_api.http.csrf import csrf_token_of
from coop_review_api.kernel.schema import audit_log
from coop_review_api.people import reset
from coop_review_api.people.password import Passwords
from coop_review_api.people.table import login_throttle, sessions
from coop_review_api.people.throttle import MAX_WAIT, wait_after
from coop_review_api.settings import Settings
from coop_runtime.database.engine import transaction

from ..world.application import application_of

pytestmark = pytest.mark.engines


async def log_in(http: Any, email: str, password: str, **headers: str) -> Any:
    body = {"email": email, "password": password}
    return await http.post("/v1/session", json=body, headers=headers)


async def test_log_in_look_and_out(http: Any, org: Any, kit: Any) -> None:
    """A right password makes a session that knows its user, until it is ended."""
    answer = await log_in(http, org.admin_email.upper(), kit.password)
    assert answer.status_code == 200
    seen = answer.json()
    assert seen["user"]["role"] == "ADMIN"
    assert seen["org"]["id"] == org.org_id
    assert len(seen["permissions"]) == len(Permission)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    again = await http.get("/v1/session")
    assert again.json() == seen
    headers = {"X-CSRF-Token": seen["csrfToken"]}
    assert (await http.delete("/v1/session", headers=headers)).status_code == 204
    assert (await http.get("/v1/session")).status_code == 401


async def test_the_cookie_is_secure_by_default(context: Any, org: Any, kit: Any) -> None:
    """Without the operator's word the cookie is sent over TLS only."""
    import httpx

    settings = context.settings.model_copy(update={"review_secure_cookies": True})
    app = application_of(replace(context, settings=settings))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://review") as client:
        answer = await log_in(client, org.admin_email, kit.password)
        cookies = answer.headers.get_list("set-cookie")
        client.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
        token = answer.cookies["__Host-coop_session"]
        assert (await client.get("/v1/session")).status_code == 200
        cookies += (await client.delete("/v1/session")).headers.get_list("set-cookie")
        # What another host of the domain can plant has no such name, and counts for nothing.
        fresh = await log_in(client, org.admin_email, kit.password)
        client.cookies.clear()
        client.cookies.set("coop_session", fresh.cookies["__Host-coop_session"])
        assert (await client.get("/v1/session")).status_code == 401
    assert len(cookies) == 3  # session, device, the end of the session
    for cookie in cookies:
        assert cookie.startswith("__Host-coop_")
        for part in ("; secure", "; httponly", "; samesite=lax", "; path=/"):
            assert part in cookie.lower(), cookie
        assert "domain" not in cookie.lower()
    assert token not in cookies[2]


async def test_wrong_password_unknown_account_and_disabled_look_alike(
    http: Any, org: Any, engine: Any, kit: Any
) -> None:
    """Nothing in the answer tells whether an account exists."""
    wrong = await log_in(http, org.admin_email, "wrong password!!")
    unknown = await log_in(http, "nobody@acme.example", kit.password)
    async with transaction(engine) as connection:
        await connection.execute(
            update(users).where(users.c.org_id == org.org_id).values(status="DISABLED")
        )
    disabled = await log_in(http, org.admin_email, kit.password)
    answers = []
    for answer in (wrong, unknown, disabled):
        assert answer.status_code == 401
        body = answer.json()
        body.pop("requestId")
        answers.append(body)
    assert answers[0] == answers[1] == answers[2]


async def test_an_unknown_account_costs_a_hash(http: Any, context: Any, monkeypatch: Any) -> None:
    """The password is verified against a dummy when there is no account."""
    verified: list[str | None] = []
    real = context.part(Passwords).verify

    async def spy(stored: str | None, password: str) -> bool:
        verified.append(stored)
        return bool(await real(stored, password))

    monkeypatch.setattr(context.part(Passwords), "verify", spy)
    await log_in(http, "nobody@acme.example", "whatever it is")
    assert verified == [None]
    assert await real(None, "no account has this password") is False


async def test_guessing_is_slowed_down(
    http: Any, org: Any, clock: Any, context: Any, monkeypatch: Any, kit: Any
) -> None:
    """After five failures even the right password has to wait; a success forgets the failures."""

    async def never(stored: str | None, password: str) -> bool:
        return bool(password == kit.password)

    monkeypatch.setattr(context.part(Passwords), "verify", never)
    for _ in range(5):
        assert (await log_in(http, org.admin_email, "guess")).status_code == 401
    blocked = await log_in(http, org.admin_email, kit.password)
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) >= 1
    clock.forward(seconds=2)
    assert (await log_in(http, org.admin_email, kit.password)).status_code == 200
    for _ in range(4):
        assert (await log_in(http, org.admin_email, "guess")).status_code == 401
    assert (await log_in(http, org.admin_email, kit.password)).status_code == 200


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    """Each failure past the free ones doubles the wait, and it never exceeds 15 minutes."""
    waits = [wait_after(failures, free=5).total_seconds() for failures in range(3, 9)]
    assert waits == [0, 0, 1, 2, 4, 8]
    assert wait_after(10_000, free=5) == MAX_WAIT


async def test_no_address_is_stored_by_the_throttle(http: Any, engine: Any) -> None:
    """The counters hold neither e-mail nor IP addresses."""
    await log_in(http, "somebody@acme.example", "guess")
    async with transaction(engine) as connection:
        keys = list(await connection.scalars(select(login_throttle.c.key)))
    assert keys
    assert all(len(key) == 64 and "@" not in key for key in keys)


async def test_a_change_needs_the_sessions_own_csrf_token(admin: Any, sign_in: Any) -> None:
    """Without the token, with a wrong one or another session's, nothing changes."""
    other = await sign_in(Role.ADMIN)
    wrong = [None, "", "x" * 43, other.http.headers["X-CSRF-Token"]]
    for token in wrong:
        headers = dict(admin.http.headers)
        headers.pop("x-csrf-token")
        if token is not None:
            headers["x-csrf-token"] = token
        request = admin.http.build_request("POST", "/v1/policies", json={"name": "Spam"})
        request.headers.pop("x-csrf-token")
        if token is not None:
            request.headers["x-csrf-token"] = token
        answer = await admin.http.send(request)
        assert answer.status_code == 403
    assert (await admin.call("GET", "/v1/policies")).json()["items"] == []


async def test_csrf_tokens_differ_by_session() -> None:
    """The token is a function of the session's secret and does not reveal it."""
    assert csrf_token_of("a") != csrf_token_of("b")
    assert csrf_token_of("a") == csrf_token_of("a")


async def test_login_makes_a_new_session_and_ends_the_old(
    http: Any, org: Any, engine: Any, kit: Any
) -> None:
    """A session id planted before the login is worth nothing after it."""
    http.cookies.set("coop_session", "planted")
    first = await log_in(http, org.admin_email, kit.password)
    first_token = first.cookies["coop_session"]
    assert first_token != "planted"
    http.cookies.clear()
    http.cookies.set("coop_session", first_token)
    second = await log_in(http, org.admin_email, kit.password)
    assert second.cookies["coop_session"] != first_token
    http.cookies.clear()
    http.cookies.set("coop_session", first_token)
    assert (await http.get("/v1/session")).status_code == 401
    async with transaction(engine) as connection:
        hashes = list(await connection.scalars(select(sessions.c.token_hash)))
    assert first_token.encode() not in hashes


async def test_a_login_from_another_origin_is_refused(http: Any, org: Any, kit: Any) -> None:
    """A page of another site cannot sign its visitor in as someone else."""
    for evil in ("https://evil.example", "null", "http://review.evil.example", "http://review:81"):
        foreign = await log_in(http, org.admin_email, kit.password, origin=evil)
        assert foreign.status_code == 403
        code = {"challenge": "any", "code": "000000"}
        headers = {"origin": evil}
        second = await http.post("/v1/session/second-factor", json=code, headers=headers)
        assert second.status_code == 403
    own = await log_in(http, org.admin_email, kit.password, origin="http://review")
    assert own.status_code == 200


async def test_a_login_with_a_password_that_changes_meanwhile(
    http: Any, org: Any, engine: Any, context: Any, kit: Any, monkeypatch: Any
) -> None:
    """A new password ends every session: none begins by the old one that was looked at before."""
    real = context.part(Passwords).verify

    async def slow(stored: str | None, password: str) -> bool:
        fits = await real(stored, password)
        hashed = await context.part(Passwords).hash("seven quiet lamps 19")
        async with transaction(engine) as connection:
            await reset.set_password(connection, org.admin_id, hashed, keep_session=None)
        return bool(fits)

    monkeypatch.setattr(context.part(Passwords), "verify", slow)
    assert (await log_in(http, org.admin_email, kit.password)).status_code == 401
    async with transaction(engine) as connection:
        left = list(
            await connection.scalars(
                select(sessions.c.session_id).where(sessions.c.user_id == org.admin_id)
            )
        )
    assert left == []


def test_an_address_behind_proxies(context_settings: Any) -> None:
    """The outermost trusted proxy's word counts, and nothing that was written before it."""

    def seen(peer: str, *forwarded: str) -> str:
        headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
        scope = {"type": "http", "client": (peer, 1), "headers": headers}
        return client_ip(Request(scope), context_settings)

    assert seen("198.51.100.1", "203.0.113.1") == "198.51.100.1"
    assert seen("10.0.0.1", "203.0.113.1") == "203.0.113.1"
    assert seen("10.0.0.1", "192.0.2.9, 203.0.113.1") == "203.0.113.1"
    assert seen("10.0.0.1", "192.0.2.9, 203.0.113.1, 10.0.0.2") == "203.0.113.1"
    assert seen("10.0.0.1", "192.0.2.9", "203.0.113.1,10.0.0.2") == "203.0.113.1"
    assert seen("10.0.0.1") == "10.0.0.1"
    assert seen("10.0.0.1", "10.0.0.2") == "10.0.0.2"
    assert seen("10.244.3.9", "203.0.113.1, 10.244.9.1") == "203.0.113.1"
    assert seen("::ffff:10.244.3.9", "203.0.113.1") == "203.0.113.1"
    assert seen("2001:db8::7", "203.0.113.1") == "203.0.113.1"
    assert seen("10.0.0.1", "unknown") == "unknown"


@pytest.fixture
def context_settings() -> Settings:
    proxies = "10.0.0.1,10.0.0.2,10.244.0.0/16,2001:db8::/32"
    return Settings(review_trusted_proxies=proxies)  # type: ignore[arg-type]


async def test_sessions_end(admin: Any, clock: Any, engine: Any) -> None:
    """A session ends when it was idle too long, and at the end of its life however busy."""
    for _ in range(11):
        clock.forward(hours=1)
        assert (await admin.call("GET", "/v1/session")).status_code == 200
    clock.forward(hours=1, seconds=1)
    assert (await admin.call("GET", "/v1/session")).status_code == 401


async def test_idle_sessions_end(admin: Any, clock: Any) -> None:
    """Two hours without a request end a session."""
    clock.forward(hours=2, seconds=1)
    assert (await admin.call("GET", "/v1/session")).status_code == 401


async def test_a_disabled_user_is_out_at_once(admin: Any, engine: Any) -> None:
    """Disabling an account ends what its sessions may do."""
    async with transaction(engine) as connection:
        await connection.execute(
            update(users).where(users.c.user_id == admin.user_id).values(status="DISABLED")
        )
    assert (await admin.call("GET", "/v1/session")).status_code == 401


async def test_logins_leave_audit_rows(http: Any, org: Any, engine: Any, kit: Any) -> None:
    """Accepted and refused logins are in the audit log, without a password."""
    await log_in(http, org.admin_email, "wrong password!!")
    await log_in(http, org.admin_email, kit.password)
    async with transaction(engine) as connection:
        actions = list(
            await connection.scalars(
                select(audit_log.c.action)
                .where(audit_log.c.org_id == org.org_id, audit_log.c.action.like("session.%"))
                .order_by(audit_log.c.audit_id)
            )
        )
        everything = await connection.scalar(
            text("SELECT string_agg(a::text, '') FROM review.audit_log a")
        )
    assert actions == ["session.refused", "session.created"]
    assert "wrong password" not in everything
    assert kit.password not in everything


async def test_users_are_made_and_listed(admin: Any, http: Any) -> None:
    """A user made by the admin can sign in; weak passwords and taken addresses are refused."""
    body = {
        "email": "New.Person@Acme.example ",
        "name": "New",
        "role": "MODERATOR",
        "password": "a long enough phrase",
    }
    made = await admin.make("/v1/users", {**body, "email": "u" + admin.user_id + "@acme.example"})
    assert made["status"] == "ACTIVE"
    assert body["password"] not in str(made)
    assert "hash" not in str(made).lower()
    listed = (await admin.call("GET", "/v1/users")).json()["items"]
    assert made["id"] in {one["id"] for one in listed}
    assert (await log_in(http, made["email"], body["password"])).status_code == 200
    for wrong in ("short", "aaaaaaaaaaaaaaaa", made["email"] + "1"):
        answer = await admin.call(
            "POST", "/v1/users", {**body, "email": made["email"], "password": wrong}
        )
        assert answer.status_code == 422
    taken = await admin.call("POST", "/v1/users", {**body, "email": made["email"].upper()})
    assert taken.status_code == 409
    mass = await admin.call("POST", "/v1/users", {**body, "orgId": "other"})
    assert mass.json()["errors"][0]["pointer"] == "/orgId"


async def test_the_session_lives_no_longer_than_it_says(admin: Any, clock: Any) -> None:
    """`expiresAt` is the end that the server keeps."""
    from datetime import datetime

    said = datetime.fromisoformat((await admin.call("GET", "/v1/session")).json()["expiresAt"])
    assert abs(said - clock() - timedelta(hours=12)) < timedelta(minutes=1)
