"""Backtests in parts: counting, taking turns, the configuration of the time, what was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_contracts.config import Field, ItemType, Kind, Rule, ScalarType, TextBank
from coop_contracts.event import (
    BacktestProgressed,
    BacktestSample,
    ItemRef,
    ItemSubmitted,
    PastDocument,
    RequestedExecution,
    RuleOutcome,
    RuleRef,
    RulesEvaluated,
    SignalValue,
    SubmittedItem,
)
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules_engine.backtest.recorded import RecordedResults, RecordedSubmission
from coop_rules_engine.backtest.schedule import BacktestSchedule
from coop_rules_engine.backtest.tally import SAMPLES, SAMPLES_AT_ONCE, BacktestTally
from coop_rules_engine.backtest.trial import RuleTrials, TrialConfiguration
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable

ORG = "org"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def sample(number: int) -> BacktestSample:
    item = ItemRef(f"item-{number}", "post")
    return BacktestSample(submission_id=f"s-{number}", item=item, time=NOON, passed=True, live=None)


def drained(tally: BacktestTally) -> list[BacktestSample]:
    said: list[BacktestSample] = []
    while tally.unpublished():
        batch = tally.new_samples()
        assert len(batch) <= SAMPLES_AT_ONCE
        tally.published(batch)
        said += batch
    return said


def kept_of(tally: BacktestTally) -> set[str]:
    return {submission_id for heap in tally._kept.values() for _, submission_id in heap}


@settings(max_examples=30)
@given(st.permutations(range(300)), st.integers(0, 300))
def test_samples_do_not_depend_on_order_or_restarts(order: list[int], killed_after: int) -> None:
    """Whatever the order of reading, and wherever it is killed and taken up again, the same samples
    are kept, and all that are kept were said."""
    tally = BacktestTally()
    said: list[BacktestSample] = []
    for count, number in enumerate(order):
        if count == killed_after:
            said += drained(tally)  # as before every position that is told
            tally = BacktestTally.of(event_of(tally), said)
        tally.offer((True, None), f"s-{number}", partial(sample, number))
    said += drained(tally)
    straight = BacktestTally()
    for number in range(300):
        straight.offer((True, None), f"s-{number}", partial(sample, number))
    assert kept_of(tally) == kept_of(straight)
    assert len(kept_of(tally)) == SAMPLES
    assert kept_of(tally) <= {one.submission_id for one in said}


def event_of(tally: BacktestTally) -> BacktestProgressed:
    return tally.event(
        event_id="e",
        org_id=ORG,
        backtest_id="b",
        time=NOON,
        state="RUNNING",
        progress=0.5,
        position={"0": 7},
    )


def test_a_tally_goes_on_where_an_event_left_it() -> None:
    """What an event says is what is counted on from."""
    tally = BacktestTally()
    tally.count(True, False)
    tally.count(None, True)
    tally.count(False, True)
    tally.skip()
    tally.lacks(["SOME_SIGNAL"])
    again = BacktestTally.of(event_of(tally), [])
    assert event_of(again) == msgspec.structs.replace(event_of(tally), time=event_of(again).time)
    assert (again.passed, again.unknown, again.skipped) == (1, 1, 1)
    assert (again.newly_passing, again.no_longer_passing) == (1, 1)
    assert (again.scanned, again.evaluated) == (4, 3)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([True, False, None])), max_size=12),
    st.integers(0, 12),
)
def test_what_is_said_of_a_labelled_item_is_the_strongest_of_its_submissions(
    judged: list[tuple[int, bool | None]], killed_after: int
) -> None:
    """Matched where one of its submissions is, undecided where none is and one is undecided, else
    not matched; whatever the order, and wherever it is killed and taken up again."""
    tally = BacktestTally()
    tally.expect(3)
    for count, (label, passed) in enumerate(judged):
        if count == killed_after:
            tally = BacktestTally.of(event_of(tally), [])
            tally.expect(3)
        tally.judge(label, passed)
    expected = ""
    for label in range(3):
        said = {passed for one, passed in judged if one == label}
        expected += "P" if True in said else "U" if None in said else "F" if said else "-"
    assert event_of(tally).judged == expected


def test_reasons_are_bounded() -> None:
    """However many reasons there are, few are named and none is lost from the sum."""
    tally = BacktestTally()
    for number in range(200):
        tally.lacks([f"reason {number}"])
    assert len(tally.unavailable) <= 51
    assert sum(tally.unavailable.values()) == 200


@dataclass(eq=False)
class Waiter:
    org_id: str
    is_open: bool = False
    opened_at: float = 0.0
    due: float = 0.0


def opened(turns: BacktestSchedule[Waiter], now: float) -> Waiter | None:
    """What the worker does about slots."""
    waiting = turns.to_open(now)
    if waiting is None:
        return None
    parked = turns.to_park(now, waiting)
    if parked is not None:
        parked.is_open = False
    if turns.has_room():
        waiting.is_open, waiting.opened_at = True, now
        return waiting
    return None


def test_an_organisation_with_many_does_not_keep_another_waiting() -> None:
    """Slices alternate between organisations, and a newcomer has a slot within a quantum."""
    turns: BacktestSchedule[Waiter] = BacktestSchedule(slots=2, quantum=10)
    many = [Waiter("many") for _ in range(5)]
    for one in many:
        turns.add(one)
    for now in range(3):
        opened(turns, float(now))
    newcomer = Waiter("few")
    turns.add(newcomer)
    assert opened(turns, 5.0) is None
    assert opened(turns, 11.0) is newcomer
    steps = [turns.step(12.0) for _ in range(10)]
    assert [one.org_id for one in steps if one].count("few") == 5


def test_backtests_of_one_organisation_share_too() -> None:
    """With more of one organisation than slots, each has had one after some quanta."""
    turns: BacktestSchedule[Waiter] = BacktestSchedule(slots=2, quantum=1)
    many = [Waiter("many") for _ in range(5)]
    for one in many:
        turns.add(one)
    seen = {id(had) for now in range(40) if (had := opened(turns, float(now))) is not None}
    assert len(seen) == 5


def test_what_is_not_due_is_passed_over() -> None:
    """A retroaction that waits for its rate holds nobody up."""
    turns: BacktestSchedule[Waiter] = BacktestSchedule(slots=2, quantum=10)
    waits, works = Waiter("a", True, due=99.0), Waiter("a", True)
    turns.add(waits)
    turns.add(works)
    assert {turns.step(1.0), turns.step(1.0)} == {works}
    turns.remove(works)
    assert turns.step(1.0) is None
    assert turns.step(100.0) is waits


def leaf(name: str, **matching: Any) -> dict[str, Any]:
    return {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"id": json.dumps({"type": name}), "type": name},
        **({"matchingValues": matching} if matching else {}),
    }


CONTAINS = "TEXT_MATCHING_CONTAINS_TEXT"


def rule_of(*conditions: Any, **more: Any) -> Rule:
    return Rule(
        id="r1",
        name="Rule",
        status="LIVE",  # type: ignore[arg-type]
        item_type_ids=("post",),
        condition_set={"conjunction": "AND", "conditions": list(conditions)},
        **more,
    )


def post(version: str, *fields: str) -> ItemType:
    return ItemType(
        id="post",
        name="Post",
        kind="CONTENT",
        version=version,
        fields=tuple(Field(name=name, type=ScalarType.STRING) for name in fields),
    )


def bank(*strings: str) -> TextBank:
    return TextBank(id="bank", name="Bank", type="STRING", strings=strings)


def table(*documents: tuple[Kind, Any, int]) -> ConfigTable:
    return ConfigTable.of(
        ConfigChange(ORG, kind, document.id, document, revision)
        for kind, document, revision in documents
    )


def submission(text: str, *, version: str = "v1", **data: str) -> Submission:
    item = SubmittedItem(
        id="i",
        type_id="post",
        type_version=version,
        data=msgspec.Raw(msgspec.json.encode({"text": text, **data})),
    )
    event = ItemSubmitted(
        event_id="e",
        org_id=ORG,
        time=NOON,
        correlation_id="c",
        submission_id="s",
        item=item,
        request_id="r",
        config_revision=1,
    )
    return Submission.of_event(event)


def trials(
    rule: Rule, config: ConfigTable, past: tuple[PastDocument, ...] | None = None
) -> RuleTrials:
    around = TrialConfiguration.of(config, ORG, rule, SignalCatalogue.builtin())
    return RuleTrials(rule, around, past)


def outcome(
    found: RuleTrials, of: Submission, revision: int, recorded: RecordedSubmission | None = None
) -> tuple[bool | None, list[str]]:
    trial = found.of(of, revision)
    assert trial is not None
    evaluation = trial.evaluate(of, trial.values_of(recorded))
    passed = evaluation.outcomes[0][1] if evaluation.outcomes else False
    return passed, trial.lacking(evaluation)


def past(revision: int, document: TextBank) -> PastDocument:
    raw = msgspec.Raw(msgspec.json.encode(document))
    return PastDocument(kind="text-bank", id="bank", revision=revision, document=raw)


def test_banks_are_those_of_the_time() -> None:
    """With the values of the time an item is judged under the bank as it was at its revision; where
    that is not known it is undecided, and why is said. Today's values take today's bank."""
    config = table((Kind.ITEM_TYPE, post("v1", "text"), 1), (Kind.TEXT_BANK, bank("new"), 30))
    rule = rule_of(leaf(CONTAINS, textBankIds=["bank"]))
    recorded = trials(rule, config, (past(10, bank("old")),))
    assert outcome(recorded, submission("an old word"), 29)[0] is True
    assert outcome(recorded, submission("an old word"), 30)[0] is False
    assert outcome(recorded, submission("a new word"), 30)[0] is True
    before, why = outcome(recorded, submission("an old word"), 9)
    assert before is None
    assert why != []
    today = trials(rule, config)
    assert outcome(today, submission("a new word"), 9)[0] is True
    assert outcome(today, submission("an old word"), 29)[0] is False


def test_the_item_type_is_that_of_the_item() -> None:
    """An item is judged under the version of its type that it was accepted under."""
    config = table(
        (Kind.ITEM_TYPE, post("v2", "text"), 2),
        (
            Kind.ITEM_TYPE_VERSION,
            msgspec.structs.replace(post("v1", "text", "title"), id="post@v1"),
            1,
        ),
    )
    found = trials(rule_of(leaf(CONTAINS, strings=["spam"])), config)
    assert outcome(found, submission("x", title="spam"), 2)[0] is True
    assert outcome(found, submission("x", version="v2", title="spam"), 2)[0] is False


def test_a_deleted_type_is_no_error() -> None:
    """Items of a type that is gone can be told."""
    found = trials(rule_of(leaf(CONTAINS, strings=["spam"])), table())
    assert found.of(submission("x"), 1) is None


HATE = "OPEN_AI_HATE_TEXT_MODEL"


def test_recorded_values_are_used_and_others_named() -> None:
    """A remote signal's value is the recorded one; where there is none, or it failed, the item is
    undecided and the signal named."""
    config = table((Kind.ITEM_TYPE, post("v1", "text"), 1))
    rule = rule_of({**leaf(HATE), "comparator": "GREATER_THAN", "threshold": 0.5})
    found = trials(rule, config)
    assert found.wants_record()
    assert found.late
    trial = found.of(submission("x"), 1)
    assert trial is not None
    (need,) = trial.program.needs

    def value(**more: Any) -> RecordedSubmission:
        signals = (SignalValue(key=need.key, signal=HATE, **more),)
        return RecordedSubmission(time=NOON, revision=1, fast=True, signals=signals)

    assert outcome(found, submission("x"), 1, value(score=0.9)) == (True, [])
    assert outcome(found, submission("x"), 1, value(score=0.1))[0] is False
    assert outcome(found, submission("x"), 1, value(error="timed out")) == (None, [HATE])
    assert outcome(found, submission("x"), 1) == (None, [HATE])


@dataclass
class Message:
    """A record, as far as Recording looks at it."""

    bytes_: bytes
    key_: bytes = b"org/post/i"

    def key(self) -> bytes:
        return self.key_

    def value(self) -> bytes:
        return self.bytes_


@dataclass
class Log:
    """A partition of results that gives a few at a time."""

    records: list[Message]
    done: bool = False
    reads: int = field(default=0)

    def read(self, limit: int, timeout: float) -> list[Message]:
        self.reads += 1
        found, self.records = self.records[:3], self.records[3:]
        self.done = not self.records
        return found


def result(number: int, *, after: float = 1.0, **more: Any) -> Message:
    at = NOON + timedelta(seconds=number)
    event = RulesEvaluated(
        event_id="e",
        org_id=ORG,
        time=at + timedelta(seconds=after),
        correlation_id="c",
        submission_id=f"s-{number}",
        item=ItemRef("i", "post"),
        config_revision=7,
        submitted_at=at,
        **more,
    )
    return Message(msgspec.json.encode(event))


def recording(log: Log, *, late: bool = False) -> RecordedResults:
    return RecordedResults(log, prefixes=(b"org/post/",), rule_id="r1", late=late)  # type: ignore[arg-type]


def catch_up(found: RecordedResults, numbers: Iterable[int]) -> None:
    wanted = list(numbers)
    first = NOON + timedelta(seconds=min(wanted))
    last = NOON + timedelta(seconds=max(wanted))
    for _ in range(1000):
        if found.catch_up({f"s-{n}" for n in wanted}, first=first, last=last):
            return
    pytest.fail("never caught up")


def passed(status: str = "LIVE", *, outcome: bool | None = True) -> tuple[RuleOutcome, ...]:
    return (RuleOutcome(rule=RuleRef("r1", "R", 3), status=status, passed=outcome),)  # type: ignore[arg-type]


def live_of(found: RecordedResults, number: int) -> bool | None:
    recorded = found.find(f"s-{number}")
    return None if recorded is None else recorded.live


def test_the_record_says_what_the_live_rule_did() -> None:
    """Named as passed: yes; not named by the fast lane: no; undecided or without a result: not
    known; passed in the background: no."""
    log = Log(
        [
            result(0, rules=passed()),
            result(1),
            result(2, rules=passed(outcome=None)),
            result(3, rules=passed("BACKGROUND")),
            Message(b"not json"),
            Message(result(4, rules=passed()).bytes_, key_=b"other/post/i"),
        ]
    )
    found = recording(log)
    catch_up(found, range(6))
    assert [live_of(found, n) for n in range(6)] == [True, False, None, False, None, None]


def test_the_record_is_read_no_further_than_needed() -> None:
    """A submission without a result does not make the whole log be read into memory."""
    log = Log([result(n) for n in range(0, 5000) if n != 2])
    found = recording(log)
    catch_up(found, range(4))
    assert log.reads < 100
    assert live_of(found, 2) is None
    assert live_of(found, 3) is False


def test_results_of_later_lanes_are_waited_for() -> None:
    """The values of a slow lane come minutes after those of the fast one, and are found."""
    value = SignalValue(key="k" * 16, signal=HATE, score=0.5)
    slow = result(1, after=300, lane="SLOW", rules=passed(), signals=(value,))
    log = Log([result(0), result(1), *(result(n) for n in range(2, 200)), slow, result(5000)])
    found = recording(log, late=True)
    catch_up(found, range(2))
    recorded = found.find("s-1")
    assert recorded is not None
    assert recorded.live is True
    assert recorded.signals == (value,)


def test_what_is_behind_is_forgotten() -> None:
    """Results of submissions long before the ones in hand are not kept."""
    execution = RequestedExecution(execution_id="x", action_id="a")
    log = Log([result(n, executions=(execution,)) for n in range(1000)])
    found = recording(log)
    catch_up(found, [900])
    assert found.find("s-900") is not None
    assert len(found._held) < 200
