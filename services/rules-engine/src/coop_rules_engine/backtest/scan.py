"""One partition of the items topic being read again, each item with what was recorded of it.

Guarantees: items of the organisation and time asked for, in order, a submission that is there twice
in short order once; `position` is the offset of the next entry that was not handled.
Must not: judge an item, or decode those of other organisations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Message as KafkaMessage

from coop_contracts.event import ItemSubmitted
from coop_rules_engine.backtest.partition_reader import CLOCK_SKEW, PartitionReader, Span
from coop_rules_engine.backtest.recorded import RecordedResults, RecordedSubmission

_CHUNK = 1_000
_READ_SECONDS = 0.01
_REMEMBERED = 10_000  # submissions, to tell a repeat

_decode = msgspec.json.Decoder(ItemSubmitted).decode


@dataclass(frozen=True, slots=True)
class ItemSelection:
    """Which items: those of `[start, end)` whose key begins with one of `prefixes`. Records of the
    organisation's other types are counted, no more."""

    organisation: bytes
    prefixes: tuple[bytes, ...]
    start: datetime
    end: datetime


class PartitionScan:
    """Reads one partition. `results` None: without what was recorded. `begins` is called with the
    time of its first record, where that is later than the start and earlier ones may be gone."""

    def __init__(
        self,
        wanted: ItemSelection,
        items: PartitionReader,
        results: PartitionReader | None,
        *,
        record: Callable[[PartitionReader], RecordedResults],
        begins: Callable[[datetime], None],
    ) -> None:
        self.items = items
        self.results = results
        self._wanted = wanted
        self._make_recording = record
        self._begins = begins
        self._recording: RecordedResults | None = None
        self._recorded = False
        self._entries: list[tuple[int, ItemSubmitted | None]] = []
        self._index = 0
        self._others = 0
        self._seen: dict[str, None] = {}
        self._partition = 0
        self._look_back = False

    def open(self, span: Span, offset: int | None) -> None:
        """Begin with the span, or where it was left at `offset`. Raises Retryable."""
        self._partition = span.partition
        self.items.open(span, offset)
        self._look_back = not span.whole and (offset is None or offset < span.first)

    @property
    def partition(self) -> int:
        return self._partition

    @property
    def position(self) -> int:
        if self._index < len(self._entries):
            return self._entries[self._index][0]
        return self.items.position

    @property
    def done(self) -> bool:
        return self.items.done and self._index >= len(self._entries)

    def ready(self) -> bool:
        """Whether there is an entry to handle now. Raises Retryable when nothing comes for long."""
        if self._index >= len(self._entries):
            self._read()
        if self._index >= len(self._entries):
            return False
        if self.results is not None and not self._recorded:
            self._recorded = self._read_record(self.results)
            return self._recorded
        return True

    def entry(self) -> ItemSubmitted | None:
        """The next one; None for an item that cannot be read."""
        return self._entries[self._index][1]

    def recorded(self, submission_id: str) -> RecordedSubmission | None:
        return None if self._recording is None else self._recording.find(submission_id)

    def advance(self) -> bool:
        """The entry was handled; whether another one is read already."""
        event = self._entries[self._index][1]
        if event is not None and self._recording is not None:
            self._recording.forget(event.submission_id)
        self._index += 1
        return self._index < len(self._entries)

    def take_others(self) -> int:
        """How many records of the organisation's other types were passed since."""
        if self._index < len(self._entries):
            return 0
        count, self._others = self._others, 0
        return count

    def _read(self) -> None:
        messages = self.items.read(_CHUNK, _READ_SECONDS)
        self._entries, self._index, self._recorded = [], 0, False
        if messages and self._look_back:
            self._say_beginning(messages[0])
        wanted, seen = self._wanted, self._seen
        for message in messages:
            key = message.key()
            if key is None or not key.startswith(wanted.organisation):
                continue
            if not key.startswith(wanted.prefixes):
                self._others += 1
                continue
            offset = message.offset() or 0
            try:
                event = _decode(message.value() or b"")
            except (msgspec.MsgspecError, ValueError, RecursionError):
                self._entries.append((offset, None))
                continue
            if wanted.start <= event.time < wanted.end and event.submission_id not in seen:
                seen[event.submission_id] = None
                self._entries.append((offset, event))
        while len(seen) > _REMEMBERED:
            del seen[next(iter(seen))]

    def _say_beginning(self, first: KafkaMessage) -> None:
        self._look_back = False
        written = datetime.fromtimestamp(first.timestamp()[1] / 1000, UTC)
        if written > self._wanted.start:
            self._begins(written)

    def _read_record(self, results: PartitionReader) -> bool:
        events = [event for _, event in self._entries[self._index :] if event is not None]
        if not events:
            return True
        times = [event.time for event in events]
        first, last = min(times), max(times)
        if self._recording is None:
            results.open(results.span_from(self._partition, first - CLOCK_SKEW))
            self._recording = self._make_recording(results)
        submissions = {event.submission_id for event in events}
        return self._recording.catch_up(submissions, first=first, last=last)
