"""What is carried out by itself: how far it is; and invalidating a reporter's reports.

Guarantees: a job that has other causes keeps them; reports of child-abuse material are left to
people, whoever made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_review_api.automation import store
from coop_review_api.automation.batch import invalidate_one
from coop_review_api.automation.order import Clearing, Emptying, Invalidation
from coop_review_api.automation.table import automations
from coop_review_api.automation.worker import AutomationLimits, AutomationWorker
from coop_review_api.configuration.document_model import Id
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.shape import Shape
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["automations"])


Editor = Annotated[Principal, Depends(requires(Permission.EDIT_MRT_QUEUES))]
Reader = Annotated[Principal, Depends(requires(Permission.EDIT_MRT_QUEUES, Permission.MANAGE_ORG))]
State = Literal["RUNNING", "COMPLETE", "CANCELLED", "FAILED"]
Kind = Literal["CLEAR_REPORTS", "EMPTY_QUEUE", "INVALIDATE_REPORTS"]


class Reporter(Body):
    """A user of the platform."""

    id: Annotated[str, Field(min_length=1, max_length=512)]
    type_id: Id


class InvalidationBody(Body):
    """Whose reports count no longer: on one job, or on all that are pending."""

    reporter: Reporter
    job_id: Id | None = None
    reason: Annotated[str, Field(max_length=500)] | None = None


class InvalidationView(Model):
    """How far it is. `jobsHeld` have no other cause and are in somebody's hands: they are looked at
    again for an hour. `id` is null when one job was meant."""

    id: str | None
    state: State
    jobs_scanned: int
    jobs_scrubbed: int
    jobs_closed: int
    jobs_held: int
    reports_removed: int


class AutomationView(Model):
    """`order` is what is to be done, `causeId` the decision that it follows from; without
    `createdBy` the settings of a queue asked for it. `held` jobs are in somebody's hands and are
    looked at again until `endsAt`. `error` names why the last batch failed, if it did."""

    id: str
    kind: Kind
    state: State
    queue_id: str | None
    order: Annotated[dict[str, Any], Shape(Clearing, Emptying, Invalidation)]
    cause_id: str | None
    scanned: int
    scrubbed: int
    closed: int
    removed: int
    held: int
    created_by: str | None
    created_by_person: PersonBeside = None
    created_at: datetime
    due_at: datetime
    ends_at: datetime
    finished_at: datetime | None
    error: str | None


class AutomationPage(Model):
    items: list[AutomationView]
    next_cursor: str | None = None


_invalidation_body = JsonBody(InvalidationBody)


def view_of(row: Any) -> AutomationView:
    """An automation's row as it is shown."""
    fields = dict(row._mapping)
    return AutomationView(id=fields.pop("automation_id"), **fields)


async def automation_of(request: Request, principal: Principal, automation_id: str) -> Any:
    """Its row. Raises `NotFound`."""
    query = select(automations).where(
        automations.c.org_id == principal.org_id, automations.c.automation_id == automation_id
    )
    context = context_of(request)
    async with transaction(context.engine) as connection:
        rows = (await connection.execute(query)).all()
        rows = await _visible(connection, principal, rows, context.clock())
    if not rows:
        raise NotFound(f"no automation {automation_id}")
    return rows[0]


async def _visible(
    connection: AsyncConnection, principal: Principal, rows: Sequence[Any], now: datetime
) -> list[Any]:
    """Those that may be shown: what follows from a decision on something grave, or clears the jobs
    of such a user, is for those with the permission."""
    return await child_safety.shown(
        connection,
        principal,
        "automations",
        rows,
        item_of=_about,
        id_of=lambda row: str(row.automation_id),
        cause_of=lambda row: row.cause_id or "",
        now=now,
    )


def _about(row: Any) -> ItemRef:
    """The user whose jobs it clears; of a whole queue, or of a reporter's reports, nobody."""
    user = row.order.get("subject") or {"id": "", "typeId": ""}
    return ItemRef(id=user["id"], type_id=user["typeId"])


@router.get("/automations", operation_id="listAutomations", response_model=AutomationPage)
async def list_automations(
    request: Request,
    principal: Reader,
    state: State | None = None,
    kind: Kind | None = None,
    queue_id: Annotated[str | None, Query(alias="queueId", max_length=128)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AutomationPage:
    """What was or is carried out by itself, newest first."""
    a = automations.c
    query = select(automations).where(a.org_id == principal.org_id)
    for column, value in ((a.state, state), (a.kind, kind), (a.queue_id, queue_id)):
        if value is not None:
            query = query.where(column == value)
    position = decode_cursor(cursor)
    if position is not None:
        query = query.where(tuple_(a.created_at, a.automation_id) < _parsed(position))
    query = query.order_by(a.created_at.desc(), a.automation_id.desc()).limit(limit + 1)
    context = context_of(request)
    async with transaction(context.engine) as connection:
        rows = (await connection.execute(query)).all()
        page, next_cursor = cut(
            rows, limit, lambda r: f"{r.created_at.isoformat()} {r.automation_id}"
        )
        page = await _visible(connection, principal, page, context.clock())
    return AutomationPage(items=[view_of(row) for row in page], next_cursor=next_cursor)


def _parsed(position: str) -> tuple[datetime, str]:
    time, _, automation_id = position.partition(" ")
    try:
        return datetime.fromisoformat(time), automation_id
    except ValueError:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")]) from None


@router.get(
    "/automations/{automation_id}", operation_id="getAutomation", response_model=AutomationView
)
async def get_automation(request: Request, principal: Reader, automation_id: str) -> AutomationView:
    """How far it is."""
    return view_of(await automation_of(request, principal, automation_id))


@router.post(
    "/automations/{automation_id}/cancel",
    operation_id="cancelAutomation",
    response_model=AutomationView,
)
async def cancel_automation(
    request: Request, principal: Reader, automation_id: str
) -> AutomationView:
    """Stop it. What it did stays done; cancelled twice is cancelled once."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await store.cancel(connection, principal, automation_id, now=context.clock())
    return view_of(await automation_of(request, principal, automation_id))


@router.post(
    "/report-invalidations",
    operation_id="invalidateReports",
    response_model=InvalidationView,
    responses={202: {"model": InvalidationView, "description": "It goes on by itself."}},
    openapi_extra=_invalidation_body.openapi(),
)
async def invalidate_reports(
    request: Request,
    response: Response,
    principal: Editor,
    body: Annotated[InvalidationBody, Depends(_invalidation_body)],
) -> InvalidationView:
    """Let a reporter's reports count no longer; jobs with no other cause are closed."""
    reporter = ItemRef(id=body.reporter.id, type_id=body.reporter.type_id)
    order = Invalidation(reporter=reporter, reason=body.reason)
    if body.job_id is not None:
        return await _of_one_job(request, principal, body.job_id, order)
    automation_id = await _start(request, principal, order)
    context = context_of(request)
    limits = context.part(AutomationLimits)
    order_index = context.part(Desk).order
    worker = AutomationWorker(context.engine, order_index, clock=context.clock, limits=limits)
    for _ in range(limits.batches_of_request):
        if not await worker.advance(automation_id):
            break
    row = await automation_of(request, principal, automation_id)
    if row.state == "RUNNING":
        response.status_code = 202
    return InvalidationView(
        id=automation_id,
        state=row.state,
        jobs_scanned=row.scanned,
        jobs_scrubbed=row.scrubbed,
        jobs_closed=row.closed,
        jobs_held=row.held,
        reports_removed=row.removed,
    )


async def _start(request: Request, principal: Principal, order: Invalidation) -> str:
    context = context_of(request)
    automation_id, now = new_id(), context.clock()
    async with transaction(context.engine) as connection:
        await store.start(
            connection,
            automation_id,
            principal.org_id,
            order,
            now=now,
            created_by=principal.user_id,
        )
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="reports.invalidated",
            target=("automation", automation_id),
            detail={"reporterId": order.reporter.id, "reporterTypeId": order.reporter.type_id},
            time=now,
        )
    return automation_id


async def _of_one_job(
    request: Request, principal: Principal, job_id: str, order: Invalidation
) -> InvalidationView:
    context = context_of(request)
    now = context.clock()
    async with transaction(context.engine) as connection:
        done = await invalidate_one(connection, principal, job_id, order, now=now)
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="reports.invalidated",
            target=("job", job_id),
            detail={"reporterId": order.reporter.id, "reporterTypeId": order.reporter.type_id},
            time=now,
        )
    await context.part(Desk).order.apply(done.changes)
    return InvalidationView(
        id=None,
        state="COMPLETE",
        jobs_scanned=1,
        jobs_scrubbed=done.scrubbed,
        jobs_closed=done.closed,
        jobs_held=done.held,
        reports_removed=done.removed,
    )
