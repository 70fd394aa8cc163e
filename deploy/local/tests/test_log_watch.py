"""What the demonstration reads of the log: noted by one thread, looked at by another."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from importlib import resources
from typing import Any, TypeVar

import msgspec
import pytest
from confluent_kafka import KafkaError, KafkaException

from coop_contracts.event import (
    ActionRequested,
    DecisionMade,
    Event,
    ReviewRequested,
    RulesEvaluated,
)
from coop_local.demo.log_watch import LogWatch, Notes

E = TypeVar("E", bound=Event)
PREFIX = "demo-"


def example(kind: type[E], name: str, **changed: Any) -> E:
    """The example of the contracts, about an item of the demonstration."""
    folder = resources.files("coop_contracts") / "examples"
    event = msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=kind)
    item = msgspec.structs.replace(event.item, id=PREFIX + "1")  # type: ignore[attr-defined]
    return msgspec.structs.replace(event, **({"item": item} | changed))


def test_what_concerns_the_run_is_noted() -> None:
    """Each event where it belongs, and nothing of items that are not the run's."""
    notes = Notes(PREFIX)
    evaluated = example(RulesEvaluated, "rules-evaluated")
    requested = example(ActionRequested, "action-requested", source="RULE_EXECUTION")
    review = example(ReviewRequested, "review-requested")
    decision = example(DecisionMade, "decision-made")
    strange = example(DecisionMade, "decision-made", item=evaluated.item, job_id="other")
    for event in (evaluated, evaluated, requested, review, decision):
        notes.take(event)
    notes.take(
        msgspec.structs.replace(strange, item=msgspec.structs.replace(strange.item, id="live-1"))
    )
    logged = notes.logged()
    assert logged.evaluations == {evaluated.submission_id: 2}
    assert logged.executions == {one.execution_id for one in evaluated.executions}
    assert logged.requests == {requested.execution_id: PREFIX + "1"}
    assert logged.automatic == {requested.execution_id}
    assert logged.reviews == {review.entry_id: PREFIX + "1"}
    assert logged.decisions == {decision.job_id: {decision.decision_id}}
    moved = any(component.type == "MOVE" for component in decision.components)
    assert logged.moved == ({decision.job_id} if moved else frozenset())


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_look_meets_no_half_a_note(restless: None) -> None:
    """While one thread notes, another looks as often as it can: every look is whole, of one
    moment, and stays as it was."""
    decision = example(DecisionMade, "decision-made")
    requested = example(ActionRequested, "action-requested", source="RULE_EXECUTION")
    notes = Notes(PREFIX)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            notes.take(msgspec.structs.replace(decision, job_id=f"job-{number}"))
            notes.take(msgspec.structs.replace(requested, execution_id=f"x-{number}"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        deadline = time.monotonic() + 1
        first = notes.logged()
        known = len(first.decisions)
        while time.monotonic() < deadline:
            logged = notes.logged()
            assert logged.requests.keys() == logged.automatic
            assert len(logged.requests) <= len(logged.decisions) <= len(logged.requests) + 1
        assert len(first.decisions) == known < len(logged.decisions)
    finally:
        stop.set()
        writer.join(10)


class Broken:
    """A client that cannot go on."""

    def consume(self, *_: object, **__: object) -> None:
        raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))

    def close(self) -> None:
        pass


def test_a_log_that_cannot_be_read_is_told() -> None:
    """Whatever ended the reading: a run that reads nothing must not look like one that lost all."""
    watch = LogWatch("127.0.0.1:1", PREFIX)
    watch._consumer.close()
    watch._consumer = Broken()  # type: ignore[assignment]
    watch.check()
    watch._thread.start()
    watch.stop()
    with pytest.raises(RuntimeError, match="_ALL_BROKERS_DOWN"):
        watch.check()
