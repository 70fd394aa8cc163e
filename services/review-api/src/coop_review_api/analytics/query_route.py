"""A page of figures in one request.

Guarantees: totals need VIEW_MRT_DATA (of actions, matches and evaluations VIEW_INSIGHTS will do),
facts of a person EDIT_MRT_QUEUES unless they are one's own; a process answers few such requests at
a time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field

from coop_contracts.error import pointer
from coop_contracts.event import Source
from coop_contracts.permission import Permission
from coop_review_api.analytics.asked import (
    AskedFigure,
    AskedQuestion,
    AskedTime,
    Compare,
    GroupName,
    asked_question,
)
from coop_review_api.analytics.open_job import LevelMemory
from coop_review_api.analytics.query import SNAPSHOT, QueryLimits, answers
from coop_review_api.analytics.route import FigureConcurrency
from coop_review_api.decision_log.question import DecisionType
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.kernel.error import Fault, Invalid, LacksPermission
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.visibility import scope_of
from coop_review_api.tally.bucket import Bucket
from coop_review_api.tally.reader import TallyReader
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1/analytics", tags=["analytics"])

MAX_QUESTIONS = 12
_MAX_VALUES = 50

Reader = Annotated[Principal, Depends(requires(Permission.VIEW_MRT_DATA, Permission.VIEW_INSIGHTS))]


class FilterBody(Body):
    """Of each filter that is set one value fits; all filters hold."""

    action_ids: list[str] = Field(default_factory=list, max_length=_MAX_VALUES)
    item_type_ids: list[str] = Field(default_factory=list, max_length=_MAX_VALUES)
    policy_ids: list[str] = Field(default_factory=list, max_length=_MAX_VALUES)
    queue_ids: list[str] = Field(default_factory=list, max_length=_MAX_VALUES)
    reviewer_ids: list[str] = Field(default_factory=list, max_length=_MAX_VALUES)
    rule_ids: list[str] = Field(default_factory=list, max_length=_MAX_VALUES)
    sources: list[Source] = Field(default_factory=list, max_length=len(get_args(Source)))
    decision_types: list[DecisionType] = Field(
        default_factory=list, max_length=len(get_args(DecisionType))
    )

    def by_name(self) -> dict[GroupName, list[str]]:
        """By what is filtered by."""
        return {
            "ACTION": self.action_ids,
            "ITEM_TYPE": self.item_type_ids,
            "POLICY": self.policy_ids,
            "QUEUE": self.queue_ids,
            "REVIEWER": self.reviewer_ids,
            "RULE": self.rule_ids,
            "SOURCE": list(self.sources),
            "TYPE": list(self.decision_types),
        }


class FigureQuestionBody(Body):
    """What is counted, by what, of which, when. Time is widened to whole buckets of `timeZone`;
    with `compare` as many buckets before it are counted too. `top`: so many keys by themselves, the
    largest first, and the rest together."""

    figure: AskedFigure
    group_by: list[GroupName] = Field([], max_length=2)
    filters: FilterBody = Field(default_factory=FilterBody)
    since: AwareDatetime | None = Field(None, description="Default: 7 days before the end.")
    until: AwareDatetime | None = Field(None, description="Not in it. Default: now.")
    bucket: Bucket = Field("DAY", description="HOUR: at most 31 days, else 366.")
    time_zone: str = Field("UTC", pattern=r"^[A-Za-z0-9_+\-/]{1,64}$")
    compare: Compare = "NONE"
    top: int = Field(50, ge=1, le=200)


class FigureQueryBody(Body):
    questions: list[FigureQuestionBody] = Field(min_length=1, max_length=MAX_QUESTIONS)


class SeriesView(Model):
    """`keys` are values of `groupBy`, in its order; null for decisions that no person made. A
    number is null where it is not known, as of open jobs when nobody looked; their `total` is the
    last number. What was not compared has no `previous`."""

    keys: list[str | None]
    total: int | None
    counts: list[int | None]
    previous_total: int | None
    previous: list[int | None] | None


class OthersView(Model):
    """All further keys together: how many, and their sums."""

    keys: int
    total: int
    previous_total: int | None


class AnswerView(Model):
    """`counts` of each of the `series`, and its `previous`, are as long as `starts`: times in which
    nothing happened are 0. What has several keys, as of policies, counts under each."""

    figure: AskedFigure
    group_by: list[GroupName]
    bucket: Bucket
    time_zone: str
    since: datetime
    until: datetime
    starts: list[datetime]
    previous_since: datetime | None
    series: list[SeriesView]
    others: OthersView | None


class AnswersView(Model):
    """In the order of the questions, all of one moment. `names` by what was grouped by and id:
    what was removed has the name that it had last."""

    as_of: datetime
    answers: list[AnswerView]
    names: dict[
        Literal["ACTION", "ITEM_TYPE", "POLICY", "QUEUE", "REVIEWER", "RULE"], dict[str, str]
    ]


_body = JsonBody(FigureQueryBody)


@router.post(
    "/query",
    operation_id="queryFigures",
    response_model=AnswersView,
    openapi_extra=_body.openapi(),
)
async def query_figures(
    request: Request,
    principal: Reader,
    body: Annotated[FigureQueryBody, Depends(_body)],
) -> Response:
    """Up to twelve questions, answered at once, from counts that are kept for two years."""
    context = context_of(request)
    now = context.clock()
    asked = _asked(principal, body, now)
    async with (
        part_of(request, FigureConcurrency).taken(),
        transaction(context.engine) as connection,
    ):
        await connection.execute(SNAPSHOT)
        found = await answers(
            connection,
            await scope_of(connection, principal),
            asked,
            now=now,
            tallies=part_of(request, TallyReader),
            levels=part_of(request, LevelMemory),
            signals=context.signals,
            limits=part_of(request, QueryLimits),
        )
    return Response(msgspec.json.encode(found), media_type="application/json")


def _asked(principal: Principal, body: FigureQueryBody, now: datetime) -> list[AskedQuestion]:
    """Raises `Invalid` with the faults of all questions, `LacksPermission`."""
    found: list[AskedQuestion] = []
    faults: list[Fault] = []
    for position, question in enumerate(body.questions):
        _require(principal, position, question)
        try:
            found.append(
                asked_question(
                    position,
                    figure=question.figure,
                    group_by=question.group_by,
                    filters=question.filters.by_name(),
                    time=AskedTime(
                        since=question.since,
                        until=question.until,
                        bucket=question.bucket,
                        zone=question.time_zone,
                        compare=question.compare,
                    ),
                    top=question.top,
                    now=now,
                )
            )
        except Invalid as error:
            faults += error.faults
    if faults:
        raise Invalid(faults)
    return found


def _require(principal: Principal, position: int, question: FigureQuestionBody) -> None:
    """Raises `LacksPermission`."""
    here = pointer("questions", position)
    needs: tuple[Permission, ...] = (Permission.VIEW_MRT_DATA,)
    if question.figure in {"ACTIONS", "REVERSALS", "MATCHES", "EVALUATIONS"}:
        needs = (Permission.VIEW_MRT_DATA, Permission.VIEW_INSIGHTS)
    if not any(principal.may(one) for one in needs):
        raise LacksPermission(*needs, message=f"{here}: needs {' or '.join(needs)}")
    reviewers = question.filters.reviewer_ids
    of_people = "REVIEWER" in question.group_by or bool(reviewers)
    lead = Permission.EDIT_MRT_QUEUES
    if of_people and reviewers != [principal.user_id] and not principal.may(lead):
        raise LacksPermission(lead, message=f"{here}: facts of other people need {lead}")
