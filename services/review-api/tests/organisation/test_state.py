"""Organisations as the operator sees them: suspended and resumed, named, exported."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.permission import Role
from coop_review_api.kernel.error import Conflict, Invalid, NotFound
from coop_review_api.kernel.schema import audit_log
from coop_review_api.notification import letter, mail
from coop_review_api.notification.words import Text
from coop_review_api.organisation import export, state
from coop_review_api.organisation.slug import check_slug, slugs_of
from coop_runtime.database.engine import transaction

engines = pytest.mark.engines


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme"),
        ("  Änne & Söhne GmbH ", "anne-sohne-gmbh"),
        ("Café №5", "cafe-no5"),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_slug_is_made_of_the_name(name: str, slug: str) -> None:
    """The first is the name itself, the others are numbered; each is one."""
    found = list(slugs_of(name))
    assert found[:2] == [slug, f"{slug}-2"]
    for one in found:
        check_slug(one)


def test_a_name_without_a_letter_gives_no_slug() -> None:
    """Nor one that would be an id."""
    assert list(slugs_of("株式会社")) == []
    assert list(slugs_of("0196a1b2-0000-7000-8000-000000000001")) == []


@pytest.mark.parametrize(
    "slug",
    ["", "-a", "a-", "A", "a.b", "a_b", "a" * 64, "0196a1b2-0000-7000-8000-000000000001", "ä"],
)
def test_what_is_no_slug_is_refused(slug: str) -> None:
    """Neither a domain nor an id can be meant by one."""
    with pytest.raises(Invalid):
        check_slug(slug)


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_suspended_nobody_is_in_and_nobody_gets_in(
    admin: Any, sign_in: Any, http: Any, org: Any, kit: Any, context: Any, clock: Any
) -> None:
    """Sessions end, the right password is told why, links are good for nothing; nothing of it is
    lost, and another organisation notices nothing."""
    other = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    email = f"new-{org.org_id}@elsewhere.example"
    invited = await admin.make("/v1/invitations", {"email": email, "role": "MODERATOR"})
    victim = await sign_in(Role.MODERATOR)
    reset = (await admin.call("POST", f"/v1/users/{victim.user_id}/reset-link")).json()
    before = (await admin.call("GET", "/v1/settings")).json()
    async with transaction(context.engine) as connection:
        await state.suspend(connection, org.org_id, clock=clock)
        await state.suspend(connection, org.org_id, clock=clock)
        assert (await state.named(connection, org.slug)).suspended_at is not None
    credentials = {"email": org.admin_email, "password": kit.password}
    accept = {"token": invited["link"].partition("#")[2], "name": "A", "password": kit.password}
    use = {"token": reset["link"].partition("#")[2], "password": "seven quiet lamps 19"}

    async def tried() -> list[int]:
        answers = [
            await admin.call("GET", "/v1/session"),
            await http.post("/v1/session", json=credentials),
            await http.post("/v1/session", json={**credentials, "password": "wrong one 1234"}),
            await http.post("/v1/invitations/accept", json=accept),
            await http.post("/v1/password-resets/use", json=use),
        ]
        http.cookies.clear()
        return [answer.status_code for answer in answers]

    assert await tried() == [401, 403, 401, 404, 404]
    assert (await other.call("GET", "/v1/session")).status_code == 200
    async with transaction(context.engine) as connection:
        await state.resume(connection, org.org_id, clock=clock)
        with pytest.raises(Conflict):
            await state.resume(connection, org.org_id, clock=clock)
    assert await tried() == [401, 200, 401, 201, 204], "sessions that ended do not come back"
    back = await sign_in(Role.ADMIN)
    after = (await back.call("GET", "/v1/settings")).json()
    stamp = ("revision", "updatedAt", "updatedBy")
    assert {k: v for k, v in after.items() if k not in stamp} == {
        k: v for k, v in before.items() if k not in stamp
    }
    async with transaction(context.engine) as connection:
        actions = await connection.scalars(
            select(audit_log.c.action).where(
                audit_log.c.org_id == org.org_id, audit_log.c.action.startswith("organisation.")
            )
        )
        assert list(actions) == ["organisation.suspended", "organisation.resumed"]


@engines
async def test_an_organisation_does_not_undo_or_restore_what_its_operator_said(
    admin: Any, org: Any, context: Any, clock: Any, published: Any, sign_in: Any
) -> None:
    """Settings are saved as they were in this, and a revision of then is not brought back."""
    async with transaction(context.engine) as connection:
        await state.suspend(connection, org.org_id, clock=clock)
    *_, suspended = await published(org.org_id)
    assert suspended.kind == Kind.SETTINGS
    document = msgspec.json.decode(suspended.document, type=OrgSettings)
    assert document.suspended_at is not None
    async with transaction(context.engine) as connection:
        await state.resume(connection, org.org_id, clock=clock)
    person = await sign_in(Role.ADMIN)
    at = f"/v1/settings/{document.id}/revisions/{suspended.revision}/restore"
    assert (await person.call("POST", at)).status_code == 409
    body = {"name": "Acme", "suspendedAt": None}
    assert (await person.call("PUT", "/v1/settings", body)).status_code == 422


@engines
async def test_a_suspended_organisations_mails_wait(
    org: Any, kit: Any, context: Any, clock: Any
) -> None:
    """None is taken while it is suspended, and all of them afterwards."""
    other = await kit.make_org()

    async def taken() -> list[str]:
        async with transaction(context.engine) as connection:
            found = await mail.take(connection, limit=100_000, now=clock())
            await connection.rollback()
        return [one.org_id for one in found if one.org_id in (org.org_id, other.org_id)]

    async with transaction(context.engine) as connection:
        for one in (org, other):
            envelope = letter.Envelope(
                org_id=one.org_id,
                organisation="Acme",
                recipient=one.admin_email,
                cause_id=f"test/{one.org_id}",
                at=clock(),
            )
            await letter.queue(
                connection, None, Text(subject="S", paragraphs=(), facts=()), envelope
            )
    assert sorted(await taken()) == sorted([org.org_id, other.org_id])
    async with transaction(context.engine) as connection:
        await state.suspend(connection, org.org_id, clock=clock)
    assert await taken() == [other.org_id]
    async with transaction(context.engine) as connection:
        await state.resume(connection, org.org_id, clock=clock)
    assert sorted(await taken()) == sorted([org.org_id, other.org_id])


@engines
async def test_organisations_are_found_by_every_name(org: Any, kit: Any, context: Any) -> None:
    """By id and slug; all of them are listed, oldest first, with how many people they have."""
    other = await kit.make_org()
    async with transaction(context.engine) as connection:
        for name in (org.slug, org.org_id):
            found = await state.named(connection, name)
            assert (found.org_id, found.name, found.people) == (org.org_id, "Acme", 1)
        with pytest.raises(NotFound):
            await state.named(connection, "nowhere")
        listed = [one.org_id for one in await state.every(connection)]
    assert listed.index(org.org_id) < listed.index(other.org_id)


@engines
async def test_an_export_is_whole_and_opens_nothing(
    admin: Any, org: Any, kit: Any, context: Any, clock: Any, tmp_path: Path
) -> None:
    """Every row of the organisation and none of another, each file as the manifest says; no hash of
    a password or token; only into an empty folder."""
    other = await kit.make_org()
    await admin.make("/v1/policies", {"name": "Hate"})
    invited = await admin.make(
        "/v1/invitations", {"email": "x@elsewhere.example", "role": "MODERATOR"}
    )
    folder = tmp_path / "export"
    rows = await export.export(context.engine, org.org_id, folder, now=clock())
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert rows == {name: one["rows"] for name, one in manifest["tables"].items()}
    assert {"review.config_log", "review.users", "review.audit_log", "review.orgs"} <= rows.keys()
    everything = b""
    for name, one in manifest["tables"].items():
        content = (folder / f"{name}.jsonl").read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
        assert len(content.splitlines()) == one["rows"]
        everything += content
    assert b'"Hate"' in everything
    assert other.org_id.encode() not in everything
    assert b"argon2" not in everything
    token_hash = hashlib.sha256(invited["link"].partition("#")[2].encode()).hexdigest()
    assert token_hash.encode() not in everything
    assert (folder / "manifest.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict):
        await export.export(context.engine, org.org_id, folder, now=clock())


@engines
def test_the_commands_say_what_they_did(review_url: str, vault: Any) -> None:
    """Made under a slug, listed, suspended, resumed; what cannot be done is said, with code 1."""
    environment = {
        **os.environ,
        "COOP_POSTGRES": review_url,
        "COOP_SECRET_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "COOP_LOG_LEVEL": "WARNING",
    }

    def org_command(*arguments: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "coop_cli", "org", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr

    slug = f"smith-{os.urandom(6).hex()}"
    made = org_command(
        "create", "--name", "Smith", "--admin-email", "a@smith.example", "--slug", slug
    )
    assert made["slug"] == slug
    listed = {one["orgId"]: one for one in org_command("list")["items"]}
    assert listed[made["orgId"]]["slug"] == slug
    assert listed[made["orgId"]]["suspendedAt"] is None
    assert org_command("suspend", slug)["suspendedAt"] is not None
    assert org_command("resume", made["orgId"])["suspendedAt"] is None
    assert "not suspended" in org_command("resume", slug, code=1)
    assert "no organisation" in org_command("suspend", "nowhere", code=1)
    again = org_command(
        "create", "--name", "S", "--admin-email", "a@s.example", "--slug", slug, code=1
    )
    assert slug in again
