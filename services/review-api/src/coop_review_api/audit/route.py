"""The audit log, for those who answer for the organisation: who did what, in the chain's order.

Guarantees: newest first; each entry with its place and hash in the chain, so that a copy can be
held against `coop audit verify`; reading it leaves an entry.
Must not: show documents or secrets: revisions have the documents.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from coop_contracts.permission import Permission
from coop_review_api.audit import entry
from coop_review_api.audit.entry import AuditFilter
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit, cut, decode_number
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.query import QueryModel
from coop_review_api.kernel import audit
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["audit log"])

_manages_org = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_manages_org)]
Exactly = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")]


class AuditEntry(Model):
    """One deed; of a configuration change (`config.saved`, `config.deleted`) `detail` has the
    revision. `sequence` and `hash` (hex) are its place in the organisation's chain, where the
    configuration log's own entries lie between."""

    sequence: int
    hash: str
    time: datetime
    actor: str
    actor_person: PersonBeside = None
    action: str
    target_kind: str | None
    target_id: str | None
    detail: dict[str, Any]


class AuditPage(Model):
    items: list[AuditEntry]
    next_cursor: str | None = None


class AuditQuery(QueryModel):
    """Which entries: all that is given holds. `since` is within, `until` is not."""

    actor: Exactly = None
    action: Exactly = None
    target_kind: Exactly = None
    target_id: Exactly = None
    start: Moment | None = Field(None, alias="since")
    end: Moment | None = Field(None, alias="until")


def filter_of(query: Annotated[AuditQuery, Query()]) -> AuditFilter:
    return AuditFilter(**query.model_dump())


@router.get("/audit-log", operation_id="listAuditLog", response_model=AuditPage)
async def list_audit_log(
    request: Request,
    principal: Manager,
    wanted: Annotated[AuditFilter, Depends(filter_of)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AuditPage:
    """What was done, newest first."""
    context = context_of(request)
    before = decode_number(cursor)
    async with transaction(context.engine) as connection:
        found = await entry.page(
            connection,
            principal.org_id,
            wanted,
            sees_all=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
            before=before,
            limit=limit + 1,
        )
        if cursor is None:
            await audit.record(
                connection,
                org_id=principal.org_id,
                actor=principal.user_id,
                action="audit-log.read",
                time=context.clock(),
            )
    page, next_cursor = cut(found, limit, lambda one: str(one["sequence"]))
    return AuditPage(items=[AuditEntry(**one) for one in page], next_cursor=next_cursor)
