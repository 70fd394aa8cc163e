"""What a queue's document may say.

Guarantees: each class of queues (appeals; everything else) keeps a default, so that no job has
nowhere to go; what is cleared by itself can be carried out, and never touches appeals; every number
lies where its reader expects it.
Must not: say what a setting does; its readers do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from coop_contracts.config import Action, ActionType, Kind, Queue, QueueOrder
from coop_contracts.error import pointer
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.kernel.error import Fault

MAX_TARGET_MINUTES = 366 * 24 * 60
MAX_WEIGHT = 1_000_000.0  # minutes


def check_queue(queue: Queue, previous: Queue | None, catalogue: Catalogue) -> Iterator[Fault]:
    """Faults of a queue."""
    if previous is not None and previous.is_appeals_queue != queue.is_appeals_queue:
        yield Fault("/isAppealsQueue", "cannot be changed")
    others = [
        other
        for other in catalogue.all(Kind.QUEUE, Queue).values()
        if other.id != queue.id and other.is_appeals_queue == queue.is_appeals_queue
    ]
    if not queue.is_default_queue and not any(other.is_default_queue for other in others):
        # Without a default queue a job could have nowhere to go.
        yield Fault("/isDefaultQueue", "there must be a default: make another queue the default")
    yield from _numbers(queue)
    yield from _given_twice(queue.hidden_action_ids, "hiddenActionIds")
    yield from _given_twice(queue.reviewer_ids, "reviewerIds")
    yield from _given_twice(queue.reviewer_roles, "reviewerRoles")
    yield from _clearing(queue, catalogue)
    if queue.is_appeals_queue and queue.auto_close_jobs:
        yield Fault("/autoCloseJobs", "a person decides an appeal, also when its item is gone")


def _numbers(queue: Queue) -> Iterator[Fault]:
    target = queue.target_minutes
    if target is not None and not 1 <= target <= MAX_TARGET_MINUTES:
        yield Fault("/targetMinutes", f"from 1 to {MAX_TARGET_MINUTES}, or null for none")
    weights = queue.weights
    for value, name in (
        (weights.report, "report"),
        (weights.reporter, "reporter"),
        (weights.severity, "severity"),
    ):
        if not (math.isfinite(value) and 0 <= value <= MAX_WEIGHT):
            yield Fault(pointer("weights", name), f"from 0 to {MAX_WEIGHT:.0f} minutes")
    if queue.order is QueueOrder.WEIGHTED and not (
        weights.report or weights.reporter or weights.severity
    ):
        yield Fault("/weights", "a weighted order needs a weight above 0")
    for share, name in (
        (queue.second_review_share, "secondReviewShare"),
        (queue.golden_share, "goldenShare"),
    ):
        if not (math.isfinite(share) and 0 <= share <= 1):
            yield Fault(pointer(name), "from 0 to 1")


def _clearing(queue: Queue, catalogue: Catalogue) -> Iterator[Fault]:
    at, triggers = "/clearReportsTriggerActionIds", queue.clear_reports_trigger_action_ids
    if queue.clear_reports_disposition is None:
        if triggers:
            yield Fault(at, "without a disposition nothing is triggered")
        return
    if queue.is_appeals_queue:
        yield Fault("/clearReportsDisposition", "nothing is cleared by the decision of an appeal")
    if not triggers:
        yield Fault(at, "at least one action that clears the other reports")
    yield from _given_twice(triggers, "clearReportsTriggerActionIds")
    for position, action_id in enumerate(triggers):
        action = catalogue.get(Kind.ACTION, Action, action_id)
        if action is None:
            continue  # reported as a missing reference
        if action.action_type is not ActionType.CUSTOM_ACTION:
            yield Fault(at + pointer(position), f"{action.name} cannot be taken in a review")
        elif action_id in queue.hidden_action_ids:
            yield Fault(at + pointer(position), f"{action.name} is hidden in this queue")


def _given_twice(ids: tuple[str, ...], field: str) -> Iterator[Fault]:
    for position, document_id in enumerate(ids):
        if document_id in ids[:position]:
            yield Fault(pointer(field, position), "given twice")
