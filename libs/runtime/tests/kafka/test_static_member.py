"""Members of a group that are known by name, with both clients, on a real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from coop_runtime.kafka.message import Received
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings

from .conftest import WAIT, Probe
from .test_consumer import running

pytestmark = pytest.mark.engines

_PARTITIONS = 4
_SESSION = 24.0
# A member hears of another one with its next heartbeat, a quarter of a session later, and there
# may be more rounds than one.
_SETTLED = WAIT + 4 * _SESSION
_NOT_YET = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.GROUP_ID_NOT_FOUND,
)


async def nothing(_events: Sequence[Received[Any]]) -> None:
    """Handles nothing."""


def members(bootstrap: str, group: str) -> dict[str, set[int]]:
    """The partitions of each member, by its name, as the broker has them."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    deadline = time.monotonic() + WAIT
    while True:
        try:
            asked = admin.describe_consumer_groups([group], request_timeout=WAIT)
            found = asked[group].result(WAIT)
            break
        except KafkaException as error:
            # A new group has no coordinator yet.
            if error.args[0].code() not in _NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    return {
        str(member.group_instance_id): {one.partition for one in member.assignment.topic_partitions}
        for member in found.members
    }


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_SETTLED):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - the broker is asked
            await asyncio.sleep(0.1)


async def test_a_restart_gives_no_partition_away(
    make_probe: Callable[[int], Probe],
    producer: Producer,
    settings: RuntimeSettings,
    client: type[Any],
    broker_idempotence: bool,
) -> None:
    """While a named member is away, for less than its session, its partitions stay its own; it
    finds them again, and the other member's were never touched."""
    if not broker_idempotence:
        pytest.skip("the stand-in of the broker knows no names of members")
    probe = make_probe(_PARTITIONS)

    def member(name: str) -> Any:
        known = settings.model_copy(
            update={"kafka_instance_id": name, "kafka_session_timeout": _SESSION}
        )
        return client(
            known, group=probe.topic, event_type=probe.type, handler=nothing, producer=producer
        )

    def now() -> dict[str, set[int]]:
        return members(probe.bootstrap, probe.topic)

    def shared() -> bool:
        held = now()
        whole = sorted(number for numbers in held.values() for number in numbers)
        return whole == list(range(_PARTITIONS)) and all(len(one) == 2 for one in held.values())

    async with running(member("second")):
        async with running(member("first")):
            await eventually(shared)
            before = await asyncio.to_thread(now)
        assert set(before) == {"first", "second"}
        assert await asyncio.to_thread(now) == before
        again = member("first")
        async with running(again):
            await eventually(again.ready)
            await eventually(lambda: now() == before)
