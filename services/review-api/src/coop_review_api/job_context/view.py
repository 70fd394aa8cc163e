"""A job's context on this API's wire.

Guarantees: every id has a name beside it where one is known; items go out as they came in, with
their types beside them (`types`, by `typeId` and `typeVersion`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from coop_contracts.config import ItemKind
from coop_review_api.comment.route import CommentView
from coop_review_api.configuration.document_model import FieldFields, FieldRolesFields, Penalty
from coop_review_api.explanation.view import ConditionNodeView, Score
from coop_review_api.history.known_item import Carrier
from coop_review_api.http.body import Model
from coop_review_api.http.item_ref import ItemRefView, PlatformUserView
from coop_review_api.http.shape import named
from coop_review_api.job_context.part import PartName, Reason
from coop_review_api.media_value.view import MediaValueView
from coop_review_api.review.draft_route import DraftView
from coop_review_api.review.job_view import AppealOriginView, EntryJson, JobSummaryView
from coop_review_api.review.offer import Target
from coop_review_api.timeline.view import TimelineView


class ContextItemView(Model):
    """An item as it was sent. `submittedAt` is when, `saidAt` when it says it was made (null: not
    known). `carrier` says who has it: the history, or the job alone. `media` are
    those in its data, by pointers from here (`/data/…`)."""

    id: str
    type_id: str
    type_version: str
    data: dict[str, Any]
    creator: PlatformUserView | None
    display_name: str | None
    submitted_at: datetime | None
    said_at: datetime | None
    carrier: Carrier
    media: list[MediaValueView]


class ContextTypeView(Model):
    """An item type as it was at `version`: what kinds of values its fields have, and which of them
    are hidden at first."""

    id: str
    version: str
    name: str
    kind: ItemKind
    fields: list[FieldFields]
    field_roles: FieldRolesFields
    hidden_fields: list[str]


class ContextJobView(JobSummaryView):
    """A job. `entries` are its causes, the newest first, at most a hundred; all of them are at
    `/v1/jobs/{id}`. `appealOf`: what an appeal is against."""

    entries: list[EntryJson]
    reported_in_thread: list[ItemRefView]
    appeal_of: list[AppealOriginView] = Field(default_factory=list)


class AvatarView(Model):
    """The picture that the profile names: `ref` is what it is shown by, `url` where the platform
    has it."""

    ref: str
    url: str


class StrikeCountView(Model):
    """Live strikes, and when the next of them ends."""

    total: int
    next_expiry_at: datetime | None


class RecentJobsView(Model):
    """Jobs about the user that came within seven days: how many, and the newest ten."""

    open: int
    closed: int
    items: list[JobSummaryView]


class AuthorView(PlatformUserView):
    """Whom the job is about: who made its item, or who it is. `joinedAt` is what their profile
    says; `firstSeen` and `lastSeen` are when something of theirs was sent, as far back as the
    history goes. `strikes` is null where they could not be had."""

    profile: ContextItemView | None
    avatar: AvatarView | None
    joined_at: datetime | None
    first_seen: datetime | None
    last_seen: datetime | None
    strikes: StrikeCountView | None
    jobs7d: RecentJobsView = Field(alias="jobs7d")


class ReporterView(PlatformUserView):
    """Who reported the item. Of their reports of the last 30 days (of a thousand at most), how many
    there were and how many a reviewer acted upon; null for who may not read what was decided."""

    reports30d: int | None = Field(alias="reports30d")
    upheld30d: int | None = Field(alias="upheld30d")


class ReasonRuleView(Model):
    """A rule that passed and sent the job. `says`, `score` and `matchedValue` are those of the
    first condition that was true and found something; `conditions` are all of them."""

    id: str
    name: str
    revision: int
    submission_id: str
    evaluated_at: datetime
    says: str | None
    score: Score
    matched_value: str | None
    conditions: ConditionNodeView | None


class ContextReasonView(Model):
    """Why rules sent the job, as long as it is kept."""

    rules: list[ReasonRuleView]


class JobThreadView(Model):
    """Items of a conversation, oldest first. `before` and `after` are cursors of
    `/v1/jobs/{id}/thread` in that direction, null where it ends. `thread` is null where the item's
    type names none: then there is only what reports brought."""

    thread: ItemRefView | None
    items: list[ContextItemView]
    before: str | None
    after: str | None


class JobThreadPage(Model):
    """A part of it, oldest first; `nextCursor` leads on in the same direction. A page may hold
    fewer than asked for, and still have a next one. `missing`: what of it could not be had."""

    thread: ItemRefView | None
    items: list[ContextItemView]
    next_cursor: str | None
    types: list[ContextTypeView]
    missing: list[MissingPartView]


class ContextCommentsView(Model):
    """How many there are, and the newest of them, oldest first."""

    count: int
    items: list[CommentView]


class OfferedActionView(Model):
    """An action that can be taken on the job's item, or on its author (as RELATED_ACTION). A
    `hidden` one is refused in this queue. `parameters`: it has some."""

    id: str
    name: str
    target: Target
    hidden: bool
    penalty: Penalty
    parameters: bool


class OfferedQueueView(Model):
    id: str
    name: str


class PossibilityView(Model):
    """`reason` says why not."""

    ok: bool
    reason: str | None = None


class DecisionRulesView(Model):
    """What the organisation requires of a decision on this job."""

    policy_required: bool
    reason_required: bool
    reason_required_on_ignore: bool
    several_policies: bool


class OffersView(Model):
    """What I may do with the job. `reverse`: whether accepting an appeal can take back what it is
    against; null for what is no appeal."""

    actions: list[OfferedActionView]
    move_to: list[OfferedQueueView]
    skip: PossibilityView
    escalate: PossibilityView
    reverse: PossibilityView | None
    rules: DecisionRulesView


class ContextTimelineView(TimelineView):
    """Of the job's USER, or of its ITEM where nobody knows whose that is. It goes on at
    `/v1/jobs/{id}/timeline?of=`."""

    of: Literal["ITEM", "USER"]


class MissingPartView(Model):
    """UNAVAILABLE: try again. NOT_PERMITTED: not for me. NOT_KNOWN: nobody has it."""

    part: PartName
    reason: Reason


@named
class JobContextView(Model):
    """A job with everything that its page shows first. `author` is null where nobody knows who made
    the item; `offers` once the job is closed. `remaining` is how much waits in its queue, of a
    thousand at most. What could not be had is in `missing`; the rest is there."""

    job: ContextJobView
    item: ContextItemView
    earlier_items: list[ContextItemView]
    additional_items: list[ContextItemView]
    author: AuthorView | None
    reporters: list[ReporterView]
    timeline: ContextTimelineView | None
    comments: ContextCommentsView
    explanation: ContextReasonView
    thread: JobThreadView
    offers: OffersView | None
    draft: DraftView | None
    remaining: int
    types: list[ContextTypeView]
    missing: list[MissingPartView]
