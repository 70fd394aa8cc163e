"""Consuming a topic: at least once, in order, bad messages aside.

    broker ─▶ Fetcher (thread) ─▶ Pipeline (event loop) ─▶ handler
                 ▲    commits           │ settled offsets
                 └──── HeldPartitions ◀─────┘

Guarantees: a record's offset is committed after its handling is settled, never before; an outage of
a dependency (Retryable) makes the consumer wait, and stops nothing else; what cannot be handled
goes to the dead letters. Records may come twice: handlers are idempotent.
Must not: be asked for exactly once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from coop_contracts.event import Event
from coop_runtime.kafka.batch import Fetched
from coop_runtime.kafka.config import consumer_config
from coop_runtime.kafka.dead_letter import DeadLetterWriter
from coop_runtime.kafka.fetcher import Fetcher
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.partition import HeldPartitions
from coop_runtime.kafka.pipeline import SETTLE_SECONDS, Handler, Pipeline
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

E = TypeVar("E", bound=Event)

_log = logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ConsumerTuning:
    """How a consumer takes its records.

    The handler gets up to `max_batch` at a time; up to `in_flight` batches overlap while they are
    being settled, each for at most `settle_timeout` seconds. A `patient` one trades up to a quarter
    of a second for fewer, larger batches. `unready_after` so many seconds with a dependency down.
    """

    max_batch: int = 500
    in_flight: int = 4
    settle_timeout: float = SETTLE_SECONDS
    patient: bool = False
    unready_after: float = 10.0


class Consumer(Generic[E]):
    """Handles the topic of `event_type` as a member of `group`.

    The handler may return an awaitable (such as `producer.begin(…)`): the batch is settled when
    that is done. `producer` writes the dead letters, at most `COOP_DEAD_LETTERS_A_MINUTE`.
    """

    def __init__(
        self,
        settings: RuntimeSettings,
        *,
        group: str,
        event_type: type[E],
        handler: Handler[E],
        producer: Producer,
        tuning: ConsumerTuning = ConsumerTuning(),
    ) -> None:
        self._group = group
        self._event_type = event_type
        self._handler = handler
        self._producer = producer
        self._tuning = tuning
        self._dead_letter_limit = settings.dead_letters_a_minute
        self._drain_seconds = settings.stop_timeout * 0.4
        self._partitions = HeldPartitions()
        topic: str = event_type.topic  # type: ignore[attr-defined]  # every concrete event has one
        self._fetcher = Fetcher(
            consumer_config(settings, producer.client_id, group, patient=tuning.patient),
            topic,
            partitions=self._partitions,
            deliver=self._deliver,
            taken_away=self._taken_away,
            max_batch=tuning.max_batch,
            settle_timeout=self._drain_seconds,
        )
        self._pipeline: Pipeline[E] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def ready(self) -> bool:
        """The group has told us our partitions (none, if there are more members than
        partitions), and no dependency has been down for too long."""
        pipeline = self._pipeline
        return (
            pipeline is not None
            and pipeline.failing_for < self._tuning.unready_after
            and self._partitions.joined
        )

    def stop(self) -> None:
        """Let `run` return after what is under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until `stop`, or until cancelled; either way settle and commit first (bounded).

        Raises DeadLetterLimit, or KafkaException when the client cannot go on.
        """
        self._loop = loop = asyncio.get_running_loop()
        self._pipeline = pipeline = Pipeline(
            self._event_type,
            self._handler,
            group=self._group,
            partitions=self._partitions,
            dead_letters=DeadLetterWriter(
                self._publish,
                group=self._group,
                service=self._producer.client_id,
                limit=self._dead_letter_limit,
            ),
            taken=self._fetcher.make_room,
            in_flight=self._tuning.in_flight,
            settle_timeout=self._tuning.settle_timeout,
        )
        fetched: asyncio.Future[None] = loop.create_future()
        handling = asyncio.create_task(pipeline.run(), name=f"pipeline {self._group}")
        threading.Thread(
            target=self._fetch, args=(fetched,), name=f"fetcher {self._group}", daemon=True
        ).start()
        stopping = asyncio.create_task(self._stopping.wait())
        ends: list[asyncio.Future[Any]] = [handling, fetched, stopping]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._close(pipeline, handling, fetched)
        for ended in (handling, fetched):
            if ended.done() and not ended.cancelled():
                ended.result()

    async def _close(
        self, pipeline: Pipeline[E], handling: asyncio.Task[None], fetched: asyncio.Future[None]
    ) -> None:
        pipeline.stop()
        _, late = await asyncio.wait([handling], timeout=self._drain_seconds)
        if late:
            _log.warning("stopped with records under way", group=self._group)
            handling.cancel()
            await asyncio.wait([handling], timeout=1)
        self._fetcher.stop()
        _, late_thread = await asyncio.wait([fetched], timeout=self._drain_seconds)
        if late_thread:
            _log.warning("the broker did not let us leave in time", group=self._group)

    def _fetch(self, fetched: asyncio.Future[None]) -> None:
        error: BaseException | None = None
        try:
            self._fetcher.run()
        except BaseException as raised:  # noqa: BLE001 - handed to the event loop, which raises it
            error = raised
        self._in_loop(_finish, fetched, error)

    def _deliver(self, batch: Fetched) -> None:
        if self._pipeline is not None:
            self._in_loop(self._pipeline.offer, batch)

    def _taken_away(self) -> None:
        if self._pipeline is not None:
            self._in_loop(self._pipeline.hurry)

    def _in_loop(self, call: Any, *arguments: Any) -> None:
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The loop is closed: the process ends, and nothing uncommitted is lost by that.
            _log.warning("the event loop ended before the consumer", group=self._group)

    async def _publish(self, letters: Sequence[RawMessage]) -> None:
        await self._producer.publish(letters)


def _finish(fetched: asyncio.Future[None], error: BaseException | None) -> None:
    if fetched.done():
        return
    if error is None:
        fetched.set_result(None)
    else:
        fetched.set_exception(error)
