"""Which queues and jobs a person may know of.

    edits queues (EDIT_MRT_QUEUES)     works in every queue
    named by it, in person or by role  works in the queue
    reads metrics (VIEW_INSIGHTS)      knows of every queue and how much waits there; no job of it

Guarantees: whoever neither edits queues nor is named by one reviews in it only where it says that
it is open to everyone; a job about child safety needs its own permission; what one may not see
looks as if it were not there.
Must not: read anything.
"""

from __future__ import annotations

from typing import Protocol

from coop_contracts.config import Queue
from coop_contracts.permission import Permission
from coop_queues.error import AlreadyClosed
from coop_queues.job import JobState, JobSummary


class Person(Protocol):
    """Somebody with permissions: who makes the request, or somebody else."""

    @property
    def user_id(self) -> str: ...

    @property
    def role(self) -> str: ...

    def may(self, permission: Permission) -> bool: ...


def may_work(principal: Person, queue: Queue | None) -> bool:
    """Whether the queue is open to this person. None: a deleted queue."""
    if principal.may(Permission.EDIT_MRT_QUEUES):
        return True
    return queue is not None and (
        bool(queue.open_to_everyone)
        or principal.user_id in queue.reviewer_ids
        or principal.role in queue.reviewer_roles
    )


def may_know(principal: Person, queue: Queue) -> bool:
    """Whether this person knows of the queue, and how much waits in it."""
    return principal.may(Permission.VIEW_INSIGHTS) or may_work(principal, queue)


def may_see(principal: Person, job: JobSummary, queue: Queue | None) -> bool:
    """Whether the job is open to this person."""
    if job.csam and not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        return False
    return may_work(principal, queue)


def may_read(principal: Person, job: JobSummary) -> bool:
    """Whether somebody to whom the job is open may read it now: a closed one is history."""
    return job.state is JobState.PENDING or principal.may(Permission.VIEW_MRT_DATA)


def refuse_removed(job: JobSummary, queue: Queue | None) -> None:
    """Raises AlreadyClosed for a step on a job whose queue was removed (None): who held it is told,
    rather than left to wonder. Of child-abuse material nothing is said."""
    if queue is None and not job.csam:
        raise AlreadyClosed("the queue of this job was removed: it goes on in another one")
