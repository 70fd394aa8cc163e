"""What a new organisation consists of, and that what tests run on is one."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_audit.chain import verify
from coop_contracts.config import ApiKey, Kind, WebhookKey
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.log import read
from coop_review_api.http.context import Context
from coop_review_api.kernel.schema import metadata, outbox
from coop_review_api.organisation.creation import Created
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import Vault

from ..world.organisation import create

pytestmark = pytest.mark.engines

_NUMBERED = {"log_id", "audit_id", "id"}
_OWN = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"admin-[0-9a-f]{32}"), "ADMIN"),
    (re.compile(r'"acme(-[0-9a-f]+)?"'), '"SLUG"'),
    (re.compile(r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\b"), "TRACE"),
    (re.compile(r"v1\.[0-9a-f]{8}\.[-_=A-Za-z0-9]+"), "CIPHERTEXT"),
    (re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----"), "PUBLIC KEY"),
)


async def test_a_copy_is_what_creation_makes(
    engine: AsyncEngine, context: Context, org: Created
) -> None:
    """Row by row in every table that knows organisations, and message by message: only ids, times
    and keys differ."""
    async with transaction(engine) as connection:
        made = await create(connection, context)
    async with engine.connect() as connection:
        await connection.execute(text("SET TIME ZONE 'UTC'"))
        created = await _all_of(connection, made.org_id)
        copied = await _all_of(connection, org.org_id)
    assert set(created) >= {"config_log", "config_current", "audit_log", "users", "outbox"}
    assert copied == created


async def test_a_copy_has_keys_of_its_own(
    engine: AsyncEngine, context: Context, org: Created, kit: Any, vault: Vault
) -> None:
    """Each is found under what the making said of it, and opens there alone."""
    other = await kit.make_org()
    async with engine.connect() as connection:
        for one in (org, other):
            key = await read(connection, one.org_id, Kind.API_KEY, ApiKey, one.api_key_id)
            assert key is not None
            assert key.document.key_hash == hashlib.sha256(one.api_key.encode()).hexdigest()
            secrets = await _webhook_secrets(connection, vault, one.org_id)
            assert secrets["STANDARD_WEBHOOKS"] == one.webhook_secret
            assert secrets["RSA_SHA256"].startswith("-----BEGIN PRIVATE KEY-----")
    assert org.api_key != other.api_key
    assert org.webhook_secret != other.webhook_secret
    assert not {org.org_id, org.admin_id, org.default_queue_id} & {
        other.org_id,
        other.admin_id,
        other.default_queue_id,
    }


async def test_a_copy_is_whole(engine: AsyncEngine, vault: Vault, org: Created) -> None:
    """Its chain verifies, over both logs."""
    report = await verify(engine, vault, org_id=org.org_id)
    assert report.faults == []
    assert report.entries > 2 * 10


async def _webhook_secrets(
    connection: AsyncConnection, vault: Vault, org_id: str
) -> dict[str, str]:
    ids = await connection.scalars(
        text("SELECT id FROM review.config_current WHERE org_id = :org AND kind = :kind"),
        {"org": org_id, "kind": Kind.WEBHOOK_KEY},
    )
    found: dict[str, str] = {}
    for key_id in ids.all():
        key = await read(connection, org_id, Kind.WEBHOOK_KEY, WebhookKey, key_id)
        assert key is not None
        context = bound_to(org_id, Kind.WEBHOOK_KEY, key_id)
        found[str(key.document.scheme)] = vault.decrypt(key.document.secret, context=context)
    return found


async def _all_of(connection: AsyncConnection, org_id: str) -> dict[str, list[str]]:
    """The organisation's rows by table, in their order, without what is each one's own."""
    found: dict[str, list[str]] = {}
    for table in metadata.sorted_tables:
        if "org_id" not in table.c:
            continue
        key = ", ".join(column.name for column in table.primary_key)
        rows = await connection.scalars(
            text(f"SELECT to_jsonb(t) FROM {table.fullname} t WHERE org_id = :org ORDER BY {key}"),
            {"org": org_id},
        )
        numbered = _NUMBERED - ({"id"} if table.name.startswith("config") else set())
        found[table.name] = [
            _plain({name: value for name, value in row.items() if name not in numbered})
            for row in rows
        ]
    messages = await connection.execute(
        select(outbox.c.topic, outbox.c.key, outbox.c.value, outbox.c.headers)
        .where(func.substr(outbox.c.key, 1, len(org_id)) == org_id.encode())
        .order_by(outbox.c.id)
    )
    found["outbox"] = [
        _plain([row.topic, row.key.decode(), json.loads(row.value), row.headers])
        for row in messages
    ]
    return {name: rows for name, rows in found.items() if rows}


def _plain(value: Any) -> str:
    text_ = json.dumps(value, sort_keys=True)
    for pattern, name in _OWN:
        text_ = pattern.sub(name, text_)
    return text_
