"""Osprey's expressions here: the real evaluator says what Osprey would, of rules that were written
by hand and of thousands that were made up."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from coop_contracts.config import ItemType, Kind, Rule, RuleStatus
from coop_contracts.event import RuleRef
from coop_review_api.moving.mapped import Finding, Mapped
from coop_review_api.moving.osprey.mapper import EVENT_TYPE, OspreyWishes, mapped
from coop_review_api.moving.osprey.ruleset import parsed
from coop_rules.language.check import check_rule
from coop_rules.program.compiler import compile_program
from coop_rules.program.program import EnabledRule

NOW = datetime(2026, 9, 1, tzinfo=UTC)
MODEL = """
Text: str = JsonData(path='$.post.text')
Bio: Optional[str] = JsonData(path='$.bio', required=False)
Count: int = JsonData(path='$.user.count')
Score: Optional[float] = JsonData(path='$.score', required=False)
IsBot: bool = JsonData(path='$.bot')
Tags: List[str] = JsonData(path='$.tags')
Kind: Entity[str] = EntityJson(type='EventType', path='$.kind')
WORDS = ['spam', 'eggs']
LIMIT = 3
"""
FIELDS = ("post.text", "bio", "user.count", "score", "bot", "tags", "kind")


def things(text: str, **more: Any) -> list[Mapped | Finding]:
    return mapped(parsed({"main.sml": MODEL + text}), OspreyWishes(now=NOW, **more))


def rule_of(found: list[Mapped | Finding], name: str = "R") -> Mapped:
    return next(
        one
        for one in found
        if isinstance(one, Mapped) and one.kind is Kind.RULE and one.document.id == f"osprey-{name}"
    )


def event_type(found: list[Mapped | Finding]) -> ItemType:
    """As the import makes it, with all fields of the model."""
    made = next(o for o in found if isinstance(o, Mapped) and o.kind is Kind.ITEM_TYPE)
    assert isinstance(made.document, ItemType)
    return made.document


def verdicts(found: list[Mapped | Finding]) -> Callable[[dict[str, Any]], bool]:
    """What the rule R says of an event's fields, by the real compiler."""
    rule, type_ = rule_of(found).document, event_type(found)
    assert isinstance(rule, Rule)
    assert rule.status is RuleStatus.BACKGROUND, rule.description
    problems = check_rule(rule, item_types={EVENT_TYPE: type_}, text_banks={})
    assert problems == [], problems
    ref = RuleRef(id=rule.id, name=rule.name, revision=1)
    program = compile_program(
        [EnabledRule(ref, "BACKGROUND", rule.condition_set, None, (EVENT_TYPE,))],
        item_type=type_,
        text_banks={},
    )

    def says(data: dict[str, Any]) -> bool:
        outcome = program.evaluate(json.dumps(data).encode(), at=NOW)
        return bool(outcome.passed())

    return says


# By hand: a rule's when_all, events of which it is true, events of which it is not.
GOLDEN: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    ("Text == 'a'", [{"post.text": "a"}], [{"post.text": "A"}, {}]),
    ("Text != 'a'", [{"post.text": "b"}, {}], [{"post.text": "a"}]),
    ("Bio == None", [{}], [{"bio": "x"}]),
    ("Bio != None", [{"bio": "x"}], [{}]),
    ("Count > 3", [{"user.count": 4}], [{"user.count": 3}, {}]),
    ("3 < Count", [{"user.count": 4}], [{"user.count": 3}, {}]),
    ("not Count > LIMIT", [{"user.count": 3}], [{"user.count": 4}, {}]),
    ("not (Score > 1)", [{"score": 0.5}, {}], [{"score": 2}]),
    ("Count >= -1, Score <= 0.5", [{"user.count": 0, "score": 0.5}], [{"user.count": 0}]),
    ("IsBot", [{"bot": True}], [{"bot": False}, {}]),
    ("not IsBot", [{"bot": False}], [{"bot": True}, {}]),
    ("IsBot == True", [{"bot": True}], [{"bot": False}, {}]),
    ("Text in WORDS", [{"post.text": "spam"}], [{"post.text": "Spam"}, {}]),
    ("Text not in WORDS", [{"post.text": "x"}, {}], [{"post.text": "eggs"}]),
    ("'b' in Tags", [{"tags": ["a", "b"]}], [{"tags": ["a"]}, {"tags": []}, {}]),
    ("'b' not in Tags", [{"tags": ["a"]}], [{"tags": ["a", "b"]}, {}]),
    ("'ell' in Text", [{"post.text": "hello"}], [{"post.text": "hELLo"}, {}]),
    ("Count > 3 or IsBot", [{"bot": True}, {"user.count": 4}], [{}, {"bot": False}]),
    ("not (Count > 3 or IsBot)", [{}, {"bot": False}], [{"bot": True}]),
    (
        "RegexMatch(target=Text, pattern='He(l+)o')",
        [{"post.text": "Hello"}],
        [{"post.text": "hello"}, {}],
    ),
    (
        "RegexMatch(target=Text, pattern='^he|x$', case_insensitive=True)",
        [{"post.text": "HEllo"}, {"post.text": "aX"}],
        [{"post.text": "ahe"}, {}],
    ),
    ("not RegexMatch(target=Text, pattern='a')", [{"post.text": "b"}], [{"post.text": "a"}, {}]),
    (
        "TextContains(text=Text, phrase='hello')",
        [{"post.text": "oh Hello, you"}, {"post.text": "hello"}],
        [{"post.text": "hellos"}, {}],
    ),
    (
        "TextContains(text=Text, phrase='a.b c')",
        [{"post.text": "x A.B C"}],
        [{"post.text": "axb c"}],
    ),
    ("StringStartsWith(s=Text, start='ab')", [{"post.text": "abc"}], [{"post.text": "xab"}]),
    ("StringEndsWith(s=Text, end='.b')", [{"post.text": "a.b"}], [{"post.text": "axb"}]),
    ("ListLength(list=Tags) >= 1", [{"tags": ["a"]}], [{"tags": []}, {}]),
    ("ListLength(list=Tags) > 0", [{"tags": ["a"]}], [{"tags": []}, {}]),
    ("Kind == 'post', Text == 'a'", [{"kind": "post", "post.text": "a"}], [{"post.text": "a"}]),
]


@pytest.mark.parametrize(("given", "true", "false"), GOLDEN, ids=[one[0] for one in GOLDEN])
def test_by_hand(given: str, true: list[dict[str, Any]], false: list[dict[str, Any]]) -> None:
    """The verdict is Osprey's on every event, also on one that lacks a value."""
    says = verdicts(things(f"R = Rule(when_all=[{given}], description='d')"))
    assert [says(one) for one in true] == [True] * len(true)
    assert [says(one) for one in false] == [False] * len(false)


def test_rules_and_constants_are_named() -> None:
    """A rule in a rule, a local expression, a name; one that failed fails what needs it."""
    says = verdicts(
        things(
            "_Many = Count > LIMIT\nBase = Rule(when_all=[_Many, Text != 'x'], description='b')\n"
            "R = Rule(when_all=[not Base], description='d')"
        )
    )
    assert says({"user.count": 1})
    assert says({"user.count": 9, "post.text": "x"})
    assert not says({"user.count": 9})
    assert not says({})


class Failed(Exception):
    """An expression without a value that it needs."""


def osprey(node: Any, event: dict[str, Any]) -> Any:
    """A plain reading of how Osprey evaluates: node by node, what fails raises."""
    kind, *of = node
    match kind:
        case "feature":
            name, optional = of
            if name in event:
                return event[name]
            if optional:
                return None
            raise Failed
        case "const":
            return of[0]
        case "not":
            return not osprey(of[0], event)
        case "and" | "or":
            values = []
            for one in of[0]:
                try:
                    values.append(osprey(one, event))
                except Failed:
                    values.append(None)
            return all(values) if kind == "and" else any(values)
        case "regex":
            return re.search(of[1], osprey(of[0], event)) is not None
    return _compared(kind, of, event)


def _compared(kind: str, of: list[Any], event: dict[str, Any]) -> bool:
    def value(node: Any, *, or_none: bool) -> Any:
        try:
            return osprey(node, event)
        except Failed:
            if or_none:
                return None
            raise

    equality = kind in ("==", "!=")
    left = value(of[0], or_none=equality or kind in ("in", "not in"))
    right = value(of[1], or_none=equality)
    if equality:
        return bool((left == right) is (kind == "=="))
    if kind in ("in", "not in"):
        if left is None:
            found = right is None or (isinstance(right, list) and None in right)
        else:
            found = right is not None and left in right
        return found is (kind == "in")
    if left is None or right is None:
        return False
    sides = {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
    return bool(sides[kind])


def written(node: Any) -> str:
    """The same as SML."""
    kind, *of = node
    match kind:
        case "feature":
            return NAMES[of[0]]
        case "const":
            return repr(of[0])
        case "not":
            return f"not ({written(of[0])})"
        case "and" | "or":
            return "(" + f" {kind} ".join(f"({written(one)})" for one in of[0]) + ")"
        case "regex":
            return f"RegexMatch(target={written(of[0])}, pattern={of[1]!r})"
    return f"{written(of[0])} {kind} {written(of[1])}"


NAMES = dict(zip(FIELDS, ("Text", "Bio", "Count", "Score", "IsBot", "Tags", "Kind"), strict=True))
TEXTS = ["a", "b", "ab", "B"]


def feature(name: str) -> Any:
    return "feature", name, name in ("bio", "score")


def expression(chance: random.Random, depth: int) -> Any:
    """Any that can be said here."""
    if depth > 0 and chance.random() < 0.6:
        kind = chance.choice(["and", "or", "not"])
        if kind == "not":
            return "not", expression(chance, depth - 1)
        return kind, [expression(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    text = feature(chance.choice(["post.text", "bio", "kind"]))
    number = feature(chance.choice(["user.count", "score"]))
    match chance.randint(0, 7):
        case 0:
            return chance.choice(["==", "!="]), text, ("const", chance.choice([*TEXTS, None]))
        case 1:
            return chance.choice(["<", "<=", ">", ">="]), number, ("const", chance.randint(0, 3))
        case 2:
            return chance.choice(["==", "!="]), number, ("const", chance.choice([0, 1, 2, None]))
        case 3:
            values = [*chance.sample(TEXTS, 2), *([None] if chance.random() < 0.3 else [])]
            return chance.choice(["in", "not in"]), text, ("const", values)
        case 4:
            return chance.choice(["in", "not in"]), ("const", "a"), feature("tags")
        case 5:
            return feature("bot")
        case 6:
            return chance.choice([">", ">="]), ("const", 2), number
    return "regex", feature("post.text"), chance.choice(["a", "^b", "A|B", "b$"])


def event(chance: random.Random) -> dict[str, Any]:
    """Of each value it has some or none; lists are never empty."""
    values: dict[str, Any] = {
        "post.text": chance.choice(TEXTS),
        "bio": chance.choice(TEXTS),
        "user.count": chance.randint(0, 3),
        "score": chance.randint(0, 3),
        "bot": chance.random() < 0.5,
        "tags": chance.sample(TEXTS, chance.randint(1, 3)),
        "kind": chance.choice(TEXTS),
    }
    return {name: one for name, one in values.items() if chance.random() < 0.7}


@pytest.mark.parametrize("seed", range(4))
def test_made_up(seed: int) -> None:
    """Of 75 expressions each, the verdict on 40 events is that of a plain reading of Osprey."""
    chance = random.Random(seed)
    said = 0
    for _ in range(75):
        parts = [expression(chance, 3) for _ in range(chance.randint(1, 2))]
        given = ", ".join(map(written, parts))
        found = things(f"R = Rule(when_all=[{given}], description='d')")
        if rule_of(found).document.status is not RuleStatus.BACKGROUND:  # type: ignore[attr-defined]
            raise AssertionError(rule_of(found).findings)
        says = verdicts(found)
        for _ in range(40):
            one = event(chance)
            try:
                expected = all(osprey(part, one) for part in parts)
            except Failed:
                expected = False
            assert says(one) is expected, (given, one)
            said += expected
    assert said > 300  # some of them say yes
