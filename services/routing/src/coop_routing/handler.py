"""The edge: a batch of events becomes placed jobs.

    route each ─▶ place all in one transaction ─▶ commit ─▶ tell Redis ─▶ acknowledge

Guarantees: killed anywhere, the batch comes again and places only what is missing; that repeat also
tells Redis what the first try did not. A database that is away makes the consumer wait (Retryable);
an entry that can never be stored goes to the dead letters (Poison), alone.
Must not: acknowledge before the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.error import UnstorableId
from coop_queues.job import Placed, Placement
from coop_queues.store import OrderIndex, place_many
from coop_routing import metric
from coop_routing.placement import Cause, placement_of, traits_of
from coop_routing.route import decide
from coop_routing.table import RouteTables
from coop_runtime.database import transaction
from coop_runtime.error import Poison
from coop_runtime.message import Received


class Placer:
    """The handler of all three consumers."""

    def __init__(self, engine: AsyncEngine, order: OrderIndex, tables: RouteTables) -> None:
        self._engine = engine
        self._order = order
        self._tables = tables

    async def __call__(self, batch: Sequence[Received[Cause]]) -> None:
        """Raises Retryable, Poison."""
        placements = [await self._placement(received.event) for received in batch]
        try:
            async with transaction(self._engine) as connection:
                placed = await place_many(connection, placements)
        except UnstorableId as error:
            raise Poison(str(error)) from error
        _count(placements, placed)
        await self._order.apply(change for answer in placed for change in answer.changes)

    async def _placement(self, event: Cause) -> Placement:
        traits = traits_of(event)
        table = await self._tables.table(event.org_id, event.item, for_appeals=traits.for_appeals)
        route = decide(
            table,
            event.item,
            at=event.time,
            source=traits.source,
            policy_ids=traits.policy_ids,
            queue_id=traits.queue_id,
            child_safety=traits.child_safety,
        )
        return placement_of(event, route)


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
        if entry.csam:
            metric.CSAM.inc()
