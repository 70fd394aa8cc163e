"""What a rule costs, asked when it is saved.

Guarantees: it is known before the organisation's lock is taken; a rule that is too costly is
refused with what it costs and what it may.
Must not: measure: a slice above knows the items (`explanation.rule_cost`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from coop_contracts.config import Rule
from coop_contracts.ids import new_id
from coop_review_api.http.context import Context
from coop_review_api.kernel.principal import Principal


@dataclass(frozen=True, kw_only=True)
class RuleCost:
    """Milliseconds of processor time an item of the type, the mean over the `items` that came last:
    of the rule alone, and of all enabled rules of the type with it."""

    item_type_id: str
    items: int
    alone: float
    together: float


@dataclass(frozen=True)
class RuleScale:
    """What measures rules: a part of the process, of a slice above.

    `weigh` gives an organisation's rule its costs, by item type, without those that have no items
    yet. It raises `Invalid` where an enabled rule would take its type above the ceiling.
    """

    weigh: Callable[[str, Rule], Awaitable[Sequence[RuleCost]]]


async def weigh_rule(
    context: Context, principal: Principal, document_id: str | None, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """The view's field `cost`. Raises `Invalid`."""
    try:
        rule = msgspec.convert({**fields, "id": document_id or new_id()}, Rule)
    except msgspec.ValidationError:
        return {}  # said, with every fault, by the check that comes next
    costs = await context.part(RuleScale).weigh(principal.org_id, rule)
    return {"cost": [msgspec.to_builtins(_camel(one)) for one in costs]}


def _camel(cost: RuleCost) -> dict[str, Any]:
    return {
        "itemTypeId": cost.item_type_id,
        "items": cost.items,
        "alone": round(cost.alone, 4),
        "together": round(cost.together, 4),
    }
