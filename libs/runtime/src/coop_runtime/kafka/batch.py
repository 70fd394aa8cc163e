"""One fetched batch on its way through the pipeline.

Guarantees: it counts as under way in each of its partitions from `enter` to `settle` or `give_up`;
records of a partition that is taken away leave it.
Must not: decide what happens on an error; `pipeline` does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

from coop_contracts.event import Event
from coop_runtime.kafka.message import Received
from coop_runtime.kafka.partition import HeldPartitions, TopicPartition
from coop_runtime.kafka.record import Record

E = TypeVar("E", bound=Event)


class Fetched(NamedTuple):
    """Records in the order of the log, and the generation of each of their partitions."""

    records: Sequence[Record]
    generations: dict[TopicPartition, int]


_PARTITION = attrgetter("topic", "partition")


class Batch(Generic[E]):
    """`records[i]` is what `events[i]` was decoded from."""

    def __init__(self, fetched: Fetched, partitions: HeldPartitions) -> None:
        self._partitions = partitions
        self._held = {
            partition: generation
            for partition, generation in fetched.generations.items()
            if partitions.enter(partition, generation)
        }
        self._next: dict[TopicPartition, int] = {}
        self.records: list[Record] = []
        for (topic, number), records in groupby(fetched.records, key=_PARTITION):
            partition = TopicPartition(topic, number)
            if partition in self._held:
                self.records += records
                self._next[partition] = self.records[-1].offset + 1
        self.fetched = len(self.records)
        self.events: list[Received[E]] = []
        self.isolate = False
        self.error: Exception | None = None  # the first record's, from a try before
        self.settlement: asyncio.Future[None] | None = None
        self.started = time.perf_counter()

    def shed(self) -> None:
        """Drop the records of partitions that are ours no longer."""
        lost = [p for p, g in self._held.items() if not self._partitions.may_handle(p, g)]
        if not lost:
            return
        for partition in lost:
            self._partitions.leave(partition, self._held.pop(partition), None)
        pairs = zip(self.records, self.events, strict=True)
        kept = [pair for pair in pairs if (pair[0].topic, pair[0].partition) in self._held]
        self.records = [record for record, _ in kept]
        self.events = [event for _, event in kept]

    def drop_first(self) -> None:
        """The first record needs no more handling; its offset settles with the batch."""
        del self.records[0], self.events[0]

    def settle(self) -> None:
        """All of it is done: its offsets may be committed."""
        for partition, generation in self._held.items():
            self._partitions.leave(partition, generation, self._next[partition])
        self._held = {}

    def give_up(self) -> None:
        """None of it counts: whoever holds the partitions next reads it again."""
        for partition, generation in self._held.items():
            self._partitions.leave(partition, generation, None)
        self._held = {}
