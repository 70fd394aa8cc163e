"""Reading a retained topic again, between two times, one partition at a time.

Guarantees: belongs to no consumer group's work (nothing is joined, nothing committed); every record
that was written between the two times and is still retained is given once, in order; it is known
whether the log reaches back to the first time.
Must not: follow the log: it ends where it ended when reading began.

Times on the log are those of the producers' clocks: a minute of difference is allowed for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any, cast

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as KafkaMessage
from confluent_kafka import TopicPartition as KafkaPartition

from coop_runtime.kafka.config import consumer_config
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

CLOCK_SKEW = timedelta(seconds=60)

_ANSWER_SECONDS = 10.0
_SILENCE_SECONDS = 60.0
_CLIENT = "rules-engine-backtest-reader"

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets `first` up to (not including) `end` of a partition. `whole` is False when older
    records may have been deleted that belonged to it; `open_end` when it ends where the log ended,
    or, on a log that grows, at the first record from `until` (Unix milliseconds) on."""

    partition: int
    first: int
    end: int
    whole: bool
    open_end: bool
    until: float


class PartitionReader:
    """One client for one topic, used by one thread at a time. Raises Retryable when the broker does
    not answer."""

    def __init__(self, settings: RuntimeSettings, topic: str, *, prefetch_kb: int = 16 * 1024):
        # The client insists on a group's name; nothing joins or commits under it.
        config: dict[str, Any] = consumer_config(settings, _CLIENT, _CLIENT)
        self._topic = topic
        self._client = KafkaConsumer(
            config
            | {
                "enable.partition.eof": True,
                "fetch.wait.max.ms": min(config["fetch.wait.max.ms"], 100),
                "queued.min.messages": 50_000,
                "queued.max.messages.kbytes": prefetch_kb,
                "error_cb": _on_error,
            }
        )
        self._span: Span | None = None
        self._heard = 0.0
        self.position = 0
        self.done = True

    def close(self) -> None:
        self._client.close()

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """What the log holds of `[start, end)`, by partition."""
        try:
            known = self._client.list_topics(self._topic, timeout=_ANSWER_SECONDS)
            topic = known.topics[self._topic]
            if topic.error is not None:
                raise KafkaException(topic.error)
            numbers = sorted(topic.partitions)
            firsts = self._offsets(numbers, start)
            ends = self._offsets(numbers, end + CLOCK_SKEW)
            until = (end + CLOCK_SKEW).timestamp() * 1000
            return [self._span_of(n, firsts[n], ends[n], until) for n in numbers]
        except KafkaException as error:
            raise Retryable(f"the broker does not say where {self._topic} is: {error}") from error

    def span_from(self, partition: int, start: datetime) -> Span:
        """What the log holds of one partition from `start` to where it ends now."""
        try:
            first = self._offsets([partition], start)[partition]
            return self._span_of(partition, first, -1, inf)
        except KafkaException as error:
            raise Retryable(f"the broker does not say where {self._topic} is: {error}") from error

    def _offsets(self, numbers: list[int], at: datetime) -> dict[int, int]:
        milliseconds = max(0, int(at.timestamp() * 1000))
        asked = [KafkaPartition(self._topic, number, milliseconds) for number in numbers]
        found = {}
        for answer in self._client.offsets_for_times(asked, timeout=_ANSWER_SECONDS):
            if answer.error is not None:
                raise KafkaException(answer.error)
            found[answer.partition] = answer.offset
        return found

    def _span_of(self, number: int, first: int, end: int, until: float) -> Span:
        partition = KafkaPartition(self._topic, number)
        low, high = self._client.get_watermark_offsets(partition, timeout=_ANSWER_SECONDS)
        open_end = end < 0
        end = high if open_end else min(end, high)
        if first < 0:
            # Nothing was written since: what there was is either before, or deleted.
            return Span(number, high, high, high > low or low == 0, open_end=False, until=until)
        return Span(number, first, end, first > low or low == 0, open_end, until)

    def open(self, span: Span, offset: int | None = None) -> None:
        """Begin to read a span, from `offset` where it was read up to that before."""
        self._span = span
        self.position = span.first if offset is None else max(span.first, offset)
        # An open end is where the broker says so: Tansu's is that of the last batch's first record.
        self.done = self.position >= span.end and not span.open_end
        self._heard = time.monotonic()
        if not self.done:
            self._client.assign([KafkaPartition(self._topic, span.partition, self.position)])

    def read(self, limit: int, timeout: float) -> list[KafkaMessage]:
        """Up to `limit` records, waiting at most `timeout` seconds for the first.

        Raises Retryable when nothing comes for a minute.
        """
        span = self._span
        if self.done or span is None:
            return []
        fetched = self._client.consume(limit, timeout)
        records = self._records_of(span, fetched)
        if not span.open_end and self.position >= span.end:
            self.finish()
        self._check_silence(heard=bool(fetched))
        return records

    def _records_of(self, span: Span, fetched: Sequence[KafkaMessage]) -> list[KafkaMessage]:
        """The span's records among what was fetched, up to its end if that is among it."""
        records = []
        for message in fetched:
            if message.topic() == self._topic and message.partition() != span.partition:
                continue  # it was on its way when we went on from another partition
            if self._is_end(span, message):
                self.finish()
                break
            if message.error() is None:
                records.append(message)
                self.position = cast(int, message.offset()) + 1
        return records

    def _is_end(self, span: Span, message: KafkaMessage) -> bool:
        """Whether the span ends at this message: at the first record that is beyond it, or where
        the broker says that the partition ends. Raises Retryable for an error that stays."""
        error, offset = message.error(), message.offset() or 0
        if error is None:
            beyond = not span.open_end or message.timestamp()[1] >= span.until
            return offset >= span.end and beyond
        if error.code() == KafkaError._PARTITION_EOF:
            return offset >= span.end
        if not error.retriable():
            raise Retryable(f"{self._topic} cannot be read: {error.str()}")
        return False

    def _check_silence(self, *, heard: bool) -> None:
        if heard:
            self._heard = time.monotonic()
        elif not self.done and time.monotonic() - self._heard > _SILENCE_SECONDS:
            raise Retryable(f"{self._topic} sends nothing")

    def finish(self) -> None:
        """Read no further."""
        if not self.done:
            self.done = True
            self._client.unassign()


def _on_error(error: KafkaError) -> None:
    if error.fatal():
        raise KafkaException(error)
    _log.warning("backtest reader", error=error.str())
