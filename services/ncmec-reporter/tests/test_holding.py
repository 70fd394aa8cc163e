"""What is held as evidence is said once all of it is: platforms remove nothing before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from coop_ncmec_reporter import gathering

from .conftest import PIXELS, World, medium, requested, settings_of, thread

pytestmark = pytest.mark.engines


async def held(world: World) -> int:
    return int(await world.scalar("SELECT count(*) FROM ncmec.evidence") or 0)


async def test_it_is_said_once_every_medium_is_held_or_gone(world: World) -> None:
    """Before anything is opened at NCMEC, and not while one may still be had."""
    here = medium(world.host.put("/a.png"))
    late = medium(f"{world.host.url}/late.png", 2)
    gone = medium(f"{world.host.url}/gone.png", 3)
    cybertip_id = await world.add(requested(here, late, gone))
    await world.filer.once()
    assert (await held(world), await world.secured()) == (1, [])
    world.host.put("/late.png", PIXELS + b"late")
    world.plan({"endpoint": "submit", "every": 1, "do": "html"})
    await world.settle(ticks=3)
    assert (await world.find(cybertip_id)).state == "OPENING"
    (said,) = await world.secured()
    assert (said.cybertip_id, said.files, said.missing) == (cybertip_id, 2, 1)
    assert await held(world) == 2
    world.plan()
    await world.settle()
    assert len(await world.secured()) == 1


async def test_media_do_not_wait_for_a_platform_that_does_not_answer(world: World) -> None:
    """Those of the report are held at the first try; what was held is not asked for again."""
    world.host.answers["/info"] = (503, b"")
    world.configure(settings_of(additional_info_endpoint=f"{world.host.url}/info"))
    cybertip_id = await world.add(
        requested(medium(world.host.put("/a.png")), threads=(thread("a"),))
    )
    await world.filer.once()
    assert (await world.find(cybertip_id)).state == "REQUESTED"
    assert (await held(world), await world.secured()) == (1, [])
    more = b'{"additionalFiles": [{"fileUrl": "%s"}]}' % world.host.put("/log", b"log").encode()
    world.host.answers["/info"] = (200, more)
    await world.settle()
    (report,) = world.filed(cybertip_id)
    assert [one.name for one in report.files.values()] == ["a.png", "log", "thread-1.csv"]
    assert sum(path == "/a.png" for path, _, _ in world.host.asked) == 1
    assert len(await world.secured()) == 1


async def test_media_do_not_wait_for_settings_that_are_not_complete(world: World) -> None:
    """A person mends them when they can; the media are held by then."""
    world.configure(settings_of(legal_url=""))
    tip = await world.file(requested(medium(world.host.put("/a.png"))))
    assert tip.state == "NEEDS_ATTENTION"
    assert await held(world) == 1


async def test_killed_between_the_last_file_and_the_word_it_is_said_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said is written with the step: neither is without the other."""

    async def killed(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    cybertip_id = await world.add(requested(medium(world.host.put("/a.png"))))
    with monkeypatch.context() as patch:
        patch.setattr(gathering, "tell_secured", killed)
        await world.filer.once()
    assert ((await world.find(cybertip_id)).state, await world.secured()) == ("HOLDING", [])
    world.simulator.advance(70)
    await world.rows("UPDATE ncmec.cybertips SET leased_until = NULL RETURNING 1")
    await world.settle()
    assert len(world.filed(cybertip_id)) == len(await world.secured()) == 1
    assert await held(world) == 1
