"""Organisations of which nothing is filed, in PostgreSQL: one row, however many reports wait."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class Pause(Struct, frozen=True, kw_only=True):
    """An organisation of which nothing is filed."""

    org_id: str
    environment: str
    revision: int
    since: datetime
    asked_at: datetime
    reason: str
    code: int | None


async def pause(connection: AsyncConnection, paused: Pause) -> bool:
    """Whether it was not paused before."""
    done = await connection.execute(
        text(
            """
            INSERT INTO ncmec.pauses (org_id, environment, revision, since, asked_at, reason, code)
            VALUES (:org_id, :environment, :revision, :since, :asked_at, :reason, :code)
            ON CONFLICT DO NOTHING
            """
        ),
        msgspec.structs.asdict(paused),
    )
    return bool(done.rowcount)


async def pauses(connection: AsyncConnection) -> list[Pause]:
    """All of them."""
    rows = await connection.execute(
        text(
            "SELECT org_id, environment, revision, since, asked_at, reason, code FROM ncmec.pauses"
        )
    )
    return [Pause(**row) for row in rows.mappings()]


async def asked_again(connection: AsyncConnection, paused: Pause, *, now: datetime) -> None:
    """The credentials are still refused."""
    await connection.execute(
        text("UPDATE ncmec.pauses SET asked_at = :now, revision = :revision WHERE org_id = :org"),
        {"org": paused.org_id, "revision": paused.revision, "now": now},
    )


async def resume(connection: AsyncConnection, org_id: str) -> None:
    """Filing goes on."""
    await connection.execute(text("DELETE FROM ncmec.pauses WHERE org_id = :org"), {"org": org_id})
