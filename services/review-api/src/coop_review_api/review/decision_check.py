"""What a decision may say: how its components go together, and the organisation's rules.

    IGNORE, REJECT_APPEAL                     with RELATED_ACTION
    MOVE, ESCALATE_TO_NCMEC, ACCEPT_APPEAL    with CUSTOM_ACTION and RELATED_ACTION
    SUBMIT_NCMEC_REPORT                       with CUSTOM_ACTION and RELATED_ACTION
    CUSTOM_ACTION, RELATED_ACTION             with each other
    AUTOMATIC_CLOSE, CLOSE                    alone, and never by who reviews the job
    CLOSE                                     alone: a person who judges nothing

    jobs of kind APPEAL     accepted (with actions), rejected (with related ones), or moved
    jobs of kind NCMEC      no policy or reason is required; no escalation, but of an item whose
                            author was not known when the job was made, and is by now

Guarantees: every fault is found, each with a pointer; nothing is left to the client.
Must not: do I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from coop_contracts.action import applies_to
from coop_contracts.config import Action, ActionType, ItemType, Kind, Policy, Queue
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef
from coop_contracts.ids import item_key
from coop_queues.job import Job, JobKind
from coop_review_api.kernel.error import Fault
from coop_review_api.review import escalation, reporting
from coop_review_api.review.decision import Component, Draft, Rulebook

MAX_EXECUTIONS: Final = 1000
"""Actions times items of one decision."""

_ACTIONS: Final = frozenset({"CUSTOM_ACTION", "RELATED_ACTION"})
_RELATED: Final = frozenset({"RELATED_ACTION"})
_BESIDE: Final[Mapping[str, frozenset[str]]] = {
    "IGNORE": _RELATED,
    "REJECT_APPEAL": _RELATED,
    "MOVE": _ACTIONS,
    "ESCALATE_TO_NCMEC": _ACTIONS,
    "ACCEPT_APPEAL": _ACTIONS,
    "SUBMIT_NCMEC_REPORT": _ACTIONS,
    "AUTOMATIC_CLOSE": frozenset(),
    "CLOSE": frozenset(),
}
"""By what becomes of the job: what may go with it."""

_APPEAL: Final = frozenset({"ACCEPT_APPEAL", "REJECT_APPEAL"})
_CLOSE: Final = frozenset({"AUTOMATIC_CLOSE", "CLOSE"})


def check(draft: Draft, job: Job, rulebook: Rulebook, *, reviewed: bool) -> Iterator[Fault]:
    """Everything that is wrong with the draft, parameters' values apart.

    Only what a person `reviewed` is bound by the organisation's rules for reviewers.
    """
    if not draft.components:
        yield Fault("/components", "at least one")
    yield from _together(draft, job)
    if reviewed:
        yield from _reasons(draft, job, rulebook)
        if draft.has("AUTOMATIC_CLOSE", "CLOSE"):
            yield Fault("/components", "a job under review is decided, not closed")
    yield from _once(draft, job)
    for position, component in enumerate(draft.components):
        at = pointer("components", position)
        yield from _foreign(component, at)
        match component.type:
            case "CUSTOM_ACTION":
                yield from _actions(component, at, [job.summary.item], job, rulebook, reviewed)
            case "RELATED_ACTION":
                yield from _related(component, at, job, rulebook, reviewed)
            case "MOVE":
                yield from _move(component, at, job, rulebook)
            case "ESCALATE_TO_NCMEC":
                yield from _escalation(at, job, rulebook)
            case "SUBMIT_NCMEC_REPORT":
                if component.report is None:
                    yield Fault(f"{at}/report", "what is reported")
                else:
                    yield from reporting.check(component.report, f"{at}/report", job, rulebook)
            case "ACCEPT_APPEAL" | "REJECT_APPEAL":
                yield from _appeal(component, at, job, rulebook)


def _together(draft: Draft, job: Job) -> Iterator[Fault]:
    main = [component.type for component in draft.components if component.type in _BESIDE]
    if len(main) > 1:
        yield Fault("/components", f"{' and '.join(main)} do not go together")
    for position, component in enumerate(draft.components):
        if main and component.type not in {*_BESIDE, *_BESIDE[main[0]]}:
            yield Fault(
                pointer("components", position, "type"),
                f"{component.type} does not go with {main[0]}",
            )
    if job.summary.kind is not JobKind.APPEAL:
        return
    if not set(main) & {*_APPEAL, *_CLOSE, "MOVE"}:
        yield Fault("/components", "an appeal is accepted, rejected or moved")
    elif "MOVE" in main and len(draft.components) > 1:
        yield Fault("/components", "an appeal is moved without actions")


def _reasons(draft: Draft, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    if job.summary.kind is JobKind.NCMEC or (draft.reason or "").strip():
        return
    settings = rulebook.settings
    if settings.requires_decision_reason and draft.has("CUSTOM_ACTION", "RELATED_ACTION"):
        yield Fault("/reason", "this organisation requires a reason for acting")
    if settings.requires_decision_reason_on_ignore and draft.has("IGNORE"):
        yield Fault("/reason", "this organisation requires a reason for ignoring")


def _once(draft: Draft, job: Job) -> Iterator[Fault]:
    """An action is done to an item once, and not to more items than can be."""
    seen: set[tuple[str, str]] = set()
    count = 0
    for position, component in enumerate(draft.components):
        items = component.items or (job.summary.item,)
        count += len(items) * len(component.action_ids)
        if count > MAX_EXECUTIONS:
            yield Fault("/components", f"at most {MAX_EXECUTIONS} actions on items")
            return
        keys = [item_key("", item.type_id, item.id) for item in items]
        for index, action_id in enumerate(component.action_ids):
            pairs = [(action_id, key) for key in keys]
            if not seen.isdisjoint(pairs) or len(set(pairs)) < len(pairs):
                yield Fault(pointer("components", position, "actionIds", index), "given twice")
            seen.update(pairs)


def _foreign(component: Component, at: str) -> Iterator[Fault]:
    """What a component of another type would have."""
    acts = component.type in _ACTIONS
    if not acts and (component.action_ids or component.policy_ids or component.parameters):
        yield Fault(at, f"{component.type} has no actions, policies or parameters")
    wrong = {
        "queueId": component.queue_id is not None and component.type != "MOVE",
        "items": bool(component.items) and component.type != "RELATED_ACTION",
        "appealIds": bool(component.appeal_ids) and component.type not in _APPEAL,
        "reverseActions": component.reverse_actions and component.type != "ACCEPT_APPEAL",
        "report": component.report is not None and component.type != "SUBMIT_NCMEC_REPORT",
        "closeReason": component.close_reason is not None and component.type not in _CLOSE,
    }
    for name, given in wrong.items():
        if given:
            yield Fault(f"{at}/{name}", f"{component.type} has none")


def _related(
    component: Component, at: str, job: Job, rulebook: Rulebook, reviewed: bool
) -> Iterator[Fault]:
    if not component.items:
        yield Fault(f"{at}/items", "at least one item")
    known = []
    for index, item in enumerate(component.items):
        if rulebook.catalogue.get(Kind.ITEM_TYPE, ItemType, item.type_id) is None:
            yield Fault(at + pointer("items", index, "typeId"), "no such item type")
        else:
            known.append(item)
    yield from _actions(component, at, known, job, rulebook, reviewed)


def _actions(
    component: Component,
    at: str,
    items: list[ItemRef],
    job: Job,
    rulebook: Rulebook,
    reviewed: bool,
) -> Iterator[Fault]:
    if not component.action_ids:
        yield Fault(f"{at}/actionIds", "at least one action")
    if reviewed:
        yield from _policy_rules(component, at, job, rulebook)
    for index, policy_id in enumerate(component.policy_ids):
        if rulebook.catalogue.get(Kind.POLICY, Policy, policy_id) is None:
            yield Fault(at + pointer("policyIds", index), "no such policy")
    for action_id in component.parameters:
        if action_id not in component.action_ids:
            yield Fault(at + pointer("parameters", action_id), "this action is not taken")
    for index, action_id in enumerate(component.action_ids):
        reason = _unfit(action_id, items, rulebook, reviewed)
        if reason is not None:
            yield Fault(at + pointer("actionIds", index), reason)


def _policy_rules(component: Component, at: str, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    settings = rulebook.settings
    required = settings.requires_policy_for_decisions and job.summary.kind is not JobKind.NCMEC
    if required and not component.policy_ids:
        yield Fault(f"{at}/policyIds", "this organisation requires a policy")
    if len(component.policy_ids) > 1 and not settings.allow_multiple_policies_per_action:
        yield Fault(f"{at}/policyIds", "this organisation allows one policy")


def _unfit(action_id: str, items: list[ItemRef], rulebook: Rulebook, reviewed: bool) -> str | None:
    """Why this action cannot be done to these items in a review."""
    action = rulebook.catalogue.get(Kind.ACTION, Action, action_id)
    if action is None:
        return "no such action"
    if action.action_type is not ActionType.CUSTOM_ACTION:
        return f"{action.name} cannot be taken in a review"
    if reviewed and rulebook.queue and action_id in rulebook.queue.hidden_action_ids:
        return f"{action.name} is hidden in this queue"
    for item in items:
        item_type = rulebook.catalogue.get(Kind.ITEM_TYPE, ItemType, item.type_id)
        kind = item_type.kind if item_type else ""
        if not applies_to(action, item_type_id=item.type_id, item_kind=kind):
            name = item_type.name if item_type else item.type_id
            return f"{action.name} does not apply to this type of item ({name})"
    return None


def _move(component: Component, at: str, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    if component.queue_id is None:
        yield Fault(f"{at}/queueId", "required")
        return
    target = rulebook.catalogue.get(Kind.QUEUE, Queue, component.queue_id)
    if target is None:
        yield Fault(f"{at}/queueId", "no such queue")
    elif target.id == job.summary.queue_id:
        yield Fault(f"{at}/queueId", "the job is in this queue")
    elif job.summary.kind is not JobKind.APPEAL:
        if target.is_appeals_queue:
            yield Fault(f"{at}/queueId", "only appeals go to an appeals queue")
    elif rulebook.queue and rulebook.queue.is_appeals_queue and not target.is_appeals_queue:
        # One that was routed elsewhere, for want of an appeals queue, is not bound to any.
        yield Fault(f"{at}/queueId", "appeals stay in appeals queues")


def _escalation(at: str, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    user = escalation.user_of(job, rulebook)
    if isinstance(user, str):
        yield Fault(at, user)
    elif job.summary.kind is JobKind.NCMEC and user == job.summary.item:
        yield Fault(at, "this job is one already")


def _appeal(component: Component, at: str, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    if job.summary.kind is not JobKind.APPEAL:
        yield Fault(at, "this job is no appeal")
        return
    pending = {appeal.appeal_id for appeal in job.appeals}
    if component.appeal_ids and set(component.appeal_ids) != pending:
        yield Fault(f"{at}/appealIds", "not the appeals of this job: look at it again")
    if component.reverse_actions and not rulebook.origins:
        yield Fault(
            f"{at}/reverseActions",
            "what took the appealed actions is not known here: choose an action instead",
        )
