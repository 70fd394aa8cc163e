"""Jobs that were decided elsewhere, before their organisation came here."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.erasure import ErasedUser, stand_in_of
from coop_queues import store
from coop_queues.job import JobState, Placement
from coop_queues.store import PastJob
from coop_runtime.database.engine import transaction

from .conftest import report

pytestmark = pytest.mark.engines

THEN = datetime(2026, 5, 1, tzinfo=UTC)


def past(org: str, *placements: Placement) -> PastJob:
    return PastJob(
        job_id=str(uuid.uuid4()),
        placements=placements or (_then(report(org, entry_id="old")),),
        closed_at=THEN + timedelta(hours=1),
        closed_by="somebody",
        close_reason="DECIDED",
    )


def _then(placement: Placement) -> Placement:
    return replace(placement, entry=replace(placement.entry, at=THEN))


async def test_it_is_closed_with_its_own_times(engine: AsyncEngine, org: str) -> None:
    """Under its id, with all that it held, when it was closed and by whom."""
    one = past(org)
    async with transaction(engine) as connection:
        assert await store.keep_past(connection, [one]) == {one.job_id}
        job = await store.get_job(connection, org, one.job_id)
    summary = job.summary
    assert (summary.state, summary.closed_by) == (JobState.CLOSED, "somebody")
    assert (summary.created_at, summary.enqueued_at) == (THEN, THEN)
    assert summary.closed_at == one.closed_at
    assert (summary.report_count, summary.reporter_count) == (1, 1)
    assert job.item.id == one.placements[0].item.id
    assert [entry.entry_id for entry in job.entries] == ["old"]


async def test_kept_twice_it_is_there_once(engine: AsyncEngine, org: str) -> None:
    """And as it was the first time."""
    one = past(org)
    async with transaction(engine) as connection:
        await store.keep_past(connection, [one])
    async with transaction(engine) as connection:
        assert await store.keep_past(connection, [replace(one, closed_by="another")]) == set()
        job = await store.get_job(connection, org, one.job_id)
    assert job.summary.closed_by == "somebody"
    assert job.summary.entry_count == 1


async def test_what_is_pending_stays_so(engine: AsyncEngine, org: str) -> None:
    """A job of the same item in the same queue does not change; what comes next joins it."""
    async with transaction(engine) as connection:
        waits = await store.place(connection, report(org, entry_id="now"))
        before = await store.get_summary(connection, org, waits.job_id)
        await store.keep_past(connection, [past(org)])
        assert await store.get_summary(connection, org, waits.job_id) == before
        after = await store.place(connection, report(org, entry_id="next"))
    assert after.merged
    assert after.job_id == waits.job_id


async def test_who_was_erased_said_nothing(engine: AsyncEngine, org: str) -> None:
    """What a user said before their erasure does not come back with history."""
    one = past(org, _then(report(org, entry_id="old", reason="said so")))
    reporter = one.placements[0].entry.report
    assert reporter is not None
    assert reporter.reporter is not None
    user = reporter.reporter
    stand_in = stand_in_of(b"a key", org, user)
    erased = ErasedUser(user=user, stand_in=stand_in, until=datetime.now(UTC))
    async with transaction(engine) as connection:
        await store.entomb(connection, org, erased)
        await store.keep_past(connection, [one])
        job = await store.get_job(connection, org, one.job_id)
    assert job.reports[0].reporter == stand_in
    assert job.reports[0].reason is None


async def test_child_safety_is_grave(engine: AsyncEngine, org: str) -> None:
    """Whatever else there is of the item is about child safety, too."""
    first = _then(report(org, entry_id="old"))
    grave = replace(first, entry=replace(first.entry, csam=True))
    async with transaction(engine) as connection:
        await store.keep_past(connection, [past(org, grave)])
        waits = await store.place(connection, report(org, entry_id="now"))
        assert (await store.get_summary(connection, org, waits.job_id)).csam
        rows = await connection.scalar(
            text("SELECT count(*) FROM queues.grave_items WHERE org_id = :org"), {"org": org}
        )
    assert rows == 1
