"""Which queues and jobs a person may know of.

Guarantees: a queue that names reviewers is closed to others but those who edit queues; a job of
child-abuse material needs its own permission; what one may not see looks as if it were not there.
Must not: read anything.
"""

from __future__ import annotations

from typing import Protocol

from coop_contracts.config import Queue
from coop_contracts.permission import Permission
from coop_queues.error import AlreadyClosed
from coop_queues.job import JobSummary


class Person(Protocol):
    """Somebody with permissions: who makes the request, or somebody else."""

    @property
    def user_id(self) -> str: ...

    def may(self, permission: Permission) -> bool: ...


def may_work(principal: Person, queue: Queue | None) -> bool:
    """Whether the queue is open to this person. None: a deleted queue."""
    if principal.may(Permission.EDIT_MRT_QUEUES):
        return True
    return queue is not None and (not queue.reviewer_ids or principal.user_id in queue.reviewer_ids)


def may_see(principal: Person, job: JobSummary, queue: Queue | None) -> bool:
    """Whether the job is open to this person."""
    if job.csam and not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        return False
    return may_work(principal, queue)


def refuse_removed(job: JobSummary, queue: Queue | None) -> None:
    """Raises AlreadyClosed for a step on a job whose queue was removed (None): who held it is told,
    rather than left to wonder. Of child-abuse material nothing is said."""
    if queue is None and not job.csam:
        raise AlreadyClosed("the queue of this job was removed: it goes on in another one")
