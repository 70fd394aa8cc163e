"""Claims, leases, closing and moving on the real PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_queues.error import AlreadyClosed, JobNotFound, LeaseLost
from coop_queues.job import Claim, JobState, OrderChange, Placement
from coop_queues.store import (
    MOVED,
    REOPENED,
    Claims,
    OrderIndex,
    Ranking,
    close,
    extend,
    get_job,
    get_summary,
    jobs_of_item,
    move,
    pending_counts,
    place_many,
    release,
    reopen,
    requeue,
    skip,
)
from coop_runtime.database.engine import transaction

from .conftest import item, report

pytestmark = pytest.mark.engines

PLAIN = Ranking()


async def placed(engine: AsyncEngine, order: OrderIndex, *batch: Placement) -> list[str]:
    """Places as routing does: commit, then tell Redis."""
    async with transaction(engine) as connection:
        answers = await place_many(connection, batch)
    await order.apply(change for answer in answers for change in answer.changes)
    return [answer.job_id for answer in answers]


async def built(claims: Claims, org: str, *queues: str) -> None:
    """Has the order of these queues in Redis."""
    for queue in queues:
        claims.builder.start(org, queue)
    await claims.builder.idle()


async def expire(engine: AsyncEngine, order: OrderIndex, claim: Claim) -> None:
    """Lets the lease run out, without waiting for it."""
    summary = claim.job.summary
    async with transaction(engine) as connection:
        await connection.execute(
            text(
                "UPDATE queues.jobs SET lease_expires_at = now() - interval '1 s' WHERE job_id = :j"
            ),
            {"j": summary.job_id},
        )
    await order.apply([of(claim, "LEASE")])  # for 0 seconds


def of(claim: Claim, op: str, **fields: object) -> OrderChange:
    summary = claim.job.summary
    return OrderChange(
        op=op,  # type: ignore[arg-type]
        org_id=summary.org_id,
        queue_id=summary.queue_id,
        job_id=summary.job_id,
        rank=summary.rank,
        **fields,  # type: ignore[arg-type]
    )


async def must(claims: Claims, org: str, reviewer: str = "anna", *queues: str) -> Claim:
    claim = await claims.claim(org, queues or ["q1"], reviewer)
    assert claim is not None
    return claim


async def test_a_claim_shows_the_job_and_its_lease(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """The token is 128 random bits, the lease runs as long as asked, the job is whole."""
    await placed(engine, order, report(org, reason="rude"))
    before = datetime.now(UTC)
    claim = await claims.claim(org, ["q1"], "anna", lease_seconds=60)
    assert claim is not None
    assert re.fullmatch(r"[0-9a-f]{32}", claim.lease_token)
    assert before < claim.expires_at < datetime.now(UTC) + timedelta(seconds=61)
    assert claim.job.summary.lease_holder == "anna"
    assert claim.job.summary.claim_count == 1
    assert [r.reason for r in claim.job.reports] == ["rude"]
    async with transaction(engine) as connection:
        assert (await pending_counts(connection, org))["q1"].leased == 1


async def test_a_lease_that_ran_out_is_lost_and_the_job_comes_back(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """After the end of a lease another one gets the job, and the old token does nothing."""
    await built(claims, org, "q1")
    [job_id] = await placed(engine, order, report(org))
    first = await must(claims, org)
    assert await claims.claim(org, ["q1"], "bert") is None
    await expire(engine, order, first)
    second = await must(claims, org, "bert")
    assert second.job.summary.job_id == job_id
    assert second.lease_token != first.lease_token
    steps: list[tuple[Callable[..., Awaitable[object]], dict[str, Any]]] = [
        (close, {"by": "anna", "reason": "DECIDED"}),
        (extend, {"seconds": 5}),
        (release, {}),
        (skip, {}),
        (move, {"to_queue": "q2", "by": "anna", "ranking": PLAIN}),
    ]
    for step, extra in steps:
        with pytest.raises(LeaseLost):
            async with transaction(engine) as connection:
                await step(connection, org, job_id, first.lease_token, **extra)
    async with transaction(engine) as connection:
        closed = await close(
            connection, org, job_id, second.lease_token, by="bert", reason="DECIDED"
        )
    assert closed.summary.closed_by == "bert"


async def test_a_refused_close_that_the_caller_swallows_changes_nothing(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Even committed after LeaseLost, the job is pending and the next report merges into it."""
    [job_id] = await placed(engine, order, report(org, entry_id="r1"))
    async with transaction(engine) as connection:
        with pytest.raises(LeaseLost):
            await close(connection, org, job_id, "guess", by="eve", reason="DECIDED")
    assert await placed(engine, order, report(org, entry_id="r2")) == [job_id]


async def test_extending_moves_the_end(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """A heartbeat gives the full time again, from now."""
    await placed(engine, order, report(org))
    claim = await claims.claim(org, ["q1"], "anna", lease_seconds=5)
    assert claim is not None
    job_id = claim.job.summary.job_id
    async with transaction(engine) as connection:
        extended = await extend(connection, org, job_id, claim.lease_token, seconds=600)
    await order.apply(extended.changes)
    assert extended.expires_at > claim.expires_at + timedelta(seconds=500)
    assert await claims.claim(org, ["q1"], "bert") is None


async def test_a_released_job_has_its_old_turn(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Given back, the oldest job is the next one again, for everyone."""
    await built(claims, org, "q1")
    await placed(engine, order, report(org, "i1", minute=1), report(org, "i2", minute=2))
    claim = await must(claims, org)
    async with transaction(engine) as connection:
        freed = await release(connection, org, claim.job.summary.job_id, claim.lease_token)
    await order.apply(freed.changes)
    assert (await must(claims, org)).job.item.id == "i1"


@pytest.mark.parametrize("told", [True, False], ids=["redis told", "redis not told"])
async def test_a_skipped_job_is_hidden_from_its_skipper_only(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str, told: bool
) -> None:
    """The skipper gets the next one and then nothing, another gets the skipped one."""
    await built(claims, org, "q1")
    await placed(engine, order, report(org, "i1", minute=1), report(org, "i2", minute=2))
    claim = await must(claims, org)
    async with transaction(engine) as connection:
        freed = await skip(connection, org, claim.job.summary.job_id, claim.lease_token)
    await order.apply(freed.changes if told else [of(claim, "FREE")])
    assert (await must(claims, org, "anna")).job.item.id == "i2"
    assert await claims.claim(org, ["q1"], "anna") is None
    assert (await must(claims, org, "bert")).job.item.id == "i1"


async def test_a_skip_ends(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """After its time a skipped job is offered to its skipper again."""
    await placed(engine, order, report(org))
    claim = await must(claims, org)
    async with transaction(engine) as connection:
        freed = await skip(
            connection, org, claim.job.summary.job_id, claim.lease_token, hide_seconds=0
        )
    await order.apply(freed.changes)
    assert (await must(claims, org)).job.summary.claim_count == 2


async def test_a_job_closes_once(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Ten closes at the same moment under the same token: one succeeds, nine are AlreadyClosed."""
    [job_id] = await placed(engine, order, report(org))
    claim = await must(claims, org)

    async def one() -> bool:
        try:
            async with transaction(engine) as connection:
                await close(connection, org, job_id, claim.lease_token, by="anna", reason="DECIDED")
        except AlreadyClosed:
            return False
        return True

    assert sorted(await asyncio.gather(*(one() for _ in range(10)))) == [False] * 9 + [True]
    async with transaction(engine) as connection:
        summary = await get_summary(connection, org, job_id)
        generation = await connection.scalar(
            text("SELECT generation FROM queues.generations WHERE org_id = :o"), {"o": org}
        )
    assert summary.state is JobState.CLOSED
    assert summary.close_reason == "DECIDED"
    assert summary.lease_holder is None
    assert generation == 2


async def test_a_close_goes_back_with_the_callers_transaction(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """When the decision fails to be written, the job is still held under the same token."""
    [job_id] = await placed(engine, order, report(org))
    claim = await must(claims, org)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the failure is inside the transaction
        async with transaction(engine) as connection:
            await close(connection, org, job_id, claim.lease_token, by="anna", reason="DECIDED")
            _ = 1 / 0
    async with transaction(engine) as connection:
        await close(connection, org, job_id, claim.lease_token, by="anna", reason="DECIDED")


async def test_a_moved_job_goes_on_with_its_history_and_its_turn(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Moved twice, back to where it was, it still has every entry and item, and later reports."""
    await placed(
        engine,
        order,
        report(org, "i1", entry_id="r1", minute=1, additional=(item("a1"),), policies=("p1",)),
        report(org, "i2", entry_id="r2", minute=2, queue="q2"),
    )
    claim = await must(claims, org)
    old = claim.job.summary.job_id
    async with transaction(engine) as connection:
        moved = await move(
            connection, org, old, claim.lease_token, to_queue="q2", by="anna", ranking=PLAIN
        )
    await order.apply(moved.changes)
    assert not moved.merged
    assert moved.closed.close_reason == MOVED
    assert moved.closed.moved_to == moved.job_id
    await placed(engine, order, report(org, "i1", entry_id="r3", queue="q2", policies=("p2",)))
    second = await must(claims, org, "bert", "q2")
    assert second.job.item.id == "i1"  # its turn is that of its first report
    assert second.job.summary.moved_from == (old,)
    async with transaction(engine) as connection:
        back = await move(
            connection,
            org,
            moved.job_id,
            second.lease_token,
            to_queue="q1",
            by="bert",
            ranking=PLAIN,
        )
        job = await get_job(connection, org, back.job_id)
        before = await get_job(connection, org, old)
    assert job.summary.generation == 2
    assert job.summary.moved_from == (old, moved.job_id)
    assert {entry.entry_id for entry in job.entries} == {"r1", "r3"}
    assert (job.summary.entry_count, job.summary.policy_ids) == (2, ("p1", "p2"))
    assert [a.id for a in job.additional_items] == ["a1"]
    assert [entry.entry_id for entry in before.entries] == ["r1"]


async def test_a_job_moved_to_where_its_item_is_pending_joins_that_job(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """The two become one, with the older turn and both histories."""
    [_, there] = await placed(
        engine,
        order,
        report(org, entry_id="r1", minute=1),
        report(org, entry_id="r2", minute=5, queue="q2"),
    )
    claim = await must(claims, org)
    async with transaction(engine) as connection:
        moved = await move(
            connection,
            org,
            claim.job.summary.job_id,
            claim.lease_token,
            to_queue="q2",
            by="anna",
            ranking=PLAIN,
        )
        job = await get_job(connection, org, there)
    assert moved.merged
    assert moved.job_id == there
    assert {entry.entry_id for entry in job.entries} == {"r1", "r2"}
    assert job.summary.created_at == min(entry.at for entry in job.entries)
    assert job.summary.revision == 2


async def test_moving_to_the_same_queue_is_refused(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """A move to where the job is raises ValueError and leaves it held."""
    [job_id] = await placed(engine, order, report(org))
    claim = await must(claims, org)
    async with transaction(engine) as connection:
        with pytest.raises(ValueError, match="already"):
            await move(
                connection, org, job_id, claim.lease_token, to_queue="q1", by="anna", ranking=PLAIN
            )
        await extend(connection, org, job_id, claim.lease_token, seconds=5)


async def test_two_moves_across_never_wait_for_each_other(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Jobs moved from q1 to q2 and back at the same moment do not deadlock."""
    for number in range(5):
        await placed(
            engine,
            order,
            report(org, f"i{number}", entry_id=f"a{number}"),
            report(org, f"i{number}", entry_id=f"b{number}", queue="q2"),
        )
    held = [await must(claims, org, "anna", "q1", "q2") for _ in range(10)]

    async def one(claim: Claim) -> None:
        summary = claim.job.summary
        to_queue = "q2" if summary.queue_id == "q1" else "q1"
        async with transaction(engine) as connection:
            await move(
                connection,
                org,
                summary.job_id,
                claim.lease_token,
                to_queue=to_queue,
                by="anna",
                ranking=PLAIN,
            )

    await asyncio.gather(*(one(claim) for claim in held))
    async with transaction(engine) as connection:
        found = [await jobs_of_item(connection, org, ItemRef(f"i{n}", "post")) for n in range(5)]
    assert sum(job.entry_count for jobs in found for job in jobs) == 10


async def test_another_organisations_ids_are_not_found(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """With the right job id and the right token, the wrong organisation gets JobNotFound."""
    [job_id] = await placed(engine, order, report(org))
    claim = await must(claims, org)
    token, mallory = claim.lease_token, f"{org}-x"
    assert await claims.claim(mallory, ["q1"], "eve") is None
    async with transaction(engine) as connection:
        for call in (
            get_job(connection, mallory, job_id),
            get_summary(connection, mallory, job_id),
            extend(connection, mallory, job_id, token, seconds=5),
            release(connection, mallory, job_id, token),
            skip(connection, mallory, job_id, token),
            close(connection, mallory, job_id, token, by="eve", reason="DECIDED"),
            move(connection, mallory, job_id, token, to_queue="q2", by="eve", ranking=PLAIN),
            get_job(connection, org, "not-a-uuid"),
        ):
            with pytest.raises(JobNotFound):
                await call
        assert await jobs_of_item(connection, mallory, ItemRef("i1", "post")) == ()
        assert await pending_counts(connection, mallory) == {}
        await extend(connection, org, job_id, token, seconds=5)


async def test_only_a_job_that_nobody_holds_is_requeued(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """A held job stays with its reviewer; a free one goes to the other queue with its history."""
    [job_id] = await placed(engine, order, report(org, entry_id="r1"))
    claim = await must(claims, org)
    async with transaction(engine) as connection:
        assert (
            await requeue(connection, org, job_id, to_queue="q2", by="routing", ranking=PLAIN)
            is None
        )
        await release(connection, org, job_id, claim.lease_token)
    async with transaction(engine) as connection:
        moved = await requeue(connection, org, job_id, to_queue="q2", by="routing", ranking=PLAIN)
        assert moved is not None
        job = await get_job(connection, org, moved.job_id)
        assert (
            await requeue(connection, org, job_id, to_queue="q3", by="routing", ranking=PLAIN)
            is None
        )
    assert job.summary.queue_id == "q2"
    assert [entry.entry_id for entry in job.entries] == ["r1"]


async def test_a_closing_that_is_taken_back_goes_on_as_a_new_job(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Reopened, the job has its history, its turn and what came since, can be decided again, and
    the first closing stays on record; a pending job cannot be reopened, nor one twice."""
    await placed(engine, order, report(org, "i1", entry_id="r1", minute=1))
    claim = await must(claims, org)
    old = claim.job.summary.job_id
    async with transaction(engine) as connection:
        assert await reopen(connection, org, old, ranking=PLAIN) is None
        closed = await close(connection, org, old, claim.lease_token, by="anna", reason="DECIDED")
    await order.apply(closed.changes)
    [later] = await placed(engine, order, report(org, "i1", entry_id="r2", minute=9))
    async with transaction(engine) as connection:
        with pytest.raises(JobNotFound):
            await reopen(connection, f"{org}-x", old, ranking=PLAIN)
        reopened = await reopen(connection, org, old, ranking=PLAIN)
    assert reopened is not None
    await order.apply(reopened.changes)
    assert (reopened.job_id, reopened.merged) == (later, True)
    again = await must(claims, org)
    assert again.job.summary.job_id == later
    assert again.job.summary.moved_from == (old,)
    assert {entry.entry_id for entry in again.job.entries} == {"r1", "r2"}
    assert again.job.summary.rank == claim.job.summary.rank
    async with transaction(engine) as connection:
        first = await get_summary(connection, org, old)
        assert await reopen(connection, org, old, ranking=PLAIN) is None
        await close(connection, org, later, again.lease_token, by="bert", reason="DECIDED")
    assert (first.close_reason, first.moved_to, first.closed_by) == (REOPENED, later, "anna")
