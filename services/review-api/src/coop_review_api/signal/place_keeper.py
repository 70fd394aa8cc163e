"""Asks where the places of location banks are, and keeps it fresh.

    due ─▶ asked with the organisation's account ─┬─▶ area kept ──▶ banks that name it saved again
                                                  └─▶ why not ───┘   due again later

Guarantees: what one place's question comes to stops no other's; a place that no bank names is not
asked for; nothing is held in the database while somebody is asked; a bank is saved again only where
something of it changed.
Must not: decide what an unknown place means for a rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind, LocationBank
from coop_review_api.configuration import bank_part, place
from coop_review_api.configuration.bank_kind import LOCATION_BANKS
from coop_review_api.configuration.check import DocumentChecks
from coop_review_api.configuration.log import LockedConfiguration, lock, read
from coop_review_api.kernel.clock import Clock
from coop_review_api.signal.signals import Accounts, integrations
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_signals.error import AccountRefused, InputRefused, NotConfigured, SignalError
from coop_signals.places import PlaceArea, Places

AUTHOR = "google-places"
_IDLE = 2.0  # seconds between two looks at what is due
_BATCH = 50
_AT_ONCE = 8
# When to ask again, by why there was no answer; what is only away is asked for after a minute, then
# after ever longer.
_SET_UP = timedelta(minutes=1)
_REFUSED = timedelta(minutes=15)
_NO_SUCH_PLACE = timedelta(days=1)
_AWAY, _AWAY_LONG = timedelta(minutes=1), timedelta(hours=6)

Answer = PlaceArea | SignalError

_log = logger("coop.review_api.places")


class PlaceKeeper:
    """One for each process that asks; several share the work."""

    def __init__(
        self,
        engine: AsyncEngine,
        places: Places,
        accounts: Accounts,
        *,
        clock: Clock,
        checks: DocumentChecks,
    ) -> None:
        self._engine = engine
        self._places = places
        self._accounts = accounts
        self._clock = clock
        self._checks = checks

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        try:
            while True:
                try:
                    worked = await self.advance()
                except Retryable as error:
                    _log.warning("places wait for the database", error=str(error))
                    worked = False
                if not worked:
                    await asyncio.sleep(_IDLE)
        finally:
            await self._places.aclose()

    async def advance(self) -> bool:
        """Asks for some of what is due; False: nothing was. Raises `Retryable`."""
        async with transaction(self._engine) as connection:
            taken = await place.take(connection, self._clock(), _BATCH)
        by_org: dict[str, list[str]] = {}
        for org_id, place_id in taken:
            by_org.setdefault(org_id, []).append(place_id)
        for org_id, place_ids in by_org.items():
            await self._renew(org_id, place_ids)
        return bool(taken)

    async def _renew(self, org_id: str, place_ids: Sequence[str]) -> None:
        async with transaction(self._engine) as connection:
            named = await self._named(connection, org_id)
            gone = [place_id for place_id in place_ids if place_id not in named]
            await place.forget(connection, org_id, gone)
            self._accounts.put(org_id, await integrations(connection, org_id))
        wanted = [place_id for place_id in place_ids if place_id in named]
        if not wanted:
            return
        slots = asyncio.Semaphore(_AT_ONCE)

        async def asked(place_id: str) -> Answer:
            async with slots:
                try:
                    return await self._places.find(org_id, place_id)
                except SignalError as error:
                    return error

        answers = await asyncio.gather(*map(asked, wanted))
        async with transaction(self._engine) as connection:
            configuration = await lock(
                connection, org_id, author=AUTHOR, clock=self._clock, checks=self._checks
            )
            await self._keep(configuration, dict(zip(wanted, answers, strict=True)))
            await self._save_banks(configuration)

    @staticmethod
    async def _named(connection: AsyncConnection, org_id: str) -> set[str]:
        """The places that the organisation's banks name."""
        named: set[str] = set()
        for bank_id in await place.banks(connection, org_id):
            bank = await _whole(connection, org_id, bank_id)
            named |= {one.google_place_info.id for one in bank.locations if one.google_place_info}
        return named

    async def _keep(
        self, configuration: LockedConfiguration, answers: Mapping[str, Answer]
    ) -> None:
        connection, org_id, now = configuration.connection, configuration.org_id, configuration.now
        for place_id, answer in answers.items():
            if isinstance(answer, PlaceArea):
                await place.keep(connection, org_id, place_id, answer, now)
                continue
            before = await place.attempts(connection, org_id, place_id)
            _log.warning(
                "a place's area cannot be had", org_id=org_id, place=place_id, error=str(answer)
            )
            await place.fail(
                connection,
                org_id,
                place_id,
                str(answer),
                now=now,
                again=_again(answer, before, now),
            )

    @staticmethod
    async def _save_banks(configuration: LockedConfiguration) -> None:
        connection, org_id = configuration.connection, configuration.org_id
        for bank_id in await place.banks(connection, org_id):
            stored = (await configuration.get(Kind.LOCATION_BANK, LocationBank, bank_id)).document
            bank = await _whole(connection, org_id, bank_id)
            renewed = await place.known(connection, org_id, bank, configuration.now)
            if renewed == bank:
                continue
            assert LOCATION_BANKS.parts is not None
            after = await LOCATION_BANKS.parts.stored(configuration, renewed)
            # Unchecked: a name that is taken, say, is no reason to keep a place where it was.
            await configuration.restate(Kind.LOCATION_BANK, bank_id, after)
            await bank_part.drop_unused(configuration, before=stored, after=after)


async def _whole(connection: AsyncConnection, org_id: str, bank_id: str) -> LocationBank:
    entry = await read(connection, org_id, Kind.LOCATION_BANK, LocationBank, bank_id)
    assert entry is not None  # it was just listed, in this transaction
    return (await LOCATION_BANKS.whole(connection, org_id, entry)).document


def _again(error: SignalError, before: int, now: datetime) -> datetime:
    if isinstance(error, NotConfigured):
        return now + _SET_UP
    if isinstance(error, AccountRefused):
        return now + _REFUSED
    if isinstance(error, InputRefused):
        return now + _NO_SUCH_PLACE
    longer: timedelta = _AWAY * 2 ** min(before, 20)
    return now + min(longer, _AWAY_LONG)
