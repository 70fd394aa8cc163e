"""Takes strikes off users' totals when they expire, so that thresholds can be crossed again.

Guarantees: an expired strike is off the total, its threshold open again and the event told within
seconds, though nothing else happens to the user; several processes share the work. Nobody waits for
it to be exact: who changes an account first brings it up to date by itself.
Must not: hold up anything: it leaves out users whom others hold.
"""

from __future__ import annotations

import asyncio
import time

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher import metric
from coop_action_dispatcher.strike_store import Strikes
from coop_runtime.database.engine import transaction
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_BATCH = 200
_PRUNE_BATCH = 1000
_EVERY = 2.0  # seconds
_PRUNE_EVERY = 60.0

_log = logger("coop.dispatcher.strikes")


class StrikeKeeper:
    """The passes of one process."""

    def __init__(self, engine: AsyncEngine, strikes: Strikes) -> None:
        self._engine = engine
        self._strikes = strikes
        self._pruned_at = float("-inf")

    async def run(self) -> None:
        """Until cancelled. An outage of the database is waited out."""
        backoff = Backoff()
        while True:
            try:
                more = await self.expire()
                if not more and time.monotonic() - self._pruned_at > _PRUNE_EVERY:
                    more = await self.prune()
                backoff.reset()
            except Retryable as error:
                metric.STORE_RETRIES.labels("strikes").inc()
                _log.warning("the database does not answer", task="strikes", reason=str(error))
                await asyncio.sleep(backoff.next_delay())
                continue
            if not more:
                await asyncio.sleep(_EVERY)

    async def expire(self) -> bool:
        """One pass over expired strikes; true when there may be more. Raises `Retryable`."""
        async with transaction(self._engine) as connection:
            settled = await self._strikes.expire(connection, limit=_BATCH)
        if settled:
            self._strikes.committed.set()
        return settled == _BATCH

    async def prune(self) -> bool:
        """One pass over what expired long ago; true when there may be more. Raises `Retryable`."""
        async with transaction(self._engine) as connection:
            deleted = await self._strikes.prune(connection, limit=_PRUNE_BATCH)
        if deleted < _PRUNE_BATCH:
            self._pruned_at = time.monotonic()
        return deleted >= _PRUNE_BATCH
