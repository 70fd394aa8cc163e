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
from typing import Any, TypeVar

from coop_contracts.event import Event
from coop_runtime.kafka.batch import Fetched
from coop_runtime.kafka.config import consumer_config, membership_config
from coop_runtime.kafka.fetcher import Fetcher
from coop_runtime.kafka.membership import ConsumerTuning, GroupMember
from coop_runtime.kafka.pipeline import Handler, LastWords, Pipeline
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

__all__ = ["Consumer", "ConsumerTuning"]

E = TypeVar("E", bound=Event)

_log = logger(__name__)


class Consumer(GroupMember[E]):
    """A member that reads with librdkafka, in a thread of its own; see `GroupMember`."""

    def __init__(
        self,
        settings: RuntimeSettings,
        *,
        group: str,
        event_type: type[E],
        handler: Handler[E],
        producer: Producer,
        tuning: ConsumerTuning | None = None,
        last_words: LastWords[E] | None = None,
    ) -> None:
        super().__init__(
            settings,
            group=group,
            event_type=event_type,
            handler=handler,
            producer=producer,
            tuning=tuning,
            last_words=last_words,
        )
        topic: str = event_type.topic  # type: ignore[attr-defined]  # every concrete event has one
        self._fetcher = Fetcher(
            consumer_config(settings, producer.client_id, group, patient=self._tuning.patient)
            | membership_config(settings),
            topic,
            partitions=self._partitions,
            deliver=self._deliver,
            taken_away=self._taken_away,
            max_batch=self._tuning.max_batch,
            settle_timeout=self._drain_seconds,
        )
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Consume until `stop`, or until cancelled; either way settle and commit first (bounded).

        Raises DeadLetterLimit, or KafkaException when the client cannot go on.
        """
        self._loop = loop = asyncio.get_running_loop()
        pipeline = self._new_pipeline(self._handler, self._fetcher.make_room)
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


def _finish(fetched: asyncio.Future[None], error: BaseException | None) -> None:
    if fetched.done():
        return
    if error is None:
        fetched.set_result(None)
    else:
        fetched.set_exception(error)
