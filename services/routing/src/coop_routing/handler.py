"""The edge: a batch of events becomes placed jobs.

    choose ─final─▶ place all in one transaction ─▶ commit ─▶ tell Redis ─▶ acknowledge
       └──wants values──▶ ask, by the deadline ─▶ the same for those, beside the next batches

Guarantees: killed anywhere, the batch comes again and places only what is missing; that repeat also
tells Redis what the first try did not. What waits for a model holds up nothing else, and is placed
by the deadline. A database that is away makes the consumer wait (Retryable); an entry that can
never be stored goes to the dead letters (Poison), alone.
Must not: acknowledge before the commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.error import UnstorableId
from coop_queues.job import Placed, Placement
from coop_queues.store import OrderIndex, place_many
from coop_routing import metric
from coop_routing.entry_router import EntryRouter, PendingEntry
from coop_routing.placement import Cause, asked_by, media_of, placement_of, traits_of
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.fair import Handled, Meter, Unmetered
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison


class Placer:
    """The handler of all three consumers."""

    def __init__(self, engine: AsyncEngine, order: OrderIndex, router: EntryRouter) -> None:
        self._engine = engine
        self._order = order
        self._router = router

    async def __call__(self, batch: Sequence[Received[Cause]]) -> Awaitable[None] | None:
        """Places the entries whose queue is known; what it returns places the others.

        Raises Retryable, Poison.
        """
        return (await self.handle(batch, Unmetered())).settlement

    async def handle(self, batch: Sequence[Received[Cause]], meter: Meter) -> Handled[Cause]:
        """As when called, but leaves out what is of organisations that may not go on."""
        opened: list[tuple[Cause, PendingEntry]] = []
        left: list[Received[Cause]] = []
        began, spent = time.perf_counter(), 0.0
        for received in batch:
            event = received.event
            if not meter.may_go_on(event.org_id, time.perf_counter() - began):
                left.append(received)
                continue
            entry = await self._open(event)
            meter.charge(event.org_id, entry.seconds, 1)
            spent += entry.seconds
            opened.append((event, entry))
        return Handled(await self._begin(opened), left, spent)

    async def handle_beside(
        self, batch: Sequence[Received[Cause]], thread: ThreadPoolExecutor
    ) -> Handled[Cause]:
        """As when called, choosing queues in a thread."""
        opened = [(one.event, await self._open(one.event, thread)) for one in batch]
        spent = sum(entry.seconds for _, entry in opened)
        return Handled(await self._begin(opened), [], spent)

    async def _open(self, event: Cause, thread: ThreadPoolExecutor | None = None) -> PendingEntry:
        return await self._router.open(
            event.org_id,
            event.item,
            traits_of(event),
            at=event.time,
            media_of=media_of(event),
            thread=thread,
        )

    async def _begin(self, opened: Sequence[tuple[Cause, PendingEntry]]) -> Awaitable[None] | None:
        """Places what is final; what it returns places the others."""
        await self._place([one for one in opened if not one[1].waits])
        waiting = [one for one in opened if one[1].waits]
        if not waiting:
            return None
        # Hashes may take longer than a model: who waits for them holds up nobody else.
        for_media = [one for one in waiting if one[1].waits_for_media]
        others = [one for one in waiting if not one[1].waits_for_media]
        return _both(self._settle(others), self._settle(for_media))

    async def _settle(self, waiting: Sequence[tuple[Cause, PendingEntry]]) -> None:
        await self._router.settle([entry for _, entry in waiting])
        await self._place(waiting)

    async def _place(self, entries: Sequence[tuple[Cause, PendingEntry]]) -> None:
        if not entries:
            return
        placements = [self._placement(event, entry) for event, entry in entries]
        try:
            async with transaction(self._engine) as connection:
                placed = await place_many(connection, placements)
        except UnstorableId as error:
            raise Poison(str(error)) from error
        _count(placements, placed)
        await self._order.apply(change for answer in placed for change in answer.changes)

    def _placement(self, event: Cause, entry: PendingEntry) -> Placement:
        route = entry.route(by=asked_by(event))
        ranking = self._router.ranking(event.org_id, route.queue_id)
        return placement_of(event, route, ranking, self._router.item_types(event.org_id))


async def _both(one: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Each to its end; then the first fault."""
    for fault in await asyncio.gather(one, other, return_exceptions=True):
        if fault is not None:
            raise fault


def _count(placements: Sequence[Placement], placed: Sequence[Placed]) -> None:
    now = datetime.now(UTC)
    for placement, answer in zip(placements, placed, strict=True):
        if answer.repeated:
            metric.REPEATED.inc()
            continue
        (metric.CREATED if answer.created else metric.MERGED).inc()
        entry = placement.entry
        metric.ROUTED.labels(entry.source, entry.routing.how).inc()
        metric.SECONDS.observe(max(0.0, (now - entry.at).total_seconds()))
        if entry.routing.undecided:
            metric.UNDECIDED.inc()
        if entry.csam:
            metric.CSAM.inc()
