"""Strikes in a real Redis: what rules read there is what the rows say, or nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis.asyncio
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher import metric
from coop_action_dispatcher.strike import Part, Reversal, User
from coop_action_dispatcher.strike_index import WHOLE, StrikeIndex, client_of
from coop_action_dispatcher.strike_name import key_of
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.event import ItemRef
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

Eventually = Callable[..., Awaitable[None]]


def part(cause: str, user: User, weight: int, days: float = 90) -> Part:
    now = datetime.now(UTC)
    return Part(
        execution_id=execution_of(cause, user),
        action_id="a-1",
        user=user,
        cause_id=cause,
        policy_id="p-1",
        weight=weight,
        struck_at=now,
        expires_at=now + timedelta(days=days),
        correlation_id=cause,
        event_id=cause,
    )


def execution_of(cause: str, user: User) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{cause} {user.key}"))


class World:
    """Strikes in the database and the index of one process."""

    def __init__(self, engine: AsyncEngine, client: redis.asyncio.Redis, config: Any) -> None:
        self.engine = engine
        self.client = client
        self.strikes = Strikes(config)
        self.index = StrikeIndex(engine, client, self.strikes.committed)

    async def apply(self, *parts: Part, reversals: list[Reversal] | None = None) -> None:
        async with transaction(self.engine) as connection:
            await self.strikes.apply(connection, parts, reversals or [])
        self.strikes.committed.set()

    async def publish(self) -> None:
        while await self.index.publish():
            pass

    async def read(self, user: User) -> list[list[int]] | None:
        """What a rule reads: None where it does not know."""
        run_id = (await self.client.info("server"))["run_id"]
        if await self.client.get(WHOLE) != run_id.encode():
            return None
        found = await self.client.get(key_of(user.org_id, user.ref))
        return [] if found is None else json.loads(found)

    async def weights(self, user: User) -> list[int] | None:
        read = await self.read(user)
        return None if read is None else [weight for _, weight in read]


USERS = [User("org-1", ItemRef(f"user-{number}", "u-1")) for number in range(3)]
ONE, TWO, THREE = USERS


@pytest.fixture
def strikes_url(redis_url: str) -> str:
    """A database of the server that other tests leave alone."""
    return f"{redis_url.rpartition('/')[0]}/{4 + os.getpid() % 12}"


@pytest.fixture
async def world(
    database: AsyncEngine, strikes_url: str, configuration: Any
) -> AsyncIterator[World]:
    """No strikes, neither in the database nor in Redis."""
    async with database.begin() as connection:
        await connection.execute(
            text(
                """TRUNCATE dispatch.strike_users, dispatch.strikes, dispatch.strike_executions,
                            dispatch.strike_crossings"""
            )
        )
    client = client_of(strikes_url)
    made = World(database, client, configuration.table)
    await made.index._clear()
    yield made
    await made.index._clear()
    await client.aclose()


async def test_live_strikes_are_written_in_the_agreed_form(world: World) -> None:
    """A user's key holds expiry in Unix milliseconds and weight, by expiry; it ends with them."""
    later, sooner = part("c-1", ONE, 2), part("c-2", ONE, 1, days=1)
    await world.apply(later, sooner)
    await world.publish()
    assert (
        await world.client.get(key_of("org-1", ONE.ref))
        == json.dumps(
            [
                [int(sooner.expires_at.timestamp() * 1000), 1],
                [int(later.expires_at.timestamp() * 1000), 2],
            ],
            separators=(",", ":"),
        ).encode()
    )
    assert key_of("org-1", ONE.ref) == "coop:strikes:org-1:u-1:user-0"
    expires = await world.client.pexpiretime(key_of("org-1", ONE.ref))
    assert expires == int(later.expires_at.timestamp() * 1000)


async def test_changes_are_written_and_users_without_strikes_have_no_key(world: World) -> None:
    """More strikes, and their reversal, reach Redis; in the end there is no key."""
    first = part("c-1", ONE, 2)
    await world.apply(first, part("c-1", TWO, 1))
    await world.publish()
    assert (await world.weights(ONE), await world.weights(TWO)) == ([2], [1])
    taken = Reversal(execution_id=first.execution_id, correlation_id="u", event_id="e")
    await world.apply(reversals=[taken])
    await world.publish()
    assert (await world.weights(ONE), await world.weights(TWO)) == ([], [1])
    assert not await world.client.exists(key_of("org-1", ONE.ref))


async def test_a_redis_that_was_flushed_knows_nothing_until_it_knows_all(world: World) -> None:
    """After a flush the value is unknown, then whole again, though nothing changed."""
    await world.apply(part("c-1", ONE, 2), part("c-1", TWO, 1))
    await world.publish()
    await world.index._clear()
    assert await world.weights(ONE) is None
    await world.publish()
    assert (await world.weights(ONE), await world.weights(TWO)) == ([2], [1])


async def test_another_redis_is_written_anew_without_what_it_had(world: World) -> None:
    """A replica or restarted server may hold old keys: they go before it counts as whole."""
    await world.apply(part("c-1", ONE, 2))
    await world.publish()
    stale = key_of("org-1", ItemRef("forgiven", "u-1"))
    await world.client.set(stale, "[[9999999999999,7]]")
    await world.client.set(WHOLE, "the run id of another server")
    assert await world.weights(ONE) is None
    await world.publish()
    assert await world.weights(ONE) == [2]
    assert not await world.client.exists(stale)


async def test_a_flush_in_the_middle_of_rebuilding_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was lost while it was being written is written once more before it counts as whole."""
    await world.apply(*(part("c-1", user, 1) for user in USERS))
    write = world.index._write
    flushed: list[bool] = []

    async def write_then_lose(rows: Any) -> None:
        await write(rows)
        if not flushed:
            flushed.append(True)
            await world.index._clear()

    monkeypatch.setattr(world.index, "_write", write_then_lose)
    with pytest.raises(Exception, match="emptied"):
        await world.publish()
    assert await world.weights(ONE) is None
    await world.publish()
    assert [await world.weights(user) for user in USERS] == [[1]] * 3


async def test_only_one_process_writes_at_a_time(
    world: World, configuration: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one process writes what it read, another leaves it alone, so that nothing older
    overwrites it."""
    await world.publish()
    await world.apply(part("c-1", ONE, 1))
    other = World(world.engine, world.client, configuration.table)
    write, seen = world.index._write, []

    async def write_slowly(rows: Any) -> None:
        await world.apply(part("c-2", ONE, 2))
        seen.append(await other.index.publish())
        await write(rows)

    monkeypatch.setattr(world.index, "_write", write_slowly)
    await world.index.publish()
    assert seen == [True]
    assert await world.weights(ONE) == [1]
    await other.publish()
    assert await world.weights(ONE) == [1, 2]


async def test_who_stands_by_does_not_say_that_all_is_known(
    world: World, configuration: Any, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    """While another process writes to an emptied Redis, the gauge says that strikes are unknown."""
    other = World(world.engine, world.client, configuration.table)
    await world.apply(part("c-1", ONE, 1))
    write, seen = world.index._write, []

    def shown() -> float | None:
        return REGISTRY.get_sample_value("coop_strikes_unpublished")

    async def write_slowly(rows: Any) -> None:
        following = asyncio.create_task(other.index.run())
        await eventually(lambda: shown() is not None)
        seen.append(shown())
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await write(rows)

    monkeypatch.setattr(world.index, "_write", write_slowly)
    metric.STRIKES_UNPUBLISHED.forget()
    await world.index.publish()
    assert seen == [1]


async def test_what_was_written_in_a_failed_transaction_is_written_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that wrote to Redis and lost its transaction trusts nothing it wrote."""
    await world.publish()
    await world.apply(part("c-1", ONE, 1))
    write = world.index._write

    async def write_and_lose(rows: Any) -> None:
        # Another process was quicker: it published a newer state before our late write.
        await world.apply(part("c-2", ONE, 2))
        async with transaction(world.engine) as connection:
            await connection.execute(text("UPDATE dispatch.strike_users SET published = version"))
        await write(rows)
        raise ConnectionError("the session was lost")

    monkeypatch.setattr(world.index, "_write", write_and_lose)
    with pytest.raises(ConnectionError):
        await world.index.publish()
    assert await world.weights(ONE) == [1]
    monkeypatch.setattr(world.index, "_write", write)
    await world.publish()
    assert await world.weights(ONE) == [1, 2]


async def test_the_index_follows_by_itself_through_an_outage(
    world: World,
    database: AsyncEngine,
    configuration: Any,
    eventually: Eventually,
    strikes_url: str,
) -> None:
    """With Redis away strikes are taken on all the same; when it is back it learns of them."""
    port = Relayed(strikes_url)
    await port.start()
    client = client_of(port.url)
    away = World(database, client, configuration.table)
    running = asyncio.create_task(away.index.run())
    try:
        await away.apply(part("c-1", ONE, 1))
        await eventually(lambda: _is(world.weights(ONE), [1]))
        await port.cut()
        await away.apply(part("c-2", ONE, 2))
        await asyncio.wait_for(away.apply(part("c-3", ONE, 3)), 10)
        assert await world.weights(ONE) == [1]
        await port.start()
        await eventually(lambda: _is(world.weights(ONE), [1, 2, 3]), within=30)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await port.cut()
        await client.aclose()


async def test_strikes_are_taken_on_fast_while_they_are_published(
    world: World, eventually: Eventually
) -> None:
    """Publishing and taking on in parallel end in agreement, user by user."""
    running = asyncio.create_task(world.index.run())
    users = [User("org-1", ItemRef(f"many-{number}", "u-1")) for number in range(40)]
    try:
        await asyncio.gather(
            *(
                world.apply(*(part(f"c-{cause}", user, cause + 1) for user in users))
                for cause in range(10)
            )
        )
        for user in users:
            await eventually(lambda user=user: _sorted(world, user, list(range(1, 11))))
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _is(value: Awaitable[Any], expected: Any) -> bool:
    return bool(await value == expected)


async def _sorted(world: World, user: User, expected: list[int]) -> bool:
    return sorted(await world.weights(user) or []) == expected


class Relayed:
    """A way to Redis that can be cut."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0
        self._rebuild: Callable[[int], str] = lambda port: urlunsplit(
            self._parts._replace(
                netloc=f"{self._parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}".lstrip("@")
            )
        )

    @property
    def url(self) -> str:
        return self._rebuild(self._port)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._writers |= {writer, back}
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
