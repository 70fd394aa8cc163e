"""A strike: what one cause holds against one user.

    executions of one cause on one user ──the leading one──▶ strike ──sum of the live ones──▶ total

Guarantees: a strike is a function of the set of executions that stand, whatever their order: it is
the leading one, which has the greatest weight (then the latest expiry, then the greatest id). What
is judged here is judged on the request and the configuration alone.
Must not: give a strike for a threshold's own action or for a reversal, else strikes would breed
strikes; read or write anything.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from coop_action_dispatcher.arrival import SETTINGS_ID, Configuration, expect_arrived
from coop_action_dispatcher.asked import Asked
from coop_action_dispatcher.item import item_digest
from coop_contracts.config import Action, ItemType, Kind, OrgSettings, Policy
from coop_contracts.event import ActionRequested, CallbackRequested, EffectsReversed, ItemRef
from coop_contracts.ids import item_key, strike_id
from coop_runtime.process.error import Poison


class User(Struct, frozen=True):
    """A user of a platform. `digest` stands for it in indexes."""

    org_id: str
    ref: ItemRef

    @property
    def key(self) -> str:
        """The item key."""
        return item_key(self.org_id, self.ref.type_id, self.ref.id)

    @property
    def digest(self) -> bytes:
        return item_digest(self.key)


class Part(Struct, frozen=True, kw_only=True):
    """What one execution contributes to a strike."""

    execution_id: str
    action_id: str
    user: User
    cause_id: str
    policy_id: str
    weight: int
    struck_at: datetime
    expires_at: datetime
    correlation_id: str
    event_id: str
    traceparent: str | None = None

    @property
    def strike_id(self) -> str:
        return strike_id(cause=self.cause_id, user=self.user.key)


class Reversal(Struct, frozen=True, kw_only=True):
    """An execution was taken back, whether it had been requested yet or not."""

    execution_id: str
    correlation_id: str
    event_id: str
    traceparent: str | None = None


class Lead(NamedTuple):
    """The leading execution of a strike; they compare by what makes one lead."""

    weight: int
    expires_at: datetime
    execution_id: str

    def counts(self, now: datetime) -> int:
        """What it adds to the user's total."""
        return self.weight if self.expires_at > now else 0


def part_of(request: Asked, config: Configuration, traceparent: str | None = None) -> Part | None:
    """What the request adds to a strike, if anything.

    None for a callback, and when the action gives no strikes, nobody is to blame, or no policy has
    a weight. Raises `NotYet` when the configuration the request was made under has not arrived.
    """
    if isinstance(request, CallbackRequested):
        return None
    if request.source in ("STRIKE_THRESHOLD", "REVERSAL") or request.reverses is not None:
        return None
    action = config.get(request.org_id, Kind.ACTION, request.action_id)
    if not isinstance(action, Action):
        expect_arrived(request, config)
        return None
    if not action.apply_user_strikes:
        return None
    user = user_of(request, config)
    weights = [(weight_of(request, one, config), one) for one in request.policy_ids]
    weight, policy_id = max(weights, default=(0, ""))
    if user is None or weight <= 0:
        return None
    settings = settings_of(request.org_id, config)
    return Part(
        execution_id=str(uuid.UUID(request.execution_id)),
        action_id=request.action_id,
        user=user,
        cause_id=request.cause_id or request.correlation_id,
        policy_id=policy_id,
        weight=weight,
        struck_at=request.time,
        expires_at=request.time + timedelta(days=settings.user_strike_ttl_days),
        correlation_id=request.correlation_id,
        event_id=request.event_id,
        traceparent=traceparent,
    )


def reversal_of(
    request: Asked | EffectsReversed, traceparent: str | None = None
) -> Reversal | None:
    """What the event takes back, if anything. Raises `Poison` for an id that is none."""
    if isinstance(request, CallbackRequested):
        return None
    reversed_id = request.reverses if isinstance(request, ActionRequested) else request.execution_id
    if reversed_id is None:
        return None
    try:
        execution_id = str(uuid.UUID(reversed_id))
    except ValueError:
        raise Poison("the reversed execution's id is not a UUID") from None
    return Reversal(
        execution_id=execution_id,
        correlation_id=request.correlation_id,
        event_id=request.event_id,
        traceparent=traceparent,
    )


def settings_of(org_id: str, config: Configuration) -> OrgSettings:
    """The organisation's settings, or the defaults."""
    found = config.get(org_id, Kind.SETTINGS, SETTINGS_ID)
    return found if isinstance(found, OrgSettings) else OrgSettings(id=SETTINGS_ID, name="")


def weight_of(request: ActionRequested, policy_id: str, config: Configuration) -> int:
    """The strikes that a violation of the policy is worth.

    A policy that applies its strikes to its sub-policies is worth what it says. Any other is worth
    what it says or, if that is more, what its nearest ancestor that does so says.
    """
    policy = config.get(request.org_id, Kind.POLICY, policy_id)
    if not isinstance(policy, Policy):
        expect_arrived(request, config)
        return 0
    own, seen = policy.user_strike_count, {policy_id}
    while not policy.apply_strikes_to_sub_policies:
        parent_id = policy.parent_id
        if parent_id is None or parent_id in seen:
            return own
        seen.add(parent_id)
        parent = config.get(request.org_id, Kind.POLICY, parent_id)
        if not isinstance(parent, Policy):
            return own
        policy = parent
    return own if policy.id == policy_id else max(own, policy.user_strike_count)


def user_of(request: Asked, config: Configuration) -> User | None:
    """The user whom an action is about: the item itself, or whoever made it; None for a callback,
    and where nobody is known.

    Raises `NotYet` when the configuration the request was made under has not arrived.
    """
    if isinstance(request, CallbackRequested):
        return None
    if _is_user(request, config):
        return User(request.org_id, request.item)
    return None if request.creator is None else User(request.org_id, request.creator)


def _is_user(request: ActionRequested, config: Configuration) -> bool:
    type_id = request.item.type_id
    current = config.get(request.org_id, Kind.ITEM_TYPE, type_id)
    if isinstance(current, ItemType):
        return current.kind == "USER"
    expect_arrived(request, config)
    # Deleted since: its versions stay, and an item type never changes its kind.
    return any(
        isinstance(version, ItemType) and version.kind == "USER"
        for key, version in config.all(request.org_id, Kind.ITEM_TYPE_VERSION).items()
        if key.rpartition("@")[0] == type_id
    )
