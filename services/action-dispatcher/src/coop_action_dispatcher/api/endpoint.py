"""Routes of endpoints: how each does; pause and resume."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from coop_action_dispatcher import endpoint, endpoint_view
from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.api.cursor import decode_number, encode_cursor
from coop_action_dispatcher.api.delivery import number_of
from coop_contracts.dispatch import (
    GET_ENDPOINT,
    LIST_ENDPOINTS,
    PAUSE_ENDPOINT,
    RESUME_ENDPOINT,
    EndpointHealth,
    EndpointQuestion,
    Endpoints,
    EndpointsQuestion,
    PauseEndpoint,
    ResumeEndpoint,
)
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["endpoints"])


@on(router, LIST_ENDPOINTS)
async def list_endpoints(
    request: Request, org_id: OrgId, asked: Annotated[EndpointsQuestion, asking(LIST_ENDPOINTS)]
) -> Response:
    """The organisation's endpoints, the oldest first."""
    after = decode_number(asked.cursor) or 0
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint_view.page(
            connection, org_id, hours=asked.hours, after=after, limit=asked.limit + 1
        )
    shown = found[: asked.limit]
    page = Endpoints(
        items=tuple(_health(one, asked.hours) for one in shown),
        next_cursor=encode_cursor(shown[-1].row.id) if len(found) > asked.limit else None,
    )
    return answer(LIST_ENDPOINTS, page)


@on(router, GET_ENDPOINT)
async def get_endpoint(
    request: Request, org_id: OrgId, asked: Annotated[EndpointQuestion, asking(GET_ENDPOINT)]
) -> Response:
    """One endpoint."""
    found = await _one(request, org_id, asked.endpoint_id, hours=asked.hours)
    return answer(GET_ENDPOINT, found)


@on(router, PAUSE_ENDPOINT)
async def pause_endpoint(
    request: Request, org_id: OrgId, asked: Annotated[PauseEndpoint, asking(PAUSE_ENDPOINT)]
) -> Response:
    """Nothing is sent there until it is resumed; deliveries wait."""
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint.pause(
            connection,
            org_id,
            number_of(asked.endpoint_id) or 0,
            actor_id=asked.actor_id,
            reason=asked.reason,
        )
    if not found:
        raise _not_there()
    return answer(PAUSE_ENDPOINT, await _one(request, org_id, asked.endpoint_id, hours=1))


@on(router, RESUME_ENDPOINT)
async def resume_endpoint(
    request: Request, org_id: OrgId, asked: Annotated[ResumeEndpoint, asking(RESUME_ENDPOINT)]
) -> Response:
    """What waited is sent, its breaker closed."""
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint.resume(
            connection, org_id, number_of(asked.endpoint_id) or 0, actor_id=asked.actor_id
        )
    if not found:
        raise _not_there()
    return answer(RESUME_ENDPOINT, await _one(request, org_id, asked.endpoint_id, hours=1))


async def _one(request: Request, org_id: str, endpoint_id: str, *, hours: int) -> EndpointHealth:
    async with transaction(context_of(request).engine) as connection:
        found = await endpoint_view.page(
            connection, org_id, hours=hours, limit=1, endpoint_id=number_of(endpoint_id)
        )
    if not found:
        raise _not_there()
    return _health(found[0], hours)


def _not_there() -> HTTPException:
    return HTTPException(404, "no such endpoint")


def _health(one: endpoint_view.Endpoint, hours: int) -> EndpointHealth:
    row, seen = one.row, one.seen
    return EndpointHealth(
        id=str(row.id),
        name=row.name,
        state=row.state,
        action_ids=tuple(row.action_ids),
        hours=hours,
        attempts=seen.attempts,
        delivered=seen.delivered,
        success_rate=seen.success_rate,
        p50_ms=seen.p50_ms,
        p95_ms=seen.p95_ms,
        waiting=one.waiting,
        dead=one.dead,
        failing_since=row.failing_since,
        last_success_at=row.last_success_at,
        last_failure_at=row.last_failure_at,
        last_status=row.last_status,
        last_error=row.last_error,
        open_until=row.open_until,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        pause_reason=row.pause_reason,
        created_at=row.created_at,
    )
