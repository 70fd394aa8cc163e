"""The lane of a rule, and the catalogue it is read from."""

from __future__ import annotations

from typing import Any

import pytest

from coop_rules.language.lane import rule_lane
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import Matching

from .rules_example import (
    ALL_TEXT,
    both,
    counted,
    either,
    field,
    leaf,
    negated,
    signal,
    text,
    transcribed,
)

CATALOGUE = SignalCatalogue.builtin()
IMAGE = signal("IMAGE_SIMILARITY_MATCH", field("picture"), imageBankIds=["b"])
REMOTE = signal("OPEN_AI_HATE_TEXT_MODEL", ALL_TEXT, "GREATER_THAN", 0.5)


@pytest.mark.parametrize(
    ("condition", "lane"),
    [
        (both(leaf(field("likes"), "EQUALS", 1), text("x")), "FAST"),
        (both(signal("USER_STRIKE_VALUE", {"type": "USER_ID"}, "EQUALS", 1)), "FAST"),
        (both(counted({"type": "USER_ID"})), "FAST"),
        (both(signal("GEO_CONTAINED_WITHIN", field("place"), locationBankIds=["p"])), "FAST"),
        (both(text("x"), IMAGE), "MEDIA"),
        (both(negated(either(IMAGE, REMOTE))), "SLOW"),
        (both(text("x", source=transcribed(field("clip")))), "SLOW"),
        (both(leaf(transcribed(field("clip")), "IS_UNAVAILABLE")), "SLOW"),
        (both({"input": ALL_TEXT, "signal": {"id": '{"type":"ZENTROPI_LABELER"}'}}), "SLOW"),
        (both(signal("NONSENSE", ALL_TEXT)), "FAST"),
        ({"conditions": [None, 3, {"conditions": "x"}, REMOTE]}, "SLOW"),
        ({"conditions": [{"signal": {"id": "{"}}, {"input": {"spec": {}}}]}, "SLOW"),
        (None, "FAST"),
    ],
)
def test_lane(condition: Any, lane: str) -> None:
    """A rule's lane is that of what it waits for longest; what cannot be read has some lane."""
    assert rule_lane(condition, CATALOGUE) == lane


def test_lane_of_what_is_nested_without_end() -> None:
    """A condition set nested beyond every limit is read as far as it goes, without harm."""
    deep: Any = REMOTE
    for _ in range(5000):
        deep = both(deep)
    assert rule_lane(deep, CATALOGUE) == "FAST"


def test_catalogue_is_whole() -> None:
    """Every one of Coop's signals has an entry that says what it takes and gives; each score comes
    from exactly one place."""
    assert len(CATALOGUE) == 7 + 2 + 4 + 15 + 3
    for name, found in CATALOGUE.items():
        assert found.name == name
        assert found.display_name
        assert found.description
        assert bool(found.inputs) is not found.full_item
        sources = [found.matching is not None, found.function is not None, found.external]
        assert sum(sources) == 1
        assert bool(found.order) is (found.output == "ENUM")
        assert found.negates is None or found.negates in CATALOGUE
    assert {t.matching for t in CATALOGUE.values()} - {None} == set(Matching)
    whisper = CATALOGUE.deriving("VIDEO_TRANSCRIPTION")
    assert whisper is not None
    assert whisper.name == "OPEN_AI_WHISPER_TRANSCRIPTION"
    assert SignalCatalogue.builtin() is CATALOGUE
