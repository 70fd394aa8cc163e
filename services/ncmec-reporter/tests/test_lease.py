"""A report is worked on under a lease: lost, kept too late, or held by a step with a defect."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest

from coop_ncmec_reporter import store
from coop_ncmec_reporter.filing import Filing
from coop_ncmec_reporter.report_document import report_document

from .conftest import World, WorldOf, requested, thread, user

pytestmark = pytest.mark.engines

WAIT = 60.0


async def hangs_at_submit(world: World) -> None:
    async with asyncio.timeout(WAIT):
        while not any(one.endpoint == "submit" for one in world.simulator.journal):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_who_lost_the_lease_stops_and_writes_nothing(world_of: WorldOf) -> None:
    """Another has the report: what was begun here is left to them, and this process goes on."""
    world = await world_of(lease=0.4)
    cybertip_id = await world.add(requested(threads=(thread("a"),)))
    world.plan({"endpoint": "submit", "nth": 1, "do": "delay", "seconds": WAIT})
    working = asyncio.create_task(world.filer.once())
    await hangs_at_submit(world)
    taken = "UPDATE ncmec.cybertips SET lease = gen_random_uuid() RETURNING lease"
    lease = await world.scalar(taken)
    assert await asyncio.wait_for(working, WAIT)
    tip = await world.find(cybertip_id)
    assert (tip.state, tip.lease, tip.tries, tip.attempt) == ("OPENING", lease, 0, 1)


async def test_who_is_told_to_stop_stops_in_the_middle(world: World) -> None:
    """What was begun is taken up by the next holder of the lease."""
    cybertip_id = await world.add(requested(threads=(thread("a"),)))
    world.plan({"endpoint": "submit", "nth": 1, "do": "delay", "seconds": WAIT})
    working = asyncio.create_task(world.filer.once())
    await hangs_at_submit(world)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(working, WAIT)
    tip = await world.find(cybertip_id)
    assert (tip.state, tip.attempt) == ("OPENING", 1)
    assert tip.lease is not None


async def test_a_renewal_after_the_end_stops_nobody(
    world_of: WorldOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that is let go while its lease is renewed was filed: the next one's turn comes."""
    world = await world_of(lease=0.04)
    late = 0

    async def renew(*_: Any, **__: Any) -> NoReturn:
        nonlocal late
        try:
            await asyncio.Event().wait()
        finally:
            late += 1
            raise store.LostLease

    monkeypatch.setattr(store, "renew", renew)
    ids = [
        await world.add(requested(threads=(thread("a"),), user=user(number))) for number in (1, 2)
    ]
    await world.settle()
    assert late
    assert [len(world.filed(one)) for one in ids] == [1, 1]


async def test_a_defect_keeps_one_report_waiting_and_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is tried again by the schedule; the log says where it is, not what the report says."""
    name = "coop_ncmec_reporter.gathering.report_document"

    def broken(filing: Filing) -> bytes:
        if filing.suspect.id == "user-1":
            raise KeyError(filing.suspect.id)
        return report_document(filing)

    monkeypatch.setattr(name, broken)
    first = await world.add(requested(threads=(thread("a"),)))
    second = await world.add(requested(threads=(thread("b"),), user=user(2)))
    while await world.filer.once():
        pass
    tip = await world.find(first)
    assert (tip.state, tip.tries) == ("READY", 1)
    assert tip.fault == "a defect of ours (KeyError): the log says where"
    assert (await world.find(second)).state == "DONE"
    said = capsys.readouterr().out
    assert "test_lease.py" in said
    assert "user-1" not in said
    monkeypatch.setattr(name, report_document)
    await world.settle()
    assert len(world.filed(first)) == 1
