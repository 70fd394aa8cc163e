"""Whether NCMEC still serves the schema that documents are checked with.

    report to be opened ─▶ asked today? ─no─▶ GET /xsd ─▶ compared ─▶ level, log ─▶ opened
                                └─────────────────yes──────────────────────────────▲

An environment's schema is asked for before its first report, with the credentials of that report,
and once a day; after a fault, or a kill, with the next report after an hour.

Guarantees: whatever is answered, the report goes on; where the answer is 401, NCMEC is asked
whether the credentials are good, and if they are not, that is the one pause.
Must not: replace the operator's file: what is filed is checked with what a person has read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_ncmec_reporter import metric, served_schema_store
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.filer import Clock
from coop_ncmec_reporter.fingerprint import fingerprint
from coop_ncmec_reporter.ncmec import NcmecClient, Refused
from coop_ncmec_reporter.ncmec_call import NcmecCalls
from coop_ncmec_reporter.outcome import Later, Paused
from coop_ncmec_reporter.place import Places
from coop_ncmec_reporter.served_schema_store import ServedSchema
from coop_ncmec_reporter.store import Cybertip
from coop_runtime.database.engine import transaction
from coop_runtime.process.log import logger

_DAILY: Final = timedelta(days=1)
_AFTER_A_FAULT: Final = timedelta(hours=1)
_SHOWN: Final = 16  # characters of a fingerprint

_log = logger(__name__)


class SchemaWatch:
    """One in each process; they take turns."""

    def __init__(
        self, engine: AsyncEngine, check: DocumentCheck, calls: NcmecCalls, *, clock: Clock
    ) -> None:
        self._engine = engine
        self._check = check
        self._calls = calls
        self._clock = clock

    async def look(self, tip: Cybertip, client: NcmecClient) -> None:
        """Before this report is opened. Raises Paused where its credentials are refused."""
        now = self._clock()
        async with transaction(self._engine) as connection:
            # Whoever is killed while asking is not asked again by this report: it goes on.
            known = await served_schema_store.take_turn(
                connection, tip.environment, client.url, now=now, again=now + _AFTER_A_FAULT
            )
        if known is None:
            return
        try:
            answer = await self._calls.ask(tip, "xsd", client.schema)
        except Paused:
            await self._confirm(tip, client)
        except (Refused, Later) as fault:
            _log.warning(
                "NCMEC's schema could not be had", environment=tip.environment, why=str(fault)
            )
        else:
            await self._compare(replace(known, fingerprint=fingerprint(answer.body)), known, now)

    async def _confirm(self, tip: Cybertip, client: NcmecClient) -> None:
        """The schema was refused: are the credentials? Raises Paused."""
        try:
            await self._calls.ask(tip, "status", client.status)
        except (Refused, Later):
            return  # the next call says it
        _log.warning(
            "NCMEC's schema could not be had",
            environment=tip.environment,
            why="the credentials are good, and it is refused all the same",
        )

    async def _compare(self, served: ServedSchema, known: ServedSchema, now: datetime) -> None:
        async with transaction(self._engine) as connection:
            await served_schema_store.keep(connection, served, now=now, again=now + _DAILY)
        ours = self._check.fingerprint
        told = {
            "environment": served.environment,
            "served": (served.fingerprint or "")[:_SHOWN],
            "ours": (ours or "")[:_SHOWN],
        }
        if ours is not None and ours != served.fingerprint:
            _log.error("NCMEC serves another schema than COOP_NCMEC_XSD", **told)
        elif known.fingerprint not in (None, served.fingerprint):
            _log.warning("NCMEC's schema has changed", **told)


async def tell(connection: AsyncConnection, places: Places, check: DocumentCheck) -> None:
    """The level: what was served last by whom reports are filed to, beside the file of now."""
    if check.fingerprint is None:
        return
    for one in await served(connection, places):
        metric.SCHEMA_DIFFERS.labels(one.environment).set(one.fingerprint != check.fingerprint)


async def served(connection: AsyncConnection, places: Places) -> list[ServedSchema]:
    """What was served last by whom reports are filed to."""
    found = await served_schema_store.served(connection)
    return [one for one in found if one.url == places.url(one.environment)]
