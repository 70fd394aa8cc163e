"""A compiled set of rules, and what it says of one item.

Guarantees: an evaluation is a pure function of the arguments of `evaluate` and of the program; its
results name every rule that passed or is unknown, with what each of their conditions found. Every
rule that is not named failed.
Must not: have effects, or ask the clock: expiry is judged at the time of the event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

import msgspec

from coop_contracts.config import RoutingRule, Rule, RuleStatus
from coop_contracts.event import ConditionResult, ItemRef, RuleOutcome, RuleRef
from coop_rules.explain import Describe
from coop_rules.model import Problem
from coop_rules.predicate import Predicate
from coop_rules.text import Hits

Outcome = bool | None  # None: unknown, because a condition errored; counts as not passing

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class EnabledRule:
    """A rule as the compiler takes it. From `expires_at` on it does not run."""

    ref: RuleRef
    status: Literal["LIVE", "BACKGROUND"]
    condition_set: object
    expires_at: datetime | None = None

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
        )


class State:
    """What is known of one item while it is evaluated; generated code fills it."""

    __slots__ = (
        "candidates",
        "creator",
        "data",
        "inputs",
        "policy_ids",
        "scans",
        "source",
    )

    data: dict[str, Any]
    creator: ItemRef | None
    source: str | None
    policy_ids: Sequence[str]
    inputs: list[list[Any] | None]
    scans: list[list[Hits | None] | None]
    candidates: list[int]


Test = Callable[[State], Outcome]


@dataclass(frozen=True, slots=True)
class ConditionCode:
    """One distinct condition: what it is, and the function that records what it found."""

    predicate: Predicate
    describe: Describe


@dataclass(frozen=True, slots=True)
class RuleCode:
    """One rule: the function of its whole condition set, and its distinct conditions' indexes."""

    rule: EnabledRule
    test: Test
    conditions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules said. `outcomes` has (index of the rule in the program, outcome), in the order
    of the rules; without `trace` only rules that did not fail."""

    program: Program
    state: State
    outcomes: list[tuple[int, Outcome]]

    def passed(self) -> list[int]:
        """The indexes of the rules that passed."""
        return [index for index, outcome in self.outcomes if outcome]

    def results(self) -> tuple[tuple[RuleOutcome, ...], tuple[ConditionResult, ...]]:
        """The record of `outcomes`: rules, and the distinct conditions they point to."""
        program, state = self.program, self.state
        places: dict[int, int] = {}
        conditions: list[ConditionResult] = []
        rules = []
        for index, outcome in self.outcomes:
            code = program.rules[index]
            for condition in code.conditions:
                if condition not in places:
                    places[condition] = len(conditions)
                    conditions.append(program.conditions[condition].describe(state))
            rules.append(
                RuleOutcome(
                    rule=code.rule.ref,
                    status=code.rule.status,
                    passed=outcome,
                    conditions=tuple([places[condition] for condition in code.conditions]),
                )
            )
        return tuple(rules), tuple(conditions)


@dataclass(frozen=True, slots=True)
class Program:
    """All rules of one item type, compiled together. Immutable; safe to use from many threads.

    `problems` names, by rule id, what no longer fits (a deleted bank, a removed field): those
    conditions are errored on every item, so such a rule's outcome is unknown and recorded.
    """

    rules: tuple[RuleCode, ...]
    conditions: tuple[ConditionCode, ...]
    problems: dict[str, list[Problem]]
    select: tuple[Callable[[State], None], ...] = ()
    always: tuple[int, ...] = ()
    inputs: int = 0
    scans: int = 0
    expiring: frozenset[int] = field(default_factory=frozenset)

    def evaluate(
        self,
        data: bytes | msgspec.Raw | dict[str, Any],
        *,
        at: datetime,
        creator: ItemRef | None = None,
        source: str | None = None,
        policy_ids: Sequence[str] = (),
        trace: bool = False,
    ) -> Evaluation:
        """What the rules say of an item's data (a JSON object, as bytes or decoded).

        `at` is the event's time: rules expired by then do not run. `source` and `policy_ids` are
        for routing rules. With `trace`, rules that failed are in the outcomes as well.

        Raises:
            msgspec.DecodeError: the bytes are not a JSON object.
        """
        state = State()
        state.data = data if isinstance(data, dict) else _decode(data)
        state.creator = creator
        state.source = source
        state.policy_ids = policy_ids
        state.inputs = [None] * self.inputs
        state.scans = [None] * self.scans
        candidates: list[int] = []
        state.candidates = candidates
        rules = self.rules
        outcomes: list[tuple[int, Outcome]] = []
        if trace:
            wanted: Sequence[int] = range(len(rules))
        else:
            candidates += self.always
            for select in self.select:
                select(state)
            wanted = sorted(set(candidates)) if len(candidates) > 1 else candidates
        for index in wanted:
            if index in self.expiring and _expired(rules[index].rule, at):
                continue
            outcome = rules[index].test(state)
            if outcome is not False or trace:
                outcomes.append((index, outcome))
        return Evaluation(self, state, outcomes)


def _expired(rule: EnabledRule, at: datetime) -> bool:
    return rule.expires_at is not None and rule.expires_at <= at
