"""A topic read from a time to where it ends now, outside any consumer group.

Guarantees: every record from `since` up to the ends that the partitions had when it was opened, in
the order of each partition; nothing is committed; each wait is bounded.
Must not: run on the event loop: every method blocks (use `asyncio.to_thread`).
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition

from coop_runtime.kafka.config import consumer_config
from coop_runtime.process.error import BrokerUnavailable
from coop_runtime.process.settings import RuntimeSettings

_SECONDS = 10.0  # of one question to the broker
_SILENCE_SECONDS = 30.0  # without a record, though the end is not reached


def reading_config(settings: RuntimeSettings, name: str) -> dict[str, Any]:
    """A client that commits nothing and belongs to nobody."""
    config: dict[str, Any] = consumer_config(settings, name, f"{name}.{uuid.uuid4()}")
    return config | {
        "enable.partition.eof": True,
        # The end of a partition is told only after an empty fetch.
        "fetch.wait.max.ms": min(config["fetch.wait.max.ms"], 100),
    }


def offsets_at(client: KafkaConsumer, topic: str, since_ms: int) -> list[KafkaPartition]:
    """Where to begin in each partition to see all records of `since_ms` (Unix ms) and later.

    Raises KafkaException.
    """
    known = client.list_topics(topic, timeout=_SECONDS).topics[topic]
    if known.error is not None:
        raise KafkaException(known.error)
    wanted = [KafkaPartition(topic, partition, max(since_ms, 0)) for partition in known.partitions]
    found = client.offsets_for_times(wanted, timeout=_SECONDS)
    for partition in found:
        if partition.error is not None:
            raise KafkaException(partition.error)
        if partition.offset < 0:
            # Nothing is that new: begin at the end, wherever that is now.
            _, high = client.get_watermark_offsets(partition, timeout=_SECONDS)
            partition.offset = high
    return found


class LogReader:
    """Reads `topic` from `since_ms` (Unix ms of the records' own time). Close it.

    Opening and reading raise BrokerUnavailable.
    """

    def __init__(self, settings: RuntimeSettings, name: str, topic: str, since_ms: int) -> None:
        self._client = KafkaConsumer(reading_config(settings, name))
        try:
            starts = offsets_at(self._client, topic, since_ms)
            self._ends: dict[int, int] = {}
            for start in starts:
                _, high = self._client.get_watermark_offsets(start, timeout=_SECONDS)
                if start.offset < high:
                    self._ends[start.partition] = high
            self._client.assign([start for start in starts if start.partition in self._ends])
        except KafkaException as error:
            self._client.close()
            raise BrokerUnavailable(f"{topic}: {error}") from error

    def read(self, most: int = 2000) -> list[bytes]:
        """The next values; empty at the end."""
        until = time.monotonic() + _SILENCE_SECONDS
        while self._ends:
            values: list[bytes] = []
            for message in self._client.consume(most, timeout=0.5):
                self._see(message, values)
            if values:
                return values
            if time.monotonic() > until:
                raise BrokerUnavailable("the broker gives no more of the log")
        return []

    def _see(self, message: Any, values: list[bytes]) -> None:
        error = message.error()
        partition = message.partition()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise BrokerUnavailable(error.str())
            self._ends.pop(partition, None)
            return
        end = self._ends.get(partition)
        if end is None or message.offset() >= end:
            # Newer than the reading: whoever handles it sees to it.
            self._ends.pop(partition, None)
            return
        value = message.value()
        if value is not None:
            values.append(value)
        if message.offset() + 1 >= end:
            del self._ends[partition]

    def close(self) -> None:
        self._client.close()
