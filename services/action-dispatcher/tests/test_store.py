"""Deliveries in PostgreSQL: taken on once, sent in order, never forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.breaker import BreakerLimits, Breakers
from coop_action_dispatcher.delivery import Attempt, Delivery, Result, State, Verdict
from coop_action_dispatcher.endpoint import Directory
from coop_action_dispatcher.handler import new_delivery
from coop_action_dispatcher.lease import Backlog, Leases
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store import Store
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.event import ActionRequested
from coop_runtime.kafka.message import Message

pytestmark = pytest.mark.engines

OWNER_TIMEOUT = 6.0
MESSAGE = Message("coop.action-results.v1", b"k", b"{}", [("event-id", b"e")])


NO_SHARE = {"endpoint_share": 1e9, "org_share": 1e9}


def wide() -> Slots:
    return Slots(total=1000, per_endpoint=1000, **NO_SHARE)


@pytest.fixture
def make_store(database: Any, configuration: Any) -> Callable[[], Store]:
    """Makes the stores of further processes."""

    def make() -> Store:
        return Store(
            database,
            strikes=Strikes(configuration.table),
            directory=Directory(database),
            breakers=Breakers(BreakerLimits()),
        )

    return make


@pytest.fixture
def store(make_store: Callable[[], Store]) -> Store:
    return make_store()


@pytest.fixture
def leases(database: Any, store: Store) -> Leases:
    return Leases(database, owner=store.owner, owner_timeout=OWNER_TIMEOUT)


@pytest.fixture
def new(configuration: Any, make_request: Any) -> Any:
    configuration.put_action("https://platform.example/hook")

    def make(item: str = "post-1", **fields: Any) -> Any:
        return new_delivery(make_request(item, **fields), configuration.table)

    return make


async def rows(database: AsyncEngine, query: str, **parameters: Any) -> Sequence[Any]:
    async with database.connect() as connection:
        return (await connection.execute(text(query), parameters)).all()


def action_of(delivery: Delivery) -> str:
    assert isinstance(delivery.asked, ActionRequested)
    return delivery.asked.action_id


def result(delivery: Delivery, status: int | None = 200, delay: float = 0.0) -> Result:
    state = State.DELIVERED if status == 200 else State.PENDING
    return Result(
        delivery=delivery,
        verdict=Verdict(state, delay=delay, reason=None if status == 200 else f"HTTP {status}"),
        attempt=Attempt(started_at=datetime.now(UTC), latency_ms=12.5, status=status),
    )


async def finish(store: Store, *deliveries: Delivery) -> int:
    recorded = await store.record([result(d) for d in deliveries], [MESSAGE] * len(deliveries))
    assert len(recorded.recorded) == len(deliveries)
    return recorded.promoted


async def test_twice_is_once(database: Any, store: Store, new: Any) -> None:
    """A request that comes again, within a batch or later, is the delivery that exists."""
    first, second = new(), new("post-2")
    accepted = await store.accept([first, second, first], wide())
    assert (accepted.new, len(accepted.leased)) == (2, 2)
    third = new("post-3")
    again = await store.accept([second, third, first], wide())
    assert [d.execution_id for d in again.leased] == [third.execution_id]
    assert again.new == 1
    assert (await store.accept([first], wide())).new == 0
    assert len(await rows(database, "SELECT 1 FROM dispatch.deliveries")) == 3


async def test_a_replay_after_the_end_changes_nothing(store: Store, new: Any) -> None:
    """A delivered webhook is not sent again when its request is replayed."""
    request = new()
    accepted = await store.accept([request], wide())
    await finish(store, *accepted.leased)
    assert (await store.accept([request], wide())).leased == ()


async def test_only_the_first_of_an_item_may_leave(store: Store, leases: Leases, new: Any) -> None:
    """Later deliveries of an item wait for the earlier one, and follow in order."""
    batch = [new("a"), new("b"), new("a"), new("a")]
    slots = wide()
    accepted = await store.accept(batch, slots)
    assert [d.execution_id for d in accepted.leased] == [
        batch[0].execution_id,
        batch[1].execution_id,
    ]
    late = new("a")
    assert (await store.accept([late], slots)).leased == []
    order = []
    current = accepted.leased[0]
    for _ in range(4):
        order.append(current.execution_id)
        if await finish(store, current):
            (current,) = (await leases.take_due(slots)).leased
    assert order == [
        batch[0].execution_id,
        batch[2].execution_id,
        batch[3].execution_id,
        late.execution_id,
    ]


async def test_a_retry_holds_the_item_back(store: Store, leases: Leases, new: Any) -> None:
    """While the first delivery of an item waits for its next attempt, the second does not leave."""
    accepted = await store.accept([new("a"), new("a")], wide())
    (first,) = accepted.leased
    recorded = await store.record([result(first, 500, delay=0.0)], [None])
    assert recorded.promoted == 0
    (again,) = (await leases.take_due(wide())).leased
    assert (again.execution_id, again.attempts, again.body) == (first.execution_id, 1, first.body)


async def test_an_item_has_one_head(database: Any, store: Store, new: Any) -> None:
    """The database itself refuses a second sendable delivery of one item."""
    await store.accept([new("a"), new("a")], wide())
    with pytest.raises(Exception, match="deliveries_head"):
        async with database.begin() as connection:
            await connection.execute(text("UPDATE dispatch.deliveries SET head = true"))


async def test_concurrent_processes_keep_the_order(
    database: Any, make_store: Any, store: Store, leases: Leases, new: Any
) -> None:
    """Taking on and finishing at the same time, from two processes, leaves one head per item."""
    other = make_store()
    items = [f"item-{n}" for n in range(5)]
    for _ in range(30):
        slots = wide()
        batches = [[new(item) for item in items] for _ in range(2)]
        accepted = await asyncio.gather(
            store.accept(batches[0], slots), other.accept(batches[1][::-1], slots)
        )
        await asyncio.gather(
            finish(store, *accepted[0].leased) if accepted[0].leased else asyncio.sleep(0),
            finish(other, *accepted[1].leased) if accepted[1].leased else asyncio.sleep(0),
            store.accept([new(item) for item in items], Slots(total=0, per_endpoint=0)),
        )
        wrong = await rows(
            database,
            """SELECT item_digest, count(*) FILTER (WHERE head) FROM dispatch.deliveries
               WHERE state = 'PENDING' GROUP BY item_digest
               HAVING count(*) FILTER (WHERE head) <> 1
                   OR min(seq) <> min(seq) FILTER (WHERE head)""",
        )
        assert wrong == []
        while found := (await leases.take_due(wide())).leased:
            await finish(store, *found)
    left = await rows(database, "SELECT 1 FROM dispatch.deliveries WHERE state = 'PENDING'")
    assert left == []


async def test_results_attempts_and_events_are_one(database: Any, store: Store, new: Any) -> None:
    """A recorded end has its attempt and its event in the outbox."""
    accepted = await store.accept([new()], wide())
    await finish(store, *accepted.leased)
    ((state, attempts, status),) = await rows(
        database, "SELECT state, attempts, last_status FROM dispatch.deliveries"
    )
    assert (state, attempts, status) == ("DELIVERED", 1, 200)
    ((number, latency, status),) = await rows(
        database, "SELECT number, latency_ms, status FROM dispatch.attempts"
    )
    assert (number, latency, status) == (1, 12.5, 200)
    assert len(await rows(database, "SELECT 1 FROM dispatch.outbox")) == 1


async def test_a_lost_lease_records_nothing(database: Any, store: Store, new: Any) -> None:
    """The result of a process whose lease another took over does not count."""
    accepted = await store.accept([new()], wide())
    async with database.begin() as connection:
        await connection.execute(
            text("UPDATE dispatch.deliveries SET lease_owner = gen_random_uuid()")
        )
    recorded = await store.record([result(accepted.leased[0])], [MESSAGE])
    assert recorded.recorded == []
    assert await rows(database, "SELECT 1 FROM dispatch.outbox") == []


async def test_a_dead_owners_leases_are_free_again(
    database: Any, make_store: Any, store: Store, leases: Leases, new: Any
) -> None:
    """What a killed process was sending is taken over once its heartbeat is too old, not before."""
    await leases.beat([])
    accepted = await store.accept([new()], wide())
    heir = make_store()
    heirs = Leases(database, owner=heir.owner, owner_timeout=OWNER_TIMEOUT)
    assert await heirs.beat([]) == 0
    assert (await heirs.take_due(wide())).leased == []
    async with database.begin() as connection:
        await connection.execute(
            text("UPDATE dispatch.owners SET heartbeat_at = now() - interval '7 s' WHERE id = :id"),
            {"id": store.owner},
        )
    assert await heirs.beat([]) == 1
    (again,) = (await heirs.take_due(wide())).leased
    assert again.execution_id == accepted.leased[0].execution_id
    assert again.body == accepted.leased[0].body


async def test_owners_of_long_ago_are_forgotten(
    database: Any, make_store: Any, leases: Leases
) -> None:
    """A process that gave no sign of life for an hour is nobody any more; one that did, stays."""
    await leases.beat([])
    other = Leases(database, owner=make_store().owner, owner_timeout=OWNER_TIMEOUT)
    await other.beat([])
    late = Leases(database, owner=make_store().owner, owner_timeout=OWNER_TIMEOUT)
    await late.beat([])
    async with database.begin() as connection:
        age = text("UPDATE dispatch.owners SET heartbeat_at = now() - CAST(:age AS interval)")
        await connection.execute(age, {"age": "3590 s"})
    await leases.beat([])
    assert len(await rows(database, "SELECT 1 FROM dispatch.owners")) == 3
    async with database.begin() as connection:
        await connection.execute(age, {"age": "3610 s"})
    await leases.beat([])
    assert len(await rows(database, "SELECT 1 FROM dispatch.owners")) == 1


async def test_a_forgotten_lease_of_ones_own_is_found(
    store: Store, leases: Leases, new: Any
) -> None:
    """A lease that was committed while the answer was lost does not wait for its expiry."""
    accepted = await store.accept([new(), new("b")], wide())
    under_way = [accepted.leased[0].seq]
    assert await leases.beat(under_way) == 1
    (found,) = (await leases.take_due(wide())).leased
    assert found.execution_id == accepted.leased[1].execution_id


async def test_retiring_frees_leases_at_once(
    database: Any, make_store: Any, store: Store, leases: Leases, new: Any
) -> None:
    """After a graceful stop nobody waits for a heartbeat to grow old."""
    await leases.beat([])
    await store.accept([new()], wide())
    await leases.retire()
    heirs = Leases(database, owner=make_store().owner, owner_timeout=OWNER_TIMEOUT)
    assert len((await heirs.take_due(wide())).leased) == 1


async def test_a_full_endpoint_does_not_take_the_others_slots(
    configuration: Any, store: Store, leases: Leases, new: Any
) -> None:
    """A pass serves endpoints in turn and leaves those without a free slot alone."""
    configuration.put_action("https://slow.example/", action_id="slow")
    configuration.put_action("https://fast.example/", action_id="fast")
    none = Slots(total=0, per_endpoint=0)
    await store.accept([new(f"s{n}", action_id="slow") for n in range(20)], none)
    await store.accept([new(f"f{n}", action_id="fast") for n in range(3)], none)
    slots = Slots(total=6, per_endpoint=4, **NO_SHARE)
    found = await leases.take_due(slots)
    taken = [action_of(d) for d in found.leased]
    assert (taken.count("slow"), taken.count("fast")) == (3, 3)
    assert found.more
    assert not (await leases.take_due(slots)).leased
    for delivery in found.leased:
        if action_of(delivery) == "fast":
            slots.give(delivery.org_id, delivery.endpoint_id)
    assert [action_of(d) for d in (await leases.take_due(slots)).leased] == ["slow"]


async def test_what_finds_no_slot_stays_due(store: Store, leases: Leases, new: Any) -> None:
    """Deliveries taken on while all slots are used wait in the database and lose nothing."""
    accepted = await store.accept(
        [new(f"{n}") for n in range(5)], Slots(total=2, per_endpoint=9, **NO_SHARE)
    )
    assert (accepted.new, len(accepted.leased), accepted.left) == (5, 2, 3)
    assert len((await leases.take_due(wide())).leased) == 3


async def test_a_pass_knows_when_the_next_is_due(store: Store, leases: Leases, new: Any) -> None:
    """Nothing is polled for: the next due time is known."""
    assert (await leases.take_due(wide())).next_due is None
    accepted = await store.accept([new(), new("b")], wide())
    await store.record([result(d, 500, delay=30.0) for d in accepted.leased], [None, None])
    found = await leases.take_due(wide())
    assert found.leased == []
    assert found.next_due is not None
    assert 25 < found.next_due <= 30


async def test_held_deliveries_come_back_when_released(
    store: Store, leases: Leases, new: Any
) -> None:
    """A change of configuration makes what was held due at once, and nothing else."""
    accepted = await store.accept([new(), new("b")], wide())
    held = Result(delivery=accepted.leased[0], verdict=Verdict(State.PENDING, 300, "keys", True))
    await store.record([held, result(accepted.leased[1], 500, delay=300)], [None, None])
    assert await leases.release_held(["org-2"]) == 0
    assert await leases.release_held(["org-1"]) == 1
    (back,) = (await leases.take_due(wide())).leased
    assert (back.execution_id, back.attempts) == (accepted.leased[0].execution_id, 0)


async def test_ids_of_any_length_and_script_are_stored(store: Store, new: Any) -> None:
    """An id longer than an index entry, or with a NUL, is an id like another."""
    accepted = await store.accept([new("ж" * 5000), new("a\0b")], wide())
    assert len(accepted.leased) == 2
    assert b"a\\u0000b" in accepted.leased[1].request


async def test_the_backlog_is_counted(store: Store, leases: Leases, new: Any) -> None:
    """Pending deliveries and the age of the oldest are known."""
    assert await leases.backlog() == Backlog(0, 0.0, 0.0)
    accepted = await store.accept([new(), new(), new("c")], wide())
    await finish(store, accepted.leased[1])
    backlog = await leases.backlog()
    assert backlog.pending == 2
    assert 0 <= backlog.oldest < 60


async def test_what_is_late_is_known_without_a_free_slot(
    database: Any, store: Store, leases: Leases, new: Any
) -> None:
    """How late the most overdue delivery is, is measured also while nothing more can be sent."""
    accepted = await store.accept([new(), new("b")], wide())
    await store.record([result(accepted.leased[0], 500, delay=0)], [None])
    async with database.begin() as connection:
        await connection.execute(
            text(
                "UPDATE dispatch.deliveries SET next_attempt_at = now() - interval '90 s' "
                "WHERE lease_owner IS NULL"
            )
        )
    assert not (await leases.take_due(Slots(total=0, per_endpoint=1))).leased
    assert 90 <= (await leases.backlog()).late < 120
