"""From a draft to a decision: whether it may be made, and what follows from it.

Guarantees: pure; nothing follows from a draft with a fault; every effect has an id made of the
decision, what is done and the item, so that making the same decision twice is making it once.
Effects keep the order of the components, of a component's items, of its actions.
Must not: do I/O, or hold the wire's names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from coop_contracts import ids
from coop_contracts.config import Action, Kind
from coop_contracts.error import pointer
from coop_contracts.event import ActionRequested, DecisionComponent, DecisionMade
from coop_queues.job import Job, JobKind
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.parameter import resolve_values
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.review import callback, escalation, reporting, reverse
from coop_review_api.review.decision import (
    SYSTEM,
    Component,
    Decision,
    Draft,
    Execution,
    Reviewer,
    Rulebook,
    creator_in,
)
from coop_review_api.review.decision_check import check

Values = Mapping[tuple[int, str], dict[str, Any]]
"""Parameters by the component's position and the action's id."""


def decide(
    draft: Draft,
    *,
    job: Job,
    rulebook: Rulebook,
    reviewer: Reviewer | None,
    now: datetime,
    reviewed: bool = True,
    on_behalf: Reviewer | None = None,
) -> Decision:
    """The decision with its events. Raises `Invalid` with every fault.

    Without a `reviewer` it is automatic; what is done is then done in the name of `on_behalf`,
    where that is given. Unless it was `reviewed`, the rules for reviewers do not apply.
    """
    faults = list(check(draft, job, rulebook, reviewed=reviewed))
    values = _values(draft, rulebook.catalogue, faults)
    if faults:
        raise Invalid(faults)
    components = tuple(_whole(component, job) for component in draft.components)
    made = _made(draft, components, job, rulebook, reviewer, now)
    actor = reviewer or on_behalf
    taken = list(_actions(made, components, values, draft, job, rulebook, actor))
    back = reverse.Reversals()
    if any(component.reverse_actions for component in components):
        back = reverse.of_origins(
            made, rulebook, creator=job.item.creator, actor=actor, note=draft.note
        )
    asked = None
    if draft.has("ESCALATE_TO_NCMEC"):
        asked = escalation.of(
            made,
            job,
            rulebook,
            actor_id=actor.user_id if actor else None,
            note=draft.note or draft.reason,
        )
    return Decision(
        made=made,
        components=components,
        executions=(*(execution for execution, _ in taken), *back.executions),
        events=(
            made,
            *(request for _, request in taken),
            *back.events,
            *callback.of(made, components, job, rulebook.settings),
            *((asked.request,) if asked else ()),
            *(
                reporting.of(
                    made, component.report, pointer("components", at, "report"), job, rulebook
                )
                for at, component in enumerate(draft.components)
                if component.report is not None
            ),
        ),
        escalation=asked.escalation if asked else None,
    )


def _values(draft: Draft, catalogue: Catalogue, faults: list[Fault]) -> Values:
    """What the actions' parameters come to; what is wrong with them joins `faults`."""
    values = {}
    for position, component in enumerate(draft.components):
        for action_id in component.action_ids:
            action = catalogue.get(Kind.ACTION, Action, action_id)
            if action is None:
                continue
            resolved, wrong = resolve_values(
                action.parameters,
                component.parameters.get(action_id, {}),
                at=pointer("components", position, "parameters", action_id),
            )
            faults += wrong
            values[position, action_id] = resolved
    return values


def _whole(component: Component, job: Job) -> Component:
    """The component with what it leaves unsaid: which appeals it decides; without what is told to
    NCMEC, which is the reporter's to keep."""
    if component.report is not None:
        return msgspec.structs.replace(component, report=None)
    if component.type not in ("ACCEPT_APPEAL", "REJECT_APPEAL"):
        return component
    appeal_ids = tuple(appeal.appeal_id for appeal in job.appeals)
    return msgspec.structs.replace(component, appeal_ids=appeal_ids)


def _made(
    draft: Draft,
    components: tuple[Component, ...],
    job: Job,
    rulebook: Rulebook,
    reviewer: Reviewer | None,
    now: datetime,
) -> DecisionMade:
    decision_id = ids.decision_id(job_id=job.summary.job_id)
    decides_appeal = draft.has("ACCEPT_APPEAL", "REJECT_APPEAL")
    against = [one.id for one in rulebook.origins if one.by in ("PERSON", "AUTOMATIC")]
    return DecisionMade(
        event_id=ids.new_id(),
        org_id=job.summary.org_id,
        time=now,
        correlation_id=_correlation(job) or decision_id,
        decision_id=decision_id,
        job_id=job.summary.job_id,
        queue_id=job.summary.queue_id,
        item=job.summary.item,
        reviewer_id=reviewer.user_id if reviewer else SYSTEM,
        components=tuple(
            DecisionComponent(
                type=component.type,
                action_ids=component.action_ids,
                policy_ids=component.policy_ids,
                queue_id=component.queue_id,
                items=component.items,
                appeal_ids=component.appeal_ids,
                close_reason=component.close_reason,
            )
            for component in components
        ),
        config_revision=rulebook.revision,
        reason=draft.reason,
        automatic=reviewer is None,
        appeal_of=against[0] if decides_appeal and against else None,
    )


def _correlation(job: Job) -> str | None:
    """What began it: the newest cause of the job."""
    return next((entry.correlation_id for entry in job.entries if entry.correlation_id), None)


def _actions(
    made: DecisionMade,
    components: tuple[Component, ...],
    values: Values,
    draft: Draft,
    job: Job,
    rulebook: Rulebook,
    actor: Reviewer | None,
) -> Iterator[tuple[Execution, ActionRequested]]:
    for position, component in enumerate(components):
        for item in component.items or (made.item,):
            for action_id in component.action_ids:
                target = ids.item_key(made.org_id, item.type_id, item.id)
                execution_id = ids.execution_id(
                    cause=made.decision_id, action=action_id, target=target
                )
                own = item == made.item
                execution = Execution(
                    execution_id=execution_id, action_id=action_id, item=None if own else item
                )
                request = ActionRequested(
                    event_id=ids.new_id(),
                    org_id=made.org_id,
                    time=made.time,
                    correlation_id=made.correlation_id,
                    causation_id=made.event_id,
                    execution_id=execution_id,
                    action_id=action_id,
                    item=item,
                    source="MRT_JOB",
                    config_revision=made.config_revision,
                    creator=creator_in(job, item) or rulebook.creators.get(item),
                    policy_ids=component.policy_ids,
                    parameters=values[position, action_id],
                    actor_id=actor.user_id if actor else None,
                    actor_email=actor.email if actor else None,
                    actor_note=draft.note,
                    decision_reason=draft.reason,
                    # Of other items it would say what nobody reported.
                    report_history=(job.reports or None) if own and _is_default(job) else None,
                    cause_id=made.decision_id,
                )
                yield execution, request


def _is_default(job: Job) -> bool:
    return job.summary.kind is JobKind.DEFAULT
