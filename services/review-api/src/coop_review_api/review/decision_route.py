"""Deciding: the decision on a claimed job, and what became of it.

Guarantees: a decision needs the job's lease token; without it, 409.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import Field, JsonValue

from coop_contracts.event import (
    FileAnnotation,
    IncidentType,
    MediumClass,
    ReportAnnotation,
)
from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import part_of
from coop_review_api.http.item_ref import ItemRefView
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.shape import Shape
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import deciding, recorded, taking
from coop_review_api.review.claim_route import NextQueues
from coop_review_api.review.claimed_view import Include, claimed_view
from coop_review_api.review.decision import MAX_NOTE, Component, Draft
from coop_review_api.review.desk import Desk, HandedOut
from coop_review_api.review.draft import kept
from coop_review_api.review.job_view import ClaimView
from coop_review_api.review.taking import NextRefusal

router = APIRouter(prefix="/v1", tags=["review"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]
Reader = Annotated[Principal, Depends(requires(Permission.VIEW_MRT_DATA))]

LeaseToken = Annotated[str, Field(min_length=1, max_length=128)]
ItemId = Annotated[str, Field(min_length=1, max_length=512)]


class IgnoreComponent(Body):
    """Nothing is done; the organisation is told, where it wants to know."""

    type: Literal["IGNORE"]


class ActionComponent(Body):
    """Actions on the job's item. `parameters`: values by action id, then by parameter name."""

    type: Literal["CUSTOM_ACTION"]
    action_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    policy_ids: Annotated[list[Id], Field(max_length=50)] = Field(default_factory=list)
    parameters: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)


class RelatedItem(Body):
    id: ItemId
    type_id: Id


class RelatedActionComponent(Body):
    """Actions on other items: the author, the thread, other messages."""

    type: Literal["RELATED_ACTION"]
    items: Annotated[list[RelatedItem], Field(min_length=1, max_length=100)]
    action_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    policy_ids: Annotated[list[Id], Field(max_length=50)] = Field(default_factory=list)
    parameters: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)


class MoveComponent(Body):
    """The job goes on in another queue."""

    type: Literal["MOVE"]
    queue_id: Id


class EscalateComponent(Body):
    """The item's author becomes a job of the child-safety queue, with everything that is known."""

    type: Literal["ESCALATE_TO_NCMEC"]


class NcmecMedium(Body):
    """A medium of the report: `pointer` leads to it in its item's data. Only what is REPORTED is
    classified: A prepubescent, B pubescent; 1 sex act, 2 lascivious exhibition."""

    item: RelatedItem
    pointer: Annotated[str, Field(max_length=1000)]
    classification: MediumClass | None = None
    annotations: Annotated[list[FileAnnotation], Field(max_length=10)] = Field(default_factory=list)
    relevance: Literal["REPORTED", "SUPPLEMENTAL"] = "REPORTED"


class NcmecThread(Body):
    """Messages of a thread, in order."""

    thread: RelatedItem
    messages: Annotated[list[RelatedItem], Field(min_length=1, max_length=500)]


class NcmecPerson(Body):
    """A victim, or who was meant to receive something."""

    user: RelatedItem
    age: Annotated[int, Field(ge=0, le=150)] | None = None
    notes: Annotated[str, Field(max_length=3000)] | None = None


class NcmecReportBody(Body):
    """What NCMEC is told. Confirmed by a person: `confirmedUserId`, the id of who is reported,
    typed; `environment`, as it was shown; `further`, where they were reported before.
    `highPriority` is a reason."""

    incident: IncidentType
    environment: Literal["TEST", "PRODUCTION"]
    confirmed_user_id: ItemId
    media: Annotated[list[NcmecMedium], Field(max_length=500)] = Field(default_factory=list)
    threads: Annotated[list[NcmecThread], Field(max_length=50)] = Field(default_factory=list)
    victims: Annotated[list[NcmecPerson], Field(max_length=50)] = Field(default_factory=list)
    recipients: Annotated[list[NcmecPerson], Field(max_length=50)] = Field(default_factory=list)
    annotations: Annotated[list[ReportAnnotation], Field(max_length=5)] = Field(
        default_factory=list
    )
    high_priority: Annotated[str, Field(max_length=3000)] | None = None
    additional_info: Annotated[str, Field(max_length=10_000)] | None = None
    further: bool = False


class NcmecReportComponent(Body):
    """The user is reported to NCMEC, once the decision can no longer be undone."""

    type: Literal["SUBMIT_NCMEC_REPORT"]
    report: NcmecReportBody


class AcceptAppealComponent(Body):
    """The platform is told of each appeal. `appealIds`, if given, have to be all of the job's: one
    that came meanwhile is not decided unread. `reverseActions` takes back what was appealed
    against: strikes, and by each action's reverse action what the platform did."""

    type: Literal["ACCEPT_APPEAL"]
    appeal_ids: Annotated[list[ItemId], Field(max_length=1000)] = Field(default_factory=list)
    reverse_actions: bool = False


class RejectAppealComponent(Body):
    """As ACCEPT_APPEAL, the other way."""

    type: Literal["REJECT_APPEAL"]
    appeal_ids: Annotated[list[ItemId], Field(max_length=1000)] = Field(default_factory=list)


SentComponents = Annotated[
    list[
        Annotated[
            IgnoreComponent
            | ActionComponent
            | RelatedActionComponent
            | MoveComponent
            | EscalateComponent
            | NcmecReportComponent
            | AcceptAppealComponent
            | RejectAppealComponent,
            Field(discriminator="type"),
        ]
    ],
    Field(min_length=1, max_length=20),
]


class DecisionBody(Body):
    """What becomes of the job, and actions with it. IGNORE and REJECT_APPEAL go with
    RELATED_ACTION; MOVE, ESCALATE_TO_NCMEC, SUBMIT_NCMEC_REPORT and ACCEPT_APPEAL with actions of
    both kinds. `revision`
    is the job's as the reviewer saw it. The same decision sent again gets the same answer."""

    lease_token: LeaseToken
    components: SentComponents
    reason: Annotated[str, Field(max_length=MAX_NOTE)] | None = None
    note: Annotated[str, Field(max_length=MAX_NOTE)] | None = None
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class DecideBody(DecisionBody):
    """A decision as above. With `next` the answer has the job that I go on with."""

    next: NextQueues | None = None


class DecisionExecutionView(Model):
    """An action that will happen: `executionId` is the `webhook-id` of its delivery. It is on the
    job's item unless `item` says another; `reverses` is the execution that it takes back."""

    execution_id: str
    action_id: str
    item: ItemRefView | None = None
    reverses: str | None = None


class EscalationView(Model):
    """The job about the `user` that was asked for. `jobId` is null until it is there, and for who
    may not see child-safety data."""

    user: ItemRefView
    job_id: str | None


ComponentJson = Annotated[dict[str, Any], Shape(Component)]


class DecisionView(Model):
    """`reviewerId` is null where the settings of a queue decided. `movedTo` is the job that
    continues a moved or undone one. Until `leavesAt` the decision can be undone (null: it left at
    once). `appealOf` is the decision that was appealed against."""

    id: str
    job_id: str
    queue_id: str
    reviewer_id: str | None
    reviewer: PersonBeside = None
    automatic: bool
    components: list[ComponentJson]
    executions: list[DecisionExecutionView]
    config_revision: int
    decided_at: datetime
    reason: str | None
    note: str | None
    moved_to: str | None
    leaves_at: datetime | None
    undone_at: datetime | None
    appeal_of: str | None
    escalation: EscalationView | None


class DecidedView(Model):
    """The decision, and the job that I go on with: null where nothing waits for me, or where it was
    refused (`nextRefused`), which says nothing of the decision."""

    decision: DecisionView
    next: ClaimView | None
    next_refused: NextRefusal | None


_decide_body = JsonBody(DecideBody)


def components_of(sent: Sequence[Body]) -> tuple[Component, ...]:
    """The components as they are judged."""
    return msgspec.convert([part.model_dump(by_alias=True) for part in sent], tuple[Component, ...])


def draft_of(body: DecisionBody) -> Draft:
    """The decision as it is judged."""
    return Draft(
        components=components_of(body.components),
        reason=body.reason,
        note=body.note,
        seen_revision=body.revision,
    )


@router.post(
    "/jobs/{job_id}/decisions",
    operation_id="decideJob",
    response_model=DecisionView | DecidedView,
    status_code=201,
    openapi_extra=_decide_body.openapi(),
)
async def decide_job(
    request: Request,
    principal: Reviewer,
    job_id: str,
    body: Annotated[DecideBody, Depends(_decide_body)],
    include: Include = None,
) -> DecisionView | DecidedView:
    """Decide the job under its lease. What follows from it happens once. A decision that is refused
    with 409 is kept as my draft (`draftKept`). The answer is the decision; with `next` it is
    `{decision, next, nextRefused}`. The same request again is answered with the same job, while I
    hold it. `include=context` is about that job."""
    desk, draft = part_of(request, Desk), draft_of(body)
    async with kept(desk.engine, principal, job_id, draft, clock=desk.clock):
        made = await deciding.submit(
            desk, principal, job_id, draft=draft, lease_token=body.lease_token
        )
    if body.next is None:
        return decision_view(made)
    following = await taking.following(desk, principal, job_id, body.next.wanted)
    return DecidedView(
        decision=decision_view(made),
        next=await _claimed(request, principal, following.handed_out, include),
        next_refused=following.refused,
    )


async def _claimed(
    request: Request, principal: Principal, handed_out: HandedOut | None, include: Include
) -> ClaimView | None:
    if handed_out is None:
        return None
    return await claimed_view(request, principal, handed_out, include)


@router.get("/decisions/{decision_id}", operation_id="getDecision", response_model=DecisionView)
async def get_decision(request: Request, principal: Reader, decision_id: str) -> DecisionView:
    """A decision on a job that is open to me, with what became of it."""
    desk = part_of(request, Desk)
    found, escalated_to = await recorded.find(desk, principal, decision_id)
    return decision_view(found, escalated_to=escalated_to)


def decision_view(
    made: recorded.RecordedDecision, *, escalated_to: str | None = None
) -> DecisionView:
    """`escalated_to` is the job that an escalation became, for who may know."""
    escalation = None
    if made.escalation is not None:
        user = made.escalation.user
        shown = ItemRefView(id=user.id, type_id=user.type_id)
        escalation = EscalationView(user=shown, job_id=escalated_to)
    return DecisionView(
        id=made.decision_id,
        job_id=made.job_id,
        queue_id=made.queue_id,
        reviewer_id=made.reviewer_id,
        automatic=made.reviewer_id is None,
        components=msgspec.to_builtins(made.components),
        executions=[
            DecisionExecutionView.model_validate(msgspec.to_builtins(one))
            for one in made.executions
        ],
        config_revision=made.config_revision,
        decided_at=made.decided_at,
        reason=made.reason,
        note=made.note,
        moved_to=made.moved_to,
        leaves_at=made.leaves_at,
        undone_at=made.undone_at,
        appeal_of=made.appeal_of,
        escalation=escalation,
    )
