"""Reading dead-letter topics, and remembering what of them was replayed.

Guarantees: reading takes part in no group and changes nothing. What was replayed is kept with the
broker (`coop_runtime.kafka.replayed`).
Must not: publish; `replay` does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from coop_contracts.topic import DEAD_LETTER_SUFFIX
from coop_runtime.kafka.config import consumer_config
from coop_runtime.kafka.record import Record, record_of
from coop_runtime.kafka.replayed import GROUP, Replayed
from coop_runtime.process.settings import RuntimeSettings

_READING = {"enable.partition.eof": True, "fetch.wait.max.ms": 20}


# The client tells of each of its hundred attempts; the command says in a line how it ended.
_SILENT = logging.getLogger("coop_cli.librdkafka")
_SILENT.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Patience:
    """How long a broker may take for one answer, in seconds."""

    seconds: float = 10.0


class LetterBox:
    """One connection. Raises KafkaException when the broker does not answer in time."""

    def __init__(self, settings: RuntimeSettings, *, patience: Patience = Patience()) -> None:
        self._seconds = patience.seconds
        config = consumer_config(settings, "coop-cli", GROUP)
        self._consumer = Consumer(config | _READING | {"logger": _SILENT})

    def close(self) -> None:
        self._consumer.close()

    def topics(self) -> list[str]:
        """The dead-letter topics that exist, by name."""
        found = self._consumer.list_topics(timeout=self._seconds).topics
        return sorted(name for name in found if name.endswith(DEAD_LETTER_SUFFIX))

    def bounds(self, topic: str) -> tuple[int, int]:
        """The first offset and the next to be written."""
        partition = TopicPartition(topic, 0)
        low, high = self._consumer.get_watermark_offsets(partition, timeout=self._seconds)
        return low, high

    def read(self, topic: str, *, start: int | None = None) -> Iterator[Record]:
        """The letters from `start` (default: the first) to what is the end now."""
        low, high = self.bounds(topic)
        if low >= high:
            return
        wanted = low if start is None else max(start, low)
        # Tansu's end is that of the last batch's first record: read on to where the topic ends.
        first = min(wanted, high - 1)
        self._consumer.assign([TopicPartition(topic, 0, first)])
        try:
            yield from (letter for letter in self._to_end(high) if letter.offset >= wanted)
        finally:
            self._consumer.unassign()

    def _to_end(self, end: int) -> Iterator[Record]:
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            message = self._consumer.poll(0.1)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    if (message.offset() or 0) >= end:
                        return
                elif not error.retriable():
                    raise KafkaException(error)
                continue
            deadline = time.monotonic() + self._seconds
            yield record_of(message)
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the broker sends nothing"))

    def replayed(self, topic: str) -> Replayed:
        """What was replayed of a topic."""
        low, _ = self.bounds(topic)
        (found,) = self._consumer.committed([TopicPartition(topic, 0)], timeout=self._seconds)
        if found.error is not None:
            raise KafkaException(found.error)
        replayed = Replayed.of(found.offset, found.metadata)
        replayed.forget_before(low)
        return replayed

    def remember(self, topic: str, replayed: Replayed) -> None:
        """Keep it with the broker."""
        offset = TopicPartition(topic, 0, replayed.next_offset, replayed.to_metadata())
        self._consumer.commit(offsets=[offset], asynchronous=False)
