"""The thread that talks to the broker for one consumer: fetches, commits, takes part in rebalances.

Guarantees: the broker is polled whatever the handler does, so a slow or waiting handler never costs
the process its partitions; a batch is handed over as soon as its first record is there; before a
partition is given away, what is under way may settle (bounded) and is committed.
Must not: decode or handle anything.

While there is no room for another batch for a second, the partitions are paused and polling goes
on; the prefetch of a consumer is bounded (`kafka_config`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as KafkaMessage
from confluent_kafka import TopicPartition as KafkaPartition

from coop_runtime.kafka import metric
from coop_runtime.kafka.batch import Fetched
from coop_runtime.kafka.lag import LagMeter
from coop_runtime.kafka.partition import HeldPartitions, TopicPartition
from coop_runtime.kafka.record import Record, record_of
from coop_runtime.process.log import logger

_POLL_SECONDS = 0.1
_PAUSE_AFTER_SECONDS = 1.0
_COMMIT_SECONDS = 0.2
_WAITING_BATCHES = 2

# A commit that comes too late for its generation: the next owner reads from the one before.
_REBALANCING = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._NO_OFFSET,
    KafkaError._ASSIGNMENT_LOST,
)

_log = logger(__name__)


class Fetcher:
    """One thread, one client. `deliver` is called in this thread with each batch, `taken_away` when
    partitions are no longer ours."""

    def __init__(
        self,
        config: dict[str, Any],
        topic: str,
        *,
        partitions: HeldPartitions,
        deliver: Callable[[Fetched], None],
        taken_away: Callable[[], None],
        max_batch: int,
        settle_timeout: float,
    ) -> None:
        self._config = config | {"on_commit": self._committed, "error_cb": self._on_error}
        self._group: str = config["group.id"]
        self._topic = topic
        self._partitions = partitions
        self._deliver = deliver
        self._taken_away = taken_away
        self._max_batch = max_batch
        self._settle_timeout = settle_timeout
        self._room = threading.Semaphore(_WAITING_BATCHES)
        self._stopping = threading.Event()
        self._paused = False
        self._kept: list[KafkaMessage] = []
        self._committing_since: float | None = None
        self._next_commit = 0.0
        # That one asks, and is no member.
        asking = {key: value for key, value in config.items() if key != "group.instance.id"}
        self._lag = LagMeter(asking, partitions=partitions)

    def make_room(self) -> None:
        """A batch handed over was taken up."""
        self._room.release()

    def stop(self) -> None:
        """Fetch no more, commit what is settled, leave the group, end `run`."""
        self._stopping.set()
        self._room.release()

    def run(self) -> None:
        """The thread's body. Raises KafkaException when the client cannot go on."""
        client = KafkaConsumer(self._config)
        try:
            client.subscribe(
                [self._topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            self._lag.start()
            while not self._stopping.is_set():
                if self._room.acquire(timeout=_PAUSE_AFTER_SECONDS):
                    self._fetch(client)
                else:
                    self._wait_paused(client)
        finally:
            self._lag.stop()
            # Leaving revokes, and revoking commits.
            client.close()
            metric.CONSUMER_ASSIGNED.labels(self._group).set(0)

    def _fetch(self, client: KafkaConsumer) -> None:
        """Hand over one batch."""
        while not self._stopping.is_set():
            self._keep_house(client)
            first = self._poll(client)
            messages, self._kept = self._kept, []
            if first is not None:
                messages.append(first)
            if not messages:
                continue
            messages += client.consume(self._max_batch - 1, 0)
            fetched = self._fetched(messages)
            if fetched.records:
                self._deliver(fetched)
                return

    def _wait_paused(self, client: KafkaConsumer) -> None:
        self._paused = True
        client.pause(client.assignment())
        while not self._stopping.is_set():
            self._keep_house(client)
            message = self._poll(client)
            if message is not None:
                self._kept.append(message)
            if self._room.acquire(blocking=False):
                self._room.release()
                break
        self._paused = False
        client.resume(client.assignment())

    def _poll(self, client: KafkaConsumer) -> KafkaMessage | None:
        return client.poll(_POLL_SECONDS)

    def _fetched(self, messages: list[KafkaMessage]) -> Fetched:
        records: list[Record] = []
        generations: dict[TopicPartition, int] = {}
        # Records of one partition follow one another, and all are of one topic.
        number, is_held = -1, False
        for message in messages:
            error = message.error()
            if error is not None:
                self._on_error(error)
                continue
            record = record_of(message)
            if record.partition != number:
                number = record.partition
                partition = TopicPartition(record.topic, number)
                generation = self._partitions.generation(partition)
                if generation is not None:
                    generations.setdefault(partition, generation)
                is_held = partition in generations
            if is_held:
                records.append(record)
        return Fetched(records, generations)

    def _keep_house(self, client: KafkaConsumer) -> None:
        now = time.monotonic()
        if now >= self._next_commit and self._committing_since is None:
            self._next_commit = now + _COMMIT_SECONDS
            offsets = self._partitions.take_committable()
            if offsets:
                self._committing_since = now
                client.commit(offsets=_kafka_offsets(offsets), asynchronous=True)

    def _committed(self, error: KafkaError | None, offsets: list[KafkaPartition]) -> None:
        if self._committing_since is not None:
            seconds = time.monotonic() - self._committing_since
            metric.CONSUMER_COMMIT_SECONDS.labels(self._group).observe(seconds)
            self._committing_since = None
        if error is not None:
            self._commit_failed(error, _partitions(offsets))

    def _commit_failed(self, error: KafkaError, partitions: list[TopicPartition]) -> None:
        metric.CONSUMER_COMMIT_FAILURES.labels(self._group).inc()
        if error.code() not in _REBALANCING:
            _log.warning("commit failed", group=self._group, error=error.str())
        self._partitions.commit_failed(partitions)

    def _on_assign(self, client: KafkaConsumer, assigned: list[KafkaPartition]) -> None:
        self._partitions.assign(_partitions(assigned))
        self._count_assigned()
        self._lag.look()
        if self._paused:
            client.incremental_assign(assigned)
            client.pause(assigned)

    def _on_revoke(self, client: KafkaConsumer, revoked: list[KafkaPartition]) -> None:
        partitions = _partitions(revoked)
        self._partitions.close(partitions)
        self._let_go(partitions)
        if not self._partitions.wait_settled(partitions, self._settle_timeout):
            _log.warning("partitions given away with records under way", group=self._group)
        offsets = self._partitions.take_committable(partitions)
        if offsets:
            try:
                client.commit(offsets=_kafka_offsets(offsets), asynchronous=False)
            except KafkaException as error:
                # Whoever is next reads those records again; nothing is lost.
                self._commit_failed(error.args[0], partitions)
        self._partitions.release(partitions)
        self._lag.forget(partitions)
        self._count_assigned()

    def _on_lost(self, _client: KafkaConsumer, lost: list[KafkaPartition]) -> None:
        _log.warning("partitions lost", group=self._group, partitions=len(lost))
        partitions = _partitions(lost)
        self._partitions.lose(partitions)
        self._lag.forget(partitions)
        self._let_go(partitions)
        self._count_assigned()

    def _let_go(self, partitions: list[TopicPartition]) -> None:
        # Should they come back, they are fetched again from the committed offset.
        self._kept = [m for m in self._kept if (m.topic(), m.partition()) not in partitions]
        self._taken_away()

    def _count_assigned(self) -> None:
        metric.CONSUMER_ASSIGNED.labels(self._group).set(len(self._partitions.held()))

    def _on_error(self, error: KafkaError) -> None:
        metric.CONSUMER_ERRORS.labels(self._group, error.name()).inc()
        _log.warning("broker client", group=self._group, error=error.str())
        if error.fatal():
            raise KafkaException(error)


def _partitions(found: list[KafkaPartition]) -> list[TopicPartition]:
    return [TopicPartition(p.topic, p.partition) for p in found]


def _kafka_offsets(offsets: dict[TopicPartition, int]) -> list[KafkaPartition]:
    return [KafkaPartition(p.topic, p.partition, offset) for p, offset in offsets.items()]
