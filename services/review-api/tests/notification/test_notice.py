"""Notices: people hear by mail when how they sign in was changed, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_review_api.directory.table import users
from coop_review_api.notification import letter
from coop_review_api.notification.mail import Mail
from coop_review_api.notification.notice import _TEXTS, Notice
from coop_review_api.notification.smtp import message_of
from coop_review_api.notification.table import mails
from coop_runtime.database.engine import transaction

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]

NEW = "seven quiet lamps 19"


@pytest.fixture
def mailing(context: Any, app: Any) -> None:
    settings = context.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_from": "coop@acme.example"}
    )
    app.state.context = replace(context, settings=settings)


@pytest.fixture
def told(context: Any) -> Callable[..., Any]:
    """The mails to an address, as they would leave, oldest first."""

    async def read(address: str) -> list[EmailMessage]:
        async with transaction(context.engine) as connection:
            found = await connection.execute(
                select(mails).where(mails.c.recipient == address).order_by(mails.c.mail_id)
            )
            rows = [row._mapping for row in found]
        fields = Mail.__dataclass_fields__
        found_mails = [Mail(**{name: row[name] for name in fields}) for row in rows]
        return [message_of(one, sender="coop@acme.example") for one in found_mails]

    return read


async def subjects(told: Any, address: str) -> list[str]:
    return [str(one["Subject"]) for one in await told(address)]


class Owner:
    """The organisation's first administrator, who does things to their own account."""

    def __init__(self, http: Any, email: str, password: str, clock: Any) -> None:
        self.http, self.email, self.password, self.clock = http, email, password, clock
        self.secret = ""

    async def log_in(self) -> Any:
        body = {"email": self.email, "password": self.password}
        answer = await self.http.post("/v1/session", json=body)
        if answer.status_code == 200:
            self.http.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
        return answer

    async def post(self, what: str, body: dict[str, str]) -> Any:
        answer = await self.http.post(f"/v1/me/second-factor{what}", json=body)
        assert answer.status_code in (200, 204), answer.text
        return answer

    async def enrol(self) -> str:
        await self.log_in()
        self.secret = (await self.post("", {"password": self.password})).json()["secret"]
        self.clock.forward(seconds=30)
        code = pyotp.TOTP(self.secret).at(self.clock())
        codes = (await self.post("/confirm", {"code": code})).json()["recoveryCodes"]
        return str(codes[0])


@pytest.fixture
def owner(http: Any, org: Any, kit: Any, clock: Any) -> Owner:
    return Owner(http, org.admin_email, kit.password, clock)


@pytest.mark.usefixtures("mailing")
async def test_what_people_do_themselves_is_told_to_them(owner: Owner, told: Any) -> None:
    """Second factor, recovery codes, password: a mail each, in text and HTML, without a secret."""
    recovery = await owner.enrol()
    shown = {"password": owner.password}
    await owner.post("/recovery-codes", shown)
    await owner.post("/remove", shown)
    body = {"currentPassword": owner.password, "newPassword": NEW}
    assert (await owner.http.put("/v1/me/password", json=body)).status_code == 204
    found = await told(owner.email)
    assert [one["Subject"] for one in found] == [
        "A second factor was set up",
        "New recovery codes were made",
        "Your second factor was removed",
        "Your password was changed",
    ]
    for message in found:
        plain, html = (part.get_content() for part in message.iter_parts())
        assert "If it was not you" in plain
        assert "If it was not you" in html
        assert "Organisation: Acme" in plain
        for secret in (owner.secret, recovery, owner.password, NEW):
            assert secret not in plain + html


@pytest.mark.usefixtures("mailing")
async def test_what_administrators_do_is_told_with_their_name(
    owner: Owner, admin: Any, org: Any, told: Any, context: Any
) -> None:
    """A reset link, a factor taken away, the end of the account; the link is in its owner's mail,
    and in no answer."""
    await owner.enrol()
    at = f"/v1/users/{org.admin_id}"
    made = (await admin.call("POST", f"{at}/reset-link")).json()
    assert (await admin.call("DELETE", f"{at}/second-factor")).status_code == 204
    assert (await admin.call("DELETE", f"{at}/second-factor")).status_code == 409
    assert (made["link"], made["mailed"]) == (None, True)
    async with transaction(context.engine) as connection:
        row = (
            await connection.execute(
                select(mails).where(mails.c.recipient == owner.email, mails.c.link.is_not(None))
            )
        ).one()
    fields = {name: row._mapping[name] for name in Mail.__dataclass_fields__}
    opened = letter.opened(Mail(**fields), context.vault)
    token = opened.plain.partition("#")[2].split()[0]
    used = await owner.http.post("/v1/password-resets/use", json={"token": token, "password": NEW})
    assert used.status_code == 204
    assert (await admin.call("DELETE", at)).status_code == 204
    assert (await admin.call("DELETE", at)).status_code == 204
    found = (await told(owner.email))[1:]
    assert [one["Subject"] for one in found] == [
        "Choose a new password",
        "Your second factor was taken away",
        "Your password was reset",
        "Your account was removed",
    ]
    plains = [next(one.iter_parts()).get_content() for one in found]
    assert "ADMIN made a link for you" in plains[0]
    assert ["By: ADMIN" in plain for plain in plains[1:]] == [True, False, True]
    assert all(token not in plain for plain in plains)


@pytest.mark.usefixtures("mailing")
async def test_wrong_codes_after_the_right_password_are_told_once_an_hour(
    owner: Owner, told: Any
) -> None:
    """Whoever gets as far knows the password: its owner hears of it, and is not flooded."""
    await owner.enrol()
    owner.clock.forward(minutes=120 - owner.clock().minute)  # an hour begins, and no code is known
    for hours in (0, 0, 2):
        owner.clock.forward(hours=hours)
        owner.http.cookies.clear()
        challenge = (await owner.log_in()).json()["challenge"]
        for number in range(5):
            body = {"challenge": challenge, "code": f"{number:06}"}
            await owner.http.post("/v1/session/second-factor", json=body)
            owner.clock.forward(seconds=40)
    found = await subjects(told, owner.email)
    assert found[1:] == ["Somebody knows your password"] * 2


@pytest.mark.usefixtures("mailing")
async def test_whoever_was_approved_hears_of_it(
    admin: Any, sign_in: Any, context: Any, told: Any
) -> None:
    """Approved, not enabled again."""
    person = await sign_in(Role.MODERATOR)
    at = f"/v1/users/{person.user_id}"
    await admin.call("POST", f"{at}/disable")
    await admin.call("POST", f"{at}/enable")
    assert await subjects(told, person.email) == []
    async with transaction(context.engine) as connection:
        await connection.execute(
            users.update().where(users.c.user_id == person.user_id).values(status="PENDING")
        )
    assert (await admin.call("POST", f"{at}/approve")).status_code == 200
    assert await subjects(told, person.email) == ["Your account was approved"]


@pytest.mark.usefixtures("mailing")
async def test_another_organisations_people_are_told_nothing(
    admin: Any, sign_in: Any, kit: Any, told: Any
) -> None:
    """What is refused is not mailed."""
    stranger = await sign_in(Role.MODERATOR, (await kit.make_org()).org_id)
    at = f"/v1/users/{stranger.user_id}"
    for method, path in (
        ("DELETE", at),
        ("POST", f"{at}/reset-link"),
        ("DELETE", f"{at}/second-factor"),
        ("POST", f"{at}/approve"),
    ):
        assert (await admin.call(method, path)).status_code == 404
    assert await told(stranger.email) == []


async def test_without_a_mail_server_nothing_is_queued(owner: Owner, told: Any) -> None:
    """The change is made all the same."""
    await owner.enrol()
    assert await told(owner.email) == []


def test_every_notice_has_its_words() -> None:
    """None is forgotten."""
    assert set(_TEXTS) == set(Notice)
