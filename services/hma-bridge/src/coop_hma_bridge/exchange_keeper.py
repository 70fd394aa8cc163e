"""Exchanges as they are wanted here, kept so at a Hasher-Matcher-Actioner.

    a row ──made there, with a bank of its own──▶ fetched there ──▶ looked up with the bank it fills
      └──removed: matches nothing at once ──▶ gone there ──▶ the row goes

Guarantees: what a row wants is made, whoever was killed when; it matches with the ratio of the bank
that it fills, and is fetched while that is above 0 and nobody paused it, whoever says else there;
what was removed matches nothing from the moment in which it was, in this process, and in every
other within a few seconds.
Must not: touch an exchange that no row names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import HashBank, Kind
from coop_hma_bridge import exchange_store
from coop_hma_bridge.exchange import APIS, Exchange, ExchangePlaces
from coop_hma_bridge.file_hash import Ours
from coop_hma_bridge.hma import Hma
from coop_hma_bridge.hma_exchange import ExchangeRefused, HmaExchanges
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.interval import at_intervals
from coop_runtime.process.log import logger

_EVERY: Final = 5.0  # seconds

_log = logger(__name__)


class ExchangeBook:
    """Which exchanges fill an organisation's banks, in memory."""

    def __init__(self) -> None:
        self._names: Mapping[str, Mapping[str, str]] | None = None

    def take(self, exchanges: Iterable[Exchange]) -> None:
        """All that there are."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for one in exchanges:
            found[one.org_id][one.name] = one.bank_id
        self._names = found

    def of(self, org_id: str) -> Mapping[str, str]:
        """The bank that each fills, by its own name. Raises Ours before they were read."""
        if self._names is None:
            raise Ours("hma", "the exchanges are being read")
        return self._names.get(org_id, {})


class ExchangeKeeper:
    """One in each process that asks a Hasher-Matcher-Actioner; they may do the same at once."""

    def __init__(
        self,
        engine: AsyncEngine,
        table: ConfigTable,
        hma: Hma,
        places: ExchangePlaces,
        book: ExchangeBook,
    ) -> None:
        self._engine = engine
        self._table = table
        self._hma = hma
        self._exchanges = HmaExchanges(hma)
        self._places = places
        self._book = book

    async def keep(self) -> int:
        """How many were changed there. Raises Retryable."""
        wanted, removed = await self._read()
        if not wanted and not removed:
            return 0
        there, banks = await self._exchanges.names(), await self._hma.banks()
        changed = 0
        for one in wanted:
            changed += await self._kept(one, there, banks)
        gone = []
        for one in removed:
            if one.name not in there and not banks.get(one.name):
                await self._without_account(one, wanted)
                gone.append(one.exchange_id)
                continue
            changed += 1
            await self._end(one, there, banks)
        if gone:
            async with transaction(self._engine) as connection:
                await exchange_store.forget(connection, gone)
        return changed

    async def run(self) -> None:
        """Until cancelled."""
        await at_intervals(self.keep, _EVERY, postponed="HMA's exchanges are not kept for now")

    async def make(self, exchange: Exchange) -> None:
        """It is there, whoever made it; one that is paused is made when it no longer is: there it
        would be fetched from the start. Raises ExchangeRefused, Retryable."""
        if exchange.paused_at is not None or exchange.name in await self._exchanges.names():
            return
        settings = self._places.told(exchange.kind, exchange.settings)
        await self._exchanges.make(exchange.name, APIS[exchange.kind], settings)

    async def _read(self) -> tuple[list[Exchange], list[Exchange]]:
        async with transaction(self._engine) as connection:
            wanted, removed = await exchange_store.everyone(connection)
        self._book.take(wanted)
        return wanted, removed

    async def _kept(self, one: Exchange, there: set[str], banks: Mapping[str, float]) -> bool:
        bank = self._table.get(one.org_id, Kind.HASH_BANK, one.bank_id)
        ratio = bank.enabled_ratio if isinstance(bank, HashBank) else 0.0
        if one.name not in there:
            if not ratio or one.paused_at or self._places.lack(one.kind) is not None:
                return False
            try:
                await self.make(one)
            except ExchangeRefused as refused:
                _log.warning("an exchange is not made", exchange=one.name, reason=str(refused))
                return False
            return True
        changed = await self._fetched_or_not(one.name, bool(ratio) and one.paused_at is None)
        known = banks.get(one.name)
        if known is None or known == ratio:
            return changed
        await self._hma.set_ratio(one.name, ratio)
        return True

    async def _fetched_or_not(self, name: str, wanted: bool) -> bool:
        """Whether that was changed. It is asked again and again: another process, or somebody
        there, may have switched it."""
        is_fetched = await self._exchanges.is_enabled(name)
        if is_fetched is None or is_fetched is wanted:
            return False
        await self._exchanges.set_enabled(name, wanted)
        return True

    async def _without_account(self, gone: Exchange, wanted: Iterable[Exchange]) -> None:
        """An account that it gave is the next one's of its kind, or nobody's."""
        if not gone.gave_account:
            return
        for one in wanted:
            if (one.org_id, one.kind) == (gone.org_id, gone.kind):
                async with transaction(self._engine) as connection:
                    await exchange_store.set_gave_account(connection, one.exchange_id, gave=True)
                return
        await self._exchanges.take_account(APIS[gone.kind])

    async def _end(self, one: Exchange, there: set[str], banks: Mapping[str, float]) -> None:
        if banks.get(one.name):
            await self._hma.set_ratio(one.name, 0.0)
        if one.name in there:
            await self._exchanges.remove(one.name)
