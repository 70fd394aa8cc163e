"""Coop's condition JSON as it is stored, brought to the form that our language reads.

Guarantees: the meaning stays; what is taken away says nothing in Coop either (properties of another
kind of input, empty strings); what means something else here is told.
Must not: judge whether the rule can be saved; `configuration.check` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from coop_contracts.error import pointer
from coop_review_api.moving.mapped import Noter

_INPUT_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "USER_ID": frozenset({"type"}),
    "FULL_ITEM": frozenset({"type", "contentTypeIds"}),
    "CONTENT_FIELD": frozenset({"type", "name", "contentTypeId"}),
    "CONTENT_COOP_INPUT": frozenset({"type", "name"}),
    "CONTENT_DERIVED_FIELD": frozenset({"type", "spec"}),
}
_LEAF_KEYS: Final = frozenset({"input", "comparator", "threshold", "signal", "matchingValues"})
_VARIANTS: Final = "TEXT_MATCHING_CONTAINS_VARIANT"
_MEANINGS: Final = {
    _VARIANTS: (
        "a variant ends where a word or one of its regular endings does; in Coop it may end"
        " anywhere"
    ),
    "TEXT_SIMILARITY_SCORE": "scores are as high as in Coop, or higher",
    "AGGREGATION": "the window slides; in Coop it hops, and what was counted there is not here",
}
_MAX_DEPTH: Final = 50


def rewritten(condition_set: object, note: Noter, at: str = "/conditionSet") -> dict[str, Any]:
    """The set in our form. What is no object becomes a set without conditions."""
    if not isinstance(condition_set, Mapping):
        note.cannot("Coop has no condition of this rule", at)
        return {"conjunction": "AND", "conditions": []}
    return _set(condition_set, note, at, 0)


def _set(given: Mapping[str, Any], note: Noter, at: str, depth: int) -> dict[str, Any]:
    children = given.get("conditions")
    if not isinstance(children, list) or depth > _MAX_DEPTH:
        return dict(given)
    return {
        "conjunction": given.get("conjunction"),
        "conditions": [
            _condition(child, note, at + pointer("conditions", index), depth + 1)
            for index, child in enumerate(children)
        ],
    }


def _condition(given: Any, note: Noter, at: str, depth: int) -> Any:
    if not isinstance(given, Mapping):
        return given
    if "conditions" in given or "conjunction" in given:
        return _set(given, note, at, depth)
    leaf = {name: value for name, value in given.items() if value is not None}
    for strange in sorted(leaf.keys() - _LEAF_KEYS):
        if strange in {"result", "__typename"}:  # what Coop logged, or its client sent
            del leaf[strange]
    if isinstance(leaf.get("input"), Mapping):
        leaf["input"] = _input(leaf["input"])
    if isinstance(leaf.get("signal"), Mapping):
        leaf["signal"] = _signal(leaf["signal"], note, at + "/signal", depth)
    if isinstance(leaf.get("matchingValues"), Mapping):
        leaf["matchingValues"] = _matching(leaf["matchingValues"])
    return leaf


def _input(given: Mapping[str, Any]) -> dict[str, Any]:
    keys = _INPUT_KEYS.get(str(given.get("type")), frozenset(given))
    kept = {name: value for name, value in given.items() if name in keys and value is not None}
    spec = kept.get("spec")
    if isinstance(spec, Mapping):
        source = spec.get("source")
        kept["spec"] = {
            "source": _input(source) if isinstance(source, Mapping) else source,
            "derivationType": spec.get("derivationType"),
        }
    return kept


def _signal(given: Mapping[str, Any], note: Noter, at: str, depth: int) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if value is not None}
    stated = kept.get("id")
    if isinstance(stated, str) and not stated.lstrip().startswith("{"):
        # Rules from before signals of plugins: the id was the bare name.
        kind = kept.setdefault("type", stated)
        kept["id"] = msgspec.json.encode({"type": kind}).decode()
    meaning = _MEANINGS.get(str(kept.get("type")))
    if meaning is not None:
        note.differs(meaning, at)
    arguments = kept.get("args")
    clause = arguments.get("aggregationClause") if isinstance(arguments, Mapping) else None
    if isinstance(clause, Mapping):
        clause = {name: value for name, value in clause.items() if value is not None}
        if isinstance(clause.get("conditionSet"), Mapping):
            inside = at + "/args/aggregationClause/conditionSet"
            clause["conditionSet"] = _set(clause["conditionSet"], note, inside, depth + 1)
        if isinstance(clause.get("groupBy"), list):
            clause["groupBy"] = [
                _input(one) if isinstance(one, Mapping) else one for one in clause["groupBy"]
            ]
        kept["args"] = {"aggregationClause": clause}
    return kept


def _matching(given: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    strings = kept.get("strings")
    if isinstance(strings, list):
        kept["strings"] = [one for one in strings if one != ""]
    return kept
