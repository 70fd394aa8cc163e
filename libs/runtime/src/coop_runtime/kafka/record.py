"""A record as it lies on the log: bytes and where they are."""

from __future__ import annotations

from typing import NamedTuple

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
    # Of every record that there is: not even a cast, which is a call.
    return Record(
        message.topic(),  # type: ignore[arg-type]  # without an error it has one, and so on
        message.partition(),  # type: ignore[arg-type]
        message.offset(),  # type: ignore[arg-type]
        message.key(),
        message.value(),
        message.headers() or [],  # type: ignore[arg-type]
        message.timestamp()[1],
    )
