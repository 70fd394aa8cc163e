"""Taking one execution back: its strike, and by its reverse action what the platform did.

Guarantees: pure; a reversal's ids are made of the execution alone, so that reversing it twice,
whoever asks, is reversing it once.
Must not: do I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from coop_contracts import ids
from coop_contracts.config import Action, Kind
from coop_contracts.event import ActionRequested, DecisionMade, EffectsReversed, Event, ItemRef
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.parameter import resolve_values
from coop_review_api.review.decision import Execution, Reviewer, Rulebook


class Circumstances(NamedTuple):
    """Who takes it back, when, why."""

    org_id: str
    time: datetime
    correlation_id: str
    actor_id: str | None
    actor_email: str | None = None
    note: str | None = None
    policy_ids: tuple[str, ...] = ()
    bulk_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reversal:
    """`refused` says why there is no reverse action; the strike is taken back all the same."""

    undone: EffectsReversed
    request: ActionRequested | None = None
    refused: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reversals:
    """Several, as events and as the executions that take back."""

    events: tuple[Event, ...] = ()
    executions: tuple[Execution, ...] = ()


def reverse(
    execution_id: str,
    action_id: str,
    item: ItemRef,
    *,
    creator: ItemRef | None,
    catalogue: Catalogue,
    by: Circumstances,
) -> Reversal:
    """What takes that execution, of that action on that item, back."""
    undone = EffectsReversed(
        event_id=ids.new_id(),
        org_id=by.org_id,
        time=by.time,
        correlation_id=by.correlation_id,
        execution_id=execution_id,
        item=item,
        actor_id=by.actor_id,
        reason=by.note,
    )
    action = catalogue.get(Kind.ACTION, Action, action_id)
    reverse_id = action.reverse_action_id if action is not None else None
    taken = catalogue.get(Kind.ACTION, Action, reverse_id) if reverse_id else None
    if taken is None:
        name = action.name if action is not None else action_id
        return Reversal(undone=undone, refused=f"{name} has no reverse action")
    values, faults = resolve_values(taken.parameters, {}, at="")
    if faults:
        reason = f"{taken.name} needs the parameter {faults[0].pointer[1:]}"
        return Reversal(undone=undone, refused=reason)
    target = ids.item_key(by.org_id, item.type_id, item.id)
    request = ActionRequested(
        event_id=ids.new_id(),
        org_id=by.org_id,
        time=by.time,
        correlation_id=by.correlation_id,
        execution_id=ids.execution_id(cause=execution_id, action=taken.id, target=target),
        action_id=taken.id,
        item=item,
        source="REVERSAL",
        config_revision=catalogue.revision,
        creator=creator,
        policy_ids=by.policy_ids,
        parameters=values,
        actor_id=by.actor_id,
        actor_email=by.actor_email,
        actor_note=by.note,
        cause_id=execution_id,
        reverses=execution_id,
        bulk_id=by.bulk_id,
    )
    return Reversal(undone=undone, request=request)


def of_origins(
    made: DecisionMade,
    rulebook: Rulebook,
    *,
    creator: ItemRef | None,
    actor: Reviewer | None,
    note: str | None,
) -> Reversals:
    """Taking back what an appeal is against, on the decision's item."""
    by = Circumstances(
        org_id=made.org_id,
        time=made.time,
        correlation_id=made.correlation_id,
        actor_id=actor.user_id if actor else None,
        actor_email=actor.email if actor else None,
        note=note,
    )
    events: list[Event] = []
    executions = []
    for origin in rulebook.origins:
        for execution in origin.executions:
            back = reverse(
                execution.execution_id,
                execution.action_id,
                made.item,
                creator=creator,
                catalogue=rulebook.catalogue,
                by=by,
            )
            events.append(back.undone)
            if back.request is not None:
                events.append(back.request)
                executions.append(
                    Execution(
                        execution_id=back.request.execution_id,
                        action_id=back.request.action_id,
                        reverses=execution.execution_id,
                    )
                )
    return Reversals(events=tuple(events), executions=tuple(executions))
