"""A leaf given its types: which values it takes, what it compares them with, and its stable id.

Guarantees: what `bind` returns can be evaluated without guessing; what cannot be bound is a list of
problems with pointers relative to the leaf. The same function serves the check when a rule is saved
and the compiler, so what was accepted means the same when it runs.
Must not: evaluate anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum

import msgspec

from coop_contracts.config import ContainerType, Field, ItemType, ScalarType, TextBank
from coop_contracts.error import pointer
from coop_rules.model import Comparator, CoopInput, Input, InputType, Leaf, Problem
from coop_rules.signal import SIGNALS, UNAVAILABLE, Matching, SignalType
from coop_rules.text import PatternSet, regex_problem
from coop_rules.threshold import Family, Threshold, read_threshold

_FAMILIES: Mapping[ScalarType, Family] = {
    ScalarType.NUMBER: Family.NUMBER,
    ScalarType.DATETIME: Family.DATETIME,
    ScalarType.BOOLEAN: Family.BOOLEAN,
    ScalarType.USER_ID: Family.REFERENCE,
    ScalarType.RELATED_ITEM: Family.REFERENCE,
    ScalarType.IMAGE: Family.MEDIA,
    ScalarType.VIDEO: Family.MEDIA,
    ScalarType.AUDIO: Family.MEDIA,
    ScalarType.MEDIA: Family.MEDIA,
}
_ORDERED = (Family.NUMBER, Family.DATETIME)
_IDS = frozenset({ScalarType.ID, ScalarType.POLICY_ID, ScalarType.USER_ID, ScalarType.RELATED_ITEM})
_ANY: Mapping[CoopInput, ScalarType] = {
    CoopInput.ALL_TEXT: ScalarType.STRING,
    CoopInput.ANY_IMAGE: ScalarType.IMAGE,
    CoopInput.ANY_GEOHASH: ScalarType.GEOHASH,
    CoopInput.ANY_VIDEO: ScalarType.VIDEO,
    CoopInput.AUTHOR: ScalarType.USER_ID,
    CoopInput.POLICY: ScalarType.POLICY_ID,
    CoopInput.SOURCE: ScalarType.STRING,
}

OPERATORS: Mapping[Comparator, str] = {
    Comparator.EQUALS: "==",
    Comparator.NOT_EQUAL_TO: "!=",
    Comparator.LESS_THAN: "<",
    Comparator.LESS_THAN_OR_EQUALS: "<=",
    Comparator.GREATER_THAN: ">",
    Comparator.GREATER_THAN_OR_EQUALS: ">=",
}


@dataclass(frozen=True, slots=True)
class Values:
    """Where values come from: a field (`name` set) or one of Coop's inputs."""

    scalar: ScalarType
    name: str = ""
    container: ContainerType | None = None
    coop: CoopInput | None = None

    @property
    def family(self) -> Family:
        return _FAMILIES.get(self.scalar, Family.TEXT)


class PredicateKind(StrEnum):
    COMPARE = "COMPARE"  # a value against a threshold
    MATCH = "MATCH"  # a text signal's boolean
    NOT_PROVIDED = "NOT_PROVIDED"
    UNAVAILABLE = "UNAVAILABLE"
    CONSTANT = "CONSTANT"  # a field of another item type: never provided
    BROKEN = "BROKEN"  # could not be bound: always errored


@dataclass(frozen=True, slots=True)
class Predicate:
    """One distinct condition. `id` is 16 hex characters made of its meaning, the contents of its
    banks included, and of nothing else: the same in every rule and revision."""

    id: str
    kind: PredicateKind
    values: Values | None = None
    comparator: Comparator | None = None
    threshold: Threshold | None = None
    patterns: PatternSet | None = None
    negated: bool = False  # the signal's score is "not found"
    expected: bool = True  # the score that passes
    constant: bool = False
    error: str = ""


class BindError(ValueError):
    """A leaf that does not fit its item type or banks."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.pointer}: {p.reason}" for p in problems))


class Banks:
    """What is made of text banks, once for each version of a bank."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[TextBank, PatternSet, list[Problem]]] = {}

    def patterns(self, org_id: str, bank: TextBank) -> tuple[PatternSet, list[Problem]]:
        """The bank as a pattern set, and what is wrong with its entries, by pointer into it."""
        kept = self._made.get((org_id, bank.id))
        if kept is None or kept[0] is not bank:
            matching = Matching.REGEX if bank.type == "REGEX" else Matching.CONTAINS
            kept = (bank, PatternSet(matching, bank.strings), bank_problems(bank))
            self._made[org_id, bank.id] = kept
        return kept[1], kept[2]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a leaf is bound against. `routing` allows the inputs only routing rules have."""

    item_type: ItemType
    text_banks: Mapping[str, TextBank]
    org_id: str = ""
    banks: Banks = dataclass_field(default_factory=Banks)
    routing: bool = False


def bind(leaf: Leaf, scope: Scope) -> Predicate:
    """The predicate of a leaf in one item type.

    Raises:
        BindError: with every problem; pointers are relative to the leaf.
    """
    if leaf.input.content_type_id not in (None, scope.item_type.id):
        return Predicate(
            id=_id(leaf, None, None),
            kind=PredicateKind.CONSTANT,
            constant=leaf.comparator is Comparator.IS_NOT_PROVIDED,
        )
    problems: list[Problem] = []
    values = _values(leaf.input, scope, problems)
    signal = _signal(leaf, values, problems)
    patterns = None
    if signal is not None:
        patterns = _patterns(leaf, signal, scope, problems)
    elif leaf.matching_values is not None and leaf.signal is None:
        problems.append(Problem("/matchingValues", "only a signal takes matching values"))
    family = Family.BOOLEAN if leaf.signal is not None else values.family if values else None
    threshold = None if family is None else _threshold(leaf, family, values, problems)
    if problems or values is None:
        raise BindError(problems)
    return _predicate(leaf, values, signal, patterns, threshold)


def broken(leaf: Leaf, reason: str) -> Predicate:
    """The predicate of a leaf that no longer fits: it is always errored, and says why."""
    return Predicate(id=_id(leaf, None, None), kind=PredicateKind.BROKEN, error=reason)


def _predicate(
    leaf: Leaf,
    values: Values,
    signal: SignalType | None,
    patterns: PatternSet | None,
    threshold: Threshold | None,
) -> Predicate:
    comparator = leaf.comparator
    kind = PredicateKind.COMPARE if signal is None else PredicateKind.MATCH
    expected = True
    if comparator is Comparator.IS_NOT_PROVIDED:
        kind = PredicateKind.NOT_PROVIDED
    elif comparator is Comparator.IS_UNAVAILABLE:
        kind = PredicateKind.UNAVAILABLE
    elif threshold is None:
        # A boolean without comparator or threshold passes when it is true.
        comparator, threshold = Comparator.EQUALS, True
    if kind is PredicateKind.MATCH:
        expected = bool(threshold) is (comparator is Comparator.EQUALS)
    return Predicate(
        id=_id(leaf, threshold, patterns),
        kind=kind,
        values=values,
        comparator=comparator,
        threshold=threshold,
        patterns=patterns,
        negated=signal is not None and signal.negated,
        expected=expected,
    )


def _id(leaf: Leaf, threshold: Threshold | None, patterns: PatternSet | None) -> str:
    comparator = leaf.comparator
    if isinstance(threshold, bool) and comparator is None:
        comparator = Comparator.EQUALS
    raw: object = leaf.threshold if threshold is None else threshold
    if isinstance(raw, datetime):
        raw = raw.isoformat()
    elif isinstance(raw, int) and not isinstance(raw, bool):
        raw = float(raw) if abs(raw) < 2**53 else raw
    matching: object = patterns.digest if patterns else leaf.matching_values
    meaning = (leaf.input, comparator, raw, leaf.signal, matching)
    return hashlib.blake2b(msgspec.json.encode(meaning), digest_size=8).hexdigest()


def _values(source: Input, scope: Scope, problems: list[Problem]) -> Values | None:
    if source.type is InputType.CONTENT_FIELD:
        for field in scope.item_type.fields:
            if field.name == source.name:
                return _field(field)
        reason = f"item type {scope.item_type.name} has no field {source.name}"
        problems.append(Problem("/input/name", reason))
        return None
    if source.type is InputType.USER_ID:
        return Values(ScalarType.USER_ID, coop=CoopInput.AUTHOR)
    if source.type is not InputType.CONTENT_COOP_INPUT or source.name is None:
        problems.append(Problem("/input/type", f"{source.type} is not available"))
        return None
    name = CoopInput(source.name)
    if name in (CoopInput.POLICY, CoopInput.SOURCE) and not scope.routing:
        problems.append(Problem("/input/name", f"{name} is known to routing rules only"))
        return None
    return Values(_ANY[name], coop=name)


def _field(field: Field) -> Values:
    if field.container is not None:
        return Values(
            field.container.value_scalar_type,
            name=field.name,
            container=field.container.container_type,
        )
    return Values(ScalarType(field.type), name=field.name)


def _signal(leaf: Leaf, values: Values | None, problems: list[Problem]) -> SignalType | None:
    if leaf.signal is None:
        return None
    name = leaf.signal.type
    found = SIGNALS.get(name)
    if found is None:
        reason = "is not available" if name in UNAVAILABLE else "is not a known signal"
        problems.append(Problem("/signal/type", f"{name[:100]} {reason}"))
        return None
    if leaf.signal.subcategory is not None:
        problems.append(Problem("/signal/subcategory", "this signal has no subcategories"))
    if values is not None and values.scalar not in found.inputs:
        eligible = ", ".join(sorted(found.inputs))
        problems.append(Problem("/input", f"{values.scalar} is not text: {name} takes {eligible}"))
    return found


def _patterns(
    leaf: Leaf, signal: SignalType, scope: Scope, problems: list[Problem]
) -> PatternSet | None:
    wanted = leaf.matching_values
    if wanted is None:
        problems.append(Problem("/matchingValues", "this signal needs matching values"))
        return None
    found: list[Problem] = []
    for key, present in (
        ("locations", wanted.locations),
        ("locationBankIds", wanted.location_bank_ids),
        ("imageBankIds", wanted.image_bank_ids),
    ):
        if present:
            place = pointer("matchingValues", key)
            found.append(Problem(place, "a text signal takes strings and text banks"))
    regex = signal.matching is Matching.REGEX
    found += string_problems(wanted.strings, regex=regex, at=("matchingValues", "strings"))
    sets = []
    for index, bank_id in enumerate(wanted.text_bank_ids):
        made = _bank(bank_id, signal, scope)
        if isinstance(made, str):
            found.append(Problem(pointer("matchingValues", "textBankIds", index), made))
        else:
            sets.append(made)
    if not found and not wanted.strings and not any(made.strings for made in sets):
        found.append(Problem("/matchingValues", "has nothing to look for"))
    if found:
        problems.extend(found)
        return None
    if not wanted.strings and len(sets) == 1:
        return sets[0]
    strings = wanted.strings + tuple(string for made in sets for string in made.strings)
    return PatternSet(signal.matching, strings)


def _bank(bank_id: str, signal: SignalType, scope: Scope) -> PatternSet | str:
    """The bank's pattern set, or why it cannot be used."""
    bank = scope.text_banks.get(bank_id)
    if bank is None:
        return f"there is no text bank {bank_id}"
    patterns, bad = scope.banks.patterns(scope.org_id, bank)
    if patterns.matching is not signal.matching:
        return f"bank {bank.name} holds {bank.type} entries, which {signal.name} does not take"
    if bad:
        return f"bank {bank.name}, {bad[0].pointer}: {bad[0].reason}"
    return patterns


def string_problems(strings: tuple[str, ...], *, regex: bool, at: tuple[str, ...]) -> list[Problem]:
    """What is wrong with a list of strings or regexes; `at` is the list's own path."""
    problems = []
    for index, string in enumerate(strings):
        reason = regex_problem(string) if regex and string else None
        if not string:
            reason = "is empty and would match everything"
        if reason is not None:
            problems.append(Problem(pointer(*at, index), reason))
    return problems


def bank_problems(bank: TextBank) -> list[Problem]:
    """What is wrong with a text bank's entries; pointers are relative to the bank."""
    return string_problems(bank.strings, regex=bank.type == "REGEX", at=("strings",))


def _threshold(
    leaf: Leaf, family: Family, values: Values | None, problems: list[Problem]
) -> Threshold | None:
    comparator, given = leaf.comparator, leaf.threshold
    if comparator in (Comparator.IS_NOT_PROVIDED, Comparator.IS_UNAVAILABLE):
        return None  # Coop's client leaves a stale threshold here; it has no meaning
    if given is None:
        # Coop reads a boolean without threshold as "is true", whatever the comparator says; only
        # where both readings agree is it accepted.
        if family is not Family.BOOLEAN or comparator not in (None, Comparator.EQUALS):
            problems.append(Problem("/threshold", "is missing"))
        return None
    if comparator is None:
        problems.append(Problem("/comparator", "is missing, but there is a threshold"))
        return None
    if family not in _ORDERED and OPERATORS[comparator] not in ("==", "!="):
        problems.append(Problem("/comparator", f"a {family.lower()} value has no order"))
        return None
    scalar = values.scalar if values is not None else None
    read = read_threshold(given, family, number_as_id=scalar in _IDS)
    if read is None:
        problems.append(Problem("/threshold", f"does not fit: a {family.lower()} is compared"))
    return read
