"""Figures for dashboards: how much came, was decided, skipped and done, by whom, and how fast.

Guarantees: totals need VIEW_MRT_DATA (of actions VIEW_INSIGHTS will do), facts of a person
EDIT_MRT_QUEUES unless they are one's own; what one may not see is not counted; a process answers
few such questions at a time, so that they never take all its connections.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import Source
from coop_contracts.permission import Permission
from coop_review_api.analytics import figure
from coop_review_api.analytics.figure import Figure, FigureLimits
from coop_review_api.analytics.question import Question, question_of
from coop_review_api.decision_log.question import DecisionType
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.query import AnyOf, QueryModel
from coop_review_api.kernel.concurrency import ConcurrencyLimit
from coop_review_api.kernel.error import LacksPermission
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.visibility import ReaderScope, scope_of
from coop_review_api.tally.bucket import Bucket
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1/analytics", tags=["analytics"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]
Reader = Annotated[Principal, Depends(requires(Permission.VIEW_MRT_DATA))]
ActionReader = Annotated[
    Principal, Depends(requires(Permission.VIEW_MRT_DATA, Permission.VIEW_INSIGHTS))
]

_DAY = timedelta(days=1)


class FigureConcurrency(ConcurrencyLimit):
    """Few such questions at a time in a process, so that they never take all its connections."""

    def __init__(self) -> None:
        super().__init__(2, busy="other figures are being counted")


class PeriodQuery(QueryModel):
    """Which time, and how it is cut."""

    start: Moment | None = Field(None, alias="since", description="Default: 7 days before the end.")
    end: Moment | None = Field(None, alias="until", description="Not in it. Default: now.")
    division: Bucket = Field("TOTAL", description="HOUR: at most 31 days, else 366.")
    zone: str = Field(
        "UTC",
        alias="timeZone",
        pattern=r"^[A-Za-z0-9_+\-/]{1,64}$",
        description="Whose days and hours: a name of the IANA time zone database.",
    )


class DecisionQuery(QueryModel):
    """Which decisions."""

    queue_ids: AnyOf[str] = Field(alias="queueId")
    reviewer_ids: AnyOf[str] = Field(alias="reviewerId")
    policy_ids: AnyOf[str] = Field(alias="policyId")
    action_ids: AnyOf[str] = Field(alias="actionId")
    item_type_ids: AnyOf[str] = Field(alias="itemTypeId")
    decision_types: AnyOf[DecisionType] = Field(alias="decisionType")


class ArrivalQuery(QueryModel):
    """Which of the jobs that came."""

    queue_ids: AnyOf[str] = Field(alias="queueId")
    policy_ids: AnyOf[str] = Field(alias="policyId")
    item_type_ids: AnyOf[str] = Field(alias="itemTypeId")
    sources: AnyOf[Source] = Field(alias="source")


class SkipQuery(QueryModel):
    """Whose skips, and where."""

    queue_ids: AnyOf[str] = Field(alias="queueId")
    reviewer_ids: AnyOf[str] = Field(alias="reviewerId")


class ActionQuery(QueryModel):
    """Which actions."""

    action_ids: AnyOf[str] = Field(alias="actionId")
    policy_ids: AnyOf[str] = Field(alias="policyId")
    item_type_ids: AnyOf[str] = Field(alias="itemTypeId")
    rule_ids: AnyOf[str] = Field(alias="ruleId")
    sources: AnyOf[Source] = Field(alias="source")


Period = Annotated[PeriodQuery, Query()]
Decisions = Annotated[DecisionQuery, Query()]


class CountView(Model):
    """From `start`, one hour or day long, or as long as was asked for. `key` is what was grouped
    by; null with NONE, and for decisions that no person made."""

    start: datetime
    key: str | None
    key_person: PersonBeside = None
    count: int


class CountsView(Model):
    """By `start`, the largest first. Times in which nothing happened are left out. What has several
    keys, as of policies, counts under each."""

    points: list[CountView]


class SpreadView(Model):
    """Seconds. Null where nothing is known."""

    mean: float | None
    median: float | None
    p90: float | None


class TimesPointView(Model):
    """`waiting` is from what first caused the job until it was decided, `handling` from the claim
    until it was decided."""

    start: datetime
    key: str | None
    key_person: PersonBeside = None
    decisions: int
    waiting: SpreadView
    handling: SpreadView


class TimesView(Model):
    """As counts."""

    points: list[TimesPointView]


class DecisionCellView(Model):
    """`actionId` is null for what takes no action."""

    key: str | None
    key_person: PersonBeside = None
    type: DecisionType
    action_id: str | None
    count: int


class DecisionTableView(Model):
    """By queue or reviewer (`key`): how many decisions had a part of that type, with that
    action."""

    cells: list[DecisionCellView]


class MyFiguresView(Model):
    """What I did `since` then."""

    since: datetime
    decided: int
    skipped: int


@router.get("/decisions", operation_id="countDecisions", response_model=CountsView)
async def count_decisions(
    request: Request,
    principal: Reader,
    *,
    group_by: Annotated[
        Literal["NONE", "TYPE", "ACTION", "POLICY", "QUEUE", "REVIEWER", "ITEM_TYPE"],
        Query(alias="groupBy"),
    ] = "NONE",
    decisions: Decisions,
    period: Period,
) -> CountsView:
    """Decisions on jobs, undone ones apart."""
    asked = _question(request, period, decisions)
    _require_facts(principal, group_by, asked)
    return await _counts(request, principal, "decisions", group_by, asked)


@router.get("/decision-table", operation_id="tabulateDecisions", response_model=DecisionTableView)
async def tabulate_decisions(
    request: Request,
    principal: Reader,
    *,
    rows: Annotated[Literal["QUEUE", "REVIEWER"], Query()] = "QUEUE",
    decisions: Decisions,
    period: Period,
) -> DecisionTableView:
    """Queues, or reviewers, against types of decisions and actions. `division` is of no matter."""
    asked = _question(request, period, decisions)
    _require_facts(principal, rows, asked)
    async with _asking(request, principal) as (connection, scope):
        found = await figure.table(
            connection, scope, rows, asked, limits=part_of(request, FigureLimits)
        )
    cells = [
        DecisionCellView(key=row.key, type=row.type, action_id=row.action_id, count=row.units)
        for row in found
    ]
    return DecisionTableView(cells=cells)


@router.get("/jobs", operation_id="countJobs", response_model=CountsView)
async def count_jobs(
    request: Request,
    principal: Reader,
    *,
    arrivals: Annotated[ArrivalQuery, Query()],
    group_by: Annotated[
        Literal["NONE", "QUEUE", "ITEM_TYPE", "SOURCE", "POLICY"], Query(alias="groupBy")
    ] = "NONE",
    period: Period,
) -> CountsView:
    """Jobs that came. One that was moved, or reopened, came once: in its first queue."""
    asked = _question(request, period, arrivals)
    return await _counts(request, principal, "jobs", group_by, asked)


@router.get("/skips", operation_id="countSkips", response_model=CountsView)
async def count_skips(
    request: Request,
    principal: Reader,
    *,
    skips: Annotated[SkipQuery, Query()],
    group_by: Annotated[Literal["NONE", "QUEUE", "REVIEWER"], Query(alias="groupBy")] = "NONE",
    period: Period,
) -> CountsView:
    """Jobs that were claimed and skipped, each time."""
    asked = _question(request, period, skips)
    _require_facts(principal, group_by, asked)
    return await _counts(request, principal, "skips", group_by, asked)


@router.get("/actions", operation_id="countActions", response_model=CountsView)
async def count_actions(
    request: Request,
    principal: ActionReader,
    *,
    actions: Annotated[ActionQuery, Query()],
    group_by: Annotated[
        Literal["NONE", "ACTION", "SOURCE", "ITEM_TYPE", "RULE", "POLICY"], Query(alias="groupBy")
    ] = "NONE",
    period: Period,
) -> CountsView:
    """Actions that were asked for, by rules, people and the platform, and not taken back, as long
    as they are kept. Reversals only with `source=REVERSAL`."""
    asked = _question(request, period, actions)
    return await _counts(request, principal, "actions", group_by, asked)


@router.get("/times", operation_id="measureTimes", response_model=TimesView)
async def measure_times(
    request: Request,
    principal: Reader,
    *,
    group_by: Annotated[
        Literal["NONE", "QUEUE", "REVIEWER", "ITEM_TYPE", "POLICY"], Query(alias="groupBy")
    ] = "NONE",
    decisions: Decisions,
    period: Period,
) -> TimesView:
    """How long jobs waited and were worked on, of people's decisions, moves apart."""
    asked = _question(request, period, decisions)
    _require_facts(principal, group_by, asked)
    async with _asking(request, principal) as (connection, scope):
        found = await figure.times(
            connection, scope, group_by, asked, limits=part_of(request, FigureLimits)
        )
    points = [
        TimesPointView(
            start=row.start,
            key=row.key,
            decisions=row.decisions,
            waiting=SpreadView(
                mean=row.waiting_mean, median=row.waiting_median, p90=row.waiting_p90
            ),
            handling=SpreadView(
                mean=row.handling_mean, median=row.handling_median, p90=row.handling_p90
            ),
        )
        for row in found
    ]
    return TimesView(points=points)


@router.get("/mine", operation_id="getMyFigures", response_model=MyFiguresView)
async def get_my_figures(
    request: Request,
    principal: Reviewer,
    since: Annotated[
        Moment | None, Query(description="Default: a day ago; at most 31 days.")
    ] = None,
) -> MyFiguresView:
    """How many jobs I decided and skipped."""
    now = context_of(request).clock()
    start = max(since or now - _DAY, now - timedelta(days=31))
    asked = Question(start=start, end=max(now, start), reviewer_ids=(principal.user_id,))
    done = {"decisions": 0, "skips": 0}
    limits = part_of(request, FigureLimits)
    async with _asking(request, principal) as (connection, scope):
        for name in ("decisions", "skips"):
            for row in await figure.counts(connection, scope, name, "NONE", asked, limits=limits):
                done[name] = row.units
    return MyFiguresView(since=start, decided=done["decisions"], skipped=done["skips"])


def _question(request: Request, period: PeriodQuery, filters: QueryModel) -> Question:
    """Raises `Invalid`."""
    now = context_of(request).clock()
    return question_of(**period.model_dump(), **filters.model_dump(), now=now)


@asynccontextmanager
async def _asking(
    request: Request, principal: Principal
) -> AsyncIterator[tuple[AsyncConnection, ReaderScope]]:
    """A place, a transaction, and what the caller may see. Raises `Unavailable`."""
    concurrency = part_of(request, FigureConcurrency)
    async with concurrency.taken(), transaction(context_of(request).engine) as connection:
        yield connection, await scope_of(connection, principal)


async def _counts(
    request: Request, principal: Principal, name: Figure, group_by: str, asked: Question
) -> CountsView:
    async with _asking(request, principal) as (connection, scope):
        found = await figure.counts(
            connection, scope, name, group_by, asked, limits=part_of(request, FigureLimits)
        )
    points = [CountView(start=row.start, key=row.key, count=row.units) for row in found]
    return CountsView(points=points)


def _require_facts(principal: Principal, group_by: str, asked: Question) -> None:
    """Raises `Forbidden` for facts of others."""
    own = asked.reviewer_ids == (principal.user_id,)
    of_people = group_by == "REVIEWER" or bool(asked.reviewer_ids)
    if of_people and not own and not principal.may(Permission.EDIT_MRT_QUEUES):
        needs = Permission.EDIT_MRT_QUEUES
        raise LacksPermission(needs, message=f"facts of other people need {needs}")
