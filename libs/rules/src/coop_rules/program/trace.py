"""The record of an evaluation in which every rule stands, passed or not.

Most of it is the same for every item: its parts are made once for a program, as if every text had
been searched in vain and no number passed, and what an item has otherwise is put in their place.

Guarantees: the bytes are those that `Evaluation.record` makes rule by rule.
Must not: hold a program, which holds this: it would never be freed without the garbage collector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from coop_rules.language.predicate import Predicate, PredicateKind
from coop_rules.program.condition import is_plain_number
from coop_rules.program.explain import fixed_result, number_parts, search_parts
from coop_rules.program.index import number_select
from coop_rules.program.state import EvaluationState, Outcome

if TYPE_CHECKING:
    from coop_rules.program.program import ConditionCode, RuleCode

_encode = msgspec.json.Encoder().encode

Fill = Callable[[EvaluationState, list[bytes]], None]
"""Puts what some conditions found in an item into the parts of the record."""


class TraceForm:
    """The record of those rules of a program that `indexes` name, in their order."""

    def __init__(
        self,
        rules: Sequence[RuleCode],
        conditions: Sequence[ConditionCode],
        indexes: Iterable[int],
    ) -> None:
        self._failed: list[tuple[int, Outcome]] = [(index, False) for index in indexes]
        self._place = {index: place for place, (index, _) in enumerate(self._failed)}
        order = dict[int, int]()
        self._rules: list[tuple[RuleCode, tuple[int, ...]]] = []
        for index in self._place:
            code = rules[index]
            found = tuple([order.setdefault(c, len(order)) for c in code.conditions])
            self._rules.append((code, found))
        self._rule_parts = [code.formats[0] % found for code, found in self._rules]
        writer = _Writer()
        for condition in order:
            writer.write(conditions[condition])
        self._parts, self._fills = writer.parts, writer.fills()

    def outcomes(self, notable: Sequence[tuple[int, Outcome]]) -> list[tuple[int, Outcome]]:
        """Of every rule, where those that are not `notable` failed."""
        outcomes = self._failed.copy()
        for entry in notable:
            outcomes[self._place[entry[0]]] = entry
        return outcomes

    def record(
        self, notable: Sequence[tuple[int, Outcome]], state: EvaluationState
    ) -> tuple[msgspec.Raw, msgspec.Raw]:
        """The JSON of the rules and of their conditions."""
        rules = self._rule_parts.copy()
        for index, outcome in notable:
            place = self._place[index]
            code, found = self._rules[place]
            rules[place] = code.formats[2 if outcome is None else outcome] % found
        conditions = self._parts.copy()
        for fill in self._fills:
            fill(state, conditions)
        conditions.append(b"]")
        return msgspec.Raw(b"[" + b",".join(rules) + b"]"), msgspec.Raw(b"".join(conditions))


class _Writer:
    """Collects the parts of conditions, in their order, each with what comes before it."""

    def __init__(self) -> None:
        self.parts = [b"["]
        self._searches: dict[int, _Search] = {}
        self._numbers: dict[str, _Number] = {}
        self._others: list[_Described] = []

    def write(self, code: ConditionCode) -> None:
        predicate, before = code.predicate, b"," if len(self.parts) > 1 else b""
        described = _Described(code, before, len(self.parts))
        fixed = fixed_result(predicate)
        if fixed is not None:
            self.parts.append(before + fixed)
        elif predicate.kind is PredicateKind.MATCH and code.scan >= 0:
            search = self._searches.setdefault(code.scan, _Search(code.scan))
            search.add(described)
            self.parts.append(before + search_parts(predicate).without)
        elif is_plain_number(predicate) and predicate.values is not None:
            number = self._numbers.setdefault(predicate.values.name, _Number())
            number.add(described)
            self.parts += [number.failed[described.place], b""]
        else:
            self._others.append(described)
            self.parts.append(b"")

    def fills(self) -> list[Fill]:
        found: list[Fill] = [search.fill for search in self._searches.values()]
        found += [number.filling(name) for name, number in self._numbers.items()]
        # Last, and in their order: describing an availability may ask for scores.
        return [*found, self._fill_others] if self._others else found

    def _fill_others(self, state: EvaluationState, parts: list[bytes]) -> None:
        for one in self._others:
            one.fill(state, parts)


class _Described:
    """A condition that describes itself: what stands before it, and its place in the parts."""

    __slots__ = ("before", "code", "place")

    def __init__(self, code: ConditionCode, before: bytes, place: int) -> None:
        self.code = code
        self.before = before
        self.place = place

    def fill(self, state: EvaluationState, parts: list[bytes]) -> None:
        parts[self.place] = self.before + self.code.describe(state)


class _Search:
    """The conditions of one scan."""

    def __init__(self, scan: int) -> None:
        self._scan = scan
        self._by_position: dict[int, list[_Described]] = {}
        self._all: list[_Described] = []
        self._skipped: list[bytes] = []
        self._absent: list[bytes] = []

    def add(self, described: _Described) -> None:
        self._by_position.setdefault(described.code.position, []).append(described)
        self._all.append(described)

    def fill(self, state: EvaluationState, parts: list[bytes]) -> None:
        scanned = state.scans[self._scan]
        if scanned is None:
            self._skipped = self._skipped or self._each("skipped")
            self._put(self._skipped, parts)
        elif scanned.bad:
            for one in self._all:
                one.fill(state, parts)
        elif not scanned.texts:
            self._absent = self._absent or self._each("absent")
            self._put(self._absent, parts)
        else:
            by_position = self._by_position
            for position in scanned.found:
                for one in by_position.get(position, ()):
                    one.fill(state, parts)

    def _each(self, what: Literal["skipped", "absent"]) -> list[bytes]:
        return [one.before + getattr(search_parts(one.code.predicate), what) for one in self._all]

    def _put(self, made: Sequence[bytes], parts: list[bytes]) -> None:
        for one, part in zip(self._all, made, strict=True):
            parts[one.place] = part


class _Number:
    """The conditions that compare the number of one field: each has two parts, of which the second
    is the number."""

    def __init__(self) -> None:
        self.failed: dict[int, bytes] = {}
        self._passed: dict[int, bytes] = {}
        self._all: list[_Described] = []
        self._predicates: list[tuple[Predicate, list[int]]] = []

    def add(self, described: _Described) -> None:
        predicate, place = described.code.predicate, described.place
        made = number_parts(predicate)
        self.failed[place] = described.before + made.failed
        self._passed[place] = described.before + made.passed
        self._all.append(described)
        self._predicates.append((predicate, [place]))

    def filling(self, name: str) -> Fill:
        select, passed = number_select(name, self._predicates), self._passed
        numbers = [place + 1 for place in self.failed]

        def fill(state: EvaluationState, parts: list[bytes]) -> None:
            value: Any = state.data.get(name)
            if value.__class__ is not float and value.__class__ is not int:
                for one in self._all:
                    one.fill(state, parts)
                return
            written = _encode(value) + b"}"
            for place in numbers:
                parts[place] = written
            kept, state.candidates = state.candidates, []
            select(state)
            for place in state.candidates:
                parts[place] = passed[place]
            state.candidates = kept

        return fill
