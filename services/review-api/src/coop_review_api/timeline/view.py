"""A timeline on this API's wire: a union by `kind`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from coop_review_api.decision_log.route import DecisionLogEntry, TakenBackView
from coop_review_api.http.body import Model
from coop_review_api.http.item_ref import ItemRefView, PlatformUserView
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.timeline.entry import Kind


class MomentView(Model):
    """`id` is that of what the kind says it is; `time` is when."""

    id: str
    time: datetime


class SubmissionMoment(MomentView):
    """The item was sent; `id` is the submission, report or appeal that brought it."""

    kind: Literal["SUBMISSION"]
    item: ItemRefView
    type_version: str
    source: Literal["ITEM", "REPORT", "APPEAL"]


class ReportMoment(MomentView):
    """`invalidatedAt`: it counts no longer."""

    kind: Literal["REPORT"]
    item: ItemRefView
    reporter: PlatformUserView | None
    reason: str | None
    policy_id: str | None
    job_id: str
    queue_id: str
    invalidated_at: datetime | None


class AppealMoment(MomentView):
    """How it was decided is a DECISION."""

    kind: Literal["APPEAL"]
    item: ItemRefView
    appealed_by: PlatformUserView
    reason: str | None
    action_ids: list[str]
    job_id: str
    queue_id: str
    invalidated_at: datetime | None


class KeepingMoment(MomentView):
    """The job was given to a person, or held while an answer was awaited, from `time` until
    `until`; how and when that ended, null as long as it lasts."""

    kind: Literal["KEEPING"]
    item: ItemRefView
    job_id: str
    queue_id: str
    kept_as: Literal["ASSIGNED", "HELD"]
    person_id: str | None
    person: PersonBeside = None
    reason: str | None
    kept_by: str
    kept_by_person: PersonBeside = None
    until: datetime
    ended_at: datetime | None
    ended_by: str | None
    ended_by_person: PersonBeside = None
    outcome: (
        Literal["TAKEN_BACK", "EXPIRED", "CLAIMED", "REPLACED", "CLOSED", "MOVED", "LEFT"] | None
    )


class RuleActorView(Model):
    """A rule as it was called then. `score` and `matchedValue` are of its first condition that
    found something."""

    id: str
    name: str
    revision: int
    status: Literal["LIVE", "BACKGROUND"]
    score: float | bool | str | None
    matched_value: str | None


class RuleExecutionView(Model):
    execution_id: str
    action_id: str


class RuleMoment(MomentView):
    """Rules that passed on a submission (`submissionId`), and what they asked for."""

    kind: Literal["RULE"]
    item: ItemRefView
    submission_id: str
    rules: list[RuleActorView]
    executions: list[RuleExecutionView]
    taken_back: list[TakenBackView]


class DecisionMoment(MomentView):
    """What was decided, with who did and what took it back, as the decision log says it; what rules
    did is at RULE."""

    kind: Literal["DECISION"]
    decision: DecisionLogEntry


class StrikeMoment(MomentView):
    """The user's strikes became `total`, by `delta`, for `causeId`."""

    kind: Literal["STRIKE"]
    cause_id: str
    policy_id: str | None
    delta: int
    total: int
    crossed: list[int]


class NoteMoment(MomentView):
    """A note on the user; `text` is null once it was deleted."""

    kind: Literal["NOTE"]
    author_id: str
    author: PersonBeside = None
    text: str | None
    edited_at: datetime | None
    deleted_at: datetime | None
    deleted_by: str | None
    deleted_by_person: PersonBeside = None


class CommentMoment(MomentView):
    kind: Literal["COMMENT"]
    author_id: str
    author: PersonBeside = None
    job_id: str
    text: str
    edited_at: datetime | None


class DeliveryMoment(MomentView):
    """What became of an action, at the time it was asked for; `id` is the execution. PENDING:
    nothing was heard of it yet."""

    kind: Literal["DELIVERY"]
    item: ItemRefView
    action_id: str
    state: Literal["DELIVERED", "DEAD", "PENDING"]
    attempts: int
    status: int | None
    error: str | None
    ended_at: datetime | None


AnyMoment = Annotated[
    SubmissionMoment
    | ReportMoment
    | AppealMoment
    | KeepingMoment
    | RuleMoment
    | DecisionMoment
    | StrikeMoment
    | NoteMoment
    | CommentMoment
    | DeliveryMoment,
    Field(discriminator="kind"),
]


class MissingKindView(Model):
    """UNAVAILABLE: try again. NOT_PERMITTED: not for me."""

    kind: Kind
    reason: Literal["UNAVAILABLE", "NOT_PERMITTED"]


class TimelineView(Model):
    """Newest first. A page may hold fewer than asked for, and still have a next one."""

    items: list[AnyMoment]
    next_cursor: str | None = None
    missing: list[MissingKindView]
