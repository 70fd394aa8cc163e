"""Accounts with providers of signals, and the signals there are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from coop_contracts.config import Kind
from coop_contracts.permission import Role
from coop_review_api.kernel.schema import outbox
from coop_review_api.signal.signals import Signals
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

KEY = "sk-very-secret-value"
PATH = "/v1/integrations/OPEN_AI"


async def test_a_credential_is_written_and_never_read(
    admin: Any, engine: Any, org: Any, context: Any
) -> None:
    """A credential is ciphertext bound to organisation and integration in the log and on the topic;
    every answer has only the names."""
    made = await admin.call("PUT", PATH, {"credential": {"apiKey": KEY}})
    assert made.status_code == 200, made.text
    assert made.json()["credentialNames"] == ["apiKey"]
    revision = made.json()["revision"]
    for shown in (
        made.text,
        (await admin.call("GET", PATH)).text,
        (await admin.call("GET", "/v1/integrations")).text,
        (await admin.call("GET", PATH + "/revisions")).text,
        (await admin.call("GET", f"{PATH}/revisions/{revision}/changes")).text,
    ):
        assert "very-secret" not in shown
    async with transaction(engine) as connection:
        stored = await connection.scalar(
            text("SELECT string_agg(document::text, '') FROM review.config_log")
        )
        sent = await connection.scalars(select(outbox.c.value))
        assert "very-secret" not in stored
        assert not any(b"very-secret" in value for value in sent)
        await context.part(Signals).learn(connection, org.org_id)
    account = context.part(Signals)._accounts.get(org.org_id, Kind.INTEGRATION, "OPEN_AI")
    plain = context.vault.decrypt(account.credential, context=f"{org.org_id}/integration/OPEN_AI")
    assert plain == f'{{"apiKey":"{KEY}"}}'


async def test_an_account_is_kept_changed_and_forgotten(admin: Any) -> None:
    """Without a credential the stored one stays; a null value keeps it; If-Match is honoured; after
    a delete there is none."""
    first = (await admin.call("PUT", PATH, {"credential": {"apiKey": KEY}})).json()
    stale = {"If-Match": f'"{first["revision"]}"'}
    off = await admin.call("PUT", PATH, {"enabled": False}, headers=stale)
    assert off.status_code == 200
    assert off.json()["credentialNames"] == ["apiKey"]
    assert (await admin.call("PUT", PATH, {}, headers=stale)).status_code == 412
    kept = await admin.call("PUT", PATH, {"credential": {"apiKey": None}})
    assert kept.json()["credentialNames"] == ["apiKey"]
    restored = await admin.call("POST", f"{PATH}/revisions/{off.json()['revision']}/restore")
    assert restored.json()["enabled"] is False
    shown = (await admin.call("GET", PATH)).json()
    assert shown["account"]["enabled"] is False
    assert shown["manifest"]["modelCard"]["biasAndLimitations"]
    assert (await admin.call("DELETE", PATH)).status_code == 204
    assert (await admin.call("GET", PATH)).json()["account"] is None
    assert (await admin.call("DELETE", PATH)).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/credential/apiKey"),
        ({"credential": {"apiKey": ""}}, "/credential/apiKey"),
        ({"credential": {"apiKey": None}}, "/credential/apiKey"),
        ({"credential": {"apiKey": KEY, "other": "x"}}, "/credential/other"),
        ({"credential": {"apiKey": KEY}, "config": {"apiKey": KEY}}, "/config/apiKey"),
        ({"credential": {"apiKey": KEY}, "config": {"other": 1}}, "/config/other"),
    ],
)
async def test_an_account_is_checked_against_the_manifest(
    admin: Any, body: Any, pointer: str
) -> None:
    """What the integration does not know, a secret in the open, and what is missing are refused
    with their place; the value is not repeated."""
    answer = await admin.call("PUT", PATH, body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert "very-secret" not in answer.text


async def test_accounts_are_an_organisations_own(admin: Any, sign_in: Any, kit: Any) -> None:
    """Another organisation sees no account, and cannot delete one; who may not manage the
    organisation sees none either."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    manager = await sign_in(Role.RULES_MANAGER)
    await admin.call("PUT", PATH, {"credential": {"apiKey": KEY}})
    assert (await stranger.call("GET", PATH)).json()["account"] is None
    assert (await stranger.call("DELETE", PATH)).status_code == 404
    assert (await manager.call("GET", PATH)).status_code == 403
    unknown = await admin.call("PUT", "/v1/integrations/NOTHING", {})
    assert unknown.status_code == 404


async def test_signals_say_whether_they_can_be_used(admin: Any, sign_in: Any) -> None:
    """The catalogue has every signal with what a rule editor needs; those of an integration are
    available when it is set up and on."""
    author = await sign_in(Role.RULES_MANAGER)

    async def signals() -> dict[str, Any]:
        answer = await author.call("GET", "/v1/signals")
        assert answer.status_code == 200, answer.text
        return {one["name"]: one for one in answer.json()["items"]}

    before = await signals()
    text_signal = before["TEXT_MATCHING_CONTAINS_TEXT"]
    assert text_signal["available"]
    assert "text_banks" in text_signal["needsMatchingValues"]
    hate = before["OPEN_AI_HATE_TEXT_MODEL"]
    assert (hate["available"], hate["lane"], hate["output"]) == (False, "SLOW", "NUMBER")
    assert "not set up" in hate["reason"]
    await admin.call("PUT", PATH, {"credential": {"apiKey": KEY}})
    assert (await signals())["OPEN_AI_HATE_TEXT_MODEL"]["available"]
    await admin.call("PUT", PATH, {"enabled": False})
    assert "switched off" in (await signals())["OPEN_AI_HATE_TEXT_MODEL"]["reason"]
