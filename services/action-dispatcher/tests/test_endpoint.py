"""Endpoints that fail, are gone, come back: what is sent there, and what waits."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from coop_action_dispatcher import endpoint
from coop_action_dispatcher.breaker import BreakerLimits, Breakers, HealthChange, News
from coop_action_dispatcher.delivery import Result, State, Verdict
from coop_action_dispatcher.endpoint import Directory
from coop_action_dispatcher.handler import new_delivery
from coop_action_dispatcher.lease import Leases
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store import Store
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.event import EndpointChanged
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

QUICK = BreakerLimits(failures=3, first=0.3, last=0.3)
SLOW = (0.05,) * 200


def dead_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/hook"


async def test_a_dead_endpoint_costs_probes_not_attempts(
    start: Any, request_action: Any, configuration: Any, rows: Any, eventually: Any
) -> None:
    """Of a hundred deliveries to nowhere few are tried; the others keep all their attempts."""
    configuration.put_keys()
    configuration.put_action(dead_url())
    limits = BreakerLimits(failures=3, first=0.2, last=0.2)
    async with start(SLOW, slots=Slots(total=8, per_endpoint=4), breaker=limits) as dispatcher:
        await request_action(dispatcher, *[f"i{n}" for n in range(100)])

        async def probed() -> bool:
            ((openings,),) = await rows("SELECT max(openings) FROM dispatch.endpoints")
            return bool(openings and openings >= 4)

        await eventually(probed)
        ((attempts, openings),) = await rows(
            "SELECT (SELECT count(*) FROM dispatch.attempts), max(openings) FROM dispatch.endpoints"
        )
    # What was under way when it opened, and one for each opening after the first.
    assert attempts <= 3 + 4 + openings + 1
    untried = "SELECT count(*) FROM dispatch.deliveries WHERE attempts = 0 AND state = 'PENDING'"
    assert (await rows(untried))[0][0] >= 100 - attempts


async def test_what_waited_arrives_when_the_endpoint_is_back(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    ended: Any,
    eventually: Any,
    rows: Any,
) -> None:
    """After the probe is answered, everything goes, each once, none dead."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    failing = True

    async def flap(_hit: Any, writer: Any) -> None:
        await answer(writer, 503 if failing else 200)

    platform.behave = flap
    async with start(SLOW, breaker=QUICK) as dispatcher:
        ids = await request_action(dispatcher, *[f"i{n}" for n in range(60)])

        async def opened() -> bool:
            found = await rows("SELECT 1 FROM dispatch.endpoints WHERE open_until IS NOT NULL")
            return bool(found)

        await eventually(opened)
        failing = False
        found = await ended()
    assert {state for state, *_ in found} == {"DELIVERED"}
    assert set(platform.ids()) == set(ids)
    ((open_until, failing_since),) = await rows(
        "SELECT open_until, failing_since FROM dispatch.endpoints"
    )
    assert (open_until, failing_since) == (None, None)


async def test_an_open_endpoint_does_not_hold_up_another(
    start: Any, request_action: Any, configuration: Any, platform: Any, eventually: Any
) -> None:
    """While one endpoint is open, another of the same organisation has all it needs."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    configuration.put_action(dead_url(), action_id="dead")
    slots = Slots(total=8, per_endpoint=4)
    async with start(SLOW, slots=slots, breaker=BreakerLimits(failures=2, first=30)) as dispatcher:
        await request_action(dispatcher, *[f"d{n}" for n in range(50)], action_id="dead")
        await request_action(dispatcher, *[f"i{n}" for n in range(50)])
        await eventually(lambda: len(set(platform.ids())) == 50)


async def test_410_pauses_the_endpoint_and_tells(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    rows: Any,
    eventually: Any,
    database: Any,
) -> None:
    """The delivery is dead, the others wait, an event says so; resumed, they arrive."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    gone = True

    async def leave(_hit: Any, writer: Any) -> None:
        await answer(writer, 410 if gone else 200)

    platform.behave = leave
    async with start() as dispatcher:
        await request_action(dispatcher, "a")

        async def paused() -> Any:
            return await rows("SELECT id FROM dispatch.endpoints WHERE paused_at IS NOT NULL")

        await eventually(paused)
        ((endpoint_id,),) = await paused()
        states = "SELECT state, attempts FROM dispatch.deliveries ORDER BY seq"
        assert [tuple(row) for row in await rows(states)] == [("DEAD", 1)]
        await request_action(dispatcher, "b", "c")
        ((value,),) = await rows(
            "SELECT value FROM dispatch.outbox WHERE topic = 'coop.endpoint-alarms.v1'"
        )
        event = msgspec.json.decode(value, type=EndpointChanged)
        assert (event.state, event.org_id) == ("PAUSED", "org-1")
        assert "410" in event.reason
        assert event.endpoint.startswith("http://127.0.0.1:")
        assert "url-secret" not in value.decode()
        assert len(platform.hits) == 1
        gone = False
        async with transaction(database) as connection:
            assert await endpoint.resume(connection, "org-1", endpoint_id, actor_id="u-1")
        await eventually(lambda: len(platform.hits) == 3)
    told = await rows("SELECT value FROM dispatch.outbox WHERE topic = 'coop.endpoint-alarms.v1'")
    assert [msgspec.json.decode(v, type=EndpointChanged).state for (v,) in told] == [
        "PAUSED",
        "RESUMED",
    ]


async def test_a_changed_url_leads_what_waits_to_the_new_place(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    make_platform: Any,
    answer: Any,
    rows: Any,
    eventually: Any,
) -> None:
    """Deliveries behind a paused endpoint follow their action when its URL is mended."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def leave(_hit: Any, writer: Any) -> None:
        await answer(writer, 410)

    platform.behave = leave
    other = await make_platform()
    async with start() as dispatcher:
        await request_action(dispatcher, "a")

        async def paused() -> Any:
            return await rows("SELECT 1 FROM dispatch.endpoints WHERE paused_at IS NOT NULL")

        await eventually(paused)
        ids = await request_action(dispatcher, "b", "b", "c")
        configuration.put_action(other.url)
        await eventually(lambda: set(other.ids()) == set(ids))
    moved = await rows(
        "SELECT count(DISTINCT r.endpoint_id) FROM dispatch.requests r"
        " JOIN dispatch.deliveries d USING (seq) WHERE r.endpoint_id <> d.endpoint_id"
    )
    assert moved[0][0] == 0


@pytest.fixture
def breakers() -> Breakers:
    return Breakers(BreakerLimits(failures=3, first=5, last=60))


@pytest.fixture
def store(database: Any, configuration: Any, breakers: Breakers) -> Store:
    return Store(
        database,
        strikes=Strikes(configuration.table),
        directory=Directory(database),
        breakers=breakers,
    )


@pytest.fixture
def leases(database: Any, store: Store) -> Leases:
    return Leases(database, owner=store.owner, owner_timeout=6)


def none() -> Slots:
    return Slots(total=0, per_endpoint=0)


def wide() -> Slots:
    return Slots(total=100, per_endpoint=100, endpoint_share=1e9, org_share=1e9)


async def test_of_a_half_open_endpoint_one_process_takes_one(
    database: Any, configuration: Any, make_request: Any, store: Store, leases: Leases
) -> None:
    """Two processes that pass at the same moment send one probe; its failure opens for longer."""
    configuration.put_action("https://platform.example/hook")
    batch = [new_delivery(make_request(f"i{n}"), configuration.table) for n in range(10)]
    await store.accept(batch, none())
    await set_endpoint(database, "open_until = now() - interval '1 s', openings = 2")
    heirs = Leases(database, owner="00000000-0000-0000-0000-00000000000a", owner_timeout=6)
    found = await asyncio.gather(leases.take_due(wide()), heirs.take_due(wide()))
    leased = [delivery for one in found for delivery in one.leased]
    assert [delivery.probe for delivery in leased] == [True]
    assert (await leases.take_due(wide())).leased == []
    async with transaction(database) as connection:
        change = HealthChange(leased[0].endpoint_id, News.OPENED, True, 500, None)
        await endpoint.apply_changes(connection, [change], BreakerLimits(first=5, last=60))
    ((seconds, probing),) = await query(
        database,
        "SELECT extract(epoch FROM open_until - now())::float8, probing FROM dispatch.endpoints",
    )
    assert 15 < seconds <= 5 * 4 * 1.2
    assert not probing


async def test_a_probe_that_was_not_sent_is_given_back(
    database: Any, configuration: Any, make_request: Any, store: Store, leases: Leases
) -> None:
    """Held back for want of a key, the probe does not keep the breaker waiting for its answer."""
    configuration.put_action("https://platform.example/hook")
    batch = [new_delivery(make_request(f"i{n}"), configuration.table) for n in range(2)]
    await store.accept(batch, none())
    await set_endpoint(database, "open_until = now() - interval '1 s'")
    (probe,) = (await leases.take_due(wide())).leased
    held = Result(delivery=probe, verdict=Verdict(State.PENDING, 300, "keys", True))
    await store.record([held], [None])
    (another,) = (await leases.take_due(wide())).leased
    assert another.probe
    assert another.seq != probe.seq


async def test_days_without_success_pause(
    database: Any, configuration: Any, make_request: Any, store: Store
) -> None:
    """Failing for five days, lately too, an endpoint is paused, and it is told how many wait."""
    configuration.put_action("https://platform.example/hook")
    batch = [new_delivery(make_request(f"i{n}"), configuration.table) for n in range(4)]
    await store.accept(batch, none())
    limits = BreakerLimits(pause_after=5 * 86400.0)
    for since, last, expected in (
        ("4 days", "1 minute", 0),
        ("9 days", "8 days", 0),
        ("6 days", "1 minute", 1),
        ("6 days", "1 minute", 0),
    ):
        await set_endpoint(
            database,
            f"failing_since = now() - interval '{since}',"
            f" last_failure_at = now() - interval '{last}'",
        )
        async with transaction(database) as connection:
            assert await endpoint.pause_failing(connection, limits) == expected
    ((value,),) = await query(database, "SELECT value FROM dispatch.outbox")
    event = msgspec.json.decode(value, type=EndpointChanged)
    assert (event.state, event.waiting) == ("PAUSED", 4)
    assert event.reason == "no success for 5 days"
    assert event.failing_since is not None
    states = await query(database, "SELECT DISTINCT state FROM dispatch.deliveries")
    assert [state for (state,) in states] == ["PENDING"]


async def test_one_name_has_one_id(database: Any) -> None:
    """Two processes that meet a new endpoint at the same moment get the same id for it."""
    keys = [("o", f"https://{n}.example:443") for n in range(20)]
    found = await asyncio.gather(*(Directory(database).ids(keys) for _ in range(4)))
    assert all(one == found[0] for one in found)
    assert len(set(found[0].values())) == 20


async def set_endpoint(database: Any, assignments: str) -> None:
    async with database.begin() as connection:
        await connection.execute(text(f"UPDATE dispatch.endpoints SET {assignments}"))


async def query(database: Any, statement: str) -> Any:
    async with database.connect() as connection:
        return (await connection.execute(text(statement))).all()
