"""Retroactions over HTTP: a rule's actions on past items, after a preview and a confirmation.

    POST /v1/retroactions                           202: its preview is started
    GET  /v1/retroactions, /v1/retroactions/{id}
    GET  /v1/retroactions/{id}/samples              of the preview
    POST /v1/retroactions/{id}/confirm {"passed"}   202: it acts
    POST /v1/retroactions/{id}/cancel

Must not: decide anything; `backtest.retroaction` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from coop_contracts.permission import Permission
from coop_review_api.backtest import retroaction, store
from coop_review_api.backtest.request import BacktestLimits
from coop_review_api.backtest.route import (
    BacktestBody,
    Counts,
    DifferenceQuery,
    RuleJson,
    SamplePage,
    counts_of,
    drafted,
    rank_in,
    sample_page,
)
from coop_review_api.backtest.store import Retroaction, RetroactionState
from coop_review_api.configuration.changing import changing
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["retroactions"])

_may_run = requires(Permission.RUN_RETROACTION)
Runner = Annotated[Principal, Depends(_may_run)]


class RetroactionBody(BacktestBody):
    """As a backtest. `rate`: how many submissions a second are acted on, at most."""

    rate: Annotated[float, Field(ge=0.01, le=1_000)] = 10.0


class ConfirmationBody(Body):
    """`passed`: the number of items that the preview found, so that nobody confirms another one."""

    passed: Annotated[int, Field(ge=0)]


class RetroactionPart(Model):
    """The preview, or the run that acts."""

    progress: float
    counts: Counts
    data_from: datetime | None
    error: str | None
    updated_at: datetime


class RetroactionView(Model):
    id: str
    rule_id: str
    rule_revision: int | None
    rule: RuleJson
    start: datetime
    end: datetime
    values: str
    rate: float
    state: RetroactionState
    preview: RetroactionPart
    run: RetroactionPart | None
    created_by: str
    created_by_person: PersonBeside = None
    created_at: datetime
    confirmed_by: str | None
    confirmed_by_person: PersonBeside = None
    confirmed_at: datetime | None


class RetroactionPage(Model):
    items: list[RetroactionView]
    next_cursor: str | None = None


_body = JsonBody(RetroactionBody)
_confirmation = JsonBody(ConfirmationBody)


@router.post(
    "/retroactions",
    operation_id="createRetroaction",
    response_model=RetroactionView,
    status_code=202,
    openapi_extra=_body.openapi(),
)
async def create_retroaction(
    request: Request,
    response: Response,
    principal: Runner,
    body: Annotated[RetroactionBody, Depends(_body)],
) -> RetroactionView:
    """Find the items a rule's actions would be taken on. Nothing acts before it is confirmed."""
    async with drafted(request, principal, body) as (configuration, draft):
        made = await retroaction.create(
            configuration,
            draft,
            rate=body.rate,
            author=principal.user_id,
            limits=part_of(request, BacktestLimits),
        )
    response.headers["Location"] = f"/v1/retroactions/{made.retroaction_id}"
    return _view_of(made)


@router.get("/retroactions", operation_id="listRetroactions", response_model=RetroactionPage)
async def list_retroactions(
    request: Request, principal: Runner, limit: Limit = 50, cursor: Cursor = None
) -> RetroactionPage:
    """The retroactions, newest first."""
    async with transaction(context_of(request).engine) as connection:
        found = await store.retroaction_page(
            connection, principal.org_id, before=decode_cursor(cursor), limit=limit + 1
        )
    shown, next_cursor = cut(found, limit, lambda one: one.retroaction_id)
    return RetroactionPage(items=[_view_of(one) for one in shown], next_cursor=next_cursor)


@router.get(
    "/retroactions/{retroaction_id}",
    operation_id="getRetroaction",
    response_model=RetroactionView,
)
async def get_retroaction(
    request: Request, principal: Runner, retroaction_id: str
) -> RetroactionView:
    """One retroaction."""
    async with transaction(context_of(request).engine) as connection:
        return _view_of(await store.retroaction(connection, principal.org_id, retroaction_id))


@router.get(
    "/retroactions/{retroaction_id}/samples",
    operation_id="listRetroactionSamples",
    response_model=SamplePage,
)
async def list_samples(
    request: Request,
    principal: Runner,
    retroaction_id: str,
    difference: DifferenceQuery = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SamplePage:
    """Items that the preview found."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        found = await store.retroaction(connection, principal.org_id, retroaction_id)
        rows = await store.samples(
            connection,
            found.preview.backtest_id,
            difference=difference,
            after=rank_in(cursor),
            limit=limit + 1,
        )
        return await sample_page(connection, principal, rows, limit, now=context.clock())


@router.post(
    "/retroactions/{retroaction_id}/confirm",
    operation_id="confirmRetroaction",
    response_model=RetroactionView,
    status_code=202,
    openapi_extra=_confirmation.openapi(),
)
async def confirm_retroaction(
    request: Request,
    principal: Runner,
    retroaction_id: str,
    body: Annotated[ConfirmationBody, Depends(_confirmation)],
) -> RetroactionView:
    """Take the actions on what the preview found."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        found = await retroaction.confirm(
            configuration,
            retroaction_id,
            passed=body.passed,
            author=principal.user_id,
            limits=context.part(BacktestLimits),
        )
    return _view_of(found)


@router.post(
    "/retroactions/{retroaction_id}/cancel",
    operation_id="cancelRetroaction",
    response_model=RetroactionView,
    status_code=202,
)
async def cancel_retroaction(
    request: Request, principal: Runner, retroaction_id: str
) -> RetroactionView:
    """Take no further action. What was done stays done."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        found = await retroaction.cancel(configuration, retroaction_id, author=principal.user_id)
    return _view_of(found)


def _part_of(row: Any) -> RetroactionPart:
    return RetroactionPart(
        progress=row.progress,
        counts=counts_of(row),
        data_from=row.data_from,
        error=row.error,
        updated_at=row.updated_at,
    )


def _view_of(found: Retroaction) -> RetroactionView:
    preview = found.preview
    return RetroactionView(
        id=found.retroaction_id,
        rule_id=preview.rule_id,
        rule_revision=preview.rule_revision,
        rule=msgspec.json.decode(preview.rule),
        start=preview.start_time,
        end=preview.end_time,
        values=preview.values_of,
        rate=found.rate,
        state=found.state,
        preview=_part_of(preview),
        run=None if found.run is None else _part_of(found.run),
        created_by=found.created_by,
        created_at=found.created_at,
        confirmed_by=found.confirmed_by,
        confirmed_at=found.confirmed_at,
    )
