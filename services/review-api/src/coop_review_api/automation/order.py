"""What an automation is to do, as its row keeps it.

    CLEAR_REPORTS        `Clearing`      a decision on a user clears their other jobs
    EMPTY_QUEUE          `Emptying`      a person closes what waits in a queue
    INVALIDATE_REPORTS   `Invalidation`  a reporter's reports count no longer

Guarantees: pure; the same decision leads to the same clearings, with the same ids.
Must not: do I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from coop_contracts import ids
from coop_contracts.config import Queue
from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues.job import Job, JobKind
from coop_review_api.review.decision import Component

Kind = Literal["CLEAR_REPORTS", "EMPTY_QUEUE", "INVALIDATE_REPORTS"]


class Same(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The trigger actions that were decided together, to be taken on the user's other items."""

    action_ids: tuple[str, ...]
    policy_ids: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = {}


class Clearing(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Jobs about `subject`, or content of theirs, whose first cause is not after `until`.
    `reviewer_id` decided; `moved_to` is the job with which the decided one goes on."""

    subject: ItemRef
    disposition: Literal["AUTOMATIC_CLOSE", "IGNORE", "SAME_ACTION"]
    until: datetime
    reviewer_id: str
    same: tuple[Same, ...] = ()
    moved_to: str | None = None


class Emptying(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Jobs of a queue whose first cause is not after `until`."""

    until: datetime
    reason: str | None = None


class Invalidation(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """All pending jobs with reports of `reporter`."""

    reporter: ItemRef
    reason: str | None = None


Order = Clearing | Emptying | Invalidation


def clearings_of(
    components: Sequence[Component],
    *,
    job: Job,
    queue: Queue,
    reviewer_id: str,
    now: datetime,
    moved_to: str | None,
) -> Iterator[Clearing]:
    """What the decision clears: one for each user whom a trigger action is about."""
    if queue.clear_reports_disposition is None or job.summary.kind is not JobKind.DEFAULT:
        return
    triggered: dict[tuple[str, str], list[Same]] = {}
    for component in components:
        actions = tuple(
            action_id
            for action_id in component.action_ids
            if action_id in queue.clear_reports_trigger_action_ids
        )
        if not actions:
            continue
        same = Same(
            action_ids=actions,
            policy_ids=component.policy_ids,
            parameters={
                action_id: component.parameters[action_id]
                for action_id in actions
                if action_id in component.parameters
            },
        )
        for subject in {_subject(item, job) for item in component.items or (job.summary.item,)}:
            triggered.setdefault(subject, []).append(same)
    for type_id, user_id in sorted(triggered):
        yield Clearing(
            subject=ItemRef(id=user_id, type_id=type_id),
            disposition=queue.clear_reports_disposition,
            until=now,
            reviewer_id=reviewer_id,
            same=tuple(triggered[type_id, user_id]),
            moved_to=moved_to,
        )


def _subject(item: ItemRef, job: Job) -> tuple[str, str]:
    """The user an action on the item is about: its creator as far as the job knows, or itself."""
    known: tuple[SubmittedItem, ...] = (
        job.item,
        *job.earlier_items,
        *job.thread_items,
        *job.additional_items,
    )
    for one in known:
        if (one.id, one.type_id) == (item.id, item.type_id) and one.creator is not None:
            return one.creator.type_id, one.creator.id
    return item.type_id, item.id


def clearing_id(org_id: str, decision_id: str, subject: ItemRef) -> str:
    """The same again for the same decision and user."""
    return ids.execution_id(
        cause=decision_id,
        action="clear-reports",
        target=ids.item_key(org_id, subject.type_id, subject.id),
    )
