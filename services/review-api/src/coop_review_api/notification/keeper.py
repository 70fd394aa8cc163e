"""Deletes notifications, mails and changes of strikes that are too old.

Must not: delete much at once; what is left goes at the next pass, soon after.
"""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel.clock import Clock
from coop_review_api.notification import mail, store, strike
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_EVERY = 300.0  # seconds
_SOON = 1.0

_log = logger("coop.review_api.notification")


class NotificationPruner:
    """One process's; several may run."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                deleted = await self.prune()
            except Retryable as error:
                _log.warning("nothing pruned", reason=str(error))
                deleted = 0
            await asyncio.sleep(_SOON if deleted else _EVERY)

    async def prune(self) -> int:
        """One pass; gives how many rows went. Raises `Retryable`."""
        now = self._clock()
        async with transaction(self._engine) as connection:
            return (
                await store.prune(connection, now=now)
                + await mail.prune(connection, now=now)
                + await strike.prune(connection, now=now)
            )
