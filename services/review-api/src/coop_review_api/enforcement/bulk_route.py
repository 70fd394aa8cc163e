"""Bulk actions and reversals: ordering, previewing, confirming, following them.

Guarantees: nothing happens before the confirmation; above the organisation's limit the number of
items has to be said in it, so that nobody confirms what they have not seen.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, Field, JsonValue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.document_model import Id
from coop_review_api.enforcement import bulk_store, reversal
from coop_review_api.enforcement.bulk import (
    KINDS,
    MAX_ITEMS,
    Order,
    ReversalOf,
    Target,
    check_order,
)
from coop_review_api.enforcement.bulk_view import (
    BulkActionPage,
    BulkActionView,
    BulkItemPage,
    PreviewView,
    fields_of,
    item_views,
    needs_total,
    preview,
    row_of,
    view_of,
    visible_items,
)
from coop_review_api.enforcement.table import bulk_items, bulk_jobs
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import context_of
from coop_review_api.http.page import MAX_INTEGER, Cursor, Limit, cut, decode_cursor, decode_number
from coop_review_api.http.upload import LargeJsonBody
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.visibility import scope_of
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["bulk actions"])

MAX_NOTE = 5000
MAX_ITEM_ID = 512

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
    order = Order(
        item_type_id=body.item_type_id,
        action_ids=tuple(body.action_ids),
        policy_ids=tuple(body.policy_ids),
        parameters=body.parameters,
        note=body.note,
    )
    item_ids = _item_ids(body.item_ids, body.csv)
    async with transaction(context.engine) as connection:
        catalogue = await load_catalogue(connection, principal.org_id, [*KINDS, Kind.SETTINGS])
        faults = check_order(order, catalogue)
        if faults:
            raise Invalid(faults)
        bulk_id = await bulk_store.create(
            connection,
            principal,
            order,
            kind="ACTION",
            revision=catalogue.revision,
            now=context.clock(),
        )
        targets = [Target(item=ItemRef(item_id, body.item_type_id)) for item_id in item_ids]
        return await preview(connection, principal, bulk_id, targets, catalogue, context.clock())


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
    item_ids = _item_ids(body.item_ids, body.csv)
    async with transaction(context.engine) as connection:
        job = await bulk_store.locked(connection, principal, bulk_id)
        if job.kind != "ACTION":
            raise Conflict("a reversal's items are its executions")
        type_id = job.order["itemTypeId"]
        targets = [Target(item=ItemRef(item_id, type_id)) for item_id in item_ids]
        catalogue = await load_catalogue(connection, principal.org_id, [Kind.SETTINGS])
        return await preview(connection, principal, bulk_id, targets, catalogue, context.clock())


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
        of, targets = await _to_reverse(connection, principal, body, now)
        if not targets:
            raise Conflict("there is nothing to reverse")
        await _require_named(connection, principal, body, targets, now)
        targets = await reversal.left_of(connection, principal.org_id, targets, now=now)
        catalogue = await load_catalogue(connection, principal.org_id, [Kind.SETTINGS])
        bulk_id = await bulk_store.create(
            connection,
            principal,
            Order(note=body.note, of=of),
            kind="REVERSAL",
            revision=catalogue.revision,
            now=now,
        )
        return await preview(connection, principal, bulk_id, targets, catalogue, context.clock())


async def _to_reverse(
    connection: AsyncConnection, principal: Principal, body: ReversalBody, now: datetime
) -> tuple[ReversalOf, list[Target]]:
    """What is to be taken back."""
    of = _of(body, now)
    org_id = principal.org_id
    match of.kind:
        case "EXECUTION":
            found = await reversal.of_execution(connection, org_id, of.id)
        case "DECISION":
            scope = await scope_of(connection, principal)
            found = await reversal.of_decision(connection, scope, of.id)
        case "BULK_ACTION":
            found = await reversal.of_bulk(connection, org_id, of.id)
        case "RULE":
            found = await reversal.of_rule(
                connection, org_id, of.id, since=of.since or now, until=of.until or now
            )
    return of, found


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


async def _require_named(
    connection: AsyncConnection,
    principal: Principal,
    body: ReversalBody,
    targets: Sequence[Target],
    now: datetime,
) -> None:
    """Raises `NotFound` for a single decision or execution that the caller may not see. What a rule
    or a bulk action did is taken back whole, whatever was among it."""
    if body.decision_id is not None:
        target, causes = ("decision", body.decision_id), [body.decision_id]
    elif body.execution_id is not None:
        target, causes = ("execution", body.execution_id), []
    else:
        return
    items = [one.item for one in targets] if body.execution_id else []
    await child_safety.require(connection, principal, target, items=items, causes=causes, now=now)


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
        job = await bulk_store.locked(connection, principal, bulk_id)
        catalogue = await load_catalogue(connection, principal.org_id, [Kind.SETTINGS])
        if needs_total(job, catalogue) and body.total is None:
            raise Invalid([Fault("/total", f"say the number of items: {job.total}")])
        if body.total is not None and body.total != job.total:
            raise Conflict(f"this bulk action has {job.total} items, not {body.total}")
        await bulk_store.steer(connection, principal, job, "confirm", now=context.clock())
        return await view_of(connection, principal, bulk_id, catalogue)


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
        return await view_of(connection, principal, bulk_id)


@router.get("/bulk-actions", operation_id="listBulkActions", response_model=BulkActionPage)
async def list_bulk_actions(
    request: Request, principal: Actor, limit: Limit = 50, cursor: Cursor = None
) -> BulkActionPage:
    """Bulk actions and reversals, newest first."""
    query = select(bulk_jobs).where(bulk_jobs.c.org_id == principal.org_id)
    after = decode_cursor(cursor)
    if after is not None:
        query = query.where(bulk_jobs.c.bulk_id < after)
    # The id is a UUIDv7: its order is that of the times.
    query = query.order_by(bulk_jobs.c.bulk_id.desc()).limit(limit + 1)
    async with transaction(context_of(request).engine) as connection:
        catalogue = await load_catalogue(connection, principal.org_id, [Kind.SETTINGS])
        rows = (await connection.execute(query)).all()
    page, next_cursor = cut(rows, limit, lambda row: str(row.bulk_id))
    return BulkActionPage(
        items=[BulkActionView(**fields_of(row, catalogue)) for row in page], next_cursor=next_cursor
    )


@router.get("/bulk-actions/{bulk_id}", operation_id="getBulkAction", response_model=BulkActionView)
async def get_bulk_action(request: Request, principal: Actor, bulk_id: str) -> BulkActionView:
    """A bulk action and how far it is."""
    async with transaction(context_of(request).engine) as connection:
        return await view_of(connection, principal, bulk_id)


@router.get(
    "/bulk-actions/{bulk_id}/items",
    operation_id="listBulkActionItems",
    response_model=BulkItemPage,
)
async def list_bulk_action_items(
    request: Request,
    principal: Actor,
    bulk_id: str,
    state: Annotated[Literal["WAITING", "REQUESTED", "REFUSED"] | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BulkItemPage:
    """What became of each item."""
    after = decode_number(cursor, most=MAX_INTEGER)
    context = context_of(request)
    async with transaction(context.engine) as connection:
        job = await row_of(connection, principal, bulk_id)
        query = select(bulk_items).where(bulk_items.c.bulk_id == bulk_id)
        if state is not None:
            query = query.where(bulk_items.c.state == state)
        if after is not None:
            query = query.where(bulk_items.c.position > after)
        query = query.order_by(bulk_items.c.position).limit(limit + 1)
        rows = (await connection.execute(query)).all()
        page, next_cursor = cut(rows, limit, lambda row: str(row.position))
        page = await visible_items(connection, principal, job, page, context.clock())
        items = await item_views(connection, principal.org_id, page)
    return BulkItemPage(items=items, next_cursor=next_cursor)


_LARGE = re.compile(r"/v1/bulk-actions(/[^/]+/items)?")


def is_large(method: str, path: str) -> bool:
    """Whether a request names items: 100,000 are more than the usual body."""
    return method == "POST" and _LARGE.fullmatch(path) is not None


def _item_ids(listed: list[str], lines: str | None) -> list[str]:
    """The ids of a list and of a CSV text, whose first line may be a header."""
    found = list(listed)
    faults = []
    if lines is not None:
        reader = csv.reader(io.StringIO(lines.removeprefix("\ufeff"), newline=""))
        for number, row in enumerate(reader, start=1):
            item_id = row[0].strip() if row else ""
            if not item_id or (number == 1 and item_id.lower() in {"id", "itemid", "item_id"}):
                continue
            if len(item_id) > MAX_ITEM_ID:
                faults.append(Fault("/csv", f"line {number}: at most {MAX_ITEM_ID} characters"))
            found.append(item_id)
    if len(found) > MAX_ITEMS:
        faults.append(Fault("/csv" if lines is not None else "/itemIds", f"at most {MAX_ITEMS}"))
    if faults:
        raise Invalid(faults[:50])
    return found
