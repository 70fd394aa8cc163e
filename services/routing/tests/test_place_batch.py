"""Batches on the real PostgreSQL and Redis, and what is parked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind, Policy, Queue
from coop_contracts.event import ItemRef
from coop_queues.store import (
    Claims,
    OrderIndex,
    get_job,
    jobs_of_item,
    pending_counts,
)
from coop_routing.entry_router import EntryRouter
from coop_routing.handler import Placer
from coop_routing.park import Unparker
from coop_routing.placement import Cause
from coop_routing.route_table import RouteTables
from coop_rules.queue_choice import PARKED_QUEUE
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison, Retryable

from .conftest import Configuration, appeal, contains, item, reason, report, request, rule

pytestmark = pytest.mark.engines


def received(*events: Cause) -> list[Received[Cause]]:
    return [
        Received(
            event=event,
            key=None,
            topic="t",
            partition=0,
            offset=offset,
            headers={},
            timestamp_ms=-1,
        )
        for offset, event in enumerate(events)
    ]


async def test_a_batch_becomes_jobs_and_again_nothing(
    engine: AsyncEngine,
    order: OrderIndex,
    configuration: Configuration,
    entry_router: EntryRouter,
    org: str,
) -> None:
    """Reports, appeals and requests of one item become a job a queue and kind; a replay nothing."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("buy")))
    placer = Placer(engine, order, entry_router)
    batch = received(
        report(org, "1", reason=reason("p1", csam=True)),
        report(org, "2", item(text="buy")),
        request(org, "3"),
        report(org, "4"),
        appeal(org, "5"),
    )
    for _ in range(2):
        await placer(batch)
    async with transaction(engine) as connection:
        counts = await pending_counts(connection, org)
        found = await jobs_of_item(connection, org, ItemRef("i1", "post"))
        jobs = {j.queue_id: await get_job(connection, org, j.job_id) for j in found}
    assert {queue: count.pending for queue, count in counts.items()} == {
        "default": 1,
        "spam": 1,
        "appeals": 1,
    }
    entries = {entry.entry_id: entry for entry in jobs["default"].entries}
    assert entries.keys() == {"report/1", "request/3", "report/4"}
    assert jobs["default"].summary.csam
    assert entries["report/1"].routing.how == "DEFAULT"
    [spam] = jobs["spam"].entries
    assert spam.routing.rule is not None
    assert spam.routing.rule.id == "r1"


async def test_a_notices_clock_runs_from_the_notice(
    engine: AsyncEngine,
    order: OrderIndex,
    configuration: Configuration,
    entry_router: EntryRouter,
    org: str,
) -> None:
    """What somebody asked to have removed is due 48 hours after they asked, however much later it
    comes; in the queue that was chosen."""
    configuration.put(Kind.POLICY, Policy(id="p", name="Removal", review_within_minutes=2880))
    noticed = datetime.now(UTC) - timedelta(hours=10)
    asked = request(org, "1", time=noticed, policy_ids=("p",), queue_id="spam")
    await Placer(engine, order, entry_router)(received(asked))
    async with transaction(engine) as connection:
        [job] = await jobs_of_item(connection, org, ItemRef("i1", "post"))
    assert job.queue_id == "spam"
    assert job.deadline == noticed + timedelta(hours=48)


async def test_redis_hears_of_a_job_from_the_replay(
    engine: AsyncEngine,
    order: OrderIndex,
    configuration: Configuration,
    entry_router: EntryRouter,
    org: str,
) -> None:
    """Killed between commit and Redis: the same batch again gives the job its turn."""
    await order.call(org, "default", "begin", "me", 1000)
    await order.call(org, "default", "built", "me")
    silent = OrderIndex.of("redis://127.0.0.1:1/0")
    batch = received(report(org, "1"))
    await Placer(engine, silent, entry_router)(batch)
    assert await order.size(org, "default") == 0
    await Placer(engine, order, entry_router)(batch)
    assert await order.size(org, "default") == 1
    await silent.close()


async def test_an_id_that_cannot_be_stored_is_poison(
    engine: AsyncEngine, order: OrderIndex, entry_router: EntryRouter, org: str
) -> None:
    """A NUL in an item id dead-letters that record; nothing of its batch was written meanwhile."""
    placer = Placer(engine, order, entry_router)
    with pytest.raises(Poison, match=r"U\+0000"):
        await placer(received(report(org, "1"), report(org, "2", item("a\x00"))))
    async with transaction(engine) as connection:
        assert await pending_counts(connection, org) == {}


async def test_a_database_that_is_away_is_retryable(
    order: OrderIndex, entry_router: EntryRouter, org: str
) -> None:
    """An outage makes the consumer wait; it never fills the dead letters."""
    away = engine_of("postgresql://nobody:x@127.0.0.1:1/none", application_name="test")
    with pytest.raises(Retryable):
        await Placer(away, order, entry_router)(received(report(org, "1")))
    await away.dispose()


async def test_parked_jobs_go_on_when_their_organisation_has_a_queue(
    engine: AsyncEngine,
    order: OrderIndex,
    configuration: Configuration,
    tables: RouteTables,
    entry_router: EntryRouter,
    org: str,
) -> None:
    """What came before the first queue waits, merges, and then follows the rules."""
    for queue in ("default", "appeals", "spam", "urgent"):
        configuration.remove(Kind.QUEUE, queue)
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", contains("buy")))
    placer = Placer(engine, order, entry_router)
    await placer(
        received(report(org, "1"), report(org, "2"), report(org, "3", item("i2", text="buy")))
    )
    unparker = Unparker(engine, order, tables, entry_router, period=1)
    assert await unparker.once() == 0
    async with transaction(engine) as connection:
        assert (await pending_counts(connection, org))[PARKED_QUEUE].pending == 2
    configuration.put(
        Kind.QUEUE, Queue(id="main", name="Main", is_default_queue=True), Queue(id="spam", name="s")
    )
    assert await unparker.once() == 2
    assert await unparker.once() == 0
    async with transaction(engine) as connection:
        counts = await pending_counts(connection, org)
        past, now = await jobs_of_item(connection, org, ItemRef("i1", "post"), closed=True)
        if past.queue_id != PARKED_QUEUE:
            past, now = now, past
        job = await get_job(connection, org, now.job_id)
    assert {queue: count.pending for queue, count in counts.items()} == {"main": 1, "spam": 1}
    assert past.closed_by == f"routing: default queue, revision {configuration.revision}"
    assert {entry.entry_id for entry in job.entries} == {"report/1", "report/2"}
    assert {entry.routing.how for entry in job.entries} == {"PARKED"}
    claims = Claims(engine, order)
    assert await claims.claim(org, ["main"], "anna") is not None
    await claims.close()
