"""What a rule costs: measured on the items that came last.

Guarantees: measured in a thread, on processor time, the fastest of a few rounds, so that a busy
machine changes little; bounded in items, bytes and time, whatever the rule. One rule of an
organisation is measured at a time, and keeps no other organisation waiting. A rule is refused only
if it makes its type's rules dearer than before and dearer than the ceiling: what makes them cheaper
can always be saved.
Must not: show items, or ask anyone for values: conditions on models cost nothing here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Rule, RuleStatus
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef, SubmittedItem
from coop_review_api.configuration.scale import RuleCost
from coop_review_api.explanation.evaluation import as_enabled, compiled
from coop_review_api.explanation.material import Material, material_of, rules_at
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.projection.relation import RECENT_SUBMISSIONS
from coop_rules.program.program import Program
from coop_rules.program.state import Facts
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.database.engine import transaction

_NEWEST = 2**62  # a revision above all
_ENABLED = (RuleStatus.LIVE, RuleStatus.BACKGROUND)


@dataclass(frozen=True, kw_only=True)
class ScaleLimits:
    """It is measured on the newest `items` of a type, at most `bytes` together, that are among the
    organisation's newest `submissions`, in about so many `seconds`; for the first `types` of the
    rule. All enabled rules of a type may cost `ceiling` milliseconds an item."""

    items: int = 20
    submissions: int = 2_000
    bytes: int = 2 * 1024 * 1024
    seconds: float = 0.3
    types: int = 5
    ceiling: float = 50.0


@dataclass(frozen=True, kw_only=True)
class _Sample:
    """One item type: what its rules need, and its newest items."""

    material: Material
    items: Sequence[SubmittedItem]


class MeasuredRules:
    """One for each process; measures one rule of an organisation at a time."""

    def __init__(
        self, engine: AsyncEngine, *, signals: SignalCatalogue, limits: ScaleLimits
    ) -> None:
        self._engine = engine
        self._signals = signals
        self._limits = limits
        # An entry lives as long as somebody of the organisation waits or measures.
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def weigh(self, org_id: str, rule: Rule) -> Sequence[RuleCost]:
        """See `configuration.scale.RuleScale`."""
        costs: list[RuleCost] = []
        line = self._lines.setdefault(org_id, asyncio.Lock())
        async with line:
            for position, type_id in enumerate(rule.item_type_ids[: self._limits.types]):
                async with transaction(self._engine) as connection:
                    sample = await self._sample(connection, org_id, type_id, rule)
                if sample.material.item_type is None or not sample.items:
                    continue
                cost = await asyncio.to_thread(self._cost, sample, rule)
                costs.append(cost)
                await self._check(sample, rule, cost, pointer("itemTypeIds", position))
        return costs

    async def _sample(
        self, connection: AsyncConnection, org_id: str, type_id: str, rule: Rule
    ) -> _Sample:
        rules = await rules_at(connection, org_id, _NEWEST, type_id)
        kept = {one: found for one, found in rules.items() if found[0].status in _ENABLED}
        wanted = {**kept, rule.id: (rule, 0)}
        material = await material_of(connection, org_id, _NEWEST, type_id, wanted)
        # The rule as it was, if it was enabled: what it cost before is to be known too.
        return _Sample(
            material=replace(material, rules=kept),
            items=await self._items(connection, org_id, type_id),
        )

    async def _items(
        self, connection: AsyncConnection, org_id: str, type_id: str
    ) -> list[SubmittedItem]:
        submissions = RECENT_SUBMISSIONS.of
        # By id, which begins with the time and is what there is an index of.
        newest = (
            select(submissions.c.submission_id, submissions.c.item_type_id, submissions.c.item)
            .where(submissions.c.org_id == org_id)
            .order_by(submissions.c.submission_id.desc())
            .limit(self._limits.submissions)
            .subquery()
        )
        rows = await connection.execute(
            select(newest.c.item)
            .where(newest.c.item_type_id == type_id)
            .order_by(newest.c.submission_id.desc())
            .limit(self._limits.items)
        )
        found: list[SubmittedItem] = []
        left = self._limits.bytes
        for row in rows:
            left -= len(row.item)
            if left < 0 and found:
                break
            found.append(msgspec.json.decode(row.item, type=SubmittedItem))
        return found

    def _cost(self, sample: _Sample, rule: Rule) -> RuleCost:
        alone = self._measure(sample, [rule])
        others = [one for one, _ in sample.material.rules.values() if one.id != rule.id]
        together = self._measure(sample, [*others, rule]) if others else alone
        item_type = sample.material.item_type
        assert item_type is not None
        return RuleCost(
            item_type_id=item_type.id,
            items=len(sample.items),
            alone=alone,
            together=together,
        )

    async def _check(self, sample: _Sample, rule: Rule, cost: RuleCost, at: str) -> None:
        """Raises `Invalid`."""
        ceiling = self._limits.ceiling
        if rule.status not in _ENABLED or cost.together <= ceiling:
            return
        previous = sample.material.rules.get(rule.id)
        if previous is not None:
            before = await asyncio.to_thread(self._measure, sample, [previous[0]])
            if cost.alone <= before * 1.1:
                return
        assert sample.material.item_type is not None
        name = sample.material.item_type.name
        reason = (
            f"too costly: the rule takes {cost.alone:.1f} ms of processor time for each of the "
            f"newest items of {name}, and all enabled rules of that type {cost.together:.1f} ms "
            f"with it; they may take {ceiling:g} ms"
        )
        raise Invalid([Fault("/conditionSet", reason), Fault(at, f"{name} is the type")])

    def _measure(self, sample: _Sample, rules: Sequence[Rule]) -> float:
        """Milliseconds an item."""
        program = compiled(sample.material, [as_enabled(one, 0) for one in rules], self._signals)
        assert program is not None
        at = datetime.now(UTC)
        facts = [
            Facts.read(item.data, at=at, creator=item.creator, item=ItemRef(item.id, item.type_id))
            for item in sample.items
        ]
        return _fastest(program, facts, self._limits.seconds) * 1000


def _fastest(program: Program, facts: Sequence[Facts], seconds: float) -> float:
    """Seconds an item, of the fastest of up to five rounds; a round ends once it took so long."""
    best = float("inf")
    end = time.thread_time() + seconds
    for round_ in range(5):
        began = time.thread_time()
        done = 0
        for one in facts:
            program.evaluate_facts(one)
            done += 1
            if time.thread_time() > end:
                break
        best = min(best, (time.thread_time() - began) / done)
        if time.thread_time() > end and round_:
            break
    return best
