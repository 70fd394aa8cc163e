"""The decision log: what people decided, job by job or in bulk, newest first.

Guarantees: scoped by organisation; what was undone is there and says so.
Must not: hold what rules did: evaluations have that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from sqlalchemy import text

from coop_contracts.permission import Permission
from coop_review_api.api.authentication import requires
from coop_review_api.api.body import Model
from coop_review_api.api.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.api.resource import context_of
from coop_review_api.error import Fault, Invalid
from coop_review_api.session import Principal
from coop_runtime.database import transaction

router = APIRouter(prefix="/v1", tags=["decision log"])

_reads = requires(Permission.VIEW_MRT_DATA)
Reader = Annotated[Principal, Depends(_reads)]

_LOG = text(
    """
    SELECT * FROM (
        (SELECT decision_id AS id, 'DECISION' AS kind, decided_at AS time, reviewer_id AS actor_id,
                queue_id, item_type_id, item_id, components, undone_at,
                NULL AS state, NULL AS total
           FROM review.decisions
          WHERE org_id = :org AND (CAST(:time AS timestamptz) IS NULL
                OR (decided_at, decision_id) < (CAST(:time AS timestamptz), :id))
          ORDER BY decided_at DESC, decision_id DESC LIMIT :limit)
        UNION ALL
        (SELECT bulk_id, 'BULK_' || kind, created_at, coalesce(confirmed_by, created_by),
                NULL, "order" ->> 'itemTypeId', NULL, jsonb_build_array("order"), NULL,
                state, total
           FROM review.bulk_jobs
          WHERE org_id = :org AND started_at IS NOT NULL
            AND (CAST(:time AS timestamptz) IS NULL
                OR (created_at, bulk_id) < (CAST(:time AS timestamptz), :id))
          ORDER BY created_at DESC, bulk_id DESC LIMIT :limit)
    ) AS entry
    ORDER BY time DESC, id DESC LIMIT :limit
    """
)


class DecisionLogEntry(Model):
    """A decision on a job, or a confirmed bulk action or reversal. `components` are the decision's;
    of a bulk action its order. `state` and `total` are a bulk action's."""

    id: str
    kind: Literal["DECISION", "BULK_ACTION", "BULK_REVERSAL"]
    time: datetime
    actor_id: str
    queue_id: str | None
    item_type_id: str | None
    item_id: str | None
    components: list[dict[str, Any]]
    undone_at: datetime | None
    state: str | None
    total: int | None


class DecisionLogPage(Model):
    items: list[DecisionLogEntry]
    next_cursor: str | None = None


@router.get("/decision-log", operation_id="listDecisionLog", response_model=DecisionLogPage)
async def list_decision_log(
    request: Request, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> DecisionLogPage:
    """What people decided, newest first."""
    time, entry_id = _position(decode_cursor(cursor))
    scope = {"org": principal.org_id, "time": time, "id": entry_id, "limit": limit + 1}
    async with transaction(context_of(request).engine) as connection:
        rows = (await connection.execute(_LOG, scope)).mappings().all()
    page, next_cursor = cut(rows, limit, lambda row: f"{row['time'].isoformat()} {row['id']}")
    return DecisionLogPage(
        items=[DecisionLogEntry(**dict(row)) for row in page], next_cursor=next_cursor
    )


def _position(cursor: str | None) -> tuple[datetime | None, str]:
    if cursor is None:
        return None, ""
    time, _, entry_id = cursor.partition(" ")
    try:
        return datetime.fromisoformat(time), entry_id
    except ValueError:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")]) from None
