"""What is said of a partition's lag, by what the broker answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition
from prometheus_client import REGISTRY

from coop_runtime.kafka.lag import LagMeter, lag_of
from coop_runtime.kafka.partition import HeldPartitions, TopicPartition

TOPIC = "lag.v1"
P0, P1 = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


class Log:
    """What a broker knows: edges by partition, and the group's commits."""

    def __init__(self) -> None:
        self.begin = {0: 0, 1: 0}
        self.end = {0: 2550, 1: 10}
        self.commits: dict[int, int] = {}
        self.away = False

    def committed(self, partitions: list[KafkaPartition], timeout: float) -> list[KafkaPartition]:
        self._answer()
        return [
            KafkaPartition(p.topic, p.partition, self.commits.get(p.partition, OFFSET_INVALID))
            for p in partitions
        ]

    def offsets_for_times(
        self, partitions: list[KafkaPartition], timeout: float
    ) -> list[KafkaPartition]:
        self._answer()
        return [
            KafkaPartition(
                p.topic,
                p.partition,
                (self.begin if p.offset == OFFSET_BEGINNING else self.end)[p.partition],
            )
            for p in partitions
        ]

    def _answer(self) -> None:
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def shown(partition: int) -> float | None:
    labels = {"group": "lag-test", "topic": TOPIC, "partition": str(partition)}
    return REGISTRY.get_sample_value("coop_consumer_lag_messages", labels)


@pytest.fixture
def held() -> HeldPartitions:
    partitions = HeldPartitions()
    partitions.assign([P0, P1])
    return partitions


@pytest.fixture
def meter(held: HeldPartitions) -> Iterator[LagMeter]:
    made = LagMeter({"group.id": "lag-test"}, partitions=held)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("begin", "end", "done", "lag"),
    [
        (0, 2550, 2550, 0),
        (0, 2550, None, 2550),
        (1000, 2550, None, 1550),
        (1000, 2550, 200, 1550),  # what was deleted will never be handled
        (2550, 2550, 200, 0),
        (0, 3, 2550, 3),  # the topic was made again
        (0, 0, None, 0),
    ],
)
def test_lag_counts_what_is_there_and_not_settled(
    begin: int, end: int, done: int | None, lag: int
) -> None:
    """Between the later of what is done and the log's beginning, and its end."""
    assert lag_of(begin=begin, end=end, done=done) == lag


def test_before_the_first_record_the_committed_offset_counts(meter: LagMeter) -> None:
    """A process that took over and read nothing yet shows what the group has not settled."""
    log = Log()
    log.commits = {0: 2550}
    meter.measure(log)
    assert (shown(0), shown(1)) == (0, 10)


def test_settled_counts_more_than_committed(meter: LagMeter, held: HeldPartitions) -> None:
    """What is settled here and not committed yet is no lag."""
    log = Log()
    generation = held.generation(P0)
    assert generation is not None
    assert held.enter(P0, generation)
    held.leave(P0, generation, 2500)
    meter.measure(log)
    assert shown(0) == 50


def test_nothing_is_said_of_what_another_holds(meter: LagMeter, held: HeldPartitions) -> None:
    """A partition that was given away has no figure here, at once and ever after."""
    log = Log()
    meter.measure(log)
    assert shown(1) == 10
    held.release([P1])
    meter.forget([P1])
    assert shown(1) is None
    meter.measure(log)
    assert (shown(0), shown(1)) == (2550, None)


def test_unknown_is_not_zero(meter: LagMeter) -> None:
    """Until the broker has answered nothing is said; a later silence leaves the last figure."""
    log = Log()
    log.away = True
    with pytest.raises(KafkaException):
        meter.measure(log)
    assert shown(0) is None
    log.away = False
    meter.measure(log)
    log.away = True
    with pytest.raises(KafkaException):
        meter.measure(log)
    assert shown(0) == 2550
