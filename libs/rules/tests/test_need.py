"""What a program wants from outside, and what it makes of the answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.event import ItemRef, SignalValue
from coop_rules.program.compiler import compile_program
from coop_rules.program.program import Facts, Program
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import SignalType

from .rules_example import (
    ALL_TEXT,
    BANKS,
    COMMENT,
    NOW,
    POST,
    USER,
    both,
    counted,
    either,
    field,
    given,
    leaf,
    negated,
    program,
    rule,
    signal,
    text,
    transcribed,
)

CREATOR = ItemRef("u1", "user")
HATE = "OPEN_AI_HATE_TEXT_MODEL"
ANY_IMAGE = {"type": "CONTENT_COOP_INPUT", "name": "Any image"}


def facts(data: dict[str, Any] | None = None, **others: Any) -> Facts:
    return Facts.read(data or {}, at=NOW, creator=CREATOR, **others)


def outcomes(compiled: Program, found: Facts, signals: Any = None) -> list[bool | None]:
    evaluation = compiled.evaluate_facts(found, trace=True, signals=signals or {})
    return [outcome for _, outcome in evaluation.outcomes]


def test_one_need_for_all_conditions_on_it() -> None:
    """A signal on an input is asked for once, however many conditions and rules compare it, and its
    key is the same in every program."""
    low, high = (signal(HATE, ALL_TEXT, "GREATER_THAN", t) for t in (0.5, 0.9))
    compiled = program(both(low), either(high, text("x")))
    (need,) = compiled.needs
    assert need.key == program(both(high)).needs[0].key
    assert len(need.key) == 16
    assert compiled.inputs_of(need, facts({"title": "a", "tags": ["b"]})) == ["a b"]
    assert outcomes(compiled, facts({"title": "a"}), given(compiled, 0, 0.7)) == [True, False]
    other = program(both(signal(HATE, field("title"), "GREATER_THAN", 0.5)))
    assert other.needs[0].key != need.key


def test_absent_and_errored_values_are_unknown() -> None:
    """A value that was not handed in, has an error or a wrong type makes the condition unknown, and
    says why; an input that is not provided makes it false."""
    compiled = program(both(signal(HATE, ALL_TEXT, "LESS_THAN", 0.5)))
    found = facts({"title": "a"})
    for signals, reason in (
        ({}, "there is no value"),
        (given(compiled, 0, errors=("timed out",)), "timed out"),
        (given(compiled, 0, "high"), "a value is str, not NUMBER"),
        (given(compiled, 0, True), "a value is bool, not NUMBER"),
    ):
        evaluation = compiled.evaluate_facts(found, signals=signals)
        assert evaluation.outcomes == [(0, None)]
        _, (condition,) = evaluation.results()
        assert (condition.outcome, condition.error) == ("ERRORED", reason)
    assert outcomes(compiled, facts()) == [False]
    assert compiled.inputs_of(compiled.needs[0], facts()) == []


def test_any_value_of_an_external_signal_passes() -> None:
    """Each value of the input has its score by position: one that passes decides; without one, an
    unknown score makes the condition unknown."""
    compiled = program(both(signal(HATE, field("tags"), "GREATER_THAN", 0.5)))
    (need,) = compiled.needs
    found = facts({"tags": ["a", 3, None, "b"]})
    # The wrong type keeps its position, so that the values after it find theirs.
    assert compiled.inputs_of(need, found) == ["a", None, "b"]
    passing = SignalValue(key=need.key, signal=HATE, position=2, score=0.8)
    assert outcomes(compiled, found, {need.key: [passing]}) == [True]
    failing = msgspec.structs.replace(passing, score=0.1)
    assert outcomes(compiled, found, {need.key: [failing]}) == [None]
    beyond = msgspec.structs.replace(passing, position=7)
    assert outcomes(compiled, found, {need.key: [beyond]}) == [None]


def test_unavailable() -> None:
    """IS_UNAVAILABLE passes where a score could not be had and only there, whatever the score and
    the stale threshold are (Coop's defect); on a plain field it never passes."""
    condition = signal(HATE, ALL_TEXT, "IS_UNAVAILABLE", 0.5)
    compiled = program(both(condition), both(leaf(field("title"), "IS_UNAVAILABLE")))
    found = facts({"title": "a"})
    assert outcomes(compiled, found, given(compiled, 0, 0.7)) == [False, False]
    assert outcomes(compiled, found, given(compiled, 0, errors=("down",))) == [True, False]
    assert outcomes(compiled, found) == [True, False]
    assert outcomes(compiled, facts()) == [False, False]


def test_image_banks() -> None:
    """Both image signals ask one thing, whether the image matches; one turns the answer around.
    MEDIA fields are asked about where they hold an image."""
    match, without = (
        signal(f"IMAGE_SIMILARITY_{name}", ANY_IMAGE, imageBankIds=["b", "a"])
        for name in ("MATCH", "DOES_NOT_MATCH")
    )
    compiled = program(both(match), both(without), both({**match, "threshold": "false"} | _EQUAL))
    (need,) = compiled.needs
    assert need.signal.name == "IMAGE_SIMILARITY_MATCH"
    assert need.matching is not None
    assert need.matching.image_bank_ids == ("b", "a")
    found = facts(
        {
            "picture": {"url": "https://x.test/a"},
            "media": {"url": "https://x.test/b", "mediaType": "VIDEO"},
        }
    )
    assert compiled.inputs_of(need, found) == [{"url": "https://x.test/a"}]
    assert outcomes(compiled, found, given(compiled, 0, True)) == [True, False, False]
    assert outcomes(compiled, found, given(compiled, 0, False)) == [False, True, True]
    media = program(both(signal("IMAGE_SIMILARITY_MATCH", field("media"), imageBankIds=["a"])))
    film = {"url": "https://x.test/b", "mediaType": "VIDEO"}
    assert media.inputs_of(media.needs[0], found) == [film]


_EQUAL = {"comparator": "EQUALS"}


def test_user_strikes_are_asked_for_users() -> None:
    """The author, or the user of a field, is handed out as a reference; of a user item the author
    is the user."""
    condition = signal("USER_STRIKE_VALUE", {"type": "USER_ID"}, "GREATER_THAN", 2)
    compiled = program(both(condition))
    assert compiled.inputs_of(compiled.needs[0], facts()) == [CREATOR]
    assert outcomes(compiled, facts(), given(compiled, 0, 3)) == [True]
    by_field = program(both(signal("USER_STRIKE_VALUE", field("author"), "GREATER_THAN", 2)))
    data = {"author": {"id": "u7", "typeId": "user"}}
    assert by_field.inputs_of(by_field.needs[0], facts(data)) == [ItemRef("u7", "user")]
    assert by_field.inputs_of(by_field.needs[0], facts({"author": {"id": 7}})) == [None]
    of_user = compile_program([rule(both(condition))], item_type=USER, text_banks={})
    alone = Facts.read({}, at=NOW, item=ItemRef("u9", "user"))
    assert of_user.inputs_of(of_user.needs[0], alone) == [ItemRef("u9", "user")]
    assert compiled.inputs_of(compiled.needs[0], alone) == []


def test_transcription_is_a_need_before_others() -> None:
    """A derived text is needed first; what is asked about it is its text, and what could not be
    derived is unknown."""
    clip = transcribed(field("clip"))
    compiled = program(
        both(signal(HATE, clip, "GREATER_THAN", 0.5)), both(text("spam", source=clip))
    )
    transcription, hate = compiled.needs
    assert transcription.signal.name == "OPEN_AI_WHISPER_TRANSCRIPTION"
    found = facts({"clip": {"url": "https://x.test/v.mp4"}})
    assert compiled.inputs_of(transcription, found) == [{"url": "https://x.test/v.mp4"}]
    assert compiled.inputs_of(hate, found) == [None]
    heard = given(compiled, 0, "so much spam")
    assert compiled.inputs_of(hate, found, heard) == ["so much spam"]
    assert outcomes(compiled, found, heard) == [None, True]
    assert outcomes(compiled, found, heard | given(compiled, 1, 0.6)) == [True, True]
    failed = given(compiled, 0, errors=("too large",))
    evaluation = compiled.evaluate_facts(found, signals=failed)
    assert evaluation.outcomes == [(0, None), (1, None)]
    assert "too large" in {condition.error for condition in evaluation.results()[1]}
    # Not provided is not unavailable.
    assert outcomes(compiled, facts()) == [False, False]


def test_derived_field_itself() -> None:
    """A derived field is provided where its source is, unavailable where it could not be made."""
    whole = transcribed({"type": "FULL_ITEM"})
    compiled = program(
        both(leaf(whole, "IS_NOT_PROVIDED")),
        both(leaf(whole, "IS_UNAVAILABLE")),
        both(leaf(whole, "CONTAINS", "spam")),
    )
    found = facts({"clip": {"url": "https://x.test/v.mp4"}})
    assert outcomes(compiled, facts()) == [True, False, False]
    assert outcomes(compiled, found, given(compiled, 0, "spam")) == [False, False, True]
    assert outcomes(compiled, found) == [False, True, None]
    # The whole item's transcription is that of any video: one need.
    any_video = transcribed({"type": "CONTENT_COOP_INPUT", "name": "Any video"})
    assert program(both(text("x", source=any_video))).needs[0].key == compiled.needs[0].key


def test_aggregation() -> None:
    """An aggregation hands out its group and whether the item counts; its count is compared, 0 as
    well (Coop's defect), and an item without its group has none."""
    spam = both(text("spam"))
    condition = counted({"type": "USER_ID"}, field("topic"), condition_set=spam, seconds=60)
    compiled = program(both(condition), both(negated(condition)))
    (need,) = compiled.needs
    assert need.aggregation is not None
    assert need.aggregation.window == 60.0
    found = facts({"topic": "cats", "title": "spam"})
    assert compiled.inputs_of(need, found) == [("user/u1", "cats")]
    assert compiled.counts(need, found) is True
    assert compiled.counts(need, facts({"topic": "cats", "title": "fine"})) is False
    assert compiled.counts(need, facts({"topic": "cats", "title": 3})) is False
    assert compiled.inputs_of(need, facts({"title": "spam"})) == []
    assert outcomes(compiled, found, given(compiled, 0, 4)) == [True, False]
    assert outcomes(compiled, found, given(compiled, 0, 0)) == [False, True]
    assert outcomes(compiled, found) == [None, None]
    assert outcomes(compiled, facts()) == [False, True]


def test_aggregation_of_everything() -> None:
    """Without inputs to group by all items are one group, and every one counts."""
    compiled = program(both(counted()))
    (need,) = compiled.needs
    assert compiled.inputs_of(need, facts()) == [()]
    assert compiled.counts(need, facts()) is True


def test_aggregation_keeps_its_identity() -> None:
    """Saving a rule again, or another rule with the same meaning, goes on with the same count; what
    counts other things is another count."""

    def identity(condition: dict[str, Any], *type_ids: str) -> str:
        found = rule(both(condition), item_type_ids=type_ids or ("post",))
        compiled = compile_program([found], item_type=POST, text_banks=BANKS)
        aggregation = compiled.needs[0].aggregation
        assert aggregation is not None
        return aggregation.id

    by_user = {"type": "USER_ID"}
    first = counted(by_user)
    again = counted(by_user, threshold=99)
    again["signal"]["args"]["aggregationClause"]["id"] = "another"
    assert identity(first) == identity(again)
    for other in (
        counted(field("topic")),
        counted(by_user, seconds=61),
        counted(by_user, condition_set=both(text("x"))),
    ):
        assert identity(other) != identity(first)
    # A rule on comments too counts those too.
    assert identity(first, "post", "comment") != identity(first, "post")
    assert identity(first, "post", "comment") == identity(first, "comment", "post")
    narrowed = {**first, "input": {"type": "FULL_ITEM", "contentTypeIds": ["post"]}}
    assert identity(narrowed, "post", "comment") == identity(first, "post")


def test_aggregation_of_other_item_types() -> None:
    """An item of a type that is not counted does not apply; a group by another type's field is not
    provided."""
    elsewhere = {**counted(), "input": {"type": "FULL_ITEM", "contentTypeIds": ["post"]}}
    compiled = compile_program([rule(both(elsewhere))], item_type=COMMENT, text_banks={})
    assert compiled.needs == ()
    assert outcomes(compiled, facts()) == [False]
    by_topic = counted(field("topic"))
    compiled = compile_program([rule(both(by_topic))], item_type=COMMENT, text_banks={})
    assert compiled.inputs_of(compiled.needs[0], facts({"topic": "x"})) == []


def test_plugins_join_the_catalogue() -> None:
    """A plugin's signal is one like the others; a name that is taken is refused."""
    mood = SignalType(
        name="EXAMPLE_MOOD",
        inputs=SignalCatalogue.builtin()[HATE].inputs,
        output="ENUM",
        order=("CALM", "ANGRY"),
        cost=5,
        lane="SLOW",
        external=True,
    )
    catalogue = SignalCatalogue.builtin().with_plugins([mood])
    condition = both(signal("EXAMPLE_MOOD", ALL_TEXT, "GREATER_THAN_OR_EQUALS", "ANGRY"))
    compiled = program(condition, catalogue=catalogue)
    found = facts({"title": "grr"})
    assert outcomes(compiled, found, given(compiled, 0, "ANGRY")) == [True]
    assert outcomes(compiled, found, given(compiled, 0, "CALM")) == [False]
    assert outcomes(compiled, found, given(compiled, 0, "FURIOUS")) == [None]
    without = program(condition)
    assert "not a known signal" in without.problems["r0"][0].reason
    assert outcomes(without, found) == [None]
    with pytest.raises(ValueError, match="two signals"):
        catalogue.with_plugins([mood])
