"""Strikes on a real PostgreSQL: exact under concurrency, replay, expiry and reversal."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.collision import Collision
from coop_action_dispatcher.strike import Part, Reversal, User
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.config import (
    Action,
    ActionParameter,
    ActionType,
    ItemType,
    Kind,
    OrgSettings,
    StrikeThreshold,
)
from coop_contracts.event import ActionRequested, ItemRef, ReviewRequested, StrikesChanged
from coop_contracts.ids import crossing_id, execution_id
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

ORG = "org-1"
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def user(name: str = "user-1", org_id: str = ORG) -> User:
    return User(org_id, ItemRef(name, "u-1"))


def part(cause: str, weight: int = 1, *, of: User | None = None, **fields: Any) -> Part:
    values: dict[str, Any] = {
        "execution_id": str(uuid.uuid4()),
        "action_id": "a-1",
        "user": of or user(),
        "cause_id": cause,
        "policy_id": f"p-{weight}",
        "weight": weight,
        "struck_at": T0,
        "expires_at": T0 + 90 * DAY,
        "correlation_id": f"correlation of {cause}",
        "event_id": str(uuid.uuid4()),
    }
    return Part(**{**values, **fields})


def reversal(of: Part | str) -> Reversal:
    taken = of if isinstance(of, str) else of.execution_id
    return Reversal(execution_id=taken, correlation_id="undo", event_id=str(uuid.uuid4()))


@dataclass
class Book:
    """The strikes of a database, and a clock that the test moves."""

    engine: AsyncEngine
    configuration: Any
    now: datetime = T0

    def __post_init__(self) -> None:
        self.strikes = Strikes(self.configuration.table, now=lambda: self.now)

    async def apply(
        self, parts: Sequence[Part] = (), reversals: Sequence[Reversal] = ()
    ) -> dict[str, int]:
        for _ in range(20):
            try:
                async with transaction(self.engine) as connection:
                    return await self.strikes.apply(connection, parts, reversals)
            except Collision:
                continue
        raise AssertionError("collided twenty times")

    async def expire(self, limit: int = 100) -> int:
        async with transaction(self.engine) as connection:
            return await self.strikes.expire(connection, limit=limit)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(statement), values)).all())

    async def total(self, of: User | None = None) -> int:
        """The stored total, which must be the sum of the strikes that count."""
        digest = (of or user()).digest
        ((total, summed),) = await self.rows(
            """SELECT u.total, (SELECT COALESCE(sum(s.counted), 0) FROM dispatch.strikes AS s
                                WHERE s.user_digest = u.user_digest)
               FROM dispatch.strike_users AS u WHERE u.user_digest = :digest""",
            digest=digest,
        )
        assert total == summed
        return int(total)

    async def events(self) -> tuple[list[StrikesChanged], list[ActionRequested]]:
        rows = await self.rows("SELECT topic, value FROM dispatch.outbox ORDER BY id")
        changes = [
            msgspec.json.decode(value, type=StrikesChanged)
            for topic, value in rows
            if topic == StrikesChanged.topic
        ]
        requests = [
            msgspec.json.decode(value, type=ActionRequested)
            for topic, value in rows
            if topic == ActionRequested.topic
        ]
        return changes, requests

    async def reviews(self) -> list[ReviewRequested]:
        rows = await self.rows(
            "SELECT value FROM dispatch.outbox WHERE topic = :topic", topic=ReviewRequested.topic
        )
        return [msgspec.json.decode(value, type=ReviewRequested) for (value,) in rows]

    def thresholds(self, *thresholds: int, org_id: str = ORG, **fields: Any) -> None:
        made = tuple(
            StrikeThreshold(threshold=one, action_ids=(f"act-{one}",)) for one in thresholds
        )
        values = {"user_strike_thresholds": made, **fields}
        settings = OrgSettings(id="settings", name="Acme", **values)
        self.configuration.put(Kind.SETTINGS, settings, org_id=org_id)


@pytest.fixture
async def book(database: AsyncEngine, configuration: Any) -> Book:
    """No strikes, thresholds at 3 and 5."""
    async with database.begin() as connection:
        await connection.execute(
            text(
                """TRUNCATE dispatch.strike_users, dispatch.strikes, dispatch.strike_executions,
                            dispatch.strike_crossings"""
            )
        )
    made = Book(database, configuration)
    made.thresholds(3, 5)
    return made


async def test_a_strike_counts_and_is_told(book: Book) -> None:
    """A strike raises the total by its weight, and the event says so."""
    one = part("c-1", 2)
    assert await book.apply([one]) == {one.execution_id: 2}
    assert await book.total() == 2
    (change,), requests = await book.events()
    assert not requests
    assert change.user == ItemRef("user-1", "u-1")
    assert (change.delta, change.total, change.cause_id) == (2, 2, "c-1")
    assert (change.policy_id, change.crossed) == ("p-2", ())
    assert (change.correlation_id, change.causation_id) == (one.correlation_id, one.event_id)


async def test_one_cause_gives_one_strike_the_heaviest(book: Book) -> None:
    """Executions of one cause give the greatest weight among them, in whatever order, once."""
    light, heavy, middle = part("c-1", 1), part("c-1", 4), part("c-1", 2)
    assert await book.apply([light]) == {light.execution_id: 1}
    assert await book.apply([heavy, middle]) == {heavy.execution_id: 4, middle.execution_id: 4}
    assert await book.total() == 4
    changes, _ = await book.events()
    assert [change.delta for change in changes] == [1, 3]


async def test_a_batch_that_comes_thrice_counts_once(book: Book) -> None:
    """Replaying a batch changes no total, tells nothing and fires nothing."""
    batch = [part(f"c-{number % 7}", 1 + number % 3) for number in range(40)]
    batch += [part("c-other", 2, of=user("user-2"))]
    counts = await book.apply(batch)
    told = await book.events()
    total = await book.total()
    assert total == 7 * 3
    assert await book.apply(batch) == dict.fromkeys(counts, total) | {batch[-1].execution_id: 2}
    await book.apply(list(reversed(batch)))
    assert await book.total() == total
    assert await book.events() == told


async def test_the_counts_of_a_batch_rise_in_its_order(book: Book) -> None:
    """Each webhook says the total with its own strike and those before it."""
    batch = [part(f"c-{number}", number + 1) for number in range(4)]
    assert list((await book.apply(batch)).values()) == [1, 3, 6, 10]


async def test_a_newly_crossed_threshold_fires_once_on_the_user(book: Book) -> None:
    """Each threshold that is newly reached requests its actions, on the user, all at once if one
    strike reaches several; staying above fires nothing."""
    await book.apply([part("c-1", 2)])
    await book.apply([part("c-2", 4)])
    await book.apply([part("c-3", 4)])
    changes, requests = await book.events()
    assert [change.crossed for change in changes] == [(), (3, 5), ()]
    assert [request.action_id for request in requests] == ["act-3", "act-5"]
    for request, threshold in zip(requests, (3, 5), strict=True):
        assert request.item == ItemRef("user-1", "u-1")
        assert (request.source, request.policy_ids, request.rules) == ("STRIKE_THRESHOLD", (), ())
        cause = crossing_id(user=user().key, threshold=threshold, generation=1)
        assert request.cause_id == cause
        assert request.execution_id == execution_id(
            cause=cause, action=request.action_id, target=user().key
        )
        assert request.correlation_id == "correlation of c-2"
        assert request.causation_id == changes[1].event_id
        assert request.config_revision == book.configuration.table.revision(ORG)


async def test_a_threshold_fires_again_only_after_falling_below(book: Book) -> None:
    """Expiry below a threshold lets it fire again, as a new crossing; expiry above does not."""
    book.thresholds(3)
    await book.apply([part("c-1", 3, expires_at=T0 + DAY), part("c-2", 1)])
    book.now = T0 + 2 * DAY
    assert await book.expire() == 1
    assert await book.expire() == 0
    assert await book.total() == 1
    await book.apply([part("c-3", 1)])
    await book.apply([part("c-4", 2)])
    changes, requests = await book.events()
    assert [change.delta for change in changes] == [3, 1, -3, 1, 2]
    assert [change.total for change in changes] == [3, 4, 1, 2, 4]
    assert [change.crossed for change in changes] == [(3,), (), (), (), (3,)]
    assert len({request.execution_id for request in requests}) == 2
    assert requests[1].cause_id == crossing_id(user=user().key, threshold=3, generation=2)


async def test_a_strike_that_finds_expired_ones_settles_them_first(book: Book) -> None:
    """Without any expiry pass in between, a user who fell below crosses again."""
    book.thresholds(3)
    await book.apply([part("c-1", 3, expires_at=T0 + DAY)])
    book.now = T0 + DAY
    assert await book.apply([fresh := part("c-2", 3)]) == {fresh.execution_id: 3}
    changes, requests = await book.events()
    assert [(change.delta, change.crossed) for change in changes] == [
        (3, (3,)),
        (-3, ()),
        (3, (3,)),
    ]
    assert len({request.execution_id for request in requests}) == 2


async def test_a_strike_older_than_its_window_counts_nothing(book: Book) -> None:
    """A request that comes when its strike has expired already tells nothing."""
    late = part("c-1", 5, expires_at=T0)
    assert await book.apply([late]) == {late.execution_id: 0}
    assert await book.events() == ([], [])
    assert await book.expire() == 0


async def test_a_reversal_takes_the_strike_away(book: Book) -> None:
    """What was taken back counts no more, its threshold can be crossed again; twice is once."""
    book.thresholds(3)
    first, second = part("c-1", 2), part("c-2", 1)
    await book.apply([first, second])
    await book.apply([], [reversal(first)])
    await book.apply([], [reversal(first)])
    assert await book.total() == 1
    await book.apply([first])
    assert await book.total() == 1
    await book.apply([part("c-3", 2)])
    changes, requests = await book.events()
    assert [change.delta for change in changes] == [2, 1, -2, 2]
    assert changes[2].correlation_id == "undo"
    assert [change.crossed for change in changes] == [(), (3,), (), (3,)]
    assert len(requests) == 2


async def test_the_rest_of_a_cause_still_counts_after_a_reversal(book: Book) -> None:
    """When the heaviest execution of a cause is taken back, the next one is the strike; when a
    lighter one is, nothing changes."""
    light, heavy, middle = part("c-1", 1), part("c-1", 4), part("c-1", 2)
    await book.apply([light, heavy, middle])
    await book.apply([], [reversal(light)])
    assert await book.total() == 4
    await book.apply([], [reversal(heavy)])
    assert await book.total() == 2
    await book.apply([], [reversal(middle)])
    assert await book.total() == 0
    changes, _ = await book.events()
    assert [change.delta for change in changes] == [1, 3, -2, -2]
    assert [change.policy_id for change in changes] == ["p-1", "p-4", "p-2", "p-2"]
    await book.apply([part("c-1", 3)])
    assert await book.total() == 3


async def test_a_reversal_before_its_request_prevents_the_strike(book: Book) -> None:
    """The order in which request and reversal arrive makes no difference."""
    early = part("c-1", 4)
    await book.apply([], [reversal(early)])
    await book.apply([], [reversal(early)])
    assert await book.apply([early]) == {early.execution_id: 0}
    other = part("c-1", 1)
    await book.apply([other])
    assert await book.total() == 1
    changes, requests = await book.events()
    assert [change.delta for change in changes] == [1]
    assert not requests


async def test_a_batch_may_hold_a_request_and_its_reversal(book: Book) -> None:
    """Both at once leave nothing behind."""
    one, stays = part("c-1", 2), part("c-2", 1)
    await book.apply([one, stays], [reversal(one)])
    assert await book.total() == 1
    await book.apply([one, stays], [reversal(one)])
    assert await book.total() == 1


async def test_a_reversal_of_what_gave_no_strike_changes_nothing(book: Book) -> None:
    """Most executions give none; taking them back is remembered and harmless."""
    await book.apply([part("c-1", 2)], [reversal(str(uuid.uuid4())) for _ in range(3)])
    assert await book.total() == 2


async def test_fifty_at_once_on_one_user_are_exact(book: Book) -> None:
    """Fifty parallel transactions on one user lose no strike, and each threshold fires once."""
    book.thresholds(10, 49, 50)
    batches = [[part(f"c-{number}"), part("c-shared", 1)] for number in range(49)]
    counts = await asyncio.gather(*(book.apply(batch) for batch in batches + batches[:5]))
    assert await book.total() == 50
    assert max(max(one.values()) for one in counts) == 50
    changes, requests = await book.events()
    assert sorted(change.total for change in changes) == list(range(1, 51))
    assert sorted(request.action_id for request in requests) == ["act-10", "act-49", "act-50"]


async def test_many_users_in_any_order_do_not_wait_in_a_circle(book: Book) -> None:
    """Parallel batches over the same users, requests and reversals mixed, all end, exactly."""
    book.thresholds(4)
    users = [user(f"user-{number}") for number in range(8)]
    parts = [part(f"c-{number}", of=one) for one in users for number in range(6)]
    chance = random.Random(1)
    batches = []
    for _ in range(24):
        batch = chance.sample(parts, len(parts))
        taken = [reversal(one) for one in chance.sample(parts[::3], 10)]
        batches.append(book.apply(batch, taken))
    await asyncio.gather(*batches)
    await book.apply(parts, [reversal(one) for one in parts[::3]])
    assert [await book.total(one) for one in users] == [4] * 8


async def test_thresholds_changed_in_the_configuration_count_from_the_next_crossing(
    book: Book,
) -> None:
    """A threshold set below a user's total fires when the user next reaches it from below."""
    first = part("c-1", 4)
    await book.apply([first])
    book.thresholds(2)
    await book.apply([part("c-2", 1)])
    _, requests = await book.events()
    assert [request.action_id for request in requests] == ["act-3"]
    await book.apply([], [reversal(first)])
    await book.apply([part("c-3", 1)])
    _, requests = await book.events()
    assert [request.action_id for request in requests] == ["act-3", "act-2"]


async def test_organisations_know_nothing_of_each_other(book: Book) -> None:
    """The same ids in two organisations are two users, two strikes and two lists of thresholds."""
    book.thresholds(2, org_id="org-2")
    one, other = part("c-1", 2), part("c-1", 2, of=user(org_id="org-2"))
    await book.apply([one, other])
    assert (await book.total(), await book.total(user(org_id="org-2"))) == (2, 2)
    changes, requests = await book.events()
    assert {change.org_id: change.crossed for change in changes} == {ORG: (), "org-2": (2,)}
    assert [request.org_id for request in requests] == ["org-2"]
    await book.apply([], [reversal(other)])
    assert (await book.total(), await book.total(user(org_id="org-2"))) == (2, 0)


async def test_ids_with_nul_are_kept_apart_and_told_as_they_are(book: Book) -> None:
    """PostgreSQL's text holds no NUL; users' ids and events do."""
    odd, lookalike = user("us\0er"), user("us\ufffder")
    await book.apply([part("c-1", of=odd), part("c-2", 2, of=lookalike)])
    assert (await book.total(odd), await book.total(lookalike)) == (1, 2)
    changes, _ = await book.events()
    assert {change.user.id for change in changes} == {"us\0er", "us\ufffder"}


async def test_a_large_batch_is_few_statements(book: Book, statements: Callable[[], int]) -> None:
    """Five hundred strikes on as many users take as many statements as a handful does."""
    few = [part(f"a-{number}", 3, of=user(f"few-{number}")) for number in range(3)]
    many = [part(f"b-{number}", 3, of=user(f"many-{number}")) for number in range(500)]
    before = statements()
    await book.apply(few)
    middle = statements()
    await book.apply(many)
    assert statements() - middle == middle - before


async def test_long_expired_strikes_are_forgotten_and_a_replay_of_them_is_harmless(
    book: Book,
) -> None:
    """Rows go 45 days after expiry; the crossings stay, so that no generation comes twice."""
    old = part("c-1", 3, expires_at=T0 + DAY)
    await book.apply([old])
    book.now = T0 + 47 * DAY
    await book.expire()
    async with transaction(book.engine) as connection:
        assert await book.strikes.prune(connection, limit=10) == 2
    assert await book.rows("SELECT 1 FROM dispatch.strikes") == []
    assert len(await book.rows("SELECT 1 FROM dispatch.strike_users")) == 1
    told = await book.events()
    assert await book.apply([old]) == {old.execution_id: 0}
    assert await book.events() == told
    await book.apply([part("c-2", 3)])
    _, requests = await book.events()
    assert requests[-1].cause_id == crossing_id(user=user().key, threshold=3, generation=2)


@pytest.fixture
async def statements(database: AsyncEngine) -> Callable[[], int]:
    """How many statements the engine has executed."""
    from sqlalchemy import event

    count = 0

    @event.listens_for(database.sync_engine, "before_cursor_execute")
    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    return lambda: count


async def test_a_thresholds_actions_take_their_parameters(book: Book) -> None:
    """The threshold's values, and the defaults of the action for the others."""
    book.configuration.put_action(
        "http://platform/ban",
        action_id="act-2",
        parameters=(
            ActionParameter(name="days", display_name="Days", type="NUMBER", default_value=7),
            ActionParameter(name="why", display_name="Why", type="STRING"),
        ),
    )
    made = StrikeThreshold(
        threshold=2,
        action_ids=("act-2", "act-2", "unknown"),
        action_parameters={"act-2": {"why": "strikes"}},
    )
    book.thresholds(user_strike_thresholds=(made,))
    await book.apply([part("c-1", 2)])
    _, requests = await book.events()
    assert [request.action_id for request in requests] == ["act-2", "unknown"]
    assert requests[0].parameters == {"days": 7, "why": "strikes"}
    assert requests[1].parameters == {}


async def test_a_threshold_may_send_the_user_to_review(book: Book) -> None:
    """Built-in actions are asked of routing, once for each crossing, NCMEC's as its kind of job."""
    for action_id, type_ in (
        ("look", ActionType.ENQUEUE_TO_MRT),
        ("ncmec", ActionType.ENQUEUE_TO_NCMEC),
    ):
        book.configuration.put(Kind.ACTION, Action(id=action_id, name="Look", action_type=type_))
    book.configuration.put(
        Kind.ITEM_TYPE, ItemType(id="u-1", name="User", kind="USER", fields=(), version="v-7")
    )
    made = StrikeThreshold(threshold=2, action_ids=("look", "ncmec"))
    book.thresholds(user_strike_thresholds=(made,))
    await book.apply([part("c-1", 2)])
    _, requests = await book.events()
    assert requests == []
    look, ncmec = await book.reviews()
    crossing = crossing_id(user=user().key, threshold=2, generation=1)
    assert look.entry_id == execution_id(cause=crossing, action="look", target=user().key)
    assert (look.source, look.job_kind, ncmec.job_kind) == ("STRIKE_THRESHOLD", "DEFAULT", "NCMEC")
    assert (look.item.id, look.item.type_id) == ("user-1", "u-1")
    assert (look.item.type_version, look.item.schema_variant) == ("v-7", "partial")


async def test_users_of_whom_nothing_is_left_are_forgotten(book: Book) -> None:
    """Once Redis knows, a user without strikes and crossings has no row; new strikes make it."""
    await book.apply([part("c-1", 1, expires_at=T0 + DAY)])
    book.now = T0 + 47 * DAY
    await book.expire()
    async with transaction(book.engine) as connection:
        await connection.execute(text("UPDATE dispatch.strike_users SET published = version"))
    async with transaction(book.engine) as connection:
        await book.strikes.prune(connection, limit=10)
    assert await book.rows("SELECT 1 FROM dispatch.strike_users") == []
    await book.apply([part("c-2", 1)])
    assert await book.total() == 1
