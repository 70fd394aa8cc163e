"""What is written on a dead letter, and how many may be written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_runtime.kafka.dead_letter import (
    DeadLetterRate,
    DeadLetterWriter,
    Failure,
    dead_letter_of,
    original_of,
)
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.record import Record, RecordHeaders
from coop_runtime.process.error import BrokerUnavailable, DeadLetterLimit, MessageTooLarge

NAMES = st.text(min_size=1).filter(lambda name: not name.startswith("dlq-"))
RECORDS = st.builds(
    Record,
    topic=st.from_regex(r"[a-z.]{1,20}", fullmatch=True),
    partition=st.integers(0, 100),
    offset=st.integers(0, 2**60),
    key=st.none() | st.binary(),
    value=st.none() | st.binary(),
    headers=st.lists(st.tuples(NAMES, st.none() | st.binary())),
    timestamp_ms=st.integers(-1, 2**50),
)


def failure_of(record: Record, error: Exception | None = None) -> Failure:
    return Failure(record, "error", error or ValueError("no"))


@given(RECORDS)
def test_a_replay_is_the_original(record: Record) -> None:
    """What is put back is byte for byte what was taken away: key, value, headers, topic."""
    letter = dead_letter_of(failure_of(record), group="g", service="s")
    stored = record._replace(topic=letter.topic, headers=letter.headers)
    original = original_of(stored)
    assert original == RawMessage(record.topic, record.key, record.value, record.headers)


def test_texts_are_bounded() -> None:
    """A huge error text fills neither the header nor the topic."""
    record = Record("t", 0, 0, None, b"", [], -1)
    letter = dead_letter_of(failure_of(record, ValueError("x" * 100_000)), group="g", service="s")
    told = dict(letter.headers)
    assert len(told["dlq-error"] or b"") == 1024
    assert len(told["dlq-traceback"] or b"") == 8192


@pytest.mark.parametrize(
    ("topic", "headers"),
    [
        ("t.dlq", []),
        ("t.dlq", [("dlq-topic", b"coop.config.v1")]),
        ("t", [("dlq-topic", b"t")]),
    ],
)
def test_a_header_does_not_choose_the_topic(topic: str, headers: RecordHeaders) -> None:
    """What is not a dead letter of that topic is not sent anywhere."""
    with pytest.raises(ValueError, match="no dead letter"):
        original_of(Record(topic, 0, 3, None, b"", headers, -1))


def test_the_rate_is_a_sliding_minute() -> None:
    """The limit holds for any minute, and time frees it."""
    now = 0.0
    rate = DeadLetterRate(2, clock=lambda: now)
    rate.count()
    now = 30.0
    rate.count()
    now = 59.0
    with pytest.raises(DeadLetterLimit):
        rate.count()
    now = 61.0
    rate.count()


async def test_a_letter_that_is_too_large_goes_without_its_traceback() -> None:
    """When the broker refuses the size, the headers give way, never the record."""
    written: list[RawMessage] = []

    async def publish(letters: Sequence[RawMessage]) -> None:
        if any(name == "dlq-traceback" for name, _ in letters[0].headers):
            raise MessageTooLarge("too large")
        written.extend(letters)

    async def wait(error: Exception) -> None:
        assert isinstance(error, MessageTooLarge)

    writer = DeadLetterWriter(publish, group="g", service="s", limit=10)
    await writer.write([failure_of(Record("t", 0, 1, b"k", b"v", [], -1))], wait=wait)
    assert written[0].value == b"v"
    assert dict(written[0].headers)["dlq-reason"] == b"error"


async def test_what_is_within_the_limit_is_written_before_it_raises() -> None:
    """The limit cuts a group of letters at its place: none before it is forgotten."""
    written: list[RawMessage] = []
    up = False

    async def publish(letters: Sequence[RawMessage]) -> None:
        if not up:
            raise BrokerUnavailable("away")
        written.extend(letters)

    async def wait(error: Exception) -> None:
        nonlocal up
        up = True

    writer = DeadLetterWriter(publish, group="g", service="s", limit=2)
    failures = [failure_of(Record("t", 0, n, None, b"", [], -1)) for n in range(3)]
    with pytest.raises(DeadLetterLimit):
        await writer.write(failures, wait=wait)
    assert len(written) == 2
