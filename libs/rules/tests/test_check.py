"""A rule that cannot run as meant is refused when it is saved, with the place and the reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from rules_example import BANKS, ITEM_TYPES, both, either, field, leaf, text

from coop_contracts.config import RoutingRule, Rule, TextBank
from coop_rules.check import bank_problems, check_condition_set, check_rule
from coop_rules.model import MAX_DEPTH, ConditionError, parse_condition_set


def problems(condition: Any, **others: Any) -> list[tuple[str, str]]:
    found = check_condition_set(
        both(condition),
        item_type_ids=("post",),
        item_types=ITEM_TYPES,
        text_banks=others.pop("banks", BANKS),
        **others,
    )
    return [(problem.pointer, problem.reason) for problem in found]


AT = "/conditions/0"


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
        (text("a", source=field("likes")), "/input", "NUMBER is not text"),
        (text("a", kind="CONTAINS_VARIANT"), "/signal/type", "is not available"),
        (text("a", kind="NONSENSE"), "/signal/type", "not a known signal"),
        (
            {**leaf(field("title"), "EQUALS", "x"), "matchingValues": {"strings": ["x"]}},
            "/matchingValues",
            "only a signal",
        ),
        ({"input": {"type": "FULL_ITEM"}}, "/input/type", "not available"),
        (leaf({"type": "CONTENT_COOP_INPUT", "name": "Source"}, "EQUALS", "x"), "/input/name", ""),
        (either(), "/conditions", "at least one"),
        ({**leaf(field("likes"), "EQUALS", 1), "extra": 1}, "/extra", "unknown property"),
        ({"input": {"type": "WHAT"}}, "/input/type", "not an input type"),
        (leaf(field("likes"), "IS_BIG", 1), "/comparator", "not a comparator"),
        (leaf(field("likes"), "EQUALS", [1]), "/threshold", "must be"),
        ({"conjunction": "NOT", "conditions": []}, "/conjunction", "must be AND"),
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
    """A regex that does not compile is named by its place, in the bank and in rules that use it."""
    bank = TextBank(id="bad", name="Bad", type="REGEX", strings=("fine", "(x"))
    (problem,) = bank_problems(bank)
    assert problem.pointer == "/strings/1"
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
        id="r", name="R", status="LIVE", item_type_ids=("gone", "post"), condition_set=condition
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
