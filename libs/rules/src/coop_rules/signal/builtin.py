"""The entries of the built-in catalogue.

Source of names, inputs, outputs and costs: Coop's public signals. The whole-word signals are new,
and so are addresses as an input of text, word and regex.
Must not: be looked up here: rules name a `SignalCatalogue`'s signals, among them plugins'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from coop_contracts.config import ScalarType
from coop_rules.signal.signal import Matching, MatchingFamily, SignalType, Thresholds

RETIRED: frozenset[str] = frozenset({"USER_SCORE", "CUSTOM"})
"""Names that Coop knows and has nothing behind."""

_STRINGS: frozenset[MatchingFamily] = frozenset(("strings", "text_banks"))
_TEXT = frozenset({ScalarType.STRING})
_TEXT_OR_URL = _TEXT | {ScalarType.URL}
_TEXT_OR_ID = _TEXT_OR_URL | {ScalarType.ID}

_MATCHING: tuple[tuple[str, Matching, frozenset[ScalarType], int, str, str], ...] = (
    (
        "TEXT",
        Matching.CONTAINS,
        _TEXT_OR_ID,
        1,
        "contains text",
        "A string occurs anywhere in the text, also inside a word. Case is ignored.",
    ),
    (
        "WORD",
        Matching.WORD,
        _TEXT_OR_ID,
        1,
        "contains word",
        "A string occurs as whole words, by Unicode's rules of words. Case is ignored.",
    ),
    (
        "REGEX",
        Matching.REGEX,
        _TEXT_OR_URL,
        2,
        "matches regex",
        "A regular expression (RE2) matches somewhere in the text. Case is ignored.",
    ),
)


def _matching() -> Iterator[SignalType]:
    for suffix, matching, inputs, cost, display, description in _MATCHING:
        name = f"TEXT_MATCHING_CONTAINS_{suffix}"
        for negated in (False, True):
            yield SignalType(
                name=f"TEXT_MATCHING_NOT_CONTAINS_{suffix}" if negated else name,
                inputs=inputs,
                output="BOOLEAN",
                cost=cost,
                needs_matching_values=_STRINGS,
                matching=matching,
                negates=name if negated else None,
                display_name=f"Text {'not ' if negated else ''}{display}",
                description=f"Not: {description}" if negated else description,
            )
    yield SignalType(
        name="TEXT_MATCHING_CONTAINS_VARIANT",
        inputs=_TEXT,
        output="BOOLEAN",
        cost=3,
        needs_matching_values=_STRINGS,
        matching=Matching.VARIANT,
        display_name="Text contains variant",
        description="A word occurs as people disguise it: look-alike letters, letters repeated, "
        "signs between the letters.",
    )


def _computed() -> Iterator[SignalType]:
    yield SignalType(
        name="TEXT_SIMILARITY_SCORE",
        inputs=_TEXT,
        output="NUMBER",
        cost=5,
        needs_matching_values=_STRINGS,
        function="similarity",
        display_name="Text similarity",
        description="How near the text, or a part of it, comes to the nearest string: 0 to 1.",
    )
    yield SignalType(
        name="GEO_CONTAINED_WITHIN",
        inputs=frozenset({ScalarType.GEOHASH}),
        output="BOOLEAN",
        cost=5,
        needs_matching_values=frozenset(("locations", "location_banks")),
        function="geo",
        display_name="Location is within",
        description="The centre of the geohash is inside an area: a circle or a rectangle.",
    )


def _at_hand() -> Iterator[SignalType]:
    media = frozenset({ScalarType.IMAGE, ScalarType.VIDEO})
    for name, negates in (
        ("IMAGE_SIMILARITY_MATCH", None),
        ("IMAGE_SIMILARITY_DOES_NOT_MATCH", "IMAGE_SIMILARITY_MATCH"),
    ):
        yield SignalType(
            name=name,
            inputs=media,
            output="BOOLEAN",
            cost=10,
            lane="MEDIA",
            needs_matching_values=frozenset(("image_banks",)),
            external=True,
            negates=negates,
            display_name="Image does not match bank" if negates else "Image matches bank",
            description="The hash of the picture, or of the film's file, is in none of the banks."
            if negates
            else "The hash of the picture, or of the film's file, is in one of the hash banks.",
        )
    yield SignalType(
        name="USER_STRIKE_VALUE",
        inputs=frozenset({ScalarType.USER_ID}),
        output="NUMBER",
        cost=10,
        external=True,
        display_name="User's strikes",
        description="The sum of the user's strikes that have not expired.",
    )
    yield SignalType(
        name="AGGREGATION",
        inputs=frozenset(),
        output="NUMBER",
        cost=10,
        external=True,
        full_item=True,
        unfit_for_routing="it counts what is submitted, and a report is about an item that was",
        display_name="Aggregation",
        description="How many items, this one included, a group has had within a sliding window.",
    )


_OPEN_AI_BOTH = (
    "SELF_HARM",
    "SELF_HARM_INSTRUCTIONS",
    "SELF_HARM_INTENT",
    "SEXUAL",
    "VIOLENCE",
    "GRAPHIC_VIOLENCE",
)
_OPEN_AI_TEXT = ("HATE", "HATE_THREATENING", "SEXUAL_MINORS", *_OPEN_AI_BOTH)


def _open_ai(category: str, kind: Literal["TEXT", "IMAGE"]) -> SignalType:
    words = category.replace("_", " ").lower()
    return SignalType(
        name=f"OPEN_AI_{category}_{kind}_MODEL",
        inputs=_TEXT if kind == "TEXT" else frozenset({ScalarType.IMAGE}),
        output="NUMBER",
        cost=20,
        lane="SLOW",
        external=True,
        integration="OPEN_AI",
        needs_account=True,
        display_name=f"OpenAI: {words} ({kind.lower()})",
        description=f"OpenAI's moderation score for {words}: 0 to 1.",
        recommended_thresholds=Thresholds(high_precision=0.95, high_recall=0.9),
        languages=("en",) if kind == "TEXT" else (),
        docs_url="https://platform.openai.com/docs/guides/moderation",
    )


def _remote() -> Iterator[SignalType]:
    for category in _OPEN_AI_TEXT:
        yield _open_ai(category, "TEXT")
    for category in _OPEN_AI_BOTH:
        yield _open_ai(category, "IMAGE")
    yield SignalType(
        name="OPEN_AI_WHISPER_TRANSCRIPTION",
        inputs=frozenset({ScalarType.AUDIO, ScalarType.VIDEO}),
        output="STRING",
        cost=20,
        lane="SLOW",
        external=True,
        derivation="VIDEO_TRANSCRIPTION",
        integration="OPEN_AI",
        needs_account=True,
        display_name="Transcription",
        description="What is said in a video or sound, as text.",
        docs_url="https://platform.openai.com/docs/guides/speech-to-text",
    )
    yield SignalType(
        name="GOOGLE_CONTENT_SAFETY_API_IMAGE",
        inputs=frozenset({ScalarType.IMAGE}),
        output="ENUM",
        cost=20,
        lane="SLOW",
        external=True,
        order=("VERY_LOW", "LOW", "MEDIUM", "HIGH", "VERY_HIGH"),
        allowed_in_rules=False,
        integration="GOOGLE_CONTENT_SAFETY_API",
        needs_account=True,
        display_name="Google Content Safety (image)",
        description="How urgently people should review the image.",
        docs_url="https://protectingchildren.google/tools-for-partners/",
    )
    yield SignalType(
        name="ZENTROPI_LABELER",
        inputs=_TEXT,
        output="NUMBER",
        cost=20,
        lane="SLOW",
        external=True,
        subcategories=True,
        integration="ZENTROPI",
        needs_account=True,
        display_name="Zentropi labeler",
        description="How sure a labeler of yours is that its label applies: 0 to 1.",
        recommended_thresholds=Thresholds(high_precision=0.8, high_recall=0.6),
        docs_url="https://docs.zentropi.ai/",
    )


BUILTIN: tuple[SignalType, ...] = (*_matching(), *_computed(), *_at_hand(), *_remote())
