"""A queue beyond its document: what is in it, and removing it.

Guarantees: a queue goes only when what is in it goes on elsewhere; that leaves an audit row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from coop_contracts.config import Kind, Queue
from coop_contracts.permission import Permission
from coop_queues import store as queues
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.check import name_of
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.etag import expected_revision
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.route import IF_MATCH
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.queue import removal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["queues"])

Editor = Annotated[Principal, Depends(requires(Permission.EDIT_MRT_QUEUES))]
Manager = Annotated[Principal, Depends(requires(Permission.MANAGE_ORG))]
Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class QueueContentsView(Model):
    """What is pending in a queue at `asOf`: `leased` of it are in somebody's hands, `closable` is
    what emptying the queue would close. `usedBy` are the rules and settings that name the queue: it
    cannot be removed. Jobs about child safety are not counted for those who may not see such data:
    `childSafety`, how many they are, is null for them."""

    queue_id: str
    pending: int
    leased: int
    by_kind: dict[str, int]
    child_safety: int | None
    closable: int
    used_by: list[str]
    as_of: datetime


class RemovedQueueView(Model):
    """A queue that was removed. `moved` jobs went on: into `moveTo`, or without it into the default
    queue; `pending` have yet to."""

    id: str
    name: str
    is_appeals_queue: bool
    move_to: str | None
    moved: int
    pending: int
    removed_by: str
    removed_by_person: PersonBeside = None
    removed_at: datetime


class RemovedQueuePage(Model):
    items: list[RemovedQueueView]
    next_cursor: str | None = None


@router.get(
    "/queues/{queue_id}/contents",
    operation_id="getQueueContents",
    response_model=QueueContentsView,
)
async def get_queue_contents(
    request: Request, principal: Editor, queue_id: str
) -> QueueContentsView:
    """What is in a queue, before it is emptied or removed."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        kinds = (Kind.QUEUE, Kind.ROUTING_RULE, Kind.SETTINGS)
        catalogue = await load_catalogue(connection, principal.org_id, kinds)
        if catalogue.get(Kind.QUEUE, Queue, queue_id) is None:
            raise NotFound(f"no queue {queue_id}")
        as_of = context.clock()
        may_see = principal.may(Permission.VIEW_CHILD_SAFETY_DATA)
        found = await queues.contents(connection, principal.org_id, queue_id, child_safety=may_see)
    return QueueContentsView(
        queue_id=queue_id,
        pending=found.pending,
        leased=found.leased,
        by_kind={str(kind): count for kind, count in found.by_kind.items()},
        child_safety=found.csam if may_see else None,
        closable=found.closable,
        used_by=[
            f"{kind} {name_of(user)}" for kind, user in catalogue.users_of(Kind.QUEUE, queue_id)
        ],
        as_of=as_of,
    )


@router.delete("/queues/{document_id}", operation_id="deleteQueue", status_code=204)
async def delete_queue(
    request: Request,
    principal: Editor,
    document_id: str,
    move_to: Annotated[
        str | None,
        Query(
            alias="moveTo",
            min_length=1,
            max_length=128,
            description="The queue in which pending jobs go on; required while there are any.",
        ),
    ] = None,
    if_match: str | None = IF_MATCH,
) -> Response:
    """Remove a queue. What is in it goes on in another one; leases on it end."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        await removal.remove(
            configuration, document_id, move_to=move_to, expected=expected_revision(if_match)
        )
    return Response(status_code=204)


@router.get("/removed-queues", operation_id="listRemovedQueues", response_model=RemovedQueuePage)
async def list_removed_queues(
    request: Request, principal: Editor, limit: Limit = 50, cursor: Cursor = None
) -> RemovedQueuePage:
    """Queues that were removed, and how many of their jobs have yet to go on."""
    after = decode_cursor(cursor)
    items = []
    async with transaction(context_of(request).engine) as connection:
        rows = await removal.page(connection, principal.org_id, after=after, limit=limit + 1)
        page, next_cursor = cut(rows, limit, lambda row: str(row.queue_id))
        for row in page:
            left = await queues.contents(
                connection,
                principal.org_id,
                row.queue_id,
                child_safety=principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
            )
            items.append(
                RemovedQueueView(
                    id=row.queue_id,
                    name=row.name,
                    is_appeals_queue=row.is_appeals_queue,
                    move_to=row.move_to,
                    moved=row.moved,
                    pending=left.pending,
                    removed_by=row.removed_by,
                    removed_at=row.removed_at,
                )
            )
    return RemovedQueuePage(items=items, next_cursor=next_cursor)
