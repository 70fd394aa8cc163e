"""Reads the event log beside the services: what was evaluated, requested and decided in one run.

Guarantees: independent of the services' own counters. It reads the topics from where they ended
when it started, without a consumer group, so that it disturbs nobody.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from coop_contracts.event import ActionRequested, DecisionMade, ReviewRequested, RulesEvaluated
from coop_contracts.topic import all_topics

_PATIENCE_S = 60.0
_PAUSE_S = 0.3

_WATCHED = (RulesEvaluated, ActionRequested, ReviewRequested, DecisionMade)


class LogWatch:
    """What the log says of the items whose id starts with `prefix`.

    evaluations   submission id → how often a result was recorded
    executions    execution ids that rule results name
    requests      execution id → item id, of every action requested
    reviews       entry id → item id, of every review that a rule asked for
    decisions     job id → decision ids; `moved` the jobs that were moved to another queue
    """

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._prefix = prefix
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="log-watch", daemon=True)
        self._error: str | None = None
        self.evaluations: Counter[str] = Counter()
        self.executions: set[str] = set()
        self.requests: dict[str, str] = {}
        self.automatic: set[str] = set()
        self.reviews: dict[str, str] = {}
        self.decisions: defaultdict[str, set[str]] = defaultdict(set)
        self.moved: set[str] = set()
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
        self._consumer.close()

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
                        self._note(str(record.topic()), record.value() or b"")
                    elif error.code() != KafkaError._PARTITION_EOF and not error.retriable():
                        raise RuntimeError(f"cannot read {record.topic()}: {error}")
        except (RuntimeError, msgspec.MsgspecError) as problem:
            self._error = str(problem)

    def _note(self, topic: str, value: bytes) -> None:
        event: Any = self._decoders[topic].decode(value)
        if not event.item.id.startswith(self._prefix):
            return
        match event:
            case RulesEvaluated():
                self.evaluations[event.submission_id] += 1
                self.executions.update(one.execution_id for one in event.executions)
            case ActionRequested():
                self.requests[event.execution_id] = event.item.id
                if event.source == "RULE_EXECUTION":
                    self.automatic.add(event.execution_id)
            case ReviewRequested():
                self.reviews[event.entry_id] = event.item.id
            case DecisionMade():
                self.decisions[event.job_id].add(event.decision_id)
                if any(component.type == "MOVE" for component in event.components):
                    self.moved.add(event.job_id)
