"""The edge of the lanes that wait: many submissions at the same time, in order for each item.

    deferred evaluations ─▶ one task each: evaluate ─▶ the item's earlier ones ─▶ limits ─▶ publish

Guarantees: a batch is settled, and its offsets committed in their order, when every evaluation in
it is on the log; killed before, it is evaluated again, with the same ids. What comes of an
item is published in its order; no other waits for it. At most `window` (and a batch) are under way.
Must not: know what is waited for; `media` and `remote` do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

from coop_contracts.event import EvaluationDeferred
from coop_rules_engine import metric
from coop_rules_engine.counter.limit import Limiter
from coop_rules_engine.evaluation import LaneResult
from coop_rules_engine.lane.fast import Publisher
from coop_rules_engine.lane.verdict import Verdicts
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message, Received
from coop_runtime.process.error import Retryable

Evaluate = Callable[[Received[EvaluationDeferred]], Awaitable[LaneResult | Message]]
"""Gives what the rules say, or a message that is published as it is."""


class DeferredHandler:
    """A handler of a consumer of EvaluationDeferred. `lane`: whose events it evaluates; `window`:
    how many of them at a time."""

    def __init__(
        self,
        evaluate: Evaluate,
        publisher: Publisher,
        limiter: Limiter,
        verdicts: Verdicts,
        *,
        lane: Literal["MEDIA", "SLOW"],
        window: int,
    ) -> None:
        self._evaluate = evaluate
        self._publisher = publisher
        self._limiter = limiter
        self._verdicts = verdicts
        self._media = lane == "MEDIA"
        self._window = window
        self._last: dict[bytes | None, asyncio.Task[None]] = {}
        self._under_way = 0
        self._room = asyncio.Event()
        self._gauge = metric.UNDER_WAY.labels(lane)
        self._seconds = metric.LANE_SECONDS.labels(lane)

    async def __call__(self, batch: Sequence[Received[EvaluationDeferred]]) -> Awaitable[None]:
        """Begins each evaluation; what it returns is done when all results are on the log."""
        while self._under_way >= self._window:
            self._room.clear()
            await self._room.wait()
        return self._settle([self._begin(one) for one in batch if self._wants(one.event)])

    def _wants(self, event: EvaluationDeferred) -> bool:
        return self._media == (event.lane == "MEDIA" or event.awaits_media)

    def _begin(self, received: Received[EvaluationDeferred]) -> asyncio.Task[None]:
        key = received.key
        task = asyncio.create_task(self._run(received, self._last.get(key)))
        self._last[key] = task
        self._under_way += 1
        self._gauge.set(self._under_way)

        def ended(_: asyncio.Task[None]) -> None:
            self._under_way -= 1
            self._gauge.set(self._under_way)
            self._room.set()
            if self._last.get(key) is task:
                del self._last[key]

        task.add_done_callback(ended)
        return task

    async def _run(
        self, received: Received[EvaluationDeferred], earlier: asyncio.Task[None] | None
    ) -> None:
        began = time.perf_counter()
        output = await self._evaluate(received)
        if earlier is not None:
            await asyncio.wait([earlier])
            if earlier.cancelled() or earlier.exception() is not None:
                # Both come again, in their order.
                raise Retryable("an earlier evaluation of the item is not done")
        messages = await self._limiter.messages([output], now=datetime.now(UTC))
        acknowledged = self._publisher.begin(messages)
        asked = [Submission.of(received)] if received.event.reply_to is not None else []
        await self._verdicts.after(acknowledged, asked, messages)
        self._seconds.observe(time.perf_counter() - began)

    async def _settle(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        if not tasks:
            return
        try:
            # All of them end before one is begun again.
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
        failed = [error for task in tasks if (error := task.exception()) is not None]
        if failed:
            raise failed[0]
