"""Carries automations out and moves what is in removed queues, a batch at a time.

Guarantees: killed anywhere, the next process goes on after the last committed batch; one automation
that fails holds up no other; several processes share the work, a batch of each at a time.
Must not: hold a transaction while it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.store import OrderIndex
from coop_review_api.automation import batch, store
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.turn import OrgTurns
from coop_review_api.queue import removal
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_IDLE = 0.5  # seconds between two looks at what is due
_PAUSE = 0.01  # between two batches: reviewers go first

_log = logger("coop.review_api.automation")


@dataclass(frozen=True, kw_only=True)
class AutomationLimits:
    """How many `jobs` a batch takes: it holds their slots while it lasts. How many batches a
    request carries out itself; the relay does the rest."""

    jobs: int = 50
    batches_of_request: int = 5


class AutomationWorker:
    """One for each process that carries automations out."""

    def __init__(
        self,
        engine: AsyncEngine,
        order: OrderIndex,
        *,
        clock: Clock,
        limits: AutomationLimits,
        committing: Callable[[], None] = lambda: None,
    ) -> None:
        """`committing` is called at the end of each batch, before its commit."""
        self._engine = engine
        self._order = order
        self._clock = clock
        self._limits = limits
        self._committing = committing
        self._turns = OrgTurns()
        self._moving = OrgTurns()

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        while True:
            try:
                worked = await self.advance()
                worked = await self.move() or worked
            except Retryable as error:
                _log.warning("automations wait for the database", error=str(error))
                worked = False
            await asyncio.sleep(_PAUSE if worked else _IDLE)

    async def advance(self, automation_id: str | None = None) -> bool:
        """One batch of what is due (or of that automation, if it is due); False: there was none.
        Raises `Retryable`."""
        row = None
        try:
            async with transaction(self._engine) as connection:
                now = self._clock()
                row = await store.take(
                    connection, now, automation_id=automation_id, turns=self._turns
                )
                if row is None:
                    return False
                progress = await batch.carry_out(connection, row, now=now, limit=self._limits.jobs)
                await store.keep(connection, row, progress, now)
                self._committing()
        except Retryable:
            raise
        except Exception as error:
            if row is None:
                raise
            # Of this automation alone: the others go on.
            _log.exception("an automation failed", automation_id=row.automation_id, kind=row.kind)
            metric.AUTOMATION_FAILURES.labels(row.kind).inc()
            async with transaction(self._engine) as connection:
                await store.fail(connection, row, type(error).__name__, self._clock())
            return True
        metric.AUTOMATED.labels(row.kind).inc(progress.closed)
        await self._order.apply(progress.changes)
        return True

    async def move(self) -> bool:
        """One batch out of a removed queue; False: nothing went on. Raises `Retryable`."""
        row = None
        try:
            async with transaction(self._engine) as connection:
                now = self._clock()
                row = await removal.take(connection, now, turns=self._moving)
                if row is None:
                    return False
                moved = await removal.carry_out(connection, row, now=now, limit=self._limits.jobs)
                self._committing()
        except Retryable:
            raise
        except Exception:
            if row is None:
                raise
            _log.exception("a removed queue's jobs did not go on", queue_id=row.queue_id)
            metric.AUTOMATION_FAILURES.labels("REMOVED_QUEUE").inc()
            async with transaction(self._engine) as connection:
                await removal.postpone(connection, row, self._clock())
            return True
        metric.AUTOMATED.labels("REMOVED_QUEUE").inc(len(moved))
        await self._order.apply(change for one in moved for change in one.changes)
        return bool(moved)
