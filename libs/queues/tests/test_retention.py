"""What is kept of claims and skips, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.store import (
    ClaimRetention,
    Claims,
    held,
    keep,
    keepings_of,
    place_many,
    skip,
    unkeep,
)
from coop_queues.table import claims as claims_table
from coop_queues.table import keepings, skips
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


async def test_keepings_go_as_claims_do(engine: AsyncEngine, org: str) -> None:
    """What ended before the retention goes, with its reason, batch by batch; what ended since, and
    one that lasts, however long ago it began, stay."""
    async with transaction(engine) as connection:
        placed = await place_many(connection, [report(org, f"i{n}", minute=n) for n in range(7)])
        jobs = [one.job_id for one in placed]
        for job_id in jobs:
            await keep(
                connection, org, job_id, kept_as="HELD", person_id=None, seconds=3600, by="lead"
            )
        for job_id in jobs[:6]:
            await unkeep(connection, org, job_id, by="lead", outcome="LEFT", person_id=None)
        c = keepings.c
        await connection.execute(
            update(keepings)
            .where(c.job_id.in_(jobs[:5]))
            .values(since=LONG_AGO, ended_at=LONG_AGO, reason="why")
        )
        await connection.execute(update(keepings).where(c.job_id == jobs[6]).values(since=LONG_AGO))
    await ClaimRetention(engine, retention=timedelta(days=7), batch=2).keep()
    async with transaction(engine) as connection:
        left = await keepings_of(connection, org, jobs)
    assert {one.job_id for one in left} == set(jobs[5:])
