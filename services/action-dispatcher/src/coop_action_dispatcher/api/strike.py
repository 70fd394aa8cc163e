"""Routes of strikes."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.engine import Row

from coop_action_dispatcher import strike_view
from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.api.cursor import decode_number, encode_cursor
from coop_action_dispatcher.strike import User
from coop_contracts.dispatch import (
    GET_STRIKE_DISTRIBUTION,
    LIST_THRESHOLD_ACTIONS,
    LIST_USER_STRIKES,
    StrikeBucket,
    StrikeDistribution,
    StrikeDistributionQuestion,
    StrikeExecution,
    ThresholdAction,
    ThresholdActions,
    ThresholdActionsQuestion,
    UserStrike,
    UserStrikes,
    UserStrikesQuestion,
)
from coop_contracts.event import ItemRef, RequestedExecution
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["strikes"])

_MAX_BUCKETS = 1000


@on(router, LIST_USER_STRIKES)
async def user_strikes(
    request: Request,
    org_id: OrgId,
    asked: Annotated[UserStrikesQuestion, asking(LIST_USER_STRIKES)],
) -> Response:
    """A user's strikes with their causes, newest first, expired and reversed ones too."""
    user = User(org_id, ItemRef(asked.user_id, asked.type_id))
    before, limit = decode_number(asked.cursor), asked.limit
    async with transaction(context_of(request).engine) as connection:
        summary = await strike_view.total(connection, user)
        found = await strike_view.strikes(connection, user, before=before, limit=limit + 1)
    page = UserStrikes(
        total=summary.total,
        next_expiry_at=summary.next_expiry_at,
        items=tuple(_strike(row) for row in found[:limit]),
        next_cursor=_next(found, limit),
    )
    return answer(LIST_USER_STRIKES, page)


@on(router, GET_STRIKE_DISTRIBUTION)
async def strike_distribution(
    request: Request,
    org_id: OrgId,
    _asked: Annotated[StrikeDistributionQuestion, asking(GET_STRIKE_DISTRIBUTION)],
) -> Response:
    """How many users have how many live strikes."""
    async with transaction(context_of(request).engine) as connection:
        found = await strike_view.distribution(connection, org_id, limit=_MAX_BUCKETS)
    buckets = tuple(StrikeBucket(strikes=row.strikes, users=row.users) for row in found)
    return answer(GET_STRIKE_DISTRIBUTION, StrikeDistribution(items=buckets))


@on(router, LIST_THRESHOLD_ACTIONS)
async def threshold_actions(
    request: Request,
    org_id: OrgId,
    asked: Annotated[ThresholdActionsQuestion, asking(LIST_THRESHOLD_ACTIONS)],
) -> Response:
    """What thresholds did, newest first."""
    before, limit = decode_number(asked.cursor), asked.limit
    async with transaction(context_of(request).engine) as connection:
        found = await strike_view.crossings(connection, org_id, before=before, limit=limit + 1)
    page = ThresholdActions(
        items=tuple(_threshold_action(row) for row in found[:limit]),
        next_cursor=_next(found, limit),
    )
    return answer(LIST_THRESHOLD_ACTIONS, page)


def _strike(row: Row[Any]) -> UserStrike:
    return UserStrike(
        strike_id=str(row.strike_id),
        cause_id=row.cause_id,
        policy_id=row.policy_id,
        weight=row.weight,
        state=row.state,
        struck_at=row.struck_at,
        expires_at=row.expires_at,
        executions=msgspec.convert(row.executions, tuple[StrikeExecution, ...]),
    )


def _threshold_action(row: Row[Any]) -> ThresholdAction:
    return ThresholdAction(
        crossing_id=str(row.crossing_id),
        user=strike_view.user_of(row),
        threshold=row.threshold,
        total=row.total,
        cause_id=row.cause_id,
        executions=msgspec.convert(row.executions, tuple[RequestedExecution, ...]),
        crossed_at=row.crossed_at,
        fell_at=row.fell_at,
    )


def _next(found: Any, limit: int) -> str | None:
    return encode_cursor(found[limit - 1].seq) if len(found) > limit else None
