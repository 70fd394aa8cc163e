"""Files of evidence that no row knows go, late; no other does."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from coop_ncmec_reporter.orphan import OrphanSweep

from .conftest import ORG, World
from .test_keeping import filed

pytestmark = pytest.mark.engines

DAY = 86_400.0


async def content() -> AsyncIterator[bytes]:
    yield b"harmless"


async def orphan(world: World) -> Path:
    """A file that was held when the process was killed, before its row was written."""
    held = await world.evidence.write(ORG, content())
    return world.folder / held.evidence_id[-2:] / held.evidence_id


def age(path: Path, seconds: float = 2 * DAY) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def sweep_of(world: World) -> OrphanSweep:
    return OrphanSweep(world.engine, world.evidence, after=timedelta(days=7), clock=world.now)


async def test_a_file_without_a_row_goes_after_a_week(world: World) -> None:
    """Seen without one all the time; a whole file and one that was not finished. What has a row
    stays, however old, and so does what is not evidence."""
    await filed(world)
    whole = await orphan(world)
    half = whole.with_name(str(uuid.UUID(int=int(whole.name[-2:], 16))) + ".part")
    half.write_bytes(b"half a frame")
    strange = whole.with_name("README")
    strange.write_text("not ours")
    for path in world.folder.rglob("*"):
        if path.is_file():
            age(path, 400 * DAY)
    sweep = sweep_of(world)
    await sweep.look()
    world.simulator.advance(6 * DAY)
    await sweep.look()
    assert whole.exists()
    assert half.exists()
    world.simulator.advance(2 * DAY)
    await sweep.look()
    assert not whole.exists()
    assert not half.exists()
    assert strange.exists()
    assert len(await world.evidence.stored()) == 1
    await sweep.look()
    assert await world.scalar("SELECT count(*) FROM ncmec.orphans") == 0


async def test_what_is_written_now_is_let_alone(world: World) -> None:
    """However long ago it was first seen."""
    path = await orphan(world)
    sweep = sweep_of(world)
    age(path)
    await sweep.look()
    world.simulator.advance(8 * DAY)
    age(path, 1)
    await sweep.look()
    assert path.exists()
    age(path)
    await sweep.look()
    assert path.exists()


async def test_what_gets_its_row_is_no_orphan(world: World) -> None:
    """A database that lost a row and has it again: its file was not touched."""
    await filed(world)
    (file,) = await world.evidence.stored()
    age(world.folder / file.evidence_id[-2:] / file.evidence_id)
    sweep = sweep_of(world)
    hide = "UPDATE ncmec.evidence SET destroyed_at = CAST(:at AS timestamptz) RETURNING 1"
    await world.scalar(hide, at=world.now())
    await sweep.look()
    assert await world.scalar("SELECT count(*) FROM ncmec.orphans") == 1
    await world.scalar(hide, at=None)
    world.simulator.advance(8 * DAY)
    await sweep.look()
    assert len(await world.evidence.stored()) == 1
    assert await world.scalar("SELECT count(*) FROM ncmec.orphans") == 0
