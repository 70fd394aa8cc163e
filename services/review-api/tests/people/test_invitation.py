"""Invitations: links that are good for one account, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from coop_contracts.permission import Role
from coop_review_api.directory.table import users
from coop_review_api.notification.table import mails
from coop_review_api.people.table import invitations
from coop_runtime.database.engine import transaction

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]

PASSPHRASE = "seven quiet lamps 19"


def token_of(link: str) -> str:
    return link.partition("#")[2]


async def invite(admin: Any, email: str = "new@other.example", **more: Any) -> dict[str, Any]:
    body = {"email": email, "role": "MODERATOR", **more}
    made: dict[str, Any] = await admin.make("/v1/invitations", body)
    return made


async def accept(http: Any, link: str, **more: Any) -> Any:
    body = {"token": token_of(link), "name": "New Person", "password": PASSPHRASE, **more}
    return await http.post("/v1/invitations/accept", json=body)


def address(org: Any) -> str:
    return f"new-{org.org_id}@other.example"


async def test_from_link_to_session(admin: Any, http: Any, org: Any, context: Any) -> None:
    """The invited person looks, chooses, signs in, with the invitation's address and role."""
    made = await invite(admin, address(org).upper())
    assert made["link"].startswith("http://127.0.0.1:8081/signup#")
    assert (made["state"], made["mailed"]) == ("OPEN", False)
    look = await http.post("/v1/invitations/look", json={"token": token_of(made["link"])})
    assert look.json()["email"] == address(org)
    assert look.json()["organisation"] == "Acme"
    accepted = await accept(http, made["link"])
    assert accepted.status_code == 201, accepted.text
    assert accepted.json() == {"email": address(org), "status": "ACTIVE"}
    body = {"email": address(org), "password": PASSPHRASE}
    session = await http.post("/v1/session", json=body)
    assert session.json()["user"]["role"] == "MODERATOR"
    assert session.json()["org"]["id"] == org.org_id
    listed = (await admin.call("GET", "/v1/invitations")).json()["items"]
    assert [one["state"] for one in listed] == ["ACCEPTED"]
    assert "link" not in listed[0]
    async with transaction(context.engine) as connection:
        stored = await connection.scalar(
            text("SELECT string_agg(i::text, '') FROM review.invitations i")
        )
        audited = await connection.scalar(
            text("SELECT string_agg(a::text, '') FROM review.audit_log a")
        )
    for kept in (stored, audited):
        assert token_of(made["link"]) not in kept


async def test_a_link_is_good_once(admin: Any, http: Any, org: Any, context: Any) -> None:
    """Of ten who use it at once one gets an account, and later nobody does."""
    made = await invite(admin, address(org))
    answers = await asyncio.gather(*(accept(http, made["link"]) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 404, 404, 404, 404, 404]
    assert (await accept(http, made["link"])).status_code == 404
    async with transaction(context.engine) as connection:
        found = await connection.scalars(
            select(users.c.user_id).where(users.c.email == address(org))
        )
        assert len(list(found)) == 1


async def test_dead_links_look_alike(admin: Any, http: Any, org: Any, clock: Any) -> None:
    """Expired, revoked, replaced, forged: 404, the same words."""
    expired = await invite(admin, "a" + address(org))
    seen = []
    revoked = await invite(admin, "b" + address(org))
    await admin.call("DELETE", f"/v1/invitations/{revoked['id']}")
    seen.append(await accept(http, revoked["link"]))
    replaced = await invite(admin, "c" + address(org))
    again = await admin.call("POST", f"/v1/invitations/{replaced['id']}/resend")
    seen.append(await accept(http, replaced["link"]))
    assert (await accept(http, again.json()["link"])).status_code == 201
    seen.append(await accept(http, "#" + "A" * 43))
    clock.forward(days=7, seconds=1)
    seen.append(await accept(http, expired["link"]))
    bodies = []
    for answer in seen:
        assert answer.status_code == 404, answer.text
        bodies.append({**answer.json(), "requestId": ""})
    assert all(body == bodies[0] for body in bodies)


async def test_an_address_with_an_account_elsewhere_is_as_any_other(
    admin: Any, http: Any, sign_in: Any, kit: Any
) -> None:
    """Inviting it and accepting answer as always: an organisation has accounts of its own."""
    elsewhere = await sign_in(Role.MODERATOR, (await kit.make_org()).org_id)
    made = await invite(admin, elsewhere.email)
    assert set(made) == set(await invite(admin, "free@nowhere.example"))
    assert (await accept(http, made["link"])).status_code == 201
    here = await sign_in(Role.MODERATOR)
    known = {"email": here.email, "role": "MODERATOR"}
    assert (await admin.call("POST", "/v1/invitations", known)).status_code == 409


@pytest.mark.parametrize(
    "more",
    [
        {"role": "ADMIN"},
        {"email": "other@acme.example"},
        {"orgId": "other"},
        {"status": "ACTIVE"},
        {"isBreakGlass": True},
        {"requiresApproval": False},
    ],
)
async def test_the_invited_person_says_nothing_about_rights(
    admin: Any, http: Any, org: Any, more: dict[str, Any]
) -> None:
    """Role, address, organisation, state are not theirs to send: a fault, and the link stays."""
    made = await invite(admin, address(org))
    answer = await accept(http, made["link"], **more)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(more))}"
    assert (await accept(http, made["link"])).status_code == 201


async def test_weak_passwords_leave_the_link_as_it_is(admin: Any, http: Any, org: Any) -> None:
    """Short, common, or made of what everybody knows."""
    made = await invite(admin, address(org))
    for weak in ("short", "password1234", "qwertyuiop12", address(org), "a" * 257, None):
        assert (await accept(http, made["link"], password=weak)).status_code == 422
    for name in ("", " ", "x" * 256):
        assert (await accept(http, made["link"], name=name)).status_code == 422
    assert (await accept(http, made["link"])).status_code == 201


async def test_an_account_may_wait_for_approval(admin: Any, http: Any, org: Any) -> None:
    """Until somebody approves it, the right password opens nothing, and says why; the wrong one
    says nothing."""
    made = await invite(admin, address(org), requiresApproval=True)
    assert (await accept(http, made["link"])).json()["status"] == "PENDING"
    body = {"email": address(org), "password": PASSPHRASE}
    waiting = await http.post("/v1/session", json=body)
    assert waiting.status_code == 403
    assert "approve" in waiting.json()["detail"]
    wrong = await http.post("/v1/session", json={**body, "password": "no such password"})
    assert wrong.status_code == 401
    found = (await admin.call("GET", "/v1/users?status=PENDING")).json()["items"]
    assert [one["email"] for one in found] == [address(org)]
    at = f"/v1/users/{found[0]['id']}"
    assert (await admin.call("POST", f"{at}/reject")).json()["status"] == "REJECTED"
    assert (await http.post("/v1/session", json=body)).status_code == 401
    assert (await admin.call("POST", f"{at}/reject")).status_code == 409
    assert (await admin.call("POST", f"{at}/approve")).json()["status"] == "ACTIVE"
    assert (await http.post("/v1/session", json=body)).status_code == 200


async def test_invitations_have_their_own_rules(admin: Any, org: Any, clock: Any) -> None:
    """One open invitation an address; a resent one is good longer; ends are ends."""
    made = await invite(admin, address(org))
    body = {"email": address(org), "role": "MODERATOR"}
    assert (await admin.call("POST", "/v1/invitations", body)).status_code == 409
    clock.forward(minutes=90)
    resent = (await admin.call("POST", f"/v1/invitations/{made['id']}/resend")).json()
    assert resent["expiresAt"] > made["expiresAt"]
    at = f"/v1/invitations/{made['id']}"
    assert (await admin.call("DELETE", at)).json()["state"] == "REVOKED"
    assert (await admin.call("DELETE", at)).json()["state"] == "REVOKED"
    assert (await admin.call("POST", f"{at}/resend")).status_code == 409
    assert (await invite(admin, address(org)))["state"] == "OPEN"
    for email in ("no address", "a@b@c", "@", "x" * 250 + "@a.example"):
        wrong = await admin.call("POST", "/v1/invitations", {**body, "email": email})
        assert wrong.status_code == 422


async def test_guessing_tokens_is_slowed_down(http: Any, clock: Any, context: Any) -> None:
    """After twenty tokens that are good for nothing an address has to wait, whatever it brings."""
    statuses = []
    for number in range(25):
        answer = await http.post("/v1/invitations/look", json={"token": f"guess-{number}"})
        statuses.append(answer.status_code)
    assert statuses[:20] == [404] * 20
    assert statuses[-1] == 429
    clock.forward(hours=3)
    assert (await http.post("/v1/invitations/look", json={"token": "x"})).status_code == 404


async def test_with_a_mail_server_the_link_is_in_the_mail_alone(
    admin: Any, context: Any, app: Any, org: Any
) -> None:
    """The queue has the mail, without the link in clear text; the mailer puts it in; no answer has
    it."""
    from coop_review_api.notification import letter
    from coop_review_api.notification.mail import take

    settings = context.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_from": "coop@acme.example"}
    )
    app.state.context = replace(context, settings=settings)
    made = await invite(admin, address(org))
    assert (made["link"], made["mailed"]) == (None, True)
    async with transaction(context.engine) as connection:
        row = (
            await connection.execute(select(mails).where(mails.c.recipient == address(org)))
        ).one()
        taken = await take(connection, limit=1000, now=context.clock())
        await connection.rollback()
    (mail,) = [one for one in taken if one.recipient == address(org)]
    sent = letter.opened(mail, context.vault)
    link = sent.plain.partition("Link: ")[2].splitlines()[0]
    assert link.startswith("http://127.0.0.1:8081/signup#")
    assert token_of(link) not in str(row)
    assert f'<a href="{link}">' in sent.html
    assert sent.subject == "You are invited to Acme"
    resent = (await admin.call("POST", f"/v1/invitations/{made['id']}/resend")).json()
    assert (resent["link"], resent["mailed"]) == (None, True)
    async with transaction(context.engine) as connection:
        found = await connection.scalars(
            select(mails.c.mail_id).where(mails.c.recipient == address(org))
        )
        assert len(list(found)) == 2
        stored = await connection.scalars(select(invitations.c.token_hash))
        assert all(len(one) == 32 for one in stored)
