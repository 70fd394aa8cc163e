"""Files of reports in PostgreSQL: held, missing, sent in an attempt; who read their bytes.

Guarantees: as `store`: what is sent was written down before.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_ncmec_reporter.evidence import Held
from coop_ncmec_reporter.store import Cybertip


class FileRow(Struct, frozen=True, kw_only=True):
    """A file of a report: held, missing, or not had yet."""

    position: int
    kind: str
    tries: int
    missing: str | None
    held: Held | None


class UploadRow(Struct, frozen=True, kw_only=True):
    """A file in an attempt. Without `file_id` it may be there all the same."""

    position: int
    file_id: str | None
    asked: int
    described: bool


async def files(connection: AsyncConnection, tip: Cybertip) -> dict[int, FileRow]:
    """Those that were looked for, by position."""
    rows = await connection.execute(
        text(
            """
            SELECT f.position, f.kind, f.tries, f.missing, e.evidence_id::text AS evidence_id,
                   e.wrapped_key, e.size, e.md5, e.sha256
            FROM ncmec.files AS f LEFT JOIN ncmec.evidence AS e USING (evidence_id)
            WHERE f.cybertip_id = :cybertip ORDER BY f.position
            """
        ),
        {"cybertip": tip.cybertip_id},
    )
    found = {}
    for row in rows.mappings():
        held = None
        if row["evidence_id"] is not None and row["wrapped_key"] is not None:
            held = Held(
                evidence_id=row["evidence_id"],
                wrapped_key=bytes(row["wrapped_key"]),
                size=row["size"],
                md5=row["md5"],
                sha256=row["sha256"],
            )
        found[row["position"]] = FileRow(
            position=row["position"],
            kind=row["kind"],
            tries=row["tries"],
            missing=row["missing"],
            held=held,
        )
    return found


async def keep_file(
    connection: AsyncConnection,
    tip: Cybertip,
    position: int,
    kind: str,
    *,
    held: Held | None = None,
    missing: str | None = None,
    now: datetime,
) -> None:
    """A file was held, is missing, or was tried once more."""
    if held is not None:
        await connection.execute(
            text(
                """
                INSERT INTO ncmec.evidence (evidence_id, org_id, cybertip_id, wrapped_key, size,
                    md5, sha256, held_at)
                VALUES (CAST(:evidence AS uuid), :org, :cybertip, :key, :size, :md5, :sha256, :now)
                """
            ),
            {
                "evidence": held.evidence_id,
                "org": tip.org_id,
                "cybertip": tip.cybertip_id,
                "key": held.wrapped_key,
                "size": held.size,
                "md5": held.md5,
                "sha256": held.sha256,
                "now": now,
            },
        )
    await connection.execute(
        text(
            """
            INSERT INTO ncmec.files AS f
                (cybertip_id, position, org_id, kind, evidence_id, tries, missing)
            VALUES (:cybertip, :position, :org, :kind, CAST(:evidence AS uuid), 1, :missing)
            ON CONFLICT (cybertip_id, position) DO UPDATE
                SET evidence_id = excluded.evidence_id, missing = excluded.missing,
                    tries = f.tries + 1
            """
        ),
        {
            "cybertip": tip.cybertip_id,
            "position": position,
            "org": tip.org_id,
            "kind": kind,
            "evidence": None if held is None else held.evidence_id,
            "missing": missing,
        },
    )


async def uploads(connection: AsyncConnection, tip: Cybertip) -> dict[int, UploadRow]:
    """Files of this attempt, by position."""
    rows = await connection.execute(
        text(
            "SELECT position, file_id, asked, described FROM ncmec.uploads "
            "WHERE cybertip_id = :cybertip AND attempt = :attempt"
        ),
        {"cybertip": tip.cybertip_id, "attempt": tip.attempt},
    )
    return {row["position"]: UploadRow(**row) for row in rows.mappings()}


async def change_upload(
    connection: AsyncConnection, tip: Cybertip, position: int, statement: str, **values: Any
) -> None:
    """One of `UPLOAD`'s statements."""
    await connection.execute(
        text(UPLOAD[statement]),
        {
            "cybertip": tip.cybertip_id,
            "attempt": tip.attempt,
            "position": position,
            "org": tip.org_id,
            **values,
        },
    )


_THIS: Final = "WHERE cybertip_id = :cybertip AND attempt = :attempt AND position = :position"
UPLOAD: Final[Mapping[str, str]] = {
    "begin": "INSERT INTO ncmec.uploads (cybertip_id, attempt, position, org_id) "
    "VALUES (:cybertip, :attempt, :position, :org)",
    "take back": f"DELETE FROM ncmec.uploads {_THIS}",  # noqa: S608
    "sent": f"UPDATE ncmec.uploads SET file_id = :file {_THIS}",  # noqa: S608
    "asked": f"UPDATE ncmec.uploads SET asked = asked + 1 {_THIS}",  # noqa: S608
    "described": f"UPDATE ncmec.uploads SET described = true {_THIS}",  # noqa: S608
}


async def note_access(
    connection: AsyncConnection, tip: Cybertip, evidence_id: str, *, why: str, now: datetime
) -> None:
    """Who reads a file's bytes is written down before they do."""
    await connection.execute(
        text(
            "INSERT INTO ncmec.evidence_access (org_id, evidence_id, who, why, at) "
            "VALUES (:org, CAST(:evidence AS uuid), 'ncmec-reporter', :why, :now)"
        ),
        {"org": tip.org_id, "evidence": evidence_id, "why": why, "now": now},
    )


async def forget_keys(connection: AsyncConnection, org_id: str) -> None:
    """From here on nobody reads a file of the organisation."""
    await connection.execute(
        text(
            "UPDATE ncmec.evidence SET wrapped_key = NULL "
            "WHERE org_id = :org AND wrapped_key IS NOT NULL"
        ),
        {"org": org_id},
    )


async def keyless_of_report(connection: AsyncConnection, cybertip_id: uuid.UUID) -> list[uuid.UUID]:
    """Evidence whose key is gone and whose file may be left."""
    found = await connection.scalars(
        text(
            "SELECT evidence_id FROM ncmec.evidence WHERE cybertip_id = :cybertip "
            "AND wrapped_key IS NULL AND destroyed_at IS NULL"
        ),
        {"cybertip": cybertip_id},
    )
    return list(found)


async def keyless_of_org(connection: AsyncConnection, org_id: str) -> list[uuid.UUID]:
    """As `keyless_of_report`, some of them."""
    found = await connection.scalars(
        text(
            "SELECT evidence_id FROM ncmec.evidence WHERE org_id = :org "
            "AND wrapped_key IS NULL AND destroyed_at IS NULL LIMIT 500"
        ),
        {"org": org_id},
    )
    return list(found)


async def destroyed(connection: AsyncConnection, evidence_id: uuid.UUID, *, now: datetime) -> None:
    """Its file is no more."""
    await connection.execute(
        text("UPDATE ncmec.evidence SET destroyed_at = :now WHERE evidence_id = :evidence"),
        {"evidence": evidence_id, "now": now},
    )
