"""A rule that cannot run as meant is refused when it is saved, with the place and the reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.config import BankChunk, HashBank, RoutingRule, Rule, RuleStatus, TextBank
from coop_rules.language.check import check_condition_set, check_rule
from coop_rules.language.model import MAX_DEPTH, ConditionError
from coop_rules.language.parse import parse_condition_set

from .rules_example import (
    ALL_TEXT,
    BANKS,
    ITEM_TYPES,
    LOCATION_BANKS,
    both,
    counted,
    either,
    field,
    leaf,
    signal,
    text,
    transcribed,
)


def problems(condition: Any, **others: Any) -> list[tuple[str, str]]:
    found = check_condition_set(
        both(condition),
        item_type_ids=("post",),
        item_types=ITEM_TYPES,
        text_banks=others.pop("banks", BANKS),
        location_banks=LOCATION_BANKS,
        hash_banks={
            "bank": HashBank(id="bank", name="Bank", hma_name="h"),
            "good": HashBank(id="good", name="Good", hma_name="g", known_good=True),
        },
        **others,
    )
    return [(problem.pointer, problem.reason) for problem in found]


AT = "/conditions/0"
STRIKES = signal("USER_STRIKE_VALUE", {"type": "USER_ID"}, "EQUALS", 1)


def negated_by(*conditions: Any) -> dict[str, Any]:
    return {"conjunction": "NOT", "conditions": list(conditions)}


@pytest.mark.parametrize(
    ("condition", "pointer", "reason"),
    [
        (leaf(field("nope"), "EQUALS", "x"), "/input/name", "no field nope"),
        (leaf(field("body", "comment"), "EQUALS", "x"), "/input/contentTypeId", "does not apply"),
        (leaf(field("likes"), "EQUALS", "many"), "/threshold", "does not fit"),
        (leaf(field("likes"), "EQUALS", ""), "/threshold", "does not fit"),
        (leaf(field("likes"), "EQUALS", "nan"), "/threshold", "does not fit"),
        (leaf(field("likes"), "EQUALS", True), "/threshold", "does not fit"),
        (leaf(field("likes"), "EQUALS"), "/threshold", "missing"),
        (leaf(field("likes")), "/threshold", "missing"),
        (leaf(field("likes"), None, 3), "/comparator", "missing"),
        (leaf(field("title"), "LESS_THAN", "x"), "/comparator", "no order"),
        (leaf(field("title"), "EQUALS", 3), "/threshold", "does not fit"),
        (leaf(field("public"), "EQUALS", "yes"), "/threshold", "does not fit"),
        (leaf(field("public"), "NOT_EQUAL_TO"), "/threshold", "missing"),
        (leaf(field("sent"), "LESS_THAN", "yesterday"), "/threshold", "does not fit"),
        (text(), "/matchingValues", "nothing to look for"),
        (text(""), "/matchingValues/strings/0", "non-empty"),
        (text("a", banks=("gone",)), "/matchingValues/textBankIds/0", "no text bank gone"),
        (text(banks=("regexes",)), "/matchingValues/textBankIds/0", "holds REGEX"),
        (
            text(kind="CONTAINS_REGEX", banks=("words",)),
            "/matchingValues/textBankIds/0",
            "holds STRING",
        ),
        (
            text("ok", "a(?=b)", kind="CONTAINS_REGEX"),
            "/matchingValues/strings/1",
            "invalid perl operator",
        ),
        (text("a", source=field("likes")), "/input", "NUMBER is not eligible"),
        (signal("USER_SCORE", {"type": "USER_ID"}, "LESS_THAN", 2), "/signal/type", "available"),
        (text("a", kind="CONTAINS_VARIANT", source=field("topic")), "/input", "takes STRING"),
        (text("a", kind="NONSENSE"), "/signal/type", "not a known signal"),
        (
            {**leaf(field("title"), "EQUALS", "x"), "matchingValues": {"strings": ["x"]}},
            "/matchingValues",
            "only a signal",
        ),
        ({"input": {"type": "FULL_ITEM"}}, "/input/type", "whole item"),
        (leaf({"type": "CONTENT_COOP_INPUT", "name": "Source"}, "EQUALS", "x"), "/input/name", ""),
        (either(), "/conditions", "at least one"),
        ({**leaf(field("likes"), "EQUALS", 1), "extra": 1}, "/extra", "unknown property"),
        ({"input": {"type": "WHAT"}}, "/input/type", "not an input type"),
        (leaf(field("likes"), "IS_BIG", 1), "/comparator", "not a comparator"),
        (leaf(field("likes"), "EQUALS", [1]), "/threshold", "only IN and NOT_IN take a list"),
        (leaf(field("likes"), "EQUALS", {}), "/threshold", "must be"),
        ({"conjunction": "NOR", "conditions": []}, "/conjunction", "must be AND"),
        (negated_by(), "/conditions", "exactly one"),
        (negated_by(leaf(field("public")), leaf(field("public"))), "/conditions", "exactly one"),
        (leaf(field("likes"), "IN", 3), "/threshold", "takes a list"),
        (leaf(field("likes"), "IN", []), "/threshold", "takes a list"),
        (leaf(field("likes"), "IN", [1, "many"]), "/threshold/1", "does not fit"),
        (leaf(field("likes"), "IN", [1, [2]]), "/threshold", "must be a list of"),
        (leaf(field("public"), "IN", [True]), "/comparator", "EQUALS"),
        (
            {**leaf(field("title"), "IN", ["a"]), "matchingValues": {"strings": ["b"]}},
            "/threshold",
            "only one",
        ),
        (
            {**leaf(field("title"), "IN"), "matchingValues": {"textBankIds": ["regexes"]}},
            "/matchingValues/textBankIds/0",
            "holds REGEX",
        ),
        (
            {**leaf(field("title"), "IN"), "matchingValues": {"locationBankIds": ["x"]}},
            "/matchingValues/locationBankIds",
            "strings and text banks",
        ),
        (leaf(field("likes"), "CONTAINS", 1), "/comparator", "has no parts"),
        (leaf(field("scores"), "CONTAINS", "x"), "/threshold", "does not fit"),
        (leaf(field("author"), "CONTAINS", "u"), "/comparator", "has no parts"),
        ({**text("a"), "comparator": "CONTAINS", "threshold": "a"}, "/comparator", "without"),
        ({**text("a"), "comparator": "LESS_THAN", "threshold": True}, "/comparator", "no order"),
        (
            signal("TEXT_SIMILARITY_SCORE", ALL_TEXT, strings=["a"]),
            "/threshold",
            "missing",
        ),
        (
            signal("TEXT_SIMILARITY_SCORE", ALL_TEXT, "GREATER_THAN", "high", strings=["a"]),
            "/threshold",
            "does not fit",
        ),
        (
            signal("TEXT_SIMILARITY_SCORE", ALL_TEXT, "GREATER_THAN", 0.5, textBankIds=["regexes"]),
            "/matchingValues/textBankIds/0",
            "holds REGEX",
        ),
        (
            signal("GEO_CONTAINED_WITHIN", field("place"), strings=["u09"]),
            "/matchingValues/strings",
            "takes locations and locationBankIds",
        ),
        (
            signal("GEO_CONTAINED_WITHIN", field("place"), locationBankIds=["gone"]),
            "/matchingValues/locationBankIds/0",
            "no location bank gone",
        ),
        (
            signal("GEO_CONTAINED_WITHIN", field("place"), locations=[{"id": "x"}]),
            "/matchingValues/locations/0",
            "geometry",
        ),
        (
            signal("GEO_CONTAINED_WITHIN", field("title"), locationBankIds=["places"]),
            "/input",
            "takes GEOHASH",
        ),
        (signal("IMAGE_SIMILARITY_MATCH", field("picture")), "/matchingValues", "needs matching"),
        (
            signal("IMAGE_SIMILARITY_MATCH", field("picture"), imageBankIds=["bank", "good"]),
            "/matchingValues/imageBankIds/1",
            "known to be good",
        ),
        (
            signal("IMAGE_SIMILARITY_MATCH", field("picture"), imageBankIds=["gone"]),
            "/matchingValues/imageBankIds/0",
            "no hash bank gone",
        ),
        (
            signal("OPEN_AI_HATE_TEXT_MODEL", ALL_TEXT, "GREATER_THAN", 0.5, strings=["a"]),
            "/matchingValues/strings",
            "no matching values",
        ),
        (
            signal("OPEN_AI_SEXUAL_IMAGE_MODEL", field("clip"), "GREATER_THAN", 0.5),
            "/input",
            "VIDEO is not eligible",
        ),
        (
            signal("ZENTROPI_LABELER", ALL_TEXT, "GREATER_THAN", 0.5),
            "/signal/subcategory",
            "needs a subcategory",
        ),
        (
            signal("USER_STRIKE_VALUE", field("author"), "EQUALS", 1, subcategory="x"),
            "/signal/subcategory",
            "no subcategories",
        ),
        (
            signal("USER_STRIKE_VALUE", field("title"), "EQUALS", 1),
            "/input",
            "takes USER_ID",
        ),
        (
            signal("GOOGLE_CONTENT_SAFETY_API_IMAGE", field("picture"), "EQUALS", "HIGH"),
            "/signal/type",
            "routing rules only",
        ),
        (
            signal("OPEN_AI_WHISPER_TRANSCRIPTION", field("clip"), "EQUALS", "x"),
            "/signal/type",
            "derived field",
        ),
        (leaf(transcribed(field("title")), "EQUALS", "x"), "/input/spec/source", "takes AUDIO"),
        (leaf(transcribed({"type": "USER_ID"}), "EQUALS", "x"), "/input/spec/source/type", ""),
        (
            leaf({**transcribed(field("clip")), "spec": {"source": field("clip")}}, "EQUALS", "x"),
            "/input/spec/derivationType",
            "non-empty",
        ),
        (signal("AGGREGATION", {"type": "FULL_ITEM"}, "EQUALS", 1), "/signal/args", "clause"),
        (
            {**counted(), "input": field("title")},
            "/input",
            "takes the whole item",
        ),
        (
            counted(field("tags")),
            "/signal/args/aggregationClause/groupBy/0",
            "grouped by one value",
        ),
        (
            counted(field("gone")),
            "/signal/args/aggregationClause/groupBy/0/name",
            "no field gone",
        ),
        (
            counted(seconds=0.1),
            "/signal/args/aggregationClause/window/sizeMs",
            "between",
        ),
        (
            counted(condition_set=both(leaf(field("gone"), "EQUALS", 1))),
            "/signal/args/aggregationClause/conditionSet/conditions/0/input/name",
            "no field gone",
        ),
        (
            counted(
                condition_set=both(signal("USER_STRIKE_VALUE", {"type": "USER_ID"}, "EQUALS", 1))
            ),
            "/signal/args/aggregationClause/conditionSet/conditions/0",
            "in the item alone",
        ),
        (
            {**counted(), "input": {"type": "FULL_ITEM", "contentTypeIds": ["post", "other"]}},
            "/input/contentTypeIds/1",
            "does not apply",
        ),
        (
            signal("USER_STRIKE_VALUE", {"type": "USER_ID"}, "EQUALS", 1, args={"other": 1}),
            "/signal/args/other",
            "unknown property",
        ),
        ({"conjunction": "AND", "conditions": {}}, "/conditions", "must be a list"),
        ({"comparator": "EQUALS"}, "/input", "missing"),
        ("x", "", "must be an object"),
        (leaf({"type": "CONTENT_COOP_INPUT", "name": "Mood"}, "EQUALS", "x"), "/input/name", ""),
        ({**text("a"), "signal": {"id": "{", "type": "X"}}, "/signal/id", "JSON"),
        ({**text("a"), "signal": {"id": '{"type":"Y"}', "type": "X"}}, "/signal/id", "another"),
    ],
)
def test_refused(condition: Any, pointer: str, reason: str) -> None:
    """The problem names the very property and says why."""
    found = problems(condition)
    assert found
    assert found[0][0] == AT + pointer
    assert reason in found[0][1]


@pytest.mark.parametrize(
    "condition",
    [
        leaf(field("likes"), "GREATER_THAN", "0.5"),
        leaf(field("scores"), "EQUALS", 3),
        leaf(field("public")),
        leaf(field("public"), "EQUALS"),
        leaf(field("public"), "NOT_EQUAL_TO", "true"),
        leaf(field("sent"), "LESS_THAN", "2026-01-01T00:00:00Z"),
        leaf({"type": "USER_ID"}, "EQUALS", "u1"),
        leaf(field("picture"), "IS_NOT_PROVIDED"),
        leaf(field("title"), "IS_UNAVAILABLE", "stale"),
        text("a"),
        {**text("a"), "comparator": "EQUALS", "threshold": "true"},
        text("a", source=field("tags"), kind="NOT_CONTAINS_TEXT"),
        text(kind="CONTAINS_REGEX", banks=("regexes",)),
        {**text("a"), "matchingValues": {"strings": [], "textBankIds": ["words"]}},
        {**text("a"), "threshold": None, "__typename": "LeafCondition"},
        either(leaf(field("public")), both(text("b"))),
        negated_by(text("a")),
        leaf(field("likes"), "IN", [1, "2"]),
        leaf(field("author"), "NOT_IN", ["u1"]),
        {**leaf(field("title"), "IN"), "matchingValues": {"textBankIds": ["words"]}},
        leaf(field("title"), "CONTAINS", "x"),
        leaf(ALL_TEXT, "CONTAINS", "x"),
        leaf(field("tags"), "CONTAINS", "x"),
        leaf(field("captions"), "CONTAINS", "x"),
        leaf(field("scores"), "CONTAINS", "3"),
        text("a", kind="CONTAINS_WORD"),
        text("a", kind="NOT_CONTAINS_WORD", source=field("topic")),
        text("a", kind="CONTAINS_VARIANT"),
        text("a", source=transcribed(field("clip"))),
        text("a", source=transcribed({"type": "FULL_ITEM"})),
        leaf(transcribed(field("media")), "IS_UNAVAILABLE"),
        signal("TEXT_SIMILARITY_SCORE", ALL_TEXT, "GREATER_THAN", "0.8", textBankIds=["words"]),
        signal("GEO_CONTAINED_WITHIN", field("place"), locationBankIds=["places"]),
        signal(
            "GEO_CONTAINED_WITHIN",
            {"type": "CONTENT_COOP_INPUT", "name": "Any geohash"},
            locations=[
                {
                    "id": "x",
                    "name": None,
                    "geometry": {"center": {"lat": 1.5, "lng": 2}, "radius": 3},
                    "bounds": None,
                    "googlePlaceInfo": {"id": "g"},
                }
            ],
            strings=[],
        ),
        signal("IMAGE_SIMILARITY_MATCH", field("picture"), imageBankIds=["bank"]),
        signal("IMAGE_SIMILARITY_DOES_NOT_MATCH", field("media"), imageBankIds=["bank"]),
        signal("USER_STRIKE_VALUE", field("author"), "GREATER_THAN", 2),
        signal("ZENTROPI_LABELER", ALL_TEXT, "GREATER_THAN", 0.5, subcategory="v1"),
        signal("OPEN_AI_SEXUAL_IMAGE_MODEL", field("media"), "GREATER_THAN", 0.5),
        counted(),
        counted({"type": "USER_ID"}, field("topic"), condition_set=both(text("a"))),
    ],
)
def test_accepted(condition: Any) -> None:
    """Coop's condition JSON is read as it is."""
    assert problems(condition) == []


def test_every_problem_is_reported() -> None:
    """All that is wrong is said at once."""
    found = problems(both(leaf(field("nope")), text("(", kind="CONTAINS_REGEX"), text()))
    assert [pointer for pointer, _ in found] == [
        f"{AT}/conditions/0/input/name",
        f"{AT}/conditions/1/matchingValues/strings/0",
        f"{AT}/conditions/2/matchingValues",
    ]


def test_bank_with_a_bad_regex_is_refused_with_its_place() -> None:
    """A rule whose bank has a regex that does not compile is refused, and the regex named by its
    place in the bank."""
    bank = TextBank(id="bad", name="Bad", type="REGEX", strings=("fine", "(x"))
    found = problems(text(kind="CONTAINS_REGEX", banks=("bad",)), banks={"bad": bank})
    assert found[0][0] == f"{AT}/matchingValues/textBankIds/0"
    assert "/strings/1" in found[0][1]


def test_depth_and_size_are_bounded() -> None:
    """Nesting beyond the limit and too many conditions are refused, however deep the JSON is."""
    nested: Any = leaf(field("likes"), "EQUALS", 1)
    for _ in range(MAX_DEPTH):
        nested = both(nested)
    assert parse_condition_set(nested)
    with pytest.raises(ConditionError, match="deeper"):
        parse_condition_set(both(nested))
    deep: Any = nested
    for _ in range(5000):
        deep = both(deep)
    with pytest.raises(ConditionError, match="deeper"):
        parse_condition_set(deep)
    with pytest.raises(ConditionError, match="500"):
        parse_condition_set(both(*[leaf(field("likes"), "EQUALS", 1)] * 600))


def test_rule_documents() -> None:
    """A rule's own document is pointed into; routing rules may use the routing inputs."""
    condition = both(leaf({"type": "CONTENT_COOP_INPUT", "name": "Source"}, "EQUALS", "REPORT"))
    routing = RoutingRule(
        id="r",
        name="R",
        sequence_number=1,
        item_type_ids=("post",),
        condition_set=condition,
        destination_queue_id="q",
    )
    assert check_rule(routing, item_types=ITEM_TYPES, text_banks=BANKS) == []
    rule = Rule(
        id="r",
        name="R",
        status=RuleStatus.LIVE,
        item_type_ids=("gone", "post"),
        condition_set=condition,
    )
    found = check_rule(rule, item_types=ITEM_TYPES, text_banks=BANKS)
    assert [problem.pointer for problem in found] == [
        "/itemTypeIds/0",
        "/conditionSet/conditions/0/input/name",
    ]
    empty = msgspec.structs.replace(rule, item_type_ids=())
    assert check_rule(empty, item_types=ITEM_TYPES, text_banks=BANKS)[0].pointer == "/itemTypeIds"


def test_a_leaf_serves_every_item_type_it_is_meant_for() -> None:
    """A field of one of the rule's item types is checked in that type alone."""
    condition = either(
        leaf(field("likes"), "EQUALS", 1), leaf(field("body", "comment"), "EQUALS", "x")
    )
    found = check_condition_set(
        condition, item_type_ids=("post", "comment"), item_types=ITEM_TYPES, text_banks=BANKS
    )
    assert found == []


def test_ordered_enum_is_compared_by_its_order() -> None:
    """A routing rule may compare an enum by its order; a threshold that is none of it is refused
    when the rule is saved."""
    good = signal("GOOGLE_CONTENT_SAFETY_API_IMAGE", field("picture"), "GREATER_THAN", "LOW")
    assert problems(good, routing=True) == []
    for comparator, threshold in (("LESS_THAN", "SOMEWHAT"), ("IN", ["HIGH", "WHAT"])):
        bad = {**good, "comparator": comparator, "threshold": threshold}
        (problem,) = problems(bad, routing=True)
        assert problem[0].startswith(f"{AT}/threshold")
        assert "is none of VERY_LOW, LOW" in problem[1]


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (counted(), "it counts what is submitted"),
    ],
)
def test_signals_that_routing_cannot_have(condition: Any, reason: str) -> None:
    """A routing rule with a signal that would never have a value is refused at that condition, in
    a nested one too; the same condition of a rule is good."""
    assert problems(condition) == []
    for tree, at in ((condition, AT), (negated_by(condition), AT + "/conditions/0")):
        [(pointer, said)] = problems(tree, routing=True)
        assert pointer == at + "/signal/type"
        assert "not for routing rules" in said
        assert reason in said
    known = signal("IMAGE_SIMILARITY_MATCH", field("picture"), imageBankIds=["bank"])
    for good in (STRIKES, known):
        assert problems(good, routing=True) == []


def test_bank_in_chunks() -> None:
    """A large bank's chunks are part of it; while one of them is not here, the bank cannot be used
    and the reason names it."""
    bank = TextBank(id="big", name="Big", type="REGEX", strings=(), chunk_ids=("big/1",))
    condition = text(kind="CONTAINS_REGEX", banks=("big",))
    (gone,) = problems(condition, banks={"big": bank})
    assert gone[0] == f"{AT}/matchingValues/textBankIds/0"
    assert "big/1" in gone[1]
    chunk = BankChunk(id="big/1", bank_id="big", strings=("fine", "("))
    (bad,) = problems(condition, banks={"big": bank}, chunks={"big/1": chunk})
    assert "/strings/1" in bad[1]
    chunk = BankChunk(id="big/1", bank_id="big", strings=("fine",))
    assert problems(condition, banks={"big": bank}, chunks={"big/1": chunk}) == []
