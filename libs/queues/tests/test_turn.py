"""Turns on the real PostgreSQL and Redis: merges that raise them, deadlines, changed rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Policy, Queue, QueueOrder, QueueWeights
from coop_queues.job import Placement
from coop_queues.ranking import LONGEST_WAIT, UNRANKED
from coop_queues.rerank import rerank
from coop_queues.store import (
    Claims,
    OrderIndex,
    Ranker,
    Ranking,
    close,
    get_summary,
    move,
    pending_page,
    place_many,
    reopen,
)
from coop_runtime.database.engine import transaction

from .conftest import START, report

pytestmark = pytest.mark.engines

POLICIES = (
    Policy(id="law", name="Law", penalty="SEVERE", review_within_minutes=60),
    Policy(id="spam", name="Spam", penalty="LOW"),
)


def ranking(order: str, revision: int = 1, **fields: Any) -> Ranking:
    queue = Queue(id="q1", name="Q", order=QueueOrder(order), **fields)
    return Ranking.of(queue, POLICIES, revision=revision)


class Configured:
    """The rankings of a configuration that a test changes."""

    def __init__(self, found: Ranking) -> None:
        self._ranking = found
        self._changes = 1

    def set(self, found: Ranking) -> None:
        self._ranking = found
        self._changes += 1

    @property
    def changes(self) -> int:
        return self._changes

    def of(self, org_id: str, queue_id: str) -> Ranking:
        return self._ranking


@pytest.fixture(autouse=True)
async def alone(engine: AsyncEngine) -> None:
    """The upkeep looks after all organisations: others' jobs are none of these tests' business."""
    async with transaction(engine) as connection:
        await connection.execute(text("TRUNCATE queues.jobs, queues.entries, queues.generations"))


async def placed(
    engine: AsyncEngine, order: OrderIndex, batch: Sequence[Placement], now: datetime | None = None
) -> list[str]:
    async with transaction(engine) as connection:
        answers = await place_many(connection, batch, now=now)
    await order.apply(change for answer in answers for change in answer.changes)
    return [answer.job_id for answer in answers]


async def items(engine: AsyncEngine, org: str) -> list[str]:
    """The queue q1 in its order, by the rows."""
    async with transaction(engine) as connection:
        page = await pending_page(connection, org, "q1")
    return [job.item.id for job in page.jobs]


async def offered(order: OrderIndex, org: str, count: int) -> list[str]:
    """The first jobs of q1 by Redis, which then offers them to nobody else for a while."""
    offers = [await order.reserve(org, "q1", reviewer_id="anna") for _ in range(count)]
    return [offer.job_id for offer in offers if offer]


async def built(claims: Claims, org: str) -> None:
    claims.builder.start(org, "q1")
    await claims.builder.idle()


async def test_a_merge_raises_a_turn_and_redis_is_told(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Where most reports come first, a second report puts its job before older ones, in the rows
    and in Redis; the count of reporters knows each once."""
    most = ranking("MOST_REPORTS")
    await built(claims, org)
    batch = [report(org, f"i{n}", minute=n, ranking=most) for n in range(3)]
    ids = await placed(engine, order, batch)
    assert await items(engine, org) == ["i0", "i1", "i2"]
    more = [report(org, "i2", minute=9, reporter=who, ranking=most) for who in ("u1", "u2", "u2")]
    await placed(engine, order, more)
    assert await items(engine, org) == ["i2", "i0", "i1"]
    assert await offered(order, org, 3) == [ids[2], ids[0], ids[1]]
    async with transaction(engine) as connection:
        summary = await get_summary(connection, org, ids[2])
    assert (summary.report_count, summary.reporter_count, summary.revision) == (4, 2, 2)


async def test_a_graver_policy_brings_the_deadline_forward(engine: AsyncEngine, org: str) -> None:
    """Deadline and severity are the strictest of all reports of the job; the first cause counts,
    also when it comes last."""
    how = ranking("EARLIEST_DEADLINE", target_minutes=600)
    async with transaction(engine) as connection:
        [first] = await place_many(connection, [report(org, minute=5, ranking=how)])
        mild = await get_summary(connection, org, first.job_id)
        await place_many(connection, [report(org, minute=9, policies=("law",), ranking=how)])
        grave = await get_summary(connection, org, first.job_id)
        await place_many(connection, [report(org, minute=2, policies=("spam",), ranking=how)])
        earlier = await get_summary(connection, org, first.job_id)
    assert (mild.severity, mild.deadline) == (0, START + timedelta(minutes=605))
    assert (grave.severity, grave.deadline) == (4, START + timedelta(minutes=65))
    assert (earlier.severity, earlier.deadline) == (4, START + timedelta(minutes=62))
    assert earlier.created_at == START + timedelta(minutes=2)


async def test_what_is_overdue_goes_first(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Nobody starves where most reports come first: past its deadline, or without one past the
    longest wait, a job of one report goes before all others."""
    how = ranking("MOST_REPORTS", target_minutes=60)
    await built(claims, org)
    now = START + timedelta(minutes=30)
    batch = [report(org, "lonely", minute=0, ranking=how)]
    batch += [report(org, "busy", minute=1, reporter=f"u{n}", ranking=how) for n in range(50)]
    ids = await placed(engine, order, batch, now)
    ranker = Ranker(engine, order, Configured(how), clock=lambda: now)
    await ranker.once()
    assert await items(engine, org) == ["busy", "lonely"]
    now = START + timedelta(minutes=60)
    await ranker.once()
    assert await items(engine, org) == ["lonely", "busy"]
    assert await offered(order, org, 2) == ids[:2]
    # More reports of either change nothing about that.
    more = [report(org, "busy", minute=2, reporter=f"v{n}", ranking=how) for n in range(5)]
    more.append(report(org, "lonely", minute=50, ranking=how))
    await placed(engine, order, more, now)
    assert await items(engine, org) == ["lonely", "busy"]
    plain = Ranker(
        engine, order, Configured(ranking("MOST_REPORTS", 2)), clock=lambda: START + LONGEST_WAIT
    )
    await plain.once()
    assert await items(engine, org) == ["lonely", "busy"]


async def test_a_changed_order_ranks_what_is_pending_anew(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str
) -> None:
    """Order, weights or target, or a policy: each change reaches the pending jobs and Redis, also
    a job that somebody holds."""
    configured = Configured(ranking("OLDEST_FIRST"))
    await built(claims, org)
    batch = [report(org, "old", minute=0), report(org, "busy", minute=10)]
    batch += [report(org, "busy", minute=11, reporter="u2"), report(org, "new", minute=15)]
    batch.append(report(org, "grave", minute=20, policies=("law",)))
    [old, busy, _, new, grave] = await placed(engine, order, batch, START)
    ranker = Ranker(engine, order, configured, clock=lambda: START)
    weights = QueueWeights(severity=4)
    held = await claims.claim(org, ["q1"], "bert")
    assert held is not None
    for revision, how, expected in (
        (2, "MOST_REPORTS", ["busy", "old", "new", "grave"]),
        (3, "WEIGHTED", ["old", "grave", "busy", "new"]),
        (4, "OLDEST_FIRST", ["old", "busy", "new", "grave"]),
    ):
        configured.set(ranking(how, revision, weights=weights, target_minutes=10_000))
        await ranker.once()
        assert await items(engine, org) == expected
    configured.set(ranking("MOST_REPORTS", 5))
    await ranker.once()
    assert await offered(order, org, 3) == [busy, new, grave]
    assert held.job.summary.job_id == old


async def test_a_ranking_goes_on_where_it_stopped_and_is_never_taken_back(
    engine: AsyncEngine, order: OrderIndex, org: str
) -> None:
    """Killed after a batch, another process finishes; a process whose configuration is older leaves
    newer turns alone; a job marked as unranked gets its turn at once."""
    newer = ranking("MOST_REPORTS", 5)
    batch = [report(org, f"i{n}", minute=n) for n in range(7)]
    batch += [report(org, "i6", minute=8, reporter="u2")]
    ids = await placed(engine, order, batch)
    async with transaction(engine) as connection:
        changes = await rerank(connection, org, "q1", ids[:3], newer, now=START)
        assert await rerank(connection, org, "q1", ids[:3], newer, now=START) == []
    assert {change.job_id for change in changes} == set(ids[:3])
    behind = Ranker(engine, order, Configured(ranking("WEIGHTED", 4)), clock=lambda: START)
    await behind.once()
    async with transaction(engine) as connection:
        count = text("SELECT count(*) FROM queues.jobs WHERE org_id = :org AND ranking = :digest")
        kept = await connection.scalar(count, {"org": org, "digest": newer.digest})
    assert kept == 3
    after = Ranker(engine, order, Configured(newer), clock=lambda: START)
    await after.once()
    assert await items(engine, org) == ["i6", "i0", "i1", "i2", "i3", "i4", "i5"]
    async with transaction(engine) as connection:
        unrank = text(
            "UPDATE queues.jobs SET ranking = :unranked, report_count = 9 WHERE job_id = :job"
        )
        await connection.execute(unrank, {"job": ids[3], "unranked": UNRANKED})
    await after.once()
    assert (await items(engine, org))[0] == "i3"


async def test_a_moved_and_a_reopened_job_have_the_turn_of_their_queue(
    engine: AsyncEngine, claims: Claims, org: str
) -> None:
    """The turn is computed by the target's ranking, from the facts of both lines of history."""
    most = ranking("MOST_REPORTS")
    async with transaction(engine) as connection:
        batch = [report(org, "i1", queue="q2", reporter=who) for who in ("u1", "u2")]
        batch += [report(org, "i1", ranking=most, reporter=who) for who in ("u2", "u3")]
        batch += [report(org, "i2", ranking=most, reporter=who) for who in ("u1", "u2", "u3")]
        await place_many(connection, batch)
    claim = await claims.claim(org, ["q2"], "anna")
    assert claim is not None
    async with transaction(engine) as connection:
        moved = await move(
            connection,
            org,
            claim.job.summary.job_id,
            claim.lease_token,
            to_queue="q1",
            by="anna",
            ranking=most,
        )
        summary = await get_summary(connection, org, moved.job_id)
    assert moved.merged
    assert (summary.report_count, summary.reporter_count) == (4, 3)
    assert await items(engine, org) == ["i1", "i2"]
    claim = await claims.claim(org, ["q1"], "anna")
    assert claim is not None
    job_id = claim.job.summary.job_id
    async with transaction(engine) as connection:
        await close(connection, org, job_id, claim.lease_token, by="anna", reason="DECIDED")
        await place_many(connection, [report(org, "i1", ranking=most, reporter="u3")])
    assert await items(engine, org) == ["i2", "i1"]
    async with transaction(engine) as connection:
        reopened = await reopen(connection, org, job_id, ranking=most)
        assert reopened is not None
        summary = await get_summary(connection, org, reopened.job_id)
    assert (summary.report_count, summary.reporter_count) == (5, 3)
    assert await items(engine, org) == ["i1", "i2"]
