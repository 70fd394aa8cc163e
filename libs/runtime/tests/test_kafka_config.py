"""What the broker's clients write into the log."""

from __future__ import annotations

import logging
import time

import pytest
from confluent_kafka import Consumer

from coop_runtime.kafka.config import REPEAT_SECONDS, Repeats, consumer_config
from coop_runtime.process.settings import RuntimeSettings

AWAY = "127.0.0.1:1"


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", logging.ERROR, "", 0, text, None, None)


def test_the_same_is_said_again_only_after_a_while() -> None:
    """A kind of line of one client about one broker comes through once in ten seconds."""
    clock = [0.0]
    repeats = Repeats(now=lambda: clock[0])
    down = line("FAIL [a#consumer-1] [thrd:x:9092/1]: Connect failed (after 0ms)")
    assert repeats.filter(down)
    assert not repeats.filter(line("FAIL [a#consumer-1] [thrd:x:9092/1]: Connect failed (1ms)"))
    assert repeats.filter(line("FAIL [a#consumer-1] [thrd:y:9092/2]: Connect failed"))
    assert repeats.filter(line("FAIL [b#producer-1] [thrd:x:9092/1]: Connect failed"))
    assert repeats.filter(line("GETPID [a#consumer-1] [thrd:x:9092/1]: loading"))
    clock[0] = REPEAT_SECONDS
    assert repeats.filter(down)


def test_a_broker_that_is_away_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A client that asks for two seconds tells once that nobody answers."""
    consumer = Consumer(consumer_config(RuntimeSettings(kafka=AWAY, internal_port=0), "away", "g"))
    consumer.subscribe(["t"])
    until = time.monotonic() + 2
    while time.monotonic() < until:
        consumer.poll(0.1)
    consumer.close()
    told = [record for record in caplog.records if AWAY in record.getMessage()]
    assert len(told) == 1
