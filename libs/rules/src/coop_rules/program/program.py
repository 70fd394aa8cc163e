"""A compiled set of rules, and what it says of one item.

Guarantees: an evaluation is a pure function of the arguments of `evaluate` and of the program; its
results name every rule that passed or is unknown, with what each of their conditions found. Every
rule that is not named failed.
Must not: have effects, or ask the clock: expiry is judged at the time of the event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Literal, NamedTuple, Self

import msgspec

from coop_contracts.config import RoutingRule, Rule, RuleStatus
from coop_contracts.event import ConditionResult, ItemRef, RuleOutcome, RuleRef, SignalValue
from coop_rules.language.model import ConditionProblem
from coop_rules.language.need import Need
from coop_rules.language.predicate import Predicate
from coop_rules.language.threshold import READERS, ComparisonFamily
from coop_rules.program.state import EvaluationState, Facts, Outcome, Read, Test
from coop_rules.program.trace import TraceForm

__all__ = ["EnabledRule", "Evaluation", "EvaluationRecord", "Facts", "Outcome", "Program"]

_NO_SIGNALS: Mapping[str, Sequence[SignalValue]] = {}
_rules_decoder = msgspec.json.Decoder(tuple[RuleOutcome, ...])
_conditions_decoder = msgspec.json.Decoder(tuple[ConditionResult, ...])


@dataclass(frozen=True, slots=True)
class EnabledRule:
    """A rule as the compiler takes it. From `expires_at` on it does not run. `item_type_ids` are
    what its aggregations count."""

    ref: RuleRef
    status: Literal["LIVE", "BACKGROUND"]
    condition_set: object
    expires_at: datetime | None = None
    item_type_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: Rule | RoutingRule, revision: int) -> Self | None:
        """The rule at its revision, or None where its status says that it does not run."""
        if rule.status not in (RuleStatus.LIVE, RuleStatus.BACKGROUND):
            return None
        return cls(
            ref=RuleRef(id=rule.id, name=rule.name, revision=revision),
            status="LIVE" if rule.status == RuleStatus.LIVE else "BACKGROUND",
            condition_set=rule.condition_set,
            expires_at=rule.expiration_time if isinstance(rule, Rule) else None,
            item_type_ids=tuple(sorted(rule.item_type_ids)),
        )


class ConditionCode:
    """One distinct condition: what it is, and what records what it found (made when first needed:
    most conditions never match). `scan` and `position`: where what it looks for is found."""

    __slots__ = ("_described", "_make", "position", "predicate", "scan", "test")

    def __init__(
        self,
        predicate: Predicate,
        test: Test,
        make: Callable[[], Callable[[EvaluationState], bytes]],
        *,
        scan: int = -1,
        position: int = -1,
    ) -> None:
        self.predicate = predicate
        self.test = test
        self.scan = scan
        self.position = position
        self._make = make
        self._described: Callable[[EvaluationState], bytes] | None = None

    def describe(self, state: EvaluationState) -> bytes:
        """The JSON of the ConditionResult for an item."""
        described = self._described
        if described is None:
            described = self._described = self._make()
        return described(state)


class ConditionPlace(NamedTuple):
    """Where a condition is in a rule: `pointer` is a JSON pointer into its condition set."""

    pointer: str
    condition: int


@dataclass(frozen=True, slots=True)
class RuleCode:
    """One rule: the function of its whole condition set, its distinct conditions' indexes, every
    leaf's place, and the JSON of its outcome with the conditions' indexes left open."""

    rule: EnabledRule
    test: Test
    conditions: tuple[int, ...]
    places: tuple[ConditionPlace, ...]
    formats: tuple[bytes, bytes, bytes]  # failed, passed, unknown


class EvaluationRecord(NamedTuple):
    """The record of an evaluation, encoded: JSON arrays of RuleOutcome and of ConditionResult. As
    msgspec.Raw they are encoded where they stand, also in RulesEvaluated."""

    rules: msgspec.Raw
    conditions: msgspec.Raw


@dataclass(slots=True)
class Evaluation:
    """What the rules said. `notable` has (index of the rule in the program, outcome), in the order
    of the rules, of those that did not fail; with a trace `form` has the others."""

    program: Program
    state: EvaluationState
    notable: list[tuple[int, Outcome]]
    form: TraceForm | None = None

    @property
    def outcomes(self) -> list[tuple[int, Outcome]]:
        """As `notable`; with a trace, of every rule that has not expired."""
        return self.notable if self.form is None else self.form.outcomes(self.notable)

    def passed(self) -> list[int]:
        """The indexes of the rules that passed."""
        return [index for index, outcome in self.notable if outcome]

    def without_failed(self) -> Evaluation:
        """The same without a trace."""
        return Evaluation(self.program, self.state, self.notable)

    def record(self) -> EvaluationRecord:
        """The record of `outcomes`: rules, and the distinct conditions they point to."""
        if self.form is not None:
            return EvaluationRecord(*self.form.record(self.notable, self.state))
        program, state = self.program, self.state
        codes = program.conditions
        place = dict[int, int]()
        rules: list[bytes] = []
        for index, outcome in self.outcomes:
            code = program.rules[index]
            form = code.formats[2 if outcome is None else outcome]
            found = tuple([place.setdefault(c, len(place)) for c in code.conditions])
            rules.append(form % found)
        conditions = [codes[condition].describe(state) for condition in place]
        return EvaluationRecord(
            msgspec.Raw(b"[" + b",".join(rules) + b"]"),
            msgspec.Raw(b"[" + b",".join(conditions) + b"]"),
        )

    def results(self) -> tuple[tuple[RuleOutcome, ...], tuple[ConditionResult, ...]]:
        """The record, decoded."""
        found = self.record()
        return _rules_decoder.decode(found.rules), _conditions_decoder.decode(found.conditions)


@dataclass(frozen=True, slots=True)
class Program:
    """All rules of one item type, compiled together. Immutable; safe to use from many threads; has
    no cycles, so that it is freed with its last reference and no garbage collector need walk it.

    `problems` names, by rule id, what no longer fits (a deleted bank, a removed field): those
    conditions are errored on every item, so such a rule's outcome is unknown and recorded. `needs`
    are in an order in which those that derive a field come first. `certain` is asked for on every
    item by the rules together; those in `doubtful` may ask for more.
    """

    rules: tuple[RuleCode, ...]
    conditions: tuple[ConditionCode, ...]
    problems: dict[str, list[ConditionProblem]]
    needs: tuple[Need, ...] = ()
    select: tuple[Callable[[EvaluationState], None], ...] = ()
    always: tuple[int, ...] = ()
    inputs: int = 0
    scans: int = 0
    scores: int = 0
    expiring: frozenset[int] = field(default_factory=frozenset)
    certain: tuple[Callable[[EvaluationState], object], ...] = ()
    doubtful: tuple[int, ...] = ()
    forms: dict[frozenset[int], TraceForm] = field(default_factory=dict)  # by what has expired
    readers: Mapping[str, Read] = field(default_factory=dict)  # of needs, by key
    counters: Mapping[str, Test] = field(default_factory=dict)  # of aggregations' conditions

    def evaluate(
        self,
        data: bytes | msgspec.Raw | dict[str, Any],
        *,
        at: datetime,
        creator: ItemRef | None = None,
        source: str | None = None,
        policy_ids: Sequence[str] = (),
        item: ItemRef | None = None,
        trace: bool = False,
        signals: Mapping[str, Sequence[SignalValue]] = _NO_SIGNALS,
    ) -> Evaluation:
        """What the rules say of an item's data (a JSON object, as bytes or decoded).

        `at` is the event's time: rules expired by then do not run. `source` and `policy_ids` are
        for routing rules; `item` makes a user item its own author. `signals` are the values of
        `needs`, by key; what is missing there is unknown. With `trace`, rules that failed are in
        the outcomes as well.

        Raises:
            msgspec.DecodeError: the bytes are not a JSON object.
        """
        facts = Facts.read(
            data, at=at, creator=creator, source=source, policy_ids=policy_ids, item=item
        )
        return self.evaluate_facts(facts, trace=trace, signals=signals)

    def evaluate_facts(
        self,
        facts: Facts,
        *,
        trace: bool = False,
        signals: Mapping[str, Sequence[SignalValue]] = _NO_SIGNALS,
    ) -> Evaluation:
        """As `evaluate`, of facts that are read already."""
        state = self._state(facts, signals)
        if trace:
            return self._traced(state)
        for select in self.select:
            select(state)
        return Evaluation(self, state, self._outcomes(state, sorted(set(state.candidates))))

    def _traced(self, state: EvaluationState) -> Evaluation:
        """As if every rule were evaluated: scans and scores that none of them asks for are left out
        of the record, though what selects the rules may have asked."""
        form = self._form(state)
        for ask in self.certain:
            ask(state)
        notable = self._outcomes(state, self.doubtful)
        scans = [index for index, made in enumerate(state.scans) if made is None]
        scores = [index for index, made in enumerate(state.scores) if made is None]
        for select in self.select:
            select(state)
        notable += self._outcomes(state, sorted({*state.candidates}.difference(self.doubtful)))
        notable.sort(key=itemgetter(0))
        for index in scans:
            state.scans[index] = None
        for index in scores:
            state.scores[index] = None
        return Evaluation(self, state, notable, form)

    def _outcomes(self, state: EvaluationState, wanted: Sequence[int]) -> list[tuple[int, Outcome]]:
        """Of those of the wanted rules that did not fail."""
        rules, expiring, at = self.rules, self.expiring, state.facts.at
        outcomes: list[tuple[int, Outcome]] = []
        for index in wanted:
            code = rules[index]
            if expiring and index in expiring and _expired(code.rule, at):
                continue
            outcome = code.test(state)
            if outcome is not False:
                outcomes.append((index, outcome))
        return outcomes

    def _form(self, state: EvaluationState) -> TraceForm:
        at = state.facts.at
        expired = frozenset(i for i in self.expiring if _expired(self.rules[i].rule, at))
        form = self.forms.get(expired)
        if form is None:
            # Rules expire one after the other: the newest form is the one that is needed.
            self.forms.clear()
            wanted = [index for index in range(len(self.rules)) if index not in expired]
            form = self.forms[expired] = TraceForm(self.rules, self.conditions, wanted)
        return form

    def inputs_of(
        self,
        need: Need,
        facts: Facts,
        signals: Mapping[str, Sequence[SignalValue]] = _NO_SIGNALS,
    ) -> list[Any]:
        """The values that a need's signal takes, by position; empty: not provided, nothing to ask.

        Text as str; media as {"url", …}; a user as ItemRef; an aggregation's group as one tuple of
        str. None: a value of a wrong type, or a derived text that could not be had (`signals` has
        the derived ones): nothing to ask for that position, its score is unknown.
        """
        found = self.readers[need.key](self._state(facts, signals))
        if need.aggregation is not None:
            return found
        convert = _ASKED.get(need.values.family, _text)
        return [convert(value) for value in found]

    def counts(
        self,
        need: Need,
        facts: Facts,
        signals: Mapping[str, Sequence[SignalValue]] = _NO_SIGNALS,
    ) -> Outcome:
        """Whether an item counts in a need's aggregation: what its conditions say (True where it
        has none, None where they cannot tell)."""
        test = self.counters.get(need.key)
        return True if test is None else test(self._state(facts, signals))

    def _state(self, facts: Facts, signals: Mapping[str, Sequence[SignalValue]]) -> EvaluationState:
        state = EvaluationState(
            facts, signals, inputs=self.inputs, scans=self.scans, scores=self.scores
        )
        state.candidates += self.always
        return state


def _expired(rule: EnabledRule, at: datetime) -> bool:
    return rule.expires_at is not None and rule.expires_at <= at


_text = READERS[ComparisonFamily.TEXT]


def _user(value: Any) -> ItemRef | None:
    if value.__class__ is ItemRef:
        found: ItemRef = value
        return found
    if not isinstance(value, dict):
        return None
    user, type_id = value.get("id"), value.get("typeId")
    both = isinstance(user, str) and isinstance(type_id, str)
    return ItemRef(str(user), str(type_id)) if both else None


def _medium(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        return {"url": value}
    return value if isinstance(value, dict) and isinstance(value.get("url"), str) else None


_ASKED: Mapping[ComparisonFamily, Callable[[Any], Any]] = {
    ComparisonFamily.REFERENCE: _user,
    ComparisonFamily.MEDIA: _medium,
    ComparisonFamily.NUMBER: READERS[ComparisonFamily.NUMBER],
    ComparisonFamily.BOOLEAN: READERS[ComparisonFamily.BOOLEAN],
}
