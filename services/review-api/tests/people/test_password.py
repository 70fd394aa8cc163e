"""Passwords: strength, change, reset."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from coop_review_api.kernel.schema import audit_log
from coop_review_api.notification import letter
from coop_review_api.notification.mail import Mail
from coop_review_api.notification.table import mails
from coop_review_api.people.forgotten_password import ForgottenPasswordLimits
from coop_review_api.people.password import Passwords, check_password
from coop_review_api.people.table import password_resets
from coop_runtime.database.engine import transaction

engines = pytest.mark.engines

NEW = "seven quiet lamps 19"


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "password1234",
        "Passw0rd2024!",
        "qwertyuiop12",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "letmeinletmein",
        "jane@acme.example1",
        "acmeacme2026!",
        "JaneDoe2026!",
        "x" * 257,
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    """Short, common, patterned, or made of what everybody knows about the person."""
    assert check_password(password, email="jane@acme.example", known=["Jane Doe", "Acme"])


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "a long enough phrase", "vT9#kq2LmZx!", "пароль из слов и запятых"],
)
def test_good_passwords_are_taken(password: str) -> None:
    """Length without mixture rules; letters of any script."""
    assert check_password(password, email="jane@acme.example", known=["Jane", "Acme"]) == []


async def log_in(http: Any, email: str, password: str) -> Any:
    return await http.post("/v1/session", json={"email": email, "password": password})


async def signed_in(http: Any, org: Any, kit: Any) -> None:
    answer = await log_in(http, org.admin_email, kit.password)
    http.headers["X-CSRF-Token"] = answer.json()["csrfToken"]


def with_mail(context: Any, app: Any) -> None:
    settings = context.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_from": "coop@acme.example"}
    )
    app.state.context = replace(context, settings=settings)


async def mailed(context: Any, recipient: str) -> list[str]:
    """The links that were mailed to somebody, oldest first."""
    async with transaction(context.engine) as connection:
        found = await connection.execute(
            select(mails).where(mails.c.recipient == recipient).order_by(mails.c.mail_id)
        )
        rows = found.all()
    links = []
    for row in rows:
        fields = {name: row._mapping[name] for name in Mail.__dataclass_fields__}
        sent = letter.opened(Mail(**fields), context.vault)
        links.append(sent.plain.partition("Link: ")[2].splitlines()[0])
        assert links[-1].partition("#")[2] not in str(row)
    return links


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_a_change_needs_the_present_password_and_ends_other_sessions(
    http: Any, app: Any, context: Any, org: Any, kit: Any
) -> None:
    """The session that made the change goes on; all others are over."""
    import httpx

    await signed_in(http, org, kit)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://review"
    ) as other:
        assert (await log_in(other, org.admin_email, kit.password)).status_code == 200
        body = {"currentPassword": "not the password", "newPassword": NEW}
        wrong = await http.put("/v1/me/password", json=body)
        assert wrong.status_code == 422
        assert wrong.json()["errors"] == [
            {"pointer": "/currentPassword", "reason": "is wrong", "code": "invalid"}
        ]
        weak = {"currentPassword": kit.password, "newPassword": "password1234"}
        answer = await http.put("/v1/me/password", json=weak)
        assert answer.json()["errors"][0]["pointer"] == "/newPassword"
        assert (await other.get("/v1/session")).status_code == 200
        body["currentPassword"] = kit.password
        assert (await http.put("/v1/me/password", json=body)).status_code == 204
        assert (await http.get("/v1/session")).status_code == 200
        assert (await other.get("/v1/session")).status_code == 401
        assert (await log_in(other, org.admin_email, kit.password)).status_code == 401
        assert (await log_in(other, org.admin_email, NEW)).status_code == 200


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_an_open_session_does_not_help_to_guess(
    http: Any, org: Any, kit: Any, context: Any, monkeypatch: Any
) -> None:
    """Wrong present passwords are slowed down as at login, the right one then too."""
    await signed_in(http, org, kit)

    async def fits(stored: str | None, password: str) -> bool:
        return bool(password == kit.password)

    monkeypatch.setattr(context.part(Passwords), "verify", fits)
    body = {"currentPassword": "guess", "newPassword": NEW}
    for _ in range(5):
        assert (await http.put("/v1/me/password", json=body)).status_code == 422
    body["currentPassword"] = kit.password
    assert (await http.put("/v1/me/password", json=body)).status_code == 429


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_a_forgotten_password_is_chosen_anew(
    http: Any, app: Any, context: Any, org: Any, kit: Any, clock: Any
) -> None:
    """The mailed link sets it, once; every session ends; the old password is worth nothing."""
    with_mail(context, app)
    await signed_in(http, org, kit)
    asked = await http.post("/v1/password-resets", json={"email": org.admin_email.upper()})
    assert asked.status_code == 202
    (link,) = await mailed(context, org.admin_email)
    assert link.startswith("http://127.0.0.1:8081/reset_password#")
    token = link.partition("#")[2]
    weak = {"token": token, "password": "password1234"}
    assert (await http.post("/v1/password-resets/use", json=weak)).status_code == 422
    body = {"token": token, "password": NEW}
    answers = await asyncio.gather(
        *(http.post("/v1/password-resets/use", json=body) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
    assert (await http.get("/v1/session")).status_code == 401
    http.cookies.clear()
    assert (await log_in(http, org.admin_email, kit.password)).status_code == 401
    assert (await log_in(http, org.admin_email, NEW)).status_code == 200


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_asking_tells_nothing(
    http: Any, app: Any, context: Any, org: Any, monkeypatch: Any
) -> None:
    """Known or not, with or without a mail server: the same answer, not before the same time."""
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    answers = []
    for mail in (False, True):
        if mail:
            with_mail(context, app)
        for email in (org.admin_email, f"nobody-{org.org_id}@acme.example"):
            answer = await http.post("/v1/password-resets", json={"email": email})
            answers.append((answer.status_code, answer.content))
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 202
    assert len(slept) == 4, "each answer waits for its time"
    assert len(await mailed(context, org.admin_email)) == 1


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_asking_is_limited(http: Any, app: Any, context: Any, org: Any, clock: Any) -> None:
    """One mail in five minutes; after five requests the address has to wait, known or not."""
    context.parts[ForgottenPasswordLimits] = ForgottenPasswordLimits(answer_after=0)
    with_mail(context, app)
    for email in (org.admin_email, f"nobody-{org.org_id}@acme.example"):
        statuses = []
        for _ in range(6):
            answer = await http.post("/v1/password-resets", json={"email": email})
            statuses.append(answer.status_code)
        assert statuses == [202] * 5 + [429]
    assert len(await mailed(context, org.admin_email)) == 1
    clock.forward(minutes=6)
    await http.post("/v1/password-resets", json={"email": org.admin_email})
    first, second = await mailed(context, org.admin_email)
    body = {"token": first.partition("#")[2], "password": NEW}
    assert (await http.post("/v1/password-resets/use", json=body)).status_code == 404
    body["token"] = second.partition("#")[2]
    assert (await http.post("/v1/password-resets/use", json=body)).status_code == 204


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_expired_and_forged_links_are_good_for_nothing(
    admin: Any, sign_in: Any, http: Any, clock: Any, context: Any
) -> None:
    """An hour, no more; a made-up token never; a disabled account's link is gone."""
    person = await sign_in("MODERATOR")
    at = f"/v1/users/{person.user_id}"
    made = (await admin.call("POST", f"{at}/reset-link")).json()
    token = made["link"].partition("#")[2]
    body = {"token": token, "password": NEW}
    forged = {**body, "token": token[:-1] + ("A" if token[-1] != "A" else "B")}
    assert (await http.post("/v1/password-resets/use", json=forged)).status_code == 404
    assert (await admin.call("POST", f"{at}/disable")).status_code == 200
    assert (await http.post("/v1/password-resets/use", json=body)).status_code == 404
    assert (await admin.call("POST", f"{at}/enable")).status_code == 200
    assert (await http.post("/v1/password-resets/use", json=body)).status_code == 404
    late = (await admin.call("POST", f"{at}/reset-link")).json()
    body["token"] = late["link"].partition("#")[2]
    clock.forward(hours=1, seconds=1)
    assert (await http.post("/v1/password-resets/use", json=body)).status_code == 404
    async with transaction(context.engine) as connection:
        hashes = list(await connection.scalars(select(password_resets.c.token_hash)))
    assert token.encode() not in hashes


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_an_administrators_link_works_and_is_recorded(
    admin: Any, sign_in: Any, http: Any, context: Any, org: Any
) -> None:
    """Shown once, audited without it; not for oneself, whose password would not be asked for."""
    person = await sign_in("MODERATOR")
    made = (await admin.call("POST", f"/v1/users/{person.user_id}/reset-link")).json()
    body = {"token": made["link"].partition("#")[2], "password": NEW}
    assert (await http.post("/v1/password-resets/use", json=body)).status_code == 204
    assert (await person.call("GET", "/v1/session")).status_code == 401
    assert (await log_in(http, person.email, NEW)).status_code == 200
    own = await admin.call("POST", f"/v1/users/{admin.user_id}/reset-link")
    assert own.status_code == 409
    async with transaction(context.engine) as connection:
        actions = set(
            await connection.scalars(
                select(audit_log.c.action).where(audit_log.c.org_id == org.org_id)
            )
        )
        everything = await connection.scalar(
            text("SELECT string_agg(a::text, '') FROM review.audit_log a")
        )
    assert {"password.reset-link-created", "password.reset"} <= actions
    assert body["token"] not in everything


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_a_password_alone_does_not_open_single_sign_on(
    http: Any, app: Any, context: Any, org: Any, kit: Any, sign_in: Any, admin: Any
) -> None:
    """Where single sign-on is required passwords open the marked accounts only, and none is mailed
    a reset; whoever guesses learns nothing."""
    from coop_contracts.config import IdentityProvider, Kind
    from coop_review_api.configuration.log import lock

    body = {"name": "Acme", "requiresSingleSignOn": True, "undoWindow": 0}
    refused = await admin.call("PUT", "/v1/settings", body)
    assert refused.status_code == 409
    assert "identity provider" in refused.json()["detail"]
    async with transaction(context.engine) as connection:
        configuration = await lock(connection, org.org_id, author="test", clock=context.clock)
        await configuration.restate(
            Kind.IDENTITY_PROVIDER,
            f"idp-{org.org_id}",
            IdentityProvider(id=f"idp-{org.org_id}", scheme="OIDC", name="Okta"),
        )
    made = await admin.make(
        "/v1/users",
        {"email": f"m-{org.org_id}@acme.example", "role": "MODERATOR", "password": kit.password},
    )
    assert (await admin.call("PUT", "/v1/settings", body)).status_code == 200
    elsewhere = await log_in(http, made["email"], kit.password)
    wrong = await log_in(http, made["email"], "wrong password!!")
    assert (elsewhere.status_code, wrong.status_code) == (401, 401)
    assert elsewhere.json()["detail"] == wrong.json()["detail"]
    marked = await log_in(http, org.admin_email, kit.password)
    assert marked.status_code == 200
    http.headers["X-CSRF-Token"] = marked.json()["csrfToken"]
    with_mail(context, app)
    await http.post("/v1/password-resets", json={"email": made["email"]})
    assert await mailed(context, made["email"]) == []
    last = await http.patch(f"/v1/users/{org.admin_id}", json={"isBreakGlass": False})
    assert last.status_code == 409
    assert "without single sign-on" in last.json()["detail"]
