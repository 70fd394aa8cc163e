"""Which changes of a rule a second person has to agree to.

    acts further than before? ─no─▶ one person is enough
       │ yes
    expected on more items a day than the organisation lets one person decide, or nobody knows?
       ├─no──▶ one person is enough
       └─yes─▶ NeedsApproval; `rule_proposal` asks somebody else

Guarantees: what cannot be foretold counts as too much; a rule that is limited to a number of
submissions a day is expected to act on no more than that.
Must not: measure; `rule_proposal.forecast` knows what was counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Rule, RuleStatus
from coop_review_api.configuration.table import config_current

Basis = Literal["MATCHES", "BACKTEST", "LIMIT"]
"""What was counted of the very condition: what the rule matched since it has it, or what a backtest
found; or the rule's own limit."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """On how many items a day a rule is expected to act, and how that is known; None: it is not."""

    items: int | None
    basis: Basis | None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What a second person is asked for."""

    forecast: Forecast
    above: int


Foretell = Callable[[AsyncConnection, str, Rule, datetime], Awaitable[Forecast]]
"""Of an organisation's rule, at a moment."""

UNKNOWN = Forecast(items=None, basis=None)


async def not_foretold(_: AsyncConnection, __: str, ___: Rule, ____: datetime) -> Forecast:
    """Where nobody counts."""
    return UNKNOWN


async def approval_above(connection: AsyncConnection, org_id: str) -> int | None:
    """On how many items a day one person may let a rule act; None: on any number."""
    found: int | None = await connection.scalar(
        select(config_current.c.document["ruleApprovalAbove"]).where(
            config_current.c.org_id == org_id, config_current.c.kind == Kind.SETTINGS
        )
    )
    return found


def limited(rule: Rule, forecast: Forecast) -> Forecast:
    """The forecast within the rule's own limit a day."""
    most = rule.max_daily_actions
    if most is not None and (forecast.items is None or most < forecast.items):
        return Forecast(items=most, basis="LIMIT")
    return forecast


def acts(rule: Rule | None) -> bool:
    """Whether it does something to what it matches."""
    return rule is not None and rule.status is RuleStatus.LIVE and bool(rule.action_ids)


def reaches_further(before: Rule | None, after: Rule) -> bool:
    """Whether the change lets a rule act that did not, or on other items, or otherwise, or with
    wider limits. Names, words and narrower limits do not."""
    if not acts(after):
        return False
    if before is None or not acts(before):
        return True
    return (
        not same_question(before, after)
        or set(before.action_ids) != set(after.action_ids)
        or before.action_parameters != after.action_parameters
        or set(before.policy_ids) != set(after.policy_ids)
        or _is_later(before.expiration_time, after.expiration_time)
        or _is_wider(before.max_daily_actions, after.max_daily_actions)
        or _is_wider(before.max_actions_per_minute, after.max_actions_per_minute)
        or _is_wider(before.max_users_per_hour, after.max_users_per_hour)
    )


def same_question(one: Rule, other: Rule) -> bool:
    """Whether both match the same items."""
    return one.condition_set == other.condition_set and set(one.item_type_ids) == set(
        other.item_type_ids
    )


def _is_wider(before: int | None, after: int | None) -> bool:
    return before is not None and (after is None or after > before)


def _is_later(before: datetime | None, after: datetime | None) -> bool:
    return before is not None and (after is None or after > before)
