"""How FastStream's broker and its subscribers are set, in one place.

Guarantees: nothing is lost by a default. FastStream acknowledges before the handler, begins at the
latest record and creates topics unless told otherwise; every subscriber starts from these instead.
Must not: let a wait for a dependency cost the membership: `max_poll_interval_ms` is longer than any
outage, because the handler's own deadline is what notices one that hangs.

Names and meanings: aiokafka, AIOKafkaConsumer; FastStream, KafkaBroker. aiokafka has no switch
against topics that the broker makes by itself: ours are told not to (`auto.create.topics.enable`).
"""

from __future__ import annotations

import logging
from typing import Any, Final

from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from coop_runtime.kafka.config import Repeats
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.stream.security import security_options

MAX_POLL_MS: Final = 2**31 - 1
"""Milliseconds, 24 days."""

_LOGGERS: Final = (
    "aiokafka",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
)
for _name in _LOGGERS:
    # A filter sees the lines of its own logger only, not those of the ones below it.
    logging.getLogger(_name).addFilter(Repeats())
    logging.getLogger(_name).setLevel(logging.WARNING)


def broker_options(settings: RuntimeSettings, client_id: str) -> dict[str, Any]:
    """Of the connection. Nothing is published through it: `kafka.producer` does, for everybody."""
    return {
        "bootstrap_servers": settings.kafka,
        "client_id": client_id,
        "consumer_only": True,
        "allow_auto_create_topics": False,
        # A broker that hangs must not hold a caller for the client's forty seconds.
        "request_timeout_ms": 10_000,
        "retry_backoff_ms": 100,
        "metadata_max_age_ms": 10_000,
        # What is under way is settled before the subscriber is told to stop.
        "graceful_timeout": None,
        "apply_types": False,
        **security_options(settings),
    }


def subscriber_options(
    settings: RuntimeSettings,
    group: str,
    *,
    max_batch: int,
    drain_seconds: float,
    patient: bool = False,
) -> dict[str, Any]:
    """Of a batch subscriber that begins at the earliest record and commits what it is told to.

    A `patient` one lets Kafka gather records for up to a quarter of a second.
    """
    return {
        "batch": True,
        "group_id": group,
        "group_instance_id": settings.kafka_instance_id or None,
        "auto_offset_reset": "earliest",
        "max_records": max_batch,
        "batch_timeout_ms": 500,
        # Tansu, which is what has no idempotence, looks only now and then: see `kafka.config`.
        "fetch_max_wait_ms": 250 if settings.kafka_idempotence else 20,
        "fetch_min_bytes": 512 * 1024 if patient else 1,
        "fetch_max_bytes": 16 * 1024 * 1024,
        "max_partition_fetch_bytes": 1024 * 1024,
        "partition_assignment_strategy": (StickyPartitionAssignor,),
        "max_poll_interval_ms": MAX_POLL_MS,
        # The others of the group wait so long for what is under way here.
        "rebalance_timeout_ms": int(max(30.0, 2 * drain_seconds) * 1000),
        "session_timeout_ms": int(settings.kafka_session_timeout * 1000),
        "heartbeat_interval_ms": int(settings.kafka_session_timeout * 250),
        "no_reply": True,
    }
