"""The edge to the log of alarms: what other services found wrong, acted on and told to people.

    RuleTripped ──▶ rule to BACKGROUND, if it is what tripped ─┐
    EndpointChanged ───────────────────────────────────────────┴▶ alarm, audit, notifications, mails

Guarantees: each alarm is one transaction with all that follows from it, and happens once, whatever
comes twice; a rule that people changed since is left to them, and they are told all the same.
Must not: check the rule it stops: what keeps a rule from being saved must not keep it acting.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Kind, Rule, RuleStatus
from coop_contracts.event import EndpointChanged, RuleTripped
from coop_contracts.permission import Permission
from coop_review_api.configuration import log
from coop_review_api.kernel import audit, metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import NotFound
from coop_review_api.notification import kind, store
from coop_review_api.notification.kind import NotificationKind
from coop_review_api.notification.store import News
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

BLAST_RADIUS = "blast-radius"
"""The author of the changes made here."""


class Alarms:
    """Handlers of alarms. `mail`: whether there is a server to send mails by."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock, mail: bool) -> None:
        self._engine = engine
        self._clock = clock
        self._mail = mail

    async def tripped(self, batch: Sequence[Received[RuleTripped]]) -> None:
        """Stop rules. Raises `Retryable`; `Poison` for an organisation that is none."""
        for received in batch:
            async with transaction(self._engine) as connection:
                raised = await self._trip(connection, received.event)
            if raised:
                metric.ALARMS.labels(NotificationKind.RULE_TRIPPED).inc()

    async def changed(self, batch: Sequence[Received[EndpointChanged]]) -> None:
        """Tell of endpoints. Raises `Retryable`; `Poison` for an organisation that is none."""
        for received in batch:
            event = received.event
            name = (
                NotificationKind.ENDPOINT_PAUSED
                if event.state == "PAUSED"
                else NotificationKind.ENDPOINT_RESUMED
            )
            news = News(
                org_id=event.org_id,
                cause_id=f"endpoint {event.event_id}",
                kind=name,
                data=kind.endpoint(event),
                at=self._clock(),
            )
            async with transaction(self._engine) as connection:
                await _lock(connection, event.org_id, self._clock)
                raised = await store.raise_alarm(connection, news)
                if raised:
                    await store.tell(
                        connection, news, permission=Permission.MANAGE_ORG, mail=self._mail
                    )
            if raised:
                metric.ALARMS.labels(name).inc()

    async def _trip(self, connection: AsyncConnection, event: RuleTripped) -> bool:
        configuration = await _lock(connection, event.org_id, self._clock)
        found = await log.read(connection, event.org_id, Kind.RULE, Rule, event.rule.id)
        stops = (
            found is not None
            and found.document.status is RuleStatus.LIVE
            and found.revision == event.rule.revision
        )
        news = News(
            org_id=event.org_id,
            # A rule trips once at a revision, however many processes and measures noticed.
            cause_id=f"rule {event.rule.id}@{event.rule.revision}",
            kind=NotificationKind.RULE_TRIPPED,
            data=kind.tripped(
                event, stopped=stops, revision=configuration.head + 1 if stops else None
            ),
            at=configuration.now,
        )
        if not await store.raise_alarm(connection, news):
            return False
        if found is not None and stops:
            stopped = structs.replace(found.document, status=RuleStatus.BACKGROUND)
            await configuration.restate(Kind.RULE, event.rule.id, stopped)
        await audit.record(
            connection,
            org_id=event.org_id,
            actor=BLAST_RADIUS,
            action="rule.tripped",
            target=(str(Kind.RULE), event.rule.id),
            detail={
                "revision": event.rule.revision,
                "measure": event.measure,
                "count": event.count,
                "limit": event.limit,
                "window": event.window,
                "stopped": stops,
            },
            time=configuration.now,
        )
        await store.tell(connection, news, permission=Permission.MUTATE_LIVE_RULES, mail=self._mail)
        return True


async def _lock(connection: AsyncConnection, org_id: str, clock: Clock) -> log.LockedConfiguration:
    try:
        return await log.lock(connection, org_id, author=BLAST_RADIUS, clock=clock)
    except NotFound:
        raise Poison("no such organisation") from None
