"""Placing on the real PostgreSQL: created, merged, repeated, and never lost."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts import ids
from coop_contracts.event import ItemRef
from coop_queues.error import UnstorableId
from coop_queues.job import JobKind
from coop_queues.store import (
    Claims,
    close,
    get_job,
    get_summary,
    items_in,
    jobs_of_item,
    pending_counts,
    pending_page,
    place,
    place_many,
)
from coop_runtime.database.engine import transaction

from .conftest import appeal, item, report

pytestmark = pytest.mark.engines


async def test_a_first_report_creates_a_job_with_the_documented_id(
    engine: AsyncEngine, org: str
) -> None:
    """The job id is the uuid5 of queue, item type, item and generation 1."""
    async with transaction(engine) as connection:
        placed = await place(connection, report(org, minute=3))
    assert placed.created
    assert placed.job_id == ids.job_id(
        org_id=org, queue_id="q1", item_type_id="post", item_id="i1", generation=1
    )
    assert [change.op for change in placed.changes] == ["ADD"]


async def test_a_merge_loses_no_field(engine: AsyncEngine, org: str) -> None:
    """Items, thread, references, policies, reasons and reporters of both reports are in the job."""
    first = report(
        org,
        reason="rude",
        reporter="u1",
        policies=("p1",),
        minute=1,
        what=item("i1", text="before"),
        thread=(item("t1"), item("t2", text="old")),
        additional=(item("a1"),),
        in_thread=(ItemRef(id="t1", type_id="post"),),
    )
    second = report(
        org,
        reason="spam \x00 with a NUL",
        reporter="u2",
        policies=("p2",),
        minute=2,
        what=item("i1", text="after"),
        thread=(item("t2", text="new"), item("t3")),
        additional=(item("a2"),),
        in_thread=(ItemRef(id="t3", type_id="post"),),
        csam=True,
    )
    async with transaction(engine) as connection:
        created = await place(connection, first)
    async with transaction(engine) as connection:
        merged = await place(connection, second)
        job = await get_job(connection, org, merged.job_id)
    assert merged.merged
    assert merged.job_id == created.job_id
    assert bytes(job.item.data) == b'{"text": "after"}'
    assert [bytes(old.data) for old in job.earlier_items] == [b'{"text": "before"}']
    assert sorted((t.id, bytes(t.data)) for t in job.thread_items) == [
        ("t1", b'{"text": "hello"}'),
        ("t2", b'{"text": "new"}'),
        ("t3", b'{"text": "hello"}'),
    ]
    assert {a.id for a in job.additional_items} == {"a1", "a2"}
    assert {r.id for r in job.reported_in_thread} == {"t1", "t3"}
    assert job.entries == (second.entry, first.entry)
    assert [r.reason for r in job.reports] == ["spam \x00 with a NUL", "rude"]
    summary = job.summary
    assert summary.policy_ids == ("p1", "p2")
    assert summary.csam
    assert (summary.entry_count, summary.report_count, summary.revision) == (2, 2, 2)
    assert summary.created_at == first.entry.at


async def test_one_item_is_read_without_the_others(engine: AsyncEngine, org: str) -> None:
    """Of the job's own item every version, of what came beside it the last, whatever its id is made
    of; what the job does not show is not there."""
    odd = 'a"\\\u2028/é\n'
    first = report(
        org,
        what=item(odd, text="before"),
        thread=(item("t", text="old"), item("i", text="begins alike")),
        minute=1,
    )
    second = report(org, what=item(odd, text="after"), thread=(item("t", text="new"),), minute=2)
    async with transaction(engine) as connection:
        for one in (first, second):
            placed = await place(connection, one)
        job = await get_job(connection, org, placed.job_id)

        async def read(item_id: str, type_id: str = "post") -> list[bytes]:
            found = await items_in(connection, job.summary, ItemRef(id=item_id, type_id=type_id))
            return [bytes(one.data) for one in found]

        shown = [bytes(one.data) for one in (job.item, *job.earlier_items)]
        assert await read(odd) == shown == [b'{"text": "after"}', b'{"text": "before"}']
        assert await read("t") == [b'{"text": "new"}']
        assert await read("t", "other") == []
        assert await read("") == []


async def test_a_repeat_places_nothing(engine: AsyncEngine, org: str) -> None:
    """The same entry again answers the same job, adds nothing, and still gives Redis its turn."""
    async with transaction(engine) as connection:
        first = await place(connection, report(org, entry_id="r1"))
    async with transaction(engine) as connection:
        again = await place(connection, report(org, entry_id="r1", queue="elsewhere"))
        summary = await get_summary(connection, org, first.job_id)
        counts = await pending_counts(connection, org)
    assert again.repeated
    assert again.job_id == first.job_id
    assert again.changes == first.changes
    assert (summary.entry_count, summary.revision) == (1, 1)
    assert counts.keys() == {"q1"}


async def test_a_batch_answers_in_order_and_places_an_entry_once(
    engine: AsyncEngine, org: str
) -> None:
    """In one batch: two reports of an item merge, an entry that is there twice is placed once."""
    batch = [
        report(org, "i1", entry_id="r1"),
        report(org, "i2", entry_id="r2"),
        report(org, "i1", entry_id="r3"),
        report(org, "i1", entry_id="r1"),
        appeal(org, "i1", entry_id="x1"),
    ]
    async with transaction(engine) as connection:
        placed = await place_many(connection, batch)
        kinds = {j.kind for j in await jobs_of_item(connection, org, ItemRef("i1", "post"))}
    outcomes = ["created" if p.created else "merged" if p.merged else "repeated" for p in placed]
    assert outcomes == ["created", "created", "merged", "repeated", "created"]
    assert placed[0].job_id == placed[2].job_id == placed[3].job_id
    assert placed[4].job_id != placed[0].job_id
    assert kinds == {JobKind.DEFAULT, JobKind.APPEAL}


async def test_a_second_appeal_joins_the_first(engine: AsyncEngine, org: str) -> None:
    """No appeal is dropped because another about the same item is pending."""
    async with transaction(engine) as connection:
        first = await place(connection, appeal(org, entry_id="x1"))
        second = await place(connection, appeal(org, entry_id="x2"))
        job = await get_job(connection, org, first.job_id)
    assert second.merged
    assert {a.appeal_id for a in job.appeals} == {"x1", "x2"}


async def test_after_a_close_the_old_report_is_a_repeat_and_a_new_one_a_new_job(
    engine: AsyncEngine, claims: Claims, org: str
) -> None:
    """A replay never reopens a decided job; a later report is the next generation."""
    async with transaction(engine) as connection:
        await place(connection, report(org, entry_id="r1"))
    claim = await claims.claim(org, ["q1"], "reviewer")
    assert claim is not None
    job_id = claim.job.summary.job_id
    async with transaction(engine) as connection:
        await close(connection, org, job_id, claim.lease_token, by="reviewer", reason="DECIDED")
    async with transaction(engine) as connection:
        replayed = await place(connection, report(org, entry_id="r1"))
        later = await place(connection, report(org, entry_id="r2"))
        summary = await get_summary(connection, org, later.job_id)
    assert replayed.repeated
    assert replayed.job_id == job_id
    assert replayed.changes == ()
    assert later.created
    assert summary.generation == 2


async def test_reports_placed_at_the_same_moment_become_one_job(
    engine: AsyncEngine, org: str
) -> None:
    """Twenty transactions report the same two items, in different orders: two jobs, 40 entries."""

    async def one(number: int) -> None:
        names = ["i1", "i2"] if number % 2 else ["i2", "i1"]
        async with transaction(engine) as connection:
            await place_many(connection, [report(org, n, entry_id=f"{n}-{number}") for n in names])

    await asyncio.gather(*(one(number) for number in range(20)))
    async with transaction(engine) as connection:
        page = await pending_page(connection, org, "q1")
    assert [j.entry_count for j in page.jobs] == [20, 20]


async def test_the_same_batch_placed_at_the_same_moment_is_placed_once(
    engine: AsyncEngine, org: str
) -> None:
    """Two consumers that both own a partition, under two revisions, place each entry once."""

    async def one(queue: str) -> list[str]:
        batch = [report(org, f"i{n}", entry_id=f"r{n}", queue=queue) for n in range(50)]
        async with transaction(engine) as connection:
            return [p.job_id for p in await place_many(connection, batch)]

    answers = await asyncio.gather(*(one(queue) for queue in ("q1", "q2", "q1", "q2")))
    async with transaction(engine) as connection:
        counts = await pending_counts(connection, org)
    assert sum(count.pending for count in counts.values()) == 50
    assert all(answer == answers[0] for answer in answers)


async def test_a_rolled_back_placing_leaves_nothing(engine: AsyncEngine, org: str) -> None:
    """Killed before the commit, the event comes again and is placed as if for the first time."""
    broken = RuntimeError("killed")
    with pytest.raises(RuntimeError):  # noqa: PT012 - the failure is inside the transaction
        async with transaction(engine) as connection:
            await place(connection, report(org, entry_id="r1"))
            raise broken
    async with transaction(engine) as connection:
        assert (await place(connection, report(org, entry_id="r1"))).created


async def test_an_id_that_cannot_be_stored_is_refused_before_anything_is_written(
    engine: AsyncEngine, org: str
) -> None:
    """U+0000 or 3,000 bytes in an id are UnstorableId; the longest allowed id is stored."""
    long = report(org, "\U0001f600" * 512)
    async with transaction(engine) as connection:
        with pytest.raises(UnstorableId):
            await place_many(connection, [report(org, "ok"), report(org, "a\x00b")])
        with pytest.raises(UnstorableId):
            await place(connection, report(org, entry_id="e" * 3000))
        assert (await place(connection, long)).created
        page = await pending_page(connection, org, "q1")
    assert [j.item.id for j in page.jobs] == ["\U0001f600" * 512]


async def test_pages_and_counts_are_of_one_organisation(engine: AsyncEngine, org: str) -> None:
    """Pages follow the turn, end, and show no other organisation's jobs."""
    other = f"{org}-other"
    batch = [report(org, f"i{n}", minute=n) for n in range(5)] + [report(other, "i1")]
    async with transaction(engine) as connection:
        placed = await place_many(connection, reversed_batch := list(reversed(batch)))
        seen, cursor = [], None
        while True:
            page = await pending_page(connection, org, "q1", cursor, limit=2)
            seen += [j.item.id for j in page.jobs]
            cursor = page.next_cursor
            if cursor is None:
                break
        counts = await pending_counts(connection, org)
        with pytest.raises(ValueError, match="invalid literal"):
            await pending_page(connection, org, "q1", "nonsense")
    assert len(placed) == len(reversed_batch)
    assert seen == ["i0", "i1", "i2", "i3", "i4"]
    assert counts["q1"].pending == 5
    assert counts["q1"].oldest_created_at == batch[0].entry.at


async def test_the_tables_are_those_of_the_migrations(queues_admin_url: str) -> None:
    """`table.py` and the revisions say the same tables, columns, defaults and indexes."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine, make_url

    from coop_queues.table import metadata

    made = create_engine(make_url(queues_admin_url).set(drivername="postgresql+psycopg"))
    with made.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == "queues",
                "include_object": lambda _o, name, *_: name != "alembic_version",
            },
        )
        difference = compare_metadata(context, metadata)
        tables = connection.scalar(
            text("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'queues'")
        )
    made.dispose()
    assert difference == []
    assert tables == len(metadata.tables) + 1  # and alembic's own


def test_a_stored_entry_of_an_older_reader_is_read() -> None:
    """Fields that a newer writer added do not stop a reader, and left-out ones have defaults."""
    from coop_queues.job import JobEntry

    raw = (
        b'{"entryId":"e","source":"REPORT","at":"2026-01-01T00:00:00Z","later":1,'
        b'"routing":{"how":"DEFAULT","configRevision":1}}'
    )
    entry = msgspec.json.decode(raw, type=JobEntry)
    assert entry.policy_ids == ()
