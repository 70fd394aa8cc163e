"""Judging test cases: the very rules engine's language, on items coerced as ingest does.

Guarantees: a case passes only when exactly the named rules pass and exactly the named ones cannot
be decided; a rule that could not be saved, and an item that would not be accepted, fail the case.
Must not: ask anyone for a value: a signal that the case does not give has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from coop_cli.explanation_text import MARKS
from coop_cli.rule_case_file import CaseSet, NoValue, RuleCase
from coop_cli.rule_file import Names, named_conditions
from coop_contracts.config import ItemType, Rule, RuleStatus
from coop_contracts.event import ConditionResult, ItemRef, RuleRef, SignalValue
from coop_items import InvalidItemType, compile_item_type
from coop_rules.language.check import check_rule
from coop_rules.language.need import Need
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.program import EnabledRule, Evaluation, Facts, Program

_SHOWN = 5  # matching values of a condition
_OFF = (RuleStatus.ARCHIVED, RuleStatus.DEPRECATED)


@dataclass(frozen=True)
class CaseResult:
    """`lines` say what is wrong; empty: it passed."""

    name: str
    lines: tuple[str, ...]


def run_cases(found: CaseSet) -> list[CaseResult]:
    """The results: of rules that could not be saved first, then of each case."""
    results = [CaseResult(f"rule {name}", lines) for name, lines in _broken(found)]
    cache = CompilerCache()
    for case in found.cases:
        results.append(CaseResult(case.name, tuple(_judge(case, found, cache))))
    return results


def _broken(found: CaseSet) -> Iterator[tuple[str, tuple[str, ...]]]:
    for rule in found.rules.values():
        problems = check_rule(
            rule,
            item_types=found.item_types,
            text_banks=found.text_banks,
            location_banks=found.location_banks,
        )
        if problems:
            place = found.places[rule.id]
            yield rule.name, tuple(f"{place}: {one.pointer}: {one.reason}" for one in problems)


def _judge(case: RuleCase, found: CaseSet, cache: CompilerCache) -> Iterator[str]:
    type_id = found.names.id("item-types", case.item.type)
    if type_id is None:
        yield f"there is no item type called {case.item.type}"
        return
    item_type = found.item_types[type_id]
    rules = [
        rule
        for rule in found.rules.values()
        if type_id in rule.item_type_ids
        and rule.status not in _OFF
        and (case.rules is None or rule.name in case.rules)
    ]
    named = {*case.passes, *case.unknown, *(case.rules or ())}
    missing = sorted(named - {rule.name for rule in rules})
    if missing:
        yield f"no rule for items of type {case.item.type} is called {', '.join(missing)}"
        return
    try:
        data, creator = _item(case, item_type, found)
    except _BadItem as error:
        yield from error.lines
        return
    program = compile_program(
        [_enabled(rule) for rule in rules],
        item_type=item_type,
        text_banks=found.text_banks,
        location_banks=found.location_banks,
        cache=cache,
    )
    facts = Facts.read(
        data,
        at=case.at or datetime.now(UTC),
        creator=creator,
        item=ItemRef(case.item.id, type_id),
    )
    values = _values(program, facts, case)
    unused = sorted(case.signals.keys() - {need.signal.name for need in program.needs})
    if unused:
        yield f"no rule asks for {', '.join(unused)}"
    evaluation = program.evaluate_facts(facts, trace=True, signals=values)
    yield from _differences(case, rules, evaluation, found.names)


def _enabled(rule: Rule) -> EnabledRule:
    return EnabledRule(
        ref=RuleRef(id=rule.id, name=rule.name, revision=0),
        status="LIVE",
        condition_set=rule.condition_set,
        expires_at=rule.expiration_time,
        item_type_ids=tuple(sorted(rule.item_type_ids)),
    )


class _BadItem(Exception):
    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def _item(
    case: RuleCase, item_type: ItemType, found: CaseSet
) -> tuple[dict[str, Any], ItemRef | None]:
    """The item's data and author, as ingest makes them of what a platform sends."""
    try:
        compiled = compile_item_type(item_type, is_known_type=found.item_types.__contains__)
    except InvalidItemType as error:
        raise _BadItem([f"item type {item_type.name}: {error}"]) from None
    checked = compiled.check(case.item.data, "/item/data")
    if checked.errors:
        raise _BadItem([f"{one.pointer}: {one.detail or one.title}" for one in checked.errors])
    creator = checked.creator
    if case.item.creator is not None:
        type_id = found.names.id("item-types", case.item.creator.type)
        creator = ItemRef(case.item.creator.id, type_id or case.item.creator.type)
    # As on the log: what is not data of JSON is refused there too.
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(checked.data))
    return data, creator


def _values(program: Program, facts: Facts, case: RuleCase) -> dict[str, list[SignalValue]]:
    values: dict[str, list[SignalValue]] = {}
    for need in program.needs:  # those that derive a field come first
        count = len(program.inputs_of(need, facts, values))
        if need.signal.name in case.signals:
            values[need.key] = [_value(need, place, case) for place in range(count)]
    return values


def _value(need: Need, position: int, case: RuleCase) -> SignalValue:
    given = case.signals[need.signal.name]
    if isinstance(given, NoValue):
        return SignalValue(
            key=need.key, signal=need.signal.name, position=position, error=given.error
        )
    return SignalValue(key=need.key, signal=need.signal.name, position=position, score=given)


def _differences(
    case: RuleCase, rules: list[Rule], evaluation: Evaluation, names: Names
) -> Iterator[str]:
    outcomes, conditions = evaluation.results()
    said = {True: "passes", False: "does not pass", None: "cannot be decided"}
    codes = {code.rule.ref.id: code for code in evaluation.program.rules}
    by_id = {rule.id: rule for rule in rules}
    for outcome in outcomes:
        rule = by_id[outcome.rule.id]
        expected: bool | None = rule.name in case.passes
        if rule.name in case.unknown:
            expected = None
        if outcome.passed is expected:
            continue
        yield f"- {rule.name} {said[expected]}"
        yield f"+ {rule.name} {said[outcome.passed]}"
        code = codes[rule.id]
        found = dict(zip(code.conditions, outcome.conditions, strict=True))
        results = {place.pointer: conditions[found[place.condition]] for place in code.places}
        yield from _tree(named_conditions(rule.condition_set, names), "", results, "    ")


def _tree(node: Any, at: str, results: Mapping[str, ConditionResult], indent: str) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    if "conditions" in node:
        yield f"{indent}{node.get('conjunction', '')}"
        for place, child in enumerate(node["conditions"]):
            yield from _tree(child, f"{at}/conditions/{place}", results, indent + "  ")
        return
    result = results.get(at)
    if result is None:
        return
    told = [result.error, result.matched_value and f'found "{result.matched_value}"']
    if result.score is not None and not result.matched_value:
        told.append(f"is {result.score}")
    found = ", ".join(one for one in told if one)
    mark = MARKS[result.outcome]
    yield f"{indent}{mark} {_words(node)}" + (f": {found}" if found else "")


def _words(leaf: Mapping[str, Any]) -> str:
    """A condition in a line."""
    source = leaf.get("input") or {}
    parts = [str(source.get("name") or source.get("type") or "")]
    signal = leaf.get("signal")
    parts.append(str(signal.get("type") or "") if isinstance(signal, dict) else str(signal or ""))
    parts += [str(leaf[key]) for key in ("comparator", "threshold") if leaf.get(key) is not None]
    matching = leaf.get("matchingValues") or {}
    shown = [str(one) for one in matching.get("strings") or ()]
    for key in ("textBanks", "locationBanks", "imageBanks"):
        shown += [f"bank {one}" for one in matching.get(key) or ()]
    if shown:
        parts.append(f"[{', '.join(shown[:_SHOWN])}{', …' if len(shown) > _SHOWN else ''}]")
    return " ".join(part for part in parts if part)
