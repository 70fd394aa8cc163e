"""What is seen to beside the deliveries: the view of the endpoints, their statistics, pauses, and
the end of old rows.

Guarantees: every step is one bounded transaction that any process may do at any time; none is
needed for a delivery to arrive.
Must not: touch what is pending, except to lead it to where its action points by now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher import endpoint, health, metric
from coop_action_dispatcher.breaker import Breakers, HealthChange, News
from coop_action_dispatcher.delivery import Result
from coop_action_dispatcher.endpoint import Directory
from coop_action_dispatcher.health import Tally
from coop_action_dispatcher.lease import Leases
from coop_action_dispatcher.retention import Retention, prune
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

EndpointsOf = Callable[[str], Mapping[str, str]]
"""The names of the endpoints that an organisation's deliveries lead to now, by action id and by
kind of callback."""

_REFRESH_EVERY = 1.0  # seconds; the view of the endpoints
_FLUSH_EVERY = 5.0
_PAUSE_EVERY = 60.0
_PRUNE_EVERY, _PRUNE_AGAIN = 60.0, 0.5

_log = logger("coop.dispatcher.upkeep")


class Upkeep:
    """One process's share."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        breakers: Breakers,
        tally: Tally,
        directory: Directory,
        leases: Leases,
        endpoints_of: EndpointsOf,
        retention: Retention,
    ) -> None:
        self._engine = engine
        self._breakers = breakers
        self._tally = tally
        self._directory = directory
        self._leases = leases
        self._endpoints_of = endpoints_of
        self._retention = retention
        self._troubled_of: dict[str, list[int]] = {}
        self._moved: dict[str, object] = {}
        self._pruned_to = 0

    def observe(self, result: Result) -> HealthChange | None:
        """Takes in what a result says of its endpoint; what the endpoint's row must be told."""
        delivery, attempt = result.delivery, result.attempt
        if attempt is None or attempt.refused:
            return None  # we refused: it says nothing of the endpoint
        self._tally.add(delivery.endpoint_id, attempt)
        change = self._breakers.observe(delivery.endpoint_id, attempt, probe=delivery.probe)
        if change is not None and change.news is News.GONE:
            metric.ENDPOINT_PAUSES.labels("gone").inc()
        elif change is not None and change.news is News.OPENED:
            metric.BREAKERS_OPENED.inc()
        return change

    def saved(self, endpoint_id: int) -> None:
        """What `observe` told is in the endpoint's row, or was overtaken by later news."""
        self._breakers.saved(endpoint_id)

    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What is to be done again and again, by name."""
        return {
            "endpoints": self._refresh_loop,
            "statistics": self._flush_loop,
            "pauses": self._pause_loop,
            "retention": self._prune_loop,
        }

    async def _refresh_loop(self) -> None:
        await self.refresh()
        await asyncio.sleep(_REFRESH_EVERY)

    async def _flush_loop(self) -> None:
        await asyncio.sleep(_FLUSH_EVERY)
        await self.flush()

    async def _pause_loop(self) -> None:
        await self.pause_failing()
        await asyncio.sleep(_PAUSE_EVERY)

    async def _prune_loop(self) -> None:
        more = await self.prune()
        await asyncio.sleep(_PRUNE_AGAIN if more else _PRUNE_EVERY)

    async def refresh(self) -> None:
        """Brings the view of the endpoints up to date. Raises `Retryable`."""
        read_at = self._breakers.now()
        async with transaction(self._engine, within=5) as connection:
            found = await endpoint.troubled(connection)
        self._breakers.load(found, read_at=read_at)
        blocked: dict[str, list[int]] = {}
        for one in found:
            if one.paused or one.open_for is not None:
                blocked.setdefault(one.org_id, []).append(one.endpoint_id)
        self._troubled_of = blocked
        opened, paused = self._breakers.count()
        metric.ENDPOINTS_OPEN.set(opened)
        metric.ENDPOINTS_PAUSED.set(paused)

    async def lead(self) -> int:
        """Leads what waits for a blocked endpoint to where its action points, where that changed;
        gives the number of deliveries. Raises `Retryable`."""
        moved = 0
        for org_id, blocked in self._troubled_of.items():
            names = self._endpoints_of(org_id)
            state = (names, tuple(blocked))
            if self._moved.get(org_id) == state:
                continue
            ids = await self._directory.ids((org_id, name) for name in names.values())
            to = {of: ids[org_id, name] for of, name in names.items()}
            moved += await self._leases.move(org_id, to, blocked)
            self._moved[org_id] = state
        for org_id in self._moved.keys() - self._troubled_of.keys():
            del self._moved[org_id]
        return moved

    async def flush(self) -> None:
        """Writes the statistics. Raises `Retryable`."""
        taken = self._tally.take()
        if not taken:
            return
        try:
            async with transaction(self._engine, within=5) as connection:
                await health.flush(connection, taken)
        except Retryable:
            self._tally.give_back(taken)
            raise

    async def pause_failing(self) -> None:
        """Pauses endpoints that have failed for too long. Raises `Retryable`."""
        async with transaction(self._engine, within=5) as connection:
            paused = await endpoint.pause_failing(connection, self._breakers.limits)
        if paused:
            metric.ENDPOINT_PAUSES.labels("failing").inc(paused)
            _log.error("endpoints paused: no success for days", count=paused)

    async def prune(self) -> bool:
        """Deletes one batch of what ended long ago; True when there may be more.

        Raises `Retryable`.
        """
        async with transaction(self._engine) as connection:
            pruned = await prune(connection, self._retention, after=self._pruned_to)
        self._pruned_to = pruned.reached
        metric.PRUNED.inc(pruned.deleted)
        return pruned.more
