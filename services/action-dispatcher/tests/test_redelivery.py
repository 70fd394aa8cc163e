"""Dead deliveries, sent again; old ones, forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from coop_action_dispatcher import redelivery, retention
from coop_action_dispatcher.delivery_view import DeliveryFilter
from coop_action_dispatcher.retention import Retention
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

STATES = "SELECT state, attempts, attempts_before FROM dispatch.deliveries ORDER BY seq"


async def test_a_dead_delivery_is_sent_again_with_its_id(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    ended: Any,
    database: Any,
    rows: Any,
) -> None:
    """Same id, same body, a whole new schedule; attempts go on being counted."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    refusals = 5

    async def refuse(_hit: Any, writer: Any) -> None:
        await answer(writer, 500 if len(platform.hits) <= refusals else 200)

    platform.behave = refuse
    async with start((0.01, 0.01)) as dispatcher:
        (execution_id,) = await request_action(dispatcher)
        assert (await ended())[0][:2] == ("DEAD", 3)
        assert await redelivery.redeliver_one(database, "org-1", execution_id)
        assert (await ended())[0][:2] == ("DELIVERED", 6)
    assert platform.ids() == [execution_id] * 6
    assert len({hit.body for hit in platform.hits}) == 1
    assert [tuple(row) for row in await rows(STATES)] == [("DELIVERED", 6, 3)]
    numbers = await rows("SELECT number FROM dispatch.attempts ORDER BY number")
    assert [number for (number,) in numbers] == [1, 2, 3, 4, 5, 6]
    told = await rows("SELECT 1 FROM dispatch.outbox WHERE topic = 'coop.action-results.v1'")
    assert len(told) == 2, "dead, and then delivered"


async def test_only_what_is_dead(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, database: Any
) -> None:
    """What arrived is not sent again, and what nobody knows is not there."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        (execution_id,) = await request_action(dispatcher)
        await ended()
        with pytest.raises(redelivery.NotDead, match="DELIVERED"):
            await redelivery.redeliver_one(database, "org-1", execution_id)
    unknown = "00000000-0000-0000-0000-000000000000"
    assert not await redelivery.redeliver_one(database, "org-1", unknown)
    assert len(platform.hits) == 1


@pytest.fixture
def die(database: Any, request_action: Any, start: Any, configuration: Any, ended: Any) -> Any:
    """Makes dead deliveries of these items, one after the other."""

    async def run(*items: str, **fields: Any) -> list[str]:
        configuration.put_keys()
        configuration.put_action(None, action_id="nowhere")
        async with start() as dispatcher:
            ids: list[str] = await request_action(
                dispatcher, *items, **{"action_id": "nowhere", **fields}
            )
            await ended()
        return ids

    return run


async def test_by_query_everything_that_is_meant_and_nothing_else(
    die: Any, database: Any, rows: Any
) -> None:
    """By action or item; each item has one that may be sent, the others wait behind it."""
    await die("a", "a", "a", "b")
    done = await redelivery.redeliver(
        database, "org-1", DeliveryFilter(item_type_id="t-1", item_id="a")
    )
    assert (done.count, done.more) == (3, False)
    states = await rows("SELECT state, head FROM dispatch.deliveries ORDER BY seq")
    assert sorted(tuple(row) for row in states) == [
        ("DEAD", True),
        ("PENDING", False),
        ("PENDING", False),
        ("PENDING", True),
    ]
    assert (
        await redelivery.redeliver(database, "org-2", DeliveryFilter(action_id="nowhere"))
    ).count == 0
    assert (
        await redelivery.redeliver(database, "org-1", DeliveryFilter(action_id="none"))
    ).count == 0
    assert (
        await redelivery.redeliver(database, "org-1", DeliveryFilter(action_id="nowhere"))
    ).count == 1


async def test_sent_again_it_waits_for_what_is_under_way(
    die: Any,
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    ended: Any,
    database: Any,
    eventually: Any,
) -> None:
    """An item's webhooks do not overtake each other, also when one comes back from the dead."""
    (dead,) = await die("a")
    configuration.put_action(platform.url)
    configuration.put_action(platform.url, action_id="nowhere")
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def ponder(_hit: Any, writer: Any) -> None:
        arrived.set()
        await go_on.wait()
        await answer(writer)

    platform.behave = ponder
    async with start() as dispatcher:
        (later,) = await request_action(dispatcher, "a")
        await asyncio.wait_for(arrived.wait(), 10)
        assert await redelivery.redeliver_one(database, "org-1", dead)
        await dispatcher.accept([])
        assert platform.ids() == [later]
        go_on.set()
        await eventually(lambda: platform.ids() == [later, dead])
        await ended()


async def test_many_at_once_from_two_sides(die: Any, database: Any, rows: Any) -> None:
    """Two calls for the same at the same moment send each delivery again once."""
    ids = await die(*[f"i{n % 40}" for n in range(120)])
    found = await asyncio.gather(
        *(
            redelivery.redeliver(database, "org-1", DeliveryFilter(action_id="nowhere"))
            for _ in range(3)
        )
    )
    assert sum(one.count for one in found) == len(ids)
    wrong = await rows(
        """SELECT item_digest FROM dispatch.deliveries WHERE state = 'PENDING'
           GROUP BY item_digest HAVING count(*) FILTER (WHERE head) <> 1"""
    )
    assert wrong == []


async def age(database: Any, days: float, *, but: str | None = None) -> None:
    async with database.begin() as connection:
        for statement in (
            "UPDATE dispatch.requests SET created_at = now() - make_interval(secs => :s)"
            " WHERE execution_id IS DISTINCT FROM CAST(:but AS uuid)",
            "UPDATE dispatch.deliveries SET created_at = now() - make_interval(secs => :s),"
            " finished_at = CASE WHEN finished_at IS NOT NULL"
            " THEN now() - make_interval(secs => :s) END"
            " WHERE execution_id IS DISTINCT FROM CAST(:but AS uuid)",
        ):
            await connection.execute(text(statement), {"s": days * 86400, "but": but})


QUARTER = Retention()


async def prune(database: Any, limits: Retention = QUARTER) -> int:
    deleted, after = 0, 0
    while True:
        async with transaction(database) as connection:
            done = await retention.prune(connection, limits, after=after)
        deleted, after = deleted + done.deleted, done.reached
        if not done.more:
            return deleted


async def test_what_ended_long_ago_goes(die: Any, database: Any, rows: Any) -> None:
    """Ended for longer than the time, a delivery goes with all that belongs to it, in batches."""
    batches = Retention(batch=7)
    await die(*[f"i{n}" for n in range(20)])
    (fresh,) = await die("fresh")
    async with database.begin() as connection:
        attempt = "INSERT INTO dispatch.attempts (seq, number, started_at, latency_ms)"
        made = await connection.execute(
            text(f"{attempt} SELECT seq, 1, now(), 1 FROM dispatch.deliveries")
        )
    assert made.rowcount == 21
    await age(database, 89)
    assert await prune(database, batches) == 0
    await age(database, 91, but=fresh)
    assert await prune(database, batches) == 20
    left = await rows("SELECT execution_id::text FROM dispatch.deliveries")
    assert [row[0] for row in left] == [fresh]
    assert len(await rows("SELECT 1 FROM dispatch.requests")) == 1
    assert len(await rows("SELECT 1 FROM dispatch.attempts")) == 1


async def test_old_statistics_go(die: Any, database: Any, rows: Any) -> None:
    """Minutes of endpoints and rules' deliveries go after the time, batch by batch, one by one;
    what is a moment younger stays."""
    await die("a")
    moment = "now() - make_interval(days => :days)"
    numbers = "generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n"
    async with database.begin() as connection:
        for statement in (
            "INSERT INTO dispatch.rule_executions (org_id, rule_id, created_at, seq)"
            f" SELECT 'old', 'r', {moment}, n FROM {numbers}",
            "INSERT INTO dispatch.endpoint_minutes"
            f" SELECT n, {moment}, 1, 1, '{{1}}' FROM {numbers}",
        ):
            for days, first, last in ((91, 1001, 1020), (89, 2001, 2003)):
                bound = {"days": days, "first": first, "last": last}
                await connection.execute(text(statement), bound)
    await prune(database, Retention(batch=7))
    assert len(await rows("SELECT 1 FROM dispatch.rule_executions WHERE org_id = 'old'")) == 3
    old = "SELECT 1 FROM dispatch.endpoint_minutes WHERE minute < now() - interval '{} days'"
    assert await rows(old.format(90)) == []
    assert len(await rows(old.format(88))) == 3


async def test_what_is_pending_stays_however_old(die: Any, database: Any, rows: Any) -> None:
    """Sent again after months, or waiting for an endpoint all that time, a delivery is kept."""
    await die("a", "b")
    await age(database, 400)
    await redelivery.redeliver(database, "org-1", DeliveryFilter(item_type_id="t-1", item_id="a"))
    assert await prune(database) == 1
    assert [tuple(r) for r in await rows("SELECT state FROM dispatch.deliveries")] == [("PENDING",)]


def test_the_time_cannot_be_shorter_than_the_logs() -> None:
    """A row is what makes a replayed request harmless: it outlives the request on the log."""
    from pydantic import ValidationError

    from coop_action_dispatcher.settings import Settings

    with pytest.raises(ValidationError):
        Settings(delivery_retention_days=30)
    assert Settings().delivery_retention_days == 90
