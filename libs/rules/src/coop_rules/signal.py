"""The signals: what each takes, gives and costs, and whether this version has it.

Source of names, inputs, outputs and costs: Coop's public signals. Must not: compute anything; the
local ones are in `text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from coop_contracts.config import ScalarType


class Matching(StrEnum):
    """How the matching values of a text signal are looked for."""

    CONTAINS = "CONTAINS"
    REGEX = "REGEX"


class SignalType(Struct, frozen=True, kw_only=True):
    """A signal that gives a boolean from text. `cost` orders conditions: cheap ones first."""

    name: str
    inputs: frozenset[ScalarType]
    cost: int
    matching: Matching
    negated: bool


_TEXT = frozenset({ScalarType.STRING})
_TEXT_OR_ID = frozenset({ScalarType.STRING, ScalarType.ID})

_CONTAINS, _REGEX = Matching.CONTAINS, Matching.REGEX
SIGNALS: Mapping[str, SignalType] = {
    name: SignalType(name=name, inputs=inputs, cost=cost, matching=matching, negated=negated)
    for name, inputs, cost, matching, negated in (
        ("TEXT_MATCHING_CONTAINS_TEXT", _TEXT_OR_ID, 1, _CONTAINS, False),
        ("TEXT_MATCHING_NOT_CONTAINS_TEXT", _TEXT_OR_ID, 1, _CONTAINS, True),
        ("TEXT_MATCHING_CONTAINS_REGEX", _TEXT, 2, _REGEX, False),
        ("TEXT_MATCHING_NOT_CONTAINS_REGEX", _TEXT, 2, _REGEX, True),
    )
}

_OPEN_AI_BOTH = (
    "SELF_HARM",
    "SELF_HARM_INSTRUCTIONS",
    "SELF_HARM_INTENT",
    "SEXUAL",
    "VIOLENCE",
    "GRAPHIC_VIOLENCE",
)
_OPEN_AI_TEXT = (*_OPEN_AI_BOTH, "HATE", "HATE_THREATENING", "SEXUAL_MINORS")

# Known to Coop, so that the refusal can say "not available" rather than "unknown".
UNAVAILABLE: frozenset[str] = frozenset(
    [
        "TEXT_MATCHING_CONTAINS_VARIANT",
        "TEXT_SIMILARITY_SCORE",
        "IMAGE_SIMILARITY_MATCH",
        "IMAGE_SIMILARITY_DOES_NOT_MATCH",
        "GEO_CONTAINED_WITHIN",
        "USER_STRIKE_VALUE",
        "USER_SCORE",
        "AGGREGATION",
        "OPEN_AI_WHISPER_TRANSCRIPTION",
        "GOOGLE_CONTENT_SAFETY_API_IMAGE",
        "ZENTROPI_LABELER",
        "CUSTOM",
        *(f"OPEN_AI_{name}_TEXT_MODEL" for name in _OPEN_AI_TEXT),
        *(f"OPEN_AI_{name}_IMAGE_MODEL" for name in _OPEN_AI_BOTH),
    ]
)
