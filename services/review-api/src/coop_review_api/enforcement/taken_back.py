"""What was taken back already, and by what: bulk reversals, accepted appeals.

Guarantees: reads what is recorded with the reversal itself, not what the log has told since; a
reversal that found no reverse action took the strike back alone and is not among them, so that it
can be tried again; a decision that can still be undone has taken nothing back yet.
Must not: change anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.review.relation import DECISIONS


class TakenBack(Struct, frozen=True, kw_only=True, rename="camel"):
    """By which entry of the decision log, when, and how many `executions`: a confirmed reversal, or
    the decision on an appeal."""

    kind: Literal["BULK_REVERSAL", "DECISION"]
    id: str
    time: datetime
    executions: int = 1


_EXECUTIONS = text(
    f"""
    SELECT i.identity AS execution_id, 'BULK_REVERSAL' AS kind, b.bulk_id AS id,
           b.started_at AS time
      FROM review.bulk_items i
      JOIN review.bulk_jobs b ON b.bulk_id = i.bulk_id AND b.org_id = :org
     WHERE i.identity = ANY(CAST(:ids AS text[])) AND i.reverses IS NOT NULL
       AND i.state = 'REQUESTED'
    UNION ALL
    SELECT asked.execution_id, 'DECISION', d.decision_id, d.decided_at
      FROM unnest(CAST(:ids AS text[])) AS asked (execution_id)
      JOIN {DECISIONS.sql} d
        ON d.executions @> jsonb_build_array(jsonb_build_object('reverses', asked.execution_id))
     WHERE d.org_id = :org AND d.undone_at IS NULL
       AND (d.leaves_at IS NULL OR d.leaves_at <= :now)
     ORDER BY time, id
    """  # noqa: S608 - constants; values are bound
)
_BULK_ACTIONS = text(
    """
    SELECT b."order" #>> '{of,id}' AS bulk_id, b.bulk_id AS id, b.started_at AS time,
           b.requested
      FROM review.bulk_jobs b
     WHERE b.org_id = :org AND b.kind = 'REVERSAL' AND b.requested > 0
       AND b."order" #>> '{of,kind}' = 'BULK_ACTION'
       AND b."order" #>> '{of,id}' = ANY(CAST(:ids AS text[]))
     ORDER BY b.started_at, b.bulk_id
    """
)

TakenBackById = Mapping[str, Sequence[TakenBack]]
"""By id, the first one first."""


async def of_executions(
    connection: AsyncConnection, org_id: str, ids: Collection[str], *, now: datetime
) -> TakenBackById:
    """What took these executions back; only those that were."""
    found: dict[str, list[TakenBack]] = defaultdict(list)
    if ids:
        values = {"org": org_id, "ids": list(ids), "now": now}
        for row in await connection.execute(_EXECUTIONS, values):
            found[row.execution_id].append(TakenBack(kind=row.kind, id=row.id, time=row.time))
    return found


async def of_bulk_actions(
    connection: AsyncConnection, org_id: str, ids: Collection[str]
) -> TakenBackById:
    """What took executions of these bulk actions back, as a whole; only those that were."""
    found: dict[str, list[TakenBack]] = defaultdict(list)
    if ids:
        for row in await connection.execute(_BULK_ACTIONS, {"org": org_id, "ids": list(ids)}):
            found[row.bulk_id].append(
                TakenBack(kind="BULK_REVERSAL", id=row.id, time=row.time, executions=row.requested)
            )
    return found
