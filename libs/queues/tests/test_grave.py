"""What is about child safety: what a job of child-abuse material holds, from that moment on."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_queues.job import JobKind
from coop_queues.reading import grave_items, is_grave, item_key, jobs
from coop_queues.store import (
    Claims,
    Ranking,
    SweepScope,
    closable_count,
    contents,
    get_summary,
    mark_child_safety,
    pending_counts,
    place,
    place_many,
    requeue,
)
from coop_runtime.database.engine import transaction

from .conftest import START, item, report

pytestmark = pytest.mark.engines


async def grave(engine: AsyncEngine, org: str) -> set[str]:
    """The keys of what is grave."""
    query = select(grave_items.c.item_key).where(grave_items.c.org_id == org)
    async with transaction(engine) as connection:
        return {str(key) for key in await connection.scalars(query)}


def keys(*ids: str) -> set[str]:
    return {item_key("post", one) for one in ids}


async def test_everything_that_such_a_job_holds_is_grave(engine: AsyncEngine, org: str) -> None:
    """Its item, what came beside it and in its thread, and what was reported there; also what came
    before it became one. Another organisation's item of the same id is not."""
    first = report(org, "i1", additional=(item("a1"),))
    second = report(
        org,
        "i1",
        csam=True,
        thread=(item("t1"),),
        additional=(item("a2"),),
        in_thread=(ItemRef(id="t2", type_id="post"),),
    )
    async with transaction(engine) as connection:
        await place_many(connection, [first, report(f"{org}-other", "i1"), report(org, "plain")])
    assert await grave(engine, org) == set()
    async with transaction(engine) as connection:
        await place(connection, second)
    assert await grave(engine, org) == keys("i1", "a1", "a2", "t1", "t2")
    assert await grave(engine, f"{org}-other") == set()
    third = report(org, "i1", additional=(item("a3"),))
    async with transaction(engine) as connection:
        await place(connection, third)
    assert keys("a3") <= await grave(engine, org)


async def test_every_job_about_it_is(engine: AsyncEngine, claims: Claims, org: str) -> None:
    """A plain job in a plain queue, there before or coming after, is not handed out without the
    permission, not counted, and closed by no automation; nor are those of what came beside it."""
    before = report(org, "i1", queue="plain")
    beside = report(org, "a1", queue="plain")
    other = report(org, "harmless", queue="plain", minute=9)
    async with transaction(engine) as connection:
        placed = await place_many(connection, [before, beside, other])
        await place(connection, report(org, "i1", csam=True, additional=(item("a1"),)))
        placed.append(await place(connection, report(org, "a1", queue="late")))
    async with transaction(engine) as connection:
        seen = [(await get_summary(connection, org, one.job_id)).csam for one in placed]
        counts = await pending_counts(connection, org, child_safety=False)
        assert (await pending_counts(connection, org))["plain"].pending == 3
        found = await contents(connection, org, "plain")
        hidden = await contents(connection, org, "plain", child_safety=False)
        scope = SweepScope(org_id=org, until=START.replace(year=START.year + 1), queue_id="plain")
        assert await closable_count(connection, scope) == 1
    assert seen == [True, True, False, True]
    assert (found.pending, found.csam, found.closable) == (3, 2, 1)
    assert (hidden.pending, hidden.csam, hidden.closable) == (1, 0, 1)
    assert {queue: count.pending for queue, count in counts.items()} == {"plain": 1}
    oldest = counts["plain"].oldest_created_at
    assert oldest == other.entry.at
    claimed = await claims.claim(org, ["plain", "late"], "anna", child_safety=False)
    assert claimed is not None
    assert claimed.job.summary.job_id == placed[2].job_id
    assert await claims.claim(org, ["plain", "late"], "anna", child_safety=False) is None
    assert await claims.claim(org, ["plain", "late"], "bert") is not None


async def test_an_escalated_job_becomes_one(engine: AsyncEngine, org: str) -> None:
    """With what it holds, that of the jobs that it continues among it; marking twice is once."""
    async with transaction(engine) as connection:
        placed = await place(connection, report(org, "i1", additional=(item("a1"),)))
        moved = await requeue(
            connection, org, placed.job_id, to_queue="q2", by="routing", ranking=Ranking()
        )
        assert moved is not None
    for _ in range(2):
        async with transaction(engine) as connection:
            await mark_child_safety(connection, org, moved.job_id)
    assert await grave(engine, org) == keys("i1", "a1")
    async with transaction(engine) as connection:
        await mark_child_safety(connection, f"{org}-other", moved.job_id)
    assert await grave(engine, f"{org}-other") == set()


async def test_two_at_once_leave_nothing_plain(engine: AsyncEngine, org: str) -> None:
    """A plain job that is placed at the same moment as the one of child-abuse material, neither
    seeing the other, is about child safety when both are there."""
    both = asyncio.Barrier(2)

    async def put(csam: bool) -> str:
        async with transaction(engine) as connection:
            queue = "ncmec" if csam else "plain"
            one = await place(connection, report(org, "i1", queue=queue, csam=csam))
            await both.wait()
        return one.job_id

    job_ids = await asyncio.gather(put(True), put(False))
    async with transaction(engine) as connection:
        query = select(is_grave(jobs)).where(jobs.c.job_id.in_(job_ids))
        assert list(await connection.scalars(query)) == [True, True]


async def test_what_becomes_grave_at_once_waits_for_no_circle(
    engine: AsyncEngine, org: str
) -> None:
    """Jobs that hold the same items, in another order, are placed beside each other."""
    ids = [f"i{number}" for number in range(20)]

    async def put(number: int) -> None:
        found = ids if number % 2 else ids[::-1]
        what = tuple(item(one) for one in found)
        placement = report(org, f"job-{number}", csam=True, additional=what)
        async with transaction(engine) as connection:
            await place(connection, placement)

    await asyncio.gather(*(put(number) for number in range(8)))
    assert keys(*ids) <= await grave(engine, org)


async def test_a_job_about_a_user_makes_the_media_in_it_grave(
    engine: AsyncEngine, org: str
) -> None:
    """What a rule or an escalation sent with it, not the user alone."""
    placement = report(org, csam=True, what=item("u1", "person"), additional=(item("picture"),))
    placement = msgspec.structs.replace(placement, kind=JobKind.NCMEC)
    async with transaction(engine) as connection:
        await place(connection, placement)
    assert await grave(engine, org) == {item_key("person", "u1"), *keys("picture")}
