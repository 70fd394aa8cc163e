"""What a job's context is made of.

Must not: do anything; `desk` gathers it, `view` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coop_contracts.config import ItemType
from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues.job import Job, JobSummary
from coop_review_api.comment.store import Comment
from coop_review_api.explanation.report import Explanation
from coop_review_api.history.known_item import KnownItem, ref_of
from coop_review_api.history.port import FoundItem, Span
from coop_review_api.job_context.part import MissingPart
from coop_review_api.job_context.thread import ThreadPart
from coop_review_api.review.decision import Origin, Rulebook
from coop_review_api.review.draft import Kept
from coop_review_api.review.offer import Offers
from coop_review_api.review.reporter import ReportRecord
from coop_review_api.timeline.desk import TimelinePart
from coop_review_api.timeline.entry import Subject


@dataclass(frozen=True, kw_only=True)
class ContextLimits:
    """How much of each there is at most, and how long a part is waited for (seconds)."""

    entries: int = 100
    beside: int = 50
    reporters: int = 20
    comments: int = 20
    jobs: int = 10
    timeline: int = 30
    remaining: int = 1000
    each_way: int = 20  # of the thread
    history_within: float = 1.0
    explanation_within: float = 1.0
    timeline_within: float = 1.0
    strikes_within: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The job itself, the configuration as it is (`types` of items, by id), and whom the job is
    about."""

    job: Job
    rulebook: Rulebook
    user: ItemRef | None
    types: Mapping[str, ItemType]

    @property
    def subject(self) -> Subject:
        """What the timeline is of: the user, where they are known."""
        if self.user is None:
            return Subject(of="ITEM", ref=self.job.summary.item)
        return Subject(of="USER", ref=self.user)


@dataclass(frozen=True, kw_only=True)
class RecentJobs:
    """Jobs about the user that came within seven days: the newest, and how many by state."""

    jobs: tuple[JobSummary, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OwnRecords:
    """What this service itself knows of the job. `reporters`: the newest first, each with what
    became of their reports (None for who may not know)."""

    origins: tuple[Origin, ...]
    offers: Offers | None
    draft: Kept | None
    remaining: int
    comment_count: int
    comments: tuple[Comment, ...]
    recent: RecentJobs
    reporters: Mapping[ItemRef, ReportRecord | None]


@dataclass(frozen=True, kw_only=True)
class FromHistory:
    """What the history knows: the item, the user, when they were seen, the thread, and everybody
    who is named, as items."""

    item: KnownItem
    thread: ThreadPart
    seen: Span = field(default_factory=Span)
    known: Mapping[ItemRef, FoundItem] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StrikeCount:
    total: int
    next_expiry_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ThreadContext:
    """A further part of a job's thread, as one person may see it."""

    ground: Ground
    history: FromHistory
    types: Mapping[tuple[str, str], ItemType]
    missing: tuple[MissingPart, ...]


@dataclass(frozen=True, kw_only=True)
class JobContext:
    """A job with what is around it, as one person may see it. `types` are those of the items in it,
    by id and version."""

    ground: Ground
    own: OwnRecords
    history: FromHistory
    strikes: StrikeCount | None
    timeline: TimelinePart | None
    explanations: tuple[Explanation, ...]
    types: Mapping[tuple[str, str], ItemType]
    missing: tuple[MissingPart, ...]

    @property
    def profile(self) -> SubmittedItem | None:
        """The user as they were sent last."""
        job, user = self.ground.job, self.ground.user
        if user is None:
            return None
        found = self.history.known.get(user)
        if found is not None:
            return found.item
        carried = (job.item, *job.additional_items)
        return next((one for one in carried if ref_of(one) == user), None)
