"""Which schema NCMEC served last, in PostgreSQL: one row an environment, for all processes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class ServedSchema(Struct, frozen=True, kw_only=True):
    """`served_at`, `fingerprint`: of the last answer, if there was one."""

    environment: str
    url: str
    served_at: datetime | None
    fingerprint: str | None


async def take_turn(
    connection: AsyncConnection, environment: str, url: str, *, now: datetime, again: datetime
) -> ServedSchema | None:
    """What was known, where it is time to ask; nobody else does before `again`. Another address is
    another interface."""
    rows = await connection.execute(
        text(
            """
            INSERT INTO ncmec.served_schemas AS known (environment, url, due_at)
            VALUES (:environment, :url, :again)
            ON CONFLICT (environment) DO UPDATE SET
                due_at = excluded.due_at,
                url = excluded.url,
                served_at = CASE WHEN known.url = excluded.url THEN known.served_at END,
                fingerprint = CASE WHEN known.url = excluded.url THEN known.fingerprint END
            WHERE known.due_at <= :now OR known.url <> excluded.url
            RETURNING environment, url, served_at, fingerprint
            """
        ),
        {"environment": environment, "url": url, "now": now, "again": again},
    )
    row = rows.mappings().one_or_none()
    return None if row is None else ServedSchema(**row)


async def keep(
    connection: AsyncConnection, told: ServedSchema, *, now: datetime, again: datetime
) -> None:
    """What was served now."""
    await connection.execute(
        text(
            """
            UPDATE ncmec.served_schemas
            SET fingerprint = :fingerprint, served_at = :now, due_at = :again
            WHERE environment = :environment AND url = :url
            """
        ),
        {
            "environment": told.environment,
            "url": told.url,
            "fingerprint": told.fingerprint,
            "now": now,
            "again": again,
        },
    )


async def served(connection: AsyncConnection) -> list[ServedSchema]:
    """Those that were served."""
    rows = await connection.execute(
        text(
            "SELECT environment, url, served_at, fingerprint FROM ncmec.served_schemas "
            "WHERE fingerprint IS NOT NULL"
        )
    )
    return [ServedSchema(**row) for row in rows.mappings()]
