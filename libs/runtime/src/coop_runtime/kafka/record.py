"""A record as it lies on the log: bytes and where they are."""

from __future__ import annotations

from typing import NamedTuple, cast

from confluent_kafka import Message as KafkaMessage

RecordHeaders = list[tuple[str, bytes | None]]


class Record(NamedTuple):
    """A record as fetched. `timestamp_ms` is -1 where the broker gave none."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders
    timestamp_ms: int


def record_of(message: KafkaMessage) -> Record:
    """The record in a client's message that carries no error."""
    return Record(
        cast(str, message.topic()),
        cast(int, message.partition()),
        cast(int, message.offset()),
        message.key(),
        message.value(),
        cast(RecordHeaders, message.headers() or []),
        message.timestamp()[1],
    )
