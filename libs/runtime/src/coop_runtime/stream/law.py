"""The laws of consuming, as FastStream's middleware.

    batch ─▶ LawMiddleware ─▶ Pipeline ─▶ the rest of FastStream's chain ─▶ handler
                  │               ├─ Retryable: back off, the same batch again
                  │               ├─ Poison, or no event: that record alone to the dead letters
                  │               └─ anything else: one by one, three tries, then a letter
                  └─ waits until there is room for the next

What the laws are stands in `kafka.pipeline`, which is theirs and ours; here is only how a batch of
FastStream's gets into it and how it calls FastStream's chain.

Guarantees: no record reaches the handler but through the pipeline; an error in here stops the
consumer, where FastStream would log it and go on to the next batch, whose commit would pass over
this one.
Must not: acknowledge anything; `offset.OffsetKeeper` does, once it is settled.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from aiokafka import ConsumerRecord
from faststream import BaseMiddleware
from faststream.kafka.message import KafkaAckableMessage
from faststream.message import StreamMessage

from coop_runtime.kafka.batch import Fetched
from coop_runtime.kafka.message import Received
from coop_runtime.kafka.partition import HeldPartitions, TopicPartition
from coop_runtime.kafka.record import Record, RecordHeaders

CallNext = Callable[[StreamMessage[Any]], Awaitable[Any]]


class Laws:
    """What one subscriber's batches pass through."""

    def __init__(self, partitions: HeldPartitions) -> None:
        self._partitions = partitions
        self._offer: Callable[[Fetched], None] | None = None
        self._call_next: CallNext | None = None
        self._message: StreamMessage[Any] | None = None
        self._room = asyncio.Semaphore(0)
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping = False

    @property
    def failed(self) -> asyncio.Future[None]:
        """Raises what went wrong in here, a bug; it never just ends."""
        return self._failed

    def lead_to(self, offer: Callable[[Fetched], None]) -> None:
        """`offer` hands a batch to the pipeline, whose handler is `handle`."""
        self._offer = offer

    def taken(self) -> None:
        """The pipeline has taken up a batch."""
        self._room.release()

    def stop(self) -> None:
        """Hand over nothing more."""
        self._stopping = True

    async def take(self, call_next: CallNext, message: StreamMessage[Any]) -> None:
        """Hand over a batch, and wait until it is taken up."""
        if self._stopping:
            await asyncio.Event().wait()  # the subscriber's task is cancelled in a moment
        self._call_next, self._message = call_next, message
        fetched = _fetched(message.raw_message, self._partitions)
        if fetched.records and self._offer is not None:
            self._offer(fetched)
            await self._room.acquire()

    async def handle(self, events: Sequence[Received[Any]]) -> Awaitable[None] | None:
        """The pipeline's handler: the rest of FastStream's chain, with these events as the body."""
        if self._call_next is None or self._message is None:
            raise RuntimeError("no batch was handed over")
        part = copy.copy(self._message)
        part.body = list(events)
        part.set_decoder(body_of)
        return cast("Awaitable[None] | None", await self._call_next(part))

    def fail(self, error: Exception) -> None:
        """Let who runs the consumer see a bug of this module."""
        if not self._failed.done():
            self._failed.set_exception(error)

    def middleware(self, msg: Any, /, *, context: Any) -> LawMiddleware:
        """FastStream's factory of a middleware for each batch."""
        return LawMiddleware(msg, context=context, laws=self)


class LawMiddleware(BaseMiddleware):
    """One batch on its way into `laws`."""

    def __init__(self, msg: Any, /, *, context: Any, laws: Laws) -> None:
        super().__init__(msg, context=context)
        self._laws = laws

    async def consume_scope(self, call_next: Any, msg: StreamMessage[Any]) -> None:
        """Hand it over, and let FastStream fetch the next."""
        try:
            await self._laws.take(call_next, msg)
        except Exception as error:
            self._laws.fail(error)
            raise


async def parse(records: tuple[ConsumerRecord[Any, Any], ...]) -> StreamMessage[Any]:
    """FastStream's parser of a batch: its own reads every header as UTF-8, and fails on others."""
    return KafkaAckableMessage(
        raw_message=records,
        body=records,
        message_id="",
        correlation_id="none",
        consumer=cast(Any, None),
    )


async def body_of(message: StreamMessage[Any]) -> Any:
    """FastStream's decoder: the events were decoded by the pipeline."""
    return message.body


def _fetched(records: Sequence[ConsumerRecord[Any, Any]], partitions: HeldPartitions) -> Fetched:
    kept: list[Record] = []
    generations: dict[TopicPartition, int] = {}
    for one in records:
        partition = TopicPartition(one.topic, one.partition)
        if partition not in generations:
            generation = partitions.generation(partition)
            if generation is None:
                continue
            generations[partition] = generation
        kept.append(
            Record(
                one.topic,
                one.partition,
                one.offset,
                one.key,
                one.value,
                cast(RecordHeaders, list(one.headers)),
                one.timestamp,
            )
        )
    return Fetched(kept, generations)
