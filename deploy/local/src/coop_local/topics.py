"""Creates the topics of the contracts, and their dead-letter topics, on a broker.

Guarantees: idempotent; a topic that exists is left as it is. Must not: delete or change a topic.
"""

from __future__ import annotations

import logging

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from coop_runtime.kafka.topic_plan import TopicAdmin, TopicPlan, wanted_topics
from coop_runtime.process.settings import KafkaSettings

_SILENT = logging.getLogger("coop_local.librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def create_topics(bootstrap: str) -> list[str]:
    """Create what is missing and return its names. Raises KafkaException."""
    admin = TopicAdmin(KafkaSettings(kafka=bootstrap))
    existing = admin.names()
    wanted = [topic for topic in wanted_topics() if topic.name not in existing]
    admin.apply(TopicPlan(create=wanted))
    return [topic.name for topic in wanted]


def broker_answers(bootstrap: str) -> bool:
    """One attempt, of a second or two, whether a broker serves its metadata."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "client.id": "coop-local"}, logger=_SILENT)
    try:
        return bool(admin.list_topics(timeout=1.5).brokers)
    except KafkaException:
        return False
