"""Tries to file, and each call of NCMEC's interface, in PostgreSQL.

Guarantees: as `store`: a try is written down before anything is sent.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_ncmec_reporter import store
from coop_ncmec_reporter.store import Cybertip


class AttemptRow(Struct, frozen=True, kw_only=True):
    """One try to file."""

    number: int
    report_id: int | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class CallRow(Struct, frozen=True, kw_only=True):
    """One call of NCMEC's interface."""

    attempt: int
    step: str
    outcome: str
    status: int | None
    code: int | None
    milliseconds: int
    at: datetime


async def begin_attempt(connection: AsyncConnection, tip: Cybertip, *, now: datetime) -> Cybertip:
    """Before anything is sent: one more try; one that never ended is over."""
    await end_attempt(connection, tip, "UNKNOWN", now=now)
    await connection.execute(
        text(
            "INSERT INTO ncmec.attempts (cybertip_id, number, org_id, started_at) "
            "VALUES (:cybertip, :number, :org, :now)"
        ),
        {
            "cybertip": tip.cybertip_id,
            "number": tip.attempt + 1,
            "org": tip.org_id,
            "now": now,
        },
    )
    return await store.save(connection, tip, attempt=tip.attempt + 1, report_id=None)


async def opened(connection: AsyncConnection, tip: Cybertip, report_id: int) -> None:
    """The attempt has a number at NCMEC."""
    await connection.execute(
        text(
            "UPDATE ncmec.attempts SET report_id = :report "
            "WHERE cybertip_id = :cybertip AND number = :number"
        ),
        {"cybertip": tip.cybertip_id, "number": tip.attempt, "report": report_id},
    )


async def end_attempt(
    connection: AsyncConnection, tip: Cybertip, outcome: str, *, now: datetime
) -> None:
    """The try is over, if it was not."""
    await connection.execute(
        text(
            "UPDATE ncmec.attempts SET outcome = :outcome, ended_at = :now "
            "WHERE cybertip_id = :cybertip AND outcome IS NULL"
        ),
        {"cybertip": tip.cybertip_id, "outcome": outcome, "now": now},
    )


async def attempts(connection: AsyncConnection, tip: Cybertip) -> list[AttemptRow]:
    """All tries, in order."""
    rows = await connection.execute(
        text(
            "SELECT number, report_id, started_at, ended_at, outcome FROM ncmec.attempts "
            "WHERE cybertip_id = :cybertip ORDER BY number"
        ),
        {"cybertip": tip.cybertip_id},
    )
    return [AttemptRow(**row) for row in rows.mappings()]


async def calls(
    connection: AsyncConnection, tip: Cybertip, *, limit: int
) -> tuple[list[CallRow], int]:
    """The newest calls of all tries, the oldest of them first; and how many came before those."""
    rows = await connection.execute(
        text(
            "SELECT attempt, step, outcome, status, code, milliseconds, at FROM ncmec.calls "
            "WHERE cybertip_id = :cybertip ORDER BY call_id DESC LIMIT :limit"
        ),
        {"cybertip": tip.cybertip_id, "limit": limit},
    )
    found = [CallRow(**row) for row in rows.mappings()][::-1]
    if len(found) < limit:
        return found, 0
    count = await connection.scalar(
        text("SELECT count(*) FROM ncmec.calls WHERE cybertip_id = :cybertip"),
        {"cybertip": tip.cybertip_id},
    )
    return found, int(count or 0) - len(found)


async def note_call(
    connection: AsyncConnection,
    tip: Cybertip,
    step: str,
    *,
    outcome: str,
    status: int | None,
    code: int | None,
    request_id: str,
    milliseconds: int,
    now: datetime,
) -> None:
    """One call, without its bodies."""
    await connection.execute(
        text(
            """
            INSERT INTO ncmec.calls (org_id, cybertip_id, attempt, step, outcome, status, code,
                request_id, milliseconds, at)
            VALUES (:org, :cybertip, :attempt, :step, :outcome, :status, :code, :request, :ms, :now)
            """
        ),
        {
            "org": tip.org_id,
            "cybertip": tip.cybertip_id,
            "attempt": tip.attempt,
            "step": step,
            "outcome": outcome,
            "status": status,
            "code": code,
            "request": request_id,
            "ms": milliseconds,
            "now": now,
        },
    )
