"""How long the history keeps what, and what it keeps for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import any_, column, delete, func, select, table

from coop_contracts.config import SYSTEM_ORG, Kind, LogHead
from coop_contracts.event import (
    ActionRequested,
    AppealSubmitted,
    DecisionMade,
    ItemRef,
    ReportSubmitted,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_review_api.history.fading import fading
from coop_review_api.history.handler import ItemHistory, Wanted
from coop_review_api.history.port import Mark
from coop_review_api.history.reader import ItemReader
from coop_review_api.history.retention import HistoryKeeper, horizon
from coop_review_api.history.store import ItemStore
from coop_review_api.history.table import item_marks, item_versions, kept_items
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

from .history_world import NOW, TYPES, ref, settings, submitted, submitted_item

pytestmark = pytest.mark.engines

WINDOW = timedelta(hours=6)


def received(event: Any) -> Received[Any]:
    return Received(event, b"", event.topic, 0, 0, {}, -1)


async def written(handled: Awaitable[Awaitable[None]]) -> None:
    """A batch is settled when what the handler gives back is done."""
    await (await handled)


class World:
    """An organisation of `days`, its history at a time that a test moves."""

    def __init__(self, engine: Any, *, days: int, others: dict[str, int]) -> None:
        self.org_id = new_id()
        self.now = NOW
        self.engine = engine
        changes = [
            ConfigChange(SYSTEM_ORG, Kind.LOG_HEAD, "head", LogHead(id="head", published_at=NOW), 1)
        ]
        for org_id, own in {self.org_id: days, **others}.items():
            wanted = settings(item_history_days=own, item_text_search=True)
            changes.append(ConfigChange(org_id, Kind.SETTINGS, "settings", wanted, 1))
            changes += [
                ConfigChange(org_id, Kind.ITEM_TYPE, one.id, one, 1) for one in TYPES.values()
            ]
        self.wanted = Wanted(ConfigTable.of(changes))
        self.partitions = Partitions(engine)
        store = ItemStore(engine, self.partitions)
        self.history = ItemHistory(store, self.wanted, clock=self.clock)
        self.reader = ItemReader(engine, self.horizon, clock=self.clock)

    def clock(self) -> datetime:
        return self.now

    async def horizon(self, _connection: object, org_id: str) -> datetime | None:
        return horizon(self.now, self.wanted.days_of(org_id))

    async def send(self, item: SubmittedItem, *, org_id: str = "") -> None:
        event = submitted(org_id or self.org_id, item, self.now)
        await written(self.history.submitted([received(event)]))

    async def keep(self, *, after: timedelta = timedelta()) -> None:
        self.now += after
        await HistoryKeeper(
            self.engine,
            self.partitions,
            clock=self.clock,
            org_ids=self.wanted.org_ids,
            days_of=self.wanted.days_of,
            window=WINDOW,
            every=60,
        ).keep()

    async def kept(self) -> list[str]:
        """The items that can be found, of those that tests send."""
        names = ("post", "edited", "reported", "around", "actioned", "decided", "appealed", "u")
        found = [await self.reader.of_id(self.org_id, name) for name in names]
        return sorted(one.item.id for items in found for one in items)

    async def rows(self, table: Any) -> list[tuple[str, str]]:
        async with transaction(self.engine) as connection:
            found = await connection.execute(
                select(table.c.item_id, table.c.item).where(table.c.org_id == self.org_id)
            )
            return sorted((row.item_id, row.item) for row in found)


@pytest.fixture(autouse=True)
async def nothing_there(history_engine: Any) -> None:
    """Days are everybody's: what other tests left would go or stay by this test's clock."""
    async with transaction(history_engine) as connection:
        for table in (item_versions, kept_items, item_marks):
            await connection.execute(delete(table))


def head(org_id: str, time: datetime) -> dict[str, Any]:
    return {"event_id": new_id(), "org_id": org_id, "time": time, "correlation_id": "c"}


async def everything(world: World) -> None:
    """One item of each fate, and an edited one."""
    for name in ("post", "actioned", "decided", "edited", "edited"):
        await world.send(submitted_item(name, text="river", author=ref("u")))
        world.now += timedelta(seconds=1)
    await world.send(submitted_item("u", "member", name="Ann"))
    world.now += timedelta(seconds=1)
    await world.send(submitted_item("u", "member", name="Bea"))
    report = ReportSubmitted(
        report_id=new_id(),
        reporter=ItemRef("u", "member"),
        reported_at=world.now,
        item=submitted_item("reported", text="river"),
        thread_items=(submitted_item("around", text="river"),),
        config_revision=1,
        **head(world.org_id, world.now),
    )
    appeal = AppealSubmitted(
        appeal_id=new_id(),
        appealed_by=ItemRef("u", "member"),
        appealed_at=world.now,
        item=submitted_item("appealed", text="river"),
        actions_taken=("ban",),
        config_revision=1,
        **head(world.org_id, world.now),
    )
    action = ActionRequested(
        execution_id=new_id(),
        action_id="ban",
        item=ItemRef("actioned", "post"),
        source="RULE_EXECUTION",
        config_revision=1,
        **head(world.org_id, world.now),
    )
    decision = DecisionMade(
        decision_id=new_id(),
        job_id=new_id(),
        queue_id="q",
        item=ItemRef("decided", "post"),
        reviewer_id="r",
        components=(),
        config_revision=1,
        **head(world.org_id, world.now),
    )
    await written(world.history.reported([received(report)]))
    await written(world.history.appealed([received(appeal)]))
    await written(world.history.requested([received(action)]))
    await written(world.history.decided([received(decision)]))


KEPT = ["actioned", "appealed", "decided", "reported", "u"]
ALL = sorted([*KEPT, "around", "edited", "post"])


@pytest.mark.parametrize("others", [{}, {"an-organisation-with-more": 90}], ids=["dropped", "row"])
async def test_what_is_old_goes_and_what_was_done_about_stays(
    history_engine: Any, others: dict[str, int]
) -> None:
    """After the days that the organisation says everything goes but profiles, as they were last,
    and what was reported, acted on, decided or appealed: whether its days are the longest of all,
    so that partitions are dropped, or not."""
    world = World(history_engine, days=10, others=others)
    await everything(world)
    for org_id in others:
        await world.send(submitted_item("post", text="river"), org_id=org_id)
    await world.keep(after=timedelta(days=9))
    assert await world.kept() == ALL
    assert await world.rows(kept_items) == []
    await world.keep(after=timedelta(days=3))
    assert await world.kept() == KEPT
    assert await world.rows(item_versions) == []
    assert [name for name, _ in await world.rows(kept_items)] == KEPT
    profile = await world.reader.latest(world.org_id, ItemRef("u", "member"))
    assert profile is not None
    assert b"Bea" in bytes(profile.item.data)
    await world.keep(after=timedelta(days=1000))
    assert await world.kept() == KEPT
    left = {org_id: len(await world.reader.of_id(org_id, "post")) for org_id in others}
    assert left == dict.fromkeys(others, 0)


async def test_nobody_is_shown_what_is_about_to_go(history_engine: Any) -> None:
    """What is older than its organisation's days is not found, though its rows are still there."""
    world = World(history_engine, days=10, others={"an-organisation-with-more": 90})
    await world.send(submitted_item("post", text="river"))
    world.now += timedelta(days=11)
    assert await world.kept() == []
    assert len(await world.rows(item_versions)) == 1


async def test_without_retention_only_what_is_kept_is_ever_shown(history_engine: Any) -> None:
    """With 0 days nothing is shown but what was done something about, and after the window nothing
    else is there."""
    world = World(history_engine, days=0, others={"an-organisation-with-more": 90})
    await everything(world)
    assert await world.kept() == []
    await world.keep()
    assert await world.kept() == KEPT
    assert (await world.reader.by_text(world.org_id, "river")).items == ()
    await world.keep(after=WINDOW + timedelta(minutes=1))
    assert await world.rows(item_versions) == []
    assert await world.kept() == KEPT
    await world.keep(after=timedelta(days=400))
    assert await world.kept() == KEPT


async def test_a_kept_item_goes_on_being_kept(history_engine: Any) -> None:
    """Of what was done something about, what reports brought and each day's last version stays; of
    a profile only the newest."""
    world = World(history_engine, days=5, others={})
    await everything(world)
    for text in ("second", "third"):
        await world.send(submitted_item("reported", text=text, author=ref("u")))
        await world.send(submitted_item("u", "member", name=text))
        world.now += timedelta(minutes=1)
    world.now += timedelta(days=2)
    await world.send(submitted_item("reported", text="fourth", author=ref("u")))
    await world.send(submitted_item("u", "member", name="fourth"))
    await world.keep(after=timedelta(days=20))
    page = await world.reader.versions(world.org_id, ItemRef("reported", "post"))
    texts = [bytes(one.item.data) for one in page.items]
    assert texts[0].startswith(b'{"text":"fourth"')
    assert [name in text for name, text in zip((b"fourth", b"third", b"river"), texts, strict=True)]
    assert [name for name, _ in await world.rows(kept_items)].count("u") == 1
    profile = await world.reader.latest(world.org_id, ItemRef("u", "member"))
    assert profile is not None
    assert b"fourth" in bytes(profile.item.data)


async def test_the_log_read_again_later_changes_nothing(history_engine: Any) -> None:
    """What comes again after its day went is gone again with the next round, and kept once."""
    world = World(history_engine, days=5, others={})
    first = submitted(world.org_id, submitted_item("post", text="a"), NOW)
    profile = submitted(world.org_id, submitted_item("u", "member", name="Ann"), NOW)
    batch = [received(first), received(profile)]
    await written(world.history.submitted(batch))
    await world.keep(after=timedelta(days=9))
    before = await world.rows(kept_items)
    assert len(before) == 1
    await written(world.history.submitted(batch))
    found = await world.reader.by_author(world.org_id, ItemRef("u", "member"))
    assert len(found.items) == 1
    await world.keep()
    assert await world.rows(item_versions) == []
    assert await world.rows(kept_items) == before


async def test_what_is_to_come_is_refused(history_engine: Any) -> None:
    """A submission dated days ahead would make a partition that no retention reaches."""
    world = World(history_engine, days=5, others={})
    event = submitted(world.org_id, submitted_item("post", text="a"), NOW + timedelta(days=3))
    with pytest.raises(Poison):
        await written(world.history.submitted([received(event)]))


async def test_a_mark_that_fades_meanwhile_keeps_nothing(history_engine: Any) -> None:
    """A day that goes while the item's mark fades waits for it: nothing is kept because of a mark
    that is gone by then, which nobody would ever take away."""
    world = World(history_engine, days=2, others={})
    await world.send(submitted_item("reported"))
    mark = Mark(world.org_id, "reported", "post", "REPORTED")
    await ItemStore(history_engine, world.partitions).add([], [mark])

    async def none_spared(*_asked: Any) -> frozenset[str]:
        return frozenset()

    (fades,) = fading(none_spared)
    async with transaction(history_engine) as connection:
        until = datetime.now(NOW.tzinfo) + timedelta(days=1)
        faded = await fades(connection, world.org_id, before=until, after=None, batch=10)
        assert faded.rows == 1
        keeping = asyncio.create_task(world.keep(after=timedelta(days=5)))
        for _ in range(200):  # until it waits for this transaction, or did not
            if keeping.done() or await _is_waited_for(connection):
                break
            await asyncio.sleep(0.02)
    await keeping
    assert await world.rows(kept_items) == []
    assert await world.kept() == []


async def _is_waited_for(connection: Any) -> bool:
    blocking = func.pg_blocking_pids(column("pid"))
    waiting = select(func.count()).select_from(table("pg_stat_activity"))
    return bool(await connection.scalar(waiting.where(func.pg_backend_pid() == any_(blocking))))
