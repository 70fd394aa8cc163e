"""Review jobs and what the store answers, as frozen msgspec structs.

    PENDING ──claim──▶ PENDING, leased ──close, move──▶ CLOSED
       ▲                    │
       └─release, skip, lease runs out

Guarantees: `JobEntry` and items are stored as the bytes of these structs and read back by them, so
a field is only added, with a default.
Must not: do I/O.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from coop_contracts.event import (
    ItemRef,
    ReportEntry,
    RuleRef,
    SignalValue,
    Source,
    SubmittedItem,
)
from coop_queues.ranking import Ranking


class JobKind(StrEnum):
    """What a job asks of the reviewer. Jobs of different kinds never merge. An NCMEC job is about a
    user, to be reported or not."""

    DEFAULT = "DEFAULT"
    NCMEC = "NCMEC"
    APPEAL = "APPEAL"


class JobState(StrEnum):
    PENDING = "PENDING"
    CLOSED = "CLOSED"


KeepAs = Literal["ASSIGNED", "HELD"]
"""Given to a person, or kept while an answer is awaited."""

CloseCause = Literal["DECIDED", "CLOSED_AUTOMATICALLY", "MOVED", "REOPENED", "ERASED"]
"""Why a job is closed: REOPENED, its closing was taken back and another job goes on; of what was
CLOSED_AUTOMATICALLY the decision says more."""


class Undecided(Struct, frozen=True, kw_only=True, rename="camel"):
    """A routing rule that could not be decided, and why not."""

    rule: RuleRef
    reasons: tuple[str, ...] = ()


class Routing(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Why an entry came to its queue.

    RULE: `rule` was the first to pass. DEFAULT: none passed. SENDER: who asked chose the queue.
    SETTING: child-safety entries go where the organisation's settings say. PARKED: the organisation
    had no queue for it. `note` says what else mattered, such as a queue that is gone. `by` is the
    person who asked, where one did. `tried` is how many rules were, the one that passed included;
    `undecided` are those among them that are unknown, so did not pass. `signals` are the values
    from outside that the rules were decided by: with them the routing can be done again.
    """

    how: Literal["RULE", "DEFAULT", "SENDER", "SETTING", "PARKED"]
    config_revision: int
    rule: RuleRef | None = None
    note: str | None = None
    by: str | None = None
    tried: int = 0
    undecided: tuple[Undecided, ...] = ()
    signals: tuple[SignalValue, ...] = ()


class AppealEntry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An appeal as it was made."""

    appeal_id: str
    appealed_by: ItemRef
    appealed_at: datetime
    actions_taken: tuple[str, ...] = ()
    reason: str | None = None


class JobEntry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One cause for a job: a report, an appeal, a rule's request.

    `entry_id` is unique in its organisation: what was placed once is never placed again, also
    after its job closed. `at` is when the cause happened (UTC) and gives the job its turn.
    `from_job_id` is the job that was escalated. `awaits_media`: hma-bridge speaks of the report's
    media.
    """

    entry_id: str
    source: Source
    at: datetime
    routing: Routing
    report: ReportEntry | None = None
    appeal: AppealEntry | None = None
    rules: tuple[RuleRef, ...] = ()
    policy_ids: tuple[str, ...] = ()
    reported_in_thread: tuple[ItemRef, ...] = ()
    csam: bool = False
    note: str | None = None
    from_job_id: str | None = None
    event_id: str | None = None
    correlation_id: str | None = None
    awaits_media: bool = False


def requested_entry_id(request_id: str) -> str:
    """The id of the entry of what somebody asked people to look at (`ReviewRequested.entry_id`)."""
    return f"request/{request_id}"


class Placement(Struct, frozen=True, kw_only=True):
    """An entry with its item, and the queue it goes to, which orders its jobs by `ranking`."""

    org_id: str
    queue_id: str
    item: SubmittedItem
    entry: JobEntry
    kind: JobKind = JobKind.DEFAULT
    thread_items: tuple[SubmittedItem, ...] = ()
    additional_items: tuple[SubmittedItem, ...] = ()
    ranking: Ranking = Ranking()


class OrderChange(Struct, frozen=True, kw_only=True):
    """What Redis is to be told after the commit (`OrderIndex.apply`).

    ADD: pending and free. LEASE: held for `seconds`. HELD: the same, but only if Redis does not
    know the job. FREE: given back; hidden from `reviewer_id` for `seconds` when they are set.
    REMOVE: no longer pending here.
    """

    op: Literal["ADD", "LEASE", "HELD", "FREE", "REMOVE"]
    org_id: str
    queue_id: str
    job_id: str
    rank: int = 0
    seconds: float = 0
    reviewer_id: str | None = None


class Placed(Struct, frozen=True, kw_only=True):
    """What became of a placement. Exactly one of `created`, `merged` and `repeated` is true.

    `repeated`: this entry was placed before; `job_id` is the job it went to then.
    """

    job_id: str
    created: bool = False
    merged: bool = False
    repeated: bool = False
    changes: tuple[OrderChange, ...] = ()


class JobSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A job without its items and entries.

    `rank` is the job's turn, lowest first (`ranking.py`). `created_at` is its first cause and
    `deadline` when it is to be decided, if anyone promised; `severity`, from 0 to 4, that of its
    policies. `reporter_count` counts each reporter once. `revision` rises with every merge.
    `moved_from` are the jobs whose history this one continues. `unopened`: its lease was taken
    ahead of time, and its holder has not begun; `claimed_at` is then not when work began. Until
    `kept_until` it is kept, as ASSIGNED or HELD, for `kept_for`.
    """

    job_id: str
    org_id: str
    queue_id: str
    kind: JobKind
    state: JobState
    item: ItemRef
    generation: int
    source: Source
    policy_ids: tuple[str, ...]
    csam: bool
    entry_count: int
    report_count: int
    reporter_count: int
    severity: int
    deadline: datetime | None
    rank: int
    revision: int
    created_at: datetime
    enqueued_at: datetime
    moved_from: tuple[str, ...] = ()
    moved_to: str | None = None
    lease_holder: str | None = None
    lease_expires_at: datetime | None = None
    claimed_at: datetime | None = None
    claim_count: int = 0
    unopened: bool = False
    kept_as: KeepAs | None = None
    kept_for: str | None = None
    kept_until: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    close_reason: CloseCause | None = None


class Job(Struct, frozen=True, kw_only=True, rename="camel"):
    """A job with everything that was placed into it, newest first.

    `item` is the newest submission of the item, `earlier_items` its other versions. The lists are
    bounded (`lookup.HISTORY_LIMIT`); `summary.entry_count` is the whole number of entries.
    """

    summary: JobSummary
    item: SubmittedItem
    entries: tuple[JobEntry, ...]
    earlier_items: tuple[SubmittedItem, ...] = ()
    thread_items: tuple[SubmittedItem, ...] = ()
    additional_items: tuple[SubmittedItem, ...] = ()
    reported_in_thread: tuple[ItemRef, ...] = ()

    @property
    def reports(self) -> tuple[ReportEntry, ...]:
        """The reports among the entries, newest first."""
        return tuple(entry.report for entry in self.entries if entry.report)

    @property
    def appeals(self) -> tuple[AppealEntry, ...]:
        """The appeals among the entries, newest first."""
        return tuple(entry.appeal for entry in self.entries if entry.appeal)


class Claim(Struct, frozen=True, kw_only=True, rename="camel"):
    """A job held by one reviewer until `expires_at` (UTC, the database's clock).

    `lease_token` is 128 random bits in hex; whoever has it may extend, release, skip and close.
    """

    job: Job
    lease_token: str
    expires_at: datetime


class Holding(Struct, frozen=True, kw_only=True, rename="camel"):
    """A job that a reviewer holds now, without its contents."""

    summary: JobSummary
    lease_token: str
    expires_at: datetime


class Extended(Struct, frozen=True, kw_only=True):
    """`revision` and `report_count` are the job's as it is now: it may have grown meanwhile.
    `opened_at` is when its holder began."""

    expires_at: datetime
    opened_at: datetime
    revision: int
    report_count: int
    changes: tuple[OrderChange, ...]


class Freed(Struct, frozen=True, kw_only=True):
    """A lease that ended without a decision."""

    summary: JobSummary
    changes: tuple[OrderChange, ...]


class Closed(Struct, frozen=True, kw_only=True):
    """A job that was closed; `summary` is it as it is now."""

    summary: JobSummary
    changes: tuple[OrderChange, ...]


class Moved(Struct, frozen=True, kw_only=True):
    """`closed` is the job as it was left, `job_id` the one that continues it in the other queue;
    `merged` when that was pending there before."""

    closed: JobSummary
    job_id: str
    merged: bool
    changes: tuple[OrderChange, ...]


class Reopened(Struct, frozen=True, kw_only=True):
    """`job_id` is the pending job that continues the closed one; `merged` when there was one."""

    job_id: str
    merged: bool
    changes: tuple[OrderChange, ...]


class Keeping(Struct, frozen=True, kw_only=True, rename="camel"):
    """That a job was kept: by whom, for whom (None: for whoever has the answer), why, until when;
    and once it is over, when and how it ended: TAKEN_BACK, EXPIRED, CLAIMED, REPLACED, CLOSED,
    MOVED, or LEFT: the person could not see the job any more."""

    job_id: str
    number: int
    org_id: str
    queue_id: str
    kept_as: KeepAs
    person_id: str | None
    reason: str | None
    kept_by: str
    since: datetime
    until: datetime
    ended_at: datetime | None
    ended_by: str | None
    outcome: str | None

    @property
    def position(self) -> tuple[str, str, str]:
        """Where it stands among all that are open."""
        return self.org_id, self.person_id or "", self.job_id


class Kept(Struct, frozen=True, kw_only=True):
    """A job that is kept from now on, or no longer; `summary` is it as it is now, `number` that of
    the keeping."""

    summary: JobSummary
    number: int
    changes: tuple[OrderChange, ...]


class ScrubbedJob(Struct, frozen=True, kw_only=True):
    """A job without the reports of a reporter; `removed` is how many those were."""

    summary: JobSummary
    removed: int


class Scrubbed(Struct, frozen=True, kw_only=True):
    """`held` jobs were left as they are: they would have no cause left, and somebody holds them."""

    jobs: tuple[ScrubbedJob, ...]
    held: int


class SpentJob(Struct, frozen=True, kw_only=True):
    """A job that closed, and all whose history it went on with, itself among them."""

    job_id: str
    closed_at: datetime
    parts: tuple[str, ...]


class QueueContents(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is pending in a queue: `leased` of it are held now, `csam` are of child-abuse material,
    `closable` may be closed without being judged."""

    pending: int
    leased: int
    by_kind: dict[JobKind, int]
    csam: int
    closable: int


class QueueCount(Struct, frozen=True, kw_only=True, rename="camel"):
    """How much is pending in a queue: `leased` of `pending` are held now, `overdue` are past their
    deadline; `next_deadline` is the earliest, past or not."""

    pending: int
    leased: int
    oldest_created_at: datetime | None = None
    overdue: int = 0
    next_deadline: datetime | None = None


class PendingPage(Struct, frozen=True, kw_only=True, rename="camel"):
    jobs: tuple[JobSummary, ...]
    next_cursor: str | None = None
