"""What people do with exchanges: see them, add one, give it credentials, pause it, remove it.

    add ─▶ a row ─▶ made at the Hasher-Matcher-Actioner ─▶ its credentials given

Guarantees: a row is written first, so that one who is killed leaves what `exchange_keeper` makes;
what the Hasher-Matcher-Actioner refuses leaves nothing new; adding twice is adding once.
Must not: keep, log or answer with a credential.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import HashBank, Kind
from coop_contracts.hash_bank import (
    MAX_EXCHANGES,
    AddExchange,
    ExchangeEntry,
    ExchangeKind,
    ExchangePause,
    ExchangesListed,
)
from coop_hma_bridge import exchange_store
from coop_hma_bridge.exchange import (
    APIS,
    Exchange,
    ExchangePlaces,
    credential_faults,
    credentials_told,
    settings_faults,
)
from coop_hma_bridge.exchange_keeper import ExchangeKeeper
from coop_hma_bridge.file_hash import Ours
from coop_hma_bridge.hma import Hma
from coop_hma_bridge.hma_exchange import (
    ANOTHERS,
    UNKNOWN,
    ExchangeRefused,
    FetchStatus,
    HmaExchanges,
)
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.config_table import ConfigTable

_AWAY = "the Hasher-Matcher-Actioner does not answer"


class ExchangeInvalid(Exception):
    """What was asked for has a fault; the message names field and reason."""


class Exchanges:
    """One for a process. Without `hma` and `keeper` there is nothing that could fetch."""

    def __init__(
        self,
        engine: AsyncEngine,
        table: ConfigTable,
        places: ExchangePlaces,
        hma: Hma | None,
        keeper: ExchangeKeeper | None,
    ) -> None:
        self._engine = engine
        self._table = table
        self._places = places
        self._there = None if hma is None else HmaExchanges(hma)
        self._keeper = keeper

    async def listed(self, org_id: str) -> ExchangesListed:
        """All of the organisation, and how far each is; while nobody says, that. Raises
        Retryable."""
        async with transaction(self._engine) as connection:
            found = await exchange_store.listed(connection, org_id)
        entries = await asyncio.gather(*(self._entry(one) for one in found))
        return ExchangesListed(exchanges=list(entries), offers=self._places.offers())

    async def add(self, org_id: str, asked: AddExchange) -> ExchangeEntry:
        """The exchange as it is now. Raises ExchangeInvalid, ExchangeRefused, Retryable."""
        faults = [
            *settings_faults(asked.kind, asked.settings),
            *credential_faults(asked.kind, asked.credentials, required=False),
        ]
        if faults:
            raise ExchangeInvalid("; ".join(faults))
        there, keeper = self._able(asked.kind)
        bank = self._table.get(org_id, Kind.HASH_BANK, asked.bank_id)
        if not isinstance(bank, HashBank):
            raise ExchangeRefused("the bank is not known to hma-bridge yet: try again")
        if APIS[asked.kind] not in await there.apis():
            raise ExchangeRefused(
                f"this Hasher-Matcher-Actioner fetches no {APIS[asked.kind]}: it is left out there"
            )
        async with transaction(self._engine) as connection:
            others = await exchange_store.others(connection, org_id, asked.kind)
            if others.gave_account:
                # It would be fetched with their account.
                raise ExchangeRefused(ANOTHERS)
            before = await exchange_store.listed(connection, org_id)
            found = await exchange_store.add(
                connection,
                org_id,
                asked.bank_id,
                asked.kind,
                asked.settings,
                hma_bank=bank.hma_name,
                by=asked.added_by,
            )
            is_new = all(one.exchange_id != found.exchange_id for one in before)
            if is_new and len(before) >= MAX_EXCHANGES:
                raise ExchangeRefused(f"an organisation has {MAX_EXCHANGES} exchanges at most")
        try:
            await keeper.make(found)
            if asked.credentials:
                await self._give(there, found, asked.credentials)
        except ExchangeRefused:
            if is_new:
                await self.remove(org_id, asked.bank_id, found.exchange_id)
            raise
        await self._look(keeper)
        return await self._entry(found)

    async def set_credentials(
        self, org_id: str, bank_id: str, exchange_id: int, credentials: Mapping[str, str]
    ) -> ExchangeEntry | None:
        """The exchange, or None where there is none. Raises ExchangeInvalid, ExchangeRefused,
        Retryable."""
        async with transaction(self._engine) as connection:
            found = await exchange_store.find(connection, org_id, bank_id, exchange_id)
        if found is None:
            return None
        faults = [*credential_faults(found.kind, credentials, required=True)]
        if not faults and not credentials:
            faults = [f"credentials: an exchange of the kind {found.kind} has none"]
        if faults:
            raise ExchangeInvalid("; ".join(faults))
        there, _ = self._able(found.kind)
        await self._give(there, found, credentials)
        return await self._entry(found)

    async def pause(
        self, org_id: str, bank_id: str, exchange_id: int, *, paused: bool, by: str
    ) -> ExchangeEntry | None:
        """The exchange, to be fetched or not, or None where there is none. While the
        Hasher-Matcher-Actioner does not answer, it is told later. Raises Retryable."""
        async with transaction(self._engine) as connection:
            await exchange_store.set_paused(
                connection, org_id, bank_id, exchange_id, paused=paused, by=by
            )
            found = await exchange_store.find(connection, org_id, bank_id, exchange_id)
        if found is None:
            return None
        if self._keeper is not None:
            await self._look(self._keeper)
        return await self._entry(found)

    async def remove(self, org_id: str, bank_id: str, exchange_id: int) -> bool:
        """Whether it was there. It matches nothing from now on; what of it lies at the
        Hasher-Matcher-Actioner goes as soon as that answers. Raises Retryable."""
        async with transaction(self._engine) as connection:
            removed = await exchange_store.remove(connection, org_id, bank_id, exchange_id)
        if removed and self._keeper is not None:
            await self._look(self._keeper)
        return removed

    def _able(self, kind: ExchangeKind) -> tuple[HmaExchanges, ExchangeKeeper]:
        lack = self._places.lack(kind)
        if lack is not None or self._there is None or self._keeper is None:
            raise ExchangeRefused(lack or _AWAY)
        return self._there, self._keeper

    async def _give(
        self, there: HmaExchanges, exchange: Exchange, credentials: Mapping[str, str]
    ) -> None:
        async with transaction(self._engine) as connection:
            others = await exchange_store.others(connection, exchange.org_id, exchange.kind)
        told = credentials_told(exchange.kind, credentials)
        api = APIS[exchange.kind]
        gave = await there.give(exchange.name, api, told, alone=not others.exist)
        async with transaction(self._engine) as connection:
            await exchange_store.set_gave_account(connection, exchange.exchange_id, gave=gave)

    async def _look(self, keeper: ExchangeKeeper) -> None:
        """What changed is so at once; while it cannot be, the keeper comes to it."""
        try:
            await keeper.keep()
        except Ours:
            return

    async def _entry(self, one: Exchange) -> ExchangeEntry:
        status, has_credentials, is_fetched = UNKNOWN, None, None
        lack = self._places.lack(one.kind)
        if self._there is None or lack is not None:
            status = replace(UNKNOWN, fault=lack)
        else:
            try:
                status = await self._there.status(one.name)
                has_credentials = await self._has_credentials(self._there, one)
                if one.paused_at is not None:
                    # What was begun before is fetched to its end.
                    is_fetched = status.condition == "FETCHING" or bool(
                        await self._there.is_enabled(one.name)
                    )
            except Ours:
                status = FetchStatus(condition="UNKNOWN", fault=_AWAY)
        return ExchangeEntry(
            id=str(one.exchange_id),
            bank_id=one.bank_id,
            kind=one.kind,
            settings=one.settings,
            condition=status.condition,
            fault=status.fault,
            fetched_at=status.fetched_at,
            hashes=status.hashes,
            has_credentials=has_credentials,
            added_by=one.added_by,
            added_at=one.added_at,
            pause=_pause(one, is_fetched=is_fetched),
        )

    async def _has_credentials(self, there: HmaExchanges, one: Exchange) -> bool | None:
        if one.kind == "FILE":
            return None
        return await there.has_credentials(one.name, APIS[one.kind])


def _pause(one: Exchange, *, is_fetched: bool | None) -> ExchangePause | None:
    if one.paused_at is None:
        return None
    holds = None if is_fetched is None else not is_fetched
    return ExchangePause(at=one.paused_at, by=one.paused_by, holds=holds)
