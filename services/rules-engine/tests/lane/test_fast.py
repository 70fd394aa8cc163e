"""The edge: settlement, and an event loop that is never held for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from coop_rules_engine import metric

Start = Callable[..., Any]


def timed() -> int:
    """Items whose time from acceptance was measured."""
    (family,) = metric.SECONDS.collect()
    return int(next(one.value for one in family.samples if one.name.endswith("_count")))


async def test_batch_is_settled_by_the_acknowledgement(start: Start, kit: Any) -> None:
    """The handler returns before the broker acknowledges, the batch is settled after, and only
    then do its items count as evaluated, with their time."""
    engine = start(kit.rule("r1", kit.contains("spam")))
    engine.broker.acknowledge = False
    held: list[asyncio.Future[None]] = []
    real = engine.broker.begin

    def begin(messages: Any) -> Any:
        held.append(real(messages))
        return held[-1]

    engine.broker.begin = begin
    before, seen = metric.EVALUATED._value.get(), timed()
    settlement = asyncio.ensure_future(await engine.handler([kit.received(kit.submission({}))]))
    await asyncio.sleep(0)
    assert not settlement.done()
    assert (metric.EVALUATED._value.get(), timed()) == (before, seen)
    held[0].set_result(None)
    await settlement
    assert (metric.EVALUATED._value.get(), timed()) == (before + 1, seen + 1)


async def test_others_have_a_turn_inside_a_big_batch(start: Start, kit: Any) -> None:
    """A big batch gives the event loop back between its items."""
    limits = kit.limits(slice_seconds=0.0)
    engine = start(kit.rule("r1", kit.contains("spam")), limits=limits)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    await engine.registry.wait("org")
    counting = asyncio.create_task(count())
    await engine.handle(*[kit.submission({"text": "x"}, number=n) for n in range(200)])
    counting.cancel()
    assert turns >= 200
