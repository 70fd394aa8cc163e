"""Publishing: nothing counts as sent before the broker's acknowledgement.

Guarantees: `publish` returns only after every message is acknowledged by all replicas (acks=all);
the order per key is the order of the calls; a full queue is an error, never a silent buffer.
Must not: promise more than it can. After `BrokerUnavailable`, or a cancelled wait, the messages may
still arrive (until `delivery_timeout` has passed, or when only the acknowledgement was lost): it is
at least once, and the ids inside events make a second one harmless.

Delivery reports are collected in the event loop: while something is unacknowledged, a timer polls
the client every millisecond. A polling thread would take the interpreter lock from the loop once
for every message (docs/decisions/0001-kafka-client.md has the figures).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer

from coop_runtime.kafka import metric
from coop_runtime.kafka.config import QUEUE_MESSAGES, producer_config
from coop_runtime.kafka.message import Message, RawMessage
from coop_runtime.process.error import BrokerUnavailable, MessageTooLarge
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

_log = logger(__name__)

_POLL_SECONDS = 0.001
_IDLE_POLL_SECONDS = 1.0
_PURGE_SECONDS = 1.0


class _Group:
    """The messages of one `begin`: counts acknowledgements down, then resolves one future."""

    __slots__ = ("_remaining", "_settled", "count", "error", "future", "started")

    def __init__(
        self, future: asyncio.Future[None], count: int, settled: Callable[[_Group], None]
    ) -> None:
        self.future = future
        self.count = count
        self.error: KafkaError | None = None
        self.started = time.perf_counter()
        self._remaining = count
        self._settled = settled

    def report(self, error: KafkaError | None, _record: object) -> None:
        """The client's delivery report of one message."""
        if error is not None:
            self.error = error
        self._remaining -= 1
        if not self._remaining:
            self._settled(self)

    def cut(self, sent: int) -> None:
        """Only the first `sent` were taken; nobody waits for their reports."""
        self._remaining -= self.count - sent
        self.count = sent
        self.future.cancel()


class Producer:
    """One client connection for a process. `delivery_timeout` (seconds) is how long the client
    itself goes on trying; after it the message is given up and reported as failed. At most
    `queue_messages` wait for their acknowledgement."""

    def __init__(
        self,
        settings: RuntimeSettings,
        *,
        client_id: str,
        delivery_timeout: float = 5.0,
        queue_messages: int = QUEUE_MESSAGES,
    ) -> None:
        self.client_id = client_id
        self._queue_messages = queue_messages
        self._config = producer_config(
            settings,
            client_id,
            delivery_timeout=delivery_timeout,
            queue_messages=queue_messages,
        )
        self._config["error_cb"] = self._on_error
        self._delivery_timeout = delivery_timeout
        self._client: KafkaProducer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unacknowledged = 0
        self._fatal = False
        self._broken: list[KafkaProducer] = []
        self._queue_gauge = metric.PRODUCER_QUEUE.labels(client_id)
        self._acknowledged = metric.PRODUCER_ACKNOWLEDGED.labels(client_id)
        self._ack_seconds = metric.PRODUCER_ACK_SECONDS.labels(client_id)

    async def start(self) -> None:
        """Open the client. The broker need not be up: `publish` says whether it is."""
        self._loop = asyncio.get_running_loop()
        self._client = KafkaProducer(self._config)
        self._tick()

    async def stop(self) -> None:
        """Take no more; wait for what is unacknowledged, at most the delivery timeout; close."""
        client, self._client = self._client, None
        if client is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        # Not `flush`: it would run the reports, and so resolve futures, outside the event loop.
        await self._drain(client, self._delivery_timeout)
        if self._unacknowledged:
            _log.error("closed with messages unacknowledged", messages=self._unacknowledged)
            client.purge()
            await self._drain(client, _PURGE_SECONDS)

    async def _drain(self, client: KafkaProducer, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._unacknowledged and time.monotonic() < deadline:
            for one in (client, *self._broken):
                one.poll(0)
            await asyncio.sleep(_POLL_SECONDS)

    def begin(self, messages: Sequence[Message] | Sequence[RawMessage]) -> asyncio.Future[None]:
        """Send now; await the result for the acknowledgement of all.

        Raises, here or from the awaitable: BrokerUnavailable when the queue is full (here; a part
        may have been sent) or not every message was acknowledged in time; MessageTooLarge when the
        topic does not take one of them. Order across calls is kept without awaiting in between.
        """
        client, loop = self._client, self._loop
        if client is None or loop is None:
            raise BrokerUnavailable("the producer is not running")
        future: asyncio.Future[None] = loop.create_future()
        count = len(messages)
        if not count:
            future.set_result(None)
            return future
        if self._unacknowledged + count > self._queue_messages:
            metric.PRODUCER_FAILED.labels(self.client_id, "queue_full").inc(count)
            raise BrokerUnavailable(f"{self._unacknowledged} messages wait for acknowledgement")
        group = _Group(future, count, self._settle)
        produce, report, sent = client.produce, group.report, 0
        try:
            for topic, key, value, headers in messages:
                produce(topic, value, key, headers=cast(Any, headers), on_delivery=report)
                sent += 1
        except (BufferError, KafkaException) as error:
            group.cut(sent)
            metric.PRODUCER_FAILED.labels(self.client_id, "refused").inc(count - sent)
            raise _error_of(error.args[0]) from error
        finally:
            self._unacknowledged += sent
            self._poll_soon()
        return future

    async def publish(
        self,
        messages: Sequence[Message] | Sequence[RawMessage],
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - what the caller promised its own caller
    ) -> None:
        """Send and wait for the acknowledgement of all, at most `timeout` seconds.

        Raises BrokerUnavailable.
        """
        future = self.begin(messages)
        # Not `asyncio.timeout`: it costs as much as sending a message does.
        deadline = future.get_loop().call_later(timeout, _expire, future, timeout)
        try:
            await future
        finally:
            deadline.cancel()

    def _settle(self, group: _Group) -> None:
        self._unacknowledged -= group.count
        if group.error is None:
            self._acknowledged.inc(group.count)
            self._ack_seconds.observe(time.perf_counter() - group.started)
            if not group.future.done():
                group.future.set_result(None)
            return
        metric.PRODUCER_FAILED.labels(self.client_id, group.error.name()).inc(group.count)
        if not group.future.done():
            group.future.set_exception(_error_of(group.error))

    def _poll_soon(self) -> None:
        timer, loop = self._timer, self._loop
        if loop is None or (timer is not None and timer.when() - loop.time() <= _POLL_SECONDS):
            return
        if timer is not None:
            timer.cancel()
        self._timer = loop.call_later(_POLL_SECONDS, self._tick)

    def _tick(self) -> None:
        if self._client is None or self._loop is None:
            return
        self._client.poll(0)
        if self._fatal:
            self._renew(self._client)
        if self._broken:
            self._poll_broken()
        self._queue_gauge.set(self._unacknowledged)
        delay = _POLL_SECONDS if self._unacknowledged else _IDLE_POLL_SECONDS
        self._timer = self._loop.call_later(delay, self._tick)

    def _renew(self, broken: KafkaProducer) -> None:
        # An idempotent producer that lost its place in the broker's log refuses all that follows.
        self._fatal = False
        broken.purge()
        self._client = KafkaProducer(self._config)
        self._broken.append(broken)

    def _poll_broken(self) -> None:
        # What was purged is reported a little later.
        for client in self._broken:
            client.poll(0)
        self._broken = [client for client in self._broken if len(client)]

    def _on_error(self, error: KafkaError) -> None:
        _log.warning("broker client", error=error.str(), fatal=error.fatal())
        self._fatal = self._fatal or error.fatal()


def _expire(future: asyncio.Future[None], seconds: float) -> None:
    if not future.done():
        future.set_exception(BrokerUnavailable(f"no acknowledgement within {seconds} s"))


def _error_of(error: KafkaError | str) -> BrokerUnavailable | MessageTooLarge:
    if isinstance(error, KafkaError) and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return MessageTooLarge(error.str())
    return BrokerUnavailable(str(error))
