"""Reading the whole config topic, and noticing when it may no longer be what was read.

    unknown ──read to the end──▶ known ──broker away, or fewer records than before──▶ unknown

Guarantees: `read` returns only what was on the topic, all of it up to the end it had when it began,
or raises `Retryable`; a record that cannot be decoded is logged and counts as not there, so that
the document is published again.
Must not: join a group or commit; block the event loop (the client runs in a thread).
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from coop_contracts.event import ConfigChanged
from coop_review_api.configuration.log_head import TopicState
from coop_runtime.kafka.config import consumer_config
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

READ_TIMEOUT = 60.0  # seconds without reaching the end
_CALL_TIMEOUT = 5.0
_POLL = 0.2
_BATCH = 500

_log = logger("coop.review_api.config_topic")


class ConfigTopic:
    """One client of the topic's one partition. Calls wait for each other."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._config: dict[str, Any] = consumer_config(
            settings, "review-api-log-head", "review-api-log-head"
        ) | {"enable.partition.eof": True, "error_cb": self._on_error}
        self._decoder = msgspec.json.Decoder(ConfigChanged)
        self._client: Consumer | None = None
        self._disturbed = threading.Event()
        self._end = -1
        # A cancelled call goes on in its thread, and a client closed under it takes the process
        # down with it.
        self._turn = threading.Lock()

    async def read(self) -> TopicState:
        """What the topic holds now. Raises `Retryable`."""
        return await asyncio.to_thread(self._read)

    async def changed(self) -> bool:
        """Whether the topic may hold less than what was read: the broker was away since, or has
        fewer records. Raises `Retryable` while it is away."""
        return await asyncio.to_thread(self._changed)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._turn:
            client, self._client = self._client, None
            if client is not None:
                client.close()

    def _on_error(self, error: KafkaError) -> None:
        self._disturbed.set()
        _log.warning("config topic out of reach", error=error.str())

    def _open(self) -> Consumer:
        if self._client is None:
            self._client = Consumer(self._config)
        return self._client

    def _watermarks(self, client: Consumer) -> tuple[int, int]:
        partition = TopicPartition(ConfigChanged.topic, 0)
        try:
            low, high = client.get_watermark_offsets(partition, timeout=_CALL_TIMEOUT)
        except KafkaException as error:
            self._disturbed.set()
            raise Retryable(f"config topic: {error}") from error
        return low, high

    def _changed(self) -> bool:
        with self._turn:
            _, high = self._watermarks(self._open())
            return self._disturbed.is_set() or high < self._end

    def _read(self) -> TopicState:
        with self._turn:
            return self._read_to_end(self._open())

    def _read_to_end(self, client: Consumer) -> TopicState:
        # Before the reading: what disturbs it shall be noticed after it.
        self._disturbed.clear()
        low, high = self._watermarks(client)
        state = TopicState()
        if low < high:
            client.assign([TopicPartition(ConfigChanged.topic, 0, low)])
            try:
                self._take(client, high, state)
            finally:
                client.unassign()
        self._end = high
        return state

    def _take(self, client: Consumer, high: int, state: TopicState) -> None:
        deadline = time.monotonic() + READ_TIMEOUT
        while time.monotonic() < deadline:
            for message in client.consume(_BATCH, _POLL):
                error = message.error()
                if error is None:
                    self._see(message.key(), message.value(), state)
                    offset = message.offset()
                    if offset is not None and offset >= high - 1:
                        return
                elif error.code() == KafkaError._PARTITION_EOF:
                    return  # compaction may have removed the last record itself
                else:
                    raise Retryable(f"config topic: {error.str()}")
            if self._disturbed.is_set():
                raise Retryable("config topic: the broker went away while it was read")
        raise Retryable(f"config topic: its end was not reached within {READ_TIMEOUT:g} s")

    def _see(self, key: bytes | None, value: bytes | None, state: TopicState) -> None:
        if value is None:
            state.forget(key or b"")
            return
        try:
            state.see(self._decoder.decode(value))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            _log.error("config record cannot be read", error=str(error))
