"""A user's account of strikes while its row is locked: the total, and the thresholds it crosses.

    below ──total reaches the threshold──▶ crossed: fires once
      ▲                                        │
      └──────── total falls below it ──────────┘   (expiry or reversal)

Guarantees: each threshold that a change newly reaches fires once, all of them, on the user; none
fires again before the total fell below it. A crossing's id is made of user, threshold and its
generation, its executions' ids of that: a replay fires nothing twice. Actions that send to review
are asked of routing, all others of the dispatcher.
Must not: judge by any list of thresholds but the one given: a threshold that is configured while a
user is already past it fires when the user next reaches it from below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Raw, Struct

from coop_action_dispatcher.arrival import Configuration
from coop_action_dispatcher.strike import User, settings_of
from coop_contracts.action import resolve_values
from coop_contracts.config import Action, ActionType, ItemType, Kind, StrikeThreshold
from coop_contracts.event import (
    ActionRequested,
    Event,
    RequestedExecution,
    ReviewRequested,
    StrikesChanged,
    SubmittedItem,
)
from coop_contracts.ids import crossing_id, execution_id, new_id
from coop_runtime.kafka.message import Message, message_of

_NO_DATA = Raw(b"{}")


class Step(Struct, frozen=True):
    """One action of a threshold; `type_` is None for one that is not configured any more."""

    action_id: str
    type_: ActionType | None
    parameters: dict[str, Any]


class Rulebook:
    """What an organisation decided about thresholds, as it is now."""

    def __init__(self, org_id: str, config: Configuration) -> None:
        self._org_id = org_id
        self._config = config
        self.revision = config.revision(org_id)
        configured = settings_of(org_id, config).user_strike_thresholds
        self.thresholds = {one.threshold: one for one in sorted(configured, key=_height)}

    def steps(self, threshold: int) -> list[Step]:
        """The threshold's actions, each once, with the defaults of their parameters.

        Values that have become wrong since they were set do not keep the action from happening.
        """
        configured = self.thresholds[threshold]
        steps = []
        for action_id in dict.fromkeys(configured.action_ids):
            values = configured.action_parameters.get(action_id, {})
            action = self._config.get(self._org_id, Kind.ACTION, action_id)
            if isinstance(action, Action):
                values = resolve_values(action.parameters, values)[0]
                steps.append(Step(action_id, action.action_type, values))
            else:
                steps.append(Step(action_id, None, values))
        return steps

    def type_version(self, type_id: str) -> str:
        """The item type's version; empty for one that was deleted."""
        found = self._config.get(self._org_id, Kind.ITEM_TYPE, type_id)
        return found.version if isinstance(found, ItemType) else ""


def _height(threshold: StrikeThreshold) -> int:
    return threshold.threshold


class Cause(Struct, frozen=True, kw_only=True):
    """Why a total changes: the strike's cause, and the event that brought it."""

    cause_id: str
    policy_id: str | None
    correlation_id: str
    event_id: str | None = None
    traceparent: str | None = None


class Crossing(Struct, kw_only=True):
    """A threshold was newly reached."""

    crossing_id: str
    user: User
    threshold: int
    generation: int
    total: int
    cause_id: str
    executions: tuple[RequestedExecution, ...]
    fell: bool = False


class Account:
    """One user's. `generations` are the times each threshold was crossed, `open` those thresholds
    that the user has not fallen below since."""

    def __init__(
        self,
        user: User,
        total: int,
        *,
        generations: Mapping[int, int] | None = None,
        open_: Iterable[int] = (),
    ) -> None:
        self.user = user
        self.total = total
        self.touched = False
        self.crossings: list[Crossing] = []
        self.fallen: set[int] = set()
        self.messages: list[Message] = []
        self._generations = dict(generations or {})
        self._open = set(open_)

    def change(self, delta: int, cause: Cause, *, rulebook: Rulebook, now: datetime) -> None:
        """Adds `delta` to the total, with the events that tell of it and what it sets off."""
        self.touched = True
        if delta == 0:
            return
        before = self.total
        self.total += delta
        self._fall()
        crossed = tuple(
            threshold
            for threshold in rulebook.thresholds
            if before < threshold <= self.total and threshold not in self._open
        )
        changed = StrikesChanged(
            event_id=new_id(),
            org_id=self.user.org_id,
            time=now,
            correlation_id=cause.correlation_id,
            causation_id=cause.event_id,
            user=self.user.ref,
            cause_id=cause.cause_id,
            delta=delta,
            total=self.total,
            policy_id=cause.policy_id,
            crossed=crossed,
        )
        self._tell(changed, cause)
        for threshold in crossed:
            for request in self._cross(threshold, changed, rulebook):
                self._tell(request, cause)

    def _fall(self) -> None:
        below = {threshold for threshold in self._open if threshold > self.total}
        self._open -= below
        made_here = {crossing.threshold for crossing in self.crossings if not crossing.fell}
        for crossing in self.crossings:
            crossing.fell = crossing.fell or crossing.threshold in below
        self.fallen |= below - made_here

    def _cross(
        self, threshold: int, changed: StrikesChanged, rulebook: Rulebook
    ) -> list[ActionRequested | ReviewRequested]:
        generation = self._generations.get(threshold, 0) + 1
        self._generations[threshold] = generation
        self._open.add(threshold)
        crossing = crossing_id(user=self.user.key, threshold=threshold, generation=generation)
        steps = [
            (step, execution_id(cause=crossing, action=step.action_id, target=self.user.key))
            for step in rulebook.steps(threshold)
        ]
        self.crossings.append(
            Crossing(
                crossing_id=crossing,
                user=self.user,
                threshold=threshold,
                generation=generation,
                total=self.total,
                cause_id=changed.cause_id,
                executions=tuple(
                    RequestedExecution(execution_id=execution, action_id=step.action_id)
                    for step, execution in steps
                ),
            )
        )
        return [
            self._review(step, execution, changed, rulebook)
            if step.type_ in (ActionType.ENQUEUE_TO_MRT, ActionType.ENQUEUE_TO_NCMEC)
            else self._action(step, execution, crossing, changed, rulebook)
            for step, execution in steps
        ]

    def _action(
        self,
        step: Step,
        execution: str,
        crossing: str,
        changed: StrikesChanged,
        rulebook: Rulebook,
    ) -> ActionRequested:
        return ActionRequested(
            event_id=new_id(),
            org_id=self.user.org_id,
            time=changed.time,
            correlation_id=changed.correlation_id,
            causation_id=changed.event_id,
            execution_id=execution,
            action_id=step.action_id,
            item=self.user.ref,
            source="STRIKE_THRESHOLD",
            config_revision=rulebook.revision,
            parameters=step.parameters,
            cause_id=crossing,
        )

    def _review(
        self, step: Step, execution: str, changed: StrikesChanged, rulebook: Rulebook
    ) -> ReviewRequested:
        user = self.user.ref
        return ReviewRequested(
            event_id=new_id(),
            org_id=self.user.org_id,
            time=changed.time,
            correlation_id=changed.correlation_id,
            causation_id=changed.event_id,
            entry_id=execution,
            item=SubmittedItem(
                id=user.id,
                type_id=user.type_id,
                type_version=rulebook.type_version(user.type_id),
                data=_NO_DATA,
                schema_variant="partial",
            ),
            source="STRIKE_THRESHOLD",
            config_revision=rulebook.revision,
            job_kind="NCMEC" if step.type_ is ActionType.ENQUEUE_TO_NCMEC else "DEFAULT",
        )

    def _tell(self, event: Event, cause: Cause) -> None:
        message = message_of(event, key=self.user.key, traceparent=cause.traceparent)
        self.messages.append(message)
