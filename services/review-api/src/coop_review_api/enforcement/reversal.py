"""What can be taken back: the executions of a decision, of a rule, of a bulk job, or a single one.

Guarantees: scoped by organisation and bounded; an execution is found with the item that it was on,
and with the item's creator where that is known.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_review_api.configuration.relation import LOG
from coop_review_api.enforcement import taken_back
from coop_review_api.enforcement.bulk import ENDED, MAX_ITEMS, Reversed, Target
from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.projection.relation import (
    EVALUATION_RULES,
    EVALUATIONS,
    EXECUTIONS,
    REQUESTED_ACTIONS,
)
from coop_review_api.review.decision import Execution
from coop_review_api.review.relation import DECISIONS, HELD, WITHHELD
from coop_review_api.review.visibility import ReaderScope

_OF_RULE = text(
    f"""
    SELECT x.execution_id, x.action_id, x.time, e.item_type_id, e.item_id,
           CAST(e.event AS json) -> 'creator' AS creator
      FROM {EVALUATION_RULES.sql} r
      JOIN {EVALUATIONS.sql} e
        ON (e.org_id, e.submission_id, e.lane, e.time)
         = (r.org_id, r.submission_id, r.lane, r.time)
      JOIN {EXECUTIONS.sql} x
        ON x.org_id = r.org_id AND x.time = r.time
       AND x.submission_id = r.submission_id AND x.lane = r.lane
     WHERE r.org_id = :org_id AND r.rule_id = :rule_id AND r.passed
       AND r.time >= :since AND r.time < :until AND x.action_id = ANY(:action_ids)
     ORDER BY x.time, x.execution_id
     LIMIT :limit
    """  # noqa: S608 - constants; values are bound
)
_RULE_ACTIONS = text(
    f"""
    SELECT DISTINCT jsonb_array_elements_text(document -> 'actionIds')
      FROM {LOG.sql} AS log
     WHERE org_id = :org_id AND kind = 'rule' AND id = :rule_id AND document ? 'actionIds'
    """  # noqa: S608
)


async def left_of(
    connection: AsyncConnection, org_id: str, targets: Sequence[Target], *, now: datetime
) -> list[Target]:
    """Those that were not taken back yet. Raises `Conflict` when all of them were."""
    ids = {one.identity for one in targets}
    back = await taken_back.of_executions(connection, org_id, ids, now=now)
    left = [one for one in targets if one.identity not in back]
    if targets and not left:
        raise Conflict("all of this was taken back already")
    return left


async def of_decision(
    connection: AsyncConnection, scope: ReaderScope, decision_id: str
) -> list[Target]:
    """A decision's executions, reversals of others apart. Raises `NotFound`, also for one of a
    queue that is closed to the reader, and `Conflict` while it has not left as a whole."""
    query = select(DECISIONS.of).where(
        DECISIONS.of.c.org_id == scope.org_id, DECISIONS.of.c.decision_id == decision_id
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None or not scope.may_read(row.queue_id, row.reviewer_id):
        raise NotFound(f"no decision {decision_id}")
    if row.undone_at is not None:
        raise Conflict("this decision was undone")
    held = select(HELD.of.c.decision_id).where(HELD.of.c.decision_id == decision_id)
    if (await connection.execute(held)).one_or_none() is not None:
        # Its reversal could overtake it, and an undo would leave a reversal of nothing.
        raise Conflict("this decision can still be undone: undo it instead")
    withheld = select(WITHHELD.of.c.decision_id).where(WITHHELD.of.c.decision_id == decision_id)
    if (await connection.execute(withheld)).one_or_none() is not None:
        raise Conflict("its actions wait for the evidence of a report: they have not left yet")
    item = ItemRef(row.item_id, row.item_type_id)
    found = [
        one for one in msgspec.convert(row.executions, list[Execution]) if one.reverses is None
    ]
    if not found:
        raise Conflict("this decision has no actions")
    return [
        Target(
            item=one.item or item,
            reverses=Reversed(execution_id=one.execution_id, action_id=one.action_id),
        )
        for one in found
    ]


async def of_bulk(connection: AsyncConnection, org_id: str, bulk_id: str) -> list[Target]:
    """The executions of a bulk action's items. Raises `NotFound`, `Conflict`."""
    job = (
        await connection.execute(
            select(bulk_jobs).where(bulk_jobs.c.org_id == org_id, bulk_jobs.c.bulk_id == bulk_id)
        )
    ).one_or_none()
    if job is None:
        raise NotFound(f"no bulk action {bulk_id}")
    if job.kind != "ACTION":
        raise Conflict("a reversal is not reversed: do the action again")
    if job.state not in ENDED:
        # What it does after the reversal began would stay.
        raise Conflict(f"this bulk action is {job.state}: cancel it, or let it end")
    rows = await connection.execute(
        select(bulk_items)
        .where(bulk_items.c.bulk_id == bulk_id, bulk_items.c.execution_ids.is_not(None))
        .order_by(bulk_items.c.position)
    )
    actions = job.order.get("actionIds", [])
    return [
        Target(
            item=ItemRef(row.item_id, row.item_type_id),
            creator=None if row.creator is None else msgspec.convert(row.creator, ItemRef),
            reverses=Reversed(execution_id=execution_id, action_id=action_id),
        )
        for row in rows
        for execution_id, action_id in zip(row.execution_ids, actions, strict=True)
    ]


async def of_execution(connection: AsyncConnection, org_id: str, execution_id: str) -> list[Target]:
    """One execution, whoever asked for it. Raises `NotFound`, `Conflict`."""
    query = (
        select(REQUESTED_ACTIONS.of)
        .where(
            REQUESTED_ACTIONS.of.c.org_id == org_id,
            REQUESTED_ACTIONS.of.c.execution_id == execution_id,
        )
        .order_by(REQUESTED_ACTIONS.of.c.time)
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no execution {execution_id:.60}")
    if row.reverses is not None:
        raise Conflict("a reversal is not reversed: do the action again")
    creator = None
    if row.creator_id is not None:
        creator = ItemRef(row.creator_id, row.creator_type_id)
    return [
        Target(
            item=ItemRef(row.item_id, row.item_type_id),
            creator=creator,
            reverses=Reversed(execution_id=row.execution_id, action_id=row.action_id),
        )
    ]


async def of_rule(
    connection: AsyncConnection,
    org_id: str,
    rule_id: str,
    *,
    since: datetime,
    until: datetime,
    limit: int = MAX_ITEMS + 1,
) -> list[Target]:
    """What a rule did in [since, until): the executions, on submissions that it matched, of actions
    that it has or had.

    Another rule that matched the same submission and carries the same action shares the execution.
    """
    scope: dict[str, Any] = {"org_id": org_id, "rule_id": rule_id}
    actions = list(await connection.scalars(_RULE_ACTIONS, scope))
    rows = await connection.execute(
        _OF_RULE,
        {**scope, "since": since, "until": until, "action_ids": actions, "limit": limit},
    )
    found = [
        Target(
            item=ItemRef(row.item_id, row.item_type_id),
            creator=None if row.creator is None else msgspec.convert(row.creator, ItemRef),
            reverses=Reversed(execution_id=row.execution_id, action_id=row.action_id),
        )
        for row in rows
    ]
    if len(found) > MAX_ITEMS:
        raise Invalid([Fault("/since", f"more than {MAX_ITEMS} executions: choose less time")])
    return found
