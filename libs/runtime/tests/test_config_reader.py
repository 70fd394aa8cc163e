"""How old the configuration may be, by what the broker and the client say."""

from __future__ import annotations

from typing import Any

from confluent_kafka import OFFSET_INVALID
from confluent_kafka import TopicPartition as KafkaPartition

from coop_runtime.kafka.config_reader import ConfigReader
from coop_runtime.process.settings import RuntimeSettings


class Client:
    """A consumer of the config topic: where the topic begins and ends, and where reading is."""

    def __init__(self) -> None:
        self.low, self.high, self.at = 0, 10, OFFSET_INVALID

    def get_watermark_offsets(self, _partition: Any, *, timeout: float) -> tuple[int, int]:
        return self.low, self.high

    def position(self, partitions: list[KafkaPartition]) -> list[KafkaPartition]:
        return [KafkaPartition(one.topic, one.partition, self.at) for one in partitions]

    def assign(self, partitions: list[KafkaPartition]) -> None:
        self.assigned = partitions


def test_an_answer_of_the_broker_is_not_yet_read() -> None:
    """Only what was read to the end is fresh: a broker that answers while reading is behind does
    not make the configuration new, and an empty topic is read."""
    reader = ConfigReader(
        RuntimeSettings(kafka="nowhere:1", internal_port=0),
        deliver=lambda _values: None,
        reached=lambda: None,
    )
    client: Any = Client()
    reader._probe(client)  # it was away: reading begins
    known = reader._contact
    for client.at in (OFFSET_INVALID, 0, 9):
        reader._probe(client)
        assert reader._contact == known
    client.at = 10
    reader._probe(client)
    assert reader._contact > known
    known = reader._contact
    client.low, client.high, client.at = 12, 12, OFFSET_INVALID
    reader._probe(client)
    assert reader._contact > known
