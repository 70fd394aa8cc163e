"""Backtests over HTTP: a rule tried on past items.

    POST /v1/backtests                      202: it is started
    GET  /v1/backtests, /v1/backtests/{id}  how far, and what was counted
    POST /v1/backtests/{id}/cancel
    GET  /v1/backtests/{id}/samples         ?difference=NEWLY_PASSING …

Must not: decide anything; `backtest` does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Rule
from coop_contracts.event import ConditionResult, ItemRef
from coop_contracts.permission import Permission
from coop_review_api.backtest import label_store, store
from coop_review_api.backtest.draft import BacktestDraft, draft_of
from coop_review_api.backtest.label_route import MeasuredView, measured_view
from coop_review_api.backtest.measure import Measured
from coop_review_api.backtest.request import OPEN, BacktestLimits, cancel, start
from coop_review_api.backtest.store import Difference
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.condition_shape import ConditionSet
from coop_review_api.configuration.document_model import Id, RuleBody
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.resource import fields_of
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.shape import Shape
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["backtests"])

_may_run = requires(Permission.RUN_BACKTEST)
Runner = Annotated[Principal, Depends(_may_run)]


class BacktestBody(Body):
    """Which rule on which items: the saved rule `ruleId`; or `rule`, unsaved, compared with what
    the live rule `ruleId` did, if that is given; on items submitted from `start` until `end`.

    `values`: TODAY uses today's banks, RECORDED those of the time. Values from outside an item are
    those that were recorded; what was not is counted in `unavailable`.
    """

    rule_id: Id | None = None
    rule: RuleBody | None = None
    start: AwareDatetime
    end: AwareDatetime
    values: Literal["RECORDED", "TODAY"] = "TODAY"


class Counts(Model):
    """From the beginning. `scanned` items, `evaluated` of the rule's types; `newlyPassing` those
    that pass now and on which the live rule did not act, `noLongerPassing` the other way round.
    `unknown` could not be decided, `unavailable` says why, by signal; `skipped` cannot be read."""

    scanned: int
    evaluated: int
    passed: int
    unknown: int
    newly_passing: int
    no_longer_passing: int
    acted: int
    skipped: int
    unavailable: dict[str, int]


RuleJson = Annotated[dict[str, Any], Shape(Rule, members={"conditionSet": ConditionSet})]


class BacktestView(Model):
    """`progress` goes from 0 to 1. `dataFrom` is set where the log no longer reaches back to
    `start`: every item from then on is counted. `ruleRevision` is null for an unsaved rule.
    `measured` is null where people decided nothing of the time."""

    id: str
    rule_id: str
    rule_revision: int | None
    rule: RuleJson
    start: datetime
    end: datetime
    values: Literal["RECORDED", "TODAY"]
    state: Literal["REQUESTED", "RUNNING", "CANCELLING", "COMPLETE", "CANCELLED", "FAILED"]
    progress: float
    counts: Counts
    measured: MeasuredView | None
    data_from: datetime | None
    error: str | None
    created_by: str
    created_by_person: PersonBeside = None
    created_at: datetime
    updated_at: datetime


class BacktestPage(Model):
    items: list[BacktestView]
    next_cursor: str | None = None


class SampleItem(Model):
    id: str
    type_id: str


class SampleView(Model):
    """`live`: whether the live rule passed then; null: not known."""

    submission_id: str
    item: SampleItem
    time: datetime
    passed: bool | None
    live: bool | None
    conditions: list[Annotated[dict[str, Any], Shape(ConditionResult)]]


class SamplePage(Model):
    items: list[SampleView]
    next_cursor: str | None = None


_body = JsonBody(BacktestBody)
DifferenceQuery = Annotated[Difference | None, Query(description="Only these.")]


@router.post(
    "/backtests",
    operation_id="createBacktest",
    response_model=BacktestView,
    status_code=202,
    openapi_extra=_body.openapi(),
)
async def create_backtest(
    request: Request,
    response: Response,
    principal: Runner,
    body: Annotated[BacktestBody, Depends(_body)],
) -> BacktestView:
    """Try a rule on past items. It goes on by itself: look, or cancel."""
    async with drafted(request, principal, body) as (configuration, draft):
        limits = part_of(request, BacktestLimits)
        made = await start(configuration, draft, author=principal.user_id, limits=limits)
        view = await _view(configuration.connection, principal.org_id, made)
    response.headers["Location"] = f"/v1/backtests/{made}"
    return view


@router.get("/backtests", operation_id="listBacktests", response_model=BacktestPage)
async def list_backtests(
    request: Request,
    principal: Runner,
    rule_id: Annotated[str | None, Query(alias="ruleId", max_length=128)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BacktestPage:
    """The backtests, newest first."""
    async with transaction(context_of(request).engine) as connection:
        found = await store.page(
            connection,
            principal.org_id,
            rule_id=rule_id,
            before=decode_cursor(cursor),
            limit=limit + 1,
        )
        rows, next_cursor = cut(found, limit, lambda row: str(row.backtest_id))
        measured = await label_store.measured(connection, [row.backtest_id for row in rows])
    views = [_view_of(row, measured.get(row.backtest_id)) for row in rows]
    return BacktestPage(items=views, next_cursor=next_cursor)


@router.get("/backtests/{backtest_id}", operation_id="getBacktest", response_model=BacktestView)
async def get_backtest(request: Request, principal: Runner, backtest_id: str) -> BacktestView:
    """How far it is, and what was counted."""
    async with transaction(context_of(request).engine) as connection:
        return await _view(connection, principal.org_id, backtest_id)


@router.post(
    "/backtests/{backtest_id}/cancel",
    operation_id="cancelBacktest",
    response_model=BacktestView,
    status_code=202,
)
async def cancel_backtest(request: Request, principal: Runner, backtest_id: str) -> BacktestView:
    """End it; what was counted stays."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await store.get(connection, principal.org_id, backtest_id)
        await cancel(
            connection,
            principal.org_id,
            backtest_id,
            author=principal.user_id,
            now=context.clock(),
        )
        return await _view(connection, principal.org_id, backtest_id)


@router.get(
    "/backtests/{backtest_id}/samples",
    operation_id="listBacktestSamples",
    response_model=SamplePage,
)
async def list_samples(
    request: Request,
    principal: Runner,
    backtest_id: str,
    difference: DifferenceQuery = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SamplePage:
    """Items on which the rule passes, is undecided, or differs from the live one."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await store.get(connection, principal.org_id, backtest_id)
        found = await store.samples(
            connection,
            backtest_id,
            difference=difference,
            after=rank_in(cursor),
            limit=limit + 1,
        )
        return await sample_page(connection, principal, found, limit, now=context.clock())


def rank_in(cursor: str | None) -> str | None:
    """The rank in a cursor of samples. Raises `Invalid`."""
    position = decode_cursor(cursor)
    if position is not None and not _is_rank(position):
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return position


def _is_rank(text: str) -> bool:
    plain = text.replace("-", "")
    return len(plain) == 32 and all(character in "0123456789abcdef" for character in plain)


async def sample_page(
    connection: AsyncConnection,
    principal: Principal,
    found: list[Row[Any]],
    limit: int,
    *,
    now: datetime,
) -> SamplePage:
    """A page of what was read, without what the caller may not see."""
    rows, next_cursor = cut(found, limit, lambda row: str(row.rank))
    rows = await child_safety.shown(
        connection,
        principal,
        "backtest-samples",
        rows,
        item_of=lambda row: ItemRef(id=row.item_id, type_id=row.item_type_id),
        id_of=lambda row: row.submission_id,
        now=now,
    )
    shown = [
        SampleView(
            submission_id=row.submission_id,
            item=SampleItem(id=row.item_id, type_id=row.item_type_id),
            time=row.time,
            passed=row.passed,
            live=row.live,
            conditions=msgspec.json.decode(row.conditions),
        )
        for row in rows
    ]
    return SamplePage(items=shown, next_cursor=next_cursor)


@asynccontextmanager
async def drafted(
    request: Request, principal: Principal, body: BacktestBody
) -> AsyncIterator[tuple[LockedConfiguration, BacktestDraft]]:
    """What is asked for, checked, in a transaction under the organisation's lock.

    Raises `Invalid`, `Conflict`, `NotFound`.
    """
    context = context_of(request)
    async with changing(context, principal) as configuration:
        yield (
            configuration,
            await draft_of(
                configuration,
                rule_id=body.rule_id,
                rule=None if body.rule is None else fields_of(body.rule),
                start=body.start,
                end=body.end,
                values=body.values,
                signals=context.signals,
            ),
        )


def counts_of(row: Row[Any]) -> Counts:
    """What was counted so far."""
    return Counts(**{name: getattr(row, name) for name in Counts.model_fields})


async def _view(connection: AsyncConnection, org_id: str, backtest_id: str) -> BacktestView:
    row = await store.get(connection, org_id, backtest_id)
    measured = await label_store.measured(connection, [backtest_id])
    return _view_of(row, measured.get(backtest_id))


def _view_of(row: Row[Any], measured: Measured | None) -> BacktestView:
    cancelling = row.state in OPEN and row.cancel_requested_at is not None
    return BacktestView(
        id=row.backtest_id,
        rule_id=row.rule_id,
        rule_revision=row.rule_revision,
        rule=msgspec.json.decode(row.rule),
        start=row.start_time,
        end=row.end_time,
        values=row.values_of,
        state="CANCELLING" if cancelling else row.state,
        progress=row.progress,
        counts=counts_of(row),
        measured=measured_view(measured),
        data_from=row.data_from,
        error=row.error,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
