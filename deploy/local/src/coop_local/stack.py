"""The three engines as one: what the settings ask for, started together and stopped in order.

Guarantees: a server of one's own is used as it is and never started or stopped here; where Apache
Kafka cannot be fetched, Tansu takes its place and one line says so; a failed start leaves nothing
running.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from confluent_kafka import KafkaException

from coop_local.engine import Engine, EngineError
from coop_local.kafka import Kafka, class_path
from coop_local.postgres import Postgres
from coop_local.settings import EngineSettings
from coop_local.tansu import IN_MEMORY, Tansu
from coop_local.topics import create_topics
from coop_local.valkey import Valkey

Say = Callable[[str], None]


@dataclass(frozen=True)
class EngineAddresses:
    """Where the engines are."""

    kafka: str
    kafka_idempotence: bool
    postgres_admin: str
    redis: str


def broker_of(settings: EngineSettings, *, say: Say) -> Kafka | Tansu:
    """The broker to start, by `COOP_BROKER`. Raises EngineError when Kafka is a must and fails."""
    logs = settings.state / "logs"
    if settings.broker == "tansu":
        say(f"The Tansu broker, as asked for: {IN_MEMORY}.")
    else:
        try:
            class_path(settings.cache)
        except EngineError as error:
            if settings.broker == "kafka":
                raise
            say(f"No Apache Kafka here ({error}); the Tansu broker takes its place, {IN_MEMORY}.")
        else:
            return Kafka(
                settings.state / "kafka",
                cache=settings.cache,
                log=logs / "kafka.log",
                port=settings.kafka_port,
            )
    return Tansu(settings.state / "tansu", log=logs / "tansu.log", port=settings.kafka_port)


class Stack:
    """PostgreSQL, Valkey and a broker."""

    def __init__(
        self, settings: EngineSettings, *, say: Say = lambda _line: None, durable: bool = True
    ) -> None:
        """`say` gets the lines that a user should read. `durable`: see `Postgres`."""
        self._settings = settings
        self._say = say
        self._durable = durable
        self._engines: list[Engine] = []
        self._broker: Kafka | Tansu | None = None
        self._postgres: Postgres | None = None
        self._valkey: Valkey | None = None

    @property
    def engines(self) -> list[Engine]:
        """What is started here, in the order of the start."""
        return list(self._engines)

    def start(self) -> EngineAddresses:
        """`prepare`, `launch`, `wait_ready`; leaves nothing running when it raises EngineError."""
        try:
            self.prepare()
            self.launch()
            return self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def prepare(self) -> None:
        """Create what the first start needs, fetch the broker. Blocking; raises EngineError."""
        settings = self._settings
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        logs = settings.state / "logs"
        if settings.postgres_admin is None:
            self._postgres = Postgres(
                settings.state / "postgres",
                log=logs / "postgres.log",
                port=settings.postgres_port,
                durable=self._durable,
            )
        if settings.redis is None:
            self._valkey = Valkey(
                settings.state / "valkey", log=logs / "valkey.log", port=settings.redis_port
            )
        if settings.kafka is None:
            self._broker = broker_of(settings, say=self._say)
        chosen = (self._postgres, self._valkey, self._broker)
        self._engines = [engine for engine in chosen if engine is not None]
        with ThreadPoolExecutor(max_workers=3) as pool:
            list(pool.map(lambda engine: engine.prepare(), self._engines))

    def launch(self) -> None:
        """Start the processes; on a thread that lives as long as they do, see `Engine`."""
        for engine in self._engines:
            engine.launch()

    def wait_ready(self) -> EngineAddresses:
        """Wait until all answer and create the topics. Blocking; raises EngineError."""
        seconds = self._settings.engine_timeout
        with ThreadPoolExecutor(max_workers=3) as pool:
            list(pool.map(lambda engine: engine.wait_ready(seconds), self._engines))
        addresses = self.addresses()
        try:
            create_topics(addresses.kafka)
        except (KafkaException, TimeoutError) as error:
            whose = "" if self._settings.kafka is None else ", from COOP_KAFKA,"
            raise EngineError(
                f"The broker {addresses.kafka}{whose} does not answer, or takes no topics: {error}"
            ) from error
        return addresses

    def addresses(self) -> EngineAddresses:
        """Where the engines are; only after `start`."""
        settings = self._settings
        kafka = settings.kafka or (self._broker.url if self._broker else "")
        idempotence = self._broker.idempotence if self._broker else settings.kafka_idempotence
        postgres = settings.postgres_admin or (self._postgres.url if self._postgres else "")
        redis = settings.redis or (self._valkey.url if self._valkey else "")
        return EngineAddresses(kafka, idempotence, postgres, redis)

    def stop(self) -> None:
        """Stop what was started here, last first."""
        for engine in reversed(self._engines):
            engine.stop()
