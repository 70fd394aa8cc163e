"""The outbox on the real PostgreSQL: at least once, in order, whatever is killed when."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import MetaData, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.database.outbox import MAX_MESSAGE, Relay, RelayTuning, append, outbox_table
from coop_runtime.kafka.message import Message
from coop_runtime.process import metric
from coop_runtime.process.error import BrokerUnavailable

pytestmark = pytest.mark.engines

TABLE = outbox_table(MetaData(), "review")


class Publisher:
    """The broker's edge: keeps what it took; fails as told."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.at: list[float] = []
        self.calls = 0
        self.failures: list[Exception] = []
        self.poison: bytes | None = None

    async def publish(
        self,
        messages: Sequence[Message],
        *,
        timeout: float = 5,  # noqa: ASYNC109 - the producer's signature
    ) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        if self.poison is not None and any(m.value == self.poison for m in messages):
            raise TypeError("cannot be sent")
        self.taken += messages
        self.at += [time.perf_counter()] * len(messages)

    @property
    def values(self) -> list[str]:
        return [message.value.decode() for message in self.taken]


def message(value: str, *, key: str = "k") -> Message:
    headers = [("event-id", value.encode()), ("traceparent", b"00-" + b"a" * 32 + b"-b-01")]
    return Message("coop.items.v1", key.encode(), value.encode(), headers)


async def until(condition: Callable[[], Any], *, seconds: float = 15) -> None:
    """Polls until the condition (sync or async) holds."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
async def empty_outbox(engine: AsyncEngine) -> None:
    """The table, new for each test."""
    async with transaction(engine) as connection:
        await connection.execute(text("DROP TABLE IF EXISTS review.outbox"))
        await connection.run_sync(TABLE.metadata.create_all)


async def write(engine: AsyncEngine, *values: str) -> None:
    async with transaction(engine) as connection:
        await append(connection, TABLE, [message(value) for value in values])


async def waiting(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return (await connection.execute(select(func.count()).select_from(TABLE))).scalar_one()


@contextlib.asynccontextmanager
async def relaying(
    engine: AsyncEngine, publisher: Publisher, **tuning: Any
) -> AsyncIterator[Relay]:
    relay = Relay(engine, TABLE, publisher, tuning=RelayTuning(**tuning))  # type: ignore[arg-type]
    task = asyncio.create_task(relay.run())
    try:
        yield relay
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_is_committed_is_published_as_it_was(engine: AsyncEngine) -> None:
    """Topic, key, value and headers, the traceparent among them, arrive unchanged and in order."""
    publisher = Publisher()
    sent = [message(f"m{n}", key=f"k{n % 3}") for n in range(1200)]
    async with transaction(engine) as connection:
        await append(connection, TABLE, sent)
    async with relaying(engine, publisher):
        await until(lambda: len(publisher.taken) >= len(sent))
        await until(lambda: _is_empty(engine))
    assert publisher.taken == sent
    assert publisher.calls == 3  # batches of 500


async def _is_empty(engine: AsyncEngine) -> bool:
    return await waiting(engine) == 0


async def test_what_is_rolled_back_is_never_published(engine: AsyncEngine) -> None:
    """A transaction that fails leaves no event."""
    publisher = Publisher()
    async with relaying(engine, publisher):

        async def fail() -> None:
            async with transaction(engine) as connection:
                await append(connection, TABLE, [message("never")])
                raise KeyError

        with pytest.raises(KeyError):
            await fail()
        await write(engine, "after")
        await until(lambda: publisher.taken)
    assert publisher.values == ["after"]


async def test_a_row_committed_late_under_a_lower_id_is_not_lost(engine: AsyncEngine) -> None:
    """A slow writer's row goes out although rows with higher ids went before."""
    publisher = Publisher()
    async with relaying(engine, publisher):
        async with transaction(engine) as slow:
            await append(slow, TABLE, [message("late")])
            await write(engine, "early")
            await until(lambda: publisher.values == ["early"])
        await until(lambda: publisher.values == ["early", "late"])


async def test_a_kill_between_publish_and_delete_publishes_again(
    engine: AsyncEngine, role_urls: dict[str, str]
) -> None:
    """kill -9 after the broker's ack and before the delete: every row goes out again, in order."""
    await write(engine, "one", "two", "three")
    victim = Path(__file__).with_name("outbox_victim.py")
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(victim), role_urls["coop_review"], "die"],
        capture_output=True,
        timeout=30,
    )
    assert died.returncode == -9
    assert died.stderr.split() == [b"one", b"two", b"three"]
    assert await waiting(engine) == 3
    publisher = Publisher()
    async with relaying(engine, publisher):
        await until(lambda: publisher.values == ["one", "two", "three"])


async def test_a_standby_takes_over_from_a_killed_relay(
    engine: AsyncEngine, role_urls: dict[str, str]
) -> None:
    """While one relay holds the lock the other publishes nothing; after its death it does."""
    victim = Path(__file__).with_name("outbox_victim.py")
    leader = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        [sys.executable, str(victim), role_urls["coop_review"], "hang"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        await write(engine, "one")
        assert leader.stderr is not None
        assert (await asyncio.to_thread(leader.stderr.readline)).strip() == b"one"
        publisher = Publisher()
        async with relaying(engine, publisher) as relay:
            await until(relay.ready)
            await write(engine, "two")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.2):  # over two rounds of the standby's poll
                    await until(lambda: publisher.taken)
            assert publisher.taken == []
            leader.kill()
            await until(lambda: publisher.values == ["one", "two"])
    finally:
        leader.kill()
        leader.communicate()


async def test_two_relays_keep_the_order(engine: AsyncEngine, role_urls: dict[str, str]) -> None:
    """Two relays on one table: each row once, in the order of the ids."""
    publisher = Publisher()
    other = engine_of(role_urls["coop_review"], application_name="other")
    async with (
        relaying(engine, publisher, batch=7),
        relaying(other, publisher, batch=7),
    ):
        for start in range(0, 200, 10):
            await write(engine, *(str(n) for n in range(start, start + 10)))
        await until(lambda: len(publisher.taken) >= 200)
    await other.dispose()
    assert publisher.values == [str(n) for n in range(200)]


async def test_a_broker_outage_is_waited_out(engine: AsyncEngine) -> None:
    """The relay stays, is unready meanwhile, and publishes everything when the broker is back."""
    publisher = Publisher()
    publisher.failures = [BrokerUnavailable("down") for _ in range(20)]
    await write(engine, "a", "b")
    async with relaying(engine, publisher, backoff_first=0.01, backoff_last=0.05) as relay:
        await until(lambda: len(publisher.failures) < 15)
        assert not relay.ready()
        await until(lambda: publisher.values == ["a", "b"])
        await until(relay.ready)


async def test_a_database_outage_is_waited_out(
    engine: AsyncEngine, postgres_admin_url: str
) -> None:
    """Every session killed, again and again: the relay comes back and loses nothing."""
    publisher = Publisher()
    retries = metric.OUTBOX_RETRIES.labels("review", "database")
    before = retries._value.get()

    def published(value: str) -> bool:
        return value in publisher.values

    def retried(times: int) -> bool:
        return bool(retries._value.get() > before + times)

    async with relaying(engine, publisher, backoff_first=0.01) as relay:
        for round_ in range(3):
            await write(engine, str(round_))
            await until(partial(published, str(round_)))
            with psycopg.connect(postgres_admin_url) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE usename = 'coop_review_owner'"
                )
            await until(partial(retried, round_))
            await until(relay.ready)
    assert list(dict.fromkeys(publisher.values)) == ["0", "1", "2"]


async def test_a_refused_row_stops_nobody(engine: AsyncEngine) -> None:
    """A row the client cannot send is set aside, named by a metric, and stays in the table."""
    publisher = Publisher()
    publisher.poison = b"bad"
    async with relaying(engine, publisher):
        await write(engine, "a", "bad", "c")
        await until(lambda: publisher.values == ["a", "c"])
        await write(engine, "d")
        await until(lambda: publisher.values == ["a", "c", "d"])
        await until(lambda: metric.OUTBOX_REFUSED.labels("review")._value.get() == 1)
    assert await waiting(engine) == 1


async def test_a_message_the_broker_would_refuse_fails_its_writer(engine: AsyncEngine) -> None:
    """An event too large to leave fails the transaction that makes it."""
    with pytest.raises(ValueError, match=r"coop\.items\.v1"):
        async with transaction(engine) as connection:
            await append(connection, TABLE, [message("x" * (MAX_MESSAGE + 1))])
    assert await waiting(engine) == 0


async def test_nothing_to_append_is_nothing(engine: AsyncEngine) -> None:
    """No message, no statement."""
    async with transaction(engine) as connection:
        await append(connection, TABLE, [])
    assert await waiting(engine) == 0


async def test_a_commit_wakes_the_relay_within_milliseconds(
    engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a transaction's end to its publish takes the time of a NOTIFY, not that of a poll."""
    publisher = Publisher()
    seconds = []

    def took(number: int) -> bool:
        return len(publisher.taken) > number

    async with relaying(engine, publisher):
        for n in range(40):
            async with transaction(engine) as connection:
                await append(connection, TABLE, [message(str(n))])
                written = time.perf_counter()
            await until(partial(took, n))
            seconds.append(publisher.at[n] - written)
    median = statistics.median(seconds) * 1000
    with capsys.disabled():
        worst = max(seconds) * 1000
        print(f"\noutbox, append to publish: median {median:.1f} ms, worst {worst:.1f}")
    assert median < 100


async def test_depth_and_age_are_measured(engine: AsyncEngine) -> None:
    """While nothing leaves, the metrics show how much waits and for how long."""
    publisher = Publisher()
    publisher.failures = [BrokerUnavailable("down") for _ in range(1000)]
    await write(engine, "a", "b", "c")
    async with relaying(engine, publisher, depth_every=0, backoff_last=0.05):
        await until(lambda: metric.OUTBOX_DEPTH.labels("review")._value.get() == 3)
        await until(lambda: metric.OUTBOX_AGE.labels("review")._value.get() > 0)
        publisher.failures.clear()
        await until(lambda: metric.OUTBOX_DEPTH.labels("review")._value.get() == 0)


async def test_who_stops_publishing_says_nothing_of_what_waits(engine: AsyncEngine) -> None:
    """The figures of a relay that no longer leads do not stay: another's are true now."""

    def shown() -> list[str]:
        labels = {"schema": "review"}
        names = (
            "coop_outbox_messages",
            "coop_outbox_oldest_seconds",
            "coop_outbox_refused_messages",
        )
        return [name for name in names if REGISTRY.get_sample_value(name, labels) is not None]

    async with relaying(engine, Publisher()):
        await until(lambda: len(shown()) == 3)
    assert shown() == []
