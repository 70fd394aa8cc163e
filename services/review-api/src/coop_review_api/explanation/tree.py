"""A rule's conditions as they were configured, each with what it found in one item.

Guarantees: the leaves' findings are the recorded ones, found again by the stable id of each
condition; a set's outcome follows from its children by the language's logic, the root's is the
rule's recorded one.
Must not: evaluate a condition.

    PASSED is true, FAILED and INAPPLICABLE are false, ERRORED is unknown; a set is SKIPPED when
    what was not looked at could have changed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from coop_contracts.event import ConditionResult, Outcome, SignalValue
from coop_review_api.explanation import words
from coop_rules.language.model import (
    ConditionError,
    ConditionProblem,
    ConditionSet,
    Conjunction,
    Leaf,
)
from coop_rules.language.parse import parse_condition_set
from coop_rules.language.predicate import BindError, Predicate, bind, broken
from coop_rules.language.scope import BindingScope


class Node(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A condition set (`conjunction` and `conditions`) or a condition (all the others).

    `condition` is the condition as configured, `says` in words, `found` in words what it found;
    `signals` are the values from outside that it was decided by. `path` is a JSON pointer into the
    condition set.
    """

    path: str
    outcome: Outcome
    conjunction: str | None = None
    conditions: tuple[Node, ...] = ()
    id: str | None = None
    condition: dict[str, Any] | None = None
    says: str | None = None
    found: str | None = None
    score: float | bool | str | None = None
    matched_value: str | None = None
    error: str | None = None
    signals: tuple[SignalValue, ...] = ()


class Unreadable(Struct, frozen=True, kw_only=True):
    """A condition set that cannot be read any more."""

    problems: tuple[ConditionProblem, ...]


class Findings:
    """What was recorded of one evaluation, to be found by condition. `names` are those of banks."""

    def __init__(
        self,
        conditions: Sequence[ConditionResult],
        signals: Sequence[SignalValue],
        *,
        names: Mapping[str, str],
    ) -> None:
        self._results = {result.condition: result for result in conditions}
        self._signals: dict[str, list[SignalValue]] = {}
        for value in signals:
            self._signals.setdefault(value.key, []).append(value)
        self.names = names

    def of(self, predicate: Predicate) -> ConditionResult | None:
        return self._results.get(predicate.id)

    def values(self, predicate: Predicate) -> tuple[SignalValue, ...]:
        """The values from outside that the condition takes, of its derived field too."""
        keys = [] if predicate.need is None else [predicate.need.key]
        if predicate.values is not None and predicate.values.derived_by:
            keys.append(predicate.values.derived_by)
        return tuple(value for key in keys for value in self._signals.get(key, ()))


def explain(
    condition_set: dict[str, Any],
    scope: BindingScope,
    findings: Findings,
    *,
    item_type_ids: Sequence[str],
    passed: bool | None,
) -> Node | Unreadable:
    """The tree of a rule's condition set; `passed` is the rule's recorded outcome."""
    try:
        parsed = parse_condition_set(condition_set)
    except ConditionError as error:
        return Unreadable(problems=tuple(error.problems))
    made = _Explainer(scope, findings, item_type_ids).node(parsed, condition_set, "")
    outcome: Outcome = {True: "PASSED", False: "FAILED", None: "ERRORED"}[passed]  # type: ignore[assignment]
    return msgspec.structs.replace(made, outcome=outcome)


class _Explainer:
    def __init__(
        self, scope: BindingScope, findings: Findings, item_type_ids: Sequence[str]
    ) -> None:
        self._scope = scope
        self._findings = findings
        self._item_type_ids = item_type_ids

    def node(self, node: ConditionSet | Leaf, raw: Any, path: str) -> Node:
        """`raw` is the JSON that the node was read from."""
        if isinstance(node, Leaf):
            return self._leaf(node, raw, path)
        children = tuple(
            self.node(child, raw["conditions"][index], f"{path}/conditions/{index}")
            for index, child in enumerate(node.conditions)
        )
        return Node(
            path=path,
            outcome=_outcome(node.conjunction, [child.outcome for child in children]),
            conjunction=str(node.conjunction),
            conditions=children,
        )

    def _leaf(self, leaf: Leaf, raw: Any, path: str) -> Node:
        try:
            predicate = bind(leaf, self._scope, item_type_ids=self._item_type_ids)
        except BindError as error:
            predicate = broken(leaf, str(error))
        result = self._findings.of(predicate)
        return Node(
            path=path,
            outcome="SKIPPED" if result is None else result.outcome,
            id=predicate.id,
            condition=raw,
            says=words.condition(leaf, self._scope.catalogue, self._findings.names),
            found=words.finding(result),
            score=None if result is None else result.score,
            matched_value=None if result is None else result.matched_value,
            error=None if result is None else result.error,
            signals=self._findings.values(predicate),
        )


_TRUTH: Mapping[Outcome, bool | None] = {
    "PASSED": True,
    "FAILED": False,
    "INAPPLICABLE": False,
    "ERRORED": None,
}


def _outcome(conjunction: Conjunction, children: Sequence[Outcome]) -> Outcome:
    skipped = "SKIPPED" in children
    known = [_TRUTH[child] for child in children if child != "SKIPPED"]
    true, unknown = known.count(True), None in known
    match conjunction:
        case Conjunction.AND:
            decided: bool | None = False if False in known else None if unknown else True
            return _said(decided, skipped=skipped and decided is not False)
        case Conjunction.OR:
            decided = True if true else None if unknown else False
            return _said(decided, skipped=skipped and decided is not True)
        case Conjunction.XOR:
            decided = False if true > 1 else None if unknown else true == 1
            return _said(decided, skipped=skipped and true < 2)
        case Conjunction.NOT:
            inner = known[0] if known else None
            return _said(None if inner is None else not inner, skipped=skipped)


def _said(decided: bool | None, *, skipped: bool) -> Outcome:
    if skipped:
        return "SKIPPED"
    return "ERRORED" if decided is None else "PASSED" if decided else "FAILED"
