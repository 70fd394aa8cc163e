"""Some reports are worked on at once: who is slow holds up their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from coop_contracts.config import Kind
from coop_contracts.event import CybertipRequested
from coop_runtime.kafka.config_table import ConfigChange

from .conftest import PASSWORD, VAULT, World, WorldOf, requested, settings_of, thread, user

pytestmark = pytest.mark.engines

WAIT = 60.0
AT_ONCE = 3


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.filer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def of_org(world: World, number: int) -> CybertipRequested:
    """A report of that organisation, whose settings are there."""
    org = f"org-{number}"
    sealed = VAULT.encrypt(PASSWORD, context=f"{org}/{Kind.NCMEC_SETTINGS}/settings")
    settings = settings_of(password=sealed)
    world.config.apply(ConfigChange(org, Kind.NCMEC_SETTINGS, settings.id, settings, number))
    request = requested(threads=(thread("a"),), user=user(number))
    return msgspec.structs.replace(request, org_id=org)


async def working(world: World) -> int:
    return int(await world.scalar("SELECT count(lease) FROM ncmec.cybertips") or 0)


async def test_slow_reports_leave_room_for_others_up_to_the_bound(world_of: WorldOf) -> None:
    """Two hang at NCMEC; the reports of four others are filed beside them, one by one, and never
    are more worked on than were allowed. Told to stop, all stop."""
    world = await world_of(at_once=AT_ONCE)
    hangs = {"endpoint": "submit", "do": "delay", "seconds": WAIT}
    world.plan({**hangs, "nth": 1}, {**hangs, "nth": 2})
    most = 0

    async def hang() -> bool:
        return sum(one.endpoint == "submit" for one in world.simulator.journal) == 2

    async def filed() -> bool:
        nonlocal most
        most = max(most, await working(world))
        return all(world.filed(one) for one in others)

    others: list[str] = []
    async with running(world):
        slow = [await world.add(of_org(world, number)) for number in (1, 2)]
        world.filer.wake()
        await until(hang)
        others = [await world.add(of_org(world, number)) for number in range(3, 7)]
        world.filer.wake()
        await until(filed)
        assert not any(world.filed(one) for one in slow)
    assert most <= AT_ONCE


async def test_one_report_of_an_organisation_at_a_time(world_of: WorldOf) -> None:
    """However many are allowed: the second waits for the first, and both are filed once."""
    world = await world_of(at_once=AT_ONCE)
    world.plan({"endpoint": "submit", "nth": 1, "do": "delay", "seconds": 0.5})
    most = 0

    async def filed() -> bool:
        nonlocal most
        most = max(most, await working(world))
        return all(len(world.filed(one)) == 1 for one in ids)

    ids = [await world.add(requested(threads=(thread("a"),), user=user(one))) for one in range(3)]
    async with running(world):
        await until(filed)
    assert most == 1
    assert len(world.simulator.reports.finished()) == 3
