"""PostgreSQL for the services: engines, transactions, roles and schemas, migrations.

Guarantees: one request or task is one transaction (`transaction`), application code never commits;
every wait has a deadline on both sides (statement and lock timeouts per role, TCP keepalive, a
client deadline); a database that is down, slow or failing over is `Retryable`, a broken constraint
is not. One role uses one schema and reads no other.
Must not: be used to open a connection at import, or log a URL (it carries a password).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec
import psycopg
import sqlalchemy.event
import sqlalchemy.exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from coop_runtime.database import array
from coop_runtime.database.migration import migrate, run_migrations
from coop_runtime.database.schema import ROLES, bootstrap, owner_of
from coop_runtime.process.error import Retryable

__all__ = [
    "ROLES",
    "answering",
    "bootstrap",
    "database_errors",
    "driver_url",
    "engine_of",
    "migrate",
    "owner_of",
    "run_migrations",
    "service_url",
    "transaction",
]

CONNECT_TIMEOUT = 5  # seconds
POOL_TIMEOUT = 5.0
TRANSACTION_TIMEOUT = 20.0

# A peer that vanished without a word (pulled cable, dropped NAT entry) is noticed in about 15 s.
_SOCKET_OPTIONS = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}

# SQLSTATE classes and codes that say "not now" (PostgreSQL documentation, appendix A).
_RETRYABLE_CLASSES = ("08", "53", "58")  # connection, insufficient resources, system error
_RETRYABLE_CODES = frozenset(
    {
        "25006",  # read-only: a fail-over is under way
        "25P03",  # idle-in-transaction timeout
        "40001",  # serialization failure
        "40P01",  # deadlock
        "55P03",  # lock not available
        "57014",  # statement timeout or cancel
        "57P01",  # admin shutdown
        "57P02",  # crash shutdown
        "57P03",  # cannot connect now
        "57P05",  # idle session timeout
    }
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def _to_json(value: Any) -> str:
    return _encoder.encode(value).decode()


def driver_url(url: str) -> URL:
    """The URL with the driver this runtime speaks (psycopg 3), whatever its scheme said."""
    return make_url(url).set(drivername="postgresql+psycopg")


def service_url(admin_url: str, role: str, password: str) -> str:
    """The URL of another role on the same database, as `postgresql://…`."""
    url = make_url(admin_url).set(drivername="postgresql", username=role, password=password)
    return url.render_as_string(hide_password=False)


def engine_of(
    url: str,
    *,
    pool_size: int = 5,
    pool_timeout: float = POOL_TIMEOUT,
    application_name: str,
) -> AsyncEngine:
    """An engine of at most `pool_size` connections; it connects on first use. Who finds none free
    waits `pool_timeout` seconds.

    JSON columns are encoded and decoded by msgspec, and `array`'s arrays are taken. A connection is
    tested when it leaves the pool, and given up after half an hour, so that a moved database is
    followed.
    """
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_use_lifo=True,
        hide_parameters=True,  # parameters may be personal data; they must not reach the log
        json_serializer=_to_json,
        json_deserializer=_decoder.decode,
        connect_args={
            "application_name": application_name,
            "connect_timeout": CONNECT_TIMEOUT,
            **_SOCKET_OPTIONS,
        },
    )

    @sqlalchemy.event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        array.register(connection.driver_connection.adapters)

    return engine


def is_retryable(error: BaseException) -> bool:
    """True when the database is unreachable, overloaded or busy, so that trying again can help.

    Knows SQLAlchemy's errors and psycopg's own.
    """
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return True  # no connection became free in the pool
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    state = getattr(error, "sqlstate", None)
    if state is None:
        # libpq gives no code when there is no server to give one.
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state in _RETRYABLE_CODES or state.startswith(_RETRYABLE_CLASSES)


@contextmanager
def database_errors() -> Iterator[None]:
    """Turns an unreachable or busy database into `Retryable`; other errors pass unchanged."""
    try:
        yield
    except (sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError, psycopg.Error) as error:
        if is_retryable(error):
            raise Retryable(f"database: {_first_line(error)}") from error
        raise


def _first_line(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    lines = str(origin).strip().splitlines()
    return lines[0] if lines else type(origin).__name__


@asynccontextmanager
async def answering(within: float) -> AsyncIterator[None]:
    """A block that talks to the database: `Retryable` when it cannot, or not `within` so many s.

    With a server that is frozen in the middle of a statement the driver tries to cancel it for up
    to 10 s more before it gives the connection up.
    """
    deadline = asyncio.timeout(within)
    try:
        with database_errors():
            async with deadline:
                yield
    except TimeoutError as error:
        if deadline.expired():
            raise Retryable(f"database: no answer within {within} s") from error
        raise


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, *, within: float = TRANSACTION_TIMEOUT
) -> AsyncIterator[AsyncConnection]:
    """One transaction: committed when the block ends, rolled back when it raises.

    Raises `Retryable` when the database is unreachable or busy, or the block took longer than
    `within` seconds. A connection lost during the commit leaves open whether it happened: what
    the block does must be idempotent.
    """
    async with answering(within), engine.begin() as connection:
        yield connection
