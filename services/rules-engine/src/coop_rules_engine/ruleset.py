"""An organisation's rules, compiled: what is evaluated, and what a match entails.

Guarantees: a RuleSet is immutable and made of one snapshot, whose revision it carries; an action's
policies and rules can be told apart by rule, so that no rule lends them to another's action.
Must not: know the broker, or run on the event loop (compiling takes a while).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from coop_contracts.config import Action, ActionType, ItemType, Rule, TextBank
from coop_contracts.event import RuleRef
from coop_rules.compiler import CompilerCache, compile_program
from coop_rules.program import EnabledRule, Program

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An organisation's configuration at one revision; rules with the revision of their change."""

    org_id: str
    revision: int
    rules: tuple[tuple[Rule, int], ...]
    item_types: Mapping[str, ItemType]
    text_banks: Mapping[str, TextBank]
    actions: Mapping[str, Action]
    policy_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """What one action of a matching live rule entails."""

    action_id: str
    effect: Literal["custom", "review"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rule entails when it passes on items of one type. `missing` are the actions that will
    not be executed, with why."""

    rule: RuleRef
    live: bool
    actions: tuple[PlannedAction, ...]
    policy_ids: tuple[str, ...]
    missing: tuple[tuple[str, Literal["not_available", "unknown"]], ...] = ()


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The rules of one item type: plans[i] belongs to program.rules[i]. `failed` are rules the
    compiler failed on, which are left out."""

    item_type: ItemType
    program: Program
    plans: tuple[Plan, ...]
    sources: tuple[tuple[Rule, int], ...]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of an organisation under one revision, by item type."""

    revision: int
    types: Mapping[str, TypeRules]
    text_banks: Mapping[str, TextBank]


def compile_rule_set(
    snapshot: Snapshot, cache: CompilerCache, previous: RuleSet | None = None
) -> RuleSet:
    """The snapshot's rules, compiled. What did not change since `previous` is taken from it."""
    old = {} if previous is None else previous.types
    same_banks = previous is not None and _same(previous.text_banks, snapshot.text_banks)
    types = {}
    for item_type in snapshot.item_types.values():
        sources = tuple(
            sorted(
                (entry for entry in snapshot.rules if item_type.id in entry[0].item_type_ids),
                key=lambda entry: entry[0].id,
            )
        )
        kept = old.get(item_type.id)
        if (
            kept is not None
            and same_banks
            and kept.item_type is item_type
            and _same_rules(kept.sources, sources)
        ):
            program, failed = kept.program, kept.failed
        else:
            program, failed = _program(sources, item_type, snapshot, cache)
        rules = {rule.id: rule for rule, _ in sources}
        plans = tuple(
            _plan(code.rule, rules[code.rule.ref.id], item_type, snapshot) for code in program.rules
        )
        types[item_type.id] = TypeRules(item_type, program, plans, sources, failed)
    return RuleSet(revision=snapshot.revision, types=types, text_banks=snapshot.text_banks)


def _same(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    return left.keys() == right.keys() and all(left[key] is right[key] for key in left)


def _same_rules(left: Sequence[tuple[Rule, int]], right: Sequence[tuple[Rule, int]]) -> bool:
    return len(left) == len(right) and all(
        a[0] is b[0] and a[1] == b[1] for a, b in zip(left, right, strict=True)
    )


def _program(
    sources: Sequence[tuple[Rule, int]],
    item_type: ItemType,
    snapshot: Snapshot,
    cache: CompilerCache,
) -> tuple[Program, tuple[str, ...]]:
    found = [EnabledRule.of(rule, revision) for rule, revision in sources]
    enabled = [rule for rule in found if rule is not None]

    def compiled(rules: Sequence[EnabledRule]) -> Program:
        return compile_program(
            rules,
            item_type=item_type,
            text_banks=snapshot.text_banks,
            org_id=snapshot.org_id,
            cache=cache,
        )

    try:
        return compiled(enabled), ()
    except Exception:  # noqa: BLE001 - logged
        # A bug of the compiler must cost one rule, not all rules of the organisation.
        _log.exception("compiling failed, trying rule by rule")
    good, failed = [], []
    for rule in enabled:
        try:
            compiled([rule])
        except Exception:  # noqa: BLE001 - logged
            _log.exception("rule left out: %s/%s", snapshot.org_id, rule.ref.id)
            failed.append(rule.ref.id)
        else:
            good.append(rule)
    return compiled(good), tuple(failed)


def _plan(enabled: EnabledRule, rule: Rule, item_type: ItemType, snapshot: Snapshot) -> Plan:
    actions = []
    missing: list[tuple[str, Literal["not_available", "unknown"]]] = []
    for action_id in dict.fromkeys(rule.action_ids):
        action = snapshot.actions.get(action_id)
        if action is None:
            missing.append((action_id, "unknown"))
        elif not applies(action, item_type):
            continue
        elif action.action_type == ActionType.CUSTOM_ACTION:
            actions.append(PlannedAction(action_id, "custom"))
        elif action.action_type == ActionType.ENQUEUE_TO_MRT:
            actions.append(PlannedAction(action_id, "review"))
        else:
            missing.append((action_id, "not_available"))
    known = [policy for policy in dict.fromkeys(rule.policy_ids) if policy in snapshot.policy_ids]
    return Plan(
        rule=enabled.ref,
        live=enabled.status == "LIVE",
        actions=tuple(actions),
        policy_ids=tuple(known),
        missing=tuple(missing),
    )


def applies(action: Action, item_type: ItemType) -> bool:
    """Whether the action can be done to items of this type."""
    by_kind = item_type.kind in action.applies_to_all_items_of_kind
    return by_kind or item_type.id in action.item_type_ids
