"""Routes of deliveries: look, and send again."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import AwareDatetime
from sqlalchemy.engine import Row

from coop_action_dispatcher import delivery_view, redelivery
from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.api.model import (
    Body,
    Cursor,
    Limit,
    Model,
    Moment,
    Text,
    decode_number,
    encode_cursor,
)
from coop_action_dispatcher.api.path import PREFIX, OrgId
from coop_action_dispatcher.asked import Asked, Kind, decode
from coop_action_dispatcher.delivery_view import Filter
from coop_contracts.event import CallbackRequested
from coop_runtime.database.engine import transaction

router = APIRouter(prefix=PREFIX, tags=["deliveries"])

State = Literal["PENDING", "DELIVERED", "DEAD"]
Id = Annotated[Text | None, Query(max_length=512)]


class ItemReference(Model):
    id: str
    type_id: str


class DeliverySummary(Model):
    """`waitsFor` says why a pending delivery is not sent now: `RETRY` (its next attempt is at
    `nextAttemptAt`), `ITEM` (an earlier one of its item), `ENDPOINT` (paused), `HELD` (our side:
    see `lastError`); null when it is under way or due. What is not of the kind `ACTION` is a
    callback, which no action asked for."""

    execution_id: str
    kind: Kind
    action_id: str | None
    item: ItemReference
    state: State
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
    items: list[DeliverySummary]
    next_cursor: str | None


class Attempt(Model):
    """`response`: the first 2 KB of the answer."""

    number: int
    started_at: datetime
    latency_ms: float
    status: int | None
    error: str | None
    response: str | None


class DeliveryDetail(DeliverySummary):
    """`body` is what is sent, as text; null while it could not be made."""

    source: str
    rules: list[dict[str, Any]]
    policy_ids: list[str]
    actor_id: str | None
    cause_id: str
    reverses: str | None
    body: str | None
    log: list[Attempt]


class RedeliverBody(Body):
    """Which dead deliveries: all of what is given must hold, and something must be given."""

    kind: Kind | None = None
    action_id: Text | None = None
    endpoint_id: Text | None = None
    rule_id: Text | None = None
    item_type_id: Text | None = None
    item_id: Text | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class RedeliveredView(Model):
    """`more`: the limit of one call was reached; call again."""

    count: int
    more: bool


def _wanted(
    state: State | None = None,
    kind: Kind | None = None,
    item_type_id: Annotated[Id, Query(alias="itemTypeId")] = None,
    item_id: Annotated[Id, Query(alias="itemId")] = None,
    action_id: Annotated[Id, Query(alias="actionId")] = None,
    endpoint_id: Annotated[Id, Query(alias="endpointId")] = None,
    rule_id: Annotated[Id, Query(alias="ruleId")] = None,
    since: Moment = None,
    until: Moment = None,
) -> Filter:
    if (item_id is None) != (item_type_id is None):
        raise HTTPException(422, "itemId and itemTypeId go together")
    return Filter(
        state=state,
        kind=kind,
        item_type_id=item_type_id,
        item_id=item_id,
        action_id=action_id,
        endpoint_id=number_of(endpoint_id),
        rule_id=rule_id,
        since=since,
        until=until,
    )


@router.get("/deliveries", response_model=DeliveryPage)
async def list_deliveries(
    request: Request,
    org_id: OrgId,
    wanted: Annotated[Filter, Depends(_wanted)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DeliveryPage:
    """Deliveries, the newest first."""
    async with transaction(context_of(request).engine) as connection:
        found = await delivery_view.page(
            connection, org_id, wanted, before=decode_number(cursor), limit=limit + 1
        )
    rows = found[:limit]
    return DeliveryPage(
        items=[DeliverySummary(**_summary(row)) for row in rows],
        next_cursor=encode_cursor(rows[-1].seq) if len(found) > limit else None,
    )


@router.post("/deliveries/redeliver", response_model=RedeliveredView)
async def redeliver_many(request: Request, org_id: OrgId, body: RedeliverBody) -> RedeliveredView:
    """Sends dead deliveries again, the oldest first."""
    given = body.model_dump(exclude_none=True)
    if not given:
        raise HTTPException(422, "say which: by kind, action, endpoint, rule, item or time")
    if (body.item_id is None) != (body.item_type_id is None):
        raise HTTPException(422, "itemId and itemTypeId go together")
    if body.endpoint_id is not None:
        given["endpoint_id"] = number_of(body.endpoint_id)
    done = await redelivery.redeliver(context_of(request).engine, org_id, Filter(**given))
    return RedeliveredView(count=done.count, more=done.more)


@router.get("/deliveries/{execution_id}", response_model=DeliveryDetail)
async def get_delivery(
    request: Request, org_id: OrgId, execution_id: Annotated[uuid.UUID, Path()]
) -> DeliveryDetail:
    """One delivery with its attempts."""
    async with transaction(context_of(request).engine) as connection:
        found = await delivery_view.one(connection, org_id, str(execution_id))
    if found is None:
        raise HTTPException(404, "no such delivery")
    row, attempts = found
    return DeliveryDetail(
        **_summary(row),
        **_asked(decode(row.request)),
        body=bytes(row.body).decode(errors="replace") if row.body is not None else None,
        log=[Attempt(**one._mapping) for one in attempts],
    )


@router.post("/deliveries/{execution_id}/redeliver", status_code=202)
async def redeliver_one(
    request: Request, org_id: OrgId, execution_id: Annotated[uuid.UUID, Path()]
) -> dict[str, str]:
    """Sends a dead delivery again, with the same id."""
    try:
        done = await redelivery.redeliver_one(context_of(request).engine, org_id, str(execution_id))
    except redelivery.NotDead as error:
        raise HTTPException(409, str(error)) from None
    if not done:
        raise HTTPException(404, "no such delivery")
    return {"executionId": str(execution_id)}


def number_of(text: str | None) -> int | None:
    """An endpoint's id. What is no number is an endpoint that is not there."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _summary(row: Row[Any]) -> dict[str, Any]:
    pending = row.state == "PENDING"
    return {
        "execution_id": row.execution_id,
        "kind": row.kind,
        "action_id": row.action_id,
        "item": ItemReference(id=row.item_id, type_id=row.item_type_id),
        "state": row.state,
        "attempts": row.attempts,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "next_attempt_at": row.next_attempt_at if pending else None,
        "waits_for": _waits_for(row) if pending else None,
        "last_status": row.last_status,
        "last_error": row.last_error,
        "endpoint_id": str(row.endpoint_id),
        "endpoint": row.endpoint,
    }


def _asked(asked: Asked) -> dict[str, Any]:
    if isinstance(asked, CallbackRequested):
        return {
            "source": "MRT_JOB",
            "rules": [],
            "policy_ids": [],
            "actor_id": None,
            "cause_id": asked.decision_id,
            "reverses": None,
        }
    return {
        "source": asked.source,
        "rules": msgspec.to_builtins(asked.rules),
        "policy_ids": list(asked.policy_ids),
        "actor_id": asked.actor_id,
        "cause_id": asked.cause_id or asked.correlation_id,
        "reverses": asked.reverses,
    }


def _waits_for(row: Row[Any]) -> str | None:
    if row.under_way:
        return None
    if not row.head:
        return "ITEM"
    if row.endpoint_paused:
        return "ENDPOINT"
    if row.held:
        return "HELD"
    return "RETRY" if row.attempts else None
