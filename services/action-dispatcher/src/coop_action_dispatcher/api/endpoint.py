"""Routes of endpoints: how each does; pause and resume."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request
from pydantic import Field

from coop_action_dispatcher import endpoint, endpoint_view
from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.api.delivery import number_of
from coop_action_dispatcher.api.model import (
    Body,
    Cursor,
    Limit,
    Model,
    Text,
    decode_number,
    encode_cursor,
)
from coop_action_dispatcher.api.path import PREFIX, OrgId
from coop_runtime.database.engine import transaction

router = APIRouter(prefix=PREFIX, tags=["endpoints"])

EndpointId = Annotated[Text, Path(max_length=64)]
Hours = Annotated[int, Query(ge=1, le=24 * 7)]


class EndpointView(Model):
    """`successRate` (0 to 1) and latencies are of the last `hours`, null where nothing was sent;
    `waiting` and `dead` are counted up to a hundred thousand of the organisation. `actionIds` are
    the actions of its latest deliveries."""

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
    pause_reason: str | None
    created_at: datetime


class EndpointPage(Model):
    items: list[EndpointView]
    next_cursor: str | None


class PauseBody(Body):
    """Who pauses, and why."""

    actor_id: Annotated[Text, Field(min_length=1, max_length=128)]
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class ResumeBody(Body):
    """Who resumes."""

    actor_id: Annotated[Text, Field(min_length=1, max_length=128)]


@router.get("/endpoints", response_model=EndpointPage)
async def list_endpoints(
    request: Request, org_id: OrgId, hours: Hours = 1, limit: Limit = 50, cursor: Cursor = None
) -> EndpointPage:
    """The organisation's endpoints, the oldest first."""
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint_view.page(
            connection, org_id, hours=hours, after=decode_number(cursor) or 0, limit=limit + 1
        )
    shown = found[:limit]
    return EndpointPage(
        items=[_view(one, hours) for one in shown],
        next_cursor=encode_cursor(shown[-1].row.id) if len(found) > limit else None,
    )


@router.get("/endpoints/{endpoint_id}", response_model=EndpointView)
async def get_endpoint(
    request: Request, org_id: OrgId, endpoint_id: EndpointId, hours: Hours = 24
) -> EndpointView:
    """One endpoint."""
    return await _one(request, org_id, endpoint_id, hours)


@router.post("/endpoints/{endpoint_id}/pause", response_model=EndpointView)
async def pause_endpoint(
    request: Request, org_id: OrgId, endpoint_id: EndpointId, body: PauseBody
) -> EndpointView:
    """Nothing is sent there until it is resumed; deliveries wait."""
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint.pause(
            connection,
            org_id,
            number_of(endpoint_id) or 0,
            actor_id=body.actor_id,
            reason=body.reason,
        )
    if not found:
        raise HTTPException(404, "no such endpoint")
    return await _one(request, org_id, endpoint_id, 1)


@router.post("/endpoints/{endpoint_id}/resume", response_model=EndpointView)
async def resume_endpoint(
    request: Request, org_id: OrgId, endpoint_id: EndpointId, body: ResumeBody
) -> EndpointView:
    """What waited is sent, its breaker closed."""
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint.resume(
            connection, org_id, number_of(endpoint_id) or 0, actor_id=body.actor_id
        )
    if not found:
        raise HTTPException(404, "no such endpoint")
    return await _one(request, org_id, endpoint_id, 1)


async def _one(request: Request, org_id: str, endpoint_id: str, hours: int) -> EndpointView:
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint_view.page(
            connection, org_id, hours=hours, limit=1, endpoint_id=number_of(endpoint_id)
        )
    if not found:
        raise HTTPException(404, "no such endpoint")
    return _view(found[0], hours)


def _view(one: endpoint_view.Endpoint, hours: int) -> EndpointView:
    fields = dict(one.row._mapping)
    fields["id"] = str(fields["id"])
    return EndpointView(
        **fields,
        hours=hours,
        attempts=one.seen.attempts,
        delivered=one.seen.delivered,
        success_rate=one.seen.success_rate,
        p50_ms=one.seen.p50_ms,
        p95_ms=one.seen.p95_ms,
        waiting=one.waiting,
        dead=one.dead,
    )
