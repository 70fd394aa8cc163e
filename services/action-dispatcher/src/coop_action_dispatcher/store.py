"""The deliveries in PostgreSQL: taken on, and their results recorded.

Guarantees: taking on the same execution id again changes nothing; an item has one head at most
(the unique index `deliveries_head`), so that its webhooks cannot overtake each other; a result
counts only while the lease it was made under is ours; what a result says of its endpoint, and every
event, is in the same transaction.
Must not: send, or read the clock: the time is the database's, so that processes agree on it.

Every transaction that waits for rows takes them in the order of `seq`, new ones in the order of
their items, and those that can skip a locked row do; users whose strikes change are locked before
(see `strike_store`), endpoints after, by id: nobody waits in a circle. `seq` orders the deliveries
of one item, not those of several.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy.exc
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher import store_statement as sql
from coop_action_dispatcher.breaker import Breakers, HealthChange
from coop_action_dispatcher.collision import TRIES, Collision
from coop_action_dispatcher.delivery import Delivery, NewDelivery, Result, State
from coop_action_dispatcher.endpoint import Directory, apply_changes
from coop_action_dispatcher.endpoint_statement import GIVE_PROBES
from coop_action_dispatcher.schema import outbox
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store_column import (
    ATTEMPTS,
    ENDS,
    NEW,
    PLACES,
    RESULTS,
    RULES,
    Place,
    Ruled,
)
from coop_action_dispatcher.strike import Part, User
from coop_action_dispatcher.strike_store import Strikes
from coop_action_dispatcher.webhook import with_strikes
from coop_runtime.database.array import Bigints, Blobs, Uuids
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import channel_of
from coop_runtime.kafka.message import Message
from coop_runtime.process.error import Retryable

LEASE = 45.0
"""Seconds a lease lasts at most. A crash is found by the owner's missing heartbeat, in seconds;
this only bounds a lease whose owner lives but does not come back to it, so it is well above the
time for one attempt (15 s) and its recording (a transaction may take 20 s)."""

Key = tuple[str, str]


class Accepted(Struct, frozen=True):
    """What became of a batch: `leased` may be sent now; `left` heads found no free slot."""

    new: int
    leased: Sequence[Delivery]
    left: int


class Recorded(Struct, frozen=True):
    """`recorded` results counted, `promoted` deliveries of the same items may be sent now."""

    recorded: Sequence[Result]
    promoted: int


class Store:
    """The deliveries as this process, `owner`, sees and leases them."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        strikes: Strikes,
        directory: Directory,
        breakers: Breakers,
    ) -> None:
        self._engine = engine
        self._strikes = strikes
        self._directory = directory
        self._breakers = breakers
        self.owner = str(uuid.uuid4())

    async def accept(self, requested: Sequence[NewDelivery], slots: Slots) -> Accepted:
        """Takes deliveries on, in order, and leases those that may be sent at once.

        One transaction; what is known already is left as it is. Raises `Retryable`.
        """
        distinct = list(
            {delivery.execution_id: delivery for delivery in reversed(requested)}.values()
        )
        distinct.reverse()
        endpoints = await self._directory.ids((one.org_id, one.endpoint) for one in distinct)
        for attempt in range(TRIES):
            try:
                return await self._accept(distinct, endpoints, slots, look_first=attempt > 0)
            except Collision:
                continue
            except sqlalchemy.exc.IntegrityError:
                if attempt == TRIES - 1:
                    raise
        raise Retryable("deliveries: another process takes on the same requests")

    async def _accept(
        self,
        requested: Sequence[NewDelivery],
        endpoints: Mapping[Key, int],
        slots: Slots,
        *,
        look_first: bool,
    ) -> Accepted:
        plan = _Plan(endpoints, slots, self._breakers)
        try:
            async with transaction(self._engine) as connection:
                if look_first:
                    requested = await _unknown(connection, requested)
                if not requested:
                    return Accepted(0, (), 0)
                requested = await self._count(connection, requested)
                found = await connection.execute(
                    sql.HEADS, {"digests": Blobs(sorted({d.item_digest for d in requested}))}
                )
                places = plan.place(requested, {bytes(digest) for (digest,) in found})
                seqs = await self._insert(connection, requested, places)
        except BaseException:
            plan.undo()
            raise
        if any(one.strike is not None or one.reversal is not None for one in requested):
            self._strikes.committed.set()
        leased = [
            _fresh(one, seqs[one.execution_id], place.endpoint_id)
            for one, place in zip(requested, places, strict=True)
            if place.leased
        ]
        return Accepted(len(requested), leased, plan.left)

    async def _count(
        self, connection: AsyncConnection, requested: Sequence[NewDelivery]
    ) -> Sequence[NewDelivery]:
        """Adds and takes back strikes, and tells the platform how many each user has."""
        counts = await self._strikes.apply(
            connection,
            [one.strike for one in requested if one.strike is not None],
            [one.reversal for one in requested if one.reversal is not None],
        )
        asking = [one.user for one in requested if one.body and one.user and not one.strike]
        totals = await self._strikes.totals(connection, asking)
        return [_telling(one, counts, totals) for one in requested]

    async def _insert(
        self, connection: AsyncConnection, new: Sequence[NewDelivery], places: Sequence[Place]
    ) -> dict[str, int]:
        """The numbers of the deliveries, by execution id."""
        inserted = await connection.execute(
            sql.INSERT,
            {
                **NEW.arrays(new),
                **PLACES.arrays(places),
                **RULES.arrays(
                    [
                        Ruled(one.execution_id, one.org_id, id_)
                        for one in new
                        for id_ in one.rule_ids
                    ]
                ),
                "owner": self.owner,
                "lease": LEASE,
            },
        )
        seqs = {str(execution_id): seq for seq, execution_id in inserted}
        if len(seqs) != len(new):
            # Some are known already, so the heads were reckoned wrongly: roll back, look first.
            raise Collision
        return seqs

    async def save_body(
        self, delivery: Delivery, body: bytes | None, strike: Part | None, user: User | None
    ) -> bytes | None:
        """Keeps the body before it is sent first, so that each attempt sends the same bytes, and
        adds its strike, which could not be known when the delivery was taken on. It tells the
        strikes of `user`.

        The body as it was kept; None when the lease is no longer ours, or there was none to keep.
        Raises `Retryable`.
        """
        parts = [] if strike is None else [strike]
        async with transaction(self._engine) as connection:
            counts = await self._strikes.apply(connection, parts)
            kept = None
            if body is not None:
                if strike is not None:
                    body = with_strikes(body, counts[strike.execution_id])
                elif user is not None:
                    totals = await self._strikes.totals(connection, [user])
                    body = with_strikes(body, totals[user.digest])
                saved = await connection.execute(
                    sql.SAVE_BODY, {"seq": delivery.seq, "owner": self.owner, "body": body}
                )
                kept = body if saved.rowcount == 1 else None
        if strike is not None:
            self._strikes.committed.set()
        return kept

    async def record(
        self,
        results: Sequence[Result],
        messages: Sequence[Message | None],
        changes: Sequence[HealthChange] = (),
    ) -> Recorded:
        """Writes results, attempts and events, and lets the next delivery of each item go first.

        `messages[i]` tells of the end of `results[i]`, None where it has not ended; `changes` are
        what the attempts say of endpoints. One transaction, which leaves out results whose lease
        was lost. Raises `Retryable`.
        """
        async with transaction(self._engine) as connection:
            seqs = Bigints(r.delivery.seq for r in results)
            await connection.execute(sql.LOCK, {"seqs": seqs})
            found = await connection.execute(
                sql.RECORD,
                {
                    **RESULTS.arrays(results),
                    **ATTEMPTS.arrays([r.attempt for r in results]),
                    **ENDS.arrays(messages),
                    "owner": self.owner,
                    "channel": channel_of(outbox),
                },
            )
            row = found.one()
            if changes:
                await apply_changes(connection, changes, self._breakers.limits)
            await _see_to_exceptions(connection, results)
        ours = set(row.recorded or ())
        return Recorded([r for r in results if r.delivery.seq in ours], row.promoted)


class _Plan:
    """Who goes first in a batch, and who is leased; on failure its slots are given back."""

    def __init__(self, ids: Mapping[Key, int], slots: Slots, breakers: Breakers) -> None:
        self._ids = ids
        self._slots = slots
        self._breakers = breakers
        self._taken: list[tuple[str, int]] = []
        self.left = 0

    def place(self, requested: Sequence[NewDelivery], behind: set[bytes]) -> list[Place]:
        """`behind`: the items that have a delivery which goes first already."""
        places = []
        for one in requested:
            endpoint_id = self._ids[one.org_id, one.endpoint]
            head = one.item_digest not in behind
            behind.add(one.item_digest)
            blocked = self._breakers.blocked(endpoint_id)
            ours = head and not blocked and self._slots.take(one.org_id, endpoint_id)
            if ours:
                self._taken.append((one.org_id, endpoint_id))
            self.left += head and not ours and not blocked
            places.append(Place(endpoint_id, head, ours))
        return places

    def undo(self) -> None:
        """Gives the slots back."""
        for org_id, endpoint_id in self._taken:
            self._slots.give(org_id, endpoint_id)


async def _unknown(
    connection: AsyncConnection, requested: Sequence[NewDelivery]
) -> list[NewDelivery]:
    found = await connection.execute(sql.KNOWN, {"ids": Uuids(d.execution_id for d in requested)})
    known = {str(execution_id) for (execution_id,) in found}
    return [d for d in requested if d.execution_id not in known]


def _fresh(new: NewDelivery, seq: int, endpoint_id: int) -> Delivery:
    return Delivery(
        seq=seq,
        execution_id=new.execution_id,
        org_id=new.org_id,
        endpoint_id=endpoint_id,
        item_digest=new.item_digest,
        request=new.request,
        event=new.event,
        body=new.body,
        attempts=0,
        traceparent=new.traceparent,
    )


def is_finished(result: Result) -> bool:
    """True when the delivery reached its end."""
    return result.verdict.state is not State.PENDING


async def _see_to_exceptions(connection: AsyncConnection, results: Sequence[Result]) -> None:
    """What seldom happens: a delivery goes elsewhere by now; a probe was not sent after all."""
    moved = [(r.delivery.seq, r.endpoint_id) for r in results if r.endpoint_id is not None]
    if moved:
        await connection.execute(
            sql.MOVED,
            {"seqs": Bigints(s for s, _ in moved), "endpoints": Bigints(e for _, e in moved)},
        )
    unused = {r.delivery.endpoint_id for r in results if r.delivery.probe and r.attempt is None}
    if unused:
        await connection.execute(GIVE_PROBES, {"ids": Bigints(unused)})


def _telling(
    new: NewDelivery, counts: Mapping[str, int], totals: Mapping[bytes, int]
) -> NewDelivery:
    """The delivery with its user's strikes in its body: those after its own, else the total."""
    if new.body is None or new.user is None:
        return new
    count = counts.get(new.execution_id)
    if count is None:
        count = totals[new.user.digest]
    return structs.replace(new, body=with_strikes(new.body, count))
