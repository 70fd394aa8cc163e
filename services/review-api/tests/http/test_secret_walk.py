"""No secret in clear anywhere: every kind is made, then every answer, table and line of the log is
searched for each of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pyotp
import pytest
from fastapi.routing import APIRoute
from psycopg import sql
from sqlalchemy import select

from coop_review_api.notification import letter
from coop_review_api.notification.mail import Mail
from coop_review_api.notification.table import mails
from coop_review_api.people.token import hash_of
from coop_runtime.database.engine import transaction
from coop_runtime.process.log import logger

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]

NEW = "seven quiet lamps 19"
OURS = {
    "OIDC client secret": "walk-client-secret-1",
    "integration credential": "walk-integration-key-1",
    "callback header": "walk-header-value-1",
    "settings header": "walk-settings-header-1",
    "changed password": NEW,
    "wrong password": "walk-wrong-password-1",
    "wrong code": "walkcode99",
}


def forms(secret: str) -> set[str]:
    """How a secret may look: itself, in hex as PostgreSQL shows bytes, in base64."""
    raw = secret.encode()
    return {secret, raw.hex(), base64.b64encode(raw).decode().rstrip("=")}


class Secrets:
    """What was shown once, by name."""

    def __init__(self, password: str) -> None:
        self.known = {**OURS, "password": password}
        self.ids: dict[str, str] = {}

    def found_in(self, text: str, *, but: frozenset[str] = frozenset()) -> set[str]:
        """The names of those that the text holds."""
        return {
            name
            for name, secret in self.known.items()
            if name not in but and any(form in text for form in forms(secret))
        }


@pytest.fixture
async def secrets(
    http: Any, admin: Any, org: Any, kit: Any, app: Any, context: Any, clock: Any
) -> Secrets:
    """An organisation with a secret of every kind, `http` signed in as its first administrator."""
    mail = {"smtp_host": "127.0.0.1", "smtp_from": "coop@acme.example"}
    app.state.context = replace(context, settings=context.settings.model_copy(update=mail))
    made = Secrets(kit.password)
    known, ids = made.known, made.ids
    known |= {"first API key": org.api_key, "first webhook secret": org.webhook_secret}

    async def make(path: str, body: Any, name: str) -> Any:
        view = await admin.make(path, body)
        ids[name] = view.get("id", "")
        return view

    key = await make("/v1/api-keys", {"name": "Walk"}, "api-keys")
    rotated = await admin.make(f"/v1/api-keys/{key['id']}/rotate", {})
    known |= {"API key": key["key"], "rotated API key": rotated["key"]}
    hook = await make("/v1/webhook-keys/rotate", {"scheme": "STANDARD_WEBHOOKS"}, "webhook-keys")
    known["webhook secret"] = hook["secret"]
    provider = {
        "scheme": "OIDC",
        "name": "Walk",
        "issuer": "https://accounts.example.com",
        "clientId": "coop",
        "clientSecret": OURS["OIDC client secret"],
        "enabled": False,
    }
    await make("/v1/identity-providers", provider, "identity-providers")
    credential = {"credential": {"apiKey": OURS["integration credential"]}}
    assert (await admin.call("PUT", "/v1/integrations/OPEN_AI", credential)).status_code < 300
    ids["integrations"] = "OPEN_AI"
    post = await make("/v1/item-types", kit.item_type(), "item-types")
    header = {"callbackUrlHeaders": {"Authorization": OURS["callback header"]}}
    await make("/v1/actions", kit.action(post["id"], **header), "actions")
    settings = {
        "name": "Acme",
        "appealCallbackUrl": kit.callback,
        "appealCallbackHeaders": {"X-Walk": OURS["settings header"]},
    }
    answer = await admin.call("PUT", "/v1/settings", settings)
    assert answer.status_code == 200, answer.text
    invited = {"email": f"walk-{org.org_id}@acme.example", "role": "MODERATOR"}
    await make("/v1/invitations", invited, "invitations")
    known["invitation"] = await _mailed(context, invited["email"])
    reset = await admin.call("POST", f"/v1/users/{org.admin_id}/reset-link")
    assert reset.status_code == 200
    known["reset"] = await _mailed(context, org.admin_email)
    ids["users"] = org.admin_id
    await http.post("/v1/password-resets", json={"email": admin.email})
    await _second_factor(http, org, clock, known)
    return made


async def _mailed(context: Any, recipient: str) -> str:
    """The token of the link that was mailed to somebody."""
    async with transaction(context.engine) as connection:
        found = await connection.execute(
            select(mails).where(mails.c.recipient == recipient, mails.c.link.is_not(None))
        )
        row = found.one()._mapping
    opened = letter.opened(
        Mail(**{name: row[name] for name in Mail.__dataclass_fields__}), context.vault
    )
    return opened.plain.partition("#")[2].split()[0]


async def _second_factor(http: Any, org: Any, clock: Any, known: dict[str, str]) -> None:
    credentials = {"email": org.admin_email, "password": known["password"]}
    await http.post("/v1/session", json={**credentials, "password": known["wrong password"]})
    signed_in = await http.post("/v1/session", json=credentials)
    http.headers["X-CSRF-Token"] = signed_in.json()["csrfToken"]
    shown = {"password": known["password"]}
    factor = (await http.post("/v1/me/second-factor", json=shown)).json()
    known["second factor"] = factor["secret"]
    clock.forward(seconds=30)
    code = pyotp.TOTP(factor["secret"]).at(clock())
    confirmed = await http.post("/v1/me/second-factor/confirm", json={"code": code})
    for number, one in enumerate(confirmed.json()["recoveryCodes"]):
        known |= {f"recovery code {number}": one, f"bare {number}": one.replace("-", "")}
    changed = {"currentPassword": known["password"], "newPassword": NEW}
    assert (await http.put("/v1/me/password", json=changed)).status_code == 204
    challenged = await http.post("/v1/session", json={**credentials, "password": NEW})
    known["challenge"] = challenged.json()["challenge"]
    answer = {"challenge": known["challenge"], "code": known["wrong code"]}
    assert (await http.post("/v1/session/second-factor", json=answer)).status_code == 401
    known["session"] = http.cookies["coop_session"]
    known["device"] = http.cookies["coop_device"]
    known["CSRF token"] = http.headers["X-CSRF-Token"]


def readable(app: Any, ids: dict[str, str]) -> Iterator[str]:
    """The addresses of everything that can be read."""
    for route in app.routes:
        if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()):
            continue
        if route.path in ("/", "/v1", "/v1/events") or route.path.startswith("/v1/sso/"):
            continue
        path = route.path.replace("{revision}", "1")
        yield re.sub(r"\{\w+\}", ids.get(route.path.split("/")[2], "none"), path)


@pytest.mark.timeout(300)
async def test_no_answer_holds_a_secret(app: Any, admin: Any, http: Any, secrets: Secrets) -> None:
    """Of everything that can be read, histories and logs included; hashes of keys neither. A
    session's own CSRF token is shown to that session."""
    read = 0
    own = frozenset({"CSRF token"})
    for person in (admin.http, http):
        for path in readable(app, secrets.ids):
            answer = await person.get(path)
            assert secrets.found_in(answer.text, but=own) == set(), path
            assert "keyHash" not in answer.text or path == "/v1/openapi.json", path
            read += answer.status_code == 200
    assert read > 60


async def test_no_table_holds_a_secret(secrets: Secrets, review_admin_url: str) -> None:
    """Configuration log, outbox, audit log, mails, exports, accounts: hashes and ciphertext only.
    (What a browser shows is in none of them either.)"""
    searched = 0
    with psycopg.connect(review_admin_url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('review', 'queues')"
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("SELECT string_agg(t::text, ' ') FROM {}.{} t")
            named = query.format(sql.Identifier(schema), sql.Identifier(table))
            (text,) = connection.execute(named).fetchone() or (None,)
            assert secrets.found_in(text or "") == set(), table
            searched += bool(text)
    assert searched > 15


async def test_a_secret_in_a_table_would_be_found(secrets: Secrets, review_admin_url: str) -> None:
    """The search above sees bytes, and knows a hash from what was hashed."""
    with psycopg.connect(review_admin_url) as connection:
        query = "SELECT string_agg(t::text, ' ') FROM (VALUES (%s::bytea)) t"
        for stored, found in (
            (secrets.known["session"].encode(), {"session"}),
            (hash_of(secrets.known["session"]), set()),
        ):
            (text,) = connection.execute(query, (stored,)).fetchone() or ("",)
            assert secrets.found_in(text) == found


async def test_no_line_of_the_log_holds_a_secret(capfd: Any, secrets: Secrets, http: Any) -> None:
    """Nor does one of a request that fails."""
    body = {"token": secrets.known["invitation"], "name": "New", "password": "short"}
    assert (await http.post("/v1/invitations/accept", json=body)).status_code == 422
    unreadable = await http.post(
        "/v1/session",
        content=b'{"email": "a@b.example", "password": "walk-wrong-password-1", "x": 1}',
        headers={"content-type": "application/json"},
    )
    assert unreadable.status_code == 422
    assert secrets.found_in(unreadable.text) == set()
    logger("coop.test").warning("the log is read")
    out, err = capfd.readouterr()
    assert "the log is read" in out + err
    assert secrets.found_in(out + err) == set()
