"""The edge to the log of reversals: what was taken back no longer counts against anybody.

Guarantees: returns once the whole batch is in the database; a reversal that comes again, or before
the request that it takes back, does what it should.
Must not: tell the platform; a reverse action, requested by itself, does.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.collision import TRIES, Collision
from coop_action_dispatcher.item import storable
from coop_action_dispatcher.strike import reversal_of
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.event import EffectsReversed
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Retryable


class ReversalHandler:
    """Handles batches of EffectsReversed."""

    def __init__(self, engine: AsyncEngine, strikes: Strikes) -> None:
        self._engine = engine
        self._strikes = strikes

    async def __call__(self, batch: Sequence[Received[EffectsReversed]]) -> None:
        """Raises `Poison` for an execution id that is none, `Retryable` without a database."""
        reversals = [
            reversal_of(one.event, storable(one.headers.get("traceparent", b"").decode("latin-1")))
            for one in batch
        ]
        for _ in range(TRIES):
            try:
                async with transaction(self._engine) as connection:
                    await self._strikes.apply(
                        connection, [], [one for one in reversals if one is not None]
                    )
            except Collision:
                continue
            self._strikes.committed.set()
            return
        raise Retryable("strikes: the same executions are being requested")
