"""Who looked at a report to NCMEC and at its job, and did something with the report.

Guarantees: newest first; the rows of the audit log, as they are.
Must not: be shown without the permission for child-safety data.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOOKS = text(
    """
    SELECT audit_id, time AS at, actor, action, detail ->> 'document' AS document,
           target_kind = 'job' AS of_job
      FROM review.audit_log
     WHERE org_id = :org AND target_kind IN ('cybertip', 'job') AND target_id IN (:tip, :job)
       AND (target_kind = 'cybertip' OR action = 'child-safety.viewed')
       AND (CAST(:at AS timestamptz) IS NULL
            OR (time, audit_id) < (CAST(:at AS timestamptz), CAST(:audit_id AS bigint)))
     ORDER BY time DESC, audit_id DESC LIMIT :limit
    """
)


class Look(Struct, frozen=True, kw_only=True):
    """One deed; `document` is which one was read. `of_job`: it was the job."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    document: str | None
    of_job: bool


async def looks(
    connection: AsyncConnection,
    org_id: str,
    *,
    tip: str,
    job: str,
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[Look]:
    """Up to `limit`, older than the one at `before` (its time and id)."""
    at, audit_id = before or (None, None)
    asked = {"org": org_id, "tip": tip, "job": job, "at": at, "audit_id": audit_id, "limit": limit}
    rows = await connection.execute(_LOOKS, asked)
    return [Look(**row) for row in rows.mappings()]
