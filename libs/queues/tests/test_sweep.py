"""Many jobs at once: closed, moved and scrubbed, while others place, claim and merge."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Queue, QueueOrder
from coop_contracts.event import ItemRef
from coop_queues import store
from coop_queues.error import AlreadyClosed
from coop_queues.job import Placement
from coop_queues.store import Claims, OrderIndex
from coop_queues.table import entries, jobs
from coop_runtime.database.engine import transaction

from .conftest import START, appeal, item, report

pytestmark = pytest.mark.engines

LATER = START + timedelta(days=1)


def by(org: str, item_id: str, author: str | None, **more: object) -> Placement:
    """A report about an item of that author."""
    creator = None if author is None else ItemRef(id=author, type_id="user")
    what = replace(item(item_id), creator=creator)
    return report(org, item_id, what=what, **more)  # type: ignore[arg-type]


async def place(engine: AsyncEngine, order: OrderIndex, *placements: Placement) -> list[str]:
    async with transaction(engine) as connection:
        placed = await store.place_many(connection, placements)
    await order.apply(change for one in placed for change in one.changes)
    return [one.job_id for one in placed]


def scope(org: str, **more: object) -> store.SweepScope:
    return store.SweepScope(org_id=org, until=LATER, **more)  # type: ignore[arg-type]


async def found(engine: AsyncEngine, wanted: store.SweepScope) -> set[str]:
    async with transaction(engine) as connection:
        return {job.item.id for job in await store.closable(connection, wanted, limit=1000)}


async def test_jobs_are_found_by_the_user_they_are_about(
    engine: AsyncEngine, order: OrderIndex, org: str
) -> None:
    """The user's own job and their content's, by the newest known creator; after a move, too."""
    bad = ItemRef(id="bad", type_id="user")
    profile = replace(item("bad"), type_id="user")
    await place(
        engine,
        order,
        by(org, "i1", "bad"),
        by(org, "i2", None),
        by(org, "i3", "good"),
        report(org, "bad", what=profile),
    )
    assert await found(engine, scope(org, subject=bad)) == {"i1", "bad"}
    await place(engine, order, by(org, "i2", "bad"))
    await place(engine, order, by(org, "i1", None))  # who made it is still known
    assert await found(engine, scope(org, subject=bad)) == {"i1", "i2", "bad"}
    async with transaction(engine) as connection:
        moved = await store.move_batch(
            connection, org, "q1", to_queue="q2", by="x", ranking=store.Ranking(), limit=10
        )
    assert len(moved) == 4
    assert await found(engine, scope(org, subject=bad, queue_id="q2")) == {"i1", "i2", "bad"}
    assert await found(engine, scope(org, subject=bad, queue_id="q1")) == set()
    assert await found(engine, scope(org, subject=bad, item_type_ids=["user"])) == {"bad"}
    assert await found(engine, store.SweepScope(org_id=org, until=START, subject=bad)) == {
        "i1",
        "i2",
        "bad",
    }
    before = START - timedelta(seconds=1)
    assert await found(engine, store.SweepScope(org_id=org, until=before, subject=bad)) == set()


async def test_contents_say_what_is_there(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """By kind, held or not, and how much of it may be closed."""
    await place(
        engine,
        order,
        report(org, "i1"),
        report(org, "i2", minute=1),
        report(org, "i3", csam=True, minute=2),
        appeal(org, "i1", entry_id="a1"),
    )
    assert await claims.claim(org, ["q1"], "r1")
    async with transaction(engine) as connection:
        there = await store.contents(connection, org, "q1")
        nothing = await store.contents(connection, "another", "q1")
        assert await store.closable_count(connection, scope(org)) == 2
        assert await store.held_count(connection, scope(org)) <= 1
    assert (there.pending, there.leased, there.csam, there.closable) == (4, 1, 1, 2)
    assert there.by_kind == {"DEFAULT": 3, "APPEAL": 1}
    assert nothing.pending == 0


async def test_a_job_that_became_child_safety_meanwhile_is_not_closed(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """What was found closable is looked at again under the locks: merged or claimed, it stays."""
    await place(engine, order, report(org, "i1"), report(org, "i2"), report(org, "i3"))
    async with transaction(engine) as connection:
        seen = await store.closable(connection, scope(org), limit=10)
    await place(engine, order, report(org, "i1", csam=True))
    claimed = await claims.claim(org, ["q1"], "r1")
    assert claimed is not None
    async with transaction(engine) as connection:
        closed = await store.close_free(connection, org, seen, by="system", reason="ERASED")
    held = claimed.job.item.id
    assert {one.summary.item.id for one in closed} == {"i1", "i2", "i3"} - {"i1", held}
    async with transaction(engine) as connection:
        again = await store.close_free(connection, org, seen, by="system", reason="ERASED")
        strange = await store.close_free(connection, "another", seen, by="x", reason="ERASED")
    assert (again, strange) == ([], [])


async def test_nothing_is_lost_while_a_queue_is_moved(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Movers, placers, and reviewers who claim and close, all at once: every entry is in exactly
    one job, everything ends up in the other queue or was decided there or here."""
    total = 60
    await place(engine, order, *(report(org, f"i{n}") for n in range(0, total, 2)))
    decided: list[str] = []
    refused: list[str] = []

    async def placing() -> None:
        for n in range(1, total, 2):
            await place(engine, order, report(org, f"i{n}"), report(org, f"i{n - 1}"))

    async def moving() -> None:
        for _ in range(40):
            async with transaction(engine) as connection:
                moved = await store.move_batch(
                    connection, org, "q1", to_queue="q2", by="x", ranking=store.Ranking(), limit=7
                )
            await order.apply(change for one in moved for change in one.changes)
            await asyncio.sleep(0.005)

    async def reviewing(name: str) -> None:
        for _ in range(10):
            claim = await claims.claim(org, ["q1", "q2"], name)
            if claim is None:
                continue
            await asyncio.sleep(0.005)
            try:
                async with transaction(engine) as connection:
                    await store.close(
                        connection,
                        org,
                        claim.job.summary.job_id,
                        claim.lease_token,
                        by=name,
                        reason="DECIDED",
                    )
            except AlreadyClosed as error:
                refused.append(str(error))
            else:
                decided.append(claim.job.summary.job_id)

    await asyncio.gather(placing(), moving(), moving(), *(reviewing(f"r{n}") for n in range(4)))
    await moving()
    j = jobs.c
    async with transaction(engine) as connection:
        left = await store.contents(connection, org, "q1")
        placed = await connection.scalar(
            select(func.count()).select_from(entries).where(entries.c.org_id == org)
        )
        # A moved job's entries are counted in the one that goes on.
        counted = await connection.scalar(
            select(func.sum(j.entry_count)).where(j.org_id == org, j.moved_to.is_(None))
        )
        ends = await connection.scalars(
            select(j.job_id).where(
                j.org_id == org, j.state == "CLOSED", j.close_reason == "DECIDED"
            )
        )
        assert sorted(str(job) for job in ends) == sorted(decided)
    assert left.pending == 0
    assert all("goes on as job" in reason for reason in refused)
    assert counted == placed == total // 2 * 3


async def test_sweeps_and_merges_never_deadlock(
    engine: AsyncEngine, order: OrderIndex, org: str
) -> None:
    """Two sweeps, two scrubs and placers of the same items: all end, each job closed once."""
    closed: list[str] = []
    liar = ItemRef(id="liar", type_id="user")

    async def placing(reporter: str) -> None:
        for n in range(20):
            await place(
                engine, order, *(report(org, f"i{(n + k) % 20}", reporter=reporter) for k in (5, 0))
            )

    async def sweeping() -> None:
        for _ in range(15):
            async with transaction(engine) as connection:
                seen = await store.closable(connection, scope(org), limit=5)
                done = await store.close_free(connection, org, seen, by="s", reason="ERASED")
            closed.extend(one.summary.job_id for one in done)

    async def scrubbing() -> None:
        for _ in range(15):
            async with transaction(engine) as connection:
                seen, _ = await store.affected(connection, org, liar, after=None, limit=50)
                await store.scrub(connection, org, seen, liar, by="s", reason=None, now=LATER)

    await asyncio.gather(
        placing("liar"), placing("honest"), sweeping(), sweeping(), scrubbing(), scrubbing()
    )
    assert len(closed) == len(set(closed))
    j, e = jobs.c, entries.c
    real = (
        select(func.count())
        .where(e.job_id == j.job_id, e.invalidated_at.is_(None))
        .scalar_subquery()
    )
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(j.entry_count, j.report_count, real).where(j.org_id == org)
        )
        for entry_count, report_count, there in rows:
            assert entry_count == report_count == there


async def test_a_scrubbed_job_loses_its_turn(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Where most reports go first, a job that a liar put forward falls back."""
    liar = ItemRef(id="liar", type_id="user")
    queue = Queue(id="q1", name="Q", order=QueueOrder.MOST_REPORTS)
    ranking = store.Ranking.of(queue, (), revision=1)
    await place(
        engine,
        order,
        report(org, "lied", reporter="honest", minute=9, ranking=ranking),
        *(report(org, "lied", reporter="liar", minute=n, ranking=ranking) for n in range(3)),
        *(report(org, "true", reporter=f"u{n}", minute=n, ranking=ranking) for n in range(2)),
    )
    async with transaction(engine) as connection:
        seen, _ = await store.affected(connection, org, liar, after=None, limit=50)
        await store.scrub(connection, org, seen, liar, by="admin", reason=None, now=LATER)

    class Rankings:
        changes = 1

        def of(self, org_id: str, queue_id: str) -> store.Ranking:
            return ranking if (org_id, queue_id) == (org, "q1") else store.Ranking()

    await store.Ranker(engine, order, Rankings()).once()
    async with transaction(engine) as connection:
        page = await store.pending_page(connection, org, "q1")
    assert [job.item.id for job in page.jobs] == ["true", "lied"]
    claim = await claims.claim(org, ["q1"], "r1")
    assert claim is not None
    assert claim.job.item.id == "true"


async def test_a_scrubbed_job_has_less_and_its_turn_anew(
    engine: AsyncEngine, order: OrderIndex, org: str
) -> None:
    """Numbers, policies and history fall to what is left; a second time changes nothing; the
    reporter's later reports count again."""
    liar = ItemRef(id="liar", type_id="user")
    (job_id, *_) = await place(
        engine,
        order,
        report(org, "i1", reporter="liar", policies=("p1",)),
        report(org, "i1", reporter="liar", policies=("p2",), minute=1),
        report(org, "i1", reporter="honest", policies=("p2",), minute=2),
    )
    async with transaction(engine) as connection:
        seen, position = await store.affected(connection, org, liar, after=None, limit=50)
        done = await store.scrub(connection, org, seen, liar, by="admin", reason="lies", now=LATER)
        job = await store.get_job(connection, org, job_id)
        again = await store.scrub(connection, org, seen, liar, by="admin", reason=None, now=LATER)
    assert position is None
    assert [(one.summary.job_id, one.removed) for one in done.jobs] == [(job_id, 2)]
    summary = job.summary
    assert (summary.entry_count, summary.report_count, summary.reporter_count) == (1, 1, 1)
    assert summary.policy_ids == ("p2",)
    assert [entry.report.reporter.id for entry in job.entries if entry.report] == ["honest"]  # type: ignore[union-attr]
    assert (again.jobs, again.held) == ((), 0)
    await place(engine, order, report(org, "i1", reporter="liar"))
    async with transaction(engine) as connection:
        assert (await store.get_summary(connection, org, job_id)).reporter_count == 2
