"""What goes onto the log and what comes off it.

Guarantees: a message made of an event carries the headers every consumer and tool may rely on.
Must not: know a broker's client; `producer` and `consumer` do.

Headers (all UTF-8): `event-id`, `event-type`, `schema-version`, and `traceparent` (W3C Trace
Context).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from coop_contracts.event import Event, encode
from coop_runtime.process.telemetry import TRACEPARENT, current_traceparent

E = TypeVar("E", bound=Event)


class Message(NamedTuple):
    """One message to publish. The key decides the partition, hence the order."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class RawMessage(NamedTuple):
    """A record as someone else wrote it, to be passed on untouched: any part may be null."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Headers(Mapping[str, bytes]):
    """Those of a record that have a value; of two of one name the last counts. Nothing is made of
    them before one is asked for: of most records nobody does."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Sequence[tuple[str, bytes | None]]) -> None:
        self._pairs = pairs

    def __getitem__(self, name: str) -> bytes:
        for given, value in reversed(self._pairs):
            if given == name and value is not None:
                return value
            if given == name:
                break
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in dict(self._pairs).items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Received(Struct, Generic[E], frozen=True, gc=False):
    """One decoded record. `timestamp_ms` is in Unix milliseconds, -1 where the broker gave none."""

    event: E
    key: bytes | None
    topic: str
    partition: int
    offset: int
    headers: Mapping[str, bytes]
    timestamp_ms: int


def message_of(event: Event, *, key: str, traceparent: str | None = None) -> Message:
    """The message that carries `event`, on the topic of its type.

    `traceparent` defaults to the current span's; pass the incoming record's where one handler call
    covers many records of many traces.
    """
    topic, event_type, schema_version = _constants(type(event), event.schema_version)
    parent = current_traceparent() if traceparent is None else traceparent
    headers = [
        ("event-id", event.event_id.encode()),
        event_type,
        schema_version,
        (TRACEPARENT, parent.encode()),
    ]
    return Message(topic, key.encode(), encode(event), headers)


@lru_cache(maxsize=256)
def _constants(kind: type[Event], version: int) -> tuple[str, tuple[str, bytes], tuple[str, bytes]]:
    """What all messages of a type of event share: the topic, two headers."""
    topic: str = kind.topic  # type: ignore[attr-defined]  # every concrete event has one
    tag = str(kind.__struct_config__.tag).encode()
    return topic, ("event-type", tag), ("schema-version", b"%d" % version)
