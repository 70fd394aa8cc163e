"""Reports in PostgreSQL: what was done, written before and after each step.

Guarantees: one process works on a report at a time, and on one report of an organisation (a lease,
which who writes has to hold); what names people is ciphertext bound to its report.
Must not: know what a step means; `filer` does.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.cybertip import CybertipProgress
from coop_contracts.event import CybertipRequested, ItemRef
from coop_runtime.secret.vault import Vault

_TURN: Final = 0x636F6F70_6E636D65  # the advisory lock of claims
_BEHIND: Final = """
    AND (requested_at, cybertip_id)
        < (CAST(:requested_at AS timestamptz), CAST(:cybertip_id AS uuid))
"""
_DUE: Final = """
    filed_at + CAST(:keep AS interval) <= :now AND destroyed_at IS NULL AND NOT EXISTS (
        SELECT FROM ncmec.holds AS h WHERE h.cybertip_id = c.cybertip_id
        AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > :now))
"""
_PROGRESS: Final = {
    "OPEN": "AND c.filed_at IS NULL AND c.state <> 'NEEDS_ATTENTION'",
    "NEEDS_ATTENTION": "AND c.state = 'NEEDS_ATTENTION'",
    "FILED": "AND c.filed_at IS NOT NULL",
}
ENDED: Final = ("DONE", "NEEDS_ATTENTION", "PRESERVING")


class LostLease(Exception):
    """Another process works on the report."""


class Cybertip(Struct, frozen=True, kw_only=True):
    """One row. Ciphertexts are what they are; once destroyed, they and the user are empty."""

    cybertip_id: uuid.UUID
    org_id: str
    decision_id: str
    job_id: str
    queue_id: str
    reviewer_id: str
    user_type_id: str
    user_id: str
    environment: str
    state: str
    resume_state: str | None
    request: bytes
    answer: bytes | None
    document: bytes | None
    facts: bytes | None
    receipt: bytes | None
    receipt_lost: bool
    attempt: int
    report_id: int | None
    refused: bool
    expired: int
    further: bool
    without_media: bool
    missing: int
    files: int
    warnings: list[str]
    fault: str | None
    code: int | None
    tries: int
    failing_since: datetime | None
    due_at: datetime
    lease: uuid.UUID | None
    leased_until: datetime | None
    requested_at: datetime
    filed_at: datetime | None
    done_at: datetime | None
    destroyed_at: datetime | None


def seal(vault: Vault, org_id: str, cybertip_id: str, what: str, plain: bytes) -> bytes:
    """A part of a report as it is stored."""
    return vault.seal(plain, context=f"{org_id}/cybertip/{cybertip_id}/{what}")


def unseal(vault: Vault, tip: Cybertip, what: str, sealed: bytes) -> bytes:
    """A part of a report. Raises SecretError."""
    return vault.unseal(sealed, context=f"{tip.org_id}/cybertip/{tip.cybertip_id}/{what}")


async def add(
    connection: AsyncConnection, vault: Vault, request: CybertipRequested, *, now: datetime
) -> bool:
    """Whether it is a new one: what is there already stays as it is."""
    sealed = seal(
        vault, request.org_id, request.cybertip_id, "request", msgspec.json.encode(request)
    )
    done = await connection.execute(
        text(
            """
            INSERT INTO ncmec.cybertips (cybertip_id, org_id, decision_id, job_id, queue_id,
                reviewer_id, user_type_id, user_id, environment, request, further, due_at,
                requested_at)
            VALUES (CAST(:cybertip AS uuid), :org, :decision, :job, :queue, :reviewer, :type,
                :user, :environment, :request, :further, :now, :now)
            ON CONFLICT DO NOTHING
            """
        ),
        {
            "cybertip": request.cybertip_id,
            "org": request.org_id,
            "decision": request.decision_id,
            "job": request.job_id,
            "queue": request.queue_id,
            "reviewer": request.reviewer_id,
            "type": request.user.user.type_id,
            "user": request.user.user.id,
            "environment": request.environment,
            "request": sealed,
            "further": request.further,
            "now": now,
        },
    )
    return bool(done.rowcount)


async def claim(
    connection: AsyncConnection, *, lease: uuid.UUID, seconds: float, now: datetime
) -> Cybertip | None:
    """A report that is due, if there is one: leased."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    row = await connection.execute(
        text(
            """
            UPDATE ncmec.cybertips
            SET lease = :lease, leased_until = now() + make_interval(secs => :seconds)
            WHERE cybertip_id = (
                SELECT c.cybertip_id FROM ncmec.cybertips AS c
                WHERE c.state NOT IN ('DONE', 'NEEDS_ATTENTION', 'PRESERVING')
                  AND (c.leased_until IS NULL OR c.leased_until < now()) AND c.due_at <= :now
                  AND NOT EXISTS (SELECT FROM ncmec.cybertips AS o WHERE o.org_id = c.org_id
                                  AND o.leased_until >= now())
                  AND (c.state = 'FILED' OR NOT EXISTS (
                       SELECT FROM ncmec.pauses AS p WHERE p.org_id = c.org_id))
                ORDER BY c.due_at LIMIT 1)
            RETURNING *
            """
        ),
        {"lease": lease, "seconds": seconds, "now": now},
    )
    found = row.mappings().first()
    return None if found is None else _cybertip(found)


async def renew(connection: AsyncConnection, tip: Cybertip, *, seconds: float) -> None:
    """Keep it for longer. Raises LostLease."""
    done = await connection.execute(
        text(
            "UPDATE ncmec.cybertips SET leased_until = now() + make_interval(secs => :seconds) "
            "WHERE cybertip_id = :cybertip AND lease = :lease"
        ),
        {"cybertip": tip.cybertip_id, "lease": tip.lease, "seconds": seconds},
    )
    if not done.rowcount:
        raise LostLease


async def own(connection: AsyncConnection, tip: Cybertip) -> None:
    """For the length of the transaction nobody takes it. Raises LostLease."""
    found = await connection.scalar(
        text(
            "SELECT true FROM ncmec.cybertips "
            "WHERE cybertip_id = :cybertip AND lease = :lease FOR UPDATE"
        ),
        {"cybertip": tip.cybertip_id, "lease": tip.lease},
    )
    if not found:
        raise LostLease


async def save(connection: AsyncConnection, tip: Cybertip, **columns: Any) -> Cybertip:
    """Change what is said. Raises LostLease where it is not ours to change."""
    if "warnings" in columns:
        columns["warnings"] = msgspec.json.encode(columns["warnings"]).decode()
    assigned = ", ".join(
        f"{name} = CAST(:{name} AS jsonb)" if name == "warnings" else f"{name} = :{name}"
        for name in columns
    )
    row = await connection.execute(
        text(
            f"UPDATE ncmec.cybertips SET {assigned} "  # noqa: S608 - names of columns
            "WHERE cybertip_id = :the_id AND lease = :the_lease RETURNING *"
        ),
        columns | {"the_id": tip.cybertip_id, "the_lease": tip.lease},
    )
    found = row.mappings().first()
    if found is None:
        raise LostLease
    return _cybertip(found)


async def find(connection: AsyncConnection, org_id: str, cybertip_id: str) -> Cybertip | None:
    """One of the organisation's."""
    row = await connection.execute(
        text(
            "SELECT * FROM ncmec.cybertips "
            "WHERE org_id = :org AND cybertip_id::text = lower(:cybertip)"
        ),
        {"org": org_id, "cybertip": cybertip_id},
    )
    found = row.mappings().first()
    return None if found is None else _cybertip(found)


async def lock(connection: AsyncConnection, cybertip_id: uuid.UUID) -> Cybertip | None:
    """For the length of the transaction nobody else changes it."""
    row = await connection.execute(
        text("SELECT * FROM ncmec.cybertips WHERE cybertip_id = :cybertip FOR UPDATE"),
        {"cybertip": cybertip_id},
    )
    found = row.mappings().first()
    return None if found is None else _cybertip(found)


class ListPlace(NamedTuple):
    """Of a report in its organisation's list: newest first."""

    requested_at: datetime
    cybertip_id: uuid.UUID


class Due(NamedTuple):
    """Which reports' time is over: filed at least `keep` before `now`, and not held."""

    keep: timedelta
    now: datetime


async def newest(
    connection: AsyncConnection,
    org_id: str,
    *,
    after: ListPlace | None,
    limit: int,
    due: Due | None = None,
    progress: CybertipProgress | None = None,
    user: ItemRef | None = None,
) -> list[Cybertip]:
    """The organisation's, newest first, from behind that place; those alone that are `due`, that
    got so far, and that are about that user."""
    about = "AND c.user_type_id = :user_type AND c.user_id = :user" if user else ""
    rows = await connection.execute(
        text(
            f"""
            SELECT c.* FROM ncmec.cybertips AS c
            WHERE org_id = :org {_BEHIND if after else ""} {f"AND {_DUE}" if due else ""}
            {_PROGRESS[progress] if progress else ""} {about}
            ORDER BY requested_at DESC, cybertip_id DESC LIMIT :limit
            """  # noqa: S608 - constants
        ),
        {
            "org": org_id,
            "limit": limit,
            **(after._asdict() if after else {}),
            **(due._asdict() if due else {}),
            **({"user_type": user.type_id, "user": user.id} if user else {}),
        },
    )
    return [_cybertip(row) for row in rows.mappings()]


async def prior(connection: AsyncConnection, tip: Cybertip, users: Sequence[str]) -> Any:
    """Numbers of reports that were filed about users (`type/id`), in the same environment."""
    rows = await connection.execute(
        text(
            """
            SELECT user_type_id || '/' || user_id AS who,
                   array_agg(report_id ORDER BY filed_at) AS numbers
            FROM ncmec.cybertips
            WHERE org_id = :org AND filed_at IS NOT NULL AND report_id IS NOT NULL
              AND environment = :environment AND cybertip_id <> :cybertip
              AND user_type_id || '/' || user_id = ANY(CAST(:users AS text[]))
            GROUP BY 1
            """
        ),
        {
            "org": tip.org_id,
            "environment": tip.environment,
            "cybertip": tip.cybertip_id,
            "users": list(users),
        },
    )
    return {row.who: list(row.numbers) for row in rows}


async def retry(
    connection: AsyncConnection,
    tip: Cybertip,
    *,
    further: bool,
    without_media: bool,
    now: datetime,
) -> bool:
    """A report that needed a person goes on where it can; whether it was one."""
    done = await connection.execute(
        text(
            """
            UPDATE ncmec.cybertips
            SET state = coalesce(resume_state, 'REQUESTED'), resume_state = NULL, fault = NULL,
                code = NULL, tries = 0, failing_since = NULL, refused = false, expired = 0,
                further = further OR :further, without_media = without_media OR :without,
                due_at = :now
            WHERE cybertip_id = :cybertip AND state = 'NEEDS_ATTENTION' AND destroyed_at IS NULL
            """
        ),
        {
            "cybertip": tip.cybertip_id,
            "further": further,
            "without": without_media,
            "now": now,
        },
    )
    return bool(done.rowcount)


class Waiting(Struct, frozen=True, kw_only=True):
    """How much is not filed yet."""

    open: int
    attention: int
    oldest: datetime | None
    paused: int


async def waiting(connection: AsyncConnection) -> Waiting:
    """Of all organisations."""
    row = await connection.execute(
        text(
            """
            SELECT count(*) AS open, count(*) FILTER (WHERE state = 'NEEDS_ATTENTION') AS attention,
                   min(requested_at) AS oldest, (SELECT count(*) FROM ncmec.pauses) AS paused
            FROM ncmec.cybertips WHERE filed_at IS NULL AND destroyed_at IS NULL
            """
        )
    )
    return Waiting(**row.mappings().one())


async def due_reports(connection: AsyncConnection, due: Due) -> int:
    """How many there are of all organisations."""
    found = await connection.scalar(
        text(f"SELECT count(*) FROM ncmec.cybertips AS c WHERE {_DUE}"),  # noqa: S608
        due._asdict(),
    )
    return int(found or 0)


class Kept(Struct, frozen=True, kw_only=True):
    """Reports of an organisation that have to stay: within their time (until `until`, the last of
    them), held, or not filed yet."""

    within: int
    until: datetime | None
    held: int
    unfiled: int


async def kept(connection: AsyncConnection, org_id: str, due: Due) -> Kept:
    """What stands against the organisation's end."""
    row = await connection.execute(
        text(
            """
            SELECT count(*) FILTER (WHERE c.filed_at + CAST(:keep AS interval) > :now) AS within,
                   max(c.filed_at + CAST(:keep AS interval)) AS until,
                   count(h.cybertip_id) AS held,
                   count(*) FILTER (WHERE c.filed_at IS NULL) AS unfiled
            FROM ncmec.cybertips AS c LEFT JOIN ncmec.holds AS h
                ON h.cybertip_id = c.cybertip_id AND h.lifted_at IS NULL
                AND (h.until IS NULL OR h.until > :now)
            WHERE c.org_id = :org AND c.destroyed_at IS NULL
            """
        ),
        {"org": org_id, **due._asdict()},
    )
    return Kept(**row.mappings().one())


def _cybertip(row: RowMapping) -> Cybertip:
    values: dict[str, Any] = {
        str(name): bytes(value) if isinstance(value, memoryview) else value
        for name, value in row.items()
    }
    return Cybertip(**values)
