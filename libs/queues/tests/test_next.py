"""Which job is the next one: within a queue, between queues, and for whom."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Queue, QueueOrder
from coop_queues.store import Claims, OrderIndex, Ranking

from .conftest import report
from .test_claim import built, must, placed

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("ready", [False, True], ids=["from rows", "from redis"])
async def test_the_oldest_job_of_all_queues_comes_first(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str, ready: bool
) -> None:
    """Claims come by the time of the first report, whatever the queue and the order of placing."""
    if ready:
        await built(claims, org, "q1", "q2")
    await placed(
        engine,
        order,
        report(org, "late", minute=9),
        report(org, "early", minute=1, queue="q2"),
        report(org, "middle", minute=5),
        report(org, "elsewhere", minute=0, queue="q3"),
    )
    seen = [(await must(claims, org, "anna", "q1", "q2")).job.item.id for _ in range(3)]
    assert seen == ["early", "middle", "late"]
    assert await claims.claim(org, ["q1", "q2"], "anna") is None
    assert await claims.claim(org, [], "anna") is None


@pytest.mark.parametrize("ready", [False, True], ids=["from rows", "from redis"])
async def test_between_queues_what_is_due_first_comes_first(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str, ready: bool
) -> None:
    """Orders that cannot be compared do not push each other back: of the first jobs of two queues
    the one with the earlier deadline comes, whatever its number in its own order."""
    if ready:
        await built(claims, org, "q1", "q2")
    most = Ranking.of(
        Queue(id="q2", name="q2", order=QueueOrder.MOST_REPORTS, target_minutes=240),
        [],
        revision=1,
    )
    await placed(
        engine,
        order,
        report(org, "waits", minute=0),
        report(org, "few", minute=1, queue="q2", ranking=most),
        report(org, "many", minute=5, queue="q2", ranking=most),
        report(org, "many", minute=6, queue="q2", ranking=most),
        report(org, "waits too", minute=1),
    )
    seen = [(await must(claims, org, "anna", "q1", "q2")).job.item.id for _ in range(4)]
    assert seen == ["many", "few", "waits", "waits too"]


@pytest.mark.parametrize("ready", [False, True], ids=["from rows", "from redis"])
async def test_child_abuse_material_is_passed_over(
    engine: AsyncEngine, claims: Claims, order: OrderIndex, org: str, ready: bool
) -> None:
    """Who may not see it gets the next job, never that one, however often they ask."""
    if ready:
        await built(claims, org, "q1")
    await placed(engine, order, report(org, "hidden", csam=True), report(org, "open", minute=1))
    claim = await claims.claim(org, ["q1"], "anna", child_safety=False)
    assert claim is not None
    assert claim.job.item.id == "open"
    assert await claims.claim(org, ["q1"], "anna", child_safety=False) is None
    assert (await must(claims, org, "bert", "q1")).job.item.id == "hidden"
