"""Strikes of the platform's users: whose, how many, why, and what they led to.

Guarantees: what counts is the dispatcher's answer of this moment; the history is what the log said;
a user who is about child safety, and strikes for what is, are not there for those who may not see
such data (a page can be shorter than asked for; a total counts all).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from msgspec import structs, to_builtins
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.dispatch import (
    GET_STRIKE_DISTRIBUTION,
    LIST_THRESHOLD_ACTIONS,
    LIST_USER_STRIKES,
    StrikeDistributionQuestion,
    ThresholdActionsQuestion,
    UserStrikesQuestion,
)
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import (
    Cursor,
    Limit,
    cut,
    decode_cursor,
    decode_number,
    wrapped,
)
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification import strike
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["strikes"])

_P = Permission

_sees_users = requires(_P.VIEW_INVESTIGATION, _P.MANUALLY_ACTION_CONTENT)
_sees_numbers = requires(_P.VIEW_INSIGHTS, _P.MANAGE_ORG, _P.VIEW_RULES_DASHBOARD)
UserViewer = Annotated[Principal, Depends(_sees_users)]
NumberViewer = Annotated[Principal, Depends(_sees_numbers)]
TypeId = Annotated[str, Path(max_length=512)]
UserId = Annotated[str, Path(max_length=512)]


class StrikeExecutionView(Model):
    """One execution of the cause; `weight` is that of its heaviest policy."""

    execution_id: str
    action_id: str
    policy_id: str
    weight: int
    reversed_at: datetime | None


class StrikeView(Model):
    """What one cause (a submission, a decision, a bulk job) holds against the user: the weight of
    its heaviest execution that stands."""

    strike_id: str
    cause_id: str
    policy_id: str
    weight: int
    state: Literal["LIVE", "EXPIRED", "REVERSED"]
    struck_at: datetime
    expires_at: datetime
    executions: list[StrikeExecutionView]


class UserStrikesPage(Model):
    """`total` is the sum of all live strikes."""

    total: int
    next_expiry_at: datetime | None
    items: list[StrikeView]
    next_cursor: str | None = None


class StrikeChangeView(Model):
    """The total became `total`, by `delta`, for `causeId`; `crossed` are the thresholds reached."""

    event_id: str
    cause_id: str
    policy_id: str | None
    delta: int
    total: int
    crossed: list[int]
    changed_at: datetime


class StrikeChangePage(Model):
    items: list[StrikeChangeView]
    next_cursor: str | None = None


class StrikeBucketView(Model):
    """So many users have so many strikes."""

    strikes: int
    users: int


class StrikeDistributionView(Model):
    items: list[StrikeBucketView]


class StruckUserView(Model):
    id: str
    type_id: str


class ThresholdExecutionView(Model):
    execution_id: str
    action_id: str


class ThresholdActionView(Model):
    """A user reached a threshold. `fellAt` is when they fell below it again."""

    crossing_id: str
    user: StruckUserView
    threshold: int
    total: int
    cause_id: str
    executions: list[ThresholdExecutionView]
    crossed_at: datetime
    fell_at: datetime | None


class ThresholdActionPage(Model):
    items: list[ThresholdActionView]
    next_cursor: str | None = None


@router.get(
    "/users/{type_id}/{user_id:path}/strikes",
    operation_id="listUserStrikes",
    response_model=UserStrikesPage,
)
async def list_user_strikes(
    request: Request,
    principal: UserViewer,
    type_id: TypeId,
    user_id: UserId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """A user's strikes with their causes, newest first, expired and reversed ones too."""
    asked = UserStrikesQuestion(
        type_id=type_id, user_id=user_id, limit=limit, cursor=decode_cursor(cursor)
    )
    context = context_of(request)
    found = await context.part(Dispatch).ask(principal.org_id, LIST_USER_STRIKES, asked)
    user = ItemRef(id=user_id, type_id=type_id)
    async with transaction(context.engine) as connection:
        await _require_user(connection, principal, user, context.clock())
        shown = await child_safety.shown(
            connection,
            principal,
            "strikes",
            found.items,
            item_of=lambda _: user,
            id_of=lambda one: one.strike_id,
            cause_of=lambda one: one.cause_id,
            now=context.clock(),
        )
    return to_builtins(
        structs.replace(found, items=tuple(shown), next_cursor=wrapped(found.next_cursor))
    )


@router.get(
    "/users/{type_id}/{user_id:path}/strike-changes",
    operation_id="listUserStrikeChanges",
    response_model=StrikeChangePage,
)
async def list_user_strike_changes(
    request: Request,
    principal: UserViewer,
    type_id: TypeId,
    user_id: UserId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> StrikeChangePage:
    """How the total came to be what it is, newest first."""
    digest = strike.digest_of(principal.org_id, type_id, user_id)
    before = decode_number(cursor)
    context, user = context_of(request), ItemRef(id=user_id, type_id=type_id)
    async with transaction(context.engine) as connection:
        await _require_user(connection, principal, user, context.clock())
        found = await strike.page(connection, digest, before=before, limit=limit + 1)
        rows, next_cursor = cut(found, limit, lambda row: str(row.change_id))
        rows = await child_safety.shown(
            connection,
            principal,
            "strike-changes",
            rows,
            item_of=lambda _: user,
            id_of=lambda row: str(row.event_id),
            cause_of=lambda row: str(row.cause_id),
            now=context.clock(),
        )
    items = [
        StrikeChangeView(
            event_id=row.event_id,
            cause_id=row.cause_id,
            policy_id=row.policy_id,
            delta=row.delta,
            total=row.total,
            crossed=row.crossed,
            changed_at=row.changed_at,
        )
        for row in rows
    ]
    return StrikeChangePage(items=items, next_cursor=next_cursor)


@router.get(
    "/strikes/distribution",
    operation_id="getStrikeDistribution",
    response_model=StrikeDistributionView,
)
async def get_strike_distribution(request: Request, principal: NumberViewer) -> Any:
    """How many users have how many live strikes."""
    found = await part_of(request, Dispatch).ask(
        principal.org_id, GET_STRIKE_DISTRIBUTION, StrikeDistributionQuestion()
    )
    return to_builtins(found)


@router.get(
    "/strikes/threshold-actions",
    operation_id="listThresholdActions",
    response_model=ThresholdActionPage,
)
async def list_threshold_actions(
    request: Request, principal: UserViewer, limit: Limit = 50, cursor: Cursor = None
) -> Any:
    """What thresholds did, newest first."""
    asked = ThresholdActionsQuestion(limit=limit, cursor=decode_cursor(cursor))
    context = context_of(request)
    found = await context.part(Dispatch).ask(principal.org_id, LIST_THRESHOLD_ACTIONS, asked)
    async with transaction(context.engine) as connection:
        shown = await child_safety.shown(
            connection,
            principal,
            "threshold-actions",
            found.items,
            item_of=lambda one: one.user,
            id_of=lambda one: one.crossing_id,
            cause_of=lambda one: one.cause_id,
            now=context.clock(),
        )
    return to_builtins(
        structs.replace(found, items=tuple(shown), next_cursor=wrapped(found.next_cursor))
    )


async def _require_user(
    connection: AsyncConnection, principal: Principal, user: ItemRef, now: datetime
) -> None:
    """Raises `NotFound` for a user who is about child safety to who may not see such."""
    await child_safety.require(connection, principal, ("user", user.id), items=[user], now=now)
