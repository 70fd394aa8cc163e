"""Making a decision: judged, recorded, closed and announced in one transaction.

    lease token ─▶ job and rules as they are now ─▶ `decision.decide` ─▶ job closed (or moved)
                ─▶ row in `decisions` ─▶ events in the outbox, or held for the undo window
                ─▶ COMMIT ─▶ Redis is told

Guarantees: decision, close and events happen together or not at all; a job is decided once (unique
job id); the same request again, after a lost answer, gets the same answer; without the live lease
nothing happens.
Must not: send anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import ItemType, Kind, OrgSettings, Queue
from coop_contracts.ids import item_key
from coop_queues import store
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost
from coop_queues.job import Job, OrderChange
from coop_queues.order import OrderIndex
from coop_review_api import metric
from coop_review_api.access import may_see
from coop_review_api.clock import Clock
from coop_review_api.configuration.catalogue import Catalogue, load_documents
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.decision import (
    Component,
    Decision,
    Draft,
    Execution,
    Reviewer,
    Rulebook,
    decide,
    hash_of,
)
from coop_review_api.enforcement.hold import hold
from coop_review_api.error import Conflict
from coop_review_api.schema import decisions, outbox
from coop_review_api.session import Principal
from coop_runtime.database import transaction
from coop_runtime.message import Message, message_of
from coop_runtime.outbox import append

DECIDED = "DECIDED"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A decision as it was recorded. `moved_to` is the job that continues a moved or undone one;
    `leaves_at` when its events leave and it can no longer be undone (None: they left at once)."""

    decision_id: str
    job_id: str
    queue_id: str
    reviewer_id: str
    components: tuple[Component, ...]
    executions: tuple[Execution, ...]
    config_revision: int
    decided_at: datetime
    reason: str | None
    note: str | None
    moved_to: str | None
    leaves_at: datetime | None = None
    undone_at: datetime | None = None


async def submit(
    engine: AsyncEngine,
    order: OrderIndex,
    principal: Principal,
    job_id: str,
    draft: Draft,
    *,
    lease_token: str,
    clock: Clock,
) -> Recorded:
    """Decide the job. Raises `Invalid`, `Conflict`, JobNotFound, LeaseLost, AlreadyClosed."""
    request_hash = hash_of(draft, reviewer_id=principal.user_id)
    try:
        async with transaction(engine) as connection:
            recorded = await _repeated(connection, principal, job_id, request_hash)
            changes: Sequence[OrderChange] = ()
            if recorded is None:
                recorded, changes = await _decide(
                    connection, principal, job_id, draft, lease_token, request_hash, clock()
                )
    except AlreadyClosed:
        # Perhaps by this very request, sent twice at once.
        async with transaction(engine) as connection:
            recorded = await _repeated(connection, principal, job_id, request_hash)
        if recorded is None:
            raise
        return recorded
    if changes:
        await order.apply(changes)
        for component in recorded.components:
            metric.DECISIONS.labels(component.type).inc()
    return recorded


async def _repeated(
    connection: AsyncConnection, principal: Principal, job_id: str, request_hash: bytes
) -> Recorded | None:
    row = (
        await connection.execute(
            select(decisions).where(
                decisions.c.org_id == principal.org_id, decisions.c.job_id == job_id
            )
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise Conflict("this job was decided already")
    return _recorded_of(row)


async def _decide(
    connection: AsyncConnection,
    principal: Principal,
    job_id: str,
    draft: Draft,
    lease_token: str,
    request_hash: bytes,
    now: datetime,
) -> tuple[Recorded, Sequence[OrderChange]]:
    job = await store.get_job(connection, principal.org_id, job_id)
    catalogue = await load_documents(connection, principal.org_id, _wanted(job, draft))
    queue = catalogue.get(Kind.QUEUE, Queue, job.summary.queue_id)
    if not may_see(principal, job.summary, queue):
        raise JobNotFound(f"no job {job_id}")
    if job.summary.lease_holder not in (None, principal.user_id):
        raise LeaseLost("somebody else holds this job")
    rulebook = _rulebook(job, catalogue, queue)
    decision = decide(
        draft,
        job=job,
        rulebook=rulebook,
        reviewer=Reviewer(user_id=principal.user_id, email=principal.email),
        now=now,
    )
    moved_to, changes = await _close(connection, principal, job, draft, lease_token)
    row = _row_of(decision, draft, job, request_hash, moved_to)
    # A move has taken effect by now; there is nothing to hold back.
    window = 0.0 if moved_to else rulebook.settings.undo_window
    leaves_at = now + timedelta(seconds=window) if window > 0 else None
    await connection.execute(insert(decisions).values({**row, "leaves_at": leaves_at}))
    if leaves_at is None:
        await append(connection, outbox, _messages(decision))
    else:
        await hold(
            connection,
            org_id=principal.org_id,
            decision_id=decision.decision_id,
            messages=_messages(decision),
            leaves_at=leaves_at,
        )
    recorded = Recorded(
        decision_id=decision.decision_id,
        job_id=job_id,
        queue_id=job.summary.queue_id,
        reviewer_id=principal.user_id,
        components=draft.components,
        executions=decision.executions,
        config_revision=decision.made.config_revision,
        decided_at=now,
        reason=draft.reason,
        note=draft.note,
        moved_to=moved_to,
        leaves_at=leaves_at,
    )
    return recorded, changes


async def _close(
    connection: AsyncConnection, principal: Principal, job: Job, draft: Draft, lease_token: str
) -> tuple[str | None, Sequence[OrderChange]]:
    org_id, job_id, target = principal.org_id, job.summary.job_id, draft.target_queue
    if target is None:
        closed = await store.close(
            connection, org_id, job_id, lease_token, by=principal.user_id, reason=DECIDED
        )
        return None, closed.changes
    moved = await store.move(
        connection, org_id, job_id, lease_token, to_queue=target, by=principal.user_id
    )
    return moved.job_id, moved.changes


def _wanted(job: Job, draft: Draft) -> set[tuple[Kind, str]]:
    wanted = {
        (Kind.SETTINGS, SETTINGS_ID),
        (Kind.QUEUE, job.summary.queue_id),
        (Kind.ITEM_TYPE, job.item.type_id),
    }
    for component in draft.components:
        wanted |= {(Kind.ACTION, action_id) for action_id in component.action_ids}
        wanted |= {(Kind.POLICY, policy_id) for policy_id in component.policy_ids}
        if component.queue_id is not None:
            wanted.add((Kind.QUEUE, component.queue_id))
    return wanted


def _rulebook(job: Job, catalogue: Catalogue, queue: Queue | None) -> Rulebook:
    settings = catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    item_type = catalogue.get(Kind.ITEM_TYPE, ItemType, job.item.type_id)
    return Rulebook(
        settings=settings or OrgSettings(id=SETTINGS_ID, name=""),
        catalogue=catalogue,
        queue=queue or Queue(id=job.summary.queue_id, name=""),
        item_kind=item_type.kind if item_type else "",
        revision=catalogue.revision,
    )


def _row_of(
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
        "reviewer_id": made.reviewer_id,
        "components": msgspec.to_builtins(draft.components),
        "reason": draft.reason,
        "note": draft.note,
        "executions": msgspec.to_builtins(decision.executions),
        "moved_to": moved_to,
        "request_hash": request_hash,
        "config_revision": made.config_revision,
        "claimed_at": job.summary.claimed_at,
        "decided_at": made.time,
    }


def _recorded_of(row: Any) -> Recorded:
    return Recorded(
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
    )


def _messages(decision: Decision) -> list[Message]:
    made = decision.made
    target = item_key(made.org_id, made.item.type_id, made.item.id)
    return [
        message_of(made, key=f"{made.org_id}/{made.job_id}"),
        *(message_of(request, key=target) for request in decision.requests),
    ]
