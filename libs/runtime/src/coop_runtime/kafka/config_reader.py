"""The thread that reads the config topic, from its beginning and then for ever.

Guarantees: no consumer group and no commits; after the broker was away it reads from the beginning
again, because what it had read may not be what is there now (readers ignore what is not newer); so
it does when the topic is shorter than it was (the client's reset to the earliest record). It
notices within a second that the broker is back.
Must not: judge what it reads; `config_table` does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import TopicPartition as KafkaPartition

from coop_contracts.event import ConfigChanged
from coop_runtime.kafka import metric
from coop_runtime.kafka.config import consumer_config
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

_POLL_SECONDS = 0.1
_PROBE_SECONDS = 5.0
_PROBE_AWAY_SECONDS = 1.0
_PROBE_TIMEOUT = 2.0
_CHUNK = 500
_CHUNKS_AHEAD = 4
_METADATA_MS = 2_000

_PARTITION = KafkaPartition(ConfigChanged.topic, 0)

_log = logger(__name__)


class ConfigReader:
    """`deliver` gets the values of records in order, `reached` is called when all that was on the
    topic when reading began has been delivered; both in this thread. Call `applied` once for every
    `deliver`."""

    def __init__(
        self,
        settings: RuntimeSettings,
        *,
        deliver: Callable[[list[bytes]], None],
        reached: Callable[[], None],
    ) -> None:
        # The client insists on a group's name; nothing joins or commits under it.
        config = consumer_config(settings, "config-table", "config-table")
        self._config: dict[str, Any] = config | {
            "enable.partition.eof": True,
            # The end of the topic is told only after an empty fetch.
            "fetch.wait.max.ms": min(config["fetch.wait.max.ms"], 100),
            "topic.metadata.refresh.interval.ms": _METADATA_MS,
            "error_cb": self._on_error,
        }
        self._deliver = deliver
        self._reached = reached
        self._ahead = threading.Semaphore(_CHUNKS_AHEAD)
        self._stopping = threading.Event()
        self._away = True
        self._next_probe = 0.0
        self._contact = time.monotonic()  # when all that was on the topic was last known to be read
        self._end: int | None = None  # what must be read until all is delivered; None once it is

    def applied(self) -> None:
        """What was delivered has been taken in."""
        self._ahead.release()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """The thread's body. Raises KafkaException when the client cannot go on."""
        client = KafkaConsumer(self._config)
        try:
            while not self._stopping.is_set():
                if time.monotonic() >= self._next_probe:
                    self._probe(client)
                self._read(client)
                metric.CONFIG_STALE_SECONDS.set(time.monotonic() - self._contact)
        finally:
            client.close()

    def _probe(self, client: KafkaConsumer) -> None:
        """Ask the broker how long the topic is; begin anew when it was away."""
        try:
            low, high = client.get_watermark_offsets(_PARTITION, timeout=_PROBE_TIMEOUT)
        except KafkaException as error:
            if not self._away:
                _log.warning("config topic out of reach", error=str(error))
            self._away = True
            self._next_probe = time.monotonic() + _PROBE_AWAY_SECONDS
            return
        if self._away:
            client.assign([KafkaPartition(_PARTITION.topic, 0, OFFSET_BEGINNING)])
            self._end = high
        elif low >= high or client.position([_PARTITION])[0].offset >= high:
            self._contact = time.monotonic()
        self._away = False
        self._next_probe = time.monotonic() + _PROBE_SECONDS

    def _read(self, client: KafkaConsumer) -> None:
        first = client.poll(_POLL_SECONDS)
        if first is None:
            return
        values: list[bytes] = []
        position = -1
        for message in [first, *client.consume(_CHUNK - 1, 0)]:
            error = message.error()
            if error is None:
                value = message.value()
                if value is not None:  # a tombstone says nothing: deletions are null documents
                    values.append(value)
            elif error.code() == KafkaError._PARTITION_EOF:
                position = message.offset() or 0
            else:
                self._on_error(error)
        if values:
            self._hand_over(values)
        # Not the last record's offset: compaction may have left nothing at the last ones, and
        # Tansu's end is that of the last batch's first record.
        if self._end is not None and position >= self._end:
            self._end = None
            self._reached()
        if self._end is None and position >= 0:
            self._contact = time.monotonic()

    def _hand_over(self, values: list[bytes]) -> None:
        while not self._stopping.is_set():
            if self._ahead.acquire(timeout=_POLL_SECONDS):
                self._deliver(values)
                return

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)
        if not self._away:
            _log.warning("config topic out of reach", error=error.str())
        self._away = True
        self._next_probe = 0.0
