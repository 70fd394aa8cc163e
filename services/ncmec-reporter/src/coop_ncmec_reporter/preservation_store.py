"""What platforms are still to be told to preserve, in PostgreSQL: a row a filed report.

    (since) ─▶ tried ─▶ TAKEN          the platform took it
       ▲         │ ├──▶ NOT_WANTED     no endpoint is set any more
       └──due────┘ └──▶ DESTROYED      two people ended the report: nothing is left to say

Guarantees: a try is written before it is made, so one that was killed counts; one process makes it
(a lease), and one of an organisation at a time.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_ncmec_reporter.store import LostLease

Outcome = Literal["TAKEN", "NOT_WANTED", "DESTROYED"]

_TURN: Final = 0x636F6F70_70726573  # the advisory lock of claims


class Preservation(Struct, frozen=True, kw_only=True):
    """`since` it was filed; `tries` so far, the one under way among them; `fault` of the last."""

    cybertip_id: uuid.UUID
    org_id: str
    revision: int
    since: datetime
    tries: int
    tried_at: datetime | None
    due_at: datetime
    fault: str | None
    lease: uuid.UUID | None
    leased_until: datetime | None
    outcome: Outcome | None
    ended_at: datetime | None


class Untaken(Struct, frozen=True, kw_only=True):
    """Of all organisations."""

    count: int
    oldest: datetime | None


async def add(
    connection: AsyncConnection,
    cybertip_id: uuid.UUID,
    org_id: str,
    *,
    since: datetime,
    revision: int,
    now: datetime,
) -> None:
    """Due at once; what is there stays."""
    await connection.execute(
        text(
            """
            INSERT INTO ncmec.preservations (cybertip_id, org_id, revision, since, due_at)
            VALUES (:cybertip, :org, :revision, :since, :now) ON CONFLICT DO NOTHING
            """
        ),
        {
            "cybertip": cybertip_id,
            "org": org_id,
            "revision": revision,
            "since": since,
            "now": now,
        },
    )


async def claim(
    connection: AsyncConnection, *, lease: uuid.UUID, seconds: float, now: datetime
) -> Preservation | None:
    """One that is due, if there is one: leased, and counted as tried."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    row = await connection.execute(
        text(
            """
            UPDATE ncmec.preservations
            SET lease = :lease, leased_until = now() + make_interval(secs => :seconds),
                tries = tries + 1, tried_at = :now
            WHERE cybertip_id = (
                SELECT p.cybertip_id FROM ncmec.preservations AS p
                WHERE p.outcome IS NULL AND p.due_at <= :now
                  AND NOT EXISTS (SELECT FROM ncmec.preservations AS o
                                  WHERE o.org_id = p.org_id AND o.outcome IS NULL
                                    AND o.leased_until >= now())
                ORDER BY p.due_at LIMIT 1)
            RETURNING *
            """
        ),
        {"lease": lease, "seconds": seconds, "now": now},
    )
    found = row.mappings().first()
    return None if found is None else _preservation(found)


async def postpone(
    connection: AsyncConnection, held: Preservation, *, fault: str, revision: int, due_at: datetime
) -> None:
    """It was tried, by settings of that revision, and not taken. Raises LostLease."""
    done = await connection.execute(
        text(
            """
            UPDATE ncmec.preservations
            SET fault = :fault, revision = :revision, due_at = :due, lease = NULL,
                leased_until = NULL
            WHERE cybertip_id = :cybertip AND lease = :lease AND outcome IS NULL
            """
        ),
        {
            "cybertip": held.cybertip_id,
            "lease": held.lease,
            "fault": fault,
            "revision": revision,
            "due": due_at,
        },
    )
    if not done.rowcount:
        raise LostLease


async def end(
    connection: AsyncConnection, held: Preservation, outcome: Outcome, *, now: datetime
) -> None:
    """Nothing more is said, and the report is done. Raises LostLease."""
    done = await connection.execute(
        text(
            """
            UPDATE ncmec.preservations
            SET outcome = :outcome, ended_at = :now, fault = NULL, lease = NULL, leased_until = NULL
            WHERE cybertip_id = :cybertip AND lease = :lease AND outcome IS NULL
            """
        ),
        {"cybertip": held.cybertip_id, "lease": held.lease, "outcome": outcome, "now": now},
    )
    if not done.rowcount:
        raise LostLease
    await _is_done(connection, held.cybertip_id, now=now)


async def forget(connection: AsyncConnection, cybertip_id: uuid.UUID, *, now: datetime) -> None:
    """The report is destroyed: nobody is told of it any more."""
    done = await connection.execute(
        text(
            """
            UPDATE ncmec.preservations
            SET outcome = 'DESTROYED', ended_at = :now, fault = NULL, lease = NULL
            WHERE cybertip_id = :cybertip AND outcome IS NULL
            """
        ),
        {"cybertip": cybertip_id, "now": now},
    )
    if done.rowcount:
        await _is_done(connection, cybertip_id, now=now)


async def _is_done(connection: AsyncConnection, cybertip_id: uuid.UUID, *, now: datetime) -> None:
    await connection.execute(
        text(
            "UPDATE ncmec.cybertips SET state = 'DONE', done_at = :now "
            "WHERE cybertip_id = :cybertip AND state = 'PRESERVING'"
        ),
        {"cybertip": cybertip_id, "now": now},
    )


async def revisions(connection: AsyncConnection) -> list[tuple[str, int]]:
    """Organisations that have something to be told, with the settings it was tried by."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT org_id, revision FROM ncmec.preservations "
            "WHERE outcome IS NULL AND tries > 0"
        )
    )
    return [(str(row.org_id), int(row.revision)) for row in rows]


async def hasten(connection: AsyncConnection, org_id: str, *, revision: int, now: datetime) -> None:
    """The organisation's settings are others: all that waits is tried at once."""
    await connection.execute(
        text(
            """
            UPDATE ncmec.preservations SET due_at = least(due_at, :now), revision = :revision
            WHERE org_id = :org AND outcome IS NULL AND revision <> :revision
            """
        ),
        {"org": org_id, "revision": revision, "now": now},
    )


async def waiting(connection: AsyncConnection) -> Untaken:
    """How much was not taken yet."""
    row = await connection.execute(
        text(
            "SELECT count(*) AS count, min(since) AS oldest FROM ncmec.preservations "
            "WHERE outcome IS NULL"
        )
    )
    return Untaken(**row.mappings().one())


async def of(
    connection: AsyncConnection, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Preservation]:
    """Those of these reports that have one."""
    rows = await connection.execute(
        text("SELECT * FROM ncmec.preservations WHERE cybertip_id = ANY(:ids)"),
        {"ids": list(ids)},
    )
    return {row["cybertip_id"]: _preservation(row) for row in rows.mappings()}


def _preservation(row: RowMapping) -> Preservation:
    return Preservation(**row)
