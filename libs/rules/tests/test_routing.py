"""The routing decision: pure, stepwise where values are missing, always with an answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.config import OrgSettings, Queue, RoutingRule
from coop_contracts.event import SignalValue, SubmittedItem
from coop_rules import queue_choice as routing
from coop_rules.language.need import Need
from coop_rules.program.compiler import compile_program
from coop_rules.program.demand import Demand
from coop_rules.program.program import EnabledRule
from coop_rules.program.sparing import compile_sparing
from coop_rules.queue_choice import (
    PARKED_QUEUE,
    Choice,
    EntryTraits,
    RouteTable,
    RoutingConfiguration,
    choose,
)
from coop_rules.signal.catalogue import SignalCatalogue

from .rules_example import BANKS, NOW, POST, both, counted, field, signal, transcribed

QUEUES = {
    "default": Queue(id="default", name="Default", is_default_queue=True),
    "one": Queue(id="one", name="One"),
    "two": Queue(id="two", name="Two"),
}
REPORT = EntryTraits("REPORT")
SAYS_X = signal("TEXT_MATCHING_CONTAINS_TEXT", field("title"), strings=["x"])
HATE = signal("OPEN_AI_HATE_TEXT_MODEL", field("title"), "GREATER_THAN", 0.5)


def rule(rule_id: str, number: int, queue: str, *conditions: Any, **more: Any) -> RoutingRule:
    return RoutingRule(
        id=rule_id,
        name=rule_id,
        sequence_number=number,
        item_type_ids=("post",),
        condition_set=both(*conditions),
        destination_queue_id=queue,
        **more,
    )


def table(*rules: RoutingRule, queues: Any = QUEUES, **settings: Any) -> RouteTable:
    material = RoutingConfiguration(
        org_id="org",
        revision=7,
        rules=[(one, 3) for one in rules],
        queues=queues,
        settings=OrgSettings(id="settings", name="Org", **settings),
        text_banks=BANKS,
    )
    return routing.compile_table(
        material,
        POST,
        item_type_id="post",
        for_appeals=False,
        catalogue=SignalCatalogue.builtin(),
    )


def item(**data: Any) -> SubmittedItem:
    return SubmittedItem(
        id="i", type_id="post", type_version="v", data=msgspec.Raw(msgspec.json.encode(data))
    )


def value(need: Need, score: Any = None, error: str | None = None) -> list[SignalValue]:
    return [SignalValue(key=need.key, signal=need.signal.name, score=score, error=error)]


def settled(found: RouteTable, about: SubmittedItem, *scores: Any) -> tuple[Choice, list[str]]:
    """The final choice, and the signals asked for on the way; `scores` are given in that order."""
    known: dict[str, Any] = {}
    asked: list[str] = []
    left = list(scores)
    while True:
        choice = choose(found, about, REPORT, at=NOW, known=known)
        if not choice.wanting:
            return choice, asked
        for need in choice.wanting:
            asked.append(need.signal.name)
            score = left.pop(0)
            known[need.key] = value(need, score) if score is not None else value(need, error="down")


def test_rules_are_tried_by_number_then_id() -> None:
    """Whatever the order of the documents; drafts and rules of the other class are passed over."""
    found = table(
        rule("b", 2, "two", SAYS_X),
        rule("a", 2, "one", SAYS_X),
        rule("draft", 0, "two", SAYS_X, status="DRAFT"),
        rule("appeal", 0, "two", SAYS_X, for_appeals=True),
    )
    choice = choose(found, item(title="x"), REPORT, at=NOW)
    assert (choice.queue_id, choice.how, choice.tried) == ("one", "RULE", 1)
    assert choice.rule is not None
    assert (choice.rule.id, choice.rule.revision, choice.config_revision) == ("a", 3, 7)


def test_a_choice_wants_what_it_depends_on_and_no_more() -> None:
    """Unknown rules before the first that passes; nothing once an earlier one passes, or the rule's
    other conditions decide."""
    found = table(rule("a", 1, "one", SAYS_X), rule("b", 2, "two", HATE), rule("c", 3, "one", HATE))
    assert settled(found, item(title="x")) == (choose(found, item(title="x"), REPORT, at=NOW), [])
    choice, asked = settled(found, item(title="y"), 0.9)
    assert (choice.queue_id, choice.tried, asked) == ("two", 2, ["OPEN_AI_HATE_TEXT_MODEL"])
    assert settled(found, item())[1] == []
    guarded = table(rule("b", 1, "two", HATE, SAYS_X))
    assert settled(guarded, item(title="y"))[1] == []


def test_a_value_that_is_missing_leaves_its_rule_undecided() -> None:
    """The rules after it decide, and the choice names it with the reason."""
    found = table(rule("a", 1, "two", HATE), rule("b", 2, "one", SAYS_X))
    choice, _ = settled(found, item(title="x"), None)
    assert (choice.queue_id, choice.how, choice.tried) == ("one", "RULE", 2)
    [undecided] = choice.undecided
    assert (undecided.rule.id, undecided.reasons) == ("a", ("down",))


def test_what_is_said_of_a_transcript_waits_for_it() -> None:
    """First the transcription is wanted, then the score of it."""
    spoken = HATE | {"input": transcribed(field("clip"))}
    found = table(rule("a", 1, "two", spoken))
    choice, asked = settled(found, item(clip={"url": "https://a/1.mp4"}), "said", 0.9)
    assert asked == ["OPEN_AI_WHISPER_TRANSCRIPTION", "OPEN_AI_HATE_TEXT_MODEL"]
    assert choice.queue_id == "two"


def test_a_demand_names_each_rules_needs() -> None:
    """By rule; a rule that asks whether a value is unavailable stays open until it is known."""
    absent = signal("OPEN_AI_HATE_TEXT_MODEL", field("title"), "IS_UNAVAILABLE")
    program = compile_program(
        [
            found
            for name, condition in (("a", SAYS_X), ("b", HATE), ("c", absent))
            if (found := EnabledRule.of(rule(name, 1, "one", condition), 1)) is not None
        ],
        item_type=POST,
        text_banks={},
        routing=True,
    )
    demand = Demand.of(program)
    assert [len(keys) for keys in demand.keys] == [0, 1, 1]
    assert demand.fickle == {2}
    assert demand.wanted(program, [0], ()) == ()
    assert demand.wanted(program, [1, 2], ()) == program.needs
    assert demand.wanted(program, [1, 2], {program.needs[0].key}) == ()


@pytest.mark.parametrize(
    ("traits", "queue", "how"),
    [
        (EntryTraits("MRT_JOB", queue_id="two"), "two", "SENDER"),
        (EntryTraits("MRT_JOB", queue_id="gone"), "one", "RULE"),
        (EntryTraits("REPORT", child_safety=True), "two", "SETTING"),
        (EntryTraits("MRT_JOB", queue_id="one", child_safety=True), "one", "SENDER"),
    ],
)
def test_what_comes_before_all_rules(traits: EntryTraits, queue: str, how: str) -> None:
    """A sender's queue, then the settings' for child safety; no rule is tried then."""
    found = table(rule("a", 1, "one", SAYS_X), ncmec_queue_id="two")
    choice = choose(found, item(title="x"), traits, at=NOW)
    assert (choice.queue_id, choice.how, choice.tried > 0) == (queue, how, how == "RULE")


def test_there_is_always_an_answer() -> None:
    """Without a queue, with a rule that cannot be had, with data that cannot be read."""
    parked = choose(table(queues={}), item(), REPORT, at=NOW)
    assert (parked.queue_id, parked.how) == (PARKED_QUEUE, "PARKED")
    broken = choose(table(rule("a", 1, "one", counted())), item(title="x"), REPORT, at=NOW)
    assert (broken.queue_id, broken.undecided[0].rule.id) == ("default", "a")
    assert "not for routing rules" in broken.undecided[0].reasons[0]
    unread = msgspec.structs.replace(item(), data=msgspec.Raw(b"7"))
    found = table(rule("a", 1, "one", SAYS_X))
    assert "cannot be read" in str(choose(found, unread, REPORT, at=NOW).note)


def test_a_rule_that_the_compiler_fails_on_is_left_out_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others are compiled, each keeps its queue, and the choice says that one is missing."""

    def failing(rules: Any, **others: Any) -> Any:
        if any(one.ref.id == "bad" for one in rules):
            raise ZeroDivisionError
        return compile_program(rules, **others)

    monkeypatch.setattr(routing, "compile_program", failing)
    found = table(rule("bad", 1, "one", SAYS_X), rule("good", 2, "two", SAYS_X))
    assert found.failed == ("bad",)
    choice = choose(found, item(title="x"), REPORT, at=NOW)
    assert (choice.queue_id, choice.note) == ("two", "rules bad cannot be tried")
    whole = compile_sparing([], lambda rules: compile_program(rules, item_type=POST, text_banks={}))
    assert whole[1] == ()
