"""Endpoints: what deliveries to one receiver have in common, and the rows that tell of health.

An endpoint is an organisation and a URL; `endpoint_name.endpoint_of` names it.

Guarantees: a name has one id, made once; a change of health and the event that tells of it are one
transaction with what caused it.
Must not: judge; `breaker` does.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher import endpoint_statement as sql
from coop_action_dispatcher.breaker import BreakerLimits, HealthChange, Troubled
from coop_action_dispatcher.schema import outbox
from coop_contracts.event import EndpointChanged
from coop_contracts.ids import new_id
from coop_runtime.database.array import Bigints, Booleans, Integers, Texts
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import Message, message_of

_MAX_KNOWN = 100_000
_JITTER = 0.2  # a breaker stays open up to this share longer, so that probes do not march in step


class Directory:
    """The ids of endpoints, remembered: bounded, and only a cache of the table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._ids: dict[tuple[str, str], int] = {}

    def known(self, org_id: str, name: str) -> int | None:
        """The id, if it is remembered."""
        return self._ids.get((org_id, name))

    async def id_of(self, org_id: str, name: str) -> int:
        """The id, made where there is none. Raises `Retryable`."""
        return self.known(org_id, name) or (await self.ids([(org_id, name)]))[org_id, name]

    async def ids(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """The ids of these (organisation, name), made where there are none. Raises `Retryable`."""
        keys = set(wanted)
        unknown = sorted(keys - self._ids.keys())
        if unknown:
            if len(self._ids) + len(unknown) > _MAX_KNOWN:
                self._ids.clear()
                unknown = sorted(keys)
            # A transaction of its own: the rows are wanted whatever becomes of the deliveries, and
            # nobody waits for a batch to commit because it names the same new endpoint.
            async with transaction(self._engine) as connection:
                self._ids.update(await _make(connection, unknown))
        return {key: self._ids[key] for key in keys}


async def _make(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    parameters = {
        "orgs": Texts(org_id for org_id, _ in keys),
        "names": Texts(name for _, name in keys),
    }
    found = (await connection.execute(sql.FIND, parameters)).all()
    if len(found) < len(keys):
        await connection.execute(sql.MAKE, parameters)
        found = (await connection.execute(sql.FIND, parameters)).all()
    return {(row.org_id, row.name): row.id for row in found}


async def apply_changes(
    connection: AsyncConnection, changes: Collection[HealthChange], limits: BreakerLimits
) -> None:
    """Writes what attempts said of their endpoints, and tells of those that are paused by it."""
    ordered = sorted(changes)
    changed = await connection.execute(
        sql.CHANGE,
        {
            "ids": Bigints(change.endpoint_id for change in ordered),
            "news": Texts(change.news.value for change in ordered),
            "probes": Booleans(change.probe for change in ordered),
            "statuses": Integers(change.status for change in ordered),
            "errors": Texts(change.error for change in ordered),
            "first": limits.first,
            "last": limits.last,
            "stretch": 1 + random.uniform(0, _JITTER),  # noqa: S311
        },
    )
    await _tell(connection, [row for row in changed if row.newly_paused])


async def pause_failing(connection: AsyncConnection, limits: BreakerLimits) -> int:
    """Pauses the endpoints that have failed for too long, and tells of them; gives their number."""
    paused = (
        await connection.execute(
            sql.PAUSE_FAILING, {"after": limits.pause_after, "days": limits.pause_after / 86400}
        )
    ).all()
    await _tell(connection, paused)
    return len(paused)


async def pause(
    connection: AsyncConnection, org_id: str, endpoint_id: int, *, actor_id: str, reason: str
) -> bool:
    """A person pauses an endpoint; False when there is none. Paused already, it stays as it is."""
    parameters = {"org": org_id, "id": endpoint_id, "actor": actor_id, "reason": reason}
    await _tell(connection, (await connection.execute(sql.PAUSE, parameters)).all())
    return await _exists(connection, org_id, endpoint_id)


async def resume(
    connection: AsyncConnection, org_id: str, endpoint_id: int, *, actor_id: str
) -> bool:
    """A person resumes an endpoint, its breaker closed; False when there is none."""
    changed = (await connection.execute(sql.RESUME, {"org": org_id, "id": endpoint_id})).all()
    await _tell(connection, [row for row in changed if row.was_paused], resumed_by=actor_id)
    return await _exists(connection, org_id, endpoint_id)


async def _exists(connection: AsyncConnection, org_id: str, endpoint_id: int) -> bool:
    found = await connection.execute(sql.EXISTS, {"org": org_id, "id": endpoint_id})
    return found.one_or_none() is not None


async def troubled(connection: AsyncConnection) -> list[Troubled]:
    """All endpoints that are not simply well."""
    found = await connection.execute(sql.TROUBLED)
    return [Troubled(row.id, row.org_id, row.paused, row.open_for, row.failing) for row in found]


async def _tell(
    connection: AsyncConnection, rows: Sequence[Row[tuple[object, ...]]], resumed_by: str = ""
) -> None:
    messages = []
    for row in rows:
        waiting = await connection.execute(sql.WAITING, {"org": row.org_id, "id": row.id})
        event = EndpointChanged(
            event_id=new_id(),
            org_id=row.org_id,
            time=datetime.now(UTC),
            correlation_id=new_id(),
            endpoint=row.name,
            state="RESUMED" if resumed_by else "PAUSED",
            reason=f"resumed by {resumed_by}" if resumed_by else row.pause_reason,
            failing_since=row.failing_since,
            waiting=waiting.scalar_one(),
        )
        messages.append(_message(event))
    await append(connection, outbox, messages)


def _message(event: EndpointChanged) -> Message:
    return message_of(event, key=f"{event.org_id}/{event.endpoint}")
