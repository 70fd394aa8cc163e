"""One organisation's flood of heavy items does not hold up another's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from coop_contracts.config import Kind
from coop_contracts.event import ItemSubmitted, RulesEvaluated
from coop_rules_engine.lane.crowd import announce
from coop_runtime.kafka.config_table import ConfigChange
from coop_runtime.kafka.fair import FairHandler, FairLimits
from coop_runtime.process.fairness import ProcessorShares, ShareLimits
from coop_runtime.redis.crowd import crowd_key

Start = Callable[..., Any]

HEAVY = "heavy"
LIGHT = "light"


def evaluated(engine: Any) -> list[tuple[str, str]]:
    return [(one.org_id, one.item.id) for one in engine.broker.events(RulesEvaluated)]


class Fair:
    """A fair handler over an engine that has two organisations with the same rules."""

    def __init__(self, engine: Any, kit: Any, limits: FairLimits) -> None:
        self.engine = engine
        self.kit = kit
        shares = ProcessorShares(
            ShareLimits(rate=0.1, burst=0.005), lambda _: 1.0, now=time.monotonic
        )
        self.handler: FairHandler[ItemSubmitted] = FairHandler(
            engine.handler,
            shares,
            limits,
            group="test",
            size_of=lambda event: len(memoryview(event.item.data)),
        )

    def events(self, org_id: str, count: int, *, first: int = 0) -> list[ItemSubmitted]:
        text = "lorem ipsum dolor " * (2_000 if org_id == HEAVY else 1)
        return [
            self.kit.submission(
                {"text": text}, number=first + n, item_id=f"{org_id}-{first + n}", org_id=org_id
            )
            for n in range(count)
        ]

    async def take(self, *events: ItemSubmitted) -> asyncio.Future[None]:
        settlement = await self.handler([self.kit.received(event) for event in events])
        assert settlement is not None
        return asyncio.ensure_future(settlement)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.handler.lines.run())
        try:
            async with asyncio.timeout(30):
                yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            await self.handler.stop()


@pytest.fixture
def fair(start: Start, kit: Any) -> Callable[..., Fair]:
    def begin(**limits: Any) -> Fair:
        # No literal in them by which they could be passed over.
        patterns = [f"(?:[a-z]+ ){{{n % 9 + 2}}}[a-z]*[0-9]{{{n + 1}}}" for n in range(40)]
        name = "TEXT_MATCHING_CONTAINS_REGEX"
        rules = [
            kit.rule(
                f"r{n}",
                {
                    "input": {
                        "type": "CONTENT_FIELD",
                        "name": "text",
                        "contentTypeId": "post",
                    },
                    "signal": {"id": f'{{"type":"{name}"}}', "type": name},
                    "matchingValues": {"strings": [pattern]},
                },
            )
            for n, pattern in enumerate(patterns)
        ]
        engine = start(*rules, org_id=HEAVY)
        others = [*kit.documents(), *((Kind.RULE, one) for one in rules)]
        for revision, (kind, document) in enumerate(others, 1):
            engine.table.apply(ConfigChange(LIGHT, kind, document.id, document, revision))
        return Fair(engine, kit, FairLimits(**limits))

    return begin


async def test_a_flood_stands_in_line_and_others_pass(fair: Callable[..., Fair]) -> None:
    """Of a batch of a heavy organisation and a light one, the light one's items are on the log
    before the heavy one's line is worked off, and so are those of the next batch."""
    one = fair(short=0.0)
    async with one.running():
        flood = await one.take(*one.events(HEAVY, 100), *one.events(LIGHT, 1))
        small = await one.take(*one.events(LIGHT, 5, first=1))
        await small
        assert not flood.done()
        assert one.handler.lines.backlog.entries > 0
        await flood
    orgs = [org for org, _ in evaluated(one.engine)]
    assert orgs.count(HEAVY) == 100
    assert orgs.count(LIGHT) == 6
    assert orgs[-1] == HEAVY


async def test_every_item_once_and_in_order(fair: Callable[..., Fair]) -> None:
    """However batches are cut between the lane and the lines, each item is evaluated once, those of
    an organisation in their order."""
    one = fair(short=0.0)
    async with one.running():
        settlements = [
            await one.take(*one.events(HEAVY, 30, first=30 * n), *one.events(LIGHT, 3, first=3 * n))
            for n in range(10)
        ]
        await asyncio.gather(*settlements)
    for org, count in ((HEAVY, 300), (LIGHT, 30)):
        found = [item for org_id, item in evaluated(one.engine) if org_id == org]
        assert found == [f"{org}-{n}" for n in range(count)]


async def test_who_is_alone_does_not_wait(fair: Callable[..., Fair]) -> None:
    """Nobody else has work and batches are short: no line, however much it is, once it is known
    what an item costs."""
    one = fair(short=60.0, heavy=60.0)
    async with one.running():
        await (await one.take(*one.events(HEAVY, 1)))
        for n in range(1, 5):
            await (await one.take(*one.events(HEAVY, 20, first=20 * n)))
            assert not one.handler.lines.waits(HEAVY)


async def test_what_waits_is_bounded(fair: Callable[..., Fair]) -> None:
    """With full lines no further batch is taken until there is room."""
    one = fair(short=0.0, entries=10)
    await one.take(*one.events(HEAVY, 100))
    assert one.handler.lines.backlog.entries > 10
    next_one = asyncio.create_task(one.take(*one.events(LIGHT, 1)))
    await asyncio.sleep(0.05)
    assert not next_one.done()
    async with one.running():
        await (await next_one)


async def test_a_stopped_settlement_leaves_its_items_out(fair: Callable[..., Fair]) -> None:
    """What the consumer gives up is not evaluated later: it comes again from the log."""
    one = fair(short=0.0)
    flood = await one.take(*one.events(HEAVY, 100))
    before = len(evaluated(one.engine))
    await asyncio.sleep(0)
    flood.cancel()
    await asyncio.wait([flood])
    async with one.running():
        await (await one.take(*one.events(LIGHT, 1)))
        while one.handler.lines.waits(HEAVY):  # noqa: ASYNC110 - it says nothing by itself
            await asyncio.sleep(0)
    assert len([org for org, _ in evaluated(one.engine) if org == HEAVY]) == before


@pytest.mark.engines
async def test_long_lines_are_announced(fair: Callable[..., Fair], redis_url: str) -> None:
    """While a line is long, Redis says so; ingest then answers 429 (tested there)."""
    one = fair(short=0.0, entries=100)
    redis = Redis.from_url(redis_url)
    await redis.delete(crowd_key(HEAVY))
    await one.take(*one.events(HEAVY, 90))
    announcing = asyncio.create_task(announce(one.handler.long_lines, redis))
    async with asyncio.timeout(5):
        while not await redis.exists(crowd_key(HEAVY)):  # noqa: ASYNC110 - in Redis
            await asyncio.sleep(0.02)
    assert 0 < await redis.pttl(crowd_key(HEAVY)) <= 2000
    assert not await redis.exists(crowd_key(LIGHT))
    announcing.cancel()
    await asyncio.wait([announcing])
    await redis.aclose()
