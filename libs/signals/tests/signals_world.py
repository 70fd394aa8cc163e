"""Organisations with accounts, and providers whose calls all go to one local server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coop_contracts.config import Integration, Kind, ScalarType
from coop_contracts.event import SignalValue
from coop_rules.language.need import Need
from coop_rules.language.value import ValueSource
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.secret.vault import Vault
from coop_signals.channel import FAIR_SECONDS
from coop_signals.plugin import InstalledSignals, load
from coop_signals.provider import CallLimits
from coop_signals.providers import NO_OTHER_LIMITS, Providers
from coop_signals.settings import SignalSettings

ORG, OTHER = "org-1", "org-2"
SECRET = "sk-live-0123456789-very-secret"
INTEGRATIONS = ("OPEN_AI", "GOOGLE_CONTENT_SAFETY_API", "ZENTROPI")
PATIENCE = 20.0
"""Seconds for what should happen soon, on a machine that may be busy."""


async def eventually(check: Callable[[], bool]) -> None:
    """Waits until it is true. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not check():  # noqa: ASYNC110 - what is looked at says nothing by itself
            await asyncio.sleep(0.02)


class Clock:
    """A clock for caches and breakers that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """`org-1` and `org-2` have accounts everywhere, unless a test changes that."""

    def __init__(
        self,
        url: str,
        *,
        known: InstalledSignals | None = None,
        redis: Any = None,
        allow: Sequence[str] = ("127.0.0.0/8",),
        limits: Mapping[str, CallLimits] = NO_OTHER_LIMITS,
        fair_seconds: float = FAIR_SECONDS,
        **settings: Any,
    ) -> None:
        self.clock = Clock()
        self.vault = Vault([b"k" * 32])
        self.table = ConfigTable.of([])
        self._revision = 0
        for org_id in (ORG, OTHER):
            for integration in INTEGRATIONS:
                self.set_up(org_id, integration, {"apiKey": f"{SECRET}-{org_id}"})
        told = {
            "internal_port": 0,
            "signal_open_ai_url": url,
            "signal_google_url": url,
            "signal_zentropi_url": url,
            **settings,
        }
        self.providers = Providers.of(
            SignalSettings(**told),
            self.table,
            self.vault,
            redis=redis,
            guard=EgressGuard(allow),
            known=known or load([]),
            clock=self.clock,
            limits=limits,
            fair_seconds=fair_seconds,
        )

    def set_up(
        self,
        org_id: str,
        integration: str,
        credential: dict[str, str] | str | None,
        *,
        enabled: bool = True,
        config: dict[str, Any] | None = None,
    ) -> None:
        """Saves an integration document; a string is taken as ciphertext."""
        if isinstance(credential, dict):
            context = f"{org_id}/integration/{integration}"
            credential = self.vault.encrypt(json.dumps(credential), context=context)
        document = Integration(
            id=integration, credential=credential, enabled=enabled, config=config or {}
        )
        self._apply(org_id, integration, document)

    def tear_down(self, org_id: str, integration: str) -> None:
        self._apply(org_id, integration, None)

    def _apply(self, org_id: str, integration: str, document: Integration | None) -> None:
        self._revision += 1
        self.table.apply(
            ConfigChange(org_id, Kind.INTEGRATION, integration, document, self._revision)
        )

    def need(self, signal: str, *, subcategory: str | None = None) -> Need:
        found = self.providers.catalogue()[signal]
        scalar = next(iter(sorted(found.inputs)), ScalarType.STRING)
        return Need(
            key="0" * 16,
            signal=found,
            values=ValueSource(scalar, name="x"),
            subcategory=subcategory,
        )

    async def values(
        self,
        signal: str,
        *inputs: object,
        org_id: str = ORG,
        seconds: float = PATIENCE,
        subcategory: str | None = None,
    ) -> Sequence[SignalValue]:
        deadline = asyncio.get_running_loop().time() + seconds
        need = self.need(signal, subcategory=subcategory)
        return await self.providers.values(org_id, need, inputs, deadline=deadline)

    async def value(self, signal: str, given: object, **rest: Any) -> SignalValue:
        (value,) = await self.values(signal, given, **rest)
        return value
