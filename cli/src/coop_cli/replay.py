"""Replaying dead letters: the original bytes, back onto the original topic.

Guarantees: a letter counts as replayed only after the broker's acknowledgement, in the order of the
letters; it is remembered after that. Killed in between, some are replayed twice: the ids inside
make that harmless. All consumer groups of the topic see a replayed message, not only the one that
failed on it; they are idempotent. A record that several groups put aside has a letter of each, and
is published once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from coop_cli.letter_box import LetterBox
from coop_runtime.kafka.dead_letter import HEADER_PREFIX, original_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.kafka.record import Record
from coop_runtime.process.error import BrokerUnavailable, MessageTooLarge
from coop_runtime.process.settings import RuntimeSettings

LetterOrigin = tuple[bytes, bytes] | int
"""Partition and offset of the record that a letter was made of; its own offset where it does not
say."""

_CHUNK = 100
_ACKNOWLEDGED_SECONDS = 10.0


@dataclass
class Summary:
    """What a replay did, by offset of the dead-letter topic. `refused` has the reason. `repeats`
    of the replayed letters were of a record that another one had brought back already."""

    topic: str
    replayed: list[int] = field(default_factory=list)
    repeats: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    broker_error: str | None = None


def chosen(
    box: LetterBox, topic: str, *, offset: int | None, reason: str | None
) -> Iterator[Record]:
    """The letters to be replayed: the one at `offset`, whether it was before or not; otherwise all
    that were not replayed yet, or those of them with that reason."""
    if offset is not None:
        yield from (letter for letter in _first(box.read(topic, start=offset), offset))
        return
    replayed = box.replayed(topic)
    for letter in box.read(topic, start=replayed.next_offset):
        if letter.offset not in replayed and reason in (None, reason_of(letter)):
            yield letter


def _first(letters: Iterator[Record], offset: int) -> Iterator[Record]:
    for letter in letters:
        if letter.offset == offset:
            yield letter
        return


def reason_of(letter: Record) -> str:
    """`undecodable`, `poison`, `error`; `unknown` where nobody of us wrote it."""
    value = dict(letter.headers).get(HEADER_PREFIX + "reason")
    return value.decode(errors="replace") if value else "unknown"


async def replay(
    settings: RuntimeSettings,
    box: LetterBox,
    topic: str,
    letters: Iterable[Record],
    *,
    progress: Callable[[int], None],
) -> Summary:
    """Publish the letters' originals and remember them. Stops at the first the broker does not
    acknowledge. `progress` gets the number of replayed ones now and then."""
    summary = Summary(topic)
    published: set[LetterOrigin] = set()
    producer = Producer(settings, client_id="coop-cli")
    await producer.start()
    try:
        for chunk in _chunks(letters):
            await _replay_chunk(producer, box, chunk, summary, published)
            progress(len(summary.replayed))
            if summary.broker_error is not None:
                break
    finally:
        await producer.stop()
    return summary


async def _replay_chunk(
    producer: Producer,
    box: LetterBox,
    chunk: list[Record],
    summary: Summary,
    published: set[LetterOrigin],
) -> None:
    acknowledged: list[int] = []
    try:
        for letter in chunk:
            try:
                original = original_of(letter)
                origin = _origin(letter)
                if origin in published:
                    summary.repeats += 1
                else:
                    await producer.publish([original], timeout=_ACKNOWLEDGED_SECONDS)
            except (ValueError, MessageTooLarge) as error:
                summary.refused[letter.offset] = str(error)
            else:
                acknowledged.append(letter.offset)
                published.add(origin)
    except BrokerUnavailable as error:
        summary.broker_error = str(error)
    if acknowledged:
        replayed = box.replayed(summary.topic)
        replayed.add(acknowledged)
        box.remember(summary.topic, replayed)
        summary.replayed += acknowledged


def _origin(letter: Record) -> LetterOrigin:
    told = dict(letter.headers)
    partition, offset = (told.get(HEADER_PREFIX + name) for name in ("partition", "offset"))
    return letter.offset if partition is None or offset is None else (partition, offset)


def _chunks(letters: Iterable[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    for letter in letters:
        chunk.append(letter)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
