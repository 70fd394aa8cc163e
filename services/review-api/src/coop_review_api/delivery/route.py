"""Deliveries to the platform and its endpoints: what became of each, and mending what failed.

Guarantees: what is told is the dispatcher's answer of this moment, without what is about child
safety for those who may not see it (a page can be shorter than asked for); who asked for what
leaves an audit row, before it is asked of the dispatcher.
Must not: keep anything of it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from msgspec import structs, to_builtins
from pydantic import AwareDatetime, Field

from coop_contracts.call import Call, Command, Question
from coop_contracts.dispatch import (
    GET_DELIVERY,
    GET_ENDPOINT,
    LIST_DELIVERIES,
    LIST_ENDPOINTS,
    PAUSE_ENDPOINT,
    REDELIVER_DEAD,
    REDELIVER_ONE,
    RESUME_ENDPOINT,
    DeliveriesQuestion,
    DeliveryKind,
    DeliveryQuestion,
    DeliveryState,
    EndpointQuestion,
    EndpointsQuestion,
    PauseEndpoint,
    RedeliverDead,
    RedeliverOne,
    ResumeEndpoint,
)
from coop_contracts.event import RuleRef, Source
from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit, decode_cursor, wrapped
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.query import QueryModel
from coop_review_api.http.shape import Shape
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

Q = TypeVar("Q", bound=Question | Command)

router = APIRouter(prefix="/v1", tags=["deliveries"])

_P = Permission

_views = requires(_P.VIEW_INVESTIGATION, _P.MANUALLY_ACTION_CONTENT, _P.MANAGE_ORG)
_sends = requires(_P.MANUALLY_ACTION_CONTENT, _P.MANAGE_ORG)
_manages = requires(_P.MANAGE_ORG)
Viewer = Annotated[Principal, Depends(_views)]
Sender = Annotated[Principal, Depends(_sends)]
Manager = Annotated[Principal, Depends(_manages)]

Exactly = Annotated[str | None, Field(max_length=512)]
ExecutionId = Annotated[uuid.UUID, Path()]
EndpointId = Annotated[str, Path(pattern="^[0-9]{1,18}$")]
Hours = Annotated[int, Query(ge=1, le=24 * 7, description="The span that health is told of.")]


class DeliveryItemView(Model):
    id: str
    type_id: str


class DeliveryView(Model):
    """`waitsFor` says why a pending one is not sent now: `RETRY` (its next attempt, at
    `nextAttemptAt`), `ITEM` (an earlier one of its item), `ENDPOINT` (paused), `HELD` (for want of
    something here, see `lastError`). What is not of the kind `ACTION` is a callback: of an ignored
    item, or of an appeal's decision; no action asked for it."""

    execution_id: str
    kind: DeliveryKind
    action_id: str | None
    item: DeliveryItemView
    state: DeliveryState
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    next_attempt_at: datetime | None
    waits_for: Literal["RETRY", "ITEM", "ENDPOINT", "HELD"] | None
    last_status: int | None
    last_error: str | None
    endpoint_id: str
    endpoint: str


class DeliveryPage(Model):
    items: list[DeliveryView]
    next_cursor: str | None = None


class AttemptView(Model):
    """One webhook that went out. `response` is the first 2 KB of the answer."""

    number: int
    started_at: datetime
    latency_ms: float
    status: int | None
    error: str | None
    response: str | None


class DeliveryDetailView(DeliveryView):
    """`body` is the webhook's, as text; null while it could not be made."""

    source: Source
    rules: list[Annotated[dict[str, Any], Shape(RuleRef)]]
    policy_ids: list[str]
    actor_id: str | None
    actor: PersonBeside = None
    cause_id: str
    reverses: str | None
    body: str | None
    log: list[AttemptView]


class EndpointView(Model):
    """`state` is that of its circuit breaker, or PAUSED. `successRate` (0 to 1) and latencies are
    of the last `hours`; `waiting` and `dead` end at a hundred thousand."""

    id: str
    name: str
    state: Literal["CLOSED", "OPEN", "HALF_OPEN", "PAUSED"]
    action_ids: list[str]
    hours: int
    attempts: int
    delivered: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    waiting: int
    dead: int
    failing_since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_status: int | None
    last_error: str | None
    open_until: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    paused_by_person: PersonBeside = None
    pause_reason: str | None
    created_at: datetime


class EndpointPage(Model):
    items: list[EndpointView]
    next_cursor: str | None = None


class RedeliveryBody(Body):
    """Which dead deliveries are sent again: all that is given must hold; something must be."""

    kind: DeliveryKind | None = None
    action_id: Id | None = None
    endpoint_id: Annotated[str, Field(pattern="^[0-9]{1,18}$")] | None = None
    rule_id: Id | None = None
    item_type_id: Id | None = None
    item_id: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class RedeliveryView(Model):
    """`count` are sent again; with `more`, ask again for the rest."""

    count: int
    more: bool


class RedeliveredView(Model):
    execution_id: str


class EndpointPauseBody(Body):
    """Why nothing shall be sent there."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


_redelivery_body = JsonBody(RedeliveryBody)
_pause_body = JsonBody(EndpointPauseBody)


class DeliveryQuery(QueryModel):
    """Which deliveries: all that is given holds; `until` is not within."""

    state: DeliveryState | None = None
    kind: DeliveryKind | None = None
    item_type_id: Exactly = None
    item_id: Exactly = None
    action_id: Exactly = None
    endpoint_id: Exactly = None
    rule_id: Exactly = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = 50
    cursor: Cursor = None


@router.get("/deliveries", operation_id="listDeliveries", response_model=DeliveryPage)
async def list_deliveries(
    request: Request, principal: Viewer, query: Annotated[DeliveryQuery, Query()]
) -> Any:
    """Deliveries, newest first; those of an item need its type too."""
    context = context_of(request)
    found = await context.part(Dispatch).ask(
        principal.org_id,
        LIST_DELIVERIES,
        DeliveriesQuestion(**query.model_dump() | {"cursor": decode_cursor(query.cursor)}),
    )
    async with transaction(context.engine) as connection:
        shown = await child_safety.shown(
            connection,
            principal,
            "deliveries",
            found.items,
            item_of=lambda one: one.item,
            id_of=lambda one: one.execution_id,
            are_executions=True,
            now=context.clock(),
        )
    return to_builtins(
        structs.replace(found, items=tuple(shown), next_cursor=wrapped(found.next_cursor))
    )


@router.post(
    "/deliveries/redeliver",
    operation_id="redeliverDeliveries",
    response_model=RedeliveryView,
    openapi_extra=_redelivery_body.openapi(),
)
async def redeliver_deliveries(
    request: Request,
    principal: Manager,
    body: Annotated[RedeliveryBody, Depends(_redelivery_body)],
) -> Any:
    """Send dead deliveries again, the oldest first, with the ids that they had."""
    wanted = RedeliverDead(**body.model_dump())
    if wanted == RedeliverDead():
        raise Invalid([Fault("", "say which: by kind, action, endpoint, rule, item or time")])
    await _note(request, principal, "redelivery.requested", None, to_builtins(wanted))
    return await _ask(request, principal, REDELIVER_DEAD, wanted)


@router.get(
    "/deliveries/{execution_id}", operation_id="getDelivery", response_model=DeliveryDetailView
)
async def get_delivery(request: Request, principal: Viewer, execution_id: ExecutionId) -> Any:
    """One delivery with its attempts."""
    context = context_of(request)
    found = await context.part(Dispatch).ask(
        principal.org_id, GET_DELIVERY, DeliveryQuestion(execution_id=execution_id)
    )
    async with transaction(context.engine) as connection:
        await child_safety.require(
            connection,
            principal,
            ("delivery", str(execution_id)),
            items=[found.item],
            causes=[found.cause_id],
            now=context.clock(),
        )
    return to_builtins(found)


@router.post(
    "/deliveries/{execution_id}/redeliver",
    operation_id="redeliverDelivery",
    response_model=RedeliveredView,
    status_code=202,
)
async def redeliver_delivery(request: Request, principal: Sender, execution_id: ExecutionId) -> Any:
    """Send a dead delivery again, with the id that it had; 409 when it is not dead."""
    target = ("delivery", str(execution_id))
    if not principal.may(_P.VIEW_CHILD_SAFETY_DATA):
        await get_delivery(request, principal, execution_id)
    await _note(request, principal, "redelivery.requested", target, {})
    return await _ask(request, principal, REDELIVER_ONE, RedeliverOne(execution_id=execution_id))


@router.get("/endpoints", operation_id="listEndpoints", response_model=EndpointPage)
async def list_endpoints(
    request: Request, principal: Viewer, hours: Hours = 1, limit: Limit = 50, cursor: Cursor = None
) -> Any:
    """The platform's endpoints and how each does."""
    asked = EndpointsQuestion(hours=hours, limit=limit, cursor=decode_cursor(cursor))
    found = await part_of(request, Dispatch).ask(principal.org_id, LIST_ENDPOINTS, asked)
    return to_builtins(structs.replace(found, next_cursor=wrapped(found.next_cursor)))


@router.get("/endpoints/{endpoint_id}", operation_id="getEndpoint", response_model=EndpointView)
async def get_endpoint(
    request: Request, principal: Viewer, endpoint_id: EndpointId, hours: Hours = 24
) -> Any:
    """One endpoint."""
    asked = EndpointQuestion(endpoint_id=endpoint_id, hours=hours)
    return await _ask(request, principal, GET_ENDPOINT, asked)


@router.post(
    "/endpoints/{endpoint_id}/pause",
    operation_id="pauseEndpoint",
    response_model=EndpointView,
    openapi_extra=_pause_body.openapi(),
)
async def pause_endpoint(
    request: Request,
    principal: Manager,
    endpoint_id: EndpointId,
    body: Annotated[EndpointPauseBody, Depends(_pause_body)],
) -> Any:
    """Send nothing there until it is resumed; deliveries wait."""
    target = ("endpoint", endpoint_id)
    await _note(request, principal, "endpoint_pause.requested", target, {"reason": body.reason})
    pause = PauseEndpoint(endpoint_id=endpoint_id, actor_id=principal.user_id, reason=body.reason)
    return await _ask(request, principal, PAUSE_ENDPOINT, pause)


@router.post(
    "/endpoints/{endpoint_id}/resume", operation_id="resumeEndpoint", response_model=EndpointView
)
async def resume_endpoint(request: Request, principal: Manager, endpoint_id: EndpointId) -> Any:
    """Send what waited."""
    target = ("endpoint", endpoint_id)
    await _note(request, principal, "endpoint_resumption.requested", target, {})
    resume = ResumeEndpoint(endpoint_id=endpoint_id, actor_id=principal.user_id)
    return await _ask(request, principal, RESUME_ENDPOINT, resume)


async def _ask(request: Request, principal: Principal, call: Call[Q, Any], asked: Q) -> Any:
    return to_builtins(await part_of(request, Dispatch).ask(principal.org_id, call, asked))


async def _note(
    request: Request,
    principal: Principal,
    action: str,
    target: tuple[str, str] | None,
    detail: dict[str, Any],
) -> None:
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action=action,
            time=context.clock(),
            target=target,
            detail=detail,
        )
