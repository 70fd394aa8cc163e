"""Review jobs on this API's wire.

Guarantees: item data goes out as it came in; hidden fields are named by the item type
(`hiddenFields`), not removed: a reviewer's page decides what to show.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from coop_queues.job import Job, JobSummary
from coop_review_api.api.body import Model


class LeaseHolder(Model):
    """Who holds the job now, until when."""

    reviewer_id: str
    expires_at: datetime


class JobSummaryView(Model):
    """A job without its contents. `revision` rises when a report is merged into it."""

    id: str
    queue_id: str
    kind: Literal["DEFAULT", "APPEAL"]
    state: Literal["PENDING", "CLOSED"]
    item_id: str
    item_type_id: str
    source: str
    policy_ids: list[str]
    csam: bool
    entry_count: int
    report_count: int
    revision: int
    created_at: datetime
    moved_from: list[str]
    moved_to: str | None
    lease: LeaseHolder | None
    claimed_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None


class JobPayload(Model):
    """What there is to review. Items are as submitted: `{id, typeId, typeVersion, data, creator?}`.
    `entries` are the causes, newest first: reports, appeals, rules."""

    item: dict[str, Any]
    entries: list[dict[str, Any]]
    earlier_items: list[dict[str, Any]]
    thread_items: list[dict[str, Any]]
    additional_items: list[dict[str, Any]]
    reported_in_thread: list[dict[str, Any]]


class JobView(JobSummaryView):
    payload: JobPayload


class JobPage(Model):
    items: list[JobSummaryView]
    next_cursor: str | None = None


class LeaseView(Model):
    """`token` is needed for every further step on the job; keep it in memory only."""

    token: str
    expires_at: datetime


class ClaimView(Model):
    job: JobView
    lease: LeaseView


class LeaseExtendedView(Model):
    expires_at: datetime


class QueueCountView(Model):
    """`leased` of the `pending` jobs are held by someone now."""

    queue_id: str
    pending: int
    leased: int
    oldest_created_at: datetime | None


class QueueCountList(Model):
    items: list[QueueCountView]


def summary_view(job: JobSummary) -> JobSummaryView:
    return JobSummaryView(**_summary(job))


def job_view(job: Job) -> JobView:
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
    return JobView(**_summary(job.summary), payload=JobPayload.model_validate(payload))


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
        "revision": job.revision,
        "created_at": job.created_at,
        "moved_from": list(job.moved_from),
        "moved_to": job.moved_to,
        "lease": lease,
        "claimed_at": job.claimed_at,
        "closed_at": job.closed_at,
        "closed_by": job.closed_by,
        "close_reason": job.close_reason,
    }
