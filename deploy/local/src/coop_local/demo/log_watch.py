"""Reads the event log beside the services: what was evaluated, requested and decided in one run.

Guarantees: independent of the services' own counters. It reads the topics from where they ended
when it started, without a consumer group, so that it disturbs nobody. It reads in a thread of its
own; what others get of it is a copy, of one moment, that nobody changes any more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from coop_contracts.event import ActionRequested, DecisionMade, ReviewRequested, RulesEvaluated
from coop_contracts.topic import all_topics

_PATIENCE_S = 60.0
_PAUSE_S = 0.3

_WATCHED = (RulesEvaluated, ActionRequested, ReviewRequested, DecisionMade)


@dataclass(frozen=True, kw_only=True)
class Logged:
    """What the log says at one moment.

    evaluations   submission id → how often a result was recorded
    executions    execution ids that rule results name
    requests      execution id → item id, of every action requested; `automatic` those of rules
    reviews       entry id → item id, of every review that a rule asked for
    decisions     job id → decision ids; `moved` the jobs that were moved to another queue
    """

    evaluations: Mapping[str, int]
    executions: Collection[str]
    requests: Mapping[str, str]
    automatic: Collection[str]
    reviews: Mapping[str, str]
    decisions: Mapping[str, Collection[str]]
    moved: Collection[str]


class Notes:
    """What was read of the items whose id starts with `prefix`; for any thread."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._lock = threading.Lock()
        self._evaluations: Counter[str] = Counter()
        self._executions: set[str] = set()
        self._requests: dict[str, str] = {}
        self._automatic: set[str] = set()
        self._reviews: dict[str, str] = {}
        self._decisions: defaultdict[str, set[str]] = defaultdict(set)
        self._moved: set[str] = set()

    def take(self, event: Any) -> None:
        """Notes one event."""
        if event.item.id.startswith(self._prefix):
            with self._lock:
                self._take(event)

    def _take(self, event: Any) -> None:
        match event:
            case RulesEvaluated():
                self._evaluations[event.submission_id] += 1
                self._executions.update(one.execution_id for one in event.executions)
            case ActionRequested():
                self._requests[event.execution_id] = event.item.id
                if event.source == "RULE_EXECUTION":
                    self._automatic.add(event.execution_id)
            case ReviewRequested():
                self._reviews[event.entry_id] = event.item.id
            case DecisionMade():
                self._decisions[event.job_id].add(event.decision_id)
                if any(component.type == "MOVE" for component in event.components):
                    self._moved.add(event.job_id)

    def logged(self) -> Logged:
        """A copy of all of it."""
        with self._lock:
            return Logged(
                evaluations=dict(self._evaluations),
                executions=frozenset(self._executions),
                requests=dict(self._requests),
                automatic=frozenset(self._automatic),
                reviews=dict(self._reviews),
                decisions={job: frozenset(made) for job, made in self._decisions.items()},
                moved=frozenset(self._moved),
            )


class LogWatch:
    """Reads what the log says of the items whose id starts with `prefix`."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._notes = Notes(prefix)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="log-watch", daemon=True)
        self._error: str | None = None
        self._decoders = {t.topic: msgspec.json.Decoder(t) for t in _WATCHED}
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "coop-demo-unused",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )

    def start(self) -> None:
        """Notes where each topic ends now, and reads from there on."""
        partitions = [
            TopicPartition(topic.topic, number)
            for topic in all_topics()
            if topic.topic in self._decoders
            for number in range(topic.partitions)
        ]
        for partition in partitions:
            partition.offset = self._end_of(partition)
        self._consumer.assign(partitions)
        self._thread.start()

    def _end_of(self, partition: TopicPartition) -> int:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                _, high = self._consumer.get_watermark_offsets(partition, timeout=10)
            except KafkaException as error:
                # A broker that restarts has no leaders for a moment.
                if time.monotonic() > deadline:
                    raise RuntimeError(f"cannot read the log: {error}") from error
                time.sleep(_PAUSE_S)
            else:
                return int(high)

    def stop(self) -> None:
        """Ends the reading."""
        self._stop.set()
        self._thread.join(timeout=10)
        if not self._thread.is_alive():  # else it still reads, and ends with the process
            self._consumer.close()

    def logged(self) -> Logged:
        """What was read until now."""
        return self._notes.logged()

    def check(self) -> None:
        """Raises RuntimeError when the log could not be read."""
        if self._error:
            raise RuntimeError(self._error)

    def _read(self) -> None:
        try:
            while not self._stop.is_set():
                for record in self._consumer.consume(500, timeout=0.2):
                    error = record.error()
                    if error is None:
                        decoder = self._decoders[str(record.topic())]
                        self._notes.take(decoder.decode(record.value() or b""))
                    elif error.code() != KafkaError._PARTITION_EOF and not error.retriable():
                        raise RuntimeError(f"cannot read {record.topic()}: {error}")
        except Exception as problem:  # noqa: BLE001 - told by `check`; without it all seemed lost
            self._error = f"the log is not read any more: {problem!r}"
