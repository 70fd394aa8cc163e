"""What people ask about deliveries: which there are, what became of one.

Guarantees: every query names its organisation; a page's cost follows what it shows, and for rare
filters the time span, not all that was ever delivered.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher.item import item_digest
from coop_contracts.ids import item_key

_SKEW = timedelta(minutes=5)
"""A number is taken when a row is inserted, its time when its transaction began."""

_FIELDS = """
    r.seq, r.execution_id::text AS execution_id, r.kind, r.action_id, r.item_type_id, r.item_id,
    r.created_at, d.state, d.head, d.held, d.attempts, d.next_attempt_at, d.finished_at,
    d.last_status, d.last_error, e.id AS endpoint_id, e.name AS endpoint,
    e.paused_at IS NOT NULL AS endpoint_paused, d.lease_owner IS NOT NULL AS under_way
"""


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """All of what is given must hold; `since` is included, `until` is not."""

    state: str | None = None
    kind: str | None = None
    item_type_id: str | None = None
    item_id: str | None = None
    action_id: str | None = None
    endpoint_id: int | None = None
    rule_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page(
    connection: AsyncConnection,
    org_id: str,
    wanted: DeliveryFilter,
    *,
    before: int | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Deliveries, the newest first, below the number `before`."""
    conditions, parameters = await conditions_of(connection, org_id, wanted)
    if before is not None:
        conditions.append("r.seq < :before")
    found = await connection.execute(
        text(
            f"""
            SELECT {_FIELDS} FROM dispatch.requests AS r
            JOIN dispatch.deliveries AS d ON d.seq = r.seq
            JOIN dispatch.endpoints AS e ON e.id = d.endpoint_id
            WHERE {" AND ".join(conditions)}
            ORDER BY r.seq DESC LIMIT :limit
            """  # noqa: S608 - made of constants
        ),
        parameters | {"before": before, "limit": limit},
    )
    return found.all()


async def conditions_of(
    connection: AsyncConnection, org_id: str, wanted: DeliveryFilter
) -> tuple[list[str], dict[str, Any]]:
    """The filter as conditions on `r` (requests) and `d` (deliveries), and their parameters."""
    conditions = ["r.org_id = :org"]
    parameters: dict[str, Any] = {"org": org_id}

    def add(condition: str, **more: Any) -> None:
        conditions.append(condition)
        parameters.update(more)

    if wanted.state is not None:
        # Both, so that the index of what is unfinished serves.
        add("d.state = :state AND d.org_id = :org", state=wanted.state)
        if wanted.state != "DELIVERED":
            add("d.state <> 'DELIVERED'")
    if wanted.item_id is not None and wanted.item_type_id is not None:
        key = item_key(org_id, wanted.item_type_id, wanted.item_id)
        add("r.item_digest = :digest", digest=item_digest(key))
    if wanted.kind is not None:
        add("r.kind = :kind", kind=wanted.kind)
    if wanted.action_id is not None:
        add("r.action_id = :action", action=wanted.action_id)
    if wanted.endpoint_id is not None:
        add("r.endpoint_id = :endpoint", endpoint=wanted.endpoint_id)
    if wanted.rule_id is not None:
        add(
            """EXISTS (SELECT 1 FROM dispatch.rule_executions AS x
                       WHERE x.org_id = r.org_id AND x.rule_id = :rule
                         AND x.created_at = r.created_at AND x.seq = r.seq)""",
            rule=wanted.rule_id,
        )
    if wanted.since is not None:
        add("r.created_at >= :since", since=wanted.since)
        first = await number_at(connection, wanted.since - _SKEW)
        add("r.seq >= :first", first=first)
    if wanted.until is not None:
        add("r.created_at < :until", until=wanted.until)
        last = await number_at(connection, wanted.until + _SKEW)
        add("r.seq <= :last", last=last)
    return conditions, parameters


_SPAN = text("SELECT min(seq) AS first, max(seq) AS last FROM dispatch.requests")
_AT = text("SELECT seq, created_at FROM dispatch.requests WHERE seq >= :seq ORDER BY seq LIMIT 1")


async def number_at(connection: AsyncConnection, moment: datetime) -> int:
    """The number from which on requests are as young as `moment` or younger, about.

    By bisection: numbers rise with time, and an index on time would cost each delivery something.
    """
    span = (await connection.execute(_SPAN)).one()
    if span.first is None:
        return 0
    low, high = int(span.first), int(span.last) + 1
    while low < high:
        middle = (low + high) // 2
        found = (await connection.execute(_AT, {"seq": middle})).one_or_none()
        if found is None or found.created_at >= moment:
            high = middle
        else:
            low = int(found.seq) + 1
    return low


_ONE = text(
    f"""
    SELECT {_FIELDS}, r.request, r.body, d.attempts_before
    FROM dispatch.requests AS r
    JOIN dispatch.deliveries AS d ON d.seq = r.seq
    JOIN dispatch.endpoints AS e ON e.id = d.endpoint_id
    WHERE r.execution_id = CAST(:id AS uuid) AND r.org_id = :org
    """  # noqa: S608 - made of constants
)

_ATTEMPTS = text(
    """
    SELECT number, started_at, latency_ms, status, error, response
    FROM dispatch.attempts WHERE seq = :seq ORDER BY number
    """
)


async def one(
    connection: AsyncConnection, org_id: str, execution_id: str
) -> tuple[Row[Any], Sequence[Row[Any]]] | None:
    """A delivery and its attempts; None when the organisation has none of this id."""
    found = await connection.execute(_ONE, {"org": org_id, "id": execution_id})
    delivery = found.one_or_none()
    if delivery is None:
        return None
    attempts = await connection.execute(_ATTEMPTS, {"seq": delivery.seq})
    return delivery, attempts.all()
