"""What is kept of claims and skips, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.store import ClaimRetention, Claims, held, place_many, skip
from coop_queues.table import claims as claims_table
from coop_queues.table import skips
from coop_runtime.database.engine import transaction

from .conftest import report

pytestmark = pytest.mark.engines

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


async def test_old_claims_and_past_skips_go(engine: AsyncEngine, claims: Claims, org: str) -> None:
    """Batch by batch what ended before the retention goes; what ended since, a claim that is still
    held, however old, and a skip that still hides stay."""
    async with transaction(engine) as connection:
        await place_many(connection, [report(org, f"i{n}", minute=n) for n in range(7)])
    jobs = []
    for _ in range(6):
        claim = await claims.claim(org, ["q1"], "anna")
        assert claim is not None
        jobs.append(claim.job.summary.job_id)
        async with transaction(engine) as connection:
            await skip(connection, org, jobs[-1], claim.lease_token)
    last = await claims.claim(org, ["q1"], "anna")
    assert last is not None
    c, s = claims_table.c, skips.c
    old = {"claimed_at": LONG_AGO, "ended_at": LONG_AGO + timedelta(minutes=1)}
    async with transaction(engine) as connection:
        await connection.execute(update(claims_table).where(c.job_id.in_(jobs[:5])).values(old))
        await connection.execute(
            update(claims_table)
            .where(c.job_id == last.job.summary.job_id)
            .values(claimed_at=LONG_AGO)
        )
        await connection.execute(update(skips).where(s.job_id.in_(jobs[:3])).values(until=LONG_AGO))
    await ClaimRetention(engine, retention=timedelta(days=7), batch=2).keep()
    async with transaction(engine) as connection:
        left = await connection.scalars(select(c.job_id).where(c.org_id == org))
        assert set(left) == {jobs[5], last.job.summary.job_id}
        hiding = await connection.scalars(select(s.job_id).where(s.org_id == org))
        assert set(hiding) == set(jobs[3:])
        assert [one.lease_token for one in await held(connection, org, "anna")] == [
            last.lease_token
        ]
