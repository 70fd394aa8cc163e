"""What Coop's own code made of 4,388 conditions and 1,120 regexes, and what ours makes of them.

Every difference has one cause, and docs/rules.md ("What differs from Coop") states it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coop_contracts.config import ItemType
from coop_rules.matching.regex import regex_problem, regex_warnings
from coop_rules.matching.text import PatternSet, ScannerCache
from coop_rules.matching.word import fold
from coop_rules.signal.signal import Matching

from .rules_vectors import OUTCOMES, Answer, answer, item_type, leaves, recorded

_DOC = Path(__file__).parents[3] / "docs" / "rules.md"
_SECTION = " ".join(_DOC.read_text().partition("\n## What differs from Coop\n")[2].split())

STATED = {
    "one character": "A character beyond U+FFFF is one character",
    "line ends": "`.` is any character but a line feed",
    "long s": "ſ (U+017F) is an s",
    "dialect": "Constructs that RE2 reads otherwise are warned of",
    "flags": "Flags in a pattern, `(?i)`, are RE2's",
    "refused regex": "What RE2 cannot read is refused when it is saved",
    "order": "Texts and booleans have no order",
    "incomplete": "A condition without a comparator or a threshold that it needs is refused",
    "boolean words": "A boolean is compared with `true`, `false`, `1` or `0`",
    "other type": "A condition on an item type that the rule does not name is refused",
    "nothing to look for": "An empty list of strings, or an empty string, is refused",
    "any of several": "Of several values any may pass",
    "none is none": "An input without any value is not provided",
    "instants": "Times are compared as instants",
    "empty text": "An empty text adds nothing to `All text`",
    "folding": "Texts are folded in Unicode's way",
    "ends of words": "A variant ends where a word or one of its regular endings does",
    "disguises": "Variants see through separators, spelling out and characters without width",
    "date line": "An area may lie across the antimeridian",
    "unavailable": "`IS_UNAVAILABLE` looks at nothing but whether the value could be had",
}
"""Cause → the sentence in the documentation that says so."""


def found(pattern: str, text: str) -> bool:
    patterns = PatternSet(Matching.REGEX, [pattern])
    return bool(ScannerCache().scanner([patterns]).scan(text))


def cause_of_regex(pattern: str, text: str, coop: str) -> str | None:
    """Why a regex finds something else; None: it is not known."""
    if regex_problem(pattern) is not None:
        return "refused regex"
    if re.search(r"\(\?[a-z]+\)", pattern) and coop == "ERRORED":
        return "flags"
    if regex_warnings(pattern):
        return "dialect"
    # With what differs taken out of the text, both find the same.
    halves = "".join("\ue000\ue001" if ord(one) > 0xFFFF else one for one in text)
    for cause, same in (
        ("one character", halves),
        ("line ends", re.sub("[\r\u2028\u2029]", "\n", text)),
        ("long s", text.replace("ſ", "\N{LATIN SMALL LETTER ESH}")),
    ):
        if same != text and found(pattern, same) is (coop == "PASSED"):
            return cause
    return None


def test_regexes() -> None:
    """A regex finds what it found in Coop, or the difference is stated."""
    _, rows = recorded("regexes")
    causes: Counter[str | None] = Counter()
    for row in rows:
        pattern, text, coop = row["pattern"], row["text"], row["found"]
        ours = None if regex_problem(pattern) is not None else found(pattern, text)
        if ours is not OUTCOMES[coop]:
            cause = cause_of_regex(pattern, text, coop)
            assert cause is not None, row
            causes[cause] += 1
    assert len(rows) == 1_120
    assert causes == {"one character": 10, "line ends": 2, "long s": 5, "dialect": 1}


_REASONS = {
    "a text value has no order": "order",
    "a boolean value has no order": "order",
    "is missing": "incomplete",
    "is missing, but there is a threshold": "incomplete",
    "does not fit: a boolean is compared": "boolean words",
    "the rule does not apply to item type t-other": "other type",
    "has nothing to look for": "nothing to look for",
    "must be a non-empty string": "nothing to look for",
}


def cause_of_condition(row: Mapping[str, Any], ours: Answer, post: ItemType) -> str | None:
    """Why a condition set has another outcome; None: it is not known."""
    (leaf,) = leaves(row["conditionSet"])  # the deep ones are all alike
    signal = leaf.get("signal", {}).get("type")
    strings = leaf.get("matchingValues", {}).get("strings", [])
    name = leaf["input"].get("name", "")
    value = row["data"].get(name)
    if signal == "TEXT_MATCHING_CONTAINS_REGEX" and "" not in strings:
        return cause_of_regex(strings[0], value, row["outcome"])
    if ours.refused:
        return _REASONS.get(ours.refused[0])
    if leaf.get("threshold") in ("false", "0") and value is not None:
        return "boolean words"  # in Coop every text but the empty one is true
    if signal is None:
        return _cause_of_value(row, leaf, post)
    if signal == "TEXT_MATCHING_NOT_CONTAINS_TEXT" and name == "All text" and not row["data"]:
        return "none is none"
    if signal == "TEXT_MATCHING_CONTAINS_TEXT":
        if name == "All text" and "" in row["data"].values():
            return "empty text"
        lowered = strings[0].lower() in value.lower()
        return "folding" if not lowered and fold(strings[0]) in fold(value) else None
    if signal == "TEXT_MATCHING_CONTAINS_VARIANT":
        return _cause_of_variant(strings[0], value, found=ours.outcome)
    if signal == "GEO_CONTAINED_WITHIN":
        bounds = leaf["matchingValues"]["locations"][0]["bounds"]
        across = bounds["southwestCorner"]["lng"] > bounds["northeastCorner"]["lng"]
        return "date line" if across else None
    return "unavailable" if leaf["comparator"] == "IS_UNAVAILABLE" else None


def _cause_of_value(row: Mapping[str, Any], leaf: Mapping[str, Any], post: ItemType) -> str | None:
    name = leaf["input"]["name"]
    value = row["data"].get(name)
    if leaf["comparator"] == "IS_NOT_PROVIDED":
        return "none is none" if not value else None
    if name == "sent":
        canonical = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        return None if re.fullmatch(canonical, leaf["threshold"]) else "instants"
    # Coop decides by the first value alone.
    first: dict[str, Any] = {}
    if isinstance(value, list):
        first["data"] = {**row["data"], name: value[:1]}
    elif name == "Relevant Policy":
        first["policyIds"] = row["policyIds"][:1]
    if first and answer(row, post, **first).outcome is OUTCOMES[row["outcome"]]:
        return "any of several"
    return None


def _cause_of_variant(string: str, text: str, *, found: bool | None) -> str | None:
    if not found:
        begun = re.search(rf"(?:^|\s){re.escape(string)}+\w", text, re.IGNORECASE)
        return "ends of words" if begun else None
    if fold(string) == fold(text):
        return "folding"
    # Coop looks for the letters one after the other, after a space.
    together = re.sub(r"[\W_]", "", text).lower()
    return "disguises" if string.lower() in together else None


def test_conditions() -> None:
    """A condition set has the outcome that it had in Coop, or the difference is stated."""
    described, rows = recorded("conditions")
    post = item_type(described["itemType"])
    causes: Counter[str | None] = Counter()
    for row in rows:
        ours = answer(row, post)
        if ours.refused or ours.outcome is not OUTCOMES[row["outcome"]]:
            cause = cause_of_condition(row, ours, post)
            assert cause is not None, (row, ours)
            causes[cause] += 1
    assert len(rows) == 4_388
    assert causes.keys() <= STATED.keys()
    assert sum(causes.values()) < 300


def test_causes_are_stated() -> None:
    """Each cause is a sentence of the documentation."""
    for sentence in STATED.values():
        assert sentence in _SECTION, sentence
