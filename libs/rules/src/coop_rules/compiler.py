"""Compiles all rules of one item type into one Program.

Guarantees: each distinct condition, condition set, input and scan exists once for all rules; rules
that cannot match an item are not visited: each is indexed by a set of conditions of which at least
one must not be false for the rule not to be false. What no longer fits its item type or banks is
errored, not dropped and not fatal to the other rules.
Must not: run on the event loop of a service (a large rule set takes a while).

Index: a condition's set is itself; of an AND, one child's set suffices (the cheapest); of an OR or
XOR all children's together. This holds for three values, with "not false" in place of "true".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coop_contracts.config import ItemType, TextBank
from coop_rules.explain import describer
from coop_rules.model import (
    Comparator,
    ConditionError,
    ConditionSet,
    Conjunction,
    Input,
    InputType,
    Leaf,
    Problem,
    parse_condition_set,
)
from coop_rules.predicate import (
    Banks,
    BindError,
    Predicate,
    PredicateKind,
    Scope,
    Values,
    bind,
    broken,
)
from coop_rules.program import ConditionCode, EnabledRule, Program, RuleCode
from coop_rules.signal import Matching
from coop_rules.source import (
    Source,
    value_test,
    write_compare,
    write_input,
    write_match,
    write_other,
    write_scan,
    write_set,
)
from coop_rules.text import PatternSet, ScannerCache

_SELECT_LINES = 100  # of one generated selection function


class CompilerCache:
    """What outlives a revision: pattern sets of banks and compiled scanners, by content. Belongs to
    one thread at a time."""

    def __init__(self) -> None:
        self.banks = Banks()
        self.scanners = ScannerCache()


def compile_program(
    rules: Sequence[EnabledRule],
    *,
    item_type: ItemType,
    text_banks: Mapping[str, TextBank],
    org_id: str = "",
    cache: CompilerCache | None = None,
    routing: bool = False,
) -> Program:
    """One program of the rules, in their order, for items of this type.

    Never raises for what is in a rule: see `Program.problems`.
    """
    cache = cache or CompilerCache()
    scope = Scope(
        item_type=item_type,
        text_banks=text_banks,
        org_id=org_id,
        banks=cache.banks,
        routing=routing,
    )
    return _Compiler(scope, cache).program(rules)


@dataclass(slots=True)
class _Node:
    """A compiled condition or set: its function's name, what it costs, the conditions in it, and
    the index set (None: it may pass whatever the conditions say)."""

    name: str
    cost: int
    conditions: tuple[int, ...]
    triggers: frozenset[int] | None
    weight: int


@dataclass(slots=True)
class _Scan:
    """One scanner over one input."""

    index: int
    values: Values
    matching: Matching
    sets: list[PatternSet] = field(default_factory=list)

    def position(self, patterns: PatternSet) -> int:
        for position, known in enumerate(self.sets):
            if known.digest == patterns.digest:
                return position
        self.sets.append(patterns)
        return len(self.sets) - 1


class _Compiler:
    def __init__(self, scope: Scope, cache: CompilerCache) -> None:
        self.scope = scope
        self.cache = cache
        self.source = Source()
        self.predicates: list[Predicate] = []
        self.scan_of: dict[int, tuple[_Scan, int]] = {}
        self.inputs: dict[Values, int] = {}
        self.scans: dict[tuple[Values, Matching], _Scan] = {}
        self.nodes: dict[object, _Node] = {}
        self.problems: dict[str, list[Problem]] = {}
        self.rule_id = ""

    def program(self, rules: Sequence[EnabledRule]) -> Program:
        roots = [self._rule(rule) for rule in rules]
        self._write_scans()
        always = tuple(i for i, root in enumerate(roots) if root.triggers is None)
        select = self._write_selection(roots)
        names = self.source.run()
        return Program(
            rules=tuple(
                RuleCode(rule=rule, test=names[root.name], conditions=root.conditions)
                for rule, root in zip(rules, roots, strict=True)
            ),
            conditions=tuple(self._condition(i, names) for i in range(len(self.predicates))),
            problems=self.problems,
            select=tuple(names[name] for name in select),
            always=always,
            inputs=len(self.inputs),
            scans=len(self.scans),
            expiring=frozenset(i for i, rule in enumerate(rules) if rule.expires_at is not None),
        )

    def _condition(self, index: int, names: Mapping[str, Any]) -> ConditionCode:
        predicate = self.predicates[index]
        scan, position = self.scan_of.get(index, (None, -1))
        values = None if predicate.values is None else names[f"i{self.inputs[predicate.values]}"]
        describe = describer(
            predicate,
            names[f"p{index}"],
            values,
            scan=-1 if scan is None else scan.index,
            position=position,
        )
        return ConditionCode(predicate=predicate, describe=describe)

    def _rule(self, rule: EnabledRule) -> _Node:
        self.rule_id = rule.ref.id
        try:
            tree = parse_condition_set(rule.condition_set)
        except ConditionError as error:
            self.problems.setdefault(self.rule_id, []).extend(error.problems)
            # A rule that cannot even be read is one condition that is always errored.
            unread = Leaf(input=Input(type=InputType.FULL_ITEM, name=rule.ref.id))
            return self._predicate(broken(unread, f"the rule cannot be read: {error}"))
        return self._node(tree, "")

    def _node(self, node: ConditionSet | Leaf, at: str) -> _Node:
        if isinstance(node, Leaf):
            return self._leaf(node, at)
        children = [self._node(c, f"{at}/conditions/{i}") for i, c in enumerate(node.conditions)]
        children.sort(key=lambda child: child.cost)
        key = (node.conjunction, *(child.name for child in children))
        known = self.nodes.get(key)
        if known is None:
            name = f"n{len(self.nodes)}"
            write_set(self.source, name, node.conjunction, [child.name for child in children])
            triggers, weight = _triggers(node.conjunction, children)
            known = _Node(
                name=name,
                cost=sum(child.cost for child in children),
                conditions=tuple(dict.fromkeys(c for child in children for c in child.conditions)),
                triggers=triggers,
                weight=weight,
            )
            self.nodes[key] = known
        return known

    def _leaf(self, leaf: Leaf, at: str) -> _Node:
        try:
            return self._predicate(bind(leaf, self.scope))
        except BindError as error:
            found = [Problem(at + p.pointer, p.reason) for p in error.problems]
            self.problems.setdefault(self.rule_id, []).extend(found)
            return self._predicate(broken(leaf, str(error)))

    def _predicate(self, predicate: Predicate) -> _Node:
        key = (predicate.id, predicate.kind)
        known = self.nodes.get(key)
        if known is None:
            index = len(self.predicates)
            self.predicates.append(predicate)
            cost = self._write(index, predicate)
            triggers, weight = _leaf_triggers(index, predicate)
            known = _Node(f"p{index}", cost, (index,), triggers, weight)
            self.nodes[key] = known
        return known

    def _write(self, index: int, predicate: Predicate) -> int:
        """Writes the condition's function; gives its cost."""
        name, values = f"p{index}", predicate.values
        if values is None:
            write_other(self.source, name, "", None, predicate)
            return 0
        input_name = self._input(values)
        if predicate.kind is PredicateKind.COMPARE:
            write_compare(self.source, name, input_name, predicate)
            return 0
        if predicate.kind is PredicateKind.NOT_PROVIDED or predicate.patterns is None:
            write_other(self.source, name, input_name, None, predicate)
            return 0
        patterns = predicate.patterns
        scan = self.scans.setdefault(
            (values, patterns.matching), _Scan(len(self.scans), values, patterns.matching)
        )
        position = scan.position(patterns)
        self.scan_of[index] = scan, position
        if predicate.kind is PredicateKind.MATCH:
            found = predicate.expected is not predicate.negated
            write_match(self.source, name, f"g{scan.index}", position, found=found)
        else:
            write_other(self.source, name, input_name, f"g{scan.index}", predicate)
        return 1 if patterns.matching is Matching.CONTAINS else 2

    def _input(self, values: Values) -> str:
        if values not in self.inputs:
            index = len(self.inputs)
            self.inputs[values] = index
            write_input(self.source, f"i{index}", index, values, self.scope.item_type)
        return f"i{self.inputs[values]}"

    def _write_scans(self) -> None:
        for scan in self.scans.values():
            scanner = self.cache.scanners.scanner(scan.sets)
            name = self._input(scan.values)
            write_scan(self.source, f"g{scan.index}", scan.index, name, scanner)

    def _write_selection(self, roots: Sequence[_Node]) -> list[str]:
        """Writes the functions that put the rules worth visiting into `s.candidates`."""
        rules_of: dict[int, list[int]] = {}
        for rule, root in enumerate(roots):
            for condition in sorted(root.triggers or ()):
                rules_of.setdefault(condition, []).append(rule)
        writer = _SelectionWriter(self, rules_of)
        for condition in rules_of:
            writer.add(condition)
        return writer.write()


class _SelectionWriter:
    """Collects the indexed conditions: compared fields together, found patterns by scan, the rest
    one by one."""

    def __init__(self, compiler: _Compiler, rules_of: Mapping[int, list[int]]) -> None:
        self.compiler = compiler
        self.source = compiler.source
        self.rules_of = rules_of
        self.fields: dict[Values, list[int]] = {}
        self.scans: dict[int, list[int]] = {}
        self.others: list[int] = []

    def add(self, condition: int) -> None:
        predicate = self.compiler.predicates[condition]
        values = predicate.values
        if predicate.kind is PredicateKind.MATCH and predicate.expected is not predicate.negated:
            self.scans.setdefault(self.compiler.scan_of[condition][0].index, []).append(condition)
        elif (
            predicate.kind is PredicateKind.COMPARE
            and values is not None
            and values.coop is None
            and values.container is None
        ):
            self.fields.setdefault(values, []).append(condition)
        else:
            self.others.append(condition)

    def rules(self, conditions: Sequence[int]) -> str:
        found = sorted({rule for c in conditions for rule in self.rules_of[c]})
        return self.source.constant(tuple(found))

    def write(self) -> list[str]:
        blocks = [self._field(values, conditions) for values, conditions in self.fields.items()]
        blocks += [self._scan(index, conditions) for index, conditions in self.scans.items()]
        blocks += [
            [f"if p{condition}(s) is not False: c += {self.rules([condition])}"]
            for condition in self.others
        ]
        names: list[str] = []
        body: list[str] = []
        for block in [*blocks, []]:
            if body and (not block or len(body) + len(block) > _SELECT_LINES):
                name = f"R{len(names)}"
                self.source.function(name, ["c = s.candidates", *body])
                names.append(name)
                body = []
            body += block
        return names

    def _field(self, values: Values, conditions: Sequence[int]) -> list[str]:
        lines = [f"v = s.data.get({self.source.constant(values.name)})", "if v is not None:"]
        predicates = self.compiler.predicates
        convert, typed, _ = value_test(self.source, predicates[conditions[0]])
        lines += [*(f"    {line}" for line in convert), f"    if {typed}:"]
        for condition in conditions:
            _, _, compare = value_test(self.source, predicates[condition])
            lines.append(f"        if {compare}: c += {self.rules([condition])}")
        return [*lines, f"    else: c += {self.rules(conditions)}"]

    def _scan(self, index: int, conditions: Sequence[int]) -> list[str]:
        scan_of = self.compiler.scan_of
        by_position: dict[int, list[int]] = {}
        for condition in conditions:
            by_position.setdefault(scan_of[condition][1], []).append(condition)
        rules = {
            position: tuple(sorted({rule for c in found for rule in self.rules_of[c]}))
            for position, found in by_position.items()
        }
        positions = self.source.constant(rules)
        empty = self.source.constant(())
        return [
            f"for h in g{index}(s):",
            f"    if h is None: c += {self.rules(conditions)}",
            "    else:",
            f"        for j in h: c += {positions}.get(j, {empty})",
        ]


def _leaf_triggers(index: int, predicate: Predicate) -> tuple[frozenset[int] | None, int]:
    """The index set of one condition and its weight: how often it will be true for nothing, and
    what finding that out costs an item."""
    match predicate.kind:
        case PredicateKind.CONSTANT:
            return (None, 100) if predicate.constant else (frozenset(), 0)
        case PredicateKind.BROKEN:
            return None, 100
        case PredicateKind.MATCH if predicate.expected is not predicate.negated:
            patterns = predicate.patterns
            dear = patterns is not None and patterns.matching is Matching.REGEX
            return frozenset([index]), 2 if dear else 1
        case PredicateKind.COMPARE:
            exact = predicate.comparator is Comparator.EQUALS
            return frozenset([index]), 3 if exact else 6
        case _:
            return frozenset([index]), 10


def _triggers(
    conjunction: Conjunction, children: Sequence[_Node]
) -> tuple[frozenset[int] | None, int]:
    if conjunction is Conjunction.AND:
        if not children:
            return None, 100
        best = min(children, key=lambda child: (child.triggers is None, child.weight))
        return best.triggers, best.weight
    found: set[int] = set()
    for child in children:
        if child.triggers is None:
            return None, 100
        found |= child.triggers
    return frozenset(found), sum(child.weight for child in children)
