"""Platforms are told to preserve what they have by a schedule of its own, until they took it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.cybertip import (
    ASK_DESTRUCTION,
    CONFIRM_DESTRUCTION,
    GET_CYBERTIP,
    AskDestruction,
    ConfirmDestruction,
    CybertipPreservation,
    CybertipQuestion,
)
from coop_ncmec_reporter import metric, store
from coop_ncmec_reporter.preserving import Telling
from coop_ncmec_simulator.app import Simulator
from coop_runtime.database.engine import transaction
from coop_runtime.process.level import Level

from .conftest import (
    ORG,
    PASSWORD,
    VAULT,
    World,
    requested,
    schema_file,
    serving,
    settings_of,
    thread,
    user,
)
from .platform_ear import Answer, Ear, hearing
from .test_kill import filing, until

pytestmark = pytest.mark.engines

WAIT = 60.0
DELAYS = Telling().delays


@pytest.fixture
async def ear(world: World) -> AsyncIterator[Ear]:
    async with hearing() as made:
        world.configure(settings_of(preservation_endpoint=made.url))
        yield made


async def filed(world: World, number: int = 1) -> str:
    """A report that is filed, of which the platform was not told yet."""
    request = requested(threads=(thread("a"),), user=user(number))
    cybertip_id = await world.add(request)
    while await world.filer.once():
        pass
    assert (await world.find(cybertip_id)).state == "PRESERVING"
    return cybertip_id


async def shown(world: World, cybertip_id: str) -> CybertipPreservation:
    details = await world.api.ask(ORG, GET_CYBERTIP, CybertipQuestion(cybertip_id=cybertip_id))
    assert details.cybertip.preservation is not None
    return details.cybertip.preservation


def level(of: Level) -> float:
    return float(of._value.get())


async def is_done(world: World, cybertip_id: str, tries: int) -> None:
    """Taken at that try, and told so once; filed once."""
    told = await shown(world, cybertip_id)
    assert (told.state, told.tries, told.fault, told.due_at) == ("TAKEN", tries, None, None)
    assert (await world.find(cybertip_id)).state == "DONE"
    states = [one.state for one in world.told_of(await world.told(), cybertip_id)]
    assert states == ["FILED", "DONE"]
    assert len(world.filed(cybertip_id)) == 1


FAULTS: tuple[Answer, ...] = (
    "500", "401", "redirect", "nonsense", "endless", "lost before", "lost after",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_was_not_taken_is_told_again(world: World, ear: Ear, fault: Answer) -> None:
    """Refused, lost before or after it was done, or answered by a liar: it is told again after a
    minute, under the same id, and the report is what it was meanwhile."""
    ear.answers = [fault]
    cybertip_id = await filed(world)
    assert await world.preserving.once()
    told = await shown(world, cybertip_id)
    assert (told.state, told.tries, told.tried_at) == ("WAITING", 1, world.now())
    assert told.due_at == world.now() + timedelta(seconds=DELAYS[0])
    assert told.fault
    assert ear.url not in told.fault
    tip = await world.find(cybertip_id)
    assert (tip.state, tip.fault, tip.tries, tip.failing_since) == ("PRESERVING", None, 0, None)
    assert not await world.preserving.once()
    world.simulator.advance(DELAYS[0])
    assert await world.preserving.once()
    await is_done(world, cybertip_id, 2)
    assert {one.webhook_id for one in ear.heard} == {f"{cybertip_id}-preserve"}
    assert json.loads(ear.heard[-1].body)["reportId"] == str(tip.report_id)
    assert not await world.preserving.once()


async def test_a_platform_that_is_dead_for_two_days_is_told_less_and_less(
    world: World, ear: Ear
) -> None:
    """By a back-off of its own; how long it has waited is a level, and filing goes on beside it."""
    ear.answers = ["500"] * 1000
    cybertip_id = await filed(world)
    expected = [*DELAYS, *[DELAYS[-1]] * 7]
    for delay in expected:
        assert await world.preserving.once()
        world.simulator.advance(delay - 1)
        assert not await world.preserving.once()
        world.simulator.advance(1)
    tries = len(expected)
    assert (await shown(world, cybertip_id)).tries == len(ear.heard) == tries
    await world.keeper.look()
    assert level(metric.PRESERVATIONS) == 1
    assert level(metric.OLDEST_PRESERVATION_SECONDS) >= 2 * 86_400
    assert level(metric.OLDEST_SECONDS) == 0
    await filed(world, 2)
    ear.answers = []
    world.simulator.advance(DELAYS[-1])
    while await world.preserving.once():
        pass
    await is_done(world, cybertip_id, tries + 1)
    await world.keeper.look()
    assert level(metric.PRESERVATIONS) == level(metric.OLDEST_PRESERVATION_SECONDS) == 0


async def test_a_platform_that_hangs_holds_up_no_report(world: World, ear: Ear) -> None:
    """While it says nothing another report of the organisation is filed."""
    ear.answers = ["hangs"]
    await filed(world)
    telling = asyncio.create_task(world.preserving.once())
    async with asyncio.timeout(WAIT):
        while not ear.heard:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await filed(world, 2)
    # It has one request of the organisation's under way, and no other is begun.
    assert not await world.preserving.once()
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling


async def test_two_processes_tell_once(world: World, ear: Ear) -> None:
    """Ten at once, three reports: each is told of once."""
    ids = [await filed(world, number) for number in range(3)]
    async with asyncio.timeout(WAIT):
        while not all([(await world.find(one)).state == "DONE" for one in ids]):
            await asyncio.gather(*(world.preserving.once() for _ in range(4)))
    assert sorted(ear.took) == sorted(f"{one}-preserve" for one in ids)
    for one in ids:
        await is_done(world, one, 1)


async def test_who_lost_the_lease_writes_nothing(world: World, ear: Ear) -> None:
    """An answer that comes when another process has the request is that process's to have."""
    ear.answers = ["hangs"]
    cybertip_id = await filed(world)
    telling = asyncio.create_task(world.preserving.once())
    async with asyncio.timeout(WAIT):
        while not ear.heard:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await world.scalar("UPDATE ncmec.preservations SET lease = gen_random_uuid() RETURNING 1")
    ear.hang_up()
    assert await asyncio.wait_for(telling, WAIT)
    told = await shown(world, cybertip_id)
    assert (told.state, told.tries, told.fault) == ("WAITING", 1, None)


async def test_settings_that_change_are_tried_at_once(world: World, ear: Ear) -> None:
    """Whoever mends the endpoint does not wait for hours; who takes it away ends it."""
    ear.answers = ["401"] * 4
    cybertip_id = await filed(world)
    for delay in DELAYS[:4]:
        assert await world.preserving.once()
        world.simulator.advance(delay)
    world.simulator.advance(-DELAYS[3])
    await world.preserving.notice()
    assert not await world.preserving.once()
    world.configure(settings_of(preservation_endpoint=ear.url, preservation_headers=None))
    await world.preserving.notice()
    assert await world.preserving.once()
    await is_done(world, cybertip_id, 5)

    ear.answers = ["500"]
    other = await filed(world, 2)
    assert await world.preserving.once()
    world.configure(settings_of())
    await world.preserving.notice()
    assert await world.preserving.once()
    assert (await shown(world, other)).state == "NOT_WANTED"
    assert (await world.find(other)).state == "DONE"
    assert len(ear.heard) == 6


async def test_nobody_is_told_of_a_destroyed_report(world: World, ear: Ear) -> None:
    """Two people ended it while the platform was away: nothing is left to say."""
    ear.answers = ["500"]
    cybertip_id = await filed(world)
    assert await world.preserving.once()
    asked = AskDestruction(
        cybertip_id=cybertip_id, person_id="ann", ground="LAW_ENFORCEMENT", reason="letter 1"
    )
    await world.api.ask(ORG, ASK_DESTRUCTION, asked)
    confirmed = ConfirmDestruction(cybertip_id=cybertip_id, person_id="bob")
    await world.api.ask(ORG, CONFIRM_DESTRUCTION, confirmed)
    world.simulator.advance(DELAYS[0])
    assert not await world.preserving.once()
    assert len(ear.heard) == 1
    told = await shown(world, cybertip_id)
    assert (told.state, told.fault) == ("DESTROYED", None)
    assert (await world.find(cybertip_id)).state == "DONE"


@pytest.mark.parametrize("when", ["hangs", "hangs after"])
async def test_killed_while_it_tells_it_tells_again(
    engine: AsyncEngine, database: str, tmp_path: Path, when: Answer
) -> None:
    """Killed (-9) before the platform did as it was told, or after it: the next process tells it
    again, under the same id, and the report is filed once and done."""
    simulator = Simulator(users={"esp": PASSWORD}, schema=schema_file())
    request = requested(threads=(thread("a"),))
    async with (
        serving(simulator) as ncmec,
        hearing() as ear,
        filing(database, ncmec, tmp_path / "evidence", preservation_endpoint=ear.url) as process,
    ):
        ear.answers = [when]
        async with transaction(engine) as connection:
            await store.add(connection, VAULT, request, now=simulator.now())

        async def is_told() -> bool:
            return bool(ear.heard)

        async def is_ended() -> bool:
            async with transaction(engine) as connection:
                tip = await store.find(connection, ORG, request.cybertip_id)
            return tip is not None and tip.state == "DONE"

        await process.start()
        await until(is_told)
        process.kill()
        assert not await is_ended()
        await process.start()
        await until(is_ended)
        process.kill()
    assert [one.webhook_id for one in ear.heard] == [f"{request.cybertip_id}-preserve"] * 2
    assert ear.heard[0].body == ear.heard[1].body
    assert len(simulator.reports.finished()[request.cybertip_id]) == 1
