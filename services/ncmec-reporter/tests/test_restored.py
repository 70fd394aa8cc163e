"""A database that is brought back from an older backup files nothing again."""

from __future__ import annotations

import os
import time
import uuid

import msgspec
import pytest

from coop_contracts.event import CybertipRequested

from .conftest import NOW, World, medium, requested

pytestmark = pytest.mark.engines


async def restored(world: World, request: CybertipRequested) -> None:
    """Before the filing the database was saved; the event that asks for it comes again."""
    for table in (
        "outbox",
        "uploads",
        "calls",
        "attempts",
        "evidence_access",
        "evidence_log",
        "files",
        "evidence",
        "cybertips",
    ):
        await world.rows(f"DELETE FROM ncmec.{table} RETURNING 1")
    await world.add(request)


async def test_what_was_filed_after_the_backup_is_not_filed_again(world: World) -> None:
    """It gets its number and its time, and whoever reads it is told how; the platform's side goes
    on as after any filing."""
    request = requested(medium(world.host.put("/a.png")))
    first = await world.file(request)
    assert (first.state, first.warnings) == ("DONE", [])
    await restored(world, request)
    world.simulator.advance(3 * 86_400)
    await world.settle()
    tip = await world.find(request.cybertip_id)
    assert (tip.state, tip.report_id, tip.attempt) == ("DONE", first.report_id, 0)
    assert tip.filed_at == first.filed_at
    assert tip.receipt_lost
    assert tip.warnings == [f"it was filed before the database was restored, as {first.report_id}"]
    told = world.told_of(await world.told(), request.cybertip_id)
    assert [(one.state, one.report_id) for one in told] == [
        ("FILED", str(first.report_id)),
        ("DONE", str(first.report_id)),
    ]
    (report,) = world.filed(request.cybertip_id)
    assert report.report_id == first.report_id


async def test_a_report_of_words_alone_is_known_too(world: World) -> None:
    """Also where the folder of evidence held nothing before."""
    request = requested(additional_info="words alone")
    first = await world.file(request)
    assert first.state == "DONE"
    await restored(world, request)
    await world.settle()
    assert len(world.filed(request.cybertip_id)) == 1


async def test_a_note_that_cannot_be_read_stops_its_report(world: World) -> None:
    """Rather than filing what may have been filed; mended, it goes on."""
    request = requested(medium(world.host.put("/a.png")))
    path = world.folder / "filed" / request.cybertip_id
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a no")
    await world.file(request, ticks=3)
    tip = await world.find(request.cybertip_id)
    assert tip.state == "OPENING"
    assert tip.fault is not None
    assert "cannot be read" in tip.fault
    path.unlink()
    await world.settle(step=4000)
    assert (await world.find(request.cybertip_id)).state == "DONE"
    assert len(world.filed(request.cybertip_id)) == 1


async def test_a_test_that_was_filed_is_no_real_report(world: World) -> None:
    """A note of the other environment says nothing."""
    request = requested(medium(world.host.put("/a.png")))
    path = world.folder / "filed" / request.cybertip_id
    path.parent.mkdir(parents=True)
    note = {"reportId": 5, "environment": "PRODUCTION", "filedAt": NOW}
    path.write_bytes(msgspec.json.encode(note))
    tip = await world.file(request)
    assert tip.state == "DONE"
    assert tip.report_id != 5
    assert len(world.filed(request.cybertip_id)) == 1


async def test_notes_of_long_ago_go(world: World) -> None:
    """With the next one that is written; younger ones stay."""
    folder = world.folder / "filed"
    folder.mkdir(parents=True)
    for days in (100, 900):
        path = folder / str(uuid.UUID(int=days))
        path.write_bytes(b"{}")
        os.utime(path, (time.time() - days * 86_400,) * 2)
    tip = await world.file(requested(medium(world.host.put("/a.png"))))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [str(uuid.UUID(int=100)), str(tip.cybertip_id)]
    )
