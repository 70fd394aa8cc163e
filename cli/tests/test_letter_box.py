"""What the command line remembers of replays, and how it shows letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_cli.letter_text import as_json, as_text
from coop_runtime.kafka.record import Record
from coop_runtime.kafka.replayed import Replayed


@given(st.sets(st.integers(0, 60)))
def test_what_is_remembered_survives_the_broker(offsets: set[int]) -> None:
    """Offset and metadata, written and read again, name exactly the replayed letters."""
    replayed = Replayed()
    replayed.add(offsets)
    again = Replayed.of(replayed.next_offset, replayed.to_metadata())
    assert {offset for offset in range(80) if offset in again} == offsets


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    """More ranges than fit the broker's bound lose the oldest: those are only replayed again."""
    replayed = Replayed()
    replayed.add(range(1, 20_000, 2))
    text = replayed.to_metadata()
    again = Replayed.of(replayed.next_offset, text)
    assert len(text) <= 4000
    assert 19_999 in again
    assert 1 not in again


def test_letters_that_expired_are_forgotten() -> None:
    """What retention removed does not hold the memory back."""
    replayed = Replayed()
    replayed.add([5, 6])
    replayed.forget_before(5)
    assert replayed == Replayed(7)


def test_metadata_of_someone_else_is_refused() -> None:
    """A commit that this command did not write is not taken for one of its own."""
    with pytest.raises(ValueError, match="invalid literal"):
        Replayed.of(3, "consumer-1")


def test_a_letter_cannot_steer_the_terminal() -> None:
    """Control characters in what strangers wrote are shown, not sent."""
    letter = Record(
        "t.dlq", 0, 1, b"\x1b[2J", b"\x1b]0;x\x07", [("dlq-error", b"\x1b[31m"), ("h", b"\n")], -1
    )
    text = as_text(letter, replayed=False)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\\u001b[2J" in text


def test_a_letter_as_json_keeps_any_bytes() -> None:
    """JSON values are JSON, text is text, and bytes that are neither are base64."""
    for raw, shown in (
        (b'{"a":1}', {"a": 1}),
        (b"plain", "plain"),
        (b"\xff", {"base64": "/w=="}),
        (None, None),
    ):
        letter = Record("t.dlq", 0, 1, None, raw, [], -1)
        assert as_json(letter, replayed=True)["value"] == shown
