"""After filing: the platform is told to preserve what it has, by a schedule of its own.

    FILED ─▶ PRESERVING ─▶ told ─▶ DONE
                  ▲          │ not taken
                  └── wait ──┘ 1, 5, 30 minutes, 2 hours, then every 6

Guarantees: the report stays filed whatever the platform says; it is told until it took it, under
the same `webhook-id`, so that a repeat is a repeat; a platform that is slow, dead or lying holds up
no report, and no other platform; settings that change are tried at once.
Must not: take an answer for anything but taken or not taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import CybertipRequested
from coop_ncmec_reporter import metric, preservation_store, store
from coop_ncmec_reporter.filer import Clock, tell
from coop_ncmec_reporter.preservation_store import Outcome, Preservation
from coop_ncmec_reporter.signed_call import PlatformFault, Platforms
from coop_ncmec_reporter.store import Cybertip, LostLease
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.secret.vault import SecretError, Vault

_log = logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Seconds: the delays between tries, the last of them for ever; a lease lasts longer than an
    answer may take. A process tells `at_once` platforms."""

    delays: Sequence[float] = (60, 300, 1800, 7200, 21_600)
    lease: float = 90
    poll: float = 1
    at_once: int = 2

    def delay(self, tries: int) -> float:
        """After so many."""
        return self.delays[min(max(tries, 1), len(self.delays)) - 1]


class Preserving:
    """`hand_over` is a step of `Filer`; `run` tells platforms. Any number may run."""

    def __init__(
        self,
        engine: AsyncEngine,
        vault: Vault,
        platforms: Platforms,
        *,
        clock: Clock,
        telling: Telling = Telling(),
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._platforms = platforms
        self.clock = clock
        self._telling = telling
        self._wake = asyncio.Event()

    async def hand_over(self, tip: Cybertip) -> Cybertip:
        """FILED: the platform is to be told, or nobody wants to be told."""
        now, settings = self.clock(), self._platforms.settings(tip.org_id)
        async with transaction(self._engine) as connection:
            if not settings.preservation_endpoint:
                tip = await store.save(connection, tip, state="DONE", done_at=now)
                await tell(connection, tip, "DONE", now=now)
                metric.REPORTS.labels("done", tip.environment).inc()
                return tip
            tip = await store.save(connection, tip, state="PRESERVING")
            await preservation_store.add(
                connection,
                tip.cybertip_id,
                tip.org_id,
                since=tip.filed_at or now,
                revision=self._platforms.revision(tip.org_id),
                now=now,
            )
        self._wake.set()
        return tip

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._telling.at_once):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.notice()
                while await self.once():
                    pass
            except Retryable as error:
                _log.warning("the database is away", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._telling.poll)

    async def notice(self) -> None:
        """Settings that are others than those it was tried by are tried at once. Raises
        Retryable."""
        async with transaction(self._engine) as connection:
            for org_id, tried in await preservation_store.revisions(connection):
                revision = self._platforms.revision(org_id)
                if revision != tried:
                    now = self.clock()
                    await preservation_store.hasten(connection, org_id, revision=revision, now=now)

    async def once(self) -> bool:
        """Tell one platform of one report; whether there was one. Raises Retryable."""
        async with transaction(self._engine) as connection:
            held = await preservation_store.claim(
                connection,
                lease=uuid.uuid4(),
                seconds=self._telling.lease,
                now=self.clock(),
            )
            if held is None:
                return False
            tip = await store.find(connection, held.org_id, str(held.cybertip_id))
        try:
            outcome = await self._told(tip)
        except PlatformFault as error:
            await self._postpone(held, str(error))
        except SecretError:
            await self._postpone(held, "the key of this report is not here")
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001 - logged; the others do not wait for it
            kind = type(error).__name__
            _log.error("telling a platform failed by a defect", error=kind, org_id=held.org_id)
            await self._postpone(held, f"a defect of ours ({kind})")
        else:
            await self._end(held, outcome)
        return True

    async def _told(self, tip: Cybertip | None) -> Outcome:
        """What came of it. Raises PlatformFault, SecretError."""
        if tip is None or tip.destroyed_at is not None:
            return "DESTROYED"
        settings = self._platforms.settings(tip.org_id)
        if not settings.preservation_endpoint:
            return "NOT_WANTED"
        try:
            await self._platforms.ask(
                tip.org_id,
                settings.preservation_endpoint,
                settings.preservation_headers,
                self._body(tip),
                message_id=f"{tip.cybertip_id}-preserve",
            )
        except PlatformFault:
            metric.PLATFORM.labels("preservation", "failed").inc()
            raise
        metric.PLATFORM.labels("preservation", "ok").inc()
        return "TAKEN"

    async def _postpone(self, held: Preservation, fault: str) -> None:
        due = self.clock() + timedelta(seconds=self._telling.delay(held.tries))
        _log.info(
            "a platform is told again to preserve",
            cybertip_id=str(held.cybertip_id),
            org_id=held.org_id,
            why=fault,
        )
        with contextlib.suppress(LostLease):
            async with transaction(self._engine) as connection:
                await preservation_store.postpone(
                    connection,
                    held,
                    fault=fault,
                    revision=self._platforms.revision(held.org_id),
                    due_at=due,
                )

    async def _end(self, held: Preservation, outcome: Outcome) -> None:
        now = self.clock()
        with contextlib.suppress(LostLease):
            async with transaction(self._engine) as connection:
                await preservation_store.end(connection, held, outcome, now=now)
                tip = await store.find(connection, held.org_id, str(held.cybertip_id))
                assert tip is not None  # its row refers to it
                await tell(connection, tip, "DONE", now=now)
            metric.REPORTS.labels("done", tip.environment).inc()

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
