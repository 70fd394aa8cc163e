"""What a reviewer holds, how many jobs that may be, and how claims ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues import holding
from coop_queues.error import TooManyClaims
from coop_queues.job import Claim
from coop_queues.store import (
    Claims,
    OrderIndex,
    Ranking,
    close,
    extend,
    held,
    move,
    place_many,
    release,
    requeue,
    skip,
)
from coop_runtime.database.engine import transaction

from .conftest import report

pytestmark = pytest.mark.engines


async def fill(engine: AsyncEngine, order: OrderIndex, org: str, count: int) -> None:
    async with transaction(engine) as connection:
        answers = await place_many(
            connection, [report(org, f"i{n}", minute=n) for n in range(count)]
        )
    await order.apply(change for answer in answers for change in answer.changes)


async def must(claims: Claims, org: str, reviewer: str = "anna") -> Claim:
    claim = await claims.claim(org, ["q1"], reviewer)
    assert claim is not None
    return claim


async def ended(engine: AsyncEngine, org: str) -> dict[str, Any]:
    """How each claim ended, by item, and that its times are in order."""
    query = text(
        """
        SELECT j.item_id, c.outcome, c.ended_at >= c.claimed_at AS ordered
          FROM queues.claims c JOIN queues.jobs j USING (job_id)
         WHERE c.org_id = :org ORDER BY c.claimed_at
        """
    )
    async with transaction(engine) as connection:
        rows = (await connection.execute(query, {"org": org})).all()
    assert all(row.ordered for row in rows if row.outcome)
    return {row.item_id: row.outcome for row in rows}


@pytest.mark.parametrize("ready", [False, True], ids=["from rows", "from redis"])
async def test_nobody_holds_more_than_they_may(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str, ready: bool
) -> None:
    """Ten claims of one reviewer at the same moment give three jobs and seven refusals; the jobs
    that were refused are offered to others at once."""
    if ready:
        claims.builder.start(org, "q1")
        await claims.builder.idle()
    await fill(engine, order, org, 5)

    async def one() -> Claim | None:
        try:
            return await claims.claim(org, ["q1"], "anna", at_most=3)
        except TooManyClaims:
            return None

    found = [claim for claim in await asyncio.gather(*(one() for _ in range(10))) if claim]
    assert len(found) == 3
    others = [await claims.claim(org, ["q1"], "bert", at_most=3) for _ in range(2)]
    assert all(others)
    assert await claims.claim(org, ["q1"], "anna", at_most=3) is None
    await fill(engine, order, f"{org}-x", 1)
    await fill(engine, order, org, 7)
    with pytest.raises(TooManyClaims):
        await claims.claim(org, ["q1"], "anna", at_most=3)
    assert await claims.claim(f"{org}-x", ["q1"], "anna", at_most=3)


async def test_what_is_held_is_listed_with_its_lease(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """First claimed first; what was given back, decided or ran out is not listed, nor another's."""
    await fill(engine, order, org, 5)
    first, second, third, fourth = [await must(claims, org) for _ in range(4)]
    await must(claims, org, "bert")
    async with transaction(engine) as connection:
        await release(connection, org, second.job.summary.job_id, second.lease_token)
        await close(
            connection,
            org,
            third.job.summary.job_id,
            third.lease_token,
            by="anna",
            reason="DECIDED",
        )
        await connection.execute(
            text(
                "UPDATE queues.jobs SET lease_expires_at = now() - interval '1 s' WHERE job_id = :j"
            ),
            {"j": fourth.job.summary.job_id},
        )
    async with transaction(engine) as connection:
        [one] = await held(connection, org, "anna")
        assert await held(connection, f"{org}-x", "anna") == ()
    assert (one.lease_token, one.expires_at) == (first.lease_token, first.expires_at)
    assert one.summary.job_id == first.job.summary.job_id


async def test_each_claim_has_an_end(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Closed, moved, released, skipped; expired when the next one takes the job, when it is moved
    away, or when the upkeep passes."""
    await fill(engine, order, org, 7)
    held_ = [await must(claims, org) for _ in range(7)]
    ids = [claim.job.summary.job_id for claim in held_]
    tokens = [claim.lease_token for claim in held_]
    plain = Ranking()
    async with transaction(engine) as connection:
        await close(connection, org, ids[0], tokens[0], by="anna", reason="DECIDED")
        await move(connection, org, ids[1], tokens[1], to_queue="q2", by="anna", ranking=plain)
        await release(connection, org, ids[2], tokens[2])
        await skip(connection, org, ids[3], tokens[3])
        await connection.execute(
            text(
                "UPDATE queues.jobs SET claimed_at = now() - interval '9 s',"
                " lease_expires_at = now() - interval '1 s' WHERE job_id = ANY(CAST(:j AS uuid[]))"
            ),
            {"j": ids[4:6]},
        )
        await connection.execute(
            text(
                "UPDATE queues.claims SET claimed_at = now() - interval '9 s'"
                " WHERE job_id = ANY(CAST(:j AS uuid[]))"
            ),
            {"j": ids[4:6]},
        )
    async with transaction(engine) as connection:
        assert await requeue(connection, org, ids[4], to_queue="q2", by="x", ranking=plain)
        assert await holding.expire(connection) >= 1
    assert await ended(engine, org) == {
        "i0": "CLOSED",
        "i1": "MOVED",
        "i2": "RELEASED",
        "i3": "SKIPPED",
        "i4": "EXPIRED",
        "i5": "EXPIRED",
        "i6": None,
    }


async def test_the_next_claim_ends_the_one_that_ran_out(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Its end is that of its lease, and the new claim is a row of its own."""
    await fill(engine, order, org, 1)
    first = await must(claims, org)
    job_id = first.job.summary.job_id
    async with transaction(engine) as connection:
        lapsed = await extend(connection, org, job_id, first.lease_token, seconds=0)
    await order.apply(lapsed.changes)
    second = await must(claims, org, "bert")
    assert second.job.summary.claim_count == 2
    query = text(
        "SELECT reviewer_id, ended_at, outcome FROM queues.claims"
        " WHERE job_id = :job ORDER BY number"
    )
    async with transaction(engine) as connection:
        rows = (await connection.execute(query, {"job": job_id})).all()
    assert [tuple(row) for row in rows] == [
        ("anna", lapsed.expires_at, "EXPIRED"),
        ("bert", None, None),
    ]


async def test_an_extended_lease_says_that_the_job_grew(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """A report that merges under review changes nothing in the reviewer's hands; the heartbeat
    answers with the present revision and number of reports."""
    await fill(engine, order, org, 1)
    claim = await must(claims, org)
    job_id, token = claim.job.summary.job_id, claim.lease_token
    async with transaction(engine) as connection:
        before = await extend(connection, org, job_id, token, seconds=60)
        await place_many(connection, [report(org, "i0", reporter=f"u{n}") for n in range(2)])
        after = await extend(connection, org, job_id, token, seconds=60)
    assert (before.revision, before.report_count) == (claim.job.summary.revision, 1)
    assert (after.revision, after.report_count) == (before.revision + 1, 3)
