"""The matching values of a condition, resolved: strings, banks, areas.

Guarantees: what is given where a signal takes something else, what is missing, and what cannot be
matched is a problem with its place.
Must not: look for anything in a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coop_contracts.config import Location
from coop_contracts.error import pointer
from coop_rules.language.model import ConditionProblem, Leaf, MatchingValues
from coop_rules.language.scope import BankGone, BindingScope, string_problems
from coop_rules.matching.bank import area_problem
from coop_rules.matching.geo import Areas, is_unknown
from coop_rules.matching.similarity import Similarity
from coop_rules.matching.text import PatternSet
from coop_rules.signal.signal import Matching, MatchingFamily, SignalType

_KEYS: Mapping[MatchingFamily, str] = {
    "strings": "strings",
    "text_banks": "textBankIds",
    "locations": "locations",
    "location_banks": "locationBankIds",
    "image_banks": "imageBankIds",
}


@dataclass(frozen=True, slots=True)
class Matched:
    """What a signal looks for; `digest` identifies the content (None: the ids say it all)."""

    patterns: PatternSet | None = None
    function: Similarity | Areas | None = None
    digest: str | None = None


def bind_matching(
    leaf: Leaf, signal: SignalType, scope: BindingScope, problems: list[ConditionProblem]
) -> Matched:
    """The leaf's matching values for its signal; problems are added, relative to the leaf."""
    wanted = leaf.matching_values
    given = _given(wanted)
    if not signal.needs_matching_values:
        for family in given:
            place = pointer("matchingValues", _KEYS[family])
            problems.append(ConditionProblem(place, "this signal takes no matching values"))
        return Matched()
    if wanted is None:
        problems.append(ConditionProblem("/matchingValues", "this signal needs matching values"))
        return Matched()
    found: list[ConditionProblem] = []
    for family in given:
        if family not in signal.needs_matching_values:
            takes = " and ".join(_KEYS[f] for f in _KEYS if f in signal.needs_matching_values)
            place = pointer("matchingValues", _KEYS[family])
            found.append(ConditionProblem(place, f"this signal takes {takes}"))
    if not found and not given:
        found.append(ConditionProblem("/matchingValues", "has nothing to look for"))
    if found:
        problems.extend(found)
        return Matched()
    if signal.matching is not None:
        return _patterns(wanted, signal, signal.matching, scope, problems)
    if signal.function == "similarity":
        return _similarity(wanted, signal, scope, problems)
    if signal.function == "geo":
        return _areas(wanted, scope, problems)
    if scope.hash_banks is not None:
        for index, bank_id in enumerate(wanted.image_bank_ids):
            bank, place = (
                scope.hash_banks.get(bank_id),
                pointer("matchingValues", "imageBankIds", index),
            )
            if bank is None:
                problems.append(ConditionProblem(place, f"there is no hash bank {bank_id}"))
            elif bank.known_good:
                said = f"{bank.name} has what is known to be good: no rule passes by it"
                problems.append(ConditionProblem(place, said))
    return Matched()


def listed_strings(
    leaf: Leaf, scope: BindingScope, problems: list[ConditionProblem]
) -> tuple[str, ...]:
    """The strings of an IN or NOT_IN: those given, and those of text banks."""
    wanted = leaf.matching_values
    assert wanted is not None
    for family in _given(wanted):
        if family not in ("strings", "text_banks"):
            place = pointer("matchingValues", _KEYS[family])
            problems.append(ConditionProblem(place, "IN and NOT_IN take strings and text banks"))
    strings = _strings(wanted, scope, problems, user=str(leaf.comparator))
    if not strings and not problems:
        problems.append(ConditionProblem("/matchingValues", "has nothing to compare with"))
    return strings


def _given(wanted: MatchingValues | None) -> list[MatchingFamily]:
    if wanted is None:
        return []
    present: dict[MatchingFamily, object] = {
        "strings": wanted.strings,
        "text_banks": wanted.text_bank_ids,
        "locations": wanted.locations,
        "location_banks": wanted.location_bank_ids,
        "image_banks": wanted.image_bank_ids,
    }
    return [family for family, values in present.items() if values]


def _patterns(
    wanted: MatchingValues,
    signal: SignalType,
    matching: Matching,
    scope: BindingScope,
    problems: list[ConditionProblem],
) -> Matched:
    regex = matching is Matching.REGEX
    found = string_problems(
        wanted.strings,
        kind="REGEX" if regex else "STRING",
        at=("matchingValues", "strings"),
        variant=matching is Matching.VARIANT,
    )
    sets = []
    for index, bank_id in enumerate(wanted.text_bank_ids):
        place = pointer("matchingValues", "textBankIds", index)
        try:
            bank = scope.text_bank(bank_id)
            if (bank.type == "REGEX") is not regex:
                reason = f"holds {bank.type} entries, which {signal.name} does not take"
                found.append(ConditionProblem(place, f"bank {bank.name} {reason}"))
                continue
            patterns, bad = scope.banks.patterns(
                scope.org_id, bank, scope.chunks, matching=matching
            )
        except BankGone as error:
            found.append(ConditionProblem(place, str(error)))
            continue
        if bad:
            reason = f"bank {bank.name}, {bad[0].pointer}: {bad[0].reason}"
            found.append(ConditionProblem(place, reason))
        sets.append(patterns)
    if not found and not wanted.strings and not any(made.strings for made in sets):
        found.append(ConditionProblem("/matchingValues", "has nothing to look for"))
    if found:
        problems.extend(found)
        return Matched()
    if not wanted.strings and len(sets) == 1:
        return Matched(patterns=sets[0], digest=sets[0].digest)
    strings = wanted.strings + tuple(string for made in sets for string in made.strings)
    made = PatternSet(matching, strings)
    return Matched(patterns=made, digest=made.digest)


def _similarity(
    wanted: MatchingValues,
    signal: SignalType,
    scope: BindingScope,
    problems: list[ConditionProblem],
) -> Matched:
    before = len(problems)
    strings = _strings(wanted, scope, problems, user=signal.name)
    if len(problems) > before:
        return Matched()
    if not strings:
        problems.append(ConditionProblem("/matchingValues", "has nothing to look for"))
        return Matched()
    similarity, digest = scope.banks.similarity(strings)
    return Matched(function=similarity, digest=digest)


def _strings(
    wanted: MatchingValues, scope: BindingScope, problems: list[ConditionProblem], *, user: str
) -> tuple[str, ...]:
    strings = list(wanted.strings)
    for index, bank_id in enumerate(wanted.text_bank_ids):
        place = pointer("matchingValues", "textBankIds", index)
        try:
            bank = scope.text_bank(bank_id)
            if bank.type == "REGEX":
                reason = f"bank {bank.name} holds REGEX entries, which {user} does not take"
                problems.append(ConditionProblem(place, reason))
                continue
            found, bad = scope.banks.strings(scope.org_id, bank, scope.chunks)
        except BankGone as error:
            problems.append(ConditionProblem(place, str(error)))
            continue
        if bad:
            reason = f"bank {bank.name}, {bad[0].pointer}: {bad[0].reason}"
            problems.append(ConditionProblem(place, reason))
        strings += found
    return tuple(strings)


def _areas(
    wanted: MatchingValues, scope: BindingScope, problems: list[ConditionProblem]
) -> Matched:
    locations: list[Location] = list(wanted.locations)
    gone = False
    for index, location in enumerate(locations):
        found = area_problem(location)
        if found is None and is_unknown(location):
            found = ("/googlePlaceInfo", "a place without an area belongs into a location bank")
        if found is not None:
            place = pointer("matchingValues", "locations", index) + found[0]
            problems.append(ConditionProblem(place, found[1]))
    for index, bank_id in enumerate(wanted.location_bank_ids):
        try:
            locations += scope.locations(bank_id)
        except BankGone as error:
            place = pointer("matchingValues", "locationBankIds", index)
            problems.append(ConditionProblem(place, str(error)))
            gone = True
    if gone:
        return Matched()
    if not locations:
        problems.append(ConditionProblem("/matchingValues", "has nothing to look for"))
        return Matched()
    areas, digest = scope.banks.areas(tuple(locations))
    return Matched(function=areas, digest=digest)
