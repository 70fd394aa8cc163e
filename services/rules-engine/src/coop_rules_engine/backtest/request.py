"""Which backtests are this process's, and how far each is: read from the log, which is their store.

    group assigns a partition of `coop.backtests.v1`
        └▶ its results are read to their end ─▶ its requests are read from their beginning ─▶ told:
           what is unfinished, with its last state; then each new request as it comes
    group takes a partition ─▶ told: what was of it is no longer ours

Guarantees: nothing is committed, so a process that dies leaves nothing out: whoever gets the
partition begins from the same log; a request and its results are in partitions of the same number
(one key); a finished backtest is never begun again.
Must not: keep what is finished in memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import Message as KafkaMessage
from confluent_kafka import TopicPartition as KafkaPartition

from coop_contracts.event import BacktestProgressed, BacktestRequested, BacktestSample
from coop_runtime.kafka.config import consumer_config
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

GROUP = "rules-engine-backtest"
MAX_AGE = timedelta(days=20)
"""An older request is not begun: the log may have lost that it is finished (its retention is 30
days), and it asks for items that are gone soon."""

_POLL_SECONDS = 0.1
_ANSWER_SECONDS = 10.0
_READ_SECONDS = 25.0  # of a partition; the group waits two minutes for all of them
_AGAIN_SECONDS = 0.5
_CHUNK = 500

_log = logger(__name__)
_decode_request = msgspec.json.Decoder(BacktestRequested).decode
_decode_result = msgspec.json.Decoder(BacktestProgressed).decode


@dataclass(slots=True)
class PastProgress:
    """What a backtest has published: its last event, and all its samples."""

    last: BacktestProgressed
    samples: list[BacktestSample] = field(default_factory=list)


Taken = Callable[[int, BacktestRequested, PastProgress | None], None]


class RequestReader:
    """One thread, one member of the group. `taken` gets each request of our partitions, `lost` a
    partition that is no longer ours; both are called in this thread."""

    def __init__(
        self, settings: RuntimeSettings, *, taken: Taken, lost: Callable[[int], None]
    ) -> None:
        base: dict[str, Any] = consumer_config(settings, GROUP, GROUP)
        self._config = base | {
            "enable.partition.eof": True,
            "fetch.wait.max.ms": min(base["fetch.wait.max.ms"], 100),
            "error_cb": _on_error,
        }
        self._taken = taken
        self._lost = lost
        self._stopping = threading.Event()
        self._past: dict[int, dict[str, PastProgress]] = {}
        self._finished: dict[int, set[str]] = {}
        self._waiting: dict[int, dict[str, BacktestRequested]] = {}
        self.joined = False

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """The thread's body. Raises KafkaException when the client cannot go on."""
        client = KafkaConsumer(self._config)
        try:
            client.subscribe(
                [BacktestRequested.topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_revoke,
            )
            while not self._stopping.is_set():
                message = client.poll(_POLL_SECONDS)
                if message is not None:
                    self._take(message)
        finally:
            client.close()

    def _on_assign(self, client: KafkaConsumer, assigned: list[KafkaPartition]) -> None:
        self.joined = True
        for partition in assigned:
            partition.offset = OFFSET_BEGINNING
            self._waiting[partition.partition] = {}
            self._read_results(partition.partition)
        client.incremental_assign(assigned)

    def _on_revoke(self, _client: KafkaConsumer, revoked: list[KafkaPartition]) -> None:
        for partition in revoked:
            for of_partition in (self._past, self._finished, self._waiting):
                of_partition.pop(partition.partition, None)
            self._lost(partition.partition)

    def _read_results(self, number: int) -> None:
        """All results of a partition, up to where it ends now.

        Raises KafkaException when that cannot be had: without it a finished backtest would be begun
        again.
        """
        deadline = time.monotonic() + _READ_SECONDS
        while not self._stopping.is_set():
            try:
                self._past[number], self._finished[number] = self._results_of(number, deadline)
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise
                _log.warning("backtest results out of reach", partition=number, error=str(error))
                self._stopping.wait(_AGAIN_SECONDS)
            else:
                return

    def _results_of(self, number: int, deadline: float) -> tuple[dict[str, PastProgress], set[str]]:
        past: dict[str, PastProgress] = {}
        finished: set[str] = set()
        topic = BacktestProgressed.topic
        client = KafkaConsumer(self._config | {"group.id": f"{GROUP}-results"})
        try:
            partition = KafkaPartition(topic, number)
            low, high = client.get_watermark_offsets(partition, timeout=_ANSWER_SECONDS)
            client.assign([KafkaPartition(topic, number, low)])
            ended = low
            while ended < high and not self._stopping.is_set():
                if time.monotonic() > deadline:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{topic} is silent"))
                ended, values = _values(client.consume(_CHUNK, _POLL_SECONDS))
                for value in values:
                    _remember(value, past, finished)
        finally:
            client.close()
        return past, finished

    def _take(self, message: KafkaMessage) -> None:
        number, error = cast(int, message.partition()), message.error()
        waiting = self._waiting.get(number)
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF and waiting is not None:
                self._begin(number, waiting)
            return
        try:
            request = _decode_request(message.value() or b"")
        except (msgspec.MsgspecError, ValueError, RecursionError) as why:
            _log.error("backtest request cannot be read", offset=message.offset(), error=str(why))
            return
        if request.backtest_id in self._finished.get(number, ()):
            return
        if waiting is None:
            self._taken(number, request, None)
        elif request.time < datetime.now(UTC) - MAX_AGE:
            _log.warning("backtest too old to begin", backtest=request.backtest_id)
        else:
            known = waiting.get(request.backtest_id)
            # A cancellation says all that the request said; it is what is to be done now.
            if known is None or request.cancelled:
                waiting[request.backtest_id] = request

    def _begin(self, number: int, waiting: dict[str, BacktestRequested]) -> None:
        """The partition has been read to its end: its unfinished backtests go on."""
        past = self._past.pop(number, {})
        for backtest_id, request in waiting.items():
            self._taken(number, request, past.get(backtest_id))
        del self._waiting[number]


def _values(messages: Sequence[KafkaMessage]) -> tuple[int, list[bytes]]:
    """The values, and the offset at which the partition ended, -1 where it did not."""
    ended, values = -1, []
    for message in messages:
        error = message.error()
        if error is None:
            values.append(message.value() or b"")
        elif error.code() == KafkaError._PARTITION_EOF:
            ended = message.offset() or 0
    return ended, values


def _remember(value: bytes, past: dict[str, PastProgress], finished: set[str]) -> None:
    try:
        event = _decode_result(value)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _log.error("backtest result cannot be read", error=str(error))
        return
    if event.state != "RUNNING":
        finished.add(event.backtest_id)
        past.pop(event.backtest_id, None)
        return
    found = past.setdefault(event.backtest_id, PastProgress(event))
    found.last = event
    found.samples += event.samples


def _on_error(error: KafkaError) -> None:
    if error.fatal():
        raise KafkaException(error)
    _log.warning("backtest requests", error=error.str())
