"""Matching in the banks of a Hasher-Matcher-Actioner, and keeping those as they are configured.

Guarantees: as `matcher`; a bank that is new here is made there, with its ratio, before it is asked
for by any submission that came later than a few seconds after it; one that is gone here has ratio 0
there, and keeps its contents. Banks that this installation never had a document for are another's,
whatever they are called: they are not touched.
Must not: look up in banks that no document names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import HashBank, Kind
from coop_contracts.event import MatchedBank
from coop_hma_bridge import store
from coop_hma_bridge.exchange_keeper import ExchangeBook
from coop_hma_bridge.file_hash import FileHashes
from coop_hma_bridge.hma import Hma, HmaMatch
from coop_hma_bridge.matcher import SIGNALS, Matcher, banks_in_use
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.interval import at_intervals

_EVERY: Final = 5.0  # seconds


class HmaMatcher:
    """Looks up there, by signal."""

    def __init__(self, table: ConfigTable, hma: Hma, exchanges: ExchangeBook) -> None:
        self._table = table
        self._hma = hma
        self._exchanges = exchanges

    async def match(self, org_id: str, hashes: FileHashes, *, seed: str) -> tuple[MatchedBank, ...]:
        """Raises Retryable while it does not answer, or its index is stale."""
        banks = banks_in_use(self._table, org_id)
        names = {bank.hma_name: bank for bank in banks.values()}
        if not names:
            return ()
        for name, bank_id in self._exchanges.of(org_id).items():
            if bank_id in banks:
                names[name] = banks[bank_id]
        asked = [("pdq", bits) for bits in hashes.pdq]
        if hashes.kind == "VIDEO":
            asked.append(("video_md5", hashes.md5))
        # A bank and the exchanges that fill it are one.
        found: dict[tuple[str, str], list[HmaMatch]] = defaultdict(list)
        for signal_type, signal in asked:
            for match in await self._hma.look_up(signal_type, signal, banks=list(names), seed=seed):
                found[names[match.bank].id, signal_type].append(match)
        return tuple(
            _matched(banks[bank_id], signal_type, matches)
            for (bank_id, signal_type), matches in found.items()
        )


def _matched(bank: HashBank, signal_type: str, matches: list[HmaMatch]) -> MatchedBank:
    nearest = sorted(matches, key=lambda match: match.distance)
    ids = dict.fromkeys(match.content_id for match in nearest)
    return MatchedBank(
        bank_id=bank.id,
        algorithm="md5" if signal_type == "video_md5" else signal_type,
        distance=nearest[0].distance,
        signal_ids=tuple(f"hma:{one}" for one in list(ids)[:SIGNALS]),
        known_good=bank.known_good,
    )


class BothMatchers:
    """The bridge's own banks and those there: an answer is that of both."""

    def __init__(self, *matchers: Matcher) -> None:
        self._matchers = matchers

    async def match(self, org_id: str, hashes: FileHashes, *, seed: str) -> tuple[MatchedBank, ...]:
        """Raises Retryable while one of them cannot answer."""
        found = [await one.match(org_id, hashes, seed=seed) for one in self._matchers]
        return tuple(bank for answer in found for bank in answer)


class OwnBanks(Protocol):
    """Names of the banks there that this installation has, or had, a document for."""

    async def names(self) -> set[str]: ...
    async def add(self, names: Mapping[str, str]) -> None:
        """Each with its organisation."""


class StoredBanks:
    """In the database, so that they are ours still after a restart."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def names(self) -> set[str]:
        """Raises Retryable."""
        async with transaction(self._engine) as connection:
            return await store.hma_banks(connection)

    async def add(self, names: Mapping[str, str]) -> None:
        """Raises Retryable."""
        async with transaction(self._engine) as connection:
            await store.add_hma_banks(connection, names)


class HmaKeeper:
    """Makes the banks there as they are configured here."""

    def __init__(self, table: ConfigTable, hma: Hma, own: OwnBanks) -> None:
        self._table = table
        self._hma = hma
        self._own = own

    async def keep(self) -> int:
        """How many were changed. Raises Retryable."""
        banks = [
            (org_id, bank)
            for org_id in self._table.org_ids()
            for bank in self._table.all(org_id, Kind.HASH_BANK).values()
            if isinstance(bank, HashBank)
        ]
        wanted = {bank.hma_name: bank.enabled_ratio for _, bank in banks}
        own = await self._own.names()
        new = {bank.hma_name: org_id for org_id, bank in banks if bank.hma_name not in own}
        if new:
            # Before they are made: what is made and not known would stay on for ever.
            await self._own.add(new)
        there = await self._hma.banks()
        changed = 0
        for name, ratio in wanted.items():
            if name not in there:
                await self._hma.create(name, ratio)
            elif there[name] != ratio:
                await self._hma.set_ratio(name, ratio)
            else:
                continue
            changed += 1
        for name, ratio in there.items():
            if name in own and name not in wanted and ratio:
                await self._hma.set_ratio(name, 0.0)
                changed += 1
        return changed

    async def run(self) -> None:
        """Until cancelled."""
        await at_intervals(self.keep, _EVERY, postponed="HMA's banks are not kept for now")
