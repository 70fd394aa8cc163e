"""How far the partitions of a consumer are behind the log, by what the broker says.

    lag = end of the log − the later of (what is settled, else committed) and the log's beginning

Guarantees: the figure is right before the first record came, after a restart or a rebalance, while
partitions are paused, and when the log's beginning was deleted; nothing is said of a partition
before the broker was asked about it, nor once it is no longer ours. While the broker does not
answer, the last figures stay.
Must not: hold up fetching: it asks in a thread of its own, each question with a deadline, and by a
client of its own: a client does one thing at a time, and on its connections a question waits behind
a fetch that waits for records.

What the fetching client knows by itself does not serve: it has a position once it has read
something, learns the log's end from fetching, which pauses, and its beginning not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaException
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import TopicPartition as KafkaPartition

from coop_runtime.kafka import metric
from coop_runtime.kafka.partition import HeldPartitions, TopicPartition
from coop_runtime.process.log import logger

EVERY_SECONDS = 2.0
_ANSWER_SECONDS = 5.0

_log = logger(__name__)


class OffsetSource(Protocol):
    """What is asked of the client. Both raise KafkaException."""

    def committed(
        self, partitions: list[KafkaPartition], timeout: float
    ) -> list[KafkaPartition]: ...

    def offsets_for_times(
        self, partitions: list[KafkaPartition], timeout: float
    ) -> list[KafkaPartition]: ...


def lag_of(*, begin: int, end: int, done: int | None) -> int:
    """Records between `done` (the next offset to read, None for never) and the log's end.

    What was deleted is not counted, and who stands past the end begins anew: the topic was made
    again, and the client's reset goes to the earliest record.
    """
    if done is None or done > end:
        done = begin
    return max(0, end - max(done, begin))


class LagMeter:
    """Keeps `coop_consumer_lag_messages` of one consumer, whose client is made of `config`."""

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        partitions: HeldPartitions,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._config = config
        self._group: str = config["group.id"]
        self._partitions = partitions
        self._every = every
        self._shown: set[TopicPartition] = set()
        self._showing = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._away = False

    def start(self) -> None:
        """Measure from now on."""
        threading.Thread(target=self._run, name=f"lag {self._group}", daemon=True).start()

    def stop(self) -> None:
        """Say nothing any more; the thread ends by itself, soon."""
        self._stopping = True
        self._wake.set()
        self.forget(set(self._shown))

    def look(self) -> None:
        """Measure now: what is held has changed."""
        self._wake.set()

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Say nothing of these any more; call when they are released."""
        with self._showing:
            for partition in partitions:
                if partition in self._shown:
                    self._shown.discard(partition)
                    metric.CONSUMER_LAG.remove(*self._labels(partition))

    def measure(self, client: OffsetSource) -> None:
        """Ask once, and show. Raises KafkaException."""
        held = self._partitions.held()
        done = {p: self._partitions.settled_offset(p) for p in held}
        new = [p for p in held if done[p] is None]
        if new:
            done |= _committed(client, new)
        ends = _edges(client, held, OFFSET_END)
        # Who is at the end need not know where the log begins: that is the usual case.
        behind = [p for p in ends if done[p] != ends[p]]
        begins = _edges(client, behind, OFFSET_BEGINNING)
        with self._showing:
            for partition, end in ends.items():
                begin = begins.get(partition, end)
                if self._stopping or self._partitions.generation(partition) is None:
                    continue
                self._shown.add(partition)
                lag = lag_of(begin=begin, end=end, done=done[partition])
                metric.CONSUMER_LAG.labels(*self._labels(partition)).set(lag)

    def _run(self) -> None:
        client = KafkaConsumer(dict(self._config))
        try:
            self._keep_measuring(client)
        finally:
            client.close()

    def _keep_measuring(self, client: OffsetSource) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                self.measure(client)
                self._away = False
            except KafkaException as error:
                if not self._away and not self._stopping:
                    _log.warning("lag unknown", group=self._group, error=str(error))
                self._away = True
            if not self._stopping:
                self._wake.wait(self._every)

    def _labels(self, partition: TopicPartition) -> tuple[str, str, str]:
        return (self._group, partition.topic, str(partition.partition))


def _committed(
    client: OffsetSource, partitions: Sequence[TopicPartition]
) -> Mapping[TopicPartition, int | None]:
    asked = [KafkaPartition(p.topic, p.partition) for p in partitions]
    found = client.committed(asked, timeout=_ANSWER_SECONDS)
    return {of: None if at < 0 else at for of, at in _answers(found).items()}


def _edges(
    client: OffsetSource, partitions: Collection[TopicPartition], edge: int
) -> dict[TopicPartition, int]:
    if not partitions:
        return {}
    # Kafka's look-up by time takes the two edges in the time's place (ListOffsets, -1 and -2).
    asked = [KafkaPartition(p.topic, p.partition, edge) for p in partitions]
    return _answers(client.offsets_for_times(asked, timeout=_ANSWER_SECONDS))


def _answers(found: Iterable[KafkaPartition]) -> dict[TopicPartition, int]:
    answers = {}
    for one in found:
        if one.error is not None:
            raise KafkaException(one.error)
        answers[TopicPartition(one.topic, one.partition)] = one.offset
    return answers
