"""One address in several organisations, and domains that are one organisation's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_review_api.directory.table import users
from coop_review_api.kernel.error import Conflict
from coop_review_api.notification.table import mails
from coop_review_api.people import domain, user
from coop_review_api.people.password import Passwords
from coop_runtime.database.engine import transaction

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]


@pytest.fixture
async def account(context: Any) -> Any:
    """Makes an account of an address in an organisation."""

    async def make(org: Any, email: str, password: str) -> str:
        hashed = await context.part(Passwords).hash(password)
        async with transaction(context.engine) as connection:
            made = await user.create(
                connection,
                org_id=org.org_id,
                email=email,
                name="Ada",
                role=str(Role.MODERATOR),
                password_hash=hashed,
                author="test",
                now=context.clock(),
            )
        return made.user_id

    return make


async def log_in(http: Any, email: str, password: str, **more: str) -> Any:
    http.cookies.clear()
    return await http.post("/v1/session", json={"email": email, "password": password, **more})


async def test_sign_in_chooses_where_an_address_has_several(
    http: Any, org: Any, kit: Any, account: Any, context: Any
) -> None:
    """By slug, id or domain; without one the right password of one of them says as much as any
    other: nothing."""
    other = await kit.make_org()
    email = f"ada-{org.org_id}@shared.example"
    here = await account(org, email, "seven quiet lamps 19")
    assert (await log_in(http, email, "seven quiet lamps 19")).json()["user"]["id"] == here
    there = await account(other, email, "eight louder bells 23")
    async with transaction(context.engine) as connection:
        await domain.add(connection, other.org_id, f"{other.slug}.example", now=context.clock())
    unclear = await log_in(http, email, "seven quiet lamps 19")
    nobody = await log_in(http, f"no-{email}", "seven quiet lamps 19")
    assert unclear.status_code == nobody.status_code == 401
    assert unclear.json()["detail"] == nobody.json()["detail"]
    for named, password, found in (
        (org.slug, "seven quiet lamps 19", here),
        (org.slug.upper(), "seven quiet lamps 19", here),
        (org.org_id, "seven quiet lamps 19", here),
        (other.slug, "eight louder bells 23", there),
        (f"{other.slug}.example", "eight louder bells 23", there),
    ):
        answer = await log_in(http, email, password, organisation=named)
        assert answer.json()["user"]["id"] == found
    assert answer.json()["org"]["slug"] == other.slug
    for named in (other.slug, "nowhere", (await kit.make_org()).slug):
        wrong = await log_in(http, email, "seven quiet lamps 19", organisation=named)
        assert wrong.status_code == 401
        assert wrong.json()["detail"] == nobody.json()["detail"]


async def test_guesses_at_one_address_are_counted_over_all_its_accounts(
    http: Any, org: Any, kit: Any, account: Any, context: Any, monkeypatch: Any
) -> None:
    """Naming another organisation gives no further guesses."""

    async def fits(_stored: str | None, _password: str) -> bool:
        return False

    email = f"ada-{org.org_id}@shared.example"
    orgs = [org, await kit.make_org(), await kit.make_org()]
    for one in orgs:
        await account(one, email, "seven quiet lamps 19")
    monkeypatch.setattr(context.part(Passwords), "verify", fits)
    statuses = [
        (await log_in(http, email, "guess", organisation=one.slug)).status_code for one in orgs * 2
    ]
    assert statuses == [401] * 5 + [429]


async def test_a_forgotten_password_is_chosen_for_each_account(
    http: Any, app: Any, org: Any, kit: Any, account: Any, context: Any
) -> None:
    """A letter each, with the name to sign in with; to the address that each account has; or one,
    for the organisation that is named."""
    settings = context.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_from": "coop@acme.example"}
    )
    app.state.context = replace(context, settings=settings)
    other, third = await kit.make_org(), await kit.make_org()
    email = f"coco-{org.org_id}@shared.example"
    for one in (org, other):
        await account(one, email, "seven quiet lamps 19")
    await account(third, email, "seven quiet lamps 19")
    alike = f"с\u043eсо-{org.org_id}@shared.example"
    body = {"email": alike, "organisation": third.slug}
    assert (await http.post("/v1/password-resets", json=body)).status_code == 202
    assert (await http.post("/v1/password-resets", json={"email": alike})).status_code == 202
    async with transaction(context.engine) as connection:
        found = (
            await connection.execute(
                select(mails.c.org_id, mails.c.plain)
                .where(mails.c.recipient == email)
                .order_by(mails.c.mail_id)
            )
        ).all()
        strange = await connection.scalar(select(mails.c.mail_id).where(mails.c.recipient == alike))
    assert found[0].org_id == third.org_id
    assert {row.org_id for row in found[1:]} == {org.org_id, other.org_id}
    assert all(
        one.slug in row.plain
        for one in (org, other, third)
        for row in found
        if row.org_id == one.org_id
    )
    assert strange is None


async def test_a_domain_is_nobody_elses(
    admin: Any, http: Any, org: Any, kit: Any, account: Any, context: Any, sign_in: Any
) -> None:
    """No account, no invitation and no acceptance with an address there; its owner has them."""
    owner = await kit.make_org()
    theirs = await sign_in(Role.ADMIN, owner.org_id)
    name = f"{owner.slug}.example"
    earlier = {"email": f"early@{name}", "role": "MODERATOR"}
    invited = await admin.make("/v1/invitations", earlier)
    async with transaction(context.engine) as connection:
        await domain.add(connection, owner.org_id, name.upper(), now=context.clock())
    accept = {"token": invited["link"].partition("#")[2], "name": "A", "password": kit.password}
    assert (await http.post("/v1/invitations/accept", json=accept)).status_code == 404
    for address in (f"ada@{name}", f"ADA@{name.upper()}."):
        body = {"email": address, "role": "MODERATOR"}
        for path, more in (("/v1/invitations", {}), ("/v1/users", {"password": kit.password})):
            refused = await admin.call("POST", path, {**body, **more})
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["pointer"] == "/email"
    assert (await theirs.call("POST", "/v1/invitations", earlier)).status_code == 201
    below = {"email": f"ada@mail.{name}", "role": "MODERATOR"}
    assert (await admin.call("POST", "/v1/invitations", below)).status_code == 201


async def test_a_domain_with_accounts_elsewhere_is_given_knowingly(
    http: Any, org: Any, kit: Any, account: Any, context: Any
) -> None:
    """The operator is told of them; where they agree, these are shut out, and nobody else."""
    owner = await kit.make_org()
    name = f"{owner.slug}.example"
    squatter = await account(org, f"ceo@{name}", "seven quiet lamps 19")
    kept = await account(owner, f"ceo@{name}", "eight louder bells 23")
    async with transaction(context.engine) as connection:
        with pytest.raises(Conflict) as refused:
            await domain.add(connection, owner.org_id, name, now=context.clock())
        assert refused.value.used_by == (f"account {squatter} of {org.org_id}",)
        await connection.rollback()
    async with transaction(context.engine) as connection:
        await domain.add(connection, owner.org_id, name, now=context.clock(), shut_out_others=True)
    answer = await log_in(http, f"ceo@{name}", "seven quiet lamps 19", organisation=org.slug)
    assert answer.status_code == 401
    answer = await log_in(http, f"ceo@{name}", "eight louder bells 23")
    assert answer.json()["user"]["id"] == kept
    async with transaction(context.engine) as connection:
        status = await connection.scalar(select(users.c.status).where(users.c.user_id == squatter))
    assert status == "DISABLED"
