"""What is kept, among automations that close and move many jobs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.store import (
    Claims,
    Ranking,
    SweepScope,
    closable,
    close_free,
    get_summary,
    held_count,
    keep,
    keepings_of,
    lease_job,
    move_batch,
    place_many,
)
from coop_runtime.database.engine import transaction

from .conftest import report

pytestmark = pytest.mark.engines


async def test_what_is_kept_is_closed_by_nobody_else(engine: AsyncEngine, org: str) -> None:
    """As what somebody holds: it is counted with that, and not closed, though it was on the list.
    When a queue is emptied into another, the keeping ends and the job goes on."""
    scope = SweepScope(org, datetime.now(UTC), queue_id="q1")
    async with transaction(engine) as connection:
        jobs = [
            one.job_id
            for one in await place_many(connection, [report(org, f"i{n}") for n in range(2)])
        ]
        listed = await closable(connection, scope, limit=10)
        await keep(connection, org, jobs[0], kept_as="HELD", person_id=None, seconds=60, by="lead")
        assert await held_count(connection, scope) == 1
        assert len(await closable(connection, scope, limit=10)) == 1
        closed = await close_free(connection, org, listed, by="system", reason="ERASED")
        assert [one.summary.job_id for one in closed] == [jobs[1]]
        moved = await move_batch(
            connection, org, "q1", to_queue="q2", by="lead", ranking=Ranking(), limit=10
        )
        assert [one.closed.job_id for one in moved] == [jobs[0]]
        [kept] = await keepings_of(connection, org, [jobs[0]])
        assert kept.outcome in ("MOVED", "EXPIRED")
        assert (await get_summary(connection, org, moved[0].job_id)).kept_as is None


async def test_a_held_job_that_is_claimed_and_given_back_is_in_the_order_again(
    engine: AsyncEngine, claims: Claims, org: str
) -> None:
    """The waiting is over with the claim: whoever comes next is handed the job."""
    async with transaction(engine) as connection:
        [placed] = await place_many(connection, [report(org)])
        await keep(
            connection, org, placed.job_id, kept_as="HELD", person_id=None, seconds=60, by="lead"
        )
    assert await claims.claim(org, ["q1"], "anna") is None
    async with transaction(engine) as connection:
        mine, _ = await lease_job(connection, org, placed.job_id, "anna", lease_seconds=0.001)
    assert mine.job.summary.job_id == placed.job_id
    again = await claims.claim(org, ["q1"], "bert")
    assert again is not None
    assert again.job.summary.kept_as is None
