"""A condition and what it found, in plain words.

    All text contains “spam” or anything in the bank Slurs        true: found “spam”
    score is at least 0.9                                         false: the value is 0.4

Guarantees: says what the recorded outcome says, nothing else; a sentence is a few hundred
characters at most, whatever a rule or an item holds; a condition reads as in the console, where it
is built (`tests/explanation/condition_sentences.json` holds both to the same words).
Must not: be parsed by anyone: the fields beside it are for machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from coop_contracts.event import ConditionResult
from coop_rules.language.model import Comparator, Input, InputType, Leaf, MatchingValues
from coop_rules.signal.catalogue import SignalCatalogue

_SHOWN = 3
_LENGTH = 80

_COMPARATORS: Mapping[Comparator, str] = {
    Comparator.EQUALS: "is",
    Comparator.NOT_EQUAL_TO: "is not",
    Comparator.LESS_THAN: "is less than",
    Comparator.LESS_THAN_OR_EQUALS: "is at most",
    Comparator.GREATER_THAN: "is more than",
    Comparator.GREATER_THAN_OR_EQUALS: "is at least",
    Comparator.IN: "is one of",
    Comparator.NOT_IN: "is none of",
    Comparator.CONTAINS: "contains",
    Comparator.IS_UNAVAILABLE: "cannot be had",
    Comparator.IS_NOT_PROVIDED: "is not there",
}
_UNARY = (Comparator.IS_UNAVAILABLE, Comparator.IS_NOT_PROVIDED)

_VERBS: Mapping[str, str] = {
    "TEXT_MATCHING_CONTAINS_TEXT": "contains",
    "TEXT_MATCHING_NOT_CONTAINS_TEXT": "does not contain",
    "TEXT_MATCHING_CONTAINS_WORD": "contains as a whole word",
    "TEXT_MATCHING_NOT_CONTAINS_WORD": "does not contain as a whole word",
    "TEXT_MATCHING_CONTAINS_REGEX": "matches",
    "TEXT_MATCHING_NOT_CONTAINS_REGEX": "does not match",
    "TEXT_MATCHING_CONTAINS_VARIANT": "contains, disguised or not,",
    "GEO_CONTAINED_WITHIN": "is within",
    "IMAGE_SIMILARITY_MATCH": "matches",
    "IMAGE_SIMILARITY_DOES_NOT_MATCH": "does not match",
}
"""Signals that look for something, as what a subject does."""


def condition(leaf: Leaf, signals: SignalCatalogue, names: Mapping[str, str]) -> str:
    """What the condition asks. `names` are those of banks, by id."""
    subject = _input(leaf.input)
    # Nearly every condition on a signal says so.
    holds = leaf.comparator in (None, Comparator.EQUALS) and leaf.threshold in (None, True, "true")
    verb = _VERBS.get(leaf.signal.type) if leaf.signal and not leaf.signal.aggregation else None
    if verb and holds and leaf.matching_values:
        return f"{subject} {verb} {_looking_for(leaf.matching_values, names, any_of=True)}"
    looking = _looking_for(leaf.matching_values, names) if leaf.matching_values else ""
    if leaf.signal is not None:
        signal = signals.get(leaf.signal.type)
        title = signal.display_name if signal and signal.display_name else _plain(leaf.signal.type)
        part = f" ({_cut(leaf.signal.subcategory)})" if leaf.signal.subcategory else ""
        subject = f"{title}{part} of {subject}"
        if looking:
            subject += f" for {looking}"
        clause = leaf.signal.aggregation
        if clause is not None:
            by = ", ".join(_input(group) for group in clause.group_by)
            subject += f" counted by {by} within {_grouped(clause.window)} s"
        if holds:
            return subject
    if leaf.comparator is None:
        return f"{subject} is true"
    words = f"{subject} {_COMPARATORS[leaf.comparator]}"
    if leaf.comparator in _UNARY:
        return words
    if leaf.threshold is None:
        # IN and NOT_IN may take their values from a bank.
        return f"{words} {looking or 'true'}"
    if isinstance(leaf.threshold, tuple):
        return f"{words} {_several([_value(one) for one in leaf.threshold])}"
    return f"{words} {_value(leaf.threshold)}"


def finding(result: ConditionResult | None) -> str:
    """What the condition found."""
    if result is None:
        return "not recorded"
    match result.outcome:
        case "PASSED" | "FAILED":
            verdict = "true" if result.outcome == "PASSED" else "false"
            if result.matched_value is not None:
                return f"{verdict}: found {_value(result.matched_value)}"
            if result.score is None:
                return verdict
            return f"{verdict}: the value is {_value(result.score)}"
        case "INAPPLICABLE":
            return "false: the item has no such value"
        case "ERRORED":
            return f"could not be decided: {_cut(result.error or 'no reason was recorded', 300)}"
        case "SKIPPED":
            return "not looked at: the others had decided"


def _input(source: Input) -> str:
    match source.type:
        case InputType.CONTENT_FIELD:
            return _cut((source.name or "").replace("_", " "))
        case InputType.CONTENT_COOP_INPUT:
            return str(source.name)
        case InputType.USER_ID:
            return "the author"
        case InputType.FULL_ITEM:
            return "the whole item"
        case InputType.CONTENT_DERIVED_FIELD:
            spec = source.spec
            if spec is None:
                return "a derived field"
            return f"the {_cut(_plain(spec.derivation_type))} of {_input(spec.source)}"


def _looking_for(
    matching: MatchingValues, names: Mapping[str, str], *, any_of: bool = False
) -> str:
    parts = []
    if matching.strings:
        parts.append(_several([_value(string) for string in matching.strings]))
    if matching.locations:
        count = len(matching.locations)
        parts.append(f"{count:,} place{'s' if count > 1 else ''}")
    ids = (*matching.text_bank_ids, *matching.location_bank_ids, *matching.image_bank_ids)
    if ids:
        shown = _several([_cut(names.get(bank_id, bank_id)) for bank_id in ids])
        bank = f"the bank{'s' if len(ids) > 1 else ''} {shown}"
        parts.append(f"anything in {bank}" if any_of else bank)
    return " or ".join(parts)


def _plain(name: str) -> str:
    """A name of the language as words."""
    return name.replace("_", " ").lower()


def _several(values: Sequence[str]) -> str:
    shown = ", ".join(values[:_SHOWN])
    more = len(values) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(f'{value:.6g}').normalize():f}"
    if isinstance(value, int):
        return str(value)
    return f"“{_cut(str(value))}”"


def _grouped(number: float) -> str:
    """To a thousandth, thousands apart."""
    return f"{number:,.3f}".rstrip("0").rstrip(".")


def _cut(text: str, length: int = _LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
