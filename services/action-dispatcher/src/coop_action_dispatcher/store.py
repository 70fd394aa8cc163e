"""The deliveries in PostgreSQL: taken on, and their results recorded.

Guarantees: taking on the same execution id again changes nothing; an item has one head at most
(the unique index `deliveries_head`), so that its webhooks cannot overtake each other; a result
counts only while the lease it was made under is ours.
Must not: send, or read the clock: the time is the database's, so that processes agree on it.

Every transaction that waits for rows takes them in the order of `seq`, new ones in the order of
their items, and those that can skip a locked row do: nobody waits in a circle. `seq` orders the
deliveries of one item, not those of several.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy.exc
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher.delivery import Delivery, NewDelivery, Result, State
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.table import outbox
from coop_runtime.database import transaction
from coop_runtime.error import Retryable
from coop_runtime.message import Message
from coop_runtime.outbox import append

LEASE = 45.0
"""Seconds a lease lasts at most. A crash is found by the owner's missing heartbeat, in seconds;
this only bounds a lease whose owner lives but does not come back to it, so it is well above the
time for one attempt (15 s) and its recording (a transaction may take 20 s)."""

_COLLISIONS = 5

_HEADS = text(
    """
    SELECT item_digest FROM dispatch.deliveries
    WHERE item_digest = ANY(CAST(:digests AS bytea[])) AND state = 'PENDING' AND head
    ORDER BY seq FOR UPDATE
    """
)

_KNOWN = text(
    """
    SELECT execution_id FROM dispatch.deliveries
    WHERE execution_id = ANY(CAST(:ids AS uuid[]))
    """
)

_INSERT = text(
    """
    INSERT INTO dispatch.deliveries
        (execution_id, org_id, action_id, item_type_id, item_id, item_digest, endpoint, head,
         request, body, traceparent, lease_owner, leased_until)
    SELECT execution_id, org_id, action_id, item_type_id, item_id, item_digest, endpoint, head,
           request, body, traceparent,
           CASE WHEN leased THEN CAST(:owner AS uuid) END,
           CASE WHEN leased THEN now() + make_interval(secs => :lease) END
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:orgs AS text[]), CAST(:actions AS text[]),
        CAST(:types AS text[]), CAST(:items AS text[]), CAST(:digests AS bytea[]),
        CAST(:endpoints AS text[]), CAST(:heads AS boolean[]), CAST(:requests AS bytea[]),
        CAST(:bodies AS bytea[]), CAST(:traceparents AS text[]), CAST(:leased AS boolean[])
    ) WITH ORDINALITY AS new (execution_id, org_id, action_id, item_type_id, item_id, item_digest,
                              endpoint, head, request, body, traceparent, leased,
                              position)
    ORDER BY item_digest, position
    ON CONFLICT (execution_id) DO NOTHING
    """
)

_LOCK = text(
    """
    SELECT execution_id FROM dispatch.deliveries
    WHERE execution_id = ANY(CAST(:ids AS uuid[])) AND lease_owner = CAST(:owner AS uuid)
    ORDER BY seq FOR UPDATE
    """
)

_RECORD = text(
    """
    UPDATE dispatch.deliveries AS d
    SET state = r.state,
        held = r.held,
        attempts = r.attempts,
        endpoint = r.endpoint,
        next_attempt_at = now() + make_interval(secs => r.delay),
        lease_owner = NULL,
        leased_until = NULL,
        finished_at = CASE WHEN r.state <> 'PENDING' THEN now() END,
        last_status = COALESCE(r.status, CASE WHEN NOT r.attempted THEN d.last_status END),
        last_error = r.error
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:helds AS boolean[]),
        CAST(:attempts AS integer[]), CAST(:endpoints AS text[]), CAST(:delays AS float8[]),
        CAST(:attempted AS boolean[]), CAST(:statuses AS integer[]), CAST(:errors AS text[])
    ) AS r (execution_id, state, held, attempts, endpoint, delay, attempted, status, error)
    WHERE d.execution_id = r.execution_id AND d.lease_owner = CAST(:owner AS uuid)
    """
)

_ATTEMPTS = text(
    """
    INSERT INTO dispatch.attempts
        (execution_id, number, started_at, latency_ms, status, error, response)
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:numbers AS integer[]), CAST(:started AS timestamptz[]),
        CAST(:latencies AS real[]), CAST(:statuses AS integer[]), CAST(:errors AS text[]),
        CAST(:responses AS text[]))
    """
)

_PROMOTE = text(
    """
    UPDATE dispatch.deliveries AS d SET head = true
    FROM unnest(CAST(:digests AS bytea[])) AS item (digest)
    CROSS JOIN LATERAL (
        SELECT execution_id FROM dispatch.deliveries
        WHERE item_digest = item.digest AND state = 'PENDING' AND NOT head
        ORDER BY seq LIMIT 1
    ) AS next
    WHERE d.execution_id = next.execution_id
    """
)

_SAVE_BODY = text(
    """
    UPDATE dispatch.deliveries SET body = :body
    WHERE execution_id = CAST(:id AS uuid) AND lease_owner = CAST(:owner AS uuid)
      AND body IS NULL
    """
)


class Accepted(Struct, frozen=True):
    """What became of a batch: `leased` may be sent now; `left` heads found no free slot."""

    new: int
    leased: Sequence[Delivery]
    left: int


class Recorded(Struct, frozen=True):
    """`recorded` results counted, `promoted` deliveries of the same items may be sent now."""

    recorded: Sequence[Result]
    promoted: int


class _Collision(Exception):
    """Someone else wrote the same rows in between: look again."""


class Store:
    """The deliveries as this process, `owner`, sees and leases them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.owner = str(uuid.uuid4())

    async def accept(self, requested: Sequence[NewDelivery], slots: Slots) -> Accepted:
        """Takes deliveries on, in order, and leases those that may be sent at once.

        One transaction; what is known already is left as it is. Raises `Retryable`.
        """
        distinct = list(
            {delivery.execution_id: delivery for delivery in reversed(requested)}.values()
        )
        distinct.reverse()
        for attempt in range(_COLLISIONS):
            try:
                return await self._accept(distinct, slots, look_first=attempt > 0)
            except _Collision:
                continue
            except sqlalchemy.exc.IntegrityError:
                if attempt == _COLLISIONS - 1:
                    raise
        raise Retryable("deliveries: another process takes on the same requests")

    async def _accept(
        self, requested: Sequence[NewDelivery], slots: Slots, *, look_first: bool
    ) -> Accepted:
        taken: list[str] = []
        try:
            async with transaction(self._engine) as connection:
                if look_first:
                    requested = await _unknown(connection, requested)
                if not requested:
                    return Accepted(0, (), 0)
                found = await connection.execute(
                    _HEADS, {"digests": sorted({d.item_digest for d in requested})}
                )
                behind = {bytes(digest) for (digest,) in found}
                heads, leased = [], []
                for delivery in requested:
                    head = delivery.item_digest not in behind
                    behind.add(delivery.item_digest)
                    heads.append(head)
                    leased.append(head and slots.take(delivery.endpoint))
                    if leased[-1]:
                        taken.append(delivery.endpoint)
                await self._insert(connection, requested, heads, leased)
        except BaseException:
            for endpoint in taken:
                slots.give(endpoint)
            raise
        pairs = zip(requested, leased, strict=True)
        return Accepted(
            len(requested), [_fresh(new) for new, ours in pairs if ours], sum(heads) - len(taken)
        )

    async def _insert(
        self,
        connection: AsyncConnection,
        new: Sequence[NewDelivery],
        heads: list[bool],
        leased: list[bool],
    ) -> None:
        inserted = await connection.execute(
            _INSERT,
            {
                "ids": [d.execution_id for d in new],
                "orgs": [d.org_id for d in new],
                "actions": [d.action_id for d in new],
                "types": [d.item_type_id for d in new],
                "items": [d.item_id for d in new],
                "digests": [d.item_digest for d in new],
                "endpoints": [d.endpoint for d in new],
                "heads": heads,
                "requests": [d.request for d in new],
                "bodies": [d.body for d in new],
                "traceparents": [d.traceparent for d in new],
                "leased": leased,
                "owner": self.owner,
                "lease": LEASE,
            },
        )
        if inserted.rowcount != len(new):
            # Some are known already, so the heads were reckoned wrongly: roll back, look first.
            raise _Collision

    async def save_body(self, delivery: Delivery, body: bytes) -> bool:
        """Keeps the body before it is sent first, so that each attempt sends the same bytes.

        False when the lease is no longer ours. Raises `Retryable`.
        """
        async with transaction(self._engine) as connection:
            saved = await connection.execute(
                _SAVE_BODY, {"id": delivery.execution_id, "owner": self.owner, "body": body}
            )
            return saved.rowcount == 1

    async def record(self, results: Sequence[Result], messages: Sequence[Message]) -> Recorded:
        """Writes results, attempts and events, and lets the next delivery of each item go first.

        `messages[i]` tells of the end of the i-th finished result. One transaction, which leaves
        out results whose lease was lost. Raises `Retryable`.
        """
        async with transaction(self._engine) as connection:
            locked = await connection.execute(
                _LOCK, {"ids": [r.delivery.execution_id for r in results], "owner": self.owner}
            )
            ours = {str(found) for (found,) in locked}
            ends = (r.delivery.execution_id for r in results if _finished(r))
            told = dict(zip(ends, messages, strict=True))
            kept = [r for r in results if r.delivery.execution_id in ours]
            if not kept:
                return Recorded((), 0)
            await self._write(connection, kept)
            finished = [r for r in kept if _finished(r)]
            promoted = 0
            if finished:
                digests = sorted(r.delivery.item_digest for r in finished)
                promoted = (await connection.execute(_PROMOTE, {"digests": digests})).rowcount
                await append(connection, outbox, [told[r.delivery.execution_id] for r in finished])
        return Recorded(kept, promoted)

    async def _write(self, connection: AsyncConnection, kept: Sequence[Result]) -> None:
        attempted = [(r, r.attempt) for r in kept if r.attempt is not None]
        await connection.execute(
            _RECORD,
            {
                "owner": self.owner,
                "ids": [r.delivery.execution_id for r in kept],
                "states": [r.verdict.state.value for r in kept],
                "helds": [r.verdict.held for r in kept],
                "attempts": [r.attempts for r in kept],
                "endpoints": [r.endpoint or r.delivery.endpoint for r in kept],
                "delays": [float(r.verdict.delay) for r in kept],
                "attempted": [r.attempt is not None for r in kept],
                "statuses": [r.attempt.status if r.attempt else None for r in kept],
                "errors": [r.verdict.reason for r in kept],
            },
        )
        if attempted:
            await connection.execute(
                _ATTEMPTS,
                {
                    "ids": [r.delivery.execution_id for r, _ in attempted],
                    "numbers": [r.attempts for r, _ in attempted],
                    "started": [a.started_at for _, a in attempted],
                    "latencies": [a.latency_ms for _, a in attempted],
                    "statuses": [a.status for _, a in attempted],
                    "errors": [a.error for _, a in attempted],
                    "responses": [a.response for _, a in attempted],
                },
            )


async def _unknown(
    connection: AsyncConnection, requested: Sequence[NewDelivery]
) -> list[NewDelivery]:
    found = await connection.execute(_KNOWN, {"ids": [d.execution_id for d in requested]})
    known = {str(execution_id) for (execution_id,) in found}
    return [d for d in requested if d.execution_id not in known]


def _finished(result: Result) -> bool:
    return result.verdict.state is not State.PENDING


def _fresh(new: NewDelivery) -> Delivery:
    return Delivery(
        execution_id=new.execution_id,
        org_id=new.org_id,
        action_id=new.action_id,
        item_digest=new.item_digest,
        endpoint=new.endpoint,
        request=new.request,
        body=new.body,
        attempts=0,
        age=0.0,
        traceparent=new.traceparent,
    )
