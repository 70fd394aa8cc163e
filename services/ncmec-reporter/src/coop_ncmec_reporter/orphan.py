"""Files of evidence that no row knows: what a kill between file and row left, or an organisation
that was removed. Their keys were never stored, or are gone: nobody can read them.

Guarantees: a file goes when it was without a row in every look for `after`, and nobody wrote to it
in that time: an operator whose database was restored, or is another one, has so long to notice.
Must not: touch a file that has a row, or one that is not named as evidence is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_ncmec_reporter import metric
from coop_ncmec_reporter.evidence import EvidenceStore, StoredFile
from coop_ncmec_reporter.filer import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_EVERY: Final = 3600.0
_QUIET: Final = timedelta(hours=1)  # of a file that nobody writes to: a frame takes seconds
_LOOKED_UP: Final = 1000

_log = logger(__name__)


class OrphanSweep:
    """One in each process; any number may run. `after`: how long a file has to be an orphan."""

    def __init__(
        self, engine: AsyncEngine, evidence: EvidenceStore, *, after: timedelta, clock: Clock
    ) -> None:
        self._engine = engine
        self._evidence = evidence
        self._after = after
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except (Retryable, OSError) as error:
                _log.warning("the folder of evidence is not looked through", error=str(error))
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Once. Raises Retryable, OSError."""
        now = self._clock()
        # By the machine's own clock, which the files' times are of.
        quiet = datetime.now(UTC) - _QUIET
        found = [one for one in await self._evidence.stored() if one.written_at < quiet]
        orphans: list[StoredFile] = []
        for start in range(0, len(found), _LOOKED_UP):
            orphans += await self._without_row(found[start : start + _LOOKED_UP])
        async with transaction(self._engine) as connection:
            ripe = await _seen(connection, [one.name for one in orphans], now - self._after, now)
        for one in orphans:
            if one.name in ripe and await self._without_row([one]):
                await self._evidence.discard(one)
                _log.info("a file of evidence without a row was removed", name=one.name)
        metric.ORPHANS.set(len(orphans) - len(ripe))

    async def _without_row(self, files: Sequence[StoredFile]) -> list[StoredFile]:
        async with transaction(self._engine) as connection:
            rows = await connection.scalars(
                text(
                    "SELECT evidence_id::text FROM ncmec.evidence WHERE destroyed_at IS NULL "
                    "AND evidence_id = ANY(CAST(:ids AS uuid[]))"
                ),
                {"ids": [one.evidence_id for one in files]},
            )
            known = set(rows)
        # What a writer left half has its name only beside a row's: it is nothing itself.
        return [one for one in files if one.is_part or one.evidence_id not in known]


async def _seen(
    connection: AsyncConnection, names: Sequence[str], before: datetime, now: datetime
) -> frozenset[str]:
    """Remember when each was first without a row, forget the others; those first seen before."""
    await connection.execute(
        text("DELETE FROM ncmec.orphans WHERE name <> ALL(CAST(:names AS text[]))"),
        {"names": list(names)},
    )
    await connection.execute(
        text(
            "INSERT INTO ncmec.orphans (name, seen_at) "
            "SELECT unnest(CAST(:names AS text[])), :now ON CONFLICT DO NOTHING"
        ),
        {"names": list(names), "now": now},
    )
    ripe = await connection.scalars(
        text("SELECT name FROM ncmec.orphans WHERE seen_at <= :before"), {"before": before}
    )
    return frozenset(ripe)
