"""A consumer of one topic by FastStream: at least once, in order, bad messages aside.

Guarantees: those of `kafka.consumer`, by the same pipeline: a record's offset is committed after
its handling is settled; an outage of a dependency (Retryable) makes the consumer wait, for however
long, and it stays a member of its group meanwhile; what cannot be handled goes to the dead letters.
Records may come twice: handlers are idempotent.
Must not: be used where one Python thread is the limit: docs/decisions/0001-kafka-client.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, TypeVar

from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from coop_contracts.event import Event
from coop_runtime.kafka.config import consumer_config
from coop_runtime.kafka.lag import LagMeter
from coop_runtime.kafka.membership import ConsumerTuning, GroupMember
from coop_runtime.kafka.pipeline import Handler, LastWords
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.stream.client_log import ClientLog
from coop_runtime.stream.config import broker_options, subscriber_options
from coop_runtime.stream.law import Laws, body_of, parse
from coop_runtime.stream.offset import OffsetKeeper

E = TypeVar("E", bound=Event)

_log = logger(__name__)


class StreamConsumer(GroupMember[E]):
    """A member that reads with aiokafka, in the event loop; see `GroupMember`."""

    def __init__(
        self,
        settings: RuntimeSettings,
        *,
        group: str,
        event_type: type[E],
        handler: Handler[E],
        producer: Producer,
        tuning: ConsumerTuning | None = None,
        backoff: Backoff | None = None,
        last_words: LastWords[E] | None = None,
    ) -> None:
        super().__init__(
            settings,
            group=group,
            event_type=event_type,
            handler=handler,
            producer=producer,
            tuning=tuning,
            backoff=backoff,
            last_words=last_words,
        )
        self._client_log = ClientLog(group)

    def ready(self) -> bool:
        """As every member; and the client has not been failing for too long."""
        return self._client_log.failing_for < self._tuning.unready_after and super().ready()

    async def run(self) -> None:
        """Consume until `stop`, or until cancelled; either way settle and commit first (bounded).

        Raises DeadLetterLimit, or KafkaError when the client cannot go on.
        """
        membership = _Membership(self)
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = [
            asyncio.create_task(membership.pipeline.run(), name=f"pipeline {self._group}"),
            asyncio.create_task(membership.join(), name=f"join {self._group}"),
            asyncio.create_task(membership.keeper.run(), name=f"commit {self._group}"),
            asyncio.create_task(self._client_log.watch(), name=f"client {self._group}"),
        ]
        ends: list[asyncio.Future[Any]] = [*tasks, membership.laws.failed, stopping]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._close(membership, tasks)
        for ended in (*tasks, membership.laws.failed):
            if ended.done() and not ended.cancelled():
                ended.result()

    async def _close(self, membership: _Membership, tasks: list[asyncio.Task[None]]) -> None:
        handling, joining, committing, watching = tasks
        joining.cancel()
        watching.cancel()
        membership.laws.stop()
        membership.pipeline.stop()
        _, late = await asyncio.wait([handling], timeout=self._drain_seconds)
        if late:
            _log.warning("stopped with records under way", group=self._group)
            handling.cancel()
        committing.cancel()
        await asyncio.wait(tasks, timeout=1)
        try:
            async with asyncio.timeout(self._drain_seconds):
                await membership.keeper.commit()
                await membership.leave()
        except TimeoutError:
            _log.warning("the broker did not let us leave in time", group=self._group)
        membership.keeper.close()


class _Membership:
    """What one run of a consumer is made of."""

    def __init__(self, consumer: StreamConsumer[Any]) -> None:
        of = consumer
        self._of = of
        self.laws = Laws(of._partitions)
        self.pipeline = of._new_pipeline(self.laws.handle, self.laws.taken)
        self.laws.lead_to(self.pipeline.offer)
        config = consumer_config(of._settings, of._producer.client_id, of._group)
        self.lag = LagMeter(config, partitions=of._partitions)
        self.keeper = OffsetKeeper(
            of._partitions,
            group=of._group,
            consumer=lambda: self._subscriber and self._subscriber.consumer,
            lag=self.lag,
            hurry=self.pipeline.hurry,
            drain_seconds=of._drain_seconds,
        )
        self._broker: KafkaBroker | None = None
        self._subscriber: Any = None

    async def join(self) -> None:
        """Become a member, until cancelled; the broker need not be up yet."""
        self.lag.start()
        backoff = Backoff()
        while True:
            self._broker = broker = self._made()
            try:
                await broker.start()
            except (KafkaError, OSError) as error:
                _log.warning("not a member yet", group=self._of._group, error=repr(error))
                await _stopped(broker)
                await asyncio.sleep(backoff.next_delay())
            else:
                await asyncio.Event().wait()

    def _made(self) -> KafkaBroker:
        of = self._of
        broker = KafkaBroker(
            **broker_options(of._settings, of._producer.client_id),
            middlewares=(self.laws.middleware,),
            logger=of._client_log,
        )
        options = subscriber_options(
            of._settings,
            of._group,
            max_batch=of._tuning.max_batch,
            drain_seconds=of._drain_seconds,
            patient=of._tuning.patient,
        )
        topic: str = of._event_type.topic
        self._subscriber = broker.subscriber(
            topic,
            **options,
            ack_policy=AckPolicy.MANUAL,
            listener=self.keeper,
            parser=parse,
            decoder=body_of,
        )

        async def handle(events: Any) -> Any:
            return await of._handler(events)

        self._subscriber(handle)
        return broker

    async def leave(self) -> None:
        self.lag.stop()
        if self._broker is not None:
            await _stopped(self._broker)


async def _stopped(broker: KafkaBroker) -> None:
    with contextlib.suppress(KafkaError, OSError, ExceptionGroup):
        await broker.stop()
