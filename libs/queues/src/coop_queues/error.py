"""What the queue store refuses, by who can act on it.

    QueueError
    ├── JobNotFound     no such job in this organisation
    ├── AlreadyClosed   the job was closed before; nothing was changed
    ├── LeaseLost       the token is not the one of a live lease: claim again
    ├── HeldByOther     somebody else holds the job, or it is kept
    ├── NotKept         the job is not assigned, or not held
    ├── TooManyClaims   the reviewer holds as many jobs as allowed
    │   └── OneAhead    the reviewer has a job ahead already that they have not begun
    └── UnstorableId    an id that PostgreSQL cannot hold; it never can be placed

Must not: carry an item's content. Each error leaves the caller's transaction without a change of
its own.
"""

from __future__ import annotations

from datetime import datetime


class QueueError(Exception):
    """The queue store refused."""


class JobNotFound(QueueError):
    """No such job in this organisation."""


class AlreadyClosed(QueueError):
    """The job was closed before."""


class LeaseLost(QueueError):
    """The token is not that of a live lease: it ran out, was given back, or never was."""


class HeldByOther(QueueError):
    """`holder` has the job until `expires_at`, or it is kept for them."""

    def __init__(self, holder: str | None, expires_at: datetime) -> None:
        super().__init__("somebody else holds this job")
        self.holder = holder
        self.expires_at = expires_at


class NotKept(QueueError):
    """The job is not kept, or not in the way that was said."""


class TooManyClaims(QueueError):
    """The reviewer holds as many jobs as one may: decide, release or skip one first."""


class OneAhead(TooManyClaims):
    """One job was claimed ahead of time and is not begun: no further one."""


class UnstorableId(QueueError):
    """An id contains U+0000, which PostgreSQL's text cannot hold, or is too long to be indexed."""
