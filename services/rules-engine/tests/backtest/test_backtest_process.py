"""The role `backtest` as a process on a real broker: exact counts, whatever is killed when."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from coop_contracts.config import Kind, Rule
from coop_contracts.event import (
    ActionRequested,
    BacktestProgressed,
    BacktestRequested,
    Event,
    ItemRef,
    ItemSubmitted,
    RequestedExecution,
    ReviewRequested,
    RuleOutcome,
    RuleRef,
    RulesEvaluated,
)
from coop_contracts.ids import execution_id, item_key, new_id
from coop_local.tested_process import RoleProcess, configure
from coop_rules_engine.backtest.partition_reader import PartitionReader
from coop_rules_engine.backtest.scan import ItemSelection, PartitionScan
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]

_SECONDS = 90.0


class Outcome:
    """Reads what backtests say and ask for, of one organisation, from when it was made."""

    def __init__(self, bootstrap: str, *org_ids: str) -> None:
        self._prefixes = tuple(f"{org_id}/".encode() for org_id in org_ids)
        self.said: dict[str, list[BacktestProgressed]] = {}
        self.actions: list[ActionRequested] = []
        self.reviews: list[ReviewRequested] = []
        types: tuple[Any, ...] = (BacktestProgressed, ActionRequested, ReviewRequested)
        self._types: dict[str, type[Event]] = {kind.topic: kind for kind in types}
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": f"test-{uuid.uuid4()}"}
        )
        known = self._consumer.list_topics(timeout=20).topics
        self._consumer.assign(
            [
                TopicPartition(topic, number, self._end_of(topic, number))
                for topic in self._types
                for number in known[topic].partitions
            ]
        )

    def _end_of(self, topic: str, number: int) -> int:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                partition = TopicPartition(topic, number)
                return int(self._consumer.get_watermark_offsets(partition, timeout=20)[1])
            except KafkaException:
                # A topic that was made a moment ago has no leader yet.
                assert time.monotonic() < deadline

    def until(self, done: Callable[[Outcome], bool]) -> None:
        deadline = time.monotonic() + _SECONDS
        while not done(self):
            if time.monotonic() > deadline:
                last = {key: found[-1] for key, found in self.said.items()}
                raise TimeoutError(f"{last} {len(self.actions)} actions")
            for record in self._consumer.consume(500, timeout=0.1):
                assert record.error() is None
                topic, value = record.topic(), record.value()
                if not (record.key() or b"").startswith(self._prefixes):
                    continue
                event = msgspec.json.decode(value or b"", type=self._types[topic or ""])
                if isinstance(event, BacktestProgressed):
                    self.said.setdefault(event.backtest_id, []).append(event)
                elif isinstance(event, ActionRequested):
                    self.actions.append(event)
                elif isinstance(event, ReviewRequested):
                    self.reviews.append(event)

    def last(self, backtest_id: str) -> BacktestProgressed | None:
        found = self.said.get(backtest_id)
        return found[-1] if found else None

    def ended(self, backtest_id: str) -> BacktestProgressed:
        """The last that is said of it, once it has ended."""
        self.until(lambda one: (last := one.last(backtest_id)) is not None and _is_end(last))
        last = self.last(backtest_id)
        assert last is not None
        return last

    def close(self) -> None:
        self._consumer.close()


def _is_end(event: BacktestProgressed) -> bool:
    return event.state != "RUNNING"


@pytest.fixture
def org_id() -> str:
    return uuid.uuid4().hex[:11]


@pytest.fixture
def process(kafka_bootstrap: str, broker_idempotence: bool) -> Iterator[RoleProcess]:
    environment = {
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_KAFKA_IDEMPOTENCE": str(broker_idempotence).lower(),
        "COOP_LOG_LEVEL": "WARNING",
        "COOP_BACKTEST_QUANTUM": "2",
    }
    with RoleProcess("coop_rules_engine", "backtest", environment) as found:
        yield found


@pytest.fixture
def settings(kafka_bootstrap: str, broker_idempotence: bool) -> RuntimeSettings:
    return RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=0
    )


@pytest.fixture
async def producer(settings: RuntimeSettings) -> AsyncIterator[Producer]:
    found = Producer(settings, client_id="backtest-test")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
def outcome(kafka_bootstrap: str, org_id: str) -> Iterator[Outcome]:
    found = Outcome(kafka_bootstrap, org_id, org_id + "2")
    yield found
    found.close()


def items_of(kit: Any, org_id: str, texts: list[str]) -> list[ItemSubmitted]:
    now = datetime.now(UTC)
    return [
        msgspec.structs.replace(
            kit.submission({"text": text, "likes": number}, number=number, org_id=org_id, time=now),
            submission_id=new_id(),
        )
        for number, text in enumerate(texts)
    ]


def key_of(event: ItemSubmitted) -> str:
    return item_key(event.org_id, event.item.type_id, event.item.id)


def live_result(
    event: ItemSubmitted, *, passed: bool, executions: tuple[RequestedExecution, ...] = ()
) -> Message:
    """What the engine said of it then."""
    rules = (RuleOutcome(rule=RuleRef("r1", "R", 1), status="LIVE", passed=True),) if passed else ()
    found = RulesEvaluated(
        event_id=new_id(),
        org_id=event.org_id,
        time=datetime.now(UTC),
        correlation_id="c",
        submission_id=event.submission_id,
        item=ItemRef(event.item.id, event.item.type_id),
        config_revision=1,
        submitted_at=event.time,
        rules=rules,
        executions=executions,
    )
    return message_of(found, key=key_of(event))


async def submit(producer: Producer, *events: ItemSubmitted) -> None:
    messages = [message_of(event, key=key_of(event)) for event in events]
    for first in range(0, len(messages), 5000):
        await producer.publish(messages[first : first + 5000], timeout=30)


def request_of(org_id: str, rule: Rule, **more: Any) -> BacktestRequested:
    now = datetime.now(UTC)
    backtest_id = more.pop("backtest_id", None) or new_id()
    return BacktestRequested(
        event_id=new_id(),
        org_id=org_id,
        time=now,
        correlation_id=backtest_id,
        backtest_id=backtest_id,
        rule=msgspec.Raw(msgspec.json.encode(rule)),
        start=more.pop("start", now - timedelta(minutes=2)),
        end=more.pop("end", now + timedelta(seconds=1)),
        **more,
    )


async def ask(producer: Producer, *requests: BacktestRequested) -> None:
    await producer.publish(
        [message_of(one, key=f"{one.org_id}/{one.backtest_id}") for one in requests], timeout=20
    )


async def test_counts_differences_and_a_bad_item(
    producer: Producer, process: RoleProcess, outcome: Outcome, kit: Any, org_id: str
) -> None:
    """Every item is counted once; what differs from the live rule is told apart and sampled; a
    record that cannot be read is skipped and counted; progress never goes back; a stop that is
    asked for ends with 0."""
    rule = kit.rule("r1", kit.contains("spam"))
    await configure(producer, org_id, *kit.documents(), (Kind.RULE, rule))
    process.start()
    items = items_of(kit, org_id, ["spam" if n % 2 else "hello" for n in range(2000)])
    await submit(producer, *items)
    # The live rule passed on every third item.
    results = [live_result(one, passed=n % 3 == 0) for n, one in enumerate(items)]
    await producer.publish(results, timeout=30)
    bad = [Message(ItemSubmitted.topic, f"{org_id}/post/x".encode(), b"{", [])]
    await producer.publish(bad, timeout=20)
    odd = msgspec.structs.replace(items[0].item, id="odd", data=msgspec.Raw(b"[]"))
    await submit(producer, msgspec.structs.replace(items[0], item=odd, submission_id=new_id()))
    request = request_of(org_id, rule)
    await ask(producer, request)
    last = outcome.ended(request.backtest_id)
    assert (last.state, last.error) == ("COMPLETE", None)
    assert (last.scanned, last.evaluated, last.skipped) == (2002, 2000, 2)
    assert (last.passed, last.unknown) == (1000, 0)
    both = sum(1 for n in range(2000) if n % 2 and n % 3 == 0)
    assert last.newly_passing == 1000 - both
    assert last.no_longer_passing == sum(1 for n in range(2000) if n % 3 == 0) - both
    said = outcome.said[request.backtest_id]
    samples = {sample.submission_id: sample for event in said for sample in event.samples}
    classes = {(sample.passed, sample.live) for sample in samples.values()}
    assert classes == {(True, False), (True, True), (False, True)}
    assert all(sample.conditions for sample in samples.values())
    progress = [event.progress for event in said]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert process.end(signal.SIGTERM) == 0


async def test_two_organisations_at_once(
    producer: Producer, process: RoleProcess, outcome: Outcome, kit: Any, org_id: str
) -> None:
    """Backtests of two organisations run beside one another, each on its own items only, and one
    organisation's many do not keep the other's from ending."""
    other = org_id + "2"
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",))
    for org in (org_id, other):
        await configure(producer, org, *kit.documents())
    await submit(producer, *items_of(kit, org_id, ["spam"] * 500))
    await submit(producer, *items_of(kit, other, ["spam", "hello"] * 50))
    process.start()
    # Six that last for ever (one submission in a hundred seconds), and one of someone else.
    many = [request_of(org_id, rule, acts=True, rate=0.01) for _ in range(6)]
    await ask(producer, *many)
    outcome.until(lambda one: len(one.said) >= 4)
    request = request_of(other, rule)
    await ask(producer, request)
    last = outcome.ended(request.backtest_id)
    assert (last.state, last.scanned, last.passed) == ("COMPLETE", 100, 50)
    outcome.until(lambda one: len(one.said) == 7)
    cancelled = [msgspec.structs.replace(one, cancelled=True) for one in many]
    await ask(producer, *cancelled)
    for one in many:
        assert outcome.ended(one.backtest_id).state == "CANCELLED"


async def test_killed_in_the_middle_counts_are_exact(
    producer: Producer, process: RoleProcess, outcome: Outcome, kit: Any, org_id: str
) -> None:
    """Killed with -9 in the middle and started again, a backtest ends with every item counted
    once, its progress never goes back, and what people decided is judged whole: an item that is not
    in the time is not, one that was sent twice is matched where one of the two is."""
    rule = kit.rule("r1", kit.contains("spam"))
    await configure(producer, org_id, *kit.documents())
    items = items_of(kit, org_id, ["spam", "hello", "ham"] * 10_000)
    edited = msgspec.structs.replace(
        items[1],
        item=msgspec.structs.replace(items[1].item, data=msgspec.Raw(b'{"text": "spam"}')),
        submission_id=new_id(),
    )
    await submit(producer, *items, edited)
    process.start()
    labelled = tuple(ItemRef(one.item.id, one.item.type_id) for one in items[::50])
    labelled = (ItemRef("never", "post"), ItemRef(items[1].item.id, "post"), *labelled)
    request = request_of(org_id, rule, labelled=labelled)
    await ask(producer, request)
    outcome.until(lambda one: request.backtest_id in one.said)
    process.end(signal.SIGKILL)
    process.start()
    last = outcome.ended(request.backtest_id)
    assert (last.state, last.scanned, last.evaluated) == ("COMPLETE", 30_001, 30_001)
    assert last.passed == 10_001
    assert last.judged == "-P" + "".join("FP"[n % 3 == 0] for n in range(0, 30_000, 50))
    progress = [event.progress for event in outcome.said[request.backtest_id]]
    assert progress == sorted(progress)


async def test_a_retroaction_acts_once_whatever_is_killed(
    producer: Producer, process: RoleProcess, outcome: Outcome, kit: Any, org_id: str
) -> None:
    """Killed with -9 while it acts, a retroaction goes on where it was: every passing submission is
    acted on under the id that the live rule would have used, none under a second one; what the
    record says was done then is not asked for; the rate is kept."""
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete", "review"))
    await configure(producer, org_id, *kit.documents())
    items = items_of(kit, org_id, ["spam", "hello"] * 100)
    await submit(producer, *items)

    def execution(event: ItemSubmitted, action: str) -> str:
        return execution_id(cause=event.submission_id, action=action, target=key_of(event))

    done = RequestedExecution(execution_id=execution(items[0], "delete"), action_id="delete")
    results = [
        live_result(one, passed=False, executions=(done,) if n == 0 else ())
        for n, one in enumerate(items)
    ]
    await producer.publish(results, timeout=20)
    process.start()
    began = time.monotonic()
    request = request_of(org_id, rule, acts=True, rate=25.0, actor_id="someone")
    await ask(producer, request)
    outcome.until(lambda one: len(one.actions) >= 30)
    process.end(signal.SIGKILL)
    process.start()
    last = outcome.ended(request.backtest_id)
    assert time.monotonic() - began > 100 / 25 * 0.9
    assert (last.state, last.passed, last.acted) == ("COMPLETE", 100, 100)
    spam = items[::2]
    outcome.until(lambda one: len({r.entry_id for r in one.reviews}) >= len(spam))
    asked = {one.execution_id for one in outcome.actions}
    assert asked == {execution(one, "delete") for one in spam[1:]}
    assert {one.entry_id for one in outcome.reviews} == {execution(one, "review") for one in spam}
    made: list[ActionRequested | ReviewRequested] = [*outcome.actions, *outcome.reviews]
    assert {one.source for one in made} == {"RETROACTION"}
    assert {one.actor_id for one in outcome.actions} == {"someone"}
    assert len({one.event_id for one in outcome.actions}) == len(asked)


async def test_a_cancellation_acts_at_once(
    producer: Producer, process: RoleProcess, outcome: Outcome, kit: Any, org_id: str
) -> None:
    """A cancelled retroaction ends within two seconds or so with what it did counted, acts no more,
    and is not begun again by a restart."""
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",))
    await configure(producer, org_id, *kit.documents())
    await submit(producer, *items_of(kit, org_id, ["spam"] * 300))
    process.start()
    request = request_of(org_id, rule, acts=True, rate=5.0)
    await ask(producer, request)
    outcome.until(lambda one: len(one.actions) >= 5)
    asked_at = datetime.now(UTC)
    await ask(producer, msgspec.structs.replace(request, cancelled=True))
    last = outcome.ended(request.backtest_id)
    assert last.state == "CANCELLED"
    assert last.time - asked_at < timedelta(seconds=10)
    assert 5 <= last.acted < 300
    assert process.end(signal.SIGTERM) == 0
    process.start()
    other = request_of(org_id, rule)
    await ask(producer, other)
    assert outcome.ended(other.backtest_id).state == "COMPLETE"
    assert len({one.execution_id for one in outcome.actions}) == last.acted


async def test_a_rule_that_is_none_fails_alone(
    producer: Producer, process: RoleProcess, outcome: Outcome, kit: Any, org_id: str
) -> None:
    """A document that is no rule ends its backtest with the reason, and no other."""
    await configure(producer, org_id, *kit.documents())
    await submit(producer, *items_of(kit, org_id, ["spam"]))
    process.start()
    good = request_of(org_id, kit.rule("r1", kit.contains("spam")))
    bad = msgspec.structs.replace(
        request_of(org_id, kit.rule("r2", kit.contains("x"))), rule=msgspec.Raw(b'{"id": "x"}')
    )
    await ask(producer, bad, good)
    failed = outcome.ended(bad.backtest_id)
    assert failed.state == "FAILED"
    assert "missing" in (failed.error or "")
    assert outcome.ended(good.backtest_id).passed == 1


async def test_a_log_that_was_cut_off_says_so(
    producer: Producer, settings: RuntimeSettings, kit: Any, org_id: str
) -> None:
    """Where the log no longer reaches back, it is known from when on it has everything."""
    topic = f"test.{uuid.uuid4().hex[:12]}.v1"
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    for future in admin.create_topics([NewTopic(topic, 1, 1)]).values():
        future.result(30)
    events = items_of(kit, org_id, ["spam"] * 20)
    messages = [message_of(one, key=key_of(one))._replace(topic=topic) for one in events]
    await producer.publish(messages, timeout=20)
    now = datetime.now(UTC)
    start, end = now - timedelta(minutes=2), now + timedelta(seconds=1)
    wanted = ItemSelection(f"{org_id}/".encode(), (f"{org_id}/post/".encode(),), start, end)

    def read() -> tuple[int, list[datetime]]:
        reader = PartitionReader(settings, topic)
        begins: list[datetime] = []
        scan = PartitionScan(
            wanted, reader, None, record=lambda _: pytest.fail("asked"), begins=begins.append
        )
        (span,) = reader.spans(start, end)
        scan.open(span, None)
        count = 0
        deadline = time.monotonic() + _SECONDS
        while not scan.done:
            assert time.monotonic() < deadline
            more = scan.ready()
            while more:
                count, more = count + 1, scan.advance()
        reader.close()
        return count, begins

    assert read() == (20, [])
    cut = admin.delete_records([TopicPartition(topic, 0, 5)])
    for deleted in cut.values():
        deleted.result(30)
    count, begins = read()
    assert count == 15
    assert len(begins) == 1
    assert start < begins[0] <= now
