"""Carries erasures out, user by user, a batch of items at a time.

    collect what the user made, from every slice ─▶ a list ─▶ batches, each given to every eraser
      ─▶ what is found by the user alone ─▶ the same again after `settle` ─▶ done

The second round finds what was on its way when the first one went by: held decisions, batches of
consumers, webhooks. While webhooks are still on their way there is another one after `pause`.

Guarantees: killed anywhere, the next process goes on; what is done twice is done once; what is
about child safety is counted and left. An erasure that cannot go on says why, and is tried again
for as long as it takes (`coop_review_erasure_age_seconds` tells).
Must not: know what there is in a slice; `Eraser` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.erasure import ErasedUser
from coop_contracts.event import ItemRef
from coop_queues import store as queues
from coop_review_api.erasure import progress
from coop_review_api.erasure.table import erasures
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_review_api.kernel.error import ReviewError
from coop_review_api.kernel.turn import OrgTurns
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_IDLE = 1.0  # seconds between two looks for an erasure
_PAUSE = 0.02  # between two steps: others use this database, too
_AFTER_OUTAGE = 2.0
_MEASURED_EVERY: Final = timedelta(seconds=15)

_log = logger("coop.review_api.erasure")


@dataclass(frozen=True, kw_only=True)
class ErasureLimits:
    """`settle`: after which time everything that was on its way has arrived (a decision may be held
    for an hour). `pause`: between two looks at what waits. `batch`: items at a time."""

    settle: timedelta = timedelta(hours=2)
    pause: timedelta = timedelta(minutes=5)
    batch: int = 100

    @classmethod
    def of(cls, settle: float) -> ErasureLimits:
        """With these seconds to settle."""
        wanted = timedelta(seconds=settle)
        return cls(settle=wanted, pause=min(cls.pause, wanted))


class ErasureWorker:
    """One process's; several may run."""

    def __init__(
        self,
        engine: AsyncEngine,
        erasers: Sequence[Eraser],
        *,
        clock: Clock,
        limits: ErasureLimits,
    ) -> None:
        self._engine = engine
        self._erasers = erasers
        self._clock = clock
        self._limits = limits
        self._turns = OrgTurns()
        self._measured_at = clock() - _MEASURED_EVERY

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        while True:
            try:
                worked = await self.step()
                await self._measure()
            except Retryable as error:
                _log.warning("erasures wait for the database", error=str(error))
                await asyncio.sleep(_AFTER_OUTAGE)
                continue
            await asyncio.sleep(_PAUSE if worked else _IDLE)

    async def step(self) -> bool:
        """One step of one erasure; False when none is due. Raises `Retryable`."""
        now = self._clock()
        async with transaction(self._engine) as connection:
            erasure = await progress.take(connection, self._turns, now=now)
            if erasure is None:
                return False
            user = await progress.next_user(connection, erasure.erasure_id, now=now)
            if user is None:
                await progress.put_down(connection, erasure, now=now)
                return True
        try:
            await self._go_on(erasure, user)
        except Retryable:
            raise  # its lease runs out
        except Exception as error:  # noqa: BLE001 - see below
            # Whatever it is, the other erasures go on, and this one is not given up.
            known = isinstance(error, ReviewError)
            _log.warning("an erasure cannot go on", erasure=erasure.erasure_id, exc_info=not known)
            async with transaction(self._engine) as connection:
                said = str(error) if known else type(error).__name__
                await progress.failed(connection, erasure, said, now=self._clock())
            return True
        async with transaction(self._engine) as connection:
            await progress.go_on(connection, erasure.erasure_id, now=self._clock())
        return True

    async def _go_on(self, erasure: Row[Any], user: Row[Any]) -> None:
        ref = ItemRef(user.user_id, user.type_id)
        stand_in = ItemRef(user.stand_in, user.type_id)
        part = ErasedPart(
            org_id=user.org_id,
            erased=ErasedUser(user=ref, stand_in=stand_in, until=erasure.created_at),
        )
        if user.step == "COLLECTING":
            await self._collect(user, part)
            return
        async with transaction(self._engine) as connection:
            items = await progress.batch(connection, user, limit=self._limits.batch)
        if items:
            await self._erase(user, part, items)
        else:
            await self._end_round(user, part)

    async def _collect(self, user: Row[Any], part: ErasedPart) -> None:
        """Everything that the user made goes on the list, and the user."""
        async with transaction(self._engine) as connection:
            await progress.listed(connection, user, [part.user])
        for eraser in self._erasers:
            if eraser.made_by is None:
                continue
            after: ItemRef | None = None
            while True:
                items = await eraser.made_by(part, after, self._limits.batch)
                if not items:
                    break
                async with transaction(self._engine) as connection:
                    await progress.listed(connection, user, items)
                after = items[-1]
        async with transaction(self._engine) as connection:
            await progress.collected(connection, user)

    async def _erase(self, user: Row[Any], part: ErasedPart, items: Sequence[ItemRef]) -> None:
        async with transaction(self._engine) as connection:
            grave = await queues.grave_among(connection, part.org_id, items)
        plain = tuple(item for item in items if item not in grave)
        counts: Counts = {}
        if plain:
            batch = ErasedPart(org_id=part.org_id, erased=part.erased, items=plain)
            for eraser in self._erasers:
                if eraser.of_items is not None:
                    counts = progress.added(counts, await eraser.of_items(batch))
        async with transaction(self._engine) as connection:
            await progress.worked_off(connection, user, items, counts, grave=len(grave))
        metric.ERASED_ITEMS.inc(len(plain))

    async def _end_round(self, user: Row[Any], part: ErasedPart) -> None:
        counts: Counts = {}
        for eraser in self._erasers:
            if eraser.of_user is not None:
                counts = progress.added(counts, await eraser.of_user(part))
        waiting = user.waiting + counts.get("waiting", 0)
        now = self._clock()
        async with transaction(self._engine) as connection:
            if user.round == 0:
                await progress.again(connection, user, counts, at=now + self._limits.settle)
            elif waiting:
                await progress.again(connection, user, counts, at=now + self._limits.pause)
            else:
                await progress.done(connection, user, counts)
                metric.ERASED_USERS.inc()

    async def _measure(self) -> None:
        now = self._clock()
        if now < self._measured_at + _MEASURED_EVERY:
            return
        self._measured_at = now
        async with transaction(self._engine) as connection:
            oldest = await connection.scalar(
                select(func.min(erasures.c.created_at)).where(erasures.c.state == "RUNNING")
            )
        metric.ERASURE_AGE.set(0 if oldest is None else (now - oldest).total_seconds())
