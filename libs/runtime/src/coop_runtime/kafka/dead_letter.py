"""Dead letters: where a record goes that cannot be handled, and what is written on it.

Guarantees: key, value and headers of the record stay byte for byte; what happened is in further
headers, all with the prefix `dlq-`. More than `limit` a minute raise DeadLetterLimit before the
next is written: bad code must stop, not drain a topic.
Must not: hold secrets; a traceback has code lines, not values.

    dlq-reason      undecodable | poison | error
    dlq-error-type  the exception's class      dlq-error      its text (1 KB at most)
    dlq-traceback   8 KB at most, its end      dlq-time       Unix milliseconds of this entry
    dlq-topic, dlq-partition, dlq-offset, dlq-timestamp       where the record was
    dlq-group, dlq-service                                    who could not handle it
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

from coop_contracts.topic import DEAD_LETTER_SUFFIX
from coop_runtime.kafka import metric
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.record import Record
from coop_runtime.process.error import DeadLetterLimit, MessageTooLarge, Retryable
from coop_runtime.process.log import logger

DeadLetterReason = Literal["undecodable", "poison", "error"]
Publish = Callable[[Sequence[RawMessage]], Awaitable[None]]
WaitOut = Callable[[Exception], Awaitable[None]]

_log = logger(__name__)

HEADER_PREFIX = "dlq-"
_TRACEBACK_BYTES = 8 * 1024
_ERROR_BYTES = 1024


class Failure(NamedTuple):
    """A record that cannot be handled, and why."""

    record: Record
    reason: DeadLetterReason
    error: Exception


def dead_letter_of(failure: Failure, *, group: str, service: str) -> RawMessage:
    """The message for the dead-letter topic of the record's topic."""
    record, reason, error = failure
    trace = "".join(traceback.format_exception(error)).encode(errors="replace")
    told = {
        "reason": reason,
        "error-type": f"{type(error).__module__}.{type(error).__qualname__}",
        "error": _bounded(str(error).encode(errors="replace"), _ERROR_BYTES),
        "traceback": trace[-_TRACEBACK_BYTES:],
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "group": group,
        "service": service,
        "time": time.time_ns() // 1_000_000,
    }
    headers = list(record.headers)
    for name, value in told.items():
        raw = value if isinstance(value, bytes) else str(value).encode()
        headers.append((HEADER_PREFIX + name, raw))
    return RawMessage(record.topic + DEAD_LETTER_SUFFIX, record.key, record.value, headers)


def _bounded(text: bytes, limit: int) -> bytes:
    return text if len(text) <= limit else text[: limit - 3] + b"..."


def original_of(letter: Record) -> RawMessage:
    """The message that a dead letter was made of, for its original topic.

    Raises ValueError when the letter is not one of that topic's: a header must not choose where a
    replay goes.
    """
    told = dict(letter.headers).get(HEADER_PREFIX + "topic") or b""
    topic = letter.topic.removesuffix(DEAD_LETTER_SUFFIX)
    if topic == letter.topic or told != topic.encode():
        raise ValueError(f"offset {letter.offset} of {letter.topic} is no dead letter of {topic}")
    headers = [pair for pair in letter.headers if not pair[0].startswith(HEADER_PREFIX)]
    return RawMessage(topic, letter.key, letter.value, headers)


class DeadLetterRate:
    """At most `limit` a minute (sliding)."""

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._times: deque[float] = deque()

    def count(self) -> None:
        """Count one. Raises DeadLetterLimit when it is one too many."""
        now = self._clock()
        while self._times and self._times[0] <= now - 60:
            self._times.popleft()
        if len(self._times) >= self._limit:
            raise DeadLetterLimit(f"more than {self._limit} dead letters within a minute")
        self._times.append(now)


class DeadLetterWriter:
    """Writes one consumer's dead letters. `publish` returns after the broker's acknowledgement."""

    def __init__(
        self,
        publish: Publish,
        *,
        group: str,
        service: str,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publish = publish
        self._group = group
        self._service = service
        self._rate = DeadLetterRate(limit, clock=clock)

    async def write(self, failures: Sequence[Failure], *, wait: WaitOut) -> None:
        """Return once all are acknowledged; `wait` is called between attempts, which never end.

        Raises DeadLetterLimit before anything beyond the limit is written.
        """
        for number, failure in enumerate(failures):
            try:
                self._rate.count()
            except DeadLetterLimit:
                await self._write(failures[:number], wait)
                raise
            record = failure.record
            _log.error(
                "dead letter",
                reason=failure.reason,
                error=repr(failure.error),
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                group=self._group,
            )
        await self._write(failures, wait)

    async def _write(self, failures: Sequence[Failure], wait: WaitOut) -> None:
        letters = [
            dead_letter_of(failure, group=self._group, service=self._service)
            for failure in failures
        ]
        while letters:
            try:
                await self._publish(letters)
                break
            except Retryable as error:
                await wait(error)
            except MessageTooLarge as error:
                # The record just fits its topic, and the headers do not fit beside it.
                letters = [_brief(letter) for letter in letters]
                await wait(error)
        for failure in failures:
            metric.CONSUMER_DEAD_LETTERS.labels(self._group, failure.reason).inc()


def _brief(letter: RawMessage) -> RawMessage:
    long = (HEADER_PREFIX + "traceback", HEADER_PREFIX + "error")
    return letter._replace(headers=[pair for pair in letter.headers if pair[0] not in long])
