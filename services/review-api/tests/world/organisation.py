"""Organisations: one is made as an operator makes it, the others are copies of its rows.

Guarantees: a copy has ids, keys, secrets and times of its own, and nothing else that differs from
what `organisation.creation` makes (`tests/organisation/test_creation.py` compares the two).
Must not: be used where the making itself is tested. The RSA key alone is the same for all.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.ids import new_id
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.configuration.table import config_current, config_log, orgs
from coop_review_api.directory.table import users
from coop_review_api.http.context import Context
from coop_review_api.kernel.schema import audit_log, outbox
from coop_review_api.organisation import creation
from coop_review_api.organisation.creation import Created
from coop_review_api.people.password import Passwords
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import Message
from coop_runtime.secret.signing import new_webhook_secret

from .password import PASSWORD

_TABLES = (orgs, config_log, config_current, audit_log, users)
_GIVEN = {"log_id", "audit_id"}  # by the database, as the time at which an organisation was made
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_THEN = datetime(2001, 2, 3, 4, 5, 6, 123456, tzinfo=UTC)
_FORM = "%Y-%m-%dT%H:%M:%S.%f"


async def create(connection: AsyncConnection, context: Context) -> Created:
    """An organisation whose decisions leave at once, unless a test wants the undo window."""
    made = await creation.create(
        connection,
        name="Acme",
        admin_email=f"admin-{uuid.uuid4().hex}@acme.example",
        admin_password=PASSWORD,
        vault=context.vault,
        passwords=context.part(Passwords),
        clock=context.clock,
    )
    configuration = await lock(connection, made.org_id, author="test", clock=context.clock)
    settings = OrgSettings(id=SETTINGS_ID, name="Acme", undo_window=0)
    await configuration.save(Kind.SETTINGS, settings)
    return made


@dataclass(frozen=True, kw_only=True)
class _Template:
    """All that an organisation consists of, as one JSON text; and what is secret in it."""

    whole: str
    created: Created
    ids: list[str]  # in their order, which is that of time
    rsa_key: str
    rsa_ciphertext: str
    secret_ciphertext: str
    key_ids: dict[str, str]  # of webhook keys, by scheme


class Organisations:
    """Makes organisations, as many as tests want."""

    def __init__(self) -> None:
        self._template: _Template | None = None

    async def make(self, context: Context) -> Created:
        """A new one, as `create` makes it."""
        if self._template is None:
            self._template = await _template(context)
        made, rows, messages = _copy(self._template, context)
        async with transaction(context.engine) as connection:
            await _insert(connection, rows)
            await append(connection, outbox, messages)
        return made


@pytest.fixture(scope="session")
def organisations() -> Organisations:
    return Organisations()


@pytest.fixture
async def org(context: Context, organisations: Organisations) -> Created:
    return await organisations.make(context)


async def _template(context: Context) -> _Template:
    """Makes one, reads what it consists of, and takes it back."""
    then = replace(context, clock=lambda: _THEN)
    async with context.engine.connect() as connection:
        await connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        first = await connection.scalar(text("SELECT coalesce(max(id), 0) FROM review.outbox"))
        created = await create(connection, then)
        rows = {table.name: await _rows(connection, table, created.org_id) for table in _TABLES}
        messages = await connection.execute(
            text(
                "SELECT topic, convert_from(key, 'UTF8'), convert_from(value, 'UTF8'), headers"
                " FROM review.outbox WHERE id > :first AND starts_with(convert_from(key, 'UTF8'),"
                " :org) ORDER BY id"
            ),
            {"first": first, "org": created.org_id},
        )
        kept = {
            "rows": rows,
            "messages": [list(message) for message in messages],
            "created": asdict(created),
        }
        await connection.rollback()
    keys = {
        row["document"]["scheme"]: row["document"]
        for row in rows["config_log"]
        if row["kind"] == Kind.WEBHOOK_KEY
    }
    rsa, standard = keys["RSA_SHA256"], keys["STANDARD_WEBHOOKS"]
    whole = json.dumps(kept)
    return _Template(
        whole=whole,
        created=created,
        ids=sorted(set(_ID.findall(whole))),
        rsa_key=context.vault.decrypt(rsa["secret"], context=_bound_to(created.org_id, rsa["id"])),
        rsa_ciphertext=rsa["secret"],
        secret_ciphertext=standard["secret"],
        key_ids={scheme: key["id"] for scheme, key in keys.items()},
    )


async def _rows(connection: AsyncConnection, table: Table, org_id: str) -> list[dict[str, Any]]:
    key = ", ".join(column.name for column in table.primary_key)
    found = await connection.scalars(
        text(f"SELECT to_jsonb(t) FROM {table.fullname} t WHERE org_id = :org ORDER BY {key}"),
        {"org": org_id},
    )
    given = _GIVEN | {"created_at"} if table is orgs else _GIVEN
    return [{name: row[name] for name in row if name not in given} for row in found]


def _bound_to(org_id: str, key_id: str) -> str:
    return bound_to(org_id, Kind.WEBHOOK_KEY, key_id)


def _copy(
    template: _Template, context: Context
) -> tuple[Created, dict[str, list[dict[str, Any]]], list[Message]]:
    """What the copy consists of: what `create-org` says, rows by table, messages."""
    old = template.created
    ids = dict(zip(template.ids, sorted(new_id() for _ in template.ids), strict=True))
    rsa, standard = template.key_ids["RSA_SHA256"], template.key_ids["STANDARD_WEBHOOKS"]
    org_id, secret, api_key = ids[old.org_id], new_webhook_secret(), secrets.token_hex(32)
    vault = context.vault
    whole = _ID.sub(lambda found: ids[found[0]], template.whole)
    for before, after in (
        (_THEN.strftime(_FORM), context.clock().strftime(_FORM)),
        (old.admin_email, f"admin-{uuid.uuid4().hex}@acme.example"),
        (old.api_key, api_key),
        (_hash_of(old.api_key), _hash_of(api_key)),
        (old.webhook_secret, secret),
        (
            template.rsa_ciphertext,
            vault.encrypt(template.rsa_key, context=_bound_to(org_id, ids[rsa])),
        ),
        (
            template.secret_ciphertext,
            vault.encrypt(secret, context=_bound_to(org_id, ids[standard])),
        ),
    ):
        whole = whole.replace(before, after)
    made = json.loads(whole)
    slug = f"acme-{secrets.token_hex(8)}"
    made["rows"]["orgs"][0]["slug"] = made["created"]["slug"] = slug
    messages = [
        Message(
            topic=topic,
            key=key.encode(),
            value=value.encode(),
            headers=[(name, text_.encode()) for name, text_ in headers],
        )
        for topic, key, value, headers in made["messages"]
    ]
    return Created(**made["created"]), made["rows"], messages


def _hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def _insert(connection: AsyncConnection, rows: dict[str, list[dict[str, Any]]]) -> None:
    """All rows of all tables in one statement; constraints are checked at its end."""
    parts = []
    for table in _TABLES:
        columns = ", ".join(rows[table.name][0])
        parts.append(
            f"{table.name}_made AS (INSERT INTO {table.fullname} ({columns}) SELECT {columns}"
            f" FROM jsonb_populate_recordset(NULL::{table.fullname},"
            f" CAST(:rows AS jsonb) -> '{table.name}'))"
        )
    await connection.execute(text(f"WITH {', '.join(parts)} SELECT"), {"rows": json.dumps(rows)})
