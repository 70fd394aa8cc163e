"""Review jobs on this API's wire.

Guarantees: item data goes out as it came in; hidden fields are named by the item type
(`hiddenFields`), not removed: a reviewer's page decides what to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, SerializeAsAny

from coop_contracts.event import ItemRef, Source, SubmittedItem
from coop_queues.job import Claim, CloseCause, Job, JobEntry, JobSummary
from coop_review_api.http.body import Model
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.shape import NamedShape, Shape
from coop_review_api.media_value.view import MediaValueView, media_of_job
from coop_review_api.review.decision import Origin
from coop_runtime.secret.vault import Vault


class LeaseHolder(Model):
    """Who holds the job now, until when."""

    reviewer_id: str
    reviewer: PersonBeside = None
    expires_at: datetime


class KeptView(Model):
    """Until `until` the job is assigned to a person, or held while an answer is awaited (then
    `personId` may be null: for whoever has the answer). Nobody else is given it."""

    kept_as: Literal["ASSIGNED", "HELD"]
    person_id: str | None
    person: PersonBeside = None
    until: datetime


class JobSummaryView(Model):
    """A job without its contents. `revision` rises when a report is merged into it.
    `reporterCount` counts each reporter once; `severity`, from 0 to 4, is the greatest penalty of
    its policies; `deadline` is when it is to be decided, by its queue's target or the law."""

    id: str
    queue_id: str
    kind: Literal["DEFAULT", "NCMEC", "APPEAL"]
    state: Literal["PENDING", "CLOSED"]
    item_id: str
    item_type_id: str
    source: Source
    policy_ids: list[str]
    csam: bool
    entry_count: int
    report_count: int
    reporter_count: int
    severity: int
    deadline: datetime | None
    revision: int
    created_at: datetime
    moved_from: list[str]
    moved_to: str | None
    lease: LeaseHolder | None
    kept: KeptView | None
    claimed_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    closed_by_person: PersonBeside = None
    close_reason: CloseCause | None


ItemJson = Annotated[dict[str, Any], Shape(SubmittedItem)]
EntryJson = Annotated[dict[str, Any], Shape(JobEntry)]
ItemRefJson = Annotated[dict[str, Any], Shape(ItemRef)]


class JobPayload(Model):
    """What there is to review. Items are as submitted: `{id, typeId, typeVersion, data, creator?}`.
    `entries` are the causes, newest first: reports, appeals, rules. `media` are those in the items,
    by pointers into this."""

    item: ItemJson
    entries: list[EntryJson]
    earlier_items: list[ItemJson]
    thread_items: list[ItemJson]
    additional_items: list[ItemJson]
    reported_in_thread: list[ItemRefJson]
    media: list[MediaValueView] = Field(default_factory=list)


class AppealOriginView(Model):
    """What took appealed actions on the item. `id` is that of a decision (PERSON, AUTOMATIC), of a
    bulk action, or of what made rules, a strike threshold or the platform act."""

    by: Literal["PERSON", "AUTOMATIC", "BULK_ACTION", "RULE", "STRIKE_THRESHOLD", "PLATFORM"]
    id: str
    decision_id: str | None
    reviewer_id: str | None
    reviewer: PersonBeside = None
    decided_at: datetime
    action_ids: list[str]
    policy_ids: list[str]
    rule_ids: list[str]
    execution_ids: list[str]


class JobView(JobSummaryView):
    """`appealOf`: what an appeal is against, the newest first; of each appealed action who took it
    last."""

    payload: JobPayload
    appeal_of: list[AppealOriginView] = Field(default_factory=list)


class JobPreviewMediaView(Model):
    count: int


class JobPreviewView(Model):
    """The beginning of the item's words, at most 200 characters, and how many media it has."""

    text: str
    media: JobPreviewMediaView


class ListedJobView(JobSummaryView):
    """`skippedUntil`: I skipped it, and am not handed it until then. `preview` where it was asked
    for, and never of what is about child safety."""

    skipped_until: datetime | None
    preview: JobPreviewView | None


class JobCountView(Model):
    """`value` jobs fit; with `more` there are more than that, and nobody counted further."""

    value: int
    more: bool


class JobPage(Model):
    """`count` where it was asked for."""

    items: list[ListedJobView]
    next_cursor: str | None = None
    count: JobCountView | None = None


class LeaseView(Model):
    """`token` is needed for every further step on the job; keep it in memory only."""

    token: str
    expires_at: datetime


class JobLeaseView(LeaseView):
    """`openedAt` is when work began; null: the job was claimed ahead of time and not opened."""

    opened_at: datetime | None


class ClaimView(Model):
    """`context` is all that is around the job, where it was asked for; null, too, where it cannot
    be had now."""

    job: JobView
    lease: JobLeaseView
    context: Annotated[SerializeAsAny[Model], NamedShape("JobContextView")] | None = None


class HeldView(Model):
    """A job that I hold; its contents are at `/v1/jobs/{id}`."""

    job: JobSummaryView
    lease: JobLeaseView


class HeldList(Model):
    """At most as many as one may hold."""

    items: list[HeldView]


class LeaseExtendedView(Model):
    expires_at: datetime


class JobLeaseExtendedView(LeaseExtendedView):
    """`revision` and `reportCount` are the job's as it is now; `openedAt` is when work began."""

    opened_at: datetime
    revision: int
    report_count: int


class QueueCountView(Model):
    """`leased` of the `pending` jobs are held by someone now, `overdue` of them are past their
    deadline; `nextDeadline` is the earliest, past or not."""

    queue_id: str
    pending: int
    leased: int
    oldest_created_at: datetime | None
    overdue: int
    next_deadline: datetime | None


class QueueCountList(Model):
    items: list[QueueCountView]


class ReleasedView(Model):
    """`released`: how many jobs and second reviews are free again."""

    released: int


def lease_view(job: JobSummary, token: str, expires_at: datetime) -> JobLeaseView:
    """The lease of its holder."""
    opened_at = None if job.unopened else job.claimed_at
    return JobLeaseView(token=token, expires_at=expires_at, opened_at=opened_at)


def claim_view(claim: Claim, origins: Sequence[Origin], vault: Vault) -> ClaimView:
    """A claimed job, and what its appeals are against."""
    return ClaimView(
        job=job_view(claim.job, vault, origins=origins),
        lease=lease_view(claim.job.summary, claim.lease_token, claim.expires_at),
    )


def summary_view(job: JobSummary) -> JobSummaryView:
    return JobSummaryView(**_summary(job))


def job_view(job: Job, vault: Vault | None = None, *, origins: Sequence[Origin] = ()) -> JobView:
    """`origins` are what an appeal is against; `vault` signs the references to media, which are
    left out without it."""
    media = [] if vault is None else media_of_job(vault, job.summary.org_id, job)
    payload = msgspec.json.decode(
        msgspec.json.encode(
            {
                "item": job.item,
                "entries": job.entries,
                "earlierItems": job.earlier_items,
                "threadItems": job.thread_items,
                "additionalItems": job.additional_items,
                "reportedInThread": job.reported_in_thread,
            }
        )
    )
    return JobView(
        **_summary(job.summary),
        payload=JobPayload.model_validate({**payload, "media": media}),
        appeal_of=[_origin_view(origin) for origin in origins],
    )


def _origin_view(origin: Origin) -> AppealOriginView:
    decided = origin.by in ("PERSON", "AUTOMATIC")
    return AppealOriginView(
        by=origin.by,
        id=origin.id,
        decision_id=origin.id if decided else None,
        reviewer_id=next(iter(origin.reviewer_ids), None),
        decided_at=origin.decided_at,
        action_ids=[execution.action_id for execution in origin.executions],
        policy_ids=list(origin.policy_ids),
        rule_ids=list(origin.rule_ids),
        execution_ids=[execution.execution_id for execution in origin.executions],
    )


def _kept(job: JobSummary) -> KeptView | None:
    if job.kept_as is None or job.kept_until is None:
        return None
    return KeptView(kept_as=job.kept_as, person_id=job.kept_for, until=job.kept_until)


def _summary(job: JobSummary) -> dict[str, Any]:
    lease = None
    if job.lease_holder is not None and job.lease_expires_at is not None:
        lease = LeaseHolder(reviewer_id=job.lease_holder, expires_at=job.lease_expires_at)
    return {
        "id": job.job_id,
        "queue_id": job.queue_id,
        "kind": str(job.kind),
        "state": str(job.state),
        "item_id": job.item.id,
        "item_type_id": job.item.type_id,
        "source": job.source,
        "policy_ids": list(job.policy_ids),
        "csam": job.csam,
        "entry_count": job.entry_count,
        "report_count": job.report_count,
        "reporter_count": job.reporter_count,
        "severity": job.severity,
        "deadline": job.deadline,
        "revision": job.revision,
        "created_at": job.created_at,
        "moved_from": list(job.moved_from),
        "moved_to": job.moved_to,
        "lease": lease,
        "kept": _kept(job),
        "claimed_at": None if job.unopened else job.claimed_at,
        "closed_at": job.closed_at,
        "closed_by": job.closed_by,
        "close_reason": job.close_reason,
    }
