"""What a person may do with a job now, and why not what they may not.

Guarantees: what is offered is what a decision would be let through with: the check that judges
decisions (`decision_check`) is asked, not another one; what depends on values that are not there
yet (a policy, a reason, parameters) is said beside it (`rules`).
Must not: do I/O, or promise anything: the decision is judged again when it is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from coop_contracts.config import Action, ActionType, Kind, Queue
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef
from coop_queues.job import Job, JobKind
from coop_review_api.kernel.access import may_know
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.decision import Component, Draft, Rulebook
from coop_review_api.review.decision_check import check
from coop_review_api.review.desk import refuses_skip

Target = Literal["ITEM", "AUTHOR"]


@dataclass(frozen=True, kw_only=True)
class OfferedAction:
    """An action that can be done to the job's item, or to who made it. `hidden`: the queue does not
    want it to be taken here, and it is refused."""

    action: Action
    target: Target
    hidden: bool


@dataclass(frozen=True, kw_only=True)
class Possibility:
    """Whether something can be done, and in words why not."""

    ok: bool
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class DecisionRules:
    """What the organisation requires of a decision on this job."""

    policy_required: bool
    reason_required: bool
    reason_required_on_ignore: bool
    several_policies: bool


@dataclass(frozen=True, kw_only=True)
class Offers:
    """`move_to` are the queues that the person knows of and the job can go on in; `reverse` whether
    an accepted appeal can take back what it is against."""

    actions: tuple[OfferedAction, ...]
    move_to: tuple[Queue, ...]
    skip: Possibility
    escalate: Possibility
    reverse: Possibility | None
    rules: DecisionRules


def offers_of(principal: Principal, job: Job, rulebook: Rulebook, user: ItemRef | None) -> Offers:
    """The offers to this person on a pending job; `user` is whom the job is about."""
    is_appeal = job.summary.kind is JobKind.APPEAL
    accepted = Component(type="ACCEPT_APPEAL", reverse_actions=True)
    return Offers(
        actions=tuple(_actions(job, rulebook, user)),
        move_to=tuple(_queues(principal, job, rulebook)),
        skip=_possible(refuses_skip(principal, rulebook.settings)),
        escalate=_asked(Component(type="ESCALATE_TO_NCMEC"), job, rulebook, "/components"),
        reverse=_asked(accepted, job, rulebook, "/components/0") if is_appeal else None,
        rules=_rules(job, rulebook),
    )


def _actions(job: Job, rulebook: Rulebook, user: ItemRef | None) -> Iterator[OfferedAction]:
    hidden = rulebook.queue.hidden_action_ids if rulebook.queue else ()
    item = job.summary.item
    targets: list[tuple[Target, ItemRef]] = [("ITEM", item)]
    if user is not None and user != item:
        targets.append(("AUTHOR", user))
    for action in rulebook.catalogue.all(Kind.ACTION, Action).values():
        if action.action_type is not ActionType.CUSTOM_ACTION:
            continue
        for target, ref in targets:
            if _fits(action, target, ref, job, rulebook):
                yield OfferedAction(action=action, target=target, hidden=action.id in hidden)


def _fits(action: Action, target: Target, ref: ItemRef, job: Job, rulebook: Rulebook) -> bool:
    component = Component(type="CUSTOM_ACTION", action_ids=(action.id,))
    if target == "AUTHOR":
        component = Component(type="RELATED_ACTION", action_ids=(action.id,), items=(ref,))
    # Not as who reviews: what the queue hides is offered as hidden.
    faults = check(Draft(components=(component,)), job, rulebook, reviewed=False)
    at = pointer("components", 0, "actionIds", 0), pointer("components", 0, "items", 0, "typeId")
    return not any(fault.pointer in at for fault in faults)


def _queues(principal: Principal, job: Job, rulebook: Rulebook) -> Iterator[Queue]:
    for queue in rulebook.catalogue.all(Kind.QUEUE, Queue).values():
        component = Component(type="MOVE", queue_id=queue.id)
        if may_know(principal, queue) and _asked(component, job, rulebook, "/components").ok:
            yield queue


def _asked(component: Component, job: Job, rulebook: Rulebook, below: str) -> Possibility:
    """Whether a decision of this alone would have no fault there."""
    draft = Draft(components=(component,))
    faults = check(draft, job, rulebook, reviewed=True)
    reasons = (fault.reason for fault in faults if fault.pointer.startswith(below))
    return _possible(next(reasons, None))


def _possible(reason: str | None) -> Possibility:
    return Possibility(ok=reason is None, reason=reason)


def _rules(job: Job, rulebook: Rulebook) -> DecisionRules:
    settings, bound = rulebook.settings, job.summary.kind is not JobKind.NCMEC
    return DecisionRules(
        policy_required=bound and settings.requires_policy_for_decisions,
        reason_required=bound and settings.requires_decision_reason,
        reason_required_on_ignore=bound and settings.requires_decision_reason_on_ignore,
        several_policies=settings.allow_multiple_policies_per_action,
    )
