"""Which partitions a consumer holds, what of them is being handled, and what may be committed.

The meeting point of the fetching thread (assigns, revokes, commits) and the event loop (handles,
settles); every method may be called from either.

    unassigned ──assign──▶ held ──close──▶ closing ──release──▶ unassigned
                             └──────────release (lost)──────────────▲

Guarantees: an offset is committable only when its record and all before it are settled; a record of
a former assignment is never handled and never moves an offset (each assignment has its generation).
Must not: talk to the broker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class _Held:
    __slots__ = ("closing", "generation", "given_up", "handling", "settled", "taken")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.closing = False
        self.given_up = False  # records were dropped: nothing after them may be committed
        self.handling = 0  # batches under way that hold records of it
        self.settled: int | None = None  # the next offset to read, were we to start anew
        self.taken: int | None = None  # what was handed out for a commit


class HeldPartitions:
    """All partitions of one consumer."""

    def __init__(self) -> None:
        self._held: dict[TopicPartition, _Held] = {}
        self._changed = threading.Condition()
        self._generation = 0
        self.joined = False  # the group has told us what is ours, if only that nothing is

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """These are ours from now on, under a new generation."""
        with self._changed:
            self._generation += 1
            self.joined = True
            for partition in partitions:
                self._held[partition] = _Held(self._generation)

    def close(self, partitions: Iterable[TopicPartition]) -> None:
        """Begin no more records of these; what is under way may settle."""
        with self._changed:
            for partition in partitions:
                if partition in self._held:
                    self._held[partition].closing = True

    def wait_settled(self, partitions: Collection[TopicPartition], timeout: float) -> bool:
        """Block the calling thread until nothing of these is under way, at most `timeout` s."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while any(p in self._held and self._held[p].handling for p in partitions):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def release(self, partitions: Iterable[TopicPartition]) -> None:
        """These are no longer ours: what still settles of them counts for nothing."""
        with self._changed:
            for partition in partitions:
                self._held.pop(partition, None)

    def lose(self, partitions: Iterable[TopicPartition]) -> None:
        """The group went on without us."""
        self.joined = False
        self.release(partitions)

    def generation(self, partition: TopicPartition) -> int | None:
        """The generation to stamp on a fetched record; None when the partition is not ours."""
        with self._changed:
            held = self._held.get(partition)
            return None if held is None else held.generation

    def may_handle(self, partition: TopicPartition, generation: int) -> bool:
        """Whether records of this partition and generation shall (still) be handled."""
        with self._changed:
            held = self._held.get(partition)
            return held is not None and held.generation == generation and not held.closing

    def enter(self, partition: TopicPartition, generation: int) -> bool:
        """A batch with records of it begins; False when it may not. Pair with `leave`."""
        with self._changed:
            held = self._held.get(partition)
            if held is None or held.generation != generation or held.closing:
                return False
            held.handling += 1
            return True

    def leave(self, partition: TopicPartition, generation: int, settled: int | None) -> None:
        """The batch ended for it; `settled` is the offset after its last record, None if records
        were given up (then nothing of this assignment is settled any more). Must be called in the
        order of the log."""
        with self._changed:
            held = self._held.get(partition)
            if held is None or held.generation != generation:
                return
            held.handling -= 1
            if settled is None:
                held.given_up = True
            elif not held.given_up:
                held.settled = settled
            self._changed.notify_all()

    def take_committable(
        self, partitions: Collection[TopicPartition] | None = None
    ) -> dict[TopicPartition, int]:
        """The next offsets that were not handed out before, by partition."""
        with self._changed:
            found = {}
            for partition, held in self._held.items():
                if partitions is not None and partition not in partitions:
                    continue
                if held.settled is not None and held.settled != held.taken:
                    found[partition] = held.settled
                    held.taken = held.settled
            return found

    def commit_failed(self, partitions: Iterable[TopicPartition]) -> None:
        """Hand the offsets of these out again."""
        with self._changed:
            for partition in partitions:
                if partition in self._held:
                    self._held[partition].taken = None

    def held(self) -> list[TopicPartition]:
        with self._changed:
            return list(self._held)

    def settled_offset(self, partition: TopicPartition) -> int | None:
        """The offset after the last settled record of this assignment."""
        with self._changed:
            held = self._held.get(partition)
            return None if held is None else held.settled
