"""What a page is told, by the names of the events.

Guarantees: each is the whole of what is so now: what is no longer in it is over.
Must not: be filled here; `hub` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct


class QueueState(Struct, frozen=True, kw_only=True, rename="camel"):
    """What waits in a queue: `leased` of `pending` are held now, `overdue` past their deadline."""

    queue_id: str
    pending: int = 0
    leased: int = 0
    overdue: int = 0
    oldest_created_at: datetime | None = None


class HeldJob(Struct, frozen=True, kw_only=True, rename="camel"):
    """A job that one holds until `leaseExpiresAt`. `revision` rises when a report is merged into
    it. A job that is no longer here was decided, given back or lost."""

    job_id: str
    revision: int
    report_count: int
    lease_expires_at: datetime


class JobComments(Struct, frozen=True, kw_only=True, rename="camel"):
    """Comments that were written on a job; `latestAt`: when one was last written or changed."""

    job_id: str
    count: int
    latest_at: datetime


class PersonHere(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody, as in every other answer."""

    id: str
    name: str
    initials: str
    active: bool


class JobPresence(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who else has the job open."""

    job_id: str
    people: tuple[PersonHere, ...]


class Task(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that goes on without its maker. `total` is null where nobody knows it, `progress`
    a share from 0 to 1 where one is known. A backtest of a retroaction is that retroaction."""

    kind: Literal["BULK_ACTION", "REVERSAL", "EXPORT", "BACKTEST", "RETROACTION"]
    id: str
    state: str
    done: int
    total: int | None = None
    progress: float | None = None


class SessionEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """When the session ends: in any case, and if nothing is asked in it."""

    expires_at: datetime
    idle_expires_at: datetime


class ConfigEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """The configuration's revision: another one is to be read again."""

    revision: int


class BuildEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which build answers: a page of another one may load itself again."""

    id: str


class NotificationsEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    unread: int


class TasksEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """One's own: those that go on, and those that ended in the last ten minutes."""

    items: tuple[Task, ...]


class QueuesEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """The queues that one may know of."""

    items: tuple[QueueState, ...]


class JobsEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """The jobs that one holds."""

    items: tuple[HeldJob, ...]


class CommentsEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """Of the jobs that one holds, or has open, those with comments."""

    items: tuple[JobComments, ...]


class PresenceEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """Of the jobs that one has open, those that others have open."""

    items: tuple[JobPresence, ...]


class LiveEvents(Struct, frozen=True, kw_only=True, rename="camel"):
    """Data by event; those that a person is not told of are never sent."""

    session: SessionEvent
    config: ConfigEvent
    build: BuildEvent
    notifications: NotificationsEvent
    tasks: TasksEvent
    queues: QueuesEvent
    jobs: JobsEvent
    comments: CommentsEvent
    presence: PresenceEvent
