"""Carrying an automation out, one batch a transaction.

Guarantees: a batch is whole or nothing of it: closings, decisions, events and progress are one
transaction, so that killed anywhere it goes on where it was, and nothing happens twice. Each
closing is a decision. Child-abuse material, NCMEC jobs, appeals, and jobs that somebody else holds
are not touched.
Must not: commit, or talk to Redis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ItemType
from coop_contracts.config import Kind as DocumentKind
from coop_queues import store as queues
from coop_queues.job import Closed, JobKind, JobState, JobSummary, OrderChange
from coop_review_api.automation.order import Clearing, Emptying, Invalidation
from coop_review_api.automation.store import Progress
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.directory.person import email_of
from coop_review_api.kernel.error import Conflict, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.deciding import record_automatic
from coop_review_api.review.decision import SYSTEM, Component, Reviewer
from coop_review_api.review.desk import require_visible

CLOSED: Final = "CLOSED_AUTOMATICALLY"
"""The `close_reason` of jobs that were closed so; their decisions say why."""


async def carry_out(
    connection: AsyncConnection, row: Any, *, now: datetime, limit: int
) -> Progress:
    """One batch of up to `limit` jobs, of the automation whose row is locked."""
    match row.kind:
        case "CLEAR_REPORTS":
            return await _clear(
                connection, row, msgspec.convert(row.order, Clearing), now=now, limit=limit
            )
        case "EMPTY_QUEUE":
            return await _empty(
                connection, row, msgspec.convert(row.order, Emptying), now=now, limit=limit
            )
        case _:
            return await _invalidate(
                connection, row, msgspec.convert(row.order, Invalidation), now=now, limit=limit
            )


async def _clear(
    connection: AsyncConnection, row: Any, order: Clearing, *, now: datetime, limit: int
) -> Progress:
    catalogue = await load_catalogue(connection, row.org_id, [DocumentKind.ITEM_TYPE])
    types = catalogue.all(DocumentKind.ITEM_TYPE, ItemType).values()
    scope = queues.SweepScope(
        org_id=row.org_id,
        until=order.until,
        queue_id=row.queue_id,
        subject=order.subject,
        item_type_ids=[one.id for one in types if one.kind != "THREAD"],
        other_than=order.moved_to,
    )
    found = await queues.closable(connection, scope, limit=limit)
    if not found:
        held = await queues.held_count(connection, scope)
        return Progress(done=True, held=held, begins=True, scanned=row.scanned)
    closed = await queues.close_free(connection, row.org_id, found, by=SYSTEM, reason=CLOSED)
    actor = await reviewer_of(connection, order.reviewer_id)
    reason = f"decision {row.cause_id} on the same user"
    for one in closed:
        await _record_cleared(connection, one, order, actor=actor, reason=reason, now=now)
    return Progress(changes=_changes(closed), scanned=len(found), closed=len(closed))


async def _record_cleared(
    connection: AsyncConnection,
    closed: Closed,
    order: Clearing,
    *,
    actor: Reviewer,
    reason: str,
    now: datetime,
) -> None:
    job = await queues.load_job(connection, closed.summary)
    closing = Component(type="AUTOMATIC_CLOSE", close_reason="USER_ACTIONED")
    components: Sequence[Component] = [closing]
    if order.disposition == "IGNORE":
        components = [Component(type="IGNORE")]
    elif order.disposition == "SAME_ACTION":
        components = [
            Component(
                type="CUSTOM_ACTION",
                action_ids=same.action_ids,
                policy_ids=same.policy_ids,
                parameters=same.parameters,
            )
            for same in _once(order)
        ]
    try:
        await record_automatic(connection, job, components, now=now, on_behalf=actor, reason=reason)
    except Invalid as fault:
        # An action that does not fit this item, or is gone: the job is closed all the same.
        await record_automatic(
            connection, job, [closing], now=now, reason=f"{reason}; not acted on: {fault}"
        )


def _once(order: Clearing) -> list[Any]:
    """The same actions, each once: on the user and on what they wrote, the one item has it once."""
    seen: set[str] = set()
    left = []
    for same in order.same:
        actions = tuple(action for action in same.action_ids if action not in seen)
        seen.update(actions)
        if actions:
            left.append(msgspec.structs.replace(same, action_ids=actions))
    return left


async def _empty(
    connection: AsyncConnection, row: Any, order: Emptying, *, now: datetime, limit: int
) -> Progress:
    scope = queues.SweepScope(org_id=row.org_id, until=order.until, queue_id=row.queue_id)
    found = await queues.closable(connection, scope, limit=limit)
    if not found:
        held = await queues.held_count(connection, scope)
        return Progress(done=True, held=held, begins=True, scanned=row.scanned)
    closed = await queues.close_free(
        connection, row.org_id, found, by=row.created_by, reason=CLOSED
    )
    person = await reviewer_of(connection, row.created_by)
    closing = [Component(type="CLOSE", close_reason="QUEUE_EMPTIED")]
    for one in closed:
        job = await queues.load_job(connection, one.summary)
        await record_automatic(connection, job, closing, now=now, by=person, reason=order.reason)
    return Progress(changes=_changes(closed), scanned=len(found), closed=len(closed))


async def _invalidate(
    connection: AsyncConnection, row: Any, order: Invalidation, *, now: datetime, limit: int
) -> Progress:
    found, position = await queues.affected(
        connection, row.org_id, order.reporter, after=row.position, limit=limit
    )
    done = await invalidate(connection, row.org_id, found, order, by=row.created_by, now=now)
    return replace(
        done,
        scanned=len(found),
        done=position is None,
        position=position,
        begins=row.position is None,
    )


async def invalidate_one(
    connection: AsyncConnection,
    principal: Principal,
    job_id: str,
    order: Invalidation,
    *,
    now: datetime,
) -> Progress:
    """Takes the reporter's reports out of one job. Raises JobNotFound, and `Conflict` when somebody
    else holds it and it has no other cause, or when it is one that is left to people."""
    summary = await queues.get_summary(connection, principal.org_id, job_id)
    await require_visible(connection, principal, summary)
    if summary.csam or summary.kind is not JobKind.DEFAULT:
        raise Conflict("reports of child-abuse material and appeals are decided, not invalidated")
    if summary.state is not JobState.PENDING:
        raise Conflict("this job is closed")
    done = await invalidate(
        connection, principal.org_id, [summary], order, by=principal.user_id, now=now
    )
    if done.held:
        raise Conflict("somebody else holds this job, and it has no other cause")
    return done


async def invalidate(
    connection: AsyncConnection,
    org_id: str,
    found: Sequence[JobSummary],
    order: Invalidation,
    *,
    by: str,
    now: datetime,
) -> Progress:
    """Takes the reporter's reports out of these jobs, and closes those that have no other cause."""
    scrubbed = await queues.scrub(
        connection, org_id, found, order.reporter, by=by, reason=order.reason, now=now
    )
    empty = [one.summary for one in scrubbed.jobs if not one.summary.entry_count]
    await queues.end_leases(connection, org_id, [summary.job_id for summary in empty])
    closed = await queues.close_free(connection, org_id, empty, by=by, reason=CLOSED)
    reason = f"the reports of {order.reporter.id} were invalidated"
    closing = [Component(type="AUTOMATIC_CLOSE", close_reason="REPORTS_INVALIDATED")]
    for one in closed:
        job = await queues.load_job(connection, one.summary)
        await record_automatic(
            connection, job, closing, now=now, reason=f"{reason}: {order.reason or 'no reason'}"
        )
    return Progress(
        changes=_changes(closed),
        scrubbed=len(scrubbed.jobs),
        closed=len(closed),
        removed=sum(one.removed for one in scrubbed.jobs),
        held=scrubbed.held,
    )


async def reviewer_of(connection: AsyncConnection, user_id: str) -> Reviewer:
    """The person in whose name something is done."""
    email = await email_of(connection, user_id)
    return Reviewer(user_id=user_id, email=email or "")


def _changes(closed: Sequence[Closed]) -> tuple[OrderChange, ...]:
    return tuple(change for one in closed for change in one.changes)
