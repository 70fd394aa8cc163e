"""What people set in motion for others ends with their right to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Role
from coop_review_api.kernel.schema import audit_log
from coop_review_api.notification import letter
from coop_review_api.notification.mail import Mail
from coop_review_api.notification.table import mails
from coop_runtime.database.engine import transaction

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]

NEW = "seven quiet lamps 19"
PASSPHRASE = "eight louder bells 23"


@pytest.fixture
def mailing(context: Any, app: Any) -> None:
    settings = context.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_from": "coop@acme.example"}
    )
    app.state.context = replace(context, settings=settings)


async def links(context: Any, recipient: str) -> list[str]:
    """What was mailed to somebody with a link, oldest first."""
    async with transaction(context.engine) as connection:
        found = await connection.execute(
            select(mails)
            .where(mails.c.recipient == recipient, mails.c.link.is_not(None))
            .order_by(mails.c.mail_id)
        )
        rows = found.all()
    opened = [
        letter.opened(
            Mail(**{name: row._mapping[name] for name in Mail.__dataclass_fields__}), context.vault
        )
        for row in rows
    ]
    return [one.plain.partition("#")[2].split()[0] for one in opened]


async def set_in_motion(person: Any, org: Any, victim: Any) -> dict[str, Any]:
    """An invitation, a link, and an account with a password that they know."""
    email = f"again-{org.org_id}@elsewhere.example"
    invited = await person.make("/v1/invitations", {"email": email, "role": "ADMIN"})
    reset = await person.call("POST", f"/v1/users/{victim.user_id}/reset-link")
    known = {"email": f"known-{org.org_id}@elsewhere.example", "password": PASSPHRASE}
    account = await person.make("/v1/users", {**known, "role": "MODERATOR"})
    return {
        "invitation": invited["link"].partition("#")[2],
        "reset": reset.json()["link"].partition("#")[2],
        "known": known,
        "account": account["id"],
    }


async def tries(http: Any, made: dict[str, Any]) -> list[int]:
    """What becomes of each of them."""
    body = {"token": made["invitation"], "name": "Back", "password": PASSPHRASE}
    accepted = await http.post("/v1/invitations/accept", json=body)
    used = await http.post(
        "/v1/password-resets/use", json={"token": made["reset"], "password": NEW}
    )
    signed_in = await http.post("/v1/session", json=made["known"])
    return [accepted.status_code, used.status_code, signed_in.status_code]


async def removed(admin: Any, person: Any) -> None:
    assert (await admin.call("DELETE", f"/v1/users/{person.user_id}")).status_code == 204


async def disabled(admin: Any, person: Any) -> None:
    assert (await admin.call("POST", f"/v1/users/{person.user_id}/disable")).status_code == 200


async def disabled_and_enabled(admin: Any, person: Any) -> None:
    await disabled(admin, person)
    assert (await admin.call("POST", f"/v1/users/{person.user_id}/enable")).status_code == 200


async def demoted(admin: Any, person: Any) -> None:
    body = {"role": "MODERATOR"}
    changed = await admin.call("PATCH", f"/v1/users/{person.user_id}", body)
    assert changed.status_code == 200


async def demoted_and_promoted(admin: Any, person: Any) -> None:
    await demoted(admin, person)
    changed = await admin.call("PATCH", f"/v1/users/{person.user_id}", {"role": "ADMIN"})
    assert changed.status_code == 200


@pytest.mark.parametrize(
    "ended", [removed, disabled, disabled_and_enabled, demoted, demoted_and_promoted]
)
async def test_a_former_administrator_does_not_come_back(
    admin: Any, sign_in: Any, http: Any, org: Any, context: Any, ended: Any
) -> None:
    """Invitation, link and known password are good for nothing, and stay so."""
    person, victim = await sign_in(Role.ADMIN), await sign_in(Role.MODERATOR)
    made = await set_in_motion(person, org, victim)
    await ended(admin, person)
    assert await tries(http, made) == [404, 404, 401]
    async with transaction(context.engine) as connection:
        found = await connection.execute(
            select(audit_log.c.action, audit_log.c.detail["madeBy"].astext)
            .where(audit_log.c.org_id == org.org_id, audit_log.c.actor == admin.user_id)
            .where(audit_log.c.detail.has_key("madeBy"))
        )
    assert sorted(tuple(row) for row in found) == [
        ("invitation.revoked", person.user_id),
        ("password.ended", person.user_id),
        ("password.reset-link-revoked", person.user_id),
    ]


async def test_what_an_administrator_set_in_motion_goes_on_while_they_are_one(
    admin: Any, sign_in: Any, http: Any, org: Any
) -> None:
    """The positive control: somebody else's change ends nothing of theirs."""
    person, victim = await sign_in(Role.ADMIN), await sign_in(Role.MODERATOR)
    made = await set_in_motion(person, org, victim)
    await demoted(admin, await sign_in(Role.ADMIN))
    assert await tries(http, made) == [201, 204, 200]


async def test_a_role_that_loses_its_right_ends_what_its_people_made(
    admin: Any, sign_in: Any, http: Any, org: Any
) -> None:
    """A change of a role is a change of everybody who has it."""
    permissions = sorted(DEFAULT_ROLE_PERMISSIONS[Role.ADMIN])
    role = {"name": "Deputy", "permissions": permissions}
    deputy = await admin.make("/v1/roles", role)
    person, victim = await sign_in(deputy["id"]), await sign_in(Role.MODERATOR)
    made = await set_in_motion(person, org, victim)
    less = {**role, "permissions": [one for one in permissions if one != "MANAGE_USERS"]}
    assert (await admin.call("PUT", f"/v1/roles/{deputy['id']}", less)).status_code == 200
    assert await tries(http, made) == [404, 404, 401]


async def test_what_would_now_open_more_than_its_maker_has_ends(
    admin: Any, sign_in: Any, http: Any, org: Any
) -> None:
    """A role that grows, and an account that rises, take what somebody lesser made from them."""
    lesser = await admin.make(
        "/v1/roles", {"name": "Inviter", "permissions": ["MANAGE_USERS", "VIEW_MRT"]}
    )
    reviewers = await admin.make("/v1/roles", {"name": "Reader", "permissions": ["VIEW_MRT"]})
    person, victim = await sign_in(lesser["id"]), await sign_in(reviewers["id"])
    email = f"new-{org.org_id}@elsewhere.example"
    invited = await person.make("/v1/invitations", {"email": email, "role": reviewers["id"]})
    reset = (await person.call("POST", f"/v1/users/{victim.user_id}/reset-link")).json()
    rise = await admin.call("PATCH", f"/v1/users/{victim.user_id}", {"role": "ADMIN"})
    assert rise.status_code == 200
    body = {"token": reset["link"].partition("#")[2], "password": NEW}
    assert (await http.post("/v1/password-resets/use", json=body)).status_code == 404
    grown = {"name": "Reader", "permissions": ["VIEW_MRT", "MANAGE_ORG"]}
    assert (await admin.call("PUT", f"/v1/roles/{reviewers['id']}", grown)).status_code == 200
    shown = (await admin.call("GET", "/v1/invitations")).json()["items"]
    assert [one["state"] for one in shown if one["id"] == invited["id"]] == ["REVOKED"]


async def test_who_sends_an_invitation_again_stands_for_it(
    admin: Any, sign_in: Any, http: Any, org: Any
) -> None:
    """The first inviter's end is not the invitation's, once another has taken it on."""
    person = await sign_in(Role.ADMIN)
    email = f"new-{org.org_id}@elsewhere.example"
    invited = await person.make("/v1/invitations", {"email": email, "role": "MODERATOR"})
    again = (await admin.call("POST", f"/v1/invitations/{invited['id']}/resend")).json()
    assert (again["createdBy"], again["sentBy"]) == (person.user_id, admin.user_id)
    await removed(admin, person)
    body = {"token": again["link"].partition("#")[2], "name": "New", "password": PASSPHRASE}
    assert (await http.post("/v1/invitations/accept", json=body)).status_code == 201
    users = (await admin.call("GET", f"/v1/users?createdBy={admin.user_id}")).json()["items"]
    assert [one["email"] for one in users] == [email]


async def test_a_password_is_its_owners_once_they_chose_it(
    admin: Any, sign_in: Any, http: Any, org: Any
) -> None:
    """Who was told a password, and chose another, keeps their account whatever becomes of whoever
    made it."""
    person = await sign_in(Role.ADMIN)
    known = {"email": f"known-{org.org_id}@elsewhere.example", "password": PASSPHRASE}
    await person.make("/v1/users", {**known, "role": "MODERATOR"})
    answer = await http.post("/v1/session", json=known)
    http.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
    body = {"currentPassword": PASSPHRASE, "newPassword": NEW}
    assert (await http.put("/v1/me/password", json=body)).status_code == 204
    await removed(admin, person)
    assert (await http.get("/v1/session")).status_code == 200
    signed_in = await http.post("/v1/session", json={**known, "password": NEW})
    assert signed_in.status_code == 200


@pytest.mark.usefixtures("mailing")
async def test_with_a_mail_server_nobody_sees_anothers_link(
    admin: Any, sign_in: Any, http: Any, org: Any, context: Any
) -> None:
    """Links go to their owners; the answers say that they are on their way; using one is told."""
    victim = await sign_in(Role.MODERATOR)
    email = f"new-{org.org_id}@elsewhere.example"
    invited = await admin.make("/v1/invitations", {"email": email, "role": "MODERATOR"})
    again = (await admin.call("POST", f"/v1/invitations/{invited['id']}/resend")).json()
    reset = (await admin.call("POST", f"/v1/users/{victim.user_id}/reset-link")).json()
    for answer in (invited, again, reset):
        assert (answer["link"], answer["mailed"]) == (None, True)
    _, token = await links(context, email)
    body = {"token": token, "name": "New", "password": PASSPHRASE}
    assert (await http.post("/v1/invitations/accept", json=body)).status_code == 201
    (token,) = await links(context, victim.email)
    used = await http.post("/v1/password-resets/use", json={"token": token, "password": NEW})
    assert used.status_code == 204
    async with transaction(context.engine) as connection:
        told = await connection.execute(
            select(mails.c.recipient, mails.c.subject).where(
                mails.c.org_id == org.org_id, mails.c.link.is_(None)
            )
        )
    assert {tuple(row) for row in told} == {
        (email, "Your account was made"),
        (victim.email, "Your password was reset"),
    }
