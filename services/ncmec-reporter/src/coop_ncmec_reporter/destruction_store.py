"""Destructions of evidence in PostgreSQL: asked, answered, done.

    ASKED ─ a second person ─▶ CONFIRMED (no keys) ─ the destroyer ─▶ DONE (no files)
      ├─ anybody ─▶ REFUSED
      └─ nobody in time ─▶ EXPIRED

Guarantees: the database itself has no confirmation by who asked, and one open request of a report.
Must not: judge whether it may be; `destruction` does.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.cybertip import DestructionGround, DestructionState
from coop_ncmec_reporter import preservation_store
from coop_ncmec_reporter.store import Cybertip

_COLUMNS = """destruction_id, cybertip_id, state, ground, reason, asked_by, asked_at, expires_at,
    answered_by, answered_at, done_at"""


class DestructionRow(Struct, frozen=True, kw_only=True):
    """A request, and what became of it."""

    destruction_id: uuid.UUID
    cybertip_id: uuid.UUID
    state: DestructionState
    ground: DestructionGround
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    done_at: datetime | None


async def latest(
    connection: AsyncConnection, ids: Collection[uuid.UUID], *, now: datetime
) -> dict[uuid.UUID, DestructionRow]:
    """The last request of each of these reports, those that nobody answered in time as EXPIRED.
    One that is open is the last: there is none beside it."""
    rows = await connection.execute(
        text(
            f"""
            SELECT DISTINCT ON (cybertip_id) {_COLUMNS} FROM ncmec.destructions
            WHERE cybertip_id = ANY(CAST(:ids AS uuid[]))
            ORDER BY cybertip_id, state IN ('ASKED', 'CONFIRMED', 'DONE') DESC, asked_at DESC
            """  # noqa: S608 - a constant
        ),
        {"ids": list(ids)},
    )
    found = {row["cybertip_id"]: DestructionRow(**row) for row in rows.mappings()}
    return {
        of: replace(one, state="EXPIRED") if one.state == "ASKED" and one.expires_at <= now else one
        for of, one in found.items()
    }


async def add(
    connection: AsyncConnection,
    tip: Cybertip,
    *,
    person: str,
    ground: DestructionGround,
    reason: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """A request; one that nobody answered in time is over."""
    await connection.execute(
        text(
            "UPDATE ncmec.destructions SET state = 'EXPIRED' "
            "WHERE cybertip_id = :cybertip AND state = 'ASKED' AND expires_at <= :now"
        ),
        {"cybertip": tip.cybertip_id, "now": now},
    )
    await connection.execute(
        text(
            """
            INSERT INTO ncmec.destructions (destruction_id, cybertip_id, org_id, ground, reason,
                asked_by, asked_at, expires_at)
            VALUES (gen_random_uuid(), :cybertip, :org, :ground, :reason, :person, :now, :expires)
            """
        ),
        {
            "cybertip": tip.cybertip_id,
            "org": tip.org_id,
            "ground": ground,
            "reason": reason,
            "person": person,
            "now": now,
            "expires": expires_at,
        },
    )


async def answer(
    connection: AsyncConnection,
    asked: DestructionRow,
    state: DestructionState,
    *,
    person: str,
    now: datetime,
) -> None:
    """CONFIRMED or REFUSED."""
    await connection.execute(
        text(
            "UPDATE ncmec.destructions SET state = :state, answered_by = :person, "
            "answered_at = :now WHERE destruction_id = :destruction AND state = 'ASKED'"
        ),
        {
            "state": state,
            "person": person,
            "now": now,
            "destruction": asked.destruction_id,
        },
    )


async def forget(connection: AsyncConnection, tip: Cybertip, *, now: datetime) -> None:
    """Keys, hashes, ciphertexts and what names people: after this transaction nobody reads the
    files, wherever they lie."""
    of = {"cybertip": tip.cybertip_id, "now": now}
    await connection.execute(
        text(
            "UPDATE ncmec.evidence SET wrapped_key = NULL, md5 = '', sha256 = '', size = 0 "
            "WHERE cybertip_id = :cybertip"
        ),
        of,
    )
    await connection.execute(
        text("UPDATE ncmec.files SET missing = NULL WHERE cybertip_id = :cybertip"), of
    )
    await preservation_store.forget(connection, tip.cybertip_id, now=now)
    await connection.execute(
        text(
            """
            UPDATE ncmec.cybertips
            SET request = '', answer = NULL, document = NULL, facts = NULL, receipt = NULL,
                user_type_id = '', user_id = '', warnings = '[]', fault = NULL, lease = NULL,
                destroyed_at = :now
            WHERE cybertip_id = :cybertip
            """
        ),
        of,
    )


async def confirmed(connection: AsyncConnection) -> list[uuid.UUID]:
    """Reports of which files may be left."""
    found = await connection.scalars(
        text(
            "SELECT cybertip_id FROM ncmec.destructions WHERE state = 'CONFIRMED' "
            "ORDER BY answered_at"
        )
    )
    return list(found)


async def done(connection: AsyncConnection, cybertip_id: uuid.UUID, *, now: datetime) -> bool:
    """No file is left; whether that is new."""
    changed = await connection.execute(
        text(
            "UPDATE ncmec.destructions SET state = 'DONE', done_at = :now "
            "WHERE cybertip_id = :cybertip AND state = 'CONFIRMED'"
        ),
        {"cybertip": cybertip_id, "now": now},
    )
    return bool(changed.rowcount)
