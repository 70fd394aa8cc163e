"""Strikes of requests that are delivered: in the same transaction, told in the webhook."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from coop_action_dispatcher.dispatcher_wiring import assemble
from coop_action_dispatcher.handler import RequestHandler
from coop_action_dispatcher.sender import MAX_READ
from coop_action_dispatcher.signer import Signer
from coop_action_dispatcher.strike_store import Strikes
from coop_action_dispatcher.tuning import Tuning
from coop_contracts.config import ItemType, Kind, OrgSettings, Policy, StrikeThreshold
from coop_contracts.event import ActionRequested, ItemRef
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

pytestmark = pytest.mark.engines

AUTHOR, OTHER = ItemRef("author-1", "u-1"), ItemRef("author-2", "u-1")


def received(event: ActionRequested) -> Received[ActionRequested]:
    return Received(event, b"key", event.topic, 0, 0, {}, -1)


@pytest.fixture
def striking(configuration: Any, platform: Any) -> Any:
    """A strike-enabled action, a policy of weight 2, a threshold at 3."""
    configuration.put_keys()
    configuration.put_action(platform.url, apply_user_strikes=True)
    configuration.put(
        Kind.ITEM_TYPE, ItemType(id="u-1", name="User", kind="USER", fields=(), version="")
    )
    configuration.put(Kind.POLICY, Policy(id="p-2", name="Hate", user_strike_count=2))
    threshold = StrikeThreshold(threshold=3, action_ids=("a-ban",))
    configuration.put(
        Kind.SETTINGS,
        OrgSettings(id="settings", name="Acme", user_strike_thresholds=(threshold,)),
    )
    return configuration


@pytest.fixture
async def start(database: Any, configuration: Any) -> Callable[..., Any]:
    """Runs a dispatcher for the length of a block; gives its handler of requests."""
    async with database.begin() as connection:
        await connection.execute(
            text(
                """TRUNCATE dispatch.strike_users, dispatch.strikes, dispatch.strike_executions,
                            dispatch.strike_crossings"""
            )
        )

    @asynccontextmanager
    async def run() -> AsyncIterator[RequestHandler]:
        table = configuration.table
        poster = EgressGuard(("127.0.0.0/8",)).poster(timeout=10, max_read=MAX_READ)
        with ThreadPoolExecutor(1) as executor:
            dispatcher = assemble(
                Tuning(retry_delays=(0.05,) * 9, heartbeat=0.2, record_linger=0.001, drain=2.0),
                engine=database,
                config=table,
                vault=configuration.vault,
                poster=poster,
                signer=Signer(executor, workers=1),
                strikes=Strikes(table),
            )
            task = asyncio.create_task(dispatcher.run())
            table.subscribe(lambda change: dispatcher.config_changed(change.org_id))
            try:
                yield RequestHandler(dispatcher.accept, table)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                await poster.aclose()

    return run


@pytest.fixture
def rows(database: Any) -> Callable[..., Any]:
    async def query(statement: str) -> Any:
        async with database.connect() as connection:
            return (await connection.execute(text(statement))).all()

    return query


def strike(make_request: Any, cause: str, item: str = "post-1", **fields: Any) -> ActionRequested:
    values = {"creator": AUTHOR, "policy_ids": ("p-2",), "cause_id": cause, **fields}
    request: ActionRequested = make_request(item, **values)
    return request


def counts(platform: Any) -> dict[str, int | None]:
    return {hit.webhook_id: json.loads(hit.body).get("userStrikeCount") for hit in platform.hits}


async def test_the_webhook_says_how_many_strikes_the_user_has(
    start: Any, striking: Any, platform: Any, make_request: Any, eventually: Any
) -> None:
    """Each request that strikes tells the total with it; one that does not tells what there is,
    where it is known whose item it is."""
    batch = [
        strike(make_request, "c-1", "post-1"),
        strike(make_request, "c-1", "post-2"),
        strike(make_request, "c-2", "post-3"),
        strike(make_request, "c-3", "post-4", policy_ids=()),
        strike(make_request, "c-4", "post-5", policy_ids=(), creator=OTHER),
        strike(make_request, "c-5", "post-6", creator=None),
    ]
    async with start() as handle:
        await handle([received(one) for one in batch])
        await eventually(lambda: len(platform.hits) == 6)
        late = strike(make_request, "c-6", "post-7", policy_ids=())
        await handle([received(late)])
        await eventually(lambda: len(platform.hits) == 7)
    told = counts(platform)
    assert [told[one.execution_id] for one in (*batch, late)] == [2, 2, 4, 4, 0, None, 4]


async def test_a_batch_delivered_thrice_strikes_once(
    start: Any, striking: Any, platform: Any, make_request: Any, eventually: Any, rows: Any
) -> None:
    """A replay changes neither totals nor webhooks, and crosses nothing again."""
    batch = [received(strike(make_request, f"c-{n}", f"post-{n}")) for n in range(5)]
    async with start() as handle:
        for _ in range(3):
            await handle(batch)
        await eventually(lambda: len(platform.hits) == 5)
        await handle([*batch[1:3], received(strike(make_request, "c-9", "post-9")), batch[0]])
        await eventually(lambda: len(platform.hits) == 6)
    assert sorted(filter(None, counts(platform).values())) == [2, 4, 6, 8, 10, 12]
    assert await rows("SELECT total FROM dispatch.strike_users") == [(12,)]
    assert len(await rows("SELECT 1 FROM dispatch.strike_crossings")) == 1
    requested = "SELECT 1 FROM dispatch.outbox WHERE topic = 'coop.action-requests.v1'"
    assert len(await rows(requested)) == 1


async def test_fifty_batches_at_once_on_one_user(
    start: Any, striking: Any, platform: Any, make_request: Any, eventually: Any, rows: Any
) -> None:
    """Two processes take on fifty batches in parallel: the total is exact, the counts are each
    number once, the threshold fires once."""
    batches = [[received(strike(make_request, f"c-{n}", f"post-{n}"))] for n in range(50)]
    async with start() as one, start() as other:
        await asyncio.gather(
            *((one if n % 2 else other)(batch) for n, batch in enumerate(batches)),
            *(one(batch) for batch in batches[:10]),
        )
        await eventually(lambda: len(set(platform.ids())) == 50, within=30)
    assert await rows("SELECT total FROM dispatch.strike_users") == [(100,)]
    assert sorted(count or 0 for count in counts(platform).values()) == list(range(2, 101, 2))
    assert len(await rows("SELECT 1 FROM dispatch.strike_crossings")) == 1


async def test_late_configuration_delays_the_strike_with_the_webhook(
    start: Any, striking: Any, platform: Any, make_request: Any, eventually: Any, rows: Any
) -> None:
    """A request under a configuration that is not here is struck for when it arrives, once, and
    its webhook tells of it."""
    ahead = striking.revision + 1
    request = strike(make_request, "c-1", policy_ids=("p-new",), config_revision=ahead)
    async with start() as handle:
        await handle([received(request)])
        await handle([received(request)])
        assert await rows("SELECT 1 FROM dispatch.strikes") == []
        striking.put(Kind.POLICY, Policy(id="p-new", name="New", user_strike_count=5))
        await eventually(lambda: len(platform.hits) == 1)
        await handle([received(request)])
    assert counts(platform) == {request.execution_id: 5}
    assert await rows("SELECT total FROM dispatch.strike_users") == [(5,)]


async def test_an_action_without_a_webhook_strikes_all_the_same(
    start: Any, striking: Any, make_request: Any, rows: Any, eventually: Any
) -> None:
    """Whether known at once or later, an action with nowhere to go to gives its strike."""
    striking.put_action(None, action_id="a-silent", apply_user_strikes=True)
    ahead = striking.revision + 1
    now = strike(make_request, "c-1", action_id="a-silent")
    later = strike(make_request, "c-2", "post-2", action_id="a-silent-too", config_revision=ahead)
    async with start() as handle:
        await handle([received(now), received(later)])
        striking.put_action(None, action_id="a-silent-too", apply_user_strikes=True)

        async def struck() -> bool:
            return bool(await rows("SELECT total FROM dispatch.strike_users") == [(4,)])

        await eventually(struck)


async def test_a_reverse_action_takes_the_strike_away(
    start: Any, striking: Any, platform: Any, make_request: Any, eventually: Any, rows: Any
) -> None:
    """A request that reverses another is delivered, strikes nobody, and frees the user of the
    strike, also when it comes first."""
    first, second = strike(make_request, "c-1", "post-1"), strike(make_request, "c-2", "post-2")
    undo = [
        strike(make_request, "u-1", "post-1", source="REVERSAL", reverses=first.execution_id),
        strike(make_request, "u-2", "post-2", source="REVERSAL", reverses=second.execution_id),
    ]
    async with start() as handle:
        await handle([received(one) for one in (first, undo[1])])
        await handle([received(one) for one in (undo[0], second)])
        await eventually(lambda: len(platform.hits) == 4)
    assert await rows("SELECT total FROM dispatch.strike_users") == [(0,)]
    assert counts(platform)[undo[0].execution_id] == 0
    assert counts(platform)[second.execution_id] == 0


async def test_a_reversal_of_no_execution_is_a_dead_letter(
    start: Any, striking: Any, make_request: Any
) -> None:
    """It can never be understood."""
    async with start() as handle:
        with pytest.raises(Poison):
            await handle([received(strike(make_request, "c", reverses="x" + str(uuid.uuid4())))])
