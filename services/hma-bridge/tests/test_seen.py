"""What is remembered of media that were hashed, on the real database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef
from coop_hma_bridge import seen_store
from coop_hma_bridge.keeper import SeenKeeper
from coop_hma_bridge.org_record import RECORDS
from coop_hma_bridge.seen import SeenMedium
from coop_hma_bridge.seen_store import SEEN
from coop_hma_bridge.seen_writer import SeenWriter
from coop_runtime.database.engine import engine_of
from coop_runtime.database.partition import Partitions

from .conftest import (
    ORG,
    TIME,
    TYPE,
    HasherOf,
    Said,
    handled,
    handler_of,
    item,
    report,
    table_of,
    until,
)
from .media_host import MP4, Host, png
from .test_handler import Known, media

pytestmark = pytest.mark.engines

TABLE = table_of((Kind.ITEM_TYPE, TYPE))
NOW = TIME + timedelta(hours=1)


def seen(number: int, *, org: str = ORG, at: datetime = TIME, item_id: str = "p1") -> SeenMedium:
    return SeenMedium(
        org_id=org,
        time=at,
        submission_id=f"s{number}",
        place=0,
        item=ItemRef(item_id, "post"),
        field="picture",
        kind="IMAGE",
        md5=f"{number:032x}",
        pdq=f"{number:064x}",
        pdq_upright=None,
        quality=90,
    )


class Writers:
    """Writers that run, as each process has one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._tasks: list[asyncio.Task[None]] = []

    def make(self, engine: AsyncEngine | None = None, **given: Any) -> SeenWriter:
        used = engine or self._engine
        options: dict[str, Any] = {"days": 30, "now": lambda: NOW} | given
        writer = SeenWriter(used, Partitions(used), **options)
        self._tasks.append(asyncio.create_task(writer.run()))
        return writer

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def writers(engine: AsyncEngine) -> AsyncIterator[Writers]:
    made = Writers(engine)
    yield made
    await made.stop()


async def rows(engine: AsyncEngine, org: str = ORG) -> Sequence[Any]:
    async with engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT *, encode(md5, 'hex') AS md5_digits FROM hashes.seen_media"
                " WHERE org_id = :org ORDER BY time, submission_id, place"
            ),
            {"org": org},
        )
        return found.all()


def lost() -> float:
    return REGISTRY.get_sample_value("coop_hash_seen_total", {"outcome": "lost"}) or 0.0


async def test_what_was_hashed_is_remembered_without_its_address(
    host: Host, hasher_of: HasherOf, engine: AsyncEngine, writers: Writers
) -> None:
    """Each medium of an item and of a report's items, with item, field, kind and hashes; not what
    could not be had. Handled again, each is there once."""
    said, writer = Said(), writers.make()
    own = item({**media(host.put("/1", png(1))), **media(host.put("/film", MP4), "film")})
    told = report(media(host.url("/1")), media(host.url("/gone")), media(host.put("/2", png(2))))
    handler = handler_of(TABLE, hasher_of(), Known(), said, writer.add)
    for _ in range(2):
        await handled(handler, own, told)
    found = await rows(engine)
    by_submission = {
        one.submission_id: [row for row in found if row.submission_id == one.submission_id]
        for one in said.events
    }
    picture, film = by_submission[own.submission_id]
    signal = next(one for one in said.events if one.submission_id == own.submission_id).media[0]
    assert picture.md5_digits == signal.hashes["md5"]
    assert int(picture.pdq, 2) == int(signal.hashes["pdq"], 16)
    assert (picture.item_id, picture.type_id, picture.field) == ("p1", "post", "picture")
    assert (picture.kind, picture.quality, picture.time) == ("IMAGE", signal.quality, own.time)
    assert (film.kind, film.field, film.place, film.pdq) == ("VIDEO", "film", 1, None)
    assert [(row.item_id, row.place) for row in by_submission[told.report_id]] == [
        ("p1", 0),
        ("more1", 2),
    ]
    assert len(found) == 4
    assert host.url("/")[:-1] not in str(found)


async def test_another_file_at_the_same_address_was_seen_too(
    host: Host, hasher_of: HasherOf, engine: AsyncEngine, writers: Writers
) -> None:
    """A submission that is looked at anew and finds another file: both are remembered."""
    event = item(media(host.put("/1", png(1))))
    for number in (1, 2):
        host.put("/1", png(number))
        handler = handler_of(TABLE, hasher_of(), Known(), Said(), writers.make().add)
        await handled(handler, event)
    assert len({row.md5_digits for row in await rows(engine)}) == 2


async def test_a_slow_database_delays_no_match(
    host: Host, hasher_of: HasherOf, engine: AsyncEngine, writers: Writers
) -> None:
    """While a lock holds the table up what is known is said at once, and acknowledged soon; what
    was seen meanwhile is written afterwards."""
    said, writer = Said(), writers.make(patience=0.2)
    handler = handler_of(TABLE, hasher_of(), Known(png(1)), said, writer.add)
    await handled(handler, item(media(host.put("/1", png(1)))))
    async with engine.begin() as holding:
        await holding.execute(text("LOCK TABLE hashes.seen_media IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        waiting = asyncio.create_task(handled(handler, item(media(host.url("/1")))))
        await until(lambda: len(said.messages) == 2, 5)
        await waiting
        assert time.monotonic() - began < 4
    async with asyncio.timeout(30):
        while len(await rows(engine)) < 2:  # noqa: ASYNC110 - what another connection sees
            await asyncio.sleep(0.05)


async def test_while_the_database_is_away_matches_go_on(
    host: Host, hasher_of: HasherOf, writers: Writers
) -> None:
    """Everything is said and acknowledged; beyond what the line holds it is counted as lost."""
    away = engine_of("postgresql://nobody@127.0.0.1:1/none", application_name="test")
    said, before = Said(), lost()
    writer = writers.make(away, most=3)
    handler = handler_of(TABLE, hasher_of(), Known(png(1)), said, writer.add)
    url = host.put("/1", png(1))
    began = time.monotonic()
    for _ in range(5):
        await handled(handler, item(media(url)))
    assert time.monotonic() - began < 10
    assert [bool(one.media[0].matched_banks) for one in said.events] == [True] * 5
    assert lost() - before == 2
    await away.dispose()


async def test_what_one_batch_may_not_hold_comes_in_the_next(
    engine: AsyncEngine, writers: Writers
) -> None:
    """Many that add at once share a few statements, and each comes back once its own is there."""
    writer = writers.make()
    await asyncio.gather(*(writer.add([seen(n), seen(10_000 + n)]) for n in range(1500)))
    assert len(await rows(engine)) == 3000


async def test_days_go_whole(engine: AsyncEngine, writers: Writers) -> None:
    """After its days a medium is not known any more; one that is too old already is not written;
    a day that another process dropped is made again for what still belongs to it."""
    here, other = Partitions(engine), Partitions(engine)
    writer = writers.make(days=2)
    for days in range(4):
        await writer.add([seen(days, at=NOW - timedelta(days=days))])
    assert [row.submission_id for row in await rows(engine)] == ["s1", "s0"]
    assert await SeenKeeper(engine, here, days=2).keep(NOW) == 0
    assert await SeenKeeper(engine, here, days=2).keep(NOW + timedelta(days=2)) == 1
    assert [row.submission_id for row in await rows(engine)] == ["s0"]
    for start in await other.starts(SEEN):
        await other.drop(SEEN, start)
    await writer.add([seen(7, at=NOW)])
    async with asyncio.timeout(30):
        while [row.submission_id for row in await rows(engine)] != ["s7"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await SeenKeeper(engine, here, days=0).keep(NOW + timedelta(days=3)) > 0
    assert await rows(engine) == []


async def test_with_no_days_nothing_is_remembered(engine: AsyncEngine, writers: Writers) -> None:
    """Nor waited for."""
    await writers.make(days=0).add([seen(1, at=datetime.now(UTC))])
    assert await rows(engine) == []


async def test_an_erased_users_media_are_forgotten(engine: AsyncEngine, writers: Writers) -> None:
    """Those of the items that are named, submitted until then; not another's, another
    organisation's, or what came later."""
    later = TIME + timedelta(minutes=5)
    await writers.make().add(
        [
            seen(1, item_id="a"),
            seen(2, item_id="a", at=later),
            seen(3, item_id="b"),
            seen(4, item_id="c"),
            seen(5, item_id="a", org="org2"),
        ]
    )
    items = [ItemRef("a", "post"), ItemRef("b", "other"), ItemRef("c", "post")]
    for gone in (2, 0):
        async with engine.begin() as connection:
            assert await seen_store.forget(connection, ORG, items, until=TIME) == gone
    assert [row.submission_id for row in await rows(engine)] == ["s3", "s2"]
    assert len(await rows(engine, "org2")) == 1


async def test_what_comes_late_of_an_erased_user_is_not_remembered(
    engine: AsyncEngine, writers: Writers
) -> None:
    """By a bridge that is behind, for as long as it may be on a topic; what is submitted after the
    erasure is new. Their ids are nowhere."""
    later, item = TIME + timedelta(minutes=5), ItemRef("erased-item", "post")
    late, new = seen(1, item_id=item.id), seen(2, item_id=item.id, at=later)
    asked = [(ORG, item, TIME), ("org2", item, TIME), (ORG, item, later)]
    async with engine.begin() as connection:
        await seen_store.forget(connection, ORG, [item], until=TIME - timedelta(days=1))
        assert await seen_store.erased(connection, asked) == set()
        await seen_store.forget(connection, ORG, [item, item], until=TIME)
        await seen_store.forget(connection, ORG, [item], until=TIME - timedelta(days=1))
        assert await seen_store.erased(connection, asked) == {0}
    await writers.make().add([late, new])
    assert [row.submission_id for row in await rows(engine)] == ["s2"]
    async with engine.begin() as connection:
        kept = str((await connection.execute(text("SELECT * FROM hashes.erased_items"))).all())
        assert item.id not in kept
    for days, known in ((34, {0}), (36, set())):
        keeper = SeenKeeper(engine, Partitions(engine), days=30)
        await keeper.keep(TIME + timedelta(days=days))
        async with engine.begin() as connection:
            assert await seen_store.erased(connection, asked) == known


async def test_an_organisations_media_go_with_it(engine: AsyncEngine, writers: Writers) -> None:
    """They are records of it, in whichever day."""
    yesterday = TIME - timedelta(days=1)
    await writers.make().add([seen(1), seen(2, at=yesterday), seen(3, org="org2")])
    async with engine.begin() as connection:
        assert await RECORDS.count(connection, ORG) == {"seen_media": 2}
    assert not (await RECORDS.remove(engine, ORG, within=10)).more
    assert await rows(engine) == []
    assert len(await rows(engine, "org2")) == 1


async def test_what_the_database_refuses_takes_nothing_along(
    engine: AsyncEngine, writers: Writers
) -> None:
    """It is counted; what stands in the line beside it, and what comes after it, is written."""
    writer, before = writers.make(), lost()
    many = [writer.add([seen(n)._replace(field="a\0b" if n == 50 else "a")]) for n in range(100)]
    await asyncio.gather(*many)
    assert lost() - before == 1
    assert len(await rows(engine)) == 99
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM hashes.seen_media"))
    before = lost()
    await writer.add([seen(1)._replace(field="a\0b")])
    assert lost() - before == 1
    await writer.add([seen(2)])
    assert [row.submission_id for row in await rows(engine)] == ["s2"]
