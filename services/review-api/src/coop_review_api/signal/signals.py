"""The signals of this process: which there are, and those from outside, fetched for a test.

Guarantees: the accounts used are those of the call's own transaction, so that a credential that was
just saved is tried as it is; a plugin that is broken is reported and left out.
Must not: be used to evaluate or route for real: the rules engine and routing do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Document, Integration, Kind
from coop_contracts.event import ItemRef, SignalValue
from coop_review_api.configuration.history import current_page
from coop_review_api.configuration.log import Entry
from coop_rules.language.need import Need
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.secret.vault import Vault
from coop_signals import InstalledSignals, Providers, SignalSettings, load, strike
from coop_signals.strike import StrikeQuestion, StrikeReader

MAX_INTEGRATIONS = 500


class Accounts:
    """Integration documents by organisation: what providers take for the configuration."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry[Integration]] = {}

    def put(self, org_id: str, entries: Iterable[Entry[Integration]]) -> None:
        """All that the organisation has now."""
        kept = {key: entry for key, entry in self._entries.items() if key[0] != org_id}
        kept |= {(org_id, entry.document.id): entry for entry in entries}
        self._entries = kept

    def get(self, org_id: str, kind: Kind, id: str) -> Document | None:  # noqa: A002
        entry = self._entries.get((org_id, id)) if kind is Kind.INTEGRATION else None
        return entry.document if entry else None

    def revision_of(self, org_id: str, kind: Kind, id: str) -> int:  # noqa: A002
        entry = self._entries.get((org_id, id)) if kind is Kind.INTEGRATION else None
        return entry.revision if entry else 0


class Fetcher(Protocol):
    """What of `Providers` is needed."""

    def gives(self, signal: str) -> bool: ...
    async def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> Sequence[SignalValue]: ...
    async def aclose(self) -> None: ...


class Signals:
    """One for each process. Close it with `aclose`."""

    def __init__(
        self, known: InstalledSignals, fetcher: Fetcher, accounts: Accounts, strikes: StrikeReader
    ) -> None:
        self.known = known
        self._fetcher = fetcher
        self._accounts = accounts
        self._strikes = strikes

    @classmethod
    def of(cls, settings: SignalSettings, vault: Vault) -> Signals:
        known, accounts = load(), Accounts()
        providers = Providers.of(settings, accounts, vault, known=known)
        return cls(known, providers, accounts, StrikeReader.of(settings.redis))

    @property
    def catalogue(self) -> SignalCatalogue:
        return self.known.catalogue

    def gives(self, signal: str) -> bool:
        """Whether the signal's values can be fetched here."""
        return signal == strike.SIGNAL or self._fetcher.gives(signal)

    def knows(self, signal: str) -> bool:
        """Whether the signal's values are our own: to know them nobody outside is asked."""
        return signal == strike.SIGNAL

    async def learn(self, connection: AsyncConnection, org_id: str) -> None:
        """Take the organisation's accounts as this transaction sees them."""
        self._accounts.put(org_id, await integrations(connection, org_id))

    async def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> Sequence[SignalValue]:
        """One value per input, in their order; `deadline` is a time of the event loop's clock."""
        if need.signal.name == strike.SIGNAL:
            now = int(datetime.now(UTC).timestamp() * 1000)
            users = [given if isinstance(given, ItemRef) else None for given in inputs]
            return (await self._strikes.values([StrikeQuestion(org_id, need, users, now)]))[0]
        return await self._fetcher.values(org_id, need, inputs, deadline=deadline)

    async def aclose(self) -> None:
        await self._fetcher.aclose()
        await self._strikes.aclose()


async def integrations(connection: AsyncConnection, org_id: str) -> list[Entry[Integration]]:
    """The organisation's integration documents."""
    return await current_page(
        connection, org_id, Kind.INTEGRATION, Integration, after=None, limit=MAX_INTEGRATIONS
    )
