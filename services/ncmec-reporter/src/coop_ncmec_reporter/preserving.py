"""After filing: the platform is told to preserve what it has.

Guarantees: the report stays filed whatever the platform says; it is asked until it took it.
"""

from __future__ import annotations

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import CybertipRequested
from coop_ncmec_reporter import metric, store
from coop_ncmec_reporter.filer import Clock, tell
from coop_ncmec_reporter.outcome import Later
from coop_ncmec_reporter.signed_call import PlatformFault, Platforms
from coop_ncmec_reporter.store import Cybertip
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import Vault


class Preserving:
    """Its method is a step of `Filer`."""

    def __init__(
        self, engine: AsyncEngine, vault: Vault, platforms: Platforms, *, clock: Clock
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._platforms = platforms
        self._clock = clock

    async def preserve(self, tip: Cybertip) -> Cybertip:
        """FILED: told, or nobody wants to be told."""
        settings = self._platforms.settings(tip.org_id)
        if settings.preservation_endpoint:
            try:
                await self._platforms.ask(
                    tip.org_id,
                    settings.preservation_endpoint,
                    settings.preservation_headers,
                    self._body(tip),
                    message_id=f"{tip.cybertip_id}-preserve",
                )
            except PlatformFault as error:
                metric.PLATFORM.labels("preservation", "failed").inc()
                raise Later(f"preservation: {error}") from None
            metric.PLATFORM.labels("preservation", "ok").inc()
        now = self._clock()
        async with transaction(self._engine) as connection:
            tip = await store.save(connection, tip, state="DONE", done_at=now)
            await tell(connection, tip, "DONE", now=now)
        metric.REPORTS.labels("done", tip.environment).inc()
        return tip

    def _body(self, tip: Cybertip) -> bytes:
        plain = store.unseal(self._vault, tip, "request", tip.request)
        request = msgspec.json.decode(plain, type=CybertipRequested)
        return msgspec.json.encode(
            {
                "cybertipId": str(tip.cybertip_id),
                "reportId": None if tip.report_id is None else str(tip.report_id),
                "environment": tip.environment,
                "user": {"id": tip.user_id, "typeId": tip.user_type_id},
                "reportedMedia": [
                    {"id": one.item.id, "typeId": one.item.type_id, "url": one.url}
                    for one in request.media
                ],
            }
        )
