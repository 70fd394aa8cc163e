"""Quality of reviewing: golden items, agreement, overturn rates.

Guarantees: facts of a person need EDIT_MRT_QUEUES; totals by queue, of the queues one may see,
VIEW_MRT_DATA; one interval is computed at a time in a process, and waited for no longer than 10 s.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PeopleBeside, PersonBeside
from coop_review_api.kernel.concurrency import ConcurrencyLimit
from coop_review_api.kernel.error import Fault, Invalid, LacksPermission
from coop_review_api.kernel.principal import Principal
from coop_review_api.quality import golden, report
from coop_review_api.quality.category import By
from coop_review_api.review.decision import MAX_NOTE
from coop_review_api.review.decision_route import ComponentJson, SentComponents, components_of
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1/quality", tags=["quality"])

Lead = Annotated[Principal, Depends(requires(Permission.EDIT_MRT_QUEUES))]
Reader = Annotated[Principal, Depends(requires(Permission.VIEW_MRT_DATA))]


class AgreementConcurrency(ConcurrencyLimit):
    """One agreement is computed at a time."""

    def __init__(self) -> None:
        super().__init__(1, busy="other agreement is being computed")


_SPAN = timedelta(days=30)
_LONGEST = timedelta(days=366)


async def _wanted(
    request: Request,
    since: Annotated[Moment | None, Query(description="Default: 30 days before the end.")] = None,
    until: Annotated[Moment | None, Query(description="Not in it. Default: now.")] = None,
    queue_id: Annotated[str | None, Query(alias="queueId", max_length=128)] = None,
    policy_id: Annotated[str | None, Query(alias="policyId", max_length=128)] = None,
) -> report.AgreementQuestion:
    end = until or context_of(request).clock()
    try:
        start = since or end - _SPAN
    except OverflowError:
        raise Invalid([Fault("#/query/until", "too early")]) from None
    if not start < end:
        raise Invalid([Fault("#/query/since", "must be before the end")])
    if end - start > _LONGEST:
        raise Invalid([Fault("#/query/since", f"at most {_LONGEST.days} days before the end")])
    return report.AgreementQuestion(start=start, end=end, queue_id=queue_id, policy_id=policy_id)


Asked = Annotated[report.AgreementQuestion, Depends(_wanted)]
ComparedBy = Annotated[By, Query(description="What makes two decisions equal.")]


class GoldenItemBody(Body):
    """`components`: the right decision; left out, the one that was made."""

    decision_id: Id
    components: SentComponents | None = None
    note: Annotated[str, Field(max_length=MAX_NOTE)] | None = None


class GoldenItemView(Model):
    id: str
    decision_id: str
    job_id: str
    queue_id: str
    csam: bool
    components: list[ComponentJson]
    note: str | None
    created_by: str
    created_by_person: PersonBeside = None
    created_at: datetime
    retired_at: datetime | None


class GoldenItemPage(Model):
    items: list[GoldenItemView]
    next_cursor: str | None = None


class GoldenResultView(Model):
    """Of `answered` golden items of a queue: how many a person got wholly right, and in part."""

    reviewer_id: str
    reviewer: PersonBeside = None
    queue_id: str
    answered: int
    correct: int
    outcome_correct: int
    actions_correct: int
    policies_correct: int


class GoldenResultPage(Model):
    items: list[GoldenResultView]
    next_cursor: str | None = None


class IntervalView(Model):
    """A coefficient and its 95 % bootstrap interval. Null where it is not defined: no reviews, or
    everybody always said the same."""

    value: float | None
    low: float | None
    high: float | None
    resamples: int


class AgreementView(Model):
    """First against second reviews. `kappa` is Cohen's, all first reviewers taken for one rater and
    all second ones for another; `alpha` Krippendorff's, nominal."""

    queue_id: str
    reviews: int
    equal: int
    kappa: float | None
    alpha: IntervalView


class AgreementPage(Model):
    items: list[AgreementView]
    next_cursor: str | None = None


class PairAgreementView(Model):
    """Cohen's kappa of two people, whoever of them decided first."""

    queue_id: str
    reviewer_ids: list[str]
    reviewers: PeopleBeside = Field(default_factory=list)
    reviews: int
    equal: int
    kappa: float | None


class PairAgreementPage(Model):
    items: list[PairAgreementView]
    next_cursor: str | None = None


class OverturnView(Model):
    """Of the `decisions` of a queue, person, policy or action (`key`): how many were undone within
    the window, reversed later, appealed against (the appeal decided) and the appeal accepted,
    reviewed again and then decided otherwise."""

    key: str
    key_person: PersonBeside = None
    decisions: int
    undone: int
    reversed: int
    appeals: int
    appeals_accepted: int
    second_reviews: int
    second_reviews_differing: int


class OverturnPage(Model):
    items: list[OverturnView]
    next_cursor: str | None = None


_golden_body = JsonBody(GoldenItemBody)


@router.post(
    "/golden-items",
    operation_id="createGoldenItem",
    response_model=GoldenItemView,
    status_code=201,
    openapi_extra=_golden_body.openapi(),
)
async def create_golden_item(
    request: Request,
    principal: Lead,
    body: Annotated[GoldenItemBody, Depends(_golden_body)],
) -> GoldenItemView:
    """Name a decided job golden: it comes, blind, to people who do second reviews."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        row = await golden.create(
            connection,
            principal,
            body.decision_id,
            components=None if body.components is None else components_of(body.components),
            note=body.note,
            now=context.clock(),
        )
    return _golden_view(row)


@router.get("/golden-items", operation_id="listGoldenItems", response_model=GoldenItemPage)
async def list_golden_items(
    request: Request,
    principal: Lead,
    queue_id: Annotated[str | None, Query(alias="queueId", max_length=128)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> GoldenItemPage:
    """Golden items with their right decisions, retired ones too, newest first."""
    async with transaction(context_of(request).engine) as connection:
        found = await golden.page(
            connection,
            principal,
            queue_id=queue_id,
            after=decode_cursor(cursor),
            limit=limit + 1,
        )
    page, next_cursor = cut(found, limit, lambda row: str(row.golden_id))
    return GoldenItemPage(items=[_golden_view(row) for row in page], next_cursor=next_cursor)


@router.get(
    "/golden-items/{golden_id}", operation_id="getGoldenItem", response_model=GoldenItemView
)
async def get_golden_item(request: Request, principal: Lead, golden_id: str) -> GoldenItemView:
    """A golden item with its right decision."""
    async with transaction(context_of(request).engine) as connection:
        return _golden_view(await golden.get(connection, principal, golden_id))


@router.delete("/golden-items/{golden_id}", operation_id="retireGoldenItem", status_code=204)
async def retire_golden_item(request: Request, principal: Lead, golden_id: str) -> Response:
    """Show it to nobody any more. What was answered keeps counting."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await golden.retire(connection, principal, golden_id, context.clock())
    return Response(status_code=204)


@router.get("/golden-results", operation_id="listGoldenResults", response_model=GoldenResultPage)
async def list_golden_results(
    request: Request, principal: Lead, wanted: Asked, limit: Limit = 50, cursor: Cursor = None
) -> GoldenResultPage:
    """How each person answered golden items, by queue."""
    reviewer_id, _, queue_id = (decode_cursor(cursor) or "").partition(" ")
    async with transaction(context_of(request).engine) as connection:
        found = await report.golden_results(
            connection, principal, wanted, after=(reviewer_id, queue_id), limit=limit + 1
        )
    page, next_cursor = cut(found, limit, lambda row: f"{row.reviewer_id} {row.queue_id}")
    items = [
        GoldenResultView(
            reviewer_id=row.reviewer_id,
            queue_id=row.queue_id,
            answered=row.answered,
            correct=row.correct,
            outcome_correct=row.outcome,
            actions_correct=row.actions,
            policies_correct=row.policies,
        )
        for row in page
    ]
    return GoldenResultPage(items=items, next_cursor=next_cursor)


@router.get("/agreement", operation_id="listAgreement", response_model=AgreementPage)
async def list_agreement(
    request: Request,
    principal: Reader,
    wanted: Asked,
    by: ComparedBy = By.OUTCOME,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AgreementPage:
    """How far first and second reviews agree, by queue."""
    after = decode_cursor(cursor) or ""
    async with transaction(context_of(request).engine) as connection:
        found = await report.tables(connection, principal, wanted, by)
    queue_ids, next_cursor = cut(sorted(one for one in found if one > after), limit, str)
    concurrency = part_of(request, AgreementConcurrency)
    items = []
    for queue_id in queue_ids:
        async with concurrency.taken():
            one = await asyncio.to_thread(report.of_queue, queue_id, found[queue_id])
        alpha = IntervalView(**one.alpha._asdict())
        items.append(
            AgreementView(
                queue_id=queue_id,
                reviews=one.reviews,
                equal=one.equal,
                kappa=one.kappa,
                alpha=alpha,
            )
        )
    return AgreementPage(items=items, next_cursor=next_cursor)


@router.get("/agreement/pairs", operation_id="listPairAgreement", response_model=PairAgreementPage)
async def list_pair_agreement(
    request: Request,
    principal: Lead,
    wanted: Asked,
    by: ComparedBy = By.OUTCOME,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PairAgreementPage:
    """How far each two people agree, by queue."""
    after = decode_cursor(cursor) or ""
    async with transaction(context_of(request).engine) as connection:
        found = report.of_pairs(await report.tables(connection, principal, wanted, by))
    rest = [one for one in found if _position(one) > after]
    page, next_cursor = cut(rest, limit, _position)
    items = [
        PairAgreementView(
            queue_id=one.queue_id,
            reviewer_ids=list(one.reviewer_ids),
            reviews=one.reviews,
            equal=one.equal,
            kappa=one.kappa,
        )
        for one in page
    ]
    return PairAgreementPage(items=items, next_cursor=next_cursor)


@router.get("/overturns", operation_id="listOverturns", response_model=OverturnPage)
async def list_overturns(
    request: Request,
    principal: Reader,
    wanted: Asked,
    group_by: Annotated[report.GroupBy, Query(alias="groupBy")] = "QUEUE",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> OverturnPage:
    """What became of people's decisions. All but the totals by queue need EDIT_MRT_QUEUES."""
    if group_by != "QUEUE" and not principal.may(Permission.EDIT_MRT_QUEUES):
        needs = Permission.EDIT_MRT_QUEUES
        raise LacksPermission(needs, message=f"by {group_by} needs {needs}")
    async with transaction(context_of(request).engine) as connection:
        found = await report.overturns(
            connection,
            principal,
            wanted,
            group_by,
            after=decode_cursor(cursor) or "",
            limit=limit + 1,
        )
    page, next_cursor = cut(found, limit, lambda row: str(row.key))
    items = [
        OverturnView(
            key=row.key,
            decisions=row.decisions,
            undone=row.undone,
            reversed=row.reversed,
            appeals=row.appeals,
            appeals_accepted=row.appeals_accepted,
            second_reviews=row.second_reviews,
            second_reviews_differing=row.differing,
        )
        for row in page
    ]
    return OverturnPage(items=items, next_cursor=next_cursor)


def _position(pair: report.PairAgreement) -> str:
    return " ".join((pair.queue_id, *pair.reviewer_ids))


def _golden_view(row: Any) -> GoldenItemView:
    return GoldenItemView(
        id=row.golden_id,
        decision_id=row.decision_id,
        job_id=row.job_id,
        queue_id=row.queue_id,
        csam=row.csam,
        components=msgspec.to_builtins(row.components),
        note=row.note,
        created_by=row.created_by,
        created_at=row.created_at,
        retired_at=row.retired_at,
    )
