"""What goes on beside the filing: paused organisations are tried again, levels are told.

Guarantees: an organisation is resumed when its credentials are good again: looked at once its
settings change, and every hour.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_ncmec_reporter import metric, pause_store, preservation_store, schema_watch, store
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.filer import Clock
from coop_ncmec_reporter.keeping import Keeping
from coop_ncmec_reporter.ncmec import NcmecFault
from coop_ncmec_reporter.outcome import StepEnded
from coop_ncmec_reporter.place import Places
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals
from coop_runtime.process.log import logger

_EVERY: Final = 2.0
_AGAIN: Final = timedelta(hours=1)

_log = logger(__name__)


class FilingKeeper:
    """One in each process."""

    def __init__(
        self,
        engine: AsyncEngine,
        places: Places,
        wake: Callable[[], None],
        keeping: Keeping,
        check: DocumentCheck,
        *,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._places = places
        self._wake = wake
        self._keeping = keeping
        self._check = check
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        await at_intervals(self.look, _EVERY, postponed="the database is away")

    async def look(self) -> None:
        """Once. Raises Retryable."""
        async with transaction(self._engine) as connection:
            paused = await pause_store.pauses(connection)
            waiting = await store.waiting(connection)
            over = store.Due(self._keeping.keep, self._clock())
            due = await store.due_reports(connection, over)
            untaken = await preservation_store.waiting(connection)
            await schema_watch.tell(connection, self._places, self._check)
        metric.PAUSED.set(waiting.paused)
        metric.OPEN.set(waiting.open)
        metric.ATTENTION.set(waiting.attention)
        metric.DUE.set(due)
        metric.PRESERVATIONS.set(untaken.count)
        metric.OLDEST_SECONDS.set(self._age(waiting.oldest))
        metric.OLDEST_PRESERVATION_SECONDS.set(self._age(untaken.oldest))
        for one in paused:
            now = self._clock()
            revision = self._places.platforms.revision(one.org_id)
            if revision == one.revision and now - one.asked_at < _AGAIN:
                continue
            good = await self._is_good(one)
            async with transaction(self._engine) as connection:
                if good:
                    await pause_store.resume(connection, one.org_id)
                else:
                    await pause_store.asked_again(
                        connection, replace(one, revision=revision), now=now
                    )
            if good:
                _log.info("filing goes on", org_id=one.org_id)
                self._wake()

    def _age(self, oldest: datetime | None) -> float:
        return 0.0 if oldest is None else max(0.0, (self._clock() - oldest).total_seconds())

    async def _is_good(self, paused: pause_store.Pause) -> bool:
        try:
            client = self._places.of(paused.org_id, paused.environment)
        except StepEnded:
            return False
        if client is None:
            return False
        try:
            await client.status()
        except NcmecFault:
            return False
        finally:
            await client.aclose()
        return True
