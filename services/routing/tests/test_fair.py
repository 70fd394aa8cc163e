"""Reports of one organisation do not wait behind another's routing rules."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef
from coop_queues.store import OrderIndex, jobs_of_item, pending_counts
from coop_routing.entry_router import EntryRouter
from coop_routing.handler import Placer
from coop_routing.placement import Cause
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.fair import FairHandler, FairLimits
from coop_runtime.kafka.message import Received
from coop_runtime.process.fairness import ProcessorShares, ShareLimits

from .conftest import Configuration, contains, item, leaf, report, rule

pytestmark = pytest.mark.engines

LIGHT = "light"


def received(*events: Cause) -> list[Received[Cause]]:
    return [Received(event, None, "t", 0, offset, {}, -1) for offset, event in enumerate(events)]


def heavy() -> dict[str, object]:
    """A condition of regexes that no literal lets pass over."""
    name = "TEXT_MATCHING_CONTAINS_REGEX"
    return leaf(
        input={"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "post"},
        signal={"id": f'{{"type":"{name}"}}', "type": name},
        matchingValues={
            "strings": [f"(?:[a-z]+ ){{{n % 9 + 2}}}[a-z]*[0-9]{{{n + 1}}}" for n in range(40)]
        },
    )


async def test_heavy_routing_rules_delay_nobody_else(
    engine: AsyncEngine,
    order: OrderIndex,
    configuration: Configuration,
    entry_router: EntryRouter,
    org: str,
) -> None:
    """200 reports of large items with heavy rules, then one of another organisation: that one has
    its job while the others still stand in line, and in the end every report has one."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", heavy()))
    configuration.put(Kind.ROUTING_RULE, rule("r2", 2, "spam", contains("buy")))
    shares = ProcessorShares(ShareLimits(rate=0.1, burst=0.005), lambda _: 1.0, now=time.monotonic)
    handler: FairHandler[Cause] = FairHandler(
        Placer(engine, order, entry_router),
        shares,
        FairLimits(short=0.0),
        group="test",
        size_of=lambda event: len(memoryview(event.item.data)),
    )
    text = "lorem ipsum dolor " * 2_000
    flood = [report(org, f"r{n}", item(f"i{n}", text=text)) for n in range(200)]
    light = f"{org}-{LIGHT}"
    working = asyncio.create_task(handler.lines.run())
    async with asyncio.timeout(60):
        first = await handler(received(*flood))
        assert first is not None
        flooding = asyncio.ensure_future(first)
        second = await handler(received(report(light, "x")))
        if second is not None:
            await second
        async with transaction(engine) as connection:
            assert await jobs_of_item(connection, light, ItemRef("i1", "post"))
        assert handler.lines.waits(org)
        await flooding
    working.cancel()
    await asyncio.wait([working])
    await handler.stop()
    async with transaction(engine) as connection:
        counts = await pending_counts(connection, org)
    assert sum(count.pending for count in counts.values()) == 200
