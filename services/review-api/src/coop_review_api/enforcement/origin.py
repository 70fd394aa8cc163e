"""Bulk actions as what an appeal may be against."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import item_key
from coop_review_api.review.decision import Execution, Origin
from coop_review_api.review.origin import Appealed

_CARRIED_OUT = text(
    """
    SELECT j.bulk_id, j.created_by, j.confirmed_by, j.started_at, j."order", i.execution_ids
      FROM review.bulk_jobs j
      JOIN review.bulk_items i ON i.bulk_id = j.bulk_id AND i.identity = :identity
     WHERE j.org_id = :org AND j.kind = 'ACTION' AND j.started_at <= :until
       AND i.execution_ids IS NOT NULL
     ORDER BY j.created_at DESC LIMIT :limit
    """
)


class BulkOrigins:
    """See `review.origin.OriginSource`."""

    async def origins(self, connection: AsyncConnection, appealed: Appealed) -> list[Origin]:
        """Bulk actions on the item, carried out until then."""
        parameters = {
            "org": appealed.org_id,
            "until": appealed.until,
            "limit": appealed.limit,
            "identity": item_key("", appealed.item.type_id, appealed.item.id),
        }
        rows = await connection.execute(_CARRIED_OUT, parameters)
        return [
            Origin(
                by="BULK_ACTION",
                id=row.bulk_id,
                decided_at=row.started_at,
                executions=tuple(
                    Execution(execution_id=execution_id, action_id=action_id)
                    for execution_id, action_id in zip(
                        row.execution_ids, row.order.get("actionIds", []), strict=True
                    )
                ),
                # Who ordered it and who confirmed it: both stand behind it.
                reviewer_ids=tuple(dict.fromkeys(filter(None, (row.confirmed_by, row.created_by)))),
                policy_ids=tuple(row.order.get("policyIds", [])),
            )
            for row in rows
        ]
