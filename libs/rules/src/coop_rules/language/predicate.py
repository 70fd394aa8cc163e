"""A leaf given its types: which values it takes, what it compares them with, and its stable id.

Guarantees: what `bind` returns can be evaluated without guessing; what cannot be bound is a list of
problems with pointers relative to the leaf. The same function serves the check when a rule is saved
and the compiler, so what was accepted means the same when it runs.
Must not: evaluate anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import structs

from coop_contracts.config import ScalarType
from coop_rules.language.comparison import LISTING, bind_thresholds
from coop_rules.language.matched import Matched, bind_matching
from coop_rules.language.meaning import identity, need_key
from coop_rules.language.model import (
    Comparator,
    ConditionProblem,
    ConditionSet,
    Input,
    InputType,
    Leaf,
)
from coop_rules.language.need import Aggregation, Need
from coop_rules.language.scope import BindingScope
from coop_rules.language.threshold import ComparisonFamily, Threshold
from coop_rules.language.value import GROUPING, ValueSource, bind_input
from coop_rules.matching.geo import Areas
from coop_rules.matching.similarity import Similarity
from coop_rules.matching.text import PatternSet
from coop_rules.signal.builtin import RETIRED
from coop_rules.signal.signal import SignalType

_OUTPUTS = {
    "BOOLEAN": ComparisonFamily.BOOLEAN,
    "NUMBER": ComparisonFamily.NUMBER,
    "ENUM": ComparisonFamily.ENUM,
}
_CLAUSE = "/signal/args/aggregationClause"


class PredicateKind(StrEnum):
    COMPARE = "COMPARE"  # a value, or a signal's score, against a threshold
    MATCH = "MATCH"  # a text signal's boolean, from a scan
    NOT_PROVIDED = "NOT_PROVIDED"
    UNAVAILABLE = "UNAVAILABLE"
    CONSTANT = "CONSTANT"  # a field of another item type: never provided
    BROKEN = "BROKEN"  # could not be bound: always errored


@dataclass(frozen=True, slots=True)
class Predicate:
    """One distinct condition. `id` is 16 hex characters made of its meaning, the contents of its
    banks included, and of nothing else: the same in every rule and revision.

    The score compared is the value itself, or what `patterns`, `function` or `need` give for it.
    `threshold` is a frozenset for IN and NOT_IN; `key` is that of a map for CONTAINS.
    """

    id: str
    kind: PredicateKind
    values: ValueSource | None = None
    comparator: Comparator | None = None
    threshold: Threshold | frozenset[Threshold] | None = None
    family: ComparisonFamily | None = None
    signal: SignalType | None = None
    patterns: PatternSet | None = None
    function: Similarity | Areas | None = None
    need: Need | None = None
    key: str | None = None
    negated: bool = False  # the signal's score is "not found"
    expected: bool = True  # the score that passes
    constant: bool = False
    error: str = ""
    cost: int = 0

    @property
    def found_passes(self) -> bool:
        """Whether a MATCH passes where something is found."""
        return self.expected is not self.negated


class BindError(ValueError):
    """A leaf that does not fit its item type or banks."""

    def __init__(self, problems: list[ConditionProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.pointer}: {p.reason}" for p in problems))


def bind(leaf: Leaf, scope: BindingScope, *, item_type_ids: Sequence[str] = ()) -> Predicate:
    """The predicate of a leaf in one item type. `item_type_ids` are those of the rule, which an
    aggregation counts.

    Raises:
        BindError: with every problem; pointers are relative to the leaf.
    """
    if not _concerns(leaf, scope.item_type.id):
        return Predicate(
            id=_id(leaf, (), None),
            kind=PredicateKind.CONSTANT,
            constant=leaf.comparator is Comparator.IS_NOT_PROVIDED,
        )
    return _Binder(leaf, scope, item_type_ids).predicate()


def broken(leaf: Leaf, reason: str) -> Predicate:
    """The predicate of a leaf that no longer fits: it is always errored, and says why."""
    return Predicate(id=_id(leaf, (), None), kind=PredicateKind.BROKEN, error=reason)


def _concerns(leaf: Leaf, type_id: str) -> bool:
    source = leaf.input
    named = source.content_type_ids
    return source.content_type_id in (None, type_id) and (not named or type_id in named)


class _Binder:
    def __init__(self, leaf: Leaf, scope: BindingScope, item_type_ids: Sequence[str]) -> None:
        self.leaf = leaf
        self.scope = scope
        self.item_type_ids = tuple(sorted(set(item_type_ids))) or (scope.item_type.id,)
        self.problems: list[ConditionProblem] = []

    def bad(self, pointer: str, reason: str) -> None:
        self.problems.append(ConditionProblem(pointer, reason))

    def predicate(self) -> Predicate:
        leaf = self.leaf
        signal = None if leaf.signal is None else self.signal(leaf.signal.type)
        values = self.values(signal)
        matched = Matched()
        if signal is not None:
            matched = bind_matching(leaf, signal, self.scope, self.problems)
        elif leaf.matching_values and not leaf.signal and leaf.comparator not in LISTING:
            self.bad("/matchingValues", "only a signal, IN and NOT_IN take matching values")
        family = None
        if signal is not None:
            family = _OUTPUTS[signal.output]
        elif values is not None and leaf.signal is None:
            family = values.family
        key: str | None = None
        thresholds: tuple[Threshold, ...] = ()
        if family is not None:
            key, thresholds = bind_thresholds(
                leaf, family, values, signal, scope=self.scope, problems=self.problems
            )
        if self.problems or values is None:
            raise BindError(self.problems)
        need = None if signal is None else self.need(signal, values)
        return self.bound(values, signal, matched, thresholds, key, need)

    def bound(
        self,
        values: ValueSource,
        signal: SignalType | None,
        matched: Matched,
        thresholds: tuple[Threshold, ...],
        key: str | None,
        need: Need | None,
    ) -> Predicate:
        comparator = self.leaf.comparator
        kind = PredicateKind.COMPARE if matched.patterns is None else PredicateKind.MATCH
        threshold: Threshold | frozenset[Threshold] | None = None
        if comparator is Comparator.IS_NOT_PROVIDED:
            kind = PredicateKind.NOT_PROVIDED
        elif comparator is Comparator.IS_UNAVAILABLE:
            kind = PredicateKind.UNAVAILABLE
        elif comparator in LISTING:
            threshold = frozenset(thresholds)
        elif thresholds:
            threshold = thresholds[0]
        elif key is None:
            # A boolean without comparator or threshold passes when it is true.
            comparator, threshold, thresholds = Comparator.EQUALS, True, (True,)
        negated = signal is not None and signal.negates is not None
        expected = True
        if signal is not None and signal.output == "BOOLEAN":
            expected = bool(threshold) is (comparator is Comparator.EQUALS)
        derived = self.scope.catalogue.deriving(values.derivation or "")
        return Predicate(
            id=_id(self.leaf, thresholds, need if need and need.aggregation else matched.digest),
            kind=kind,
            values=values,
            comparator=comparator,
            threshold=threshold,
            family=values.family if signal is None else _OUTPUTS[signal.output],
            signal=signal,
            patterns=matched.patterns,
            function=matched.function,
            need=need,
            key=key,
            negated=negated,
            expected=expected,
            cost=(signal.cost if signal else 0) + (derived.cost if derived else 0),
        )

    def signal(self, name: str) -> SignalType | None:
        found = self.scope.catalogue.get(name)
        if found is None:
            reason = "is not available" if name in RETIRED else "is not a known signal"
            self.bad("/signal/type", f"{name[:100]} {reason}")
            return None
        if found.derivation is not None:
            self.bad("/signal/type", f"{name} gives a derived field: use that as the input")
            return None
        if not found.allowed_in_rules and not self.scope.routing:
            self.bad("/signal/type", f"{name} is for routing rules only")
        if found.unfit_for_routing and self.scope.routing:
            self.bad("/signal/type", f"{name} is not for routing rules: {found.unfit_for_routing}")
        assert self.leaf.signal is not None
        if found.subcategories and self.leaf.signal.subcategory is None:
            self.bad("/signal/subcategory", f"{name} needs a subcategory")
        elif not found.subcategories and self.leaf.signal.subcategory is not None:
            self.bad("/signal/subcategory", "this signal has no subcategories")
        if not found.full_item and self.leaf.signal.aggregation is not None:
            self.bad("/signal/args", "this signal takes no arguments")
        return found

    def values(self, signal: SignalType | None) -> ValueSource | None:
        source, scope = self.leaf.input, self.scope
        if signal is not None and signal.full_item:
            if source.type is not InputType.FULL_ITEM:
                self.bad("/input", f"{signal.name} takes the whole item (FULL_ITEM)")
                return None
            return self.groups()
        found = bind_input(
            source, scope.item_type, scope.catalogue, self.problems, routing=scope.routing
        )
        if found is None or signal is None:
            return found
        narrowed = found.narrowed(signal.inputs)
        if narrowed is None:
            eligible = ", ".join(sorted(signal.inputs))
            self.bad("/input", f"{found.scalar} is not eligible: {signal.name} takes {eligible}")
        return narrowed

    def groups(self) -> ValueSource | None:
        clause = self.leaf.signal.aggregation if self.leaf.signal is not None else None
        if clause is None:
            self.bad("/signal/args", "needs an aggregation clause")
            return None
        groups = []
        for index, source in enumerate(clause.group_by):
            place = f"{_CLAUSE}/groupBy/{index}"
            if source.content_type_id not in (None, self.scope.item_type.id):
                groups.append(ValueSource(ScalarType.ID))  # of another type: never provided here
                continue
            found = bind_input(
                source,
                self.scope.item_type,
                self.scope.catalogue,
                self.problems,
                routing=self.scope.routing,
                at=place,
            )
            if found is None:
                continue
            if found.scalar not in GROUPING or found.is_list or found.source is not None:
                eligible = ", ".join(sorted(GROUPING))
                self.bad(place, f"items are grouped by one value of {eligible}")
            groups.append(found)
        if clause.condition_set is not None:
            for problem in self.counted(clause.condition_set, f"{_CLAUSE}/conditionSet"):
                self.problems.append(problem)
        return ValueSource(ScalarType.ID, group=tuple(groups))

    def counted(self, node: ConditionSet | Leaf, at: str) -> Iterator[ConditionProblem]:
        """What is wrong with the conditions of an aggregation: they see the item alone."""
        if isinstance(node, Leaf):
            try:
                found = bind(node, self.scope, item_type_ids=self.item_type_ids)
            except BindError as error:
                yield from (ConditionProblem(at + p.pointer, p.reason) for p in error.problems)
                return
            derived = found.values is not None and found.values.source is not None
            if found.need is not None or derived:
                yield ConditionProblem(at, "an aggregation counts by what is in the item alone")
            return
        if not node.conditions:
            yield ConditionProblem(f"{at}/conditions", "needs at least one condition")
        for index, child in enumerate(node.conditions):
            yield from self.counted(child, f"{at}/conditions/{index}")

    def need(self, signal: SignalType, values: ValueSource) -> Need | None:
        if not signal.external:
            return None
        assert self.leaf.signal is not None
        positive = self.scope.catalogue.get(signal.negates or "", signal)
        clause = self.leaf.signal.aggregation
        aggregation = None
        if clause is not None:
            types = tuple(sorted(set(self.leaf.input.content_type_ids))) or self.item_type_ids
            aggregation = Aggregation(
                identity((clause, types)), clause.condition_set, clause.group_by, clause.window
            )
        matching = self.leaf.matching_values
        banks = () if matching is None else tuple(sorted(set(matching.image_bank_ids)))
        return Need(
            key=need_key(
                positive.name,
                _source(self.leaf),
                subcategory=self.leaf.signal.subcategory,
                banks=banks,
                aggregation=None if aggregation is None else aggregation.id,
            ),
            signal=positive,
            values=values,
            subcategory=self.leaf.signal.subcategory,
            matching=matching,
            aggregation=aggregation,
        )


def _id(leaf: Leaf, thresholds: Sequence[Threshold], matching: Need | str | None) -> str:
    comparator = leaf.comparator
    if comparator is None and thresholds == (True,):
        comparator = Comparator.EQUALS
    raw: object = [_canonical(found) for found in thresholds] or leaf.threshold
    if isinstance(raw, list):
        raw = sorted(raw, key=repr) if comparator in LISTING else raw[0]
    content: object = leaf.matching_values if matching is None else matching
    signal: object = leaf.signal
    if isinstance(matching, Need):
        signal, content = matching.signal.name, matching.key
    return identity((_source(leaf), comparator, raw, signal, content))


def _source(leaf: Leaf) -> Input:
    """The input, with its item types in one order."""
    types = tuple(sorted(set(leaf.input.content_type_ids)))
    return structs.replace(leaf.input, content_type_ids=types) if types else leaf.input


def _canonical(threshold: Threshold) -> object:
    if isinstance(threshold, datetime):
        return threshold.isoformat()
    if isinstance(threshold, int) and not isinstance(threshold, bool):
        return float(threshold) if abs(threshold) < 2**53 else threshold
    return threshold
