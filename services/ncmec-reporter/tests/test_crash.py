"""Whatever is killed, and whichever answer is lost: filed once, no file twice, every try known.

Of each call, before its effect and after it: the connection cut, 500, a gateway's HTML, half of the
answer, 401; and the process killed, in `test_kill`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .conftest import PIXELS, World, WorldOf, medium, requested, settings_of, thread

pytestmark = pytest.mark.engines

ENDPOINTS = ("xsd", "submit", "upload", "fileinfo", "finish", "retract")
FAULTS: dict[str, dict[str, Any]] = {
    "lost": {"do": "drop"},
    "500": {"do": "status", "status": 500},
    "502": {"do": "html"},
    "cut": {"do": "truncate"},
    "401": {"do": "unauthorized"},
    "1000": {"do": "code", "code": 1000},
}
# The others are the same in either manner of refusing.
MANNERS = [*(("modern", fault) for fault in FAULTS), ("legacy", "401"), ("legacy", "1000")]


def faults_of(endpoint: str, when: str, fault: str) -> list[dict[str, Any]]:
    """That fault at the second call where there are two; a retraction needs a reason."""
    nth = 2 if endpoint in ("upload", "fileinfo") else 1
    planned = [{"endpoint": endpoint, "nth": nth, "when": when, **FAULTS[fault]}]
    if endpoint == "retract":
        planned.append({"endpoint": "upload", "nth": 2, "do": "drop", "when": "after"})
    return planned


async def check(world: World, cybertip_id: str, files: int) -> None:
    """One filed report with each file once; as many attempts as calls of submit."""
    tip = await world.find(cybertip_id)
    assert tip.state == "DONE", (tip.state, tip.fault)
    (report,) = world.filed(cybertip_id)
    assert report.report_id == tip.report_id
    sizes = sorted(one.size for one in report.files.values())
    assert len(sizes) == len({one.md5 for one in report.files.values()}) == files
    assert all(one.described for one in report.files.values())
    submits = [one for one in world.simulator.journal if one.endpoint == "submit"]
    attempts = await world.rows("SELECT number, outcome FROM ncmec.attempts ORDER BY number")
    assert len(attempts) == len(submits) == tip.attempt
    assert [one.outcome for one in attempts].count("FILED") == 1
    assert attempts[-1].outcome == "FILED"
    assert all(one.outcome is not None for one in attempts)
    states = [one.state for one in world.told_of(await world.told(), cybertip_id)]
    assert states == ["FILED", "DONE"]


@pytest.mark.parametrize(("manner", "fault"), MANNERS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_fault_at_any_call_files_once(
    world_of: WorldOf, manner: str, endpoint: str, when: str, fault: str
) -> None:
    """Two media and a thread: filed once, whole, in either manner of refusing."""
    world = await world_of(manner=manner)
    media = [medium(world.host.put(f"/{n}.png", PIXELS + bytes([n])), n) for n in range(2)]
    cybertip_id = await world.add(requested(*media, threads=(thread("a"),)))
    world.plan(*faults_of(endpoint, when, fault))
    for _ in range(12):
        while await world.filer.once():
            pass
        if await world.scalar("SELECT count(*) FROM ncmec.pauses"):
            # Nothing more is asked with these; then they are good again.
            calls = len(world.simulator.journal)
            world.simulator.advance(600)
            while await world.filer.once():
                pass
            assert len(world.simulator.journal) == calls
            world.configure(settings_of())
            await world.keeper.look()
        world.simulator.advance(320)
    await check(world, cybertip_id, 3)
    planned = [one for one in world.simulator.journal if one.fault is not None]
    assert len(planned) == (2 if endpoint == "retract" else 1)


async def paused(world: World) -> str:
    """A report that waits because NCMEC refused the credentials."""
    cybertip_id = await world.add(requested(threads=(thread("a"),)))
    world.plan({"endpoint": "submit", "nth": 1, "do": "unauthorized"})
    await world.settle(ticks=1)
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 1
    return cybertip_id


async def files_after_an_hour(world: World, cybertip_id: str) -> None:
    """Filing goes on, and the report is filed once."""
    world.plan()
    world.simulator.advance(3700)
    await world.keeper.look()
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 0
    await world.settle()
    await check(world, cybertip_id, 1)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_the_question_of_status_it_asks_again(world: World, when: str) -> None:
    """Who is stopped while NCMEC is asked whether the credentials are good leaves the pause."""
    cybertip_id = await paused(world)
    world.plan({"endpoint": "status", "nth": 1, "when": when, "do": "delay", "seconds": 60})
    world.configure(settings_of())
    looking = asyncio.create_task(world.keeper.look())
    async with asyncio.timeout(30):
        while not any(one.endpoint == "status" for one in world.simulator.journal):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 1
    await files_after_an_hour(world, cybertip_id)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_fault_at_the_question_of_status_leaves_the_pause(
    world: World, when: str, fault: str
) -> None:
    """Filing goes on once it was answered well."""
    cybertip_id = await paused(world)
    world.plan({"endpoint": "status", "nth": 1, "when": when, **FAULTS[fault]})
    world.configure(settings_of())
    await world.keeper.look()
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 1
    await files_after_an_hour(world, cybertip_id)


async def test_another_file_than_was_sent_is_not_finished(world: World) -> None:
    """What NCMEC has is compared; a report with a broken file is given up."""
    cybertip_id = await world.add(requested(medium(world.host.put("/a.png"))))
    world.plan({"endpoint": "upload", "nth": 1, "when": "after", "do": "wrong-hash"})
    await world.settle()
    await check(world, cybertip_id, 1)
    states = [one.state for one in world.simulator.reports.all.values()]
    assert states == ["RETRACTED", "FINISHED"]


async def test_a_service_that_stays_away_is_asked_less_and_less(world: World) -> None:
    """After 72 hours a person is asked; until then it is tried, every hour in the end."""
    await world.add(requested(threads=(thread("a"),)))
    world.plan({"endpoint": "submit", "every": 1, "do": "html"})
    tip = None
    for _ in range(170):
        while await world.filer.once():
            pass
        (row,) = await world.rows("SELECT state FROM ncmec.cybertips")
        tip = row.state
        if tip == "NEEDS_ATTENTION":
            break
        world.simulator.advance(1800)
    assert tip == "NEEDS_ATTENTION"
    calls = [one for one in world.simulator.journal if one.endpoint == "submit"]
    assert 70 < len(calls) < 85
    outcomes = await world.rows("SELECT DISTINCT outcome FROM ncmec.attempts ORDER BY outcome")
    assert {one.outcome for one in outcomes} <= {"UNKNOWN", None}
