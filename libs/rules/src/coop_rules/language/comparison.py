"""What a condition compares with: comparator and threshold, given the family of the score.

Guarantees: a threshold that does not fit the type is a problem with its place, never a guess.
Must not: compare.

    equals, order   one threshold           IN, NOT_IN   a list, or strings and text banks
    CONTAINS        a part of a text, a member of a list, a key or a value of a map
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coop_rules.language.matched import listed_strings
from coop_rules.language.model import Comparator, ConditionProblem, Leaf, Scalar
from coop_rules.language.scope import BindingScope
from coop_rules.language.threshold import ORDERED, ComparisonFamily, Threshold, read_threshold
from coop_rules.language.value import ID_TYPES, ValueSource
from coop_rules.signal.signal import SignalType

OPERATORS: Mapping[Comparator, str] = {
    Comparator.EQUALS: "==",
    Comparator.NOT_EQUAL_TO: "!=",
    Comparator.LESS_THAN: "<",
    Comparator.LESS_THAN_OR_EQUALS: "<=",
    Comparator.GREATER_THAN: ">",
    Comparator.GREATER_THAN_OR_EQUALS: ">=",
}
LISTING = (Comparator.IN, Comparator.NOT_IN)
_PRESENCE = (Comparator.IS_NOT_PROVIDED, Comparator.IS_UNAVAILABLE)


def bind_thresholds(
    leaf: Leaf,
    family: ComparisonFamily,
    values: ValueSource | None,
    signal: SignalType | None,
    *,
    scope: BindingScope,
    problems: list[ConditionProblem],
) -> tuple[str | None, tuple[Threshold, ...]]:
    """The key (of a map, for CONTAINS) and the thresholds; problems are added, relative to the
    leaf. `values` None: the input has a problem already."""
    return _Reader(leaf, family, values, signal, scope, problems).thresholds()


@dataclass(frozen=True, slots=True)
class _Reader:
    leaf: Leaf
    family: ComparisonFamily
    values: ValueSource | None
    signal: SignalType | None
    scope: BindingScope
    problems: list[ConditionProblem]

    def bad(self, pointer: str, reason: str) -> None:
        self.problems.append(ConditionProblem(pointer, reason))

    def thresholds(self) -> tuple[str | None, tuple[Threshold, ...]]:
        comparator, given, family = self.leaf.comparator, self.leaf.threshold, self.family
        if comparator in _PRESENCE:
            return None, ()  # Coop's client leaves a stale threshold here; it has no meaning
        if comparator in LISTING:
            return None, self.listed()
        if isinstance(given, tuple):
            return None, ()  # the reader has refused it
        if given is None:
            # Coop reads a boolean without threshold as "is true", whatever the comparator says;
            # only where both readings agree is it accepted.
            if family is not ComparisonFamily.BOOLEAN or comparator not in (
                None,
                Comparator.EQUALS,
            ):
                self.bad("/threshold", "is missing")
            return None, ()
        if comparator is None:
            self.bad("/comparator", "is missing, but there is a threshold")
            return None, ()
        if comparator is Comparator.CONTAINS:
            return self.contained(given)
        if family not in ORDERED and OPERATORS[comparator] not in ("==", "!="):
            self.bad("/comparator", f"a {family.lower()} value has no order")
            return None, ()
        return None, self.read([given], "/threshold", alone=True)

    def listed(self) -> tuple[Threshold, ...]:
        if self.family is ComparisonFamily.BOOLEAN:
            self.bad("/comparator", "a boolean value is compared with EQUALS")
            return ()
        given = self.leaf.threshold
        if self.signal is None and self.leaf.matching_values is not None:
            if given is not None:
                self.bad("/threshold", "is given beside matching values: only one can be")
            strings = listed_strings(self.leaf, self.scope, self.problems)
            return self.read(strings, "/matchingValues/strings")
        if not isinstance(given, tuple) or not given:
            self.bad("/threshold", f"{self.leaf.comparator} takes a list of at least one value")
            return ()
        return self.read(given, "/threshold")

    def contained(self, given: Scalar) -> tuple[str | None, tuple[Threshold, ...]]:
        values, family = self.values, self.family
        if self.signal is not None or values is None:
            self.bad("/comparator", "CONTAINS is for inputs without a signal")
            return None, ()
        if values.container == "MAP" and values.source is None:
            key = given if isinstance(given, str) else None
            read = read_threshold(given, family, number_as_id=values.scalar in ID_TYPES)
            if key is None and read is None:
                self.bad("/threshold", f"does not fit: a key or a {family.lower()} is looked for")
            return key, () if read is None else (read,)
        if not values.is_list and family is not ComparisonFamily.TEXT:
            self.bad("/comparator", f"a {family.lower()} value has no parts")
            return None, ()
        return None, self.read([given], "/threshold", alone=True)

    def read(
        self, given: Sequence[Scalar], at: str, *, alone: bool = False
    ) -> tuple[Threshold, ...]:
        """Each of them as a value of the family; `at` is where they are in the leaf."""
        signal, values, family = self.signal, self.values, self.family
        order = () if signal is None else signal.order
        scalar = values.scalar if values is not None and signal is None else None
        found = []
        for index, entry in enumerate(given):
            read = read_threshold(entry, family, number_as_id=scalar in ID_TYPES, order=order)
            if read is not None:
                found.append(read)
                continue
            place = at if alone else f"{at}/{index}"
            if family is ComparisonFamily.ENUM:
                self.bad(place, f"is none of {', '.join(order)}")
            else:
                self.bad(place, f"does not fit: a {family.lower()} is compared")
        return tuple(found)
