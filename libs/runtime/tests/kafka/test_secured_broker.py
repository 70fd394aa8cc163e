"""A broker that encrypts and asks who one is: both clients, every mechanism, refusals."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from pydantic import SecretStr

from coop_local.engine import EngineError
from coop_runtime.kafka.message import Received
from coop_runtime.kafka.producer import Producer
from coop_runtime.kafka.token import TokenSource
from coop_runtime.kafka.topic_plan import TopicAdmin
from coop_runtime.process.error import BrokerUnavailable
from coop_runtime.process.settings import RuntimeSettings

from .conftest import AnyConsumer, Probe, Until, create_topic, probe_type
from .secured_broker import PASSWORD, USER, SecuredBroker, TokenEndpoint, secured_broker

pytestmark = pytest.mark.engines

Made = Callable[..., RuntimeSettings]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, pytestconfig: Any) -> Iterator[SecuredBroker]:
    folder = tmp_path_factory.mktemp("secured")
    cache = Path(os.environ.get("COOP_CACHE") or pytestconfig.rootpath / ".coop" / "cache")
    try:
        with secured_broker(folder, cache) as running:
            yield running
    except EngineError as error:
        if "mvn" not in str(error):
            raise
        pytest.skip(f"Kafka itself is needed: {error}")


@pytest.fixture(scope="module")
def tokens() -> Iterator[TokenEndpoint]:
    endpoint = TokenEndpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def probe(broker: SecuredBroker) -> Probe:
    topic = f"test.{uuid.uuid4().hex[:12]}.v1"
    create_topic(broker.plain, topic, 1)
    create_topic(broker.plain, topic + ".dlq", 1)
    return Probe(topic, probe_type(topic), broker.plain)


def settings_of(kind: str, broker: SecuredBroker, tokens: TokenEndpoint) -> RuntimeSettings:
    """What an operator would set for a listener and a mechanism."""
    ca = {"kafka_ca": broker.folder / "ca.pem"}
    login = {"kafka_username": USER, "kafka_password": PASSWORD}
    encrypted = {"kafka": broker.sasl_ssl, "kafka_security_protocol": "SASL_SSL", **ca, **login}
    values: dict[str, dict[str, Any]] = {
        "plain": encrypted | {"kafka_sasl_mechanism": "PLAIN"},
        "scram-256": encrypted | {"kafka_sasl_mechanism": "SCRAM-SHA-256"},
        "scram-512": encrypted | {"kafka_sasl_mechanism": "SCRAM-SHA-512"},
        "oauth": encrypted | {"kafka_sasl_mechanism": "OAUTHBEARER", "kafka_token_url": tokens.url},
        "unencrypted": {
            "kafka": broker.sasl,
            "kafka_security_protocol": "SASL_PLAINTEXT",
            "kafka_sasl_mechanism": "SCRAM-SHA-512",
            **login,
        },
        "certificate": {
            "kafka": broker.ssl,
            "kafka_security_protocol": "SSL",
            "kafka_certificate": broker.folder / "client.pem",
            "kafka_key": broker.folder / "client.key",
            **ca,
        },
        "v6": {"kafka": broker.six, "kafka_address_family": "v6"},
    }
    return RuntimeSettings(internal_port=0, stop_timeout=10, **values[kind])


KINDS = ("plain", "scram-256", "scram-512", "oauth", "unencrypted", "certificate", "v6")


@pytest.mark.parametrize("kind", KINDS)
async def test_records_go_out_and_come_in(
    kind: str,
    broker: SecuredBroker,
    tokens: TokenEndpoint,
    probe: Probe,
    client: type[Any],
    until: Until,
) -> None:
    """What the producer sent by a listener, either consumer has by the same one."""
    settings = settings_of(kind, broker, tokens)
    producer = Producer(settings, client_id="test")
    await producer.start()
    seen: list[int] = []

    async def handle(events: Sequence[Received[Any]]) -> None:
        seen.extend(received.event.number for received in events)

    consumer: AnyConsumer = client(
        settings, group=probe.topic, event_type=probe.type, handler=handle, producer=producer
    )
    running = asyncio.create_task(consumer.run())
    try:
        await producer.publish([probe.message(1), probe.message(2)])
        await until(lambda: seen == [1, 2])
        await until(consumer.ready)
    finally:
        consumer.stop()
        await asyncio.wait_for(running, 30)
        await producer.stop()


async def started_and_sent(producer: Producer, probe: Probe) -> None:
    await producer.start()
    await producer.publish([probe.message(1)])


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "another password": ("scram-512", {"kafka_password": "wrong"}),
    "another client of the tokens": ("oauth", {"kafka_password": "wrong"}),
    "an authority that did not sign": ("plain", {"kafka_ca": "stranger.pem"}),
    "no certificate": ("certificate", {"kafka_certificate": None, "kafka_key": None}),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_who_is_refused_says_so_and_sends_nothing(
    wrong: str,
    broker: SecuredBroker,
    tokens: TokenEndpoint,
    probe: Probe,
) -> None:
    """A record that could not be handed over is an error within the deadline, and not on the log;
    commands are refused as well."""
    kind, change = WRONG[wrong]
    right = settings_of(kind, broker, tokens)
    values = right.model_dump() | change
    if change.get("kafka_ca"):
        values["kafka_ca"] = broker.folder / change["kafka_ca"]
    settings = RuntimeSettings(**values)
    producer = Producer(settings, client_id="test", delivery_timeout=3)
    # Without a token there is not even a client.
    with pytest.raises((BrokerUnavailable, KafkaException)):
        await started_and_sent(producer, probe)
    await producer.stop()
    assert probe.records() == []
    with pytest.raises(KafkaException):
        await asyncio.to_thread(TopicAdmin(settings, timeout=3).names)


async def test_a_token_is_used_until_it_is_nearly_over() -> None:
    """One question for many connections; another one before the token ends; a refusal names the
    setting and shows neither secret nor token."""
    endpoint = TokenEndpoint(life=100)
    clock = [1000.0]
    settings = RuntimeSettings(
        internal_port=0,
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_sasl_mechanism="OAUTHBEARER",
        kafka_username=USER,
        kafka_password=SecretStr(PASSWORD),
        kafka_token_url=endpoint.url,
    )
    try:
        source = TokenSource(settings, now=lambda: clock[0])
        first = await asyncio.to_thread(source.value)
        clock[0] += 79
        assert await asyncio.to_thread(source.of_librdkafka, "") == (first, 1100.0)
        assert endpoint.asked == 1
        clock[0] += 2
        assert (await asyncio.to_thread(source.of_librdkafka, ""))[1] == 1181.0
        assert endpoint.asked == 2
        other = settings.model_copy(update={"kafka_username": "stranger"})
        with pytest.raises(KafkaException) as refused:
            await asyncio.to_thread(TokenSource(other).value)
        assert "COOP_KAFKA_TOKEN_URL: the answer has status 401" in str(refused.value)
        assert PASSWORD not in str(refused.value)
    finally:
        endpoint.close()
