"""Bulk actions and reversals: ordering, previewing, confirming, following them.

Guarantees: a list of items may be large; it is read after its sender's permission was seen.
Must not: decide anything; `bulk_order` and `bulk_store` do.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, Field, JsonValue
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.enforcement import bulk_lookup, bulk_order, bulk_store
from coop_review_api.enforcement.bulk import MAX_ITEMS, BulkOrder, ReversalOf
from coop_review_api.enforcement.bulk_lookup import ItemState
from coop_review_api.enforcement.bulk_view import (
    BulkActionPage,
    BulkActionView,
    BulkItemPage,
    PreviewView,
    bulk_view,
    item_view,
    preview_view,
)
from coop_review_api.enforcement.item_list import MAX_ITEM_ID, item_ids_of
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import context_of
from coop_review_api.http.page import MAX_INTEGER, Cursor, Limit, cut, decode_cursor, decode_number
from coop_review_api.http.upload import LargeJsonBody
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["bulk actions"])

MAX_NOTE = 5000

_acts = requires(Permission.MANUALLY_ACTION_CONTENT)
Actor = Annotated[Principal, Depends(_acts)]
ItemId = Annotated[str, Field(min_length=1, max_length=MAX_ITEM_ID)]
Note = Annotated[str, Field(max_length=MAX_NOTE)]


class BulkActionBody(Body):
    """Actions on many items of one type. `items` may also be added in further requests, or come as
    CSV: one id a line. `parameters`: values by action id, then by name."""

    item_type_id: Id
    action_ids: Annotated[list[Id], Field(min_length=1, max_length=20)]
    item_ids: Annotated[list[ItemId], Field(max_length=MAX_ITEMS)] = Field(default_factory=list)
    csv: Annotated[str, Field(max_length=50_000_000)] | None = None
    policy_ids: Annotated[list[Id], Field(max_length=50)] = Field(default_factory=list)
    parameters: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    note: Note | None = None


class ItemsBody(Body):
    """More items for a bulk action that is not confirmed yet."""

    item_ids: Annotated[list[ItemId], Field(max_length=MAX_ITEMS)] = Field(default_factory=list)
    csv: Annotated[str, Field(max_length=50_000_000)] | None = None


class BulkConfirmBody(Body):
    """`total` is the number of items as previewed."""

    total: int | None = None


class ReversalBody(Body):
    """Whose executions to take back: a decision's, a bulk action's, what a rule did since, or a
    single one."""

    decision_id: Id | None = None
    bulk_id: Id | None = None
    rule_id: Id | None = None
    execution_id: Id | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    note: Note | None = None


_bulk_body = LargeJsonBody(BulkActionBody)
_items_body = LargeJsonBody(ItemsBody)
_confirm_body = JsonBody(BulkConfirmBody)
_reversal_body = JsonBody(ReversalBody)


@router.post(
    "/bulk-actions",
    operation_id="createBulkAction",
    response_model=PreviewView,
    status_code=201,
    openapi_extra=_bulk_body.openapi(),
)
async def create_bulk_action(
    request: Request, principal: Actor, body: Annotated[BulkActionBody, Depends(_bulk_body)]
) -> PreviewView:
    """Order actions on many items and see what they would touch. Nothing happens yet."""
    context = context_of(request)
    order = BulkOrder(
        item_type_id=body.item_type_id,
        action_ids=tuple(body.action_ids),
        policy_ids=tuple(body.policy_ids),
        parameters=body.parameters,
        note=body.note,
    )
    item_ids = item_ids_of(body.item_ids, body.csv)
    async with transaction(context.engine) as connection:
        made = await bulk_order.order_action(
            connection, principal, order, item_ids, now=context.clock()
        )
    return preview_view(made)


@router.post(
    "/bulk-actions/{bulk_id}/items",
    operation_id="addBulkActionItems",
    response_model=PreviewView,
    openapi_extra=_items_body.openapi(),
)
async def add_bulk_action_items(
    request: Request,
    principal: Actor,
    bulk_id: str,
    body: Annotated[ItemsBody, Depends(_items_body)],
) -> PreviewView:
    """Add items before the confirmation."""
    context = context_of(request)
    item_ids = item_ids_of(body.item_ids, body.csv)
    async with transaction(context.engine) as connection:
        more = await bulk_order.add_items(
            connection, principal, bulk_id, item_ids, now=context.clock()
        )
    return preview_view(more)


@router.post(
    "/reversals",
    operation_id="createReversal",
    response_model=PreviewView,
    status_code=201,
    openapi_extra=_reversal_body.openapi(),
)
async def create_reversal(
    request: Request, principal: Actor, body: Annotated[ReversalBody, Depends(_reversal_body)]
) -> PreviewView:
    """Take back what a decision, a bulk action, a rule or one execution did: strikes, and by each
    action's reverse action what the platform did. What was taken back already is left out. A bulk
    action like any other: nothing happens before it is confirmed."""
    context = context_of(request)
    now = context.clock()
    async with transaction(context.engine) as connection:
        made = await bulk_order.order_reversal(
            connection, principal, _of(body, now), note=body.note, now=now
        )
    return preview_view(made)


def _of(body: ReversalBody, now: datetime) -> ReversalOf:
    named: list[ReversalOf] = []
    if body.execution_id is not None:
        named.append(ReversalOf(kind="EXECUTION", id=body.execution_id))
    if body.decision_id is not None:
        named.append(ReversalOf(kind="DECISION", id=body.decision_id))
    if body.bulk_id is not None:
        named.append(ReversalOf(kind="BULK_ACTION", id=body.bulk_id))
    if body.rule_id is not None:
        if body.since is None:
            raise Invalid([Fault("/since", "required with ruleId")])
        until = body.until or now
        named.append(ReversalOf(kind="RULE", id=body.rule_id, since=body.since, until=until))
    if len(named) != 1:
        raise Invalid([Fault("", "one of decisionId, bulkId, ruleId and executionId")])
    return named[0]


@router.post(
    "/bulk-actions/{bulk_id}/confirm",
    operation_id="confirmBulkAction",
    response_model=BulkActionView,
    openapi_extra=_confirm_body.openapi(),
)
async def confirm_bulk_action(
    request: Request,
    principal: Actor,
    bulk_id: str,
    body: Annotated[BulkConfirmBody, Depends(_confirm_body)],
) -> BulkActionView:
    """Start it. Above the organisation's limit the total has to be said."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        now = context.clock()
        await bulk_order.confirm(connection, principal, bulk_id, total=body.total, now=now)
        return await _view(connection, principal, bulk_id)


@router.post(
    "/bulk-actions/{bulk_id}/{command}",
    operation_id="steerBulkAction",
    response_model=BulkActionView,
)
async def steer_bulk_action(
    request: Request, principal: Actor, bulk_id: str, command: Literal["pause", "resume", "cancel"]
) -> BulkActionView:
    """Pause, go on, or end it. What was asked for already happens."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        job = await bulk_store.locked(connection, principal, bulk_id)
        await bulk_store.steer(connection, principal, job, command, now=context.clock())
        return await _view(connection, principal, bulk_id)


@router.get("/bulk-actions", operation_id="listBulkActions", response_model=BulkActionPage)
async def list_bulk_actions(
    request: Request, principal: Actor, limit: Limit = 50, cursor: Cursor = None
) -> BulkActionPage:
    """Bulk actions and reversals, newest first."""
    before = decode_cursor(cursor)
    async with transaction(context_of(request).engine) as connection:
        rows = await bulk_lookup.page(connection, principal.org_id, before=before, limit=limit + 1)
        above = await bulk_lookup.confirmation_above(connection, principal.org_id)
    page, next_cursor = cut(rows, limit, lambda row: str(row.bulk_id))
    items = [bulk_view(row, confirmation_above=above) for row in page]
    return BulkActionPage(items=items, next_cursor=next_cursor)


@router.get("/bulk-actions/{bulk_id}", operation_id="getBulkAction", response_model=BulkActionView)
async def get_bulk_action(request: Request, principal: Actor, bulk_id: str) -> BulkActionView:
    """A bulk action and how far it is."""
    async with transaction(context_of(request).engine) as connection:
        return await _view(connection, principal, bulk_id)


@router.get(
    "/bulk-actions/{bulk_id}/items",
    operation_id="listBulkActionItems",
    response_model=BulkItemPage,
)
async def list_bulk_action_items(
    request: Request,
    principal: Actor,
    bulk_id: str,
    state: Annotated[ItemState | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BulkItemPage:
    """What became of each item."""
    after = decode_number(cursor, most=MAX_INTEGER)
    context = context_of(request)
    async with transaction(context.engine) as connection:
        job = await bulk_lookup.find(connection, principal.org_id, bulk_id)
        rows = await bulk_lookup.items(
            connection, bulk_id, state=state, after=after, limit=limit + 1
        )
        page, next_cursor = cut(rows, limit, lambda row: str(row.position))
        shown = await bulk_lookup.visible(connection, principal, job, page, context.clock())
    return BulkItemPage(items=[item_view(one) for one in shown], next_cursor=next_cursor)


async def _view(connection: AsyncConnection, principal: Principal, bulk_id: str) -> BulkActionView:
    job = await bulk_lookup.find(connection, principal.org_id, bulk_id)
    above = await bulk_lookup.confirmation_above(connection, principal.org_id)
    return bulk_view(job, confirmation_above=above)


_LARGE = re.compile(r"/v1/bulk-actions(/[^/]+/items)?")


def is_large(method: str, path: str) -> bool:
    """Whether a request names items: 100,000 are more than the usual body."""
    return method == "POST" and _LARGE.fullmatch(path) is not None
