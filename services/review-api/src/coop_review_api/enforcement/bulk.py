"""A bulk job: one order for many items, or the reversal of many executions.

    PREVIEW ──confirm──▶ RUNNING ──all asked for──▶ COMPLETE
       │                  │  ▲
       │               pause resume
       │                  ▼  │
       └────cancel────▶ PAUSED ──cancel──▶ CANCELLED

Guarantees: pure; what follows for one item is a function of the order, the item and the
configuration, with ids made of the bulk job and the item, so that doing it twice is doing it once.
Reversing an execution twice, by whichever job, is reversing it once.
Must not: do I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from msgspec import Raw, Struct

from coop_contracts import ids
from coop_contracts.action import applies_to
from coop_contracts.config import Action, ActionType, ItemType, Kind, Policy
from coop_contracts.error import pointer
from coop_contracts.event import (
    ActionRequested,
    Event,
    ItemRef,
    ReviewRequested,
    SubmittedItem,
)
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.parameter import resolve_values
from coop_review_api.kernel.error import Fault
from coop_review_api.review.reverse import Circumstances, reverse

MAX_ITEMS = 100_000
KINDS = (Kind.ACTION, Kind.POLICY, Kind.ITEM_TYPE)
"""What has to be known to carry an order out."""

BulkState = Literal["PREVIEW", "RUNNING", "PAUSED", "CANCELLED", "COMPLETE"]
NEXT: Mapping[str, tuple[tuple[BulkState, ...], BulkState]] = {
    "confirm": (("PREVIEW",), "RUNNING"),
    "pause": (("RUNNING",), "PAUSED"),
    "resume": (("PAUSED",), "RUNNING"),
    "cancel": (("PREVIEW", "RUNNING", "PAUSED"), "CANCELLED"),
}
"""By command: the states it is allowed in, and the one it leads to."""

ENDED: tuple[BulkState, ...] = ("CANCELLED", "COMPLETE")
"""What is asked for no more, and can be taken back."""

_NO_DATA = Raw(b"{}")


class ReversalOf(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Whose executions a reversal takes back: of a rule those from `since` to before `until`."""

    kind: Literal["DECISION", "BULK_ACTION", "RULE", "EXECUTION"]
    id: str
    since: datetime | None = None
    until: datetime | None = None


class BulkOrder(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is to be done to each item. `parameters`: values by action id, then by name. A reversal
    has no actions: each execution's own reverse action is taken; it is `of` something."""

    item_type_id: str | None = None
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = {}
    note: str | None = None
    of: ReversalOf | None = None


class Reversed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The execution to take back."""

    execution_id: str
    action_id: str


class Target(Struct, frozen=True, kw_only=True):
    """One item of a bulk job."""

    item: ItemRef
    creator: ItemRef | None = None
    reverses: Reversed | None = None

    @property
    def identity(self) -> str:
        """What makes two entries of a job the same one."""
        if self.reverses is not None:
            return self.reverses.execution_id
        return ids.item_key("", self.item.type_id, self.item.id)


@dataclass(frozen=True, kw_only=True)
class BulkRun:
    """A bulk job, as carrying out one of its items needs it."""

    bulk_id: str
    org_id: str
    order: BulkOrder
    actor_id: str
    actor_email: str | None
    catalogue: Catalogue
    now: datetime


@dataclass(frozen=True, kw_only=True)
class ItemOutcome:
    """What follows for one item: events, or the reason why nothing does. A reversal may have both:
    its strike is taken back though the platform cannot be told."""

    events: tuple[Event, ...] = ()
    execution_ids: tuple[str, ...] = ()
    refused: str | None = None


def check_order(order: BulkOrder, catalogue: Catalogue) -> list[Fault]:
    """Everything that is wrong with an order of actions."""
    faults = []
    item_type = catalogue.get(Kind.ITEM_TYPE, ItemType, order.item_type_id or "")
    if item_type is None:
        faults.append(Fault("/itemTypeId", "no such item type"))
    for index, policy_id in enumerate(order.policy_ids):
        if catalogue.get(Kind.POLICY, Policy, policy_id) is None:
            faults.append(Fault(pointer("policyIds", index), "no such policy"))
    for action_id in order.parameters:
        if action_id not in order.action_ids:
            faults.append(Fault(pointer("parameters", action_id), "this action is not taken"))
    for index, action_id in enumerate(order.action_ids):
        here = pointer("actionIds", index)
        action = catalogue.get(Kind.ACTION, Action, action_id)
        if action_id in order.action_ids[:index]:
            faults.append(Fault(here, "given twice"))
        reason = None if item_type is None else _unfit(action, item_type)
        if action is None or reason is not None:
            faults.append(Fault(here, reason or "no such action"))
            continue
        given = order.parameters.get(action_id, {})
        at = pointer("parameters", action_id)
        faults += resolve_values(action.parameters, given, at=at)[1]
    return faults


def _unfit(action: Action | None, item_type: ItemType) -> str | None:
    """Why this action cannot be done in bulk to items of this type."""
    if action is None:
        return "no such action"
    if action.action_type not in (ActionType.CUSTOM_ACTION, ActionType.ENQUEUE_TO_MRT):
        return f"{action.name} needs the item's author, which an id alone does not tell"
    if not applies_to(action, item_type_id=item_type.id, item_kind=item_type.kind):
        return f"{action.name} does not apply to this type of item"
    return None


def carry_out(run: BulkRun, target: Target) -> ItemOutcome:
    """What follows for one item."""
    if target.reverses is not None:
        return _reverse(run, target, target.reverses)
    item_type = run.catalogue.get(Kind.ITEM_TYPE, ItemType, target.item.type_id)
    if item_type is None:
        return ItemOutcome(refused="its item type is gone")
    events: list[Event] = []
    executions: list[str] = []
    key = ids.item_key(run.org_id, target.item.type_id, target.item.id)
    cause = ids.execution_id(cause=run.bulk_id, action="", target=key)
    for action_id in run.order.action_ids:
        action = run.catalogue.get(Kind.ACTION, Action, action_id)
        reason = _unfit(action, item_type)
        if action is None or reason is not None:
            return ItemOutcome(refused=reason)
        values, faults = resolve_values(
            action.parameters, run.order.parameters.get(action_id, {}), at=""
        )
        if faults:
            return ItemOutcome(refused=f"{action.name}: {faults[0].pointer[1:]} {faults[0].reason}")
        execution = ids.execution_id(cause=cause, action=action_id, target=key)
        executions.append(execution)
        if action.action_type is ActionType.ENQUEUE_TO_MRT:
            events.append(_review(run, target, item_type, execution))
        else:
            events.append(
                _request(run, target, action_id, execution, cause=cause, parameters=values)
            )
    return ItemOutcome(events=tuple(events), execution_ids=tuple(executions))


def _reverse(run: BulkRun, target: Target, reversed_: Reversed) -> ItemOutcome:
    back = reverse(
        reversed_.execution_id,
        reversed_.action_id,
        target.item,
        creator=target.creator,
        catalogue=run.catalogue,
        by=Circumstances(
            org_id=run.org_id,
            time=run.now,
            correlation_id=run.bulk_id,
            actor_id=run.actor_id,
            actor_email=run.actor_email,
            note=run.order.note,
            policy_ids=run.order.policy_ids,
            bulk_id=run.bulk_id,
        ),
    )
    if back.request is None:
        return ItemOutcome(events=(back.undone,), refused=back.refused)
    return ItemOutcome(
        events=(back.undone, back.request), execution_ids=(back.request.execution_id,)
    )


def _request(
    run: BulkRun,
    target: Target,
    action_id: str,
    execution_id: str,
    *,
    cause: str,
    parameters: dict[str, Any],
) -> ActionRequested:
    return ActionRequested(
        event_id=ids.new_id(),
        org_id=run.org_id,
        time=run.now,
        correlation_id=run.bulk_id,
        execution_id=execution_id,
        action_id=action_id,
        item=target.item,
        source="BULK_ACTION",
        config_revision=run.catalogue.revision,
        creator=target.creator,
        policy_ids=run.order.policy_ids,
        parameters=parameters,
        actor_id=run.actor_id,
        actor_email=run.actor_email,
        actor_note=run.order.note,
        cause_id=cause,
        bulk_id=run.bulk_id,
    )


def _review(run: BulkRun, target: Target, item_type: ItemType, entry_id: str) -> ReviewRequested:
    return ReviewRequested(
        event_id=ids.new_id(),
        org_id=run.org_id,
        time=run.now,
        correlation_id=run.bulk_id,
        entry_id=entry_id,
        item=SubmittedItem(
            id=target.item.id,
            type_id=target.item.type_id,
            type_version=item_type.version,
            data=_NO_DATA,
            schema_variant="partial",
            creator=target.creator,
        ),
        source="BULK_ACTION",
        config_revision=run.catalogue.revision,
        policy_ids=run.order.policy_ids,
        note=run.order.note,
        actor_id=run.actor_id,
    )
