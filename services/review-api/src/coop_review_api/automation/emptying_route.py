"""Emptying a queue.

Guarantees: it is emptied by who said how much that is; that leaves an audit row.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field

from coop_contracts.config import Kind, Queue
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_queues import store as queues
from coop_review_api.automation import store
from coop_review_api.automation.order import Emptying
from coop_review_api.automation.route import AutomationView, automation_of, view_of
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import context_of
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, NotFound
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["queues"])

Editor = Annotated[Principal, Depends(requires(Permission.EDIT_MRT_QUEUES))]
Manager = Annotated[Principal, Depends(requires(Permission.MANAGE_ORG))]
Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class EmptyingBody(Body):
    """`closable` and `asOf` as the queue's contents said: nothing else is closed."""

    closable: Annotated[int, Field(ge=0)]
    as_of: AwareDatetime
    reason: Annotated[str, Field(max_length=500)] | None = None


_emptying_body = JsonBody(EmptyingBody)


@router.post(
    "/queues/{queue_id}/empty",
    operation_id="emptyQueue",
    response_model=AutomationView,
    status_code=202,
    openapi_extra=_emptying_body.openapi(),
)
async def empty_queue(
    request: Request,
    principal: Manager,
    queue_id: str,
    body: Annotated[EmptyingBody, Depends(_emptying_body)],
) -> AutomationView:
    """Close what waits in a queue without judging it: each job gets a decision that says so.

    Appeals and child-abuse material stay; jobs in somebody's hands are left to them for an hour.
    """
    context = context_of(request)
    now, automation_id = context.clock(), new_id()
    until = min(body.as_of, now)
    async with transaction(context.engine) as connection:
        catalogue = await load_catalogue(connection, principal.org_id, (Kind.QUEUE,))
        queue = catalogue.get(Kind.QUEUE, Queue, queue_id)
        if queue is None:
            raise NotFound(f"no queue {queue_id}")
        if queue.is_appeals_queue:
            raise Conflict("appeals are decided one by one")
        found = await queues.closable_count(
            connection, queues.SweepScope(org_id=principal.org_id, until=until, queue_id=queue_id)
        )
        if found > body.closable:
            raise Conflict(f"{found} jobs would be closed, not {body.closable}: look again")
        await store.start(
            connection,
            automation_id,
            principal.org_id,
            Emptying(until=until, reason=body.reason),
            now=now,
            queue_id=queue_id,
            created_by=principal.user_id,
        )
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="queue.emptied",
            target=("queue", queue_id),
            detail={"closable": found, "automationId": automation_id, "reason": body.reason},
            time=now,
        )
    return view_of(await automation_of(request, principal, automation_id))
