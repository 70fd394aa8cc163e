"""Derivatives kept to their size and time; places for the work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from coop_media.fault import MediaBusy
from coop_media.limit import PlaceLimits
from coop_media.store import DerivativeStore
from coop_review_api.media.gallery import Gallery, Wish
from coop_review_api.media.keeper import KeepingLimits, MediaKeeper
from coop_review_api.media.medium import Medium
from coop_review_api.media.table import media_derivatives
from coop_runtime.database.engine import transaction
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.process.error import Retryable

from .media_world import MediaWorld, picture

pytestmark = pytest.mark.engines


@pytest.fixture
async def gallery(context: Any, tmp_path: Path) -> Any:
    """A gallery with a store of its own in a folder."""
    store = DerivativeStore.of(f"file://{tmp_path}/kept", context.vault)
    made = Gallery(context.engine, EgressGuard(["127.0.0.1"]), store, clock=context.clock)
    yield made
    await made.aclose()


def medium(world: MediaWorld, number: int, **more: Any) -> Medium:
    path = f"/{number}.jpg"
    world.host.files.setdefault(path, picture((200 + number, 200)))
    item = world.item(f"item-{number}")
    return Medium(org_id=world.org_id, item=item, url=world.host.url(path), is_grave=False, **more)  # type: ignore[arg-type]


async def forms(world: MediaWorld) -> list[str]:
    """The media of the organisation that are kept."""
    async with transaction(world.context.engine) as connection:
        table = media_derivatives
        query = select(table.c.value_key).where(table.c.org_id == world.org_id)
        return [str(one) for one in await connection.scalars(query.order_by(table.c.used_at))]


def files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


async def test_the_store_is_kept_to_its_size(
    world: MediaWorld, gallery: Gallery, tmp_path: Path
) -> None:
    """What nobody looked at for longest goes first, bytes and rows; what is looked at again after
    that is made again."""
    media = [medium(world, number) for number in range(4)]
    for one in media:
        await gallery.show(one, Wish())
        world.context.clock.forward(hours=2)
    await gallery.show(media[0], Wish())
    assert len(files(tmp_path)) == 4
    asked = len(world.host.asked)
    keeper = MediaKeeper(
        world.context.engine, gallery, KeepingLimits(most=0, days=30), clock=world.context.clock
    )
    kept = await forms(world)
    assert kept == [one.value_key for one in (*media[1:], media[0])]
    await keeper.keep()
    assert await forms(world) == []
    assert files(tmp_path) == []
    await gallery.show(media[0], Wish())
    assert len(world.host.asked) == asked + 1


async def test_what_nobody_looks_at_goes(
    world: MediaWorld, gallery: Gallery, tmp_path: Path
) -> None:
    """After its days without use; what was used in between stays."""
    used, unused = medium(world, 0), medium(world, 1)
    for one in (used, unused):
        await gallery.show(one, Wish())
    world.context.clock.forward(days=20)
    await gallery.show(used, Wish())
    world.context.clock.forward(days=11)
    limits = KeepingLimits(days=30)
    await MediaKeeper(world.context.engine, gallery, limits, clock=world.context.clock).keep()
    assert await forms(world) == [used.value_key]
    assert len(files(tmp_path)) == 1


async def test_an_outage_of_the_store_postpones(
    world: MediaWorld, gallery: Gallery, tmp_path: Path
) -> None:
    """What cannot be taken away is known still; what cannot be read is made again."""
    one = medium(world, 0)
    await gallery.show(one, Wish())
    (kept,) = files(tmp_path)
    name = kept.parent
    kept.unlink()
    name.rmdir()
    name.write_text("in the way")
    limits = KeepingLimits(most=0)
    keeper = MediaKeeper(world.context.engine, gallery, limits, clock=world.context.clock)
    with pytest.raises(Retryable):
        await keeper.keep()
    assert await forms(world) == [one.value_key]
    assert (await gallery.show(one, Wish())).content
    name.unlink()
    await keeper.keep()
    assert await forms(world) == []


async def test_a_flood_is_turned_away_and_others_are_served(
    world: MediaWorld, context: Any, tmp_path: Path
) -> None:
    """An organisation whose media are slow has its own places taken, not everybody's."""
    store = DerivativeStore.of("memory:///", context.vault)
    limits = PlaceLimits(places=2, of_one=1, waiting=0, within=5)
    gallery = Gallery(
        context.engine, EgressGuard(["127.0.0.1"]), store, clock=context.clock, places=limits
    )
    world.host.gate.clear()
    slow = asyncio.create_task(gallery.show(medium(world, 0), Wish()))
    await asyncio.wait_for(world.host.came.wait(), 20)
    with pytest.raises(MediaBusy):
        await gallery.show(medium(world, 1), Wish())
    other = Medium(
        org_id="another", item=medium(world, 2).item, url=world.host.url("/2.jpg"), is_grave=False
    )
    served = asyncio.create_task(gallery.show(other, Wish()))
    world.host.gate.set()
    assert (await served).content
    assert (await slow).content
    assert (await gallery.show(medium(world, 1), Wish())).content
    await gallery.aclose()


async def test_a_page_is_told_to_come_again(world: MediaWorld) -> None:
    """Back-pressure is a 503 with a time."""
    context = world.context
    limits = PlaceLimits(places=1, of_one=1, waiting=0)
    gallery = Gallery(
        context.engine,
        EgressGuard(["127.0.0.1"]),
        DerivativeStore.of("memory:///", context.vault),
        clock=context.clock,
        places=limits,
    )
    _, first = await world.shown("/first.jpg")
    _, second = await world.shown("/second.jpg")
    usual, context.parts[Gallery] = context.parts[Gallery], gallery
    world.host.gate.clear()
    slow = asyncio.create_task(world.admin.call("GET", f"/v1/media/{first}"))
    await asyncio.wait_for(world.host.came.wait(), 20)
    for path in (f"/v1/media/{second}", f"/v1/media/{second}/facts"):
        answer = await world.admin.call("GET", path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    world.host.gate.set()
    assert (await slow).status_code == 200
    assert (await world.admin.call("GET", f"/v1/media/{second}")).status_code == 200
    context.parts[Gallery] = usual
    await gallery.aclose()
