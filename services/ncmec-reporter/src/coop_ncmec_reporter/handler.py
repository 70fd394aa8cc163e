"""The edge: what was decided is written down, once.

Guarantees: acknowledged once it is in the database; the same again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import CybertipRequested
from coop_ncmec_reporter import store
from coop_ncmec_reporter.filer import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received
from coop_runtime.secret.vault import Vault


class CybertipHandler:
    """The consumer's handler."""

    def __init__(
        self, engine: AsyncEngine, vault: Vault, wake: Callable[[], None], *, clock: Clock
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._wake = wake
        self._clock = clock

    async def __call__(self, batch: Sequence[Received[CybertipRequested]]) -> None:
        """Raises Retryable."""
        async with transaction(self._engine) as connection:
            for received in batch:
                await store.add(connection, self._vault, received.event, now=self._clock())
        self._wake()
