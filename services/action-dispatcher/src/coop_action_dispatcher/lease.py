"""Who may send what, now: leases, the heartbeats they live by, and what is due.

    unleased head, due ──lease──▶ leased by an owner ──recorded──▶ finished, or due again later
             ▲                        │
             └── owner's heartbeat too old, or lease too old: reclaimed

Guarantees: a lease of a process that was killed is free again within `owner_timeout` and one
heartbeat; a pass takes from each endpoint in turn, and only as many as there are free slots, so
that its cost does not grow with what is pending.
Must not: send.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher.delivery import Delivery
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store import LEASE
from coop_runtime.database import transaction

# The distinct endpoints with work, found by jumping from one to the next in the index
# (https://wiki.postgresql.org/wiki/Loose_indexscan).
_LANES = """
    lane (endpoint) AS (
        (SELECT endpoint FROM dispatch.deliveries
         WHERE state = 'PENDING' AND head AND lease_owner IS NULL
         ORDER BY endpoint LIMIT 1)
        UNION ALL
        SELECT (SELECT d.endpoint FROM dispatch.deliveries AS d
                WHERE d.state = 'PENDING' AND d.head AND d.lease_owner IS NULL
                  AND d.endpoint > lane.endpoint
                ORDER BY d.endpoint LIMIT 1)
        FROM lane WHERE lane.endpoint IS NOT NULL
    )
"""

_DUE = text(
    f"""
    WITH RECURSIVE {_LANES},
    room AS (
        SELECT lane.endpoint, COALESCE(used.free, CAST(:per_endpoint AS integer)) AS free
        FROM lane
        LEFT JOIN unnest(CAST(:endpoints AS text[]), CAST(:free AS integer[]))
             AS used (endpoint, free) ON used.endpoint = lane.endpoint
        WHERE lane.endpoint IS NOT NULL
    ),
    candidate AS (
        SELECT due.execution_id,
               row_number() OVER (PARTITION BY room.endpoint ORDER BY due.next_attempt_at) AS turn
        FROM room CROSS JOIN LATERAL (
            SELECT d.execution_id, d.next_attempt_at FROM dispatch.deliveries AS d
            WHERE d.endpoint = room.endpoint AND d.state = 'PENDING' AND d.head
              AND d.lease_owner IS NULL AND d.next_attempt_at <= now()
            ORDER BY d.next_attempt_at LIMIT room.free
        ) AS due
    )
    SELECT execution_id FROM candidate ORDER BY turn LIMIT :total
    """  # noqa: S608 - made of constants
)

# By the primary key alone: with a condition of the partial indexes the planner, whose statistics
# know little of what is pending just now, would read all that is pending.
_TAKE = text(
    """
    WITH locked AS MATERIALIZED (
        SELECT execution_id, state, head, lease_owner FROM dispatch.deliveries
        WHERE execution_id = ANY(CAST(:ids AS uuid[]))
        FOR UPDATE SKIP LOCKED
    )
    UPDATE dispatch.deliveries AS d
    SET lease_owner = CAST(:owner AS uuid),
        leased_until = now() + make_interval(secs => :lease)
    FROM locked
    WHERE d.execution_id = locked.execution_id
      AND locked.state = 'PENDING' AND locked.head AND locked.lease_owner IS NULL
    RETURNING d.execution_id, d.org_id, d.action_id, d.item_digest, d.endpoint, d.request, d.body,
              d.traceparent, d.attempts, EXTRACT(epoch FROM now() - d.created_at)::float8 AS age
    """
)

_NEXT_DUE = text(
    f"""
    WITH RECURSIVE {_LANES}
    SELECT EXTRACT(epoch FROM min(due.next_attempt_at) - clock_timestamp())::float8
    FROM lane CROSS JOIN LATERAL (
        SELECT d.next_attempt_at FROM dispatch.deliveries AS d
        WHERE d.endpoint = lane.endpoint AND d.state = 'PENDING' AND d.head
          AND d.lease_owner IS NULL
        ORDER BY d.next_attempt_at LIMIT 1
    ) AS due
    WHERE lane.endpoint <> ALL(CAST(:full AS text[]))
    """  # noqa: S608 - made of constants
)

_BEAT = text(
    """
    INSERT INTO dispatch.owners (id) VALUES (CAST(:owner AS uuid))
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()
    """
)

_RECLAIM = text(
    """
    WITH lost AS MATERIALIZED (
        SELECT d.execution_id FROM dispatch.deliveries AS d
        WHERE d.lease_owner IS NOT NULL AND CASE
            WHEN d.lease_owner = CAST(:owner AS uuid)
                THEN d.execution_id <> ALL(CAST(:under_way AS uuid[]))
            ELSE d.leased_until < now() OR NOT EXISTS (
                SELECT 1 FROM dispatch.owners AS o
                WHERE o.id = d.lease_owner
                  AND o.heartbeat_at > now() - make_interval(secs => :owner_timeout))
            END
        FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE dispatch.deliveries AS d SET lease_owner = NULL, leased_until = NULL
    FROM lost WHERE d.execution_id = lost.execution_id
    """
)

_FORGET_OWNERS = text("DELETE FROM dispatch.owners WHERE heartbeat_at < now() - interval '1 hour'")

_RETIRE = (
    text(
        """
        UPDATE dispatch.deliveries SET lease_owner = NULL, leased_until = NULL
        WHERE lease_owner = CAST(:owner AS uuid)
        """
    ),
    text("DELETE FROM dispatch.owners WHERE id = CAST(:owner AS uuid)"),
)

_RELEASE_HELD = text(
    """
    WITH held AS MATERIALIZED (
        SELECT execution_id FROM dispatch.deliveries
        WHERE org_id = ANY(CAST(:orgs AS text[])) AND state = 'PENDING' AND held
          AND lease_owner IS NULL
        ORDER BY seq FOR UPDATE
    )
    UPDATE dispatch.deliveries AS d SET next_attempt_at = now()
    FROM held WHERE d.execution_id = held.execution_id
    """
)

_BACKLOG = text(
    """
    SELECT count(*), COALESCE(EXTRACT(epoch FROM now() - min(created_at)), 0)::float8
    FROM (
        SELECT created_at FROM dispatch.deliveries WHERE state = 'PENDING' AND head
        UNION ALL
        SELECT created_at FROM dispatch.deliveries WHERE state = 'PENDING' AND NOT head
    ) AS pending
    """  # one branch for each of the partial indexes
)


class Pass(Struct, frozen=True):
    """What a scheduling pass found. `next_due` is in seconds from now, None when nothing more is
    pending for which there are slots; `more` says that there may be more, once slots are free."""

    leased: Sequence[Delivery]
    next_due: float | None
    more: bool


class Leases:
    """The leases of one process, `owner`."""

    def __init__(self, engine: AsyncEngine, *, owner: str, owner_timeout: float) -> None:
        self._engine = engine
        self._owner = owner
        self._owner_timeout = owner_timeout

    async def take_due(self, slots: Slots) -> Pass:
        """Leases what is due, as many as there are free slots, endpoints in turn.

        Takes the slots. Raises `Retryable`.
        """
        left = slots.left_by_endpoint()
        room = slots.free
        async with transaction(self._engine) as connection:
            rows: Sequence[Row[tuple[object, ...]]] = ()
            if room:
                rows = await self._take(connection, slots, left, room)
            leased = [_delivery(row) for row in rows]
            for delivery in leased:
                left[delivery.endpoint] = left.get(delivery.endpoint, slots.per_endpoint) - 1
            full = [endpoint for endpoint, free in left.items() if free <= 0]
            next_due = None
            if len(leased) < room:
                found = await connection.execute(_NEXT_DUE, {"full": full})
                next_due = found.scalar_one()
        for delivery in leased:
            slots.force(delivery.endpoint)
        return Pass(leased, next_due, bool(full) or len(leased) >= room)

    async def _take(
        self, connection: AsyncConnection, slots: Slots, left: dict[str, int], room: int
    ) -> Sequence[Row[tuple[object, ...]]]:
        due = await connection.execute(
            _DUE,
            {
                "per_endpoint": slots.per_endpoint,
                "endpoints": list(left),
                "free": list(left.values()),
                "total": room,
            },
        )
        ids = list(due.scalars())
        if not ids:
            return ()
        found = await connection.execute(_TAKE, {"ids": ids, "owner": self._owner, "lease": LEASE})
        return found.all()

    async def beat(self, under_way: Collection[str]) -> int:
        """Says that this process lives; frees the leases of those that do not, and its own that
        it does not know of (a commit whose answer was lost). Raises `Retryable`.

        Gives the number of leases freed.
        """
        async with transaction(self._engine, within=5) as connection:
            await connection.execute(_BEAT, {"owner": self._owner})
            freed = await connection.execute(
                _RECLAIM,
                {
                    "owner": self._owner,
                    "under_way": list(under_way),
                    "owner_timeout": self._owner_timeout,
                },
            )
            await connection.execute(_FORGET_OWNERS)
            return freed.rowcount

    async def retire(self) -> None:
        """Frees every lease of this process, which stops. Raises `Retryable`."""
        async with transaction(self._engine, within=5) as connection:
            for statement in _RETIRE:
                await connection.execute(statement, {"owner": self._owner})

    async def release_held(self, org_ids: Collection[str]) -> int:
        """Makes the held deliveries of these organisations due now; gives their number."""
        async with transaction(self._engine) as connection:
            released = await connection.execute(_RELEASE_HELD, {"orgs": list(org_ids)})
            return released.rowcount

    async def backlog(self) -> tuple[int, float]:
        """How many deliveries are pending, and the age of the oldest in seconds."""
        async with transaction(self._engine) as connection:
            count, age = (await connection.execute(_BACKLOG)).one()
            return int(count), float(age)


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    fields = dict(row._mapping)
    fields["execution_id"] = str(fields["execution_id"])
    return Delivery(**fields)
