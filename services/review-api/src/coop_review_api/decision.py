"""A reviewer's decision: whether it may be made, and what follows from it.

Guarantees: pure; every rule of the organisation (policy, reason, hidden actions, parameters) is
enforced here, on the server; every effect has an id made of the decision, the action and the item,
so that making the same decision twice is making it once.
Must not: do I/O, or hold the wire's names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from coop_contracts import ids
from coop_contracts.action import applies_to
from coop_contracts.config import (
    Action,
    ActionType,
    Kind,
    OrgSettings,
    Policy,
    Queue,
)
from coop_contracts.error import pointer
from coop_contracts.event import ActionRequested, DecisionComponent, DecisionMade
from coop_queues.job import Job
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.parameter import resolve_values
from coop_review_api.error import Fault, Invalid

MAX_NOTE = 5000


class Component(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One part of a decision. `parameters`: values by action id, then by parameter name."""

    type: Literal["IGNORE", "CUSTOM_ACTION", "MOVE"]
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = {}
    queue_id: str | None = None


class Draft(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a reviewer submits."""

    components: tuple[Component, ...]
    reason: str | None = None
    note: str | None = None

    @property
    def target_queue(self) -> str | None:
        """The queue a MOVE sends the job to."""
        return next((c.queue_id for c in self.components if c.type == "MOVE"), None)


class Execution(Struct, frozen=True, kw_only=True, rename="camel"):
    execution_id: str
    action_id: str


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """What a decision on one job is judged by, at `revision`. `item_kind` is empty when the item's
    type was deleted."""

    settings: OrgSettings
    catalogue: Catalogue
    queue: Queue
    item_kind: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class Reviewer:
    user_id: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A valid decision and its events."""

    decision_id: str
    made: DecisionMade
    requests: tuple[ActionRequested, ...]

    @property
    def executions(self) -> tuple[Execution, ...]:
        return tuple(
            Execution(execution_id=r.execution_id, action_id=r.action_id) for r in self.requests
        )


def hash_of(draft: Draft, *, reviewer_id: str) -> bytes:
    """Equal for the same decision of the same reviewer, sent again."""
    encoded = msgspec.json.encode(draft, order="deterministic")
    return hashlib.sha256(reviewer_id.encode() + b"\0" + encoded).digest()


def decide(
    draft: Draft, *, job: Job, rulebook: Rulebook, reviewer: Reviewer, now: datetime
) -> Decision:
    """The decision with its events. Raises `Invalid` with every fault."""
    faults = list(_check(draft, job, rulebook))
    values: dict[tuple[int, str], dict[str, Any]] = {}
    for position, component in enumerate(draft.components):
        for action_id in component.action_ids:
            action = rulebook.catalogue.get(Kind.ACTION, Action, action_id)
            if action is None:
                continue
            resolved, wrong = resolve_values(
                action.parameters,
                component.parameters.get(action_id, {}),
                at=pointer("components", position, "parameters", action_id),
            )
            faults += wrong
            values[position, action_id] = resolved
    if faults:
        raise Invalid(faults)
    decision_id = ids.decision_id(job_id=job.summary.job_id)
    made = _made(decision_id, draft, job, rulebook, reviewer, now)
    requests = tuple(
        _request(made, position, action_id, values[position, action_id], draft, job, reviewer)
        for position, component in enumerate(draft.components)
        for action_id in component.action_ids
    )
    return Decision(decision_id=decision_id, made=made, requests=requests)


def _check(draft: Draft, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    types = [component.type for component in draft.components]
    if not types:
        yield Fault("/components", "at least one")
    if len(types) > 1 and set(types) - {"CUSTOM_ACTION"}:
        yield Fault("/components", "IGNORE and MOVE stand alone")
    settings = rulebook.settings
    has_reason = bool((draft.reason or "").strip())
    if "CUSTOM_ACTION" in types and settings.requires_decision_reason and not has_reason:
        yield Fault("/reason", "this organisation requires a reason for acting")
    if "IGNORE" in types and settings.requires_decision_reason_on_ignore and not has_reason:
        yield Fault("/reason", "this organisation requires a reason for ignoring")
    yield from _once(draft)
    for position, component in enumerate(draft.components):
        at = pointer("components", position)
        if component.type == "CUSTOM_ACTION":
            yield from _check_action(component, at, job, rulebook)
        elif component.action_ids or component.policy_ids or component.parameters:
            yield Fault(at, f"{component.type} has no actions, policies or parameters")
        if component.type == "MOVE":
            yield from _check_move(component, at, job, rulebook)
        elif component.queue_id is not None:
            yield Fault(f"{at}/queueId", f"{component.type} has no queue")


def _once(draft: Draft) -> Iterator[Fault]:
    seen: set[str] = set()
    for position, component in enumerate(draft.components):
        for index, action_id in enumerate(component.action_ids):
            if action_id in seen:
                yield Fault(pointer("components", position, "actionIds", index), "given twice")
            seen.add(action_id)


def _check_action(component: Component, at: str, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    settings, catalogue = rulebook.settings, rulebook.catalogue
    if not component.action_ids:
        yield Fault(f"{at}/actionIds", "at least one action")
    if not component.policy_ids and settings.requires_policy_for_decisions:
        yield Fault(f"{at}/policyIds", "this organisation requires a policy")
    if len(component.policy_ids) > 1 and not settings.allow_multiple_policies_per_action:
        yield Fault(f"{at}/policyIds", "this organisation allows one policy")
    for index, policy_id in enumerate(component.policy_ids):
        if catalogue.get(Kind.POLICY, Policy, policy_id) is None:
            yield Fault(at + pointer("policyIds", index), "no such policy")
    for action_id in component.parameters:
        if action_id not in component.action_ids:
            yield Fault(at + pointer("parameters", action_id), "this action is not taken")
    for index, action_id in enumerate(component.action_ids):
        here = at + pointer("actionIds", index)
        action = catalogue.get(Kind.ACTION, Action, action_id)
        if action is None:
            yield Fault(here, "no such action")
        elif action.action_type is not ActionType.CUSTOM_ACTION:
            yield Fault(here, f"{action.name} cannot be taken in a review")
        elif action_id in rulebook.queue.hidden_action_ids:
            yield Fault(here, f"{action.name} is hidden in this queue")
        elif not applies_to(action, item_type_id=job.item.type_id, item_kind=rulebook.item_kind):
            yield Fault(here, f"{action.name} does not apply to this type of item")


def _check_move(component: Component, at: str, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    if component.queue_id is None:
        yield Fault(f"{at}/queueId", "required")
        return
    target = rulebook.catalogue.get(Kind.QUEUE, Queue, component.queue_id)
    if target is None:
        yield Fault(f"{at}/queueId", "no such queue")
    elif target.id == job.summary.queue_id:
        yield Fault(f"{at}/queueId", "the job is in this queue")
    elif target.is_appeals_queue != rulebook.queue.is_appeals_queue:
        yield Fault(f"{at}/queueId", "appeals stay in appeals queues, everything else outside")


def _made(
    decision_id: str,
    draft: Draft,
    job: Job,
    rulebook: Rulebook,
    reviewer: Reviewer,
    now: datetime,
) -> DecisionMade:
    return DecisionMade(
        event_id=ids.new_id(),
        org_id=job.summary.org_id,
        time=now,
        correlation_id=_correlation(job) or decision_id,
        decision_id=decision_id,
        job_id=job.summary.job_id,
        queue_id=job.summary.queue_id,
        item=job.summary.item,
        reviewer_id=reviewer.user_id,
        components=tuple(
            DecisionComponent(
                type=component.type,
                action_ids=component.action_ids,
                policy_ids=component.policy_ids,
                queue_id=component.queue_id,
            )
            for component in draft.components
        ),
        config_revision=rulebook.revision,
        reason=draft.reason,
    )


def _correlation(job: Job) -> str | None:
    """What began it: the newest cause of the job."""
    return next((entry.correlation_id for entry in job.entries if entry.correlation_id), None)


def _request(
    made: DecisionMade,
    position: int,
    action_id: str,
    parameters: dict[str, Any],
    draft: Draft,
    job: Job,
    reviewer: Reviewer,
) -> ActionRequested:
    component = draft.components[position]
    target = ids.item_key(made.org_id, made.item.type_id, made.item.id)
    return ActionRequested(
        event_id=ids.new_id(),
        org_id=made.org_id,
        time=made.time,
        correlation_id=made.correlation_id,
        causation_id=made.event_id,
        execution_id=ids.execution_id(cause=made.decision_id, action=action_id, target=target),
        action_id=action_id,
        item=made.item,
        source="MRT_JOB",
        config_revision=made.config_revision,
        creator=job.item.creator,
        policy_ids=component.policy_ids,
        parameters=parameters,
        actor_id=reviewer.user_id,
        actor_email=reviewer.email,
        actor_note=draft.note,
        decision_reason=draft.reason,
        report_history=job.reports or None,
        cause_id=made.decision_id,
    )
