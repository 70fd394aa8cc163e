"""How many dead letters there are, by topic: asked of the broker, outside any consumer group.

    letters = end of the dead-letter topic − its beginning
    waiting = those of them that nobody replayed

Guarantees: nothing is read, committed or joined; the whole takes no longer than it may. Tansu,
asked for a topic's end, counts batches: there it is the least that there may be.
Must not: run on the event loop: it blocks (use `asyncio.to_thread`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaException
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import TopicPartition as KafkaPartition

from coop_contracts.topic import DEAD_LETTER_SUFFIX
from coop_runtime.kafka.config import consumer_config
from coop_runtime.kafka.replayed import GROUP, Replayed
from coop_runtime.process.error import BrokerUnavailable
from coop_runtime.process.settings import RuntimeSettings

_CLOSED_S = 0.1  # the least that a question may take

# The client tells of each of its attempts; whoever asked is told how it ended.
_SILENT = logging.getLogger("coop_runtime.kafka.letter_count.librdkafka")
_SILENT.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, kw_only=True)
class LetterCount:
    """Of the topic that the letters lie beside."""

    topic: str
    letters: int
    waiting: int


def count_letters(
    settings: RuntimeSettings, client_id: str, *, seconds: float
) -> list[LetterCount]:
    """Every topic that has a dead-letter topic, by name. Raises BrokerUnavailable."""
    until = time.monotonic() + seconds

    def left() -> float:
        return max(_CLOSED_S, until - time.monotonic())

    client = KafkaConsumer(consumer_config(settings, client_id, GROUP), logger=_SILENT)
    try:
        known = client.list_topics(timeout=left()).topics
        wanted = [
            (name, partition)
            for name in sorted(known)
            if name.endswith(DEAD_LETTER_SUFFIX)
            for partition in known[name].partitions
        ]
        if not wanted:
            return []
        # Kafka's look-up by time takes the two edges in the time's place (ListOffsets, -1 and -2).
        ends = _asked(client.offsets_for_times(_edges(wanted, OFFSET_END), timeout=left()))
        begins = _asked(client.offsets_for_times(_edges(wanted, OFFSET_BEGINNING), timeout=left()))
        known_to_be = client.committed([KafkaPartition(*one) for one in wanted], timeout=left())
        replayed = {at: _replayed(found) for at, found in _found(known_to_be).items()}
    except KafkaException as error:
        raise BrokerUnavailable(f"dead letters: {error}") from error
    finally:
        client.close()
    counts: dict[str, LetterCount] = {}
    for at in wanted:
        topic = at[0].removesuffix(DEAD_LETTER_SUFFIX)
        there = range(begins[at], max(begins[at], ends[at]))
        before = counts.get(topic, LetterCount(topic=topic, letters=0, waiting=0))
        counts[topic] = LetterCount(
            topic=topic,
            letters=before.letters + len(there),
            waiting=before.waiting + len(there) - _replayed_of(there, replayed[at]),
        )
    return list(counts.values())


def _replayed(found: KafkaPartition) -> Replayed:
    try:
        return Replayed.of(found.offset, found.metadata)
    except ValueError:
        return Replayed.of(found.offset, None)  # metadata of someone else's


def _replayed_of(there: range, replayed: Replayed) -> int:
    before = min(max(replayed.next_offset, there.start), there.stop) - there.start
    return before + sum(1 for offset in replayed.beyond if offset in there)


def _edges(wanted: Sequence[tuple[str, int]], edge: int) -> list[KafkaPartition]:
    return [KafkaPartition(topic, partition, edge) for topic, partition in wanted]


def _found(answer: Sequence[KafkaPartition]) -> Mapping[tuple[str, int], KafkaPartition]:
    for one in answer:
        if one.error is not None:
            raise KafkaException(one.error)
    return {(one.topic, one.partition): one for one in answer}


def _asked(answer: Sequence[KafkaPartition]) -> Mapping[tuple[str, int], int]:
    return {at: max(0, one.offset) for at, one in _found(answer).items()}
