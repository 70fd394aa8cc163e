"""Routes of strikes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from coop_action_dispatcher import strike_view
from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.api.model import (
    Cursor,
    Limit,
    Model,
    Text,
    decode_number,
    encode_cursor,
)
from coop_action_dispatcher.api.path import PREFIX, OrgId
from coop_action_dispatcher.strike import User
from coop_contracts.event import ItemRef
from coop_runtime.database.engine import transaction

router = APIRouter(prefix=PREFIX, tags=["strikes"])

_MAX_BUCKETS = 1000


class StrikeExecution(Model):
    execution_id: str
    action_id: str
    policy_id: str
    weight: int
    reversed_at: datetime | None


class Strike(Model):
    """`executions` are those of the cause, the heaviest first, not more than fifty."""

    strike_id: str
    cause_id: str
    policy_id: str
    weight: int
    state: Literal["LIVE", "EXPIRED", "REVERSED"]
    struck_at: datetime
    expires_at: datetime
    executions: list[StrikeExecution]


class UserStrikes(Model):
    """`total` is the sum of the live strikes, all pages together."""

    total: int
    next_expiry_at: datetime | None
    items: list[Strike]
    next_cursor: str | None


class Bucket(Model):
    strikes: int
    users: int


class Distribution(Model):
    items: list[Bucket]


class Reference(Model):
    id: str
    type_id: str


class Execution(Model):
    execution_id: str
    action_id: str


class ThresholdAction(Model):
    """A user reached a threshold: what was done, and when they fell below it again, if so."""

    crossing_id: str
    user: Reference
    threshold: int
    total: int
    cause_id: str
    executions: list[Execution]
    crossed_at: datetime
    fell_at: datetime | None


class ThresholdActions(Model):
    items: list[ThresholdAction]
    next_cursor: str | None


@router.get("/strikes")
async def user_strikes(
    request: Request,
    org_id: OrgId,
    type_id: Annotated[Text, Query(alias="typeId", min_length=1, max_length=512)],
    user_id: Annotated[Text, Query(alias="userId", min_length=1, max_length=512)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> UserStrikes:
    """A user's strikes with their causes, newest first, expired and reversed ones too."""
    user = User(org_id, ItemRef(user_id, type_id))
    before = decode_number(cursor)
    async with transaction(context_of(request).engine) as connection:
        summary = await strike_view.total(connection, user)
        found = await strike_view.strikes(connection, user, before=before, limit=limit + 1)
    return UserStrikes(
        total=summary.total,
        next_expiry_at=summary.next_expiry_at,
        items=[
            Strike(
                strike_id=str(row.strike_id),
                cause_id=row.cause_id,
                policy_id=row.policy_id,
                weight=row.weight,
                state=row.state,
                struck_at=row.struck_at,
                expires_at=row.expires_at,
                executions=[StrikeExecution.model_validate(one) for one in row.executions],
            )
            for row in found[:limit]
        ],
        next_cursor=_next(found, limit),
    )


@router.get("/strikes/distribution")
async def strike_distribution(request: Request, org_id: OrgId) -> Distribution:
    """How many users have how many live strikes."""
    async with transaction(context_of(request).engine) as connection:
        found = await strike_view.distribution(connection, org_id, limit=_MAX_BUCKETS)
    return Distribution(items=[Bucket(strikes=row.strikes, users=row.users) for row in found])


@router.get("/strikes/threshold-actions")
async def threshold_actions(
    request: Request, org_id: OrgId, limit: Limit = 50, cursor: Cursor = None
) -> ThresholdActions:
    """What thresholds did, newest first."""
    before = decode_number(cursor)
    async with transaction(context_of(request).engine) as connection:
        found = await strike_view.crossings(connection, org_id, before=before, limit=limit + 1)
    items = []
    for row in found[:limit]:
        user = strike_view.user_of(row)
        items.append(
            ThresholdAction(
                crossing_id=str(row.crossing_id),
                user=Reference(id=user.id, type_id=user.type_id),
                threshold=row.threshold,
                total=row.total,
                cause_id=row.cause_id,
                executions=[Execution.model_validate(one) for one in row.executions],
                crossed_at=row.crossed_at,
                fell_at=row.fell_at,
            )
        )
    return ThresholdActions(items=items, next_cursor=_next(found, limit))


def _next(found: Any, limit: int) -> str | None:
    return encode_cursor(found[limit - 1].seq) if len(found) > limit else None
