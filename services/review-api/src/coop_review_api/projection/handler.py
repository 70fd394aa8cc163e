"""The edge of the projector: batches of four topics in, rows out.

Guarantees: a batch is one transaction, with its rows and what they count for, committed before its
offsets; a batch that comes twice changes nothing; a database that is away is waited for.
Must not: keep evaluations of which nothing is recorded (no rule passed, none was undecided, none is
sampled), or anything older than the retention.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import (
    ActionDelivered,
    ActionRequested,
    Event,
    ItemSubmitted,
    RulesEvaluated,
)
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.projection import store
from coop_review_api.projection.evaluated import add_evaluated
from coop_review_api.projection.partition import (
    COUNTED,
    DAY,
    KEPT,
    RECENT,
    Partitioned,
    Partitions,
)
from coop_review_api.tally.figure import Fact
from coop_review_api.tally.store import count
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison, Retryable

E = TypeVar("E", bound=Event)

_NO_PARTITION = "23514"  # check_violation: no partition takes the row
_SKEW = DAY  # by how much another machine's clock may be ahead


class Projection:
    """The handlers of the four consumers. `retention` is how long what they write is kept."""

    def __init__(
        self,
        engine: AsyncEngine,
        partitions: Partitions,
        *,
        clock: Clock,
        retention: timedelta,
    ) -> None:
        self._engine = engine
        self._partitions = partitions
        self._clock = clock
        self._retention = retention

    async def evaluated(self, batch: Sequence[Received[RulesEvaluated]]) -> None:
        """Record evaluations, and count them all. Raises `Retryable`, `Poison`."""
        now = self._clock()
        events = self._kept(batch, store.submitted_at)
        recorded = [event for event in events if is_recorded(event)]
        tables = [KEPT[name] for name in ("evaluations", "evaluation_rules", "executions")]

        async def add(
            connection: AsyncConnection, events: Sequence[RulesEvaluated]
        ) -> Sequence[Fact]:
            matches = await store.add_evaluations(connection, recorded)
            return matches + await add_evaluated(connection, events, now=now)

        await self._write(events, store.submitted_at, [COUNTED, *tables], add)
        metric.PROJECTED.labels("evaluation").inc(len(recorded))

    async def submitted(self, batch: Sequence[Received[ItemSubmitted]]) -> None:
        """Record submissions. Raises `Retryable`, `Poison`."""
        now = self._clock()

        async def add(
            connection: AsyncConnection, events: Sequence[ItemSubmitted]
        ) -> Sequence[Fact]:
            await store.add_submissions(connection, events, now=now)
            return ()

        events = self._kept(batch, _made_at)
        await self._write(events, _made_at, (RECENT,), add)
        metric.PROJECTED.labels("submission").inc(len(events))

    async def delivered(self, batch: Sequence[Received[ActionDelivered]]) -> None:
        """Record outcomes of deliveries. Raises `Retryable`, `Poison`."""
        events = self._kept(batch, _made_at)

        async def add(
            connection: AsyncConnection, events: Sequence[ActionDelivered]
        ) -> Sequence[Fact]:
            await store.add_deliveries(connection, events)
            return ()

        await self._write(events, _made_at, (KEPT["deliveries"],), add)
        metric.PROJECTED.labels("delivery").inc(len(events))

    async def requested(self, batch: Sequence[Received[ActionRequested]]) -> None:
        """Record and count actions that were asked for. Raises `Retryable`, `Poison`."""
        events = self._kept(batch, _made_at)
        await self._write(events, _made_at, (KEPT["requested_actions"],), store.add_actions)
        metric.PROJECTED.labels("action").inc(len(events))

    def _kept(self, batch: Sequence[Received[E]], time_of: Callable[[E], datetime]) -> list[E]:
        now = self._clock()
        oldest = KEPT["evaluations"].start_of(now - self._retention)
        newest = now + _SKEW
        kept = []
        for received in batch:
            event = received.event
            time = time_of(event)
            if time > newest:
                raise Poison(f"of {time.isoformat()}, which is to come")
            if time >= oldest:
                kept.append(event)
        return kept

    async def _write(
        self,
        events: Sequence[E],
        time_of: Callable[[E], datetime],
        tables: Sequence[Partitioned],
        add: Callable[[AsyncConnection, Sequence[E]], Awaitable[Sequence[Fact]]],
    ) -> None:
        if not events:
            return
        times = [time_of(event) for event in events]
        for table in tables:
            await self._partitions.ensure(table, times)
        try:
            async with transaction(self._engine) as connection:
                await count(connection, await add(connection, events))
        except sqlalchemy.exc.IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != _NO_PARTITION:
                raise
            # Dropped by another process since it was seen here.
            self._partitions.forget()
            raise Retryable("a partition is gone: it will be made again") from error


def _made_at(event: Event) -> datetime:
    return event.time


def is_recorded(event: RulesEvaluated) -> bool:
    """Whether there is something to explain."""
    return bool(event.rules or event.executions or event.limited or event.sampled)
