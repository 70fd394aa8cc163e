"""How the broker's clients are set, in one place.

Guarantees: nothing is lost by a default. librdkafka acknowledges, commits and creates topics by
defaults that lose data; every client of the product starts from these instead.

Names and meanings: librdkafka, CONFIGURATION.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from coop_runtime.kafka.token import TokenSource
from coop_runtime.process.settings import KafkaSettings, RuntimeSettings

REPEAT_SECONDS = 10.0
"""How often a client says the same of a broker at most."""
_REMEMBERED = 1000


class Repeats(logging.Filter):
    """Lets a line through when its kind was not said by its client for `REPEAT_SECONDS`.

    A client tries again twenty times a second while its broker is away, and tells each time: nine
    services would write gigabytes a day, and nobody would find the line that matters.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._said: dict[tuple[str, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """True for a line that is to be written; it begins `FAIL [client] [thread of broker]:`."""
        now = self._now()
        what = tuple(record.getMessage().split(None, 3)[:3])
        if now - self._said.get(what, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        if len(self._said) > _REMEMBERED:
            self._said.clear()
        self._said[what] = now
        return True


_logger = logging.getLogger("coop_runtime.librdkafka")
_logger.addFilter(Repeats())

QUEUE_MESSAGES = 100_000
"""The most messages a producer holds that are not acknowledged."""


def _client(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.kafka,
        "client.id": client_id,
        "logger": _logger,
        "log.connection.close": False,
        "broker.address.family": settings.kafka_address_family,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "socket.keepalive.enable": True,
        "socket.nagle.disable": True,
        # A broker that hangs must not hold a caller for librdkafka's minute.
        "socket.timeout.ms": 10_000,
        # A topic created later is found within seconds.
        "topic.metadata.refresh.interval.ms": 10_000,
        **security_config(settings),
    }


def admin_config(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """A client that asks about topics, and changes them."""
    return _client(settings, client_id)


def security_config(settings: KafkaSettings) -> dict[str, Any]:
    """Who is believed to be the broker, and as whom it is asked."""
    if settings.kafka_security_protocol == "PLAINTEXT":
        return {}
    config: dict[str, Any] = {"security.protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol.endswith("SSL"):
        config |= {
            "ssl.ca.location": settings.kafka_ca and str(settings.kafka_ca),
            "ssl.certificate.location": settings.kafka_certificate
            and str(settings.kafka_certificate),
            "ssl.key.location": settings.kafka_key and str(settings.kafka_key),
            "ssl.key.password": settings.kafka_key_password.get_secret_value(),
        }
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        config |= {
            "sasl.mechanism": "OAUTHBEARER",
            "oauth_cb": TokenSource(settings).of_librdkafka,
        }
    elif settings.kafka_sasl_mechanism is not None:
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_username,
            "sasl.password": settings.kafka_password.get_secret_value(),
        }
    return {name: value for name, value in config.items() if value}


def producer_config(
    settings: RuntimeSettings,
    client_id: str,
    *,
    delivery_timeout: float,
    queue_messages: int = QUEUE_MESSAGES,
) -> dict[str, Any]:
    """A producer that is acknowledged by all replicas, in order, or fails within the deadline."""
    return _client(settings, client_id) | {
        "acks": "all",
        "enable.idempotence": settings.kafka_idempotence,
        # Without idempotence only one request under way keeps the order through a retry.
        "max.in.flight": 5 if settings.kafka_idempotence else 1,
        # With the loop's millisecond of polling: 2.2 ms from sending to acknowledged when idle.
        "linger.ms": 1,
        "compression.type": "lz4",
        "batch.num.messages": 10_000,
        "queue.buffering.max.messages": queue_messages,
        "queue.buffering.max.kbytes": 256 * 1024,
        "message.timeout.ms": int(delivery_timeout * 1000),
        "request.timeout.ms": min(3000, int(delivery_timeout * 1000)),
        "message.max.bytes": 4 * 1024 * 1024,
        "partitioner": "murmur2_random",
        "allow.auto.create.topics": False,
    }


def consumer_config(
    settings: RuntimeSettings, client_id: str, group: str, *, patient: bool = False
) -> dict[str, Any]:
    """A consumer that starts at the earliest record and commits only what it is told to.

    The prefetch is bounded to 16 MB, so that an idle or a stuck process stays small. A `patient`
    one lets Kafka gather records for up to a quarter of a second: for what nobody waits for.
    """
    return _client(settings, client_id) | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
        # Kafka answers a waiting fetch when a record comes. Tansu, which is what has no
        # idempotence, looks only now and then: half of this is its latency.
        "fetch.wait.max.ms": 250 if settings.kafka_idempotence else 20,
        "fetch.min.bytes": 512 * 1024 if patient else 1,
        # Without it fetching stops for a second whenever the local queue was full.
        "fetch.queue.backoff.ms": 5,
        "queued.min.messages": 5_000,
        "queued.max.messages.kbytes": 16 * 1024,
        "fetch.message.max.bytes": 1024 * 1024,
        # Partitions that stay where they are go on being handled through a rebalance.
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": int(settings.kafka_session_timeout * 1000),
        "heartbeat.interval.ms": int(settings.kafka_session_timeout * 250),
        "max.poll.interval.ms": 120_000,
    }


def membership_config(settings: KafkaSettings) -> dict[str, Any]:
    """Who a member of a group is, beyond one life of its process."""
    named = settings.kafka_instance_id
    return {"group.instance.id": named} if named else {}
