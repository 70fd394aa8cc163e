"""The relay and the config topic on a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from coop_contracts.config import Kind
from coop_contracts.topic import all_topics
from coop_review_api.configuration.head_keeper import HeadKeeper
from coop_review_api.configuration.topic import ConfigTopic
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.outbox import Relay
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import Retryable

pytestmark = pytest.mark.engines


async def until(condition: Callable[[], bool], *, within: float, what: str) -> float:
    """Poll until true; how long it took, in seconds."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > within:
            raise AssertionError(f"{what}: not within {within} s")
        await asyncio.sleep(0.005)
    return time.monotonic() - started


@contextlib.asynccontextmanager
async def running(*runs: Callable[[], Any]) -> AsyncIterator[None]:
    """Tasks that run during the block; one that fails fails the test."""
    tasks = [asyncio.create_task(run()) for run in runs]
    try:
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def broker(context: Any, kafka_bootstrap: str, broker_idempotence: bool) -> Any:
    return context.settings.model_copy(
        update={"kafka": kafka_bootstrap, "kafka_idempotence": broker_idempotence}
    )


@contextlib.asynccontextmanager
async def relay_of(engine: Any, broker: Any, clock: Any) -> AsyncIterator[HeadKeeper]:
    """What the relay role runs."""
    producer = Producer(broker, client_id="review-api-relay")
    await producer.start()
    keeper = HeadKeeper(engine, ConfigTopic(broker), clock=clock, check_every=0.2)
    try:
        async with running(Relay(engine, outbox, producer).run, keeper.run):
            yield keeper
    finally:
        await producer.stop()


async def test_a_change_is_in_every_table_within_a_second(
    admin: Any, org: Any, engine: Any, broker: Any, clock: Any
) -> None:
    """A change made through the API is on the topic and in another process's table in a second;
    a table is ready only once the log head was published."""
    table = ConfigTable(broker)

    def is_there(policy_id: str) -> bool:
        return table.get(org.org_id, Kind.POLICY, policy_id) is not None

    async with relay_of(engine, broker, clock), running(table.run):
        await table.wait_ready(30)
        await until(
            lambda: bool(table.get(org.org_id, Kind.SETTINGS, "settings")),
            within=10,
            what="the organisation in the table",
        )
        for number in range(5):
            made = await admin.make("/v1/policies", {"name": f"Policy {number}"})
            await until(
                partial(is_there, made["id"]),
                within=1,
                what="a new policy in the table",
            )
            assert table.revision_of(org.org_id, Kind.POLICY, made["id"]) == made["revision"]
        await admin.call("DELETE", f"/v1/policies/{made['id']}")
        await until(
            lambda: table.get(org.org_id, Kind.POLICY, made["id"]) is None,
            within=1,
            what="the deletion in the table",
        )


async def test_a_lost_topic_is_restored(
    admin: Any, org: Any, engine: Any, broker: Any, clock: Any
) -> None:
    """The topic is deleted and made anew under a running relay: everything is on it again."""
    if not broker.kafka_idempotence:
        pytest.skip("Tansu acknowledges records into a topic that is being deleted")
    from confluent_kafka.admin import AdminClient

    from coop_local.topics import create_topics

    made = await admin.make("/v1/policies", {"name": "Kept"})
    name = next(topic.topic for topic in all_topics() if topic.event == "config-changed")
    broker_admin = AdminClient({"bootstrap.servers": broker.kafka})

    def lose() -> None:
        for future in broker_admin.delete_topics([name], operation_timeout=10).values():
            future.result(10)

    async with relay_of(engine, broker, clock) as keeper:
        await until(keeper.ready, within=30, what="the first head")
        # What the keeper found missing is in the outbox then: the relay publishes it in its turn.
        before = await topic_with(broker, made["id"])
        await asyncio.to_thread(lose)
        await until(lambda: not keeper.ready(), within=30, what="the loss noticed")
        await asyncio.to_thread(create_topics, broker.kafka)
        await until(keeper.ready, within=30, what="a new head")
        # Others write to the topic of this session too; what is in our log is what comes back.
        kept = living(before, org.org_id)
        after = await topic_with(broker, *(key.id for key in kept))
        assert after.head
        assert living(after, org.org_id) == kept


async def topic_with(broker: Any, *wanted: str, within: float = 60) -> Any:
    """What the topic holds, once it holds documents of all these ids."""
    deadline = time.monotonic() + within
    while True:
        state = None
        with contextlib.suppress(Retryable):  # a topic that was just made anew has no leader yet
            state = await read_topic(broker)
        if state is not None:
            missing = set(wanted) - {key.id for key in state.documents}
            if state.head and not missing:
                return state
            assert time.monotonic() < deadline, f"never on the topic: {sorted(missing)}"
        assert time.monotonic() < deadline, "the topic cannot be read"
        await asyncio.sleep(0.05)


def living(state: Any, org_id: str) -> set[Any]:
    """The keys of an organisation's documents that are there."""
    return {
        key for key, known in state.documents.items() if key.org_id == org_id and not known.deleted
    }


async def read_topic(broker: Any) -> Any:
    topic = ConfigTopic(broker)
    try:
        return await topic.read()
    finally:
        await topic.close()
