"""Compiles all rules of one item type into one Program.

Guarantees: each distinct condition, input, scan and score exists once for all rules; rules that
cannot match an item are not visited (`index`). What no longer fits its item type or banks is
errored, not dropped and not fatal to the other rules. With the cache of an earlier revision, only
what changed is bound, and only new patterns are compiled.
Must not: run on the event loop of a service (a large rule set takes a while).

    rules ──bound──▶ trees of predicates ──▶ scans, one for an input and kind of matching
                                         ──▶ a function for each rule (shape), filed in the index
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from coop_contracts.config import BankChunk, ItemType, LocationBank, ScalarType, TextBank
from coop_contracts.event import RuleOutcome
from coop_rules.language.comparison import OPERATORS
from coop_rules.language.model import ConditionProblem, CoopInput
from coop_rules.language.need import Need
from coop_rules.language.predicate import Predicate, PredicateKind
from coop_rules.language.scope import Banks, BindingScope
from coop_rules.language.value import ValueSource
from coop_rules.matching.text import ScannerCache
from coop_rules.program.bound import BoundLeaf, BoundRule, BoundSet, RuleCache, bind_tree
from coop_rules.program.condition import (
    comparing,
    constant,
    is_plain_number,
    matching,
    presence,
    scoring,
)
from coop_rules.program.explain import describer
from coop_rules.program.index import (
    Select,
    condition_select,
    leaf_triggers,
    number_select,
    scan_select,
)
from coop_rules.program.node import Ask, Node, certain, doubtful, set_node
from coop_rules.program.program import ConditionCode, ConditionPlace, EnabledRule, Program, RuleCode
from coop_rules.program.reading import reader
from coop_rules.program.scan import NARROWED, NarrowCache, NarrowedScanning, Scanning
from coop_rules.program.scoring import Scores, scores
from coop_rules.program.shape import Shape
from coop_rules.program.state import Read, Test
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import Matching

_TEXT_INPUTS = (CoopInput.ALL_TEXT, CoopInput.SOURCE)


class CompilerCache:
    """What outlives a revision: bound rules, what is made of banks, compiled scanners, by content.
    Belongs to one thread at a time."""

    def __init__(self) -> None:
        self.banks = Banks()
        self.scanners = ScannerCache()
        self.narrow = NarrowCache()
        self.rules = RuleCache()


def compile_program(
    rules: Sequence[EnabledRule],
    *,
    item_type: ItemType,
    text_banks: Mapping[str, TextBank],
    location_banks: Mapping[str, LocationBank] | None = None,
    chunks: Mapping[str, BankChunk] | None = None,
    org_id: str = "",
    cache: CompilerCache | None = None,
    routing: bool = False,
    catalogue: SignalCatalogue | None = None,
) -> Program:
    """One program of the rules, in their order, for items of this type. `chunks` are the parts of
    large banks, by id.

    Never raises for what is in a rule: see `Program.problems`.
    """
    cache = cache or CompilerCache()
    scope = BindingScope(
        item_type=item_type,
        text_banks=text_banks,
        location_banks=location_banks or {},
        chunks=chunks or {},
        org_id=org_id,
        banks=cache.banks,
        routing=routing,
        catalogue=catalogue or SignalCatalogue.builtin(),
    )
    return _Compiler(scope, cache).program(rules)


@dataclass(slots=True)
class _Condition:
    """A distinct condition on its way: `slot` is where its scores are."""

    predicate: Predicate
    node: Node
    test: Test
    read: Read | None = None
    scanning: Scanning | None = None
    position: int = -1
    slot: int = -1


@dataclass(slots=True)
class _Compiler:
    scope: BindingScope
    cache: CompilerCache
    conditions: list[_Condition] = field(default_factory=list)
    index_of: dict[tuple[str, PredicateKind], int] = field(default_factory=dict)
    inputs: dict[ValueSource, Read] = field(default_factory=dict)
    scans: dict[tuple[ValueSource, Matching, bool], Scanning] = field(default_factory=dict)
    slots: dict[object, tuple[int, Scores]] = field(default_factory=dict)
    needs: dict[str, Need] = field(default_factory=dict)
    whole: set[Matching] = field(default_factory=set)  # what "All text" is scanned for

    def program(self, rules: Sequence[EnabledRule]) -> Program:
        bound = [self.cache.rules.bind(rule, self.scope) for rule in rules]
        counted = self._counted(bound)
        for tree in (*(rule.tree for rule in bound), *counted.values()):
            for leaf in _leaves(tree):
                self._look_ahead(leaf.predicate)
        roots = [self._node(rule.tree) for rule in bound]
        counters = {key: self._node(tree).test() for key, tree in counted.items()}
        readers = {key: self._read(need.values) for key, need in tuple(self.needs.items())}
        for scanning in self.scans.values():
            if scanning.sets:
                scanning.use(self.cache.scanners.scanner(scanning.sets))
        expiring = frozenset(i for i, rule in enumerate(rules) if rule.expires_at is not None)
        asked = certain(roots, expiring)
        return Program(
            rules=tuple(map(self._rule, rules, bound, roots)),
            conditions=tuple(map(self._condition_code, self.conditions)),
            problems=_problems(rules, bound),
            needs=tuple(sorted(self.needs.values(), key=lambda n: n.signal.derivation is None)),
            select=tuple(self._selection(roots)),
            always=tuple(i for i, root in enumerate(roots) if root.triggers is None),
            inputs=len(self.inputs),
            scans=len(self.scans),
            scores=len(self.slots),
            expiring=expiring,
            certain=asked,
            doubtful=doubtful(roots, asked),
            readers=readers,
            counters=counters,
        )

    def _counted(self, bound: Sequence[BoundRule]) -> dict[str, BoundSet | BoundLeaf]:
        """The conditions of aggregations, by the key of their need."""
        found: dict[str, BoundSet | BoundLeaf] = {}
        for rule in bound:
            for leaf in _leaves(rule.tree):
                need = leaf.predicate.need
                if need is None or need.aggregation is None or need.key in found:
                    continue
                if need.aggregation.condition_set is not None:
                    found[need.key] = bind_tree(need.aggregation.condition_set, self.scope, [])
        return found

    def _look_ahead(self, predicate: Predicate) -> None:
        values, patterns = predicate.values, predicate.patterns
        if predicate.kind is not PredicateKind.MATCH or values is None or patterns is None:
            return
        if values.coop is CoopInput.ALL_TEXT and patterns.matching in NARROWED:
            self.whole.add(patterns.matching)

    def _rule(self, rule: EnabledRule, bound: BoundRule, root: Node) -> RuleCode:
        leaves = [
            ConditionPlace(leaf.at, self.index_of[leaf.predicate.id, leaf.predicate.kind])
            for leaf in _leaves(bound.tree)
        ]
        conditions = tuple(dict.fromkeys(place.condition for place in leaves))
        return RuleCode(
            rule=rule,
            test=root.test(),
            conditions=conditions,
            places=tuple(leaves),
            formats=_formats(rule, len(conditions)),
        )

    def _condition_code(self, found: _Condition) -> ConditionCode:
        make = partial(
            describer,
            found.predicate,
            found.test,
            found.read,
            scan=-1 if found.scanning is None else found.scanning.index,
            position=found.position,
            slot=found.slot,
        )
        scan = -1 if found.scanning is None else found.scanning.index
        return ConditionCode(found.predicate, found.test, make, scan=scan, position=found.position)

    def _node(self, tree: BoundSet | BoundLeaf) -> Node:
        if isinstance(tree, BoundLeaf):
            return self.conditions[self._condition(tree.predicate)].node
        return set_node(tree.conjunction, map(self._node, tree.children))

    def _condition(self, predicate: Predicate) -> int:
        key = predicate.id, predicate.kind
        index = self.index_of.get(key)
        if index is None:
            index = self.index_of[key] = len(self.conditions)
            found = self._written(index, predicate)
            self.conditions.append(found)
        return index

    def _written(self, index: int, predicate: Predicate) -> _Condition:
        triggers, weight = leaf_triggers(index, predicate)

        def node(shape: Shape, *arguments: Any, ask: Ask | None = None) -> Node:
            asks = frozenset[Ask]() if ask is None else frozenset([ask])
            return Node(shape, arguments, 1, predicate.cost, triggers, weight, ask, asks)

        if predicate.values is None:
            test = constant(predicate)
            return _Condition(predicate, node(("C",), test), test)
        read = self._read(predicate.values)
        slot, scored = -1, None
        if predicate.need is not None or predicate.function is not None:
            slot, scored = self._scores(predicate, read)
        if predicate.kind in (PredicateKind.NOT_PROVIDED, PredicateKind.UNAVAILABLE):
            test = presence(predicate, read, scored)
            ask = scored if predicate.kind is PredicateKind.UNAVAILABLE else None
            return _Condition(predicate, node(("C",), test, ask=ask), test, read, slot=slot)
        if scored is not None:
            test = scoring(predicate, scored)
            return _Condition(predicate, node(("C",), test, ask=scored), test, read, slot=slot)
        if predicate.patterns is not None:
            scanning = self._scanning(predicate)
            position = scanning.position(predicate.patterns)
            found = predicate.found_passes
            test = matching(scanning.run, position, found=found)
            shape: Shape = ("C",)
            arguments: tuple[Any, ...] = (test,)
            if found:
                shape = ("T",) if scanning.only_text else ("F",)
                arguments = (scanning.index, scanning.run, position)
            made = replace(node(shape, *arguments, ask=scanning.run), asks=scanning.asks)
            return _Condition(predicate, made, test, read, scanning, position)
        test = comparing(predicate, read)
        made = node(("C",), test)
        if is_plain_number(predicate):
            assert predicate.comparator is not None
            operator = OPERATORS[predicate.comparator]
            made = node(("N", operator), predicate.values.name, predicate.threshold)
        return _Condition(predicate, made, test, read)

    def _read(self, values: ValueSource) -> Read:
        found = self.inputs.get(values)
        if found is None:
            if values.source is not None and values.derived_by not in self.needs:
                deriving = self.scope.catalogue.deriving(values.derivation or "")
                assert deriving is not None
                self.needs[values.derived_by] = Need(values.derived_by, deriving, values.source)
            found = reader(values, len(self.inputs), self.scope.item_type)
            self.inputs[values] = found
        return found

    def _scores(self, predicate: Predicate, read: Read) -> tuple[int, Scores]:
        need = predicate.need
        if need is not None:
            self.needs.setdefault(need.key, need)
        key: object = (id(predicate.function), predicate.values)
        if need is not None:
            key = (need.key, predicate.negated)
        found = self.slots.get(key)
        if found is None:
            slot = len(self.slots)
            found = self.slots[key] = slot, scores(predicate, read, slot)
        return found

    def _scanning(self, predicate: Predicate) -> Scanning:
        values, patterns = predicate.values, predicate.patterns
        assert values is not None
        assert patterns is not None
        narrowed = (
            patterns.matching in self.whole
            and values.scalar is ScalarType.STRING
            and bool(values.name)
            and self.cache.narrow.is_local(patterns)
        )
        key = (values, patterns.matching, narrowed)
        found = self.scans.get(key)
        if found is None:
            read = self._read(values)
            if narrowed:
                base = self._base(patterns.matching)
                found = NarrowedScanning(len(self.scans), read, base, self.cache.narrow)
            else:
                only_text = values.coop in _TEXT_INPUTS
                found = Scanning(len(self.scans), read, only_text=only_text)
            self.scans[key] = found
        return found

    def _base(self, kind: Matching) -> Scanning:
        values = ValueSource(ScalarType.STRING, coop=CoopInput.ALL_TEXT)
        key = (values, kind, False)
        if key not in self.scans:
            read = self._read(values)
            self.scans[key] = Scanning(len(self.scans), read, only_text=True)
        return self.scans[key]

    def _selection(self, roots: Sequence[Node]) -> Iterator[Select]:
        """What puts the rules worth visiting into `EvaluationState.candidates`."""
        rules_of: dict[int, list[int]] = {}
        for rule, root in enumerate(roots):
            for condition in root.triggers or ():
                rules_of.setdefault(condition, []).append(rule)
        numbers: dict[str, list[tuple[Predicate, list[int]]]] = {}
        positions: dict[int, tuple[Scanning, dict[int, list[int]]]] = {}
        for index, rules in sorted(rules_of.items()):
            found = self.conditions[index]
            predicate, scanning = found.predicate, found.scanning
            if is_plain_number(predicate) and predicate.values is not None:
                numbers.setdefault(predicate.values.name, []).append((predicate, rules))
            elif scanning is not None and predicate.found_passes:
                _, by_position = positions.setdefault(scanning.index, (scanning, {}))
                by_position.setdefault(found.position, []).extend(rules)
            else:
                yield condition_select(found.test, rules)
        for name, conditions in numbers.items():
            yield number_select(name, conditions)
        for scanning, by_position in positions.values():
            yield scan_select(scanning.run, by_position)


def _leaves(tree: BoundSet | BoundLeaf) -> Iterator[BoundLeaf]:
    if isinstance(tree, BoundLeaf):
        yield tree
        return
    for child in tree.children:
        yield from _leaves(child)


def _problems(
    rules: Sequence[EnabledRule], bound: Sequence[BoundRule]
) -> dict[str, list[ConditionProblem]]:
    found: dict[str, list[ConditionProblem]] = {}
    for rule, made in zip(rules, bound, strict=True):
        if made.problems:
            found.setdefault(rule.ref.id, []).extend(made.problems)
    return found


def _formats(rule: EnabledRule, conditions: int) -> tuple[bytes, bytes, bytes]:
    """The JSON of the rule's outcome: failed, passed, unknown."""
    places = b",".join([b"%d"] * conditions)

    def form(passed: bool | None) -> bytes:
        whole = msgspec.json.encode(RuleOutcome(rule=rule.ref, status=rule.status, passed=passed))
        form = whole[:-1].replace(b"%", b"%%")
        return form + b',"conditions":[' + places + b"]}" if conditions else form + b"}"

    return form(False), form(True), form(None)
