"""Files whose keys are gone are removed: of destructions that were confirmed, of an organisation
that ends.

Guarantees: a file goes after its key, and its row says so after that: killed anywhere, it goes on
with the next round; a folder that is away is asked again.
Must not: remove a file whose key is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_ncmec_reporter import destruction_store, evidence_log, file_store, metric, store
from coop_ncmec_reporter.evidence import EvidenceStore
from coop_ncmec_reporter.filer import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_EVERY: Final = 5.0
_WHO: Final = "ncmec-reporter"

_log = logger(__name__)


class Destroyer:
    """One in each process; any number may run."""

    def __init__(self, engine: AsyncEngine, evidence: EvidenceStore, *, clock: Clock) -> None:
        self._engine = engine
        self._evidence = evidence
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was confirmed."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.once()
            except (Retryable, OSError) as error:
                _log.warning("files to be destroyed wait", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _EVERY)

    async def once(self) -> None:
        """All that is confirmed. Raises Retryable, OSError."""
        async with transaction(self._engine) as connection:
            reports = await destruction_store.confirmed(connection)
        for cybertip_id in reports:
            async with transaction(self._engine) as connection:
                keyless = await file_store.keyless_of_report(connection, cybertip_id)
            for evidence_id in keyless:
                await self._destroy(evidence_id)
            await self._done(cybertip_id)

    async def of_org(self, org_id: str, *, within: float) -> bool:
        """Keys of the organisation at once, then its files for so many seconds; whether all of
        them are gone. Raises Retryable, OSError."""
        ends = time.monotonic() + within
        async with transaction(self._engine) as connection:
            await file_store.forget_keys(connection, org_id)
        while True:
            async with transaction(self._engine) as connection:
                keyless = await file_store.keyless_of_org(connection, org_id)
            if not keyless:
                return True
            for evidence_id in keyless:
                if time.monotonic() >= ends:
                    return False
                await self._destroy(evidence_id)

    async def _destroy(self, evidence_id: uuid.UUID) -> None:
        await self._evidence.destroy(str(evidence_id))
        async with transaction(self._engine) as connection:
            await file_store.destroyed(connection, evidence_id, now=self._clock())

    async def _done(self, cybertip_id: uuid.UUID) -> None:
        now = self._clock()
        async with transaction(self._engine) as connection:
            tip = await store.lock(connection, cybertip_id)
            if tip is None or not await destruction_store.done(connection, cybertip_id, now=now):
                return
            await evidence_log.note(connection, tip, who=_WHO, what="files destroyed", now=now)
        metric.DESTROYED.inc()
        _log.info("evidence destroyed", cybertip_id=str(cybertip_id))
