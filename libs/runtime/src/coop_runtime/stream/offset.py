"""Acknowledging by hand: what is settled is committed, by offset, and nothing else.

`message.ack()` of FastStream commits whatever was fetched so far, of every partition; here an
offset is committed only when its record and all before it are settled.

Guarantees: before partitions are given away, what is under way of them is waited for (bounded) and
committed; a commit that is refused is repeated.
Must not: fetch or handle.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition as ClientPartition

from coop_runtime.kafka import metric
from coop_runtime.kafka.lag import LagMeter
from coop_runtime.kafka.partition import HeldPartitions, TopicPartition
from coop_runtime.process.log import logger

_COMMIT_SECONDS = 0.2
_LOOK_SECONDS = 0.01

_log = logger(__name__)


class OffsetKeeper(ConsumerRebalanceListener):
    """The group's listener of one subscriber, and its commits. `consumer` gives the client once
    there is one; `hurry` is called when partitions are taken away."""

    def __init__(
        self,
        partitions: HeldPartitions,
        *,
        group: str,
        consumer: Callable[[], AIOKafkaConsumer | None],
        lag: LagMeter,
        hurry: Callable[[], None],
        drain_seconds: float,
    ) -> None:
        self._partitions = partitions
        self._group = group
        self._consumer = consumer
        self._lag = lag
        self._hurry = hurry
        self._drain_seconds = drain_seconds
        self._committing = asyncio.Lock()

    async def on_partitions_revoked(self, revoked: Collection[ClientPartition]) -> None:
        """The group is asked anew who gets what: end what is under way, and say how far it is."""
        partitions = _ours(revoked)
        self._partitions.close(partitions)
        self._hurry()
        if not await self._settled(partitions):
            _log.warning("partitions given away with records under way", group=self._group)
        await self.commit(partitions)
        self._partitions.release(partitions)
        self._lag.forget(partitions)
        self._count()

    async def on_partitions_assigned(self, assigned: Collection[ClientPartition]) -> None:
        """These are ours."""
        self._partitions.assign(_ours(assigned))
        self._lag.look()
        self._count()

    async def run(self) -> None:
        """Commit what is settled, five times a second, until cancelled."""
        while True:
            await asyncio.sleep(_COMMIT_SECONDS)
            await self.commit()

    async def commit(self, partitions: Collection[TopicPartition] | None = None) -> None:
        """Commit what is settled of these, or of all. A refusal is counted, and repeated later."""
        consumer = self._consumer()
        if consumer is None:
            return
        async with self._committing:
            offsets = self._partitions.take_committable(partitions)
            if not offsets:
                return
            began = time.monotonic()
            asked = {ClientPartition(p.topic, p.partition): at for p, at in offsets.items()}
            try:
                await consumer.commit(asked)  # type: ignore[no-untyped-call]
            except (KafkaError, IllegalStateError) as error:
                # Whoever is next reads those records again; nothing is lost.
                metric.CONSUMER_COMMIT_FAILURES.labels(self._group).inc()
                if not isinstance(error, CommitFailedError | IllegalStateError):
                    _log.warning("commit failed", group=self._group, error=repr(error))
                self._partitions.commit_failed(list(offsets))
                return
            metric.CONSUMER_COMMIT_SECONDS.labels(self._group).observe(time.monotonic() - began)

    def close(self) -> None:
        """The group was left."""
        self._partitions.lose(self._partitions.held())
        self._count()

    async def _settled(self, partitions: Collection[TopicPartition]) -> bool:
        deadline = time.monotonic() + self._drain_seconds
        while not self._partitions.wait_settled(partitions, 0):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    def _count(self) -> None:
        metric.CONSUMER_ASSIGNED.labels(self._group).set(len(self._partitions.held()))


def _ours(found: Iterable[ClientPartition]) -> list[TopicPartition]:
    return [TopicPartition(p.topic, p.partition) for p in found]
