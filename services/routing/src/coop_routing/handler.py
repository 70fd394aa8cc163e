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

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.error import UnstorableId
from coop_queues.job import Placed, Placement
from coop_queues.store import OrderIndex, place_many
from coop_routing import metric
from coop_routing.entry_router import EntryRouter, PendingEntry
from coop_routing.placement import Cause, asked_by, placement_of, traits_of
from coop_runtime.database.engine import transaction
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
        final: list[tuple[Cause, PendingEntry]] = []
        waiting: list[tuple[Cause, PendingEntry]] = []
        for received in batch:
            event = received.event
            entry = await self._router.open(
                event.org_id, event.item, traits_of(event), at=event.time
            )
            (waiting if entry.waits else final).append((event, entry))
        await self._place(final)
        return self._settle(waiting) if waiting else None

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
        return placement_of(event, route, self._router.ranking(event.org_id, route.queue_id))


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
