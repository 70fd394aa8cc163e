"""A role that reads the log, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition


def start_role(
    role: str, review_url: str, broker: Any, internal: int, **settings: str
) -> subprocess.Popen[bytes]:
    """The process; `broker` are settings that name the broker, `settings` environment variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    return subprocess.Popen(
        [sys.executable, "-m", "coop_review_api", role],
        env={
            **kept,
            "COOP_POSTGRES": review_url,
            "COOP_KAFKA": broker.kafka,
            "COOP_KAFKA_IDEMPOTENCE": str(broker.kafka_idempotence).lower(),
            "COOP_INTERNAL_PORT": str(internal),
            **settings,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def skip_what_is_there(bootstrap: str, topics: Mapping[str, type[Any]]) -> None:
    """Let the groups, each with the event type of its topic, begin at the end: a broker may be
    shared with tests that left a lot."""
    for group, event_type in topics.items():
        topic: str = event_type.topic
        client = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
        try:
            numbers = client.list_topics(topic, timeout=10).topics[topic].partitions
            ends = [
                TopicPartition(topic, number, _end(client, TopicPartition(topic, number)))
                for number in numbers
            ]
            client.commit(offsets=ends, asynchronous=False)
        finally:
            client.close()


def _end(client: Consumer, partition: TopicPartition) -> int:
    """Asked again while the broker moves the partition's leader."""
    until = time.monotonic() + 20
    while True:
        try:
            return int(client.get_watermark_offsets(partition, timeout=10)[1])
        except KafkaException:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
