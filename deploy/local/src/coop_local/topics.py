"""Creates the topics of the contracts, and their dead-letter topics, on a broker.

Guarantees: idempotent; a topic that exists is left as it is. Must not: delete or change a topic.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from coop_contracts.topic import DEAD_LETTER_SUFFIX, all_topics

_TIMEOUT_SECONDS = 15.0
_DAY_MS = 24 * 60 * 60 * 1000
_DEAD_LETTERS = {"retention.ms": str(30 * _DAY_MS), "segment.ms": str(_DAY_MS)}
_SILENT = logging.getLogger("coop_local.librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def create_topics(bootstrap: str) -> list[str]:
    """Create what is missing and return its names. Raises KafkaException or TimeoutError."""
    admin = _admin(bootstrap)
    existing = set(admin.list_topics(timeout=_TIMEOUT_SECONDS).topics)
    wanted = [topic for topic in _new_topics() if topic.topic not in existing]
    if not wanted:
        return []
    created = []
    pending: dict[str, Future[None]] = admin.create_topics(
        wanted, operation_timeout=_TIMEOUT_SECONDS, request_timeout=_TIMEOUT_SECONDS
    )
    for name, future in pending.items():
        try:
            future.result(_TIMEOUT_SECONDS)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _await_visible(admin, {topic.topic for topic in wanted})
    return created


def broker_answers(bootstrap: str) -> bool:
    """One attempt, of a second or two, whether a broker serves its metadata."""
    try:
        return bool(_admin(bootstrap).list_topics(timeout=1.5).brokers)
    except KafkaException:
        return False


def _new_topics() -> list[NewTopic]:
    topics = []
    for topic in all_topics():
        topics.append(
            NewTopic(
                topic.topic,
                num_partitions=topic.partitions,
                replication_factor=1,
                config=topic.broker_config(),
            )
        )
        topics.append(
            NewTopic(
                topic.topic + DEAD_LETTER_SUFFIX,
                num_partitions=1,
                replication_factor=1,
                config=_DEAD_LETTERS,
            )
        )
    return topics


def _await_visible(admin: AdminClient, names: set[str]) -> None:
    """A created topic reaches the broker's own metadata a moment later."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        seen = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
        missing = {name for name in names if name not in seen or not seen[name].partitions}
        if not missing:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"topics created but not visible: {sorted(missing)}")
        time.sleep(0.05)


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "client.id": "coop-local"}, logger=_SILENT)
