"""Evaluating again, and trying a rule: without any effect.

Guarantees: the recorded item and values under the same revision's documents give the recorded
outcome again, or the differences are named; nothing is published or counted.
Must not: run on the event loop: compiling the rules of a large organisation takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from coop_contracts.config import Rule
from coop_contracts.event import (
    ConditionResult,
    ItemRef,
    Lane,
    RuleOutcome,
    RuleRef,
    RulesEvaluated,
    SignalValue,
    SubmittedItem,
)
from coop_review_api.explanation.material import Material
from coop_rules.language.lane import rule_lane
from coop_rules.program.compiler import compile_program
from coop_rules.program.program import EnabledRule, Program
from coop_rules.signal.catalogue import SignalCatalogue


class Dissent(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One thing that is not as it was recorded: a rule's outcome, or a condition's finding."""

    rule_id: str | None = None
    condition: str | None = None
    recorded: str
    now: str


class Result(Struct, frozen=True, kw_only=True):
    """What rules say of an item."""

    rules: tuple[RuleOutcome, ...]
    conditions: tuple[ConditionResult, ...]


def compiled(
    material: Material, rules: Sequence[EnabledRule], signals: SignalCatalogue
) -> Program | None:
    """The rules, compiled; None without an item type."""
    if material.item_type is None:
        return None
    return compile_program(
        rules,
        item_type=material.item_type,
        text_banks=material.text_banks,
        location_banks=material.location_banks,
        chunks=material.chunks,
        org_id=material.org_id,
        catalogue=signals,
    )


def lane_program(material: Material, lane: Lane, signals: SignalCatalogue) -> Program | None:
    """All rules that were enabled and belong to a lane, compiled."""
    enabled = []
    for rule_id in sorted(material.rules):
        rule, revision = material.rules[rule_id]
        found = EnabledRule.of(rule, revision)
        if found is not None and rule_lane(rule.condition_set, signals) == lane:
            enabled.append(found)
    return compiled(material, enabled, signals)


def as_enabled(rule: Rule, revision: int) -> EnabledRule:
    """A rule as if it were enabled and did not expire, whatever its status."""
    return EnabledRule(
        ref=RuleRef(id=rule.id, name=rule.name, revision=revision),
        status="BACKGROUND",
        condition_set=rule.condition_set,
        item_type_ids=tuple(sorted(rule.item_type_ids)),
    )


def evaluate(
    program: Program,
    item: SubmittedItem,
    *,
    at: datetime,
    values: Iterable[SignalValue],
    trace: bool,
) -> Result:
    """What the rules say; with `trace` also those that fail."""
    evaluation = program.evaluate(
        item.data,
        at=at,
        creator=item.creator,
        item=ItemRef(item.id, item.type_id),
        signals=by_need(values),
        trace=trace,
    )
    rules, conditions = evaluation.results()
    return Result(rules=rules, conditions=conditions)


def by_need(values: Iterable[SignalValue]) -> dict[str, list[SignalValue]]:
    """Values by their need, in the order of their positions."""
    found: dict[str, list[SignalValue]] = {}
    for value in sorted(values, key=lambda one: one.position):
        found.setdefault(value.key, []).append(value)
    return found


def dissent(recorded: RulesEvaluated, now: Result) -> list[Dissent]:
    """What differs between a record and an evaluation of the same."""
    before = {outcome.rule.id: _said(outcome) for outcome in recorded.rules}
    after = {outcome.rule.id: _said(outcome) for outcome in now.rules}
    found = [
        Dissent(
            rule_id=rule_id,
            recorded=before.get(rule_id, "did not pass"),
            now=after.get(rule_id, "did not pass"),
        )
        for rule_id in dict.fromkeys([*before, *after])
        if before.get(rule_id) != after.get(rule_id)
    ]
    results = {result.condition: result for result in now.conditions}
    for result in recorded.conditions:
        again = results.get(result.condition)
        if again is None:
            found.append(
                Dissent(condition=result.condition, recorded=_told(result), now="not asked")
            )
        elif again != result:
            found.append(
                Dissent(condition=result.condition, recorded=_told(result), now=_told(again))
            )
    return found


def _said(outcome: RuleOutcome) -> str:
    verdict = {True: "passed", False: "did not pass", None: "could not be decided"}
    return f"{verdict[outcome.passed]} at revision {outcome.rule.revision}"


def _told(result: ConditionResult) -> str:
    parts: Mapping[str, object] = {
        "score": result.score,
        "matched": result.matched_value,
        "error": result.error,
    }
    said = ", ".join(f"{name} {value!r}" for name, value in parts.items() if value is not None)
    return f"{result.outcome} ({said})" if said else result.outcome
