"""Emptying jobs that were closed long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.store import (
    Claims,
    Ranking,
    empty_spent,
    get_job,
    move,
    place,
    spent_jobs,
)
from coop_queues.table import jobs
from coop_runtime.database.engine import transaction

from .conftest import report

pytestmark = pytest.mark.engines

LONG_AGO = datetime.now(UTC) - timedelta(days=30)
NOW = datetime.now(UTC)


async def test_a_moved_job_speaks_as_long_as_the_one_that_goes_on_with_it(
    engine: AsyncEngine, claims: Claims, org: str
) -> None:
    """What a job was moved from is not empty while the new one waits, however long ago that was;
    when the new one closed long ago, both are emptied, once, and a replay places nothing."""
    first = report(org, "i1", entry_id="e-1", reason="words of a report")
    async with transaction(engine) as connection:
        await place(connection, first)
    claim = await claims.claim(org, ["q1"], "anna")
    assert claim is not None
    old = claim.job.summary.job_id
    async with transaction(engine) as connection:
        moved = await move(
            connection,
            org,
            old,
            claim.lease_token,
            to_queue="q2",
            by="anna",
            ranking=Ranking(),
        )
        new = moved.job_id
        await connection.execute(
            update(jobs).where(jobs.c.job_id == old).values(closed_at=LONG_AGO)
        )
        assert await spent_jobs(connection, org, before=NOW) == []
        whole = await get_job(connection, org, new)
        assert whole.entries[0].report is not None
        assert whole.entries[0].report.reason == "words of a report"
        assert bytes(whole.item.data) != b"{}"
        await connection.execute(
            update(jobs)
            .where(jobs.c.job_id == new)
            .values(state="CLOSED", closed_at=LONG_AGO, close_reason="DECIDED")
        )
        [spent] = await spent_jobs(connection, org, before=NOW)
        assert (spent.job_id, set(spent.parts)) == (new, {old, new})
        assert await empty_spent(connection, org, [spent.job_id], now=NOW) == 1
        assert await empty_spent(connection, org, [spent.job_id], now=NOW) == 0
        assert await spent_jobs(connection, org, before=NOW) == []
        empty = await get_job(connection, org, new)
        assert empty.entries[0].report is not None
        assert empty.entries[0].report.reason is None
        assert empty.entries[0].report.reporter == whole.entries[0].report.reporter
        assert (bytes(empty.item.data), empty.item.erased) == (b"{}", True)
        await place(connection, first)
        assert (await get_job(connection, org, new)).entries == empty.entries
