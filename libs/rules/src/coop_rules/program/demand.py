"""Which rules of a program take which values from outside, and which they still want.

Guarantees: a rule that no value can change any more wants nothing.
Must not: fetch anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from coop_rules.language.need import Need
from coop_rules.language.predicate import PredicateKind
from coop_rules.program.program import Program

_PRESENCE = (PredicateKind.UNAVAILABLE, PredicateKind.NOT_PROVIDED)


@dataclass(frozen=True, slots=True)
class Demand:
    """`keys[i]` are the needs of the program's rule i. `fickle` are the rules with needs whose
    outcome, whatever it is, a value may still turn around: they ask whether one is unavailable."""

    keys: tuple[frozenset[str], ...]
    fickle: frozenset[int]

    @classmethod
    def of(cls, program: Program) -> Self:
        """The demand of every rule of the program."""
        of_condition = []
        for code in program.conditions:
            predicate = code.predicate
            keys = set() if predicate.need is None else {predicate.need.key}
            values = predicate.values
            if values is not None and values.source is not None:
                keys.add(values.derived_by)
            of_condition.append(keys)
        found = tuple(
            frozenset().union(*(of_condition[index] for index in rule.conditions))
            for rule in program.rules
        )
        fickle = frozenset(
            index for index, keys in enumerate(found) if keys and _asks_for_presence(program, index)
        )
        return cls(found, fickle)

    def wanted(
        self, program: Program, rules: Iterable[int], known: Collection[str]
    ) -> tuple[Need, ...]:
        """The needs of these rules that are not known and can be asked for now: what is asked about
        a derived text has to wait for that text."""
        keys = set[str]().union(*(self.keys[index] for index in rules)).difference(known)
        if not keys:
            return ()
        return tuple(
            need
            for need in program.needs
            if need.key in keys
            and (need.values.source is None or need.values.derived_by not in keys)
        )


def _asks_for_presence(program: Program, rule: int) -> bool:
    return any(
        program.conditions[index].predicate.kind in _PRESENCE
        for index in program.rules[rule].conditions
    )
