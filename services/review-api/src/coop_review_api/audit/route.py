"""The audit log, for those who answer for the organisation: who did what, in the chain's order.

Guarantees: newest first; each entry with its place and hash in the chain, so that a copy can be
held against `coop audit verify`; reading it leaves an entry.
Must not: show documents or secrets: revisions have the documents.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import text

from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit, cut, decode_number
from coop_review_api.kernel import audit
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["audit log"])

_manages_org = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_manages_org)]
Exactly = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]

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
       AND (CAST(:kind AS text) IS NULL OR a.target_kind = :kind)
       AND (CAST(:id AS text) IS NULL OR a.target_id = :id)
       AND (CAST(:start AS timestamptz) IS NULL OR a.time >= :start)
       AND (CAST(:end AS timestamptz) IS NULL OR a.time < :end)
     ORDER BY c.sequence DESC LIMIT :limit
    """
)


class AuditEntry(Model):
    """One deed; of a configuration change (`config.saved`, `config.deleted`) `detail` has the
    revision. `sequence` and `hash` (hex) are its place in the organisation's chain, where the
    configuration log's own entries lie between."""

    sequence: int
    hash: str
    time: datetime
    actor: str
    action: str
    target_kind: str | None
    target_id: str | None
    detail: dict[str, Any]


class AuditPage(Model):
    items: list[AuditEntry]
    next_cursor: str | None = None


def _wanted(
    actor: Exactly = None,
    action: Exactly = None,
    target_kind: Annotated[Exactly, Query(alias="targetKind")] = None,
    target_id: Annotated[Exactly, Query(alias="targetId")] = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> dict[str, Any]:
    return {
        "actor": actor,
        "action": action,
        "kind": target_kind,
        "id": target_id,
        "start": start,
        "end": end,
    }


@router.get("/audit-log", operation_id="listAuditLog", response_model=AuditPage)
async def list_audit_log(
    request: Request,
    principal: Manager,
    wanted: Annotated[dict[str, Any], Depends(_wanted)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AuditPage:
    """What was done, newest first."""
    context = context_of(request)
    before = decode_number(cursor)
    scope = {"org": principal.org_id, "before": before, "limit": limit + 1, **wanted}
    async with transaction(context.engine) as connection:
        rows = (await connection.execute(_ENTRIES, scope)).mappings().all()
        if cursor is None:
            await audit.record(
                connection,
                org_id=principal.org_id,
                actor=principal.user_id,
                action="audit-log.read",
                time=context.clock(),
            )
    page, next_cursor = cut(rows, limit, lambda row: str(row["sequence"]))
    return AuditPage(items=[AuditEntry(**dict(row)) for row in page], next_cursor=next_cursor)
