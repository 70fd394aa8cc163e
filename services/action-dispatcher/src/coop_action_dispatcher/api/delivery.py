"""Routes of deliveries: look, and send again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy.engine import Row

from coop_action_dispatcher import delivery_view, redelivery
from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.api.cursor import decode_number, encode_cursor
from coop_action_dispatcher.asked import Asked, decode
from coop_action_dispatcher.delivery_view import DeliveryFilter
from coop_contracts.dispatch import (
    GET_DELIVERY,
    LIST_DELIVERIES,
    REDELIVER_DEAD,
    REDELIVER_ONE,
    Deliveries,
    DeliveriesQuestion,
    DeliveryAttempt,
    DeliveryDetail,
    DeliveryQuestion,
    DeliverySummary,
    RedeliverDead,
    RedeliveredOne,
    RedeliverOne,
)
from coop_contracts.event import CallbackRequested, ItemRef
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["deliveries"])


@on(router, LIST_DELIVERIES)
async def list_deliveries(
    request: Request, org_id: OrgId, asked: Annotated[DeliveriesQuestion, asking(LIST_DELIVERIES)]
) -> Response:
    """Deliveries, the newest first."""
    before, wanted = decode_number(asked.cursor), _filter(asked, state=asked.state)
    async with transaction(context_of(request).engine) as connection:
        found = await delivery_view.page(
            connection, org_id, wanted, before=before, limit=asked.limit + 1
        )
    rows = found[: asked.limit]
    page = Deliveries(
        items=tuple(DeliverySummary(**_summary(row)) for row in rows),
        next_cursor=encode_cursor(rows[-1].seq) if len(found) > asked.limit else None,
    )
    return answer(LIST_DELIVERIES, page)


@on(router, REDELIVER_DEAD)
async def redeliver_many(
    request: Request, org_id: OrgId, asked: Annotated[RedeliverDead, asking(REDELIVER_DEAD)]
) -> Response:
    """Sends dead deliveries again, the oldest first."""
    if asked == RedeliverDead():
        raise HTTPException(422, "say which: by kind, action, endpoint, rule, item or time")
    done = await redelivery.redeliver(context_of(request).engine, org_id, _filter(asked))
    return answer(REDELIVER_DEAD, done)


@on(router, GET_DELIVERY)
async def get_delivery(
    request: Request, org_id: OrgId, asked: Annotated[DeliveryQuestion, asking(GET_DELIVERY)]
) -> Response:
    """One delivery with its attempts."""
    async with transaction(context_of(request).engine) as connection:
        found = await delivery_view.one(connection, org_id, str(asked.execution_id))
    if found is None:
        raise HTTPException(404, "no such delivery")
    row, attempts = found
    detail = DeliveryDetail(
        **_summary(row),
        **_origin(decode(row.request)),
        body=bytes(row.body).decode(errors="replace") if row.body is not None else None,
        log=tuple(DeliveryAttempt(**one._mapping) for one in attempts),
    )
    return answer(GET_DELIVERY, detail)


@on(router, REDELIVER_ONE)
async def redeliver_one(
    request: Request, org_id: OrgId, asked: Annotated[RedeliverOne, asking(REDELIVER_ONE)]
) -> Response:
    """Sends a dead delivery again, with the same id."""
    execution_id = str(asked.execution_id)
    try:
        done = await redelivery.redeliver_one(context_of(request).engine, org_id, execution_id)
    except redelivery.NotDead as error:
        raise HTTPException(409, str(error)) from None
    if not done:
        raise HTTPException(404, "no such delivery")
    return answer(REDELIVER_ONE, RedeliveredOne(execution_id=execution_id))


def number_of(text: str | None) -> int | None:
    """An endpoint's id. What is no number is an endpoint that is not there."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _filter(
    asked: DeliveriesQuestion | RedeliverDead, *, state: str | None = None
) -> DeliveryFilter:
    if (asked.item_id is None) != (asked.item_type_id is None):
        raise HTTPException(422, "itemId and itemTypeId go together")
    return DeliveryFilter(
        state=state,
        kind=asked.kind,
        item_type_id=asked.item_type_id,
        item_id=asked.item_id,
        action_id=asked.action_id,
        endpoint_id=number_of(asked.endpoint_id),
        rule_id=asked.rule_id,
        since=asked.since,
        until=asked.until,
    )


def _summary(row: Row[Any]) -> dict[str, Any]:
    pending = row.state == "PENDING"
    return {
        "execution_id": row.execution_id,
        "kind": row.kind,
        "action_id": row.action_id,
        "item": ItemRef(row.item_id, row.item_type_id),
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


def _origin(asked: Asked) -> dict[str, Any]:
    """Who or what asked for it, and why."""
    if isinstance(asked, CallbackRequested):
        return {
            "source": "MRT_JOB",
            "rules": (),
            "policy_ids": (),
            "actor_id": None,
            "cause_id": asked.decision_id,
            "reverses": None,
        }
    return {
        "source": asked.source,
        "rules": asked.rules,
        "policy_ids": asked.policy_ids,
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
