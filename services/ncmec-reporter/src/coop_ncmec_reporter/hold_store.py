"""Legal holds in PostgreSQL: one at a time of a report, those of before beside it.

Guarantees: each change leaves a row of the log of evidence in its transaction.
Must not: forget a hold that was lifted.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_ncmec_reporter import evidence_log
from coop_ncmec_reporter.store import Cybertip


class HoldRow(Struct, frozen=True, kw_only=True):
    """A hold that holds."""

    cybertip_id: uuid.UUID
    placed_by: str
    reason: str
    placed_at: datetime
    until: datetime | None


async def holds(
    connection: AsyncConnection, ids: Collection[uuid.UUID], *, now: datetime
) -> dict[uuid.UUID, HoldRow]:
    """Those of these reports that hold now."""
    rows = await connection.execute(
        text(
            """
            SELECT cybertip_id, placed_by, reason, placed_at, until FROM ncmec.holds
            WHERE cybertip_id = ANY(CAST(:ids AS uuid[])) AND lifted_at IS NULL
              AND (until IS NULL OR until > :now)
            """
        ),
        {"ids": list(ids), "now": now},
    )
    return {row["cybertip_id"]: HoldRow(**row) for row in rows.mappings()}


async def place(
    connection: AsyncConnection,
    tip: Cybertip,
    *,
    person: str,
    reason: str,
    until: datetime | None,
    now: datetime,
) -> None:
    """From now on it is held, in place of a hold that there was."""
    await _lift(connection, tip, person=person, now=now)
    await connection.execute(
        text(
            """
            INSERT INTO ncmec.holds
                (hold_id, cybertip_id, org_id, placed_by, reason, placed_at, until)
            VALUES (gen_random_uuid(), :cybertip, :org, :person, :reason, :now, :until)
            """
        ),
        {
            "cybertip": tip.cybertip_id,
            "org": tip.org_id,
            "person": person,
            "reason": reason,
            "now": now,
            "until": until,
        },
    )
    end = "" if until is None else f" (until {until.isoformat()})"
    await evidence_log.note(
        connection, tip, who=person, what="hold placed", why=reason + end, now=now
    )


async def lift(connection: AsyncConnection, tip: Cybertip, *, person: str, now: datetime) -> bool:
    """The hold ends; whether there was one that was not lifted."""
    done = await _lift(connection, tip, person=person, now=now)
    if done:
        await evidence_log.note(connection, tip, who=person, what="hold lifted", now=now)
    return done


async def _lift(connection: AsyncConnection, tip: Cybertip, *, person: str, now: datetime) -> bool:
    done = await connection.execute(
        text(
            "UPDATE ncmec.holds SET lifted_by = :person, lifted_at = :now "
            "WHERE cybertip_id = :cybertip AND lifted_at IS NULL"
        ),
        {"cybertip": tip.cybertip_id, "person": person, "now": now},
    )
    return bool(done.rowcount)
