"""Claims by id, claims ahead of time, and everything given back at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues import holding
from coop_queues.error import AlreadyClosed, HeldByOther, JobNotFound, OneAhead
from coop_queues.job import Claim
from coop_queues.store import (
    Claims,
    OrderIndex,
    Ranking,
    close,
    extend,
    get_summary,
    held,
    held_since,
    lease_job,
    place_many,
    release,
    release_all,
    reopen,
)
from coop_runtime.database.engine import transaction

from .conftest import report

pytestmark = pytest.mark.engines


async def fill(engine: AsyncEngine, order: OrderIndex, org: str, count: int) -> list[str]:
    async with transaction(engine) as connection:
        answers = await place_many(
            connection, [report(org, f"i{n}", minute=n) for n in range(count)]
        )
    await order.apply(change for answer in answers for change in answer.changes)
    return [answer.job_id for answer in answers]


async def outcomes(engine: AsyncEngine, org: str) -> list[str | None]:
    """How the claims of an organisation ended, in the order in which they were made."""
    query = text("SELECT outcome FROM queues.claims WHERE org_id = :org ORDER BY job_id, number")
    async with transaction(engine) as connection:
        return list(await connection.scalars(query, {"org": org}))


async def lapse(engine: AsyncEngine, org: str) -> None:
    """All leases run out."""
    query = text(
        "UPDATE queues.jobs SET lease_expires_at = now() - interval '1 s'"
        " WHERE org_id = :org AND lease_expires_at IS NOT NULL"
    )
    async with transaction(engine) as connection:
        await connection.execute(query, {"org": org})


async def ahead(claims: Claims, org: str, reviewer: str = "anna") -> Claim:
    claim = await claims.claim(org, ["q1"], reviewer, at_most=5, ahead=True, lease_seconds=120)
    assert claim is not None
    return claim


async def test_of_many_who_choose_a_job_one_has_it(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Some choose it by its id, others take the next one, all at once: one has the job, and the
    others are told who."""
    [job_id] = await fill(engine, order, org, 1)

    async def choose(number: int) -> str | None:
        try:
            return (await claims.claim_job(org, job_id, f"r{number}")).job.summary.lease_holder
        except HeldByOther as refusal:
            return f"not me but {refusal.holder}"

    async def take(number: int) -> str | None:
        claim = await claims.claim(org, ["q1"], f"r{number}")
        return None if claim is None else claim.job.summary.lease_holder

    answers = await asyncio.gather(
        *(choose(number) if number % 2 else take(number) for number in range(12))
    )
    winners = [one for one in answers if one and not one.startswith("not me")]
    assert len(winners) == 1
    refused = {one for one in answers if one and one.startswith("not me")}
    assert refused <= {f"not me but {winners[0]}"}
    assert len(await outcomes(engine, org)) == 1


async def test_what_is_not_to_be_had_says_why(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """No such job, another organisation's, a closed one; and one's own job is one's own again."""
    job_id, other = await fill(engine, order, org, 2)
    mine = await claims.claim_job(org, job_id, "anna")
    again = await claims.claim_job(org, job_id, "anna", at_most=1)
    assert again.lease_token == mine.lease_token
    for org_id, unknown in ((org, "nothing"), ("org-other", job_id)):
        with pytest.raises(JobNotFound):
            await claims.claim_job(org_id, unknown, "bert")
    async with transaction(engine) as connection:
        await close(connection, org, job_id, mine.lease_token, by="anna", reason="DECIDED")
    with pytest.raises(AlreadyClosed):
        await claims.claim_job(org, job_id, "bert")
    assert (await claims.claim_job(org, other, "bert")).job.summary.job_id == other


async def test_one_job_ahead_and_no_more(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """A second one ahead is refused, also at the same moment; opening the first makes room."""
    await fill(engine, order, org, 4)
    answers = await asyncio.gather(*(ahead(claims, org) for _ in range(4)), return_exceptions=True)
    taken = [one for one in answers if isinstance(one, Claim)]
    assert len(taken) == 1
    assert sum(isinstance(one, OneAhead) for one in answers) == 3
    assert taken[0].job.summary.unopened
    async with transaction(engine) as connection:
        opened = await extend(
            connection, org, taken[0].job.summary.job_id, taken[0].lease_token, seconds=600
        )
    assert opened.opened_at > taken[0].job.summary.claimed_at  # type: ignore[operator]
    assert (await ahead(claims, org)).job.summary.unopened


@pytest.mark.parametrize("way", ["released", "taken by the next", "seen by the upkeep", "away"])
async def test_what_was_never_opened_comes_back_without_a_trace(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str, way: str
) -> None:
    """It is no claim that expired or was given back, it hides the job from nobody, and whoever
    opens the job next begins then."""
    [job_id] = await fill(engine, order, org, 1)
    claim = await ahead(claims, org)
    if way == "released":
        async with transaction(engine) as connection:
            await release(connection, org, job_id, claim.lease_token)
    elif way == "away":
        async with transaction(engine) as connection:
            assert [one.summary.job_id for one in await release_all(connection, org, "anna")] == [
                job_id
            ]
    else:
        await lapse(engine, org)
    if way == "seen by the upkeep":
        async with transaction(engine) as connection:
            await holding.expire(connection)
    again = await claims.claim_job(org, job_id, "anna")
    assert await outcomes(engine, org) == [None]
    assert not again.job.summary.unopened
    skips = text("SELECT count(*) FROM queues.skips WHERE org_id = :org")
    async with transaction(engine) as connection:
        assert await connection.scalar(skips, {"org": org}) == 0


async def test_a_decision_taken_back_is_its_own_before_anybody_elses(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """While others ask for the next job again and again, the job that comes to be by reopening is
    leased in the same transaction to who took the closing back."""
    [job_id] = await fill(engine, order, org, 1)
    for _ in range(5):
        claim = await claims.claim_job(org, job_id, "anna")
        async with transaction(engine) as connection:
            await close(connection, org, job_id, claim.lease_token, by="anna", reason="DECIDED")
        stop = asyncio.Event()

        async def ask(until: asyncio.Event = stop) -> list[Any]:
            found = []
            while not until.is_set():
                found.append(await claims.claim(org, ["q1"], "bert"))
            return found

        others = asyncio.create_task(ask())
        async with transaction(engine) as connection:
            reopened = await reopen(connection, org, job_id, ranking=Ranking())
            assert reopened is not None
            mine, change = await lease_job(
                connection, org, reopened.job_id, "anna", lease_seconds=600
            )
        await order.apply([*reopened.changes, change])
        assert mine.job.summary.generation > claim.job.summary.generation
        await claims.claim(org, ["q1"], "carl")
        stop.set()
        assert not any(await others)
        job_id = reopened.job_id


async def test_the_next_one_after_a_decision_is_found_again(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """What was claimed after a job was closed, by who closed it, and is held: not what they held
    before, nor what they only have ahead."""
    first, before, after, _ = await fill(engine, order, org, 4)
    await claims.claim_job(org, before, "anna")
    claim = await claims.claim_job(org, first, "anna")

    async def since(reviewer: str) -> str | None:
        async with transaction(engine) as connection:
            found = await held_since(connection, org, first, reviewer)
        return None if found is None else found.summary.job_id

    async with transaction(engine) as connection:
        await close(connection, org, first, claim.lease_token, by="anna", reason="DECIDED")
    assert await since("anna") is None
    one = await ahead(claims, org)
    assert one.job.summary.job_id == after
    assert await since("anna") is None
    async with transaction(engine) as connection:
        await extend(connection, org, after, one.lease_token, seconds=600)
    assert await since("anna") == after
    assert await since("bert") is None


async def test_stepping_away_gives_everything_back_at_once(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """All of one's jobs are free, in their old turn and for oneself too; others keep theirs."""
    jobs = await fill(engine, order, org, 4)
    for job_id in jobs[:3]:
        await claims.claim_job(org, job_id, "anna")
    await claims.claim_job(org, jobs[3], "bert")
    async with transaction(engine) as connection:
        freed = await release_all(connection, org, "anna")
    await order.apply(change for one in freed for change in one.changes)
    async with transaction(engine) as connection:
        assert await held(connection, org, "anna") == ()
        assert len(await held(connection, org, "bert")) == 1
        assert (await get_summary(connection, org, jobs[0])).lease_holder is None
    again = await claims.claim(org, ["q1"], "anna")
    assert again is not None
    assert again.job.summary.job_id == jobs[0]
    assert sorted(str(one) for one in await outcomes(engine, org)) == [
        "None",
        "None",
        "RELEASED",
        "RELEASED",
        "RELEASED",
    ]
