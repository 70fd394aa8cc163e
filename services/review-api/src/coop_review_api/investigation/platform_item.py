"""What a platform may know of one of its items: what it sent last, and what was done about it.

Guarantees: of the organisation alone; the newest of each kind, so many at most; nobody is named who
reported, reviewed or decided. What a platform sent is its own, also where it is about child safety;
of decisions there it learns nothing, but what reached it as a webhook it is told again. A decision
that can still be undone has not been made.
Must not: ask who asks; the internal API's gate does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.lookup import (
    MAX_LISTED,
    ItemAction,
    ItemDecision,
    ItemDelivery,
    ItemRecord,
)
from coop_queues.reading import item_key
from coop_review_api.history.port import FoundItem
from coop_review_api.projection.relation import DELIVERIES, REQUESTED_ACTIONS
from coop_review_api.review.child_safety import grave_job_of
from coop_review_api.review.relation import DECISIONS

_DECISIONS: Final = text(
    f"""
    SELECT d.decision_id, d.components, d.executions, d.reviewer_id, d.decided_at
      FROM {DECISIONS.sql} d
     WHERE d.org_id = :org AND d.item_type_id = :type_id AND d.item_id = :item_id
       AND d.undone_at IS NULL AND (d.leaves_at IS NULL OR d.leaves_at <= :now)
       AND d.moved_to IS NULL AND NOT {grave_job_of("d")}
     ORDER BY d.decided_at DESC, d.decision_id LIMIT {MAX_LISTED}
    """  # noqa: S608 - constants; values are bound
)
_ACTIONS: Final = text(
    f"""
    SELECT a.execution_id, a.action_id, a.source, a.policy_ids, a.time,
           EXISTS (SELECT 1 FROM {REQUESTED_ACTIONS.sql} r
                    WHERE r.org_id = a.org_id AND r.reverses = a.execution_id) AS reversed,
           d.state, d.attempts, d.status, d.time AS finished_at
      FROM (SELECT * FROM {REQUESTED_ACTIONS.sql} asked
             WHERE asked.org_id = :org AND asked.item_key = CAST(:key AS uuid)
               AND asked.reverses IS NULL
             ORDER BY asked.time DESC, asked.execution_id LIMIT {MAX_LISTED}) AS a
      LEFT JOIN LATERAL (SELECT * FROM {DELIVERIES.sql} told
             WHERE told.org_id = a.org_id AND told.execution_id = a.execution_id
             ORDER BY told.time DESC LIMIT 1) AS d ON true
     ORDER BY a.time DESC, a.execution_id
    """  # noqa: S608
)


async def record_of(
    connection: AsyncConnection, org_id: str, found: FoundItem, *, now: datetime
) -> ItemRecord:
    """The item with what was done about it."""
    item = found.item
    values = {"org": org_id, "type_id": item.type_id, "item_id": item.id, "now": now}
    decisions = await connection.execute(_DECISIONS, values)
    key = item_key(item.type_id, item.id)
    actions = await connection.execute(_ACTIONS, {"org": org_id, "key": key})
    return ItemRecord(
        id=item.id,
        type_id=item.type_id,
        type_version=item.type_version,
        data=item.data,
        creator=item.creator,
        submission_id=found.submission_id,
        submitted_at=found.time,
        decisions=tuple(_decision(row, item.type_id, item.id) for row in decisions),
        actions=tuple(map(_action, actions)),
    )


def _decision(row: Row[Any], type_id: str, item_id: str) -> ItemDecision:
    """What it did to other items is left out."""
    here = {"id": item_id, "typeId": type_id}
    done = [one["actionId"] for one in row.executions if one.get("item", here) == here]
    policies = [one for part in row.components for one in part.get("policyIds", ())]
    return ItemDecision(
        id=row.decision_id,
        kinds=tuple(dict.fromkeys(part["type"] for part in row.components)),
        action_ids=tuple(dict.fromkeys(done)),
        policy_ids=tuple(dict.fromkeys(policies)),
        automatic=row.reviewer_id is None,
        decided_at=row.decided_at,
    )


def _action(row: Row[Any]) -> ItemAction:
    delivery = None
    if row.state is not None:
        delivery = ItemDelivery(
            state=row.state,
            attempts=row.attempts,
            status=row.status,
            finished_at=row.finished_at,
        )
    return ItemAction(
        id=row.execution_id,
        action_id=row.action_id,
        source=row.source,
        policy_ids=tuple(row.policy_ids),
        requested_at=row.time,
        reversed=row.reversed,
        delivery=delivery,
    )
