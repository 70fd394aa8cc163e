"""Decisions as they were recorded: the row, and reading it back.

Guarantees: what was recorded is read back whole; who may not see the job does not find its
decision, nor does who decides the job again just now; a look at one about child safety leaves an
audit row.
Must not: make or change a decision; `deciding` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.error import JobNotFound
from coop_queues.job import Job, requested_entry_id
from coop_queues.reading import entries
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.decision import Component, Decision, Draft, Escalation, Execution
from coop_review_api.review.desk import Desk, require_visible
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction


@dataclass(frozen=True, kw_only=True)
class RecordedDecision:
    """A decision as it was recorded. Without `reviewer_id` the settings of its queue decided.
    `moved_to` is the job that continues a moved or undone one; `leaves_at` when its events leave
    and it can no longer be undone (None: they left at once). `appeal_of` is the decision that was
    appealed against, `escalation` the job that it asked for."""

    decision_id: str
    job_id: str
    queue_id: str
    reviewer_id: str | None
    components: tuple[Component, ...]
    executions: tuple[Execution, ...]
    config_revision: int
    decided_at: datetime
    reason: str | None
    note: str | None
    moved_to: str | None
    leaves_at: datetime | None = None
    undone_at: datetime | None = None
    appeal_of: str | None = None
    escalation: Escalation | None = None


def row_of(
    decision: Decision, draft: Draft, job: Job, request_hash: bytes, moved_to: str | None
) -> dict[str, Any]:
    made = decision.made
    return {
        "decision_id": made.decision_id,
        "org_id": made.org_id,
        "job_id": made.job_id,
        "queue_id": made.queue_id,
        "item_type_id": made.item.type_id,
        "item_id": made.item.id,
        "reviewer_id": None if made.automatic else made.reviewer_id,
        "components": msgspec.to_builtins(decision.components),
        "reason": draft.reason,
        "note": draft.note,
        "executions": msgspec.to_builtins(decision.executions),
        "moved_to": moved_to,
        "request_hash": request_hash,
        "config_revision": made.config_revision,
        "claimed_at": None if job.summary.unopened else job.summary.claimed_at,
        "decided_at": made.time,
        "appeal_of": made.appeal_of,
        "escalation": msgspec.to_builtins(decision.escalation),
        "seen_revision": draft.seen_revision,
    }


def recorded_of(row: Any) -> RecordedDecision:
    return RecordedDecision(
        decision_id=row.decision_id,
        job_id=row.job_id,
        queue_id=row.queue_id,
        reviewer_id=row.reviewer_id,
        components=msgspec.convert(row.components, tuple[Component, ...]),
        executions=msgspec.convert(row.executions, tuple[Execution, ...]),
        config_revision=row.config_revision,
        decided_at=row.decided_at,
        reason=row.reason,
        note=row.note,
        moved_to=row.moved_to,
        leaves_at=row.leaves_at,
        undone_at=row.undone_at,
        appeal_of=row.appeal_of,
        escalation=msgspec.convert(row.escalation, Escalation | None),
    )


async def find(
    desk: Desk, principal: Principal, decision_id: str
) -> tuple[RecordedDecision, str | None]:
    """The decision, and the job that its escalation became, for who may know. Raises `NotFound`."""
    query = select(decisions).where(
        decisions.c.org_id == principal.org_id, decisions.c.decision_id == decision_id
    )
    async with transaction(desk.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
        if row is None or await _is_hidden(connection, desk, principal, row.job_id):
            raise NotFound(f"no decision {decision_id:.60}")
        recorded = recorded_of(row)
        try:
            summary = await store.get_summary(connection, principal.org_id, recorded.job_id)
            # Their escalation made the job one of child safety: they may read what they decided.
            if recorded.escalation is None or recorded.reviewer_id != principal.user_id:
                await require_visible(connection, principal, summary)
        except JobNotFound:
            raise NotFound(f"no decision {decision_id:.60}") from None
        if summary.csam:
            target = ("decision", decision_id)
            await child_safety.viewed(connection, principal, target, now=desk.clock())
        if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
            return await _without_grave(connection, principal.org_id, recorded), None
        return recorded, await _escalated_to(connection, principal.org_id, recorded)


async def _without_grave(
    connection: AsyncConnection, org_id: str, recorded: RecordedDecision
) -> RecordedDecision:
    """The decision without the grave items that it acted on beside its job's."""
    named = [item for component in recorded.components for item in component.items]
    named += [one.item for one in recorded.executions if one.item is not None]
    grave = await child_safety.grave_among(connection, org_id, named)
    if not grave:
        return recorded
    return replace(
        recorded,
        components=tuple(
            msgspec.structs.replace(
                component, items=tuple(one for one in component.items if one not in grave)
            )
            for component in recorded.components
        ),
        executions=tuple(one for one in recorded.executions if one.item not in grave),
    )


async def _is_hidden(
    connection: AsyncConnection, desk: Desk, principal: Principal, job_id: str
) -> bool:
    for follower in desk.followers:
        if await follower.hides(connection, principal, job_id):
            return True
    return False


async def _escalated_to(
    connection: AsyncConnection, org_id: str, recorded: RecordedDecision
) -> str | None:
    if recorded.escalation is None:
        return None
    entry_id = requested_entry_id(recorded.escalation.entry_id)
    query = select(entries.c.job_id).where(
        entries.c.org_id == org_id, entries.c.entry_id == entry_id
    )
    return await connection.scalar(query)
