"""The transactional outbox: a state change and its events are one transaction.

    writer   BEGIN; change rows; append(...); COMMIT  ──NOTIFY──▶ relay
    relay    SELECT … ORDER BY id LIMIT n ─▶ publish ─▶ broker's ack ─▶ DELETE those ids

Guarantees: what was committed is published at least once, whatever is killed when; rows that
committed late under a lower id are not lost (rows are deleted after the ack; nothing remembers a
"last id"); one relay publishes at a time, others stand by. Order of a key is the order of the ids.
An id is taken at the insert, not at the commit: writers of one key must take the row lock of the
aggregate that the key names before they append, or two of them may be published the other way
round.
Must not: be read by anyone but its relay. What leaves it may come twice: consumers tell a repeat
by the event id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from psycopg import AsyncConnection as Connection
from psycopg.types.json import Jsonb
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_runtime.database.engine import answering
from coop_runtime.kafka.message import Message
from coop_runtime.process import metric
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import BrokerUnavailable, Retryable
from coop_runtime.process.log import logger

if TYPE_CHECKING:
    # Who only appends to an outbox does not load the client of the broker.
    from coop_runtime.kafka.producer import Producer

MAX_MESSAGE = 1_000_000  # bytes; Kafka refuses a record batch over 1 MiB by default

_STATEMENT_TIMEOUT = 10.0
_PUBLISH_TIMEOUT = 10.0
_DEPTH_CAP = 100_000

_Row = tuple[int, str, bytes, bytes, list[list[str]]]

_log = logger("coop.outbox")


def outbox_table(metadata: MetaData, schema: str) -> Table:
    """The table `outbox` of a schema: (id, topic, key, value, headers, created_at).

    `headers` is a JSON list of [name, value] pairs of UTF-8 text.
    """
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        schema=schema,
        # Rows live for milliseconds: without an eager vacuum the relay would walk their corpses.
        postgresql_with={
            "autovacuum_vacuum_scale_factor": 0,
            "autovacuum_vacuum_threshold": 2000,
        },
    )


def channel_of(table: Table) -> str:
    """The NOTIFY channel that wakes the relay of this table."""
    return f"outbox_{table.schema}"


async def append(connection: AsyncConnection, table: Table, messages: Sequence[Message]) -> None:
    """Adds messages in the caller's transaction, in order, and wakes the relay when it commits.

    Raises ValueError for a message the broker would refuse for its size, or a header that is not
    UTF-8 text: better the caller's transaction fails than an event that can never leave.
    """
    if not messages:
        return
    headers = []
    for message in messages:
        size = len(message.key) + len(message.value)
        if size > MAX_MESSAGE:
            raise ValueError(f"{message.topic}: {size} bytes are more than {MAX_MESSAGE}")
        headers.append([[name, value.decode()] for name, value in message.headers])
    statement = text(
        f"""
        WITH added AS (
            INSERT INTO {table.schema}.{table.name} (topic, key, value, headers)
            SELECT topic, key, value, headers
            FROM unnest(CAST(:topics AS text[]), CAST(:keys AS bytea[]),
                        CAST(:values AS bytea[]), CAST(:headers AS jsonb[]))
                 WITH ORDINALITY AS message (topic, key, value, headers, position)
            ORDER BY position
        )
        SELECT pg_notify(:channel, '')
        """  # noqa: S608 - the table's own name
    )
    await connection.execute(
        statement,
        {
            "topics": [message.topic for message in messages],
            "keys": [message.key for message in messages],
            "values": [message.value for message in messages],
            "headers": [Jsonb(pairs) for pairs in headers],
            "channel": channel_of(table),
        },
    )


class _Session:
    """The relay's own database session. Every wait has a deadline; every failure is `Retryable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, query: str, *parameters: Any) -> list[Any]:
        async with answering(_STATEMENT_TIMEOUT):
            cursor = await self._connection.execute(query.encode(), parameters or None)
            return await cursor.fetchall() if cursor.description else []

    async def wait(self, seconds: float) -> None:
        """Until the next notification, or so many seconds."""
        async with answering(seconds + _STATEMENT_TIMEOUT):
            async for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass


@dataclass(frozen=True, kw_only=True)
class RelayTuning:
    """`batch` rows at a time; the rest in seconds. A row that was refused is tried again after
    `refused_retry`."""

    batch: int = 500
    poll: float = 1.0
    standby_poll: float = 0.5
    backoff_first: float = 0.2
    backoff_last: float = 15.0
    refused_retry: float = 60.0
    depth_every: float = 5.0


class Relay:
    """Moves one outbox table's rows to the broker, for as long as it runs.

    Any number may run; the holder of the table's advisory lock works, the others stand by. The
    lock, the reading and the deleting share one database session: a relay that lost its session
    lost its right to publish. What it had in flight at that moment may still arrive.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        table: Table,
        producer: Producer,
        *,
        tuning: RelayTuning = RelayTuning(),
    ) -> None:
        self._engine = engine
        self._producer = producer
        self._tuning = tuning
        self._schema = str(table.schema)
        self._name = f"{table.schema}.{table.name}"
        self._channel = channel_of(table)
        self._connected = False
        self._stalled = False
        self._refused: set[int] = set()
        self._refused_since = 0.0
        self._depth_at = float("-inf")
        self._backoff = Backoff(first=tuning.backoff_first, last=tuning.backoff_last)

    def ready(self) -> bool:
        """True while the database answers and the broker takes what there is."""
        return self._connected and not self._stalled

    async def run(self) -> None:
        """Relays until cancelled. Outages of database or broker are waited out, however long."""
        try:
            while True:
                try:
                    async with self._session() as session:
                        await self._stand_by(session)
                        await self._lead(session)
                except Retryable as error:
                    self._connected = False
                    await self._back_off("database", error)
        finally:
            self._connected = False
            metric.OUTBOX_ACTIVE.labels(self._schema).set(0)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        async with answering(_STATEMENT_TIMEOUT):
            connection = await self._engine.connect()
        try:
            async with answering(_STATEMENT_TIMEOUT):
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                raw = (await connection.get_raw_connection()).driver_connection
            session = _Session(cast(Connection, raw))
            await session.execute(f'LISTEN "{self._channel}"')
            self._connected = True
            yield session
        finally:
            # Back in the pool the session would keep the lock: it must end.
            await connection.invalidate()
            await connection.close()

    async def _stand_by(self, session: _Session) -> None:
        metric.OUTBOX_ACTIVE.labels(self._schema).set(0)
        query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        while not (await session.execute(query, f"coop relay {self._name}"))[0][0]:
            self._backoff.reset()
            await asyncio.sleep(self._tuning.standby_poll)
        metric.OUTBOX_ACTIVE.labels(self._schema).set(1)
        _log.info("outbox relay leads", schema=self._schema)

    async def _lead(self, session: _Session) -> None:
        self._depth_at = float("-inf")
        metric.OUTBOX_REFUSED.labels(self._schema).set(len(self._refused))
        try:
            while True:
                # Read again after a failure, too: it shows that the session, hence the lock, is
                # still ours.
                rows = await self._read(session)
                await self._measure(session)
                try:
                    await self._relay(session, rows)
                except BrokerUnavailable as error:
                    self._stalled = True
                    await self._back_off("broker", error)
                    continue
                self._stalled = False
                self._backoff.reset()
                if len(rows) < self._tuning.batch:
                    await session.wait(self._tuning.poll)
        finally:
            metric.OUTBOX_ACTIVE.labels(self._schema).set(0)
            # What waits is for the next leader to say; here it would stay as it was for ever.
            for gauge in (metric.OUTBOX_DEPTH, metric.OUTBOX_AGE, metric.OUTBOX_REFUSED):
                gauge.labels(self._schema).forget()

    async def _read(self, session: _Session) -> list[_Row]:
        if self._refused and time.monotonic() - self._refused_since > self._tuning.refused_retry:
            self._refused.clear()
            metric.OUTBOX_REFUSED.labels(self._schema).set(0)
        return await session.execute(
            f"SELECT id, topic, key, value, headers FROM {self._name} "  # noqa: S608
            "WHERE NOT (id = ANY(%s)) ORDER BY id LIMIT %s",
            list(self._refused),
            self._tuning.batch,
        )

    async def _relay(self, session: _Session, rows: list[_Row]) -> None:
        """Publishes rows and deletes them; a row that is refused for what it is, is set aside."""
        if not rows:
            return
        try:
            await self._publish(rows)
        except Retryable:
            raise
        except Exception:  # noqa: BLE001 - one row is at fault; found and reported below
            await self._relay_singly(session, rows)
            return
        await self._delete(session, rows)

    async def _relay_singly(self, session: _Session, rows: list[_Row]) -> None:
        for row in rows:
            try:
                await self._publish([row])
            except Retryable:
                raise
            except Exception:  # noqa: BLE001 - reported with its traceback
                # It stays in the table, others pass: a bad message stops nobody.
                _log.exception("outbox row refused", schema=self._schema, row=row[0], topic=row[1])
                self._refused.add(row[0])
                self._refused_since = time.monotonic()
                metric.OUTBOX_REFUSED.labels(self._schema).set(len(self._refused))
            else:
                await self._delete(session, [row])

    async def _publish(self, rows: list[_Row]) -> None:
        messages = [
            Message(topic, key, value, [(name, content.encode()) for name, content in headers])
            for _, topic, key, value, headers in rows
        ]
        await self._producer.publish(messages, timeout=_PUBLISH_TIMEOUT)

    async def _delete(self, session: _Session, rows: list[_Row]) -> None:
        await session.execute(
            f"DELETE FROM {self._name} WHERE id = ANY(%s)",  # noqa: S608
            [row[0] for row in rows],
        )
        metric.OUTBOX_PUBLISHED.labels(self._schema).inc(len(rows))

    async def _measure(self, session: _Session) -> None:
        now = time.monotonic()
        if now - self._depth_at < self._tuning.depth_every:
            return
        self._depth_at = now
        statement = (
            "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 "  # noqa: S608
            f"FROM (SELECT created_at FROM {self._name} ORDER BY id LIMIT {_DEPTH_CAP}) AS waiting"
        )
        ((depth, age),) = await session.execute(statement)
        metric.OUTBOX_DEPTH.labels(self._schema).set(depth)
        metric.OUTBOX_AGE.labels(self._schema).set(age)

    async def _back_off(self, cause: str, error: Exception) -> None:
        metric.OUTBOX_RETRIES.labels(self._schema, cause).inc()
        _log.warning("outbox relay backs off", schema=self._schema, cause=cause, error=str(error))
        await asyncio.sleep(self._backoff.next_delay())
