"""Which queues and jobs a person may know of.

Guarantees: a queue that names reviewers is closed to others but those who edit queues; a job of
child-abuse material needs its own permission; what one may not see looks as if it were not there.
Must not: read anything.
"""

from __future__ import annotations

from coop_contracts.config import Queue
from coop_contracts.permission import Permission
from coop_queues.job import JobSummary
from coop_review_api.session import Principal


def may_work(principal: Principal, queue: Queue | None) -> bool:
    """Whether the queue is open to this person. None: a deleted queue."""
    if principal.may(Permission.EDIT_MRT_QUEUES):
        return True
    return queue is not None and (not queue.reviewer_ids or principal.user_id in queue.reviewer_ids)


def may_see(principal: Principal, job: JobSummary, queue: Queue | None) -> bool:
    """Whether the job is open to this person."""
    if job.csam and not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        return False
    return may_work(principal, queue)
