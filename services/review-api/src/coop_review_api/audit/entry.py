"""Entries of the audit log, read in the order of the chain.

Guarantees: scoped by organisation; each with its place and hash in the chain. What an entry was
about is neither shown nor asked for where it is veiled.
Must not: change anything, or show what a document says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_CHILD_SAFETY: Final = ("child-safety.", "cybertip")
"""How an action begins, and the kind of what an entry is about, of entries that are veiled."""

_ENTRIES = text(
    """
    SELECT c.sequence, encode(c.hash, 'hex') AS hash, a.time, a.actor, a.action, a.target_kind,
           a.target_id, a.detail
      FROM review.audit_chain c
      JOIN review.audit_log a ON a.audit_id = c.row_id
     WHERE c.chain = :org AND c.source = 'AUDIT'
       AND (CAST(:before AS bigint) IS NULL OR c.sequence < CAST(:before AS bigint))
       AND (CAST(:actor AS text) IS NULL OR a.actor = :actor)
       AND (CAST(:action AS text) IS NULL OR a.action = :action)
       AND (CAST(:target_kind AS text) IS NULL OR a.target_kind = :target_kind)
       AND (CAST(:target_id AS text) IS NULL
            OR a.target_id = :target_id
               AND (:sees_all OR NOT (starts_with(a.action, :veiled_action)
                                      OR a.target_kind IS NOT DISTINCT FROM :veiled_kind)))
       AND (CAST(:start AS timestamptz) IS NULL OR a.time >= :start)
       AND (CAST(:end AS timestamptz) IS NULL OR a.time < :end)
     ORDER BY c.sequence DESC LIMIT :limit
    """
)


def _veiled(one: dict[str, Any]) -> dict[str, Any]:
    """The entry for those who may not see child safety data: that somebody looked, or went on with
    a report, and not at what; that a medium came into a bank, and not which item's: it may have
    been, or become, child-abuse material."""
    action, kind = _CHILD_SAFETY
    if one["action"].startswith(action) or one["target_kind"] == kind:
        return {**one, "target_id": None, "detail": {}}
    kept = {name: value for name, value in one["detail"].items() if name != "itemId"}
    return {**one, "detail": kept}


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries: all that is set holds. `start` is within, `end` is not."""

    actor: str | None = None
    action: str | None = None
    target_kind: str | None = None
    target_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None


async def page(
    connection: AsyncConnection,
    org_id: str,
    wanted: AuditFilter,
    *,
    sees_all: bool,
    before: int | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to `limit` entries, newest first, below the place `before` in the chain; veiled, but for
    whoever `sees_all`."""
    action, kind = _CHILD_SAFETY
    scope = {"org": org_id, "before": before, "limit": limit, **asdict(wanted)}
    scope |= {"sees_all": sees_all, "veiled_action": action, "veiled_kind": kind}
    rows = (await connection.execute(_ENTRIES, scope)).mappings()
    return [dict(row) if sees_all else _veiled(dict(row)) for row in rows]
