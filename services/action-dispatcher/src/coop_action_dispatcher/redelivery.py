"""Dead deliveries, sent again by a person: with the same id, in the order of their item.

Guarantees: what is sent again is the same delivery: same `webhook-id`, same body, its attempts so
far kept, a new schedule of attempts; it waits behind whatever of its item is on its way. Nothing
but a dead delivery is sent again, and none that an erasure emptied.
Must not: send; the scheduling pass finds what is due.

Locks: the heads of the items first, then the dead, each by number, so that two calls do not wait in
a circle.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy.exc
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher.collision import TRIES
from coop_action_dispatcher.delivery_view import DeliveryFilter, conditions_of
from coop_contracts.dispatch import Redelivered
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable

BATCH = 500
MAX = 10_000
"""In one call; whoever wants more calls again."""

_HEADS = text(
    """
    SELECT item_digest FROM dispatch.deliveries
    WHERE item_digest = ANY(CAST(:digests AS bytea[])) AND state = 'PENDING' AND head
    ORDER BY seq FOR UPDATE
    """
)

_DEAD = text(
    """
    SELECT d.seq, d.item_digest FROM dispatch.deliveries AS d
    WHERE d.seq = ANY(CAST(:seqs AS bigint[])) AND d.state = 'DEAD'
      AND NOT EXISTS (SELECT 1 FROM dispatch.requests AS r WHERE r.seq = d.seq AND r.body = '')
    ORDER BY d.seq FOR UPDATE
    """
)

_REVIVE = text(
    """
    UPDATE dispatch.deliveries AS d
    SET state = 'PENDING', head = again.head, held = false, attempts_before = d.attempts,
        next_attempt_at = now(), finished_at = NULL
    FROM unnest(CAST(:seqs AS bigint[]), CAST(:heads AS boolean[])) AS again (seq, head)
    WHERE d.seq = again.seq
    """
)

_FIND_ONE = text(
    """
    SELECT d.seq, d.item_digest, CASE WHEN r.body = '' THEN 'ERASED' ELSE d.state END AS state
    FROM dispatch.requests AS r
    JOIN dispatch.deliveries AS d ON d.seq = r.seq
    WHERE r.execution_id = CAST(:id AS uuid) AND r.org_id = :org
    """
)


class NotDead(Exception):
    """The delivery is on its way, or has arrived. `state` says which."""

    def __init__(self, state: str) -> None:
        super().__init__(f"only a dead delivery can be sent again; this one is {state}")
        self.state = state


async def redeliver_one(engine: AsyncEngine, org_id: str, execution_id: str) -> bool:
    """Sends one again; False when the organisation has none of this id.

    Raises `NotDead`, `Retryable`.
    """
    async with transaction(engine) as connection:
        parameters = {"org": org_id, "id": execution_id}
        found = (await connection.execute(_FIND_ONE, parameters)).one_or_none()
    if found is None:
        return False
    if found.state != "DEAD" or not await _revive(engine, [(found.seq, found.item_digest)]):
        raise NotDead(found.state if found.state != "DEAD" else "PENDING")
    return True


async def redeliver(engine: AsyncEngine, org_id: str, wanted: DeliveryFilter) -> Redelivered:
    """Sends the dead deliveries that the filter means again, the oldest first, up to `MAX`.

    Raises `Retryable`; what was done until then stays done, and the call can be repeated.
    """
    count, after = 0, 0
    while count < MAX:
        async with transaction(engine) as connection:
            found = await _dead(connection, org_id, wanted, after)
        if not found:
            return Redelivered(count=count, more=False)
        count += await _revive(engine, found)
        after = found[-1][0]
        if len(found) < BATCH:
            return Redelivered(count=count, more=False)
    return Redelivered(count=count, more=True)


async def _dead(
    connection: AsyncConnection, org_id: str, wanted: DeliveryFilter, after: int
) -> list[tuple[int, bytes]]:
    conditions, parameters = await conditions_of(connection, org_id, wanted)
    found = await connection.execute(
        text(
            f"""
            SELECT d.seq, d.item_digest FROM dispatch.deliveries AS d
            JOIN dispatch.requests AS r ON r.seq = d.seq
            WHERE {" AND ".join(conditions)}
              AND d.org_id = :org AND d.state = 'DEAD' AND d.state <> 'DELIVERED'
              AND d.seq > :after
            ORDER BY d.seq LIMIT :batch
            """  # noqa: S608 - made of constants
        ),
        parameters | {"after": after, "batch": BATCH},
    )
    return [(row.seq, bytes(row.item_digest)) for row in found]


async def _revive(engine: AsyncEngine, dead: Sequence[tuple[int, bytes]]) -> int:
    for _ in range(TRIES):
        try:
            async with transaction(engine) as connection:
                return await _revive_once(connection, dead)
        except sqlalchemy.exc.IntegrityError:
            continue  # another delivery of an item became its head in between: look again
    raise Retryable("redelivery: others keep changing the same items")


async def _revive_once(connection: AsyncConnection, dead: Sequence[tuple[int, bytes]]) -> int:
    digests = sorted({bytes(digest) for _, digest in dead})
    held = await connection.execute(_HEADS, {"digests": digests})
    behind = {bytes(digest) for (digest,) in held}
    found = (await connection.execute(_DEAD, {"seqs": [seq for seq, _ in dead]})).all()
    heads = []
    for row in found:
        digest = bytes(row.item_digest)
        heads.append(digest not in behind)
        behind.add(digest)
    if found:
        await connection.execute(_REVIVE, {"seqs": [row.seq for row in found], "heads": heads})
    return len(found)
