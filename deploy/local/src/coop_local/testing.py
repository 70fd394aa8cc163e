"""Pytest plugin: the real engines as session fixtures.

Each address is taken from the environment (COOP_TEST_KAFKA, COOP_TEST_POSTGRES_ADMIN,
COOP_TEST_REDIS), else from an embedded engine of this session's own in a temporary directory, else,
when that cannot start, from a container. An engine is started when a test first asks for it.

`--broker kafka|tansu` (or COOP_TEST_BROKER) chooses the embedded broker.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import structlog
from psycopg import sql

from coop_local.engine import Engine, EngineError
from coop_local.postgres import Postgres
from coop_local.settings import BrokerChoice, EngineSettings
from coop_local.stack import broker_of
from coop_local.topics import create_topics
from coop_local.valkey import Valkey


def password_of(role: str) -> str:
    """A database role's, in all tests: roles are the server's, and whoever gives one another
    password shuts out those that signed in before."""
    return f"{role.removeprefix('coop_').replace('_', '-')}-password"


@dataclass
class EmbeddedEngines:
    """This session's own engines and containers, stopped in the end."""

    state: Path
    broker: BrokerChoice
    cache: Path
    _stops: list[Callable[[], object]] = field(default_factory=list)

    def start(self, engine: Engine) -> str:
        """Start one and return its URL. Raises EngineError."""
        engine.start()
        self._stops.append(engine.stop)
        return engine.url

    def start_container(self, container: Any, cause: EngineError) -> Any:
        """The last resort; when there is no container engine either, the embedded one's reason is
        what the developer needs."""
        try:
            container.start()
        except Exception as error:
            raise cause from error
        self._stops.append(container.stop)
        return container

    def stop(self) -> None:
        while self._stops:
            self._stops.pop()()


@dataclass(frozen=True)
class BrokerAddress:
    """The broker of this session."""

    bootstrap: str
    idempotence: bool


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--broker",
        choices=["auto", "kafka", "tansu"],
        default=os.environ.get("COOP_TEST_BROKER", "auto"),
        help="the embedded broker for tests marked `engines`",
    )


def pytest_configure() -> None:
    """A bug that is logged is shown as the services show it: drawn with every local variable, as
    structlog does unless told, one costs a second."""
    *others, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*others, plain])


@pytest.fixture(scope="session")
def embedded_engines(pytestconfig: pytest.Config) -> Iterator[EmbeddedEngines]:
    """Where this session's own engines live; nothing is started yet."""
    state = Path(tempfile.mkdtemp(prefix="coop-engines-"))
    cache = os.environ.get("COOP_CACHE") or pytestconfig.rootpath / ".coop" / "cache"
    engines = EmbeddedEngines(state, pytestconfig.getoption("--broker"), Path(cache))
    yield engines
    engines.stop()
    shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="session")
def broker_address(embedded_engines: EmbeddedEngines) -> BrokerAddress:
    """A broker with all topics created."""
    given = os.environ.get("COOP_TEST_KAFKA")
    if given:
        idempotence = os.environ.get("COOP_TEST_KAFKA_IDEMPOTENCE", "true") != "false"
        address = BrokerAddress(given, idempotence)
    else:
        address = _start_broker(embedded_engines)
    create_topics(address.bootstrap)
    return address


def _start_broker(engines: EmbeddedEngines) -> BrokerAddress:
    settings = EngineSettings.model_construct(
        state=engines.state, cache_dir=engines.cache, broker=engines.broker, kafka_port=None
    )
    try:
        broker = broker_of(settings, say=print)
        return BrokerAddress(engines.start(broker), broker.idempotence)
    except EngineError as error:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from testcontainers.kafka import KafkaContainer  # noqa: PLC0415 - the last resort

            container = engines.start_container(
                KafkaContainer("apache/kafka:4.1.1").with_kraft(), error
            )
        return BrokerAddress(container.get_bootstrap_server(), idempotence=True)


@pytest.fixture(scope="session")
def kafka_bootstrap(broker_address: BrokerAddress) -> str:
    """Bootstrap servers of a broker with all topics created."""
    return broker_address.bootstrap


@pytest.fixture(scope="session")
def broker_idempotence(broker_address: BrokerAddress) -> bool:
    """Whether the broker has idempotent producers (Tansu has not)."""
    return broker_address.idempotence


@pytest.fixture(scope="session")
def redis_url(embedded_engines: EmbeddedEngines) -> str:
    """The URL of a Redis or Valkey database."""
    given = os.environ.get("COOP_TEST_REDIS")
    if given:
        return given
    try:
        return embedded_engines.start(Valkey(embedded_engines.state / "valkey"))
    except EngineError as error:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from testcontainers.redis import RedisContainer  # noqa: PLC0415 - the last resort

            container = embedded_engines.start_container(
                RedisContainer("valkey/valkey:9-alpine"), error
            )
        host, port = container.get_container_host_ip(), container.get_exposed_port(6379)
        return f"redis://{host}:{port}/0"


@pytest.fixture(scope="session")
def postgres_server_url(embedded_engines: EmbeddedEngines) -> str:
    """A superuser's URL of a PostgreSQL server, whichever database it names."""
    given = os.environ.get("COOP_TEST_POSTGRES_ADMIN")
    if given:
        return given
    try:
        return embedded_engines.start(Postgres(embedded_engines.state / "postgres", durable=False))
    except EngineError as error:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - as above

            container = embedded_engines.start_container(
                PostgresContainer("postgres:18", driver=None), error
            )
        return str(container.get_connection_url())


class Databases:
    """Makes databases, as many as tests want; they are dropped when the session ends.

    What is prepared (roles, migrations) is prepared once for each way of preparing; the databases
    are copies of that one, which costs a twentieth of migrating.
    """

    def __init__(self, server_url: str) -> None:
        """`server_url`: a superuser's."""
        self._server_url = server_url
        self._prepared: dict[Callable[[str], object], str] = {}
        self._made: list[str] = []

    def make(self, prepare: Callable[[str], object] | None = None) -> str:
        """A superuser's URL of a new database: empty, or as `prepare` leaves one, which is given
        such a URL and must not stay connected."""
        if prepare is None:
            return self._create("template1")
        if prepare not in self._prepared:
            url = self._create("template1")
            prepare(url)
            self._prepared[prepare] = urlsplit(url).path[1:]
        return self._create(self._prepared[prepare])

    def drop(self, url: str) -> None:
        """Ends one before the session does."""
        name = urlsplit(url).path[1:]
        self._execute("DROP DATABASE {} WITH (FORCE)", name)
        self._made.remove(name)

    def drop_all(self) -> None:
        while self._made:
            self._execute("DROP DATABASE {} WITH (FORCE)", self._made.pop())

    def _create(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        self._made.append(name)
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture(scope="session")
def databases(postgres_server_url: str) -> Iterator[Databases]:
    """Makes databases of a test's, a file's or a session's own."""
    made = Databases(postgres_server_url)
    yield made
    made.drop_all()


@pytest.fixture(scope="session")
def postgres_admin_url(databases: Databases) -> str:
    """A superuser's URL of a fresh, empty database."""
    return databases.make()
