"""Redis flushed, killed, absent, wrong: no job is held twice and none is lost."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_local.valkey import Valkey
from coop_queues import sync
from coop_queues.job import Claim, OrderChange
from coop_queues.order import OrderUnavailable
from coop_queues.ranking import microseconds_of
from coop_queues.store import (
    Claims,
    OrderIndex,
    Reconciler,
    SweepScope,
    closable,
    close,
    close_free,
    end_leases,
    extend,
    place_many,
    release,
)
from coop_runtime.database.engine import engine_of, service_url, transaction

from .conftest import PASSWORDS, START, report
from .test_claim import built, must, of, placed

pytestmark = pytest.mark.engines


def no_redis() -> OrderIndex:
    """An index whose Redis is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return OrderIndex.of(f"redis://127.0.0.1:{port}/0")


async def until(condition: Callable[[], bool]) -> None:
    """Polls; the caller sets the deadline."""
    while not condition():  # noqa: ASYNC110 - what is waited for is in the database
        await asyncio.sleep(0.001)


async def place_all(engine: AsyncEngine, order: OrderIndex, org: str, count: int) -> None:
    await placed(engine, order, *(report(org, f"i{n:03}", minute=n) for n in range(count)))


async def claim_all(
    engine: AsyncEngine, many: list[Claims], org: str, count: int, *, seen: list[Claim]
) -> None:
    """Twenty reviewers claim and close until `count` jobs are closed."""

    async def reviewer(number: int) -> None:
        claims = many[number % len(many)]
        while len(seen) < count:
            claim = await claims.claim(org, ["q1"], f"reviewer-{number}")
            if claim is None:
                await asyncio.sleep(0)
                continue
            summary = claim.job.summary
            async with transaction(engine) as connection:
                # Fails for a second holder.
                await extend(connection, org, summary.job_id, claim.lease_token, seconds=60)
                await asyncio.sleep(0)
                await close(
                    connection,
                    org,
                    summary.job_id,
                    claim.lease_token,
                    by=f"reviewer-{number}",
                    reason="DECIDED",
                )
            seen.append(claim)

    await asyncio.gather(*(reviewer(number) for number in range(20)))


async def test_twenty_reviewers_with_redis_flushed_in_the_middle(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, redis_url: str, org: str
) -> None:
    """Each of 300 jobs is held once, though Redis loses everything again and again."""
    await place_all(engine, order, org, 300)
    seen: list[Claim] = []
    client = Redis.from_url(redis_url)

    async def flusher() -> None:
        flushed = 0
        while len(seen) < 300:
            if len(seen) >= 30 * flushed:
                await client.flushall()
                flushed += 1
            await asyncio.sleep(0.001)

    await asyncio.gather(claim_all(engine, [claims], org, 300, seen=seen), flusher())
    await client.aclose()
    assert len({claim.job.summary.job_id for claim in seen}) == 300
    assert all(claim.job.summary.claim_count == 1 for claim in seen)


async def test_two_redis_that_disagree(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, redis_url: str, org: str
) -> None:
    """Two processes with a Redis each, that both offer every job, still hold each job once."""
    other_order = OrderIndex.of(redis_url.removesuffix("/0") + "/1", timeout=20)
    other = Claims(engine, other_order)
    await place_all(engine, order, org, 100)
    await built(claims, org, "q1")
    await built(other, org, "q1")
    seen: list[Claim] = []
    await claim_all(engine, [claims, other], org, 100, seen=seen)
    assert Counter(c.job.summary.claim_count for c in seen) == {1: 100}
    await other.close()
    await other_order.close()


async def test_without_redis_everything_works(engine: AsyncEngine, org: str) -> None:
    """With no Redis at all jobs are placed, claimed in their order, released and closed."""
    order = no_redis()
    claims = Claims(engine, order)
    await place_all(engine, order, org, 50)
    first = await must(claims, org)
    assert first.job.item.id == "i000"
    async with transaction(engine) as connection:
        freed = await release(connection, org, first.job.summary.job_id, first.lease_token)
    assert not await order.apply(freed.changes)
    assert not await order.answers()
    seen: list[Claim] = []
    await claim_all(engine, [claims], org, 50, seen=seen)
    assert len({claim.job.summary.job_id for claim in seen}) == 50
    await claims.close()
    await order.close()


async def test_redis_killed_in_the_middle(engine: AsyncEngine, org: str, tmp_path: Path) -> None:
    """Redis dies while reviewers work, and comes back: nobody notices but the log."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    order = OrderIndex.of(server.url)
    claims = Claims(engine, order)
    await place_all(engine, order, org, 120)
    await built(claims, org, "q1")
    seen: list[Claim] = []
    working = asyncio.create_task(claim_all(engine, [claims], org, 120, seen=seen))
    async with asyncio.timeout(30):
        await until(lambda: len(seen) >= 30)
        await asyncio.to_thread(server.stop)
        await until(lambda: len(seen) >= 60)
        await asyncio.to_thread(server.start)
        await working
    assert len({claim.job.summary.job_id for claim in seen}) == 120
    await claims.close()
    await order.close()
    server.stop()


async def test_a_redis_that_failed_is_left_alone_for_a_moment() -> None:
    """After a failure nothing is sent for a second, then it is tried again."""
    now = 100.0
    sent = 0

    class Broken(Redis):
        async def execute_command(self, *args: object, **kwargs: object) -> object:
            nonlocal sent
            sent += 1
            raise ConnectionError("gone")

    order = OrderIndex(Broken(), clock=lambda: now)
    for _ in range(5):
        with pytest.raises(OrderUnavailable):
            await order.reserve("o", "q", reviewer_id="anna")
    assert sent == 1
    now += 1.5
    assert not await order.answers()
    assert sent == 2


async def test_a_stale_order_is_corrected_by_claims(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Redis offers a closed job, a held one and an unknown one first: the claim is the next job."""
    ids = await placed(engine, order, *(report(org, f"i{n}", minute=n) for n in range(3)))
    await built(claims, org, "q1")
    closed, held = await must(claims, org), await must(claims, org)
    async with transaction(engine) as connection:
        await close(connection, org, ids[0], closed.lease_token, by="anna", reason="DECIDED")
    unknown = "00000000-0000-0000-0000-000000000001"
    await order.apply(
        OrderChange(op="FREE", org_id=org, queue_id="q1", job_id=job, rank=rank)
        for rank, job in enumerate((unknown, ids[0], held.job.summary.job_id))
    )
    assert (await must(claims, org, "bert")).job.summary.job_id == ids[2]
    assert await order.members(org, "q1", 0, 9) == []
    assert await order.size(org, "q1") == 2


async def test_a_reservation_whose_claimer_died_comes_back(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """A job reserved in Redis but never leased is offered by the rows at once."""
    await placed(engine, order, report(org))
    await built(claims, org, "q1")
    assert await order.reserve(org, "q1", reviewer_id="anna") is not None
    assert await order.reserve(org, "q1", reviewer_id="bert") is None
    assert (await must(claims, org, "bert")).job.item.id == "i1"


async def test_a_job_redis_never_heard_of_is_claimed_and_then_repaired(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Killed between commit and Redis: the rows give the job, and the reconciler its turn."""
    await built(claims, org, "q1")
    async with transaction(engine) as connection:
        batch = [report(org, f"i{n}", minute=n) for n in range(3)]
        ids = [answer.job_id for answer in await place_many(connection, batch)]
    assert (await must(claims, org)).job.summary.job_id == ids[0]
    assert await order.size(org, "q1") == 1
    reconciler = Reconciler(engine, order)
    await reconciler.once()
    assert await order.size(org, "q1") == 1  # one difference may be a moment's
    await reconciler.once()
    assert await order.members(org, "q1", 0, 9) == ids[1:]


async def test_repair_removes_what_is_not_pending(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Surplus jobs leave Redis at a full round, though the numbers had agreed."""
    ids = await placed(engine, order, report(org, "i1"), report(org, "i2"))
    await built(claims, org, "q1")
    await order.apply(
        [
            OrderChange(op="REMOVE", org_id=org, queue_id="q1", job_id=ids[0]),
            OrderChange(
                op="ADD", org_id=org, queue_id="q1", job_id="00000000-0000-0000-0000-000000000001"
            ),
        ]
    )
    await Reconciler(engine, order, full_every=1).once()
    assert sorted(await order.members(org, "q1", 0, 9)) == sorted(ids)


async def test_what_is_left_of_an_emptied_queue_leaves_redis(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """Closed while Redis could not be told, a queue's last jobs do not stay there for ever: neither
    those that were free nor those that were held."""
    await placed(engine, order, report(org, "i1"), report(org, "i2", minute=1))
    await built(claims, org, "q1")
    reconciler = Reconciler(engine, order)
    await reconciler.once()
    held = await must(claims, org)
    await order.apply([of(held, "LEASE")])  # for 0 seconds
    async with transaction(engine) as connection:
        scope = SweepScope(org_id=org, until=datetime.now(UTC))
        await end_leases(connection, org, [held.job.summary.job_id])
        found = await closable(connection, scope, limit=9)
        assert len(await close_free(connection, org, found, by="t", reason="ERASED")) == 2
    assert await order.size(org, "q1") == 2
    for _ in range(2):
        await reconciler.once()
    assert await order.size(org, "q1") == 0


async def test_building_twice_at_once_and_losing_the_data_meanwhile(
    engine: AsyncEngine, order: OrderIndex, redis_url: str, org: str
) -> None:
    """One builder at a time works; an order that was flushed meanwhile does not count as whole."""
    await placed(engine, no_redis(), *(report(org, f"i{n}", minute=n) for n in range(5)))
    answers = await asyncio.gather(*(sync.build(engine, order, org, "q1") for _ in range(5)))
    assert answers.count(True) >= 1
    assert await order.size(org, "q1") == 5
    client = Redis.from_url(redis_url)
    await client.flushall()
    assert (await order.call(org, "q1", "begin", "me", 30_000))[0] == b"ok"
    assert not await sync.build(engine, order, org, "q1")
    await client.flushall()
    assert (await order.call(org, "q1", "built", "me"))[0] == b"lost"
    assert await order.size(org, "q1") is None
    await client.aclose()


async def test_a_built_order_knows_the_leases(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, redis_url: str, org: str
) -> None:
    """After a flush and a rebuild a held job is not offered, and comes back when its lease ends."""
    await placed(engine, order, report(org, "i1"), report(org, "i2", minute=1))
    held = await must(claims, org)
    client = Redis.from_url(redis_url)
    await client.flushall()
    await client.aclose()
    assert await sync.build(engine, order, org, "q1")
    assert await order.size(org, "q1") == 2
    assert len(await order.members(org, "q1", 0, 9)) == 1
    async with transaction(engine) as connection:
        freed = await release(connection, org, held.job.summary.job_id, held.lease_token)
    await order.apply(freed.changes)
    assert (await must(claims, org)).job.item.id == "i1"


async def test_ranks_survive_the_way_through_redis(order: OrderIndex, org: str) -> None:
    """Two jobs a microsecond apart keep their order and their exact ranks."""
    await order.call(org, "q1", "begin", "me", 1000)
    await order.call(org, "q1", "built", "me")
    rank = microseconds_of(START) + 123_456
    jobs = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(2)]
    await order.apply(
        OrderChange(op="ADD", org_id=org, queue_id="q1", job_id=job, rank=rank - n)
        for n, job in enumerate(jobs)
    )
    offers = [await order.reserve(org, "q1", reviewer_id="anna") for _ in range(2)]
    assert [(o.job_id, o.rank) for o in offers if o] == [(jobs[1], rank - 1), (jobs[0], rank)]


async def test_review_api_may_close_with_its_own_role(
    queues_admin_url: str, engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str
) -> None:
    """coop_review, a member of coop_queues, closes in a transaction on its own connection."""
    [job_id] = await placed(engine, order, report(org))
    claim = await must(claims, org)
    url = service_url(queues_admin_url, "coop_review", PASSWORDS["coop_review"])
    review = engine_of(url, application_name="review")
    async with transaction(review) as connection:
        await close(connection, org, job_id, claim.lease_token, by="anna", reason="DECIDED")
    await review.dispose()


async def test_redis_itself_hides_skips_and_gives_back_what_ran_out(
    order: OrderIndex, org: str
) -> None:
    """Without a look at the rows: a skipped job is offered to others only, and a lease that ended
    makes its job the first again."""
    await order.call(org, "q1", "begin", "me", 1000)
    await order.call(org, "q1", "built", "me")
    jobs = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(3)]

    def change(op: Literal["ADD", "LEASE", "FREE"], number: int, **fields: Any) -> OrderChange:
        return OrderChange(
            op=op, org_id=org, queue_id="q1", job_id=jobs[number], rank=number, **fields
        )

    await order.apply(
        [
            change("ADD", 1),
            change("FREE", 0, reviewer_id="anna", seconds=60),
            change("LEASE", 2, seconds=60),
        ]
    )
    assert (await order.reserve(org, "q1", reviewer_id="anna")).job_id == jobs[1]  # type: ignore[union-attr]
    assert await order.reserve(org, "q1", reviewer_id="anna") is None
    assert (await order.reserve(org, "q1", reviewer_id="bert")).job_id == jobs[0]  # type: ignore[union-attr]
    await order.apply([change("LEASE", 2, seconds=0), change("ADD", 2)])
    assert (await order.reserve(org, "q1", reviewer_id="bert")).job_id == jobs[2]  # type: ignore[union-attr]
