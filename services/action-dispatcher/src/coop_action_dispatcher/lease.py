"""Who may send what, now: leases, the heartbeats they live by, and what is due.

    unleased head, due ──lease──▶ leased by an owner ──recorded──▶ finished, or due again later
             ▲                        │
             └── owner's heartbeat too old, or lease too old: reclaimed

Guarantees: a lease of a process that was killed is free again within `owner_timeout` and one
heartbeat; a pass takes from organisations and endpoints in turn, and only as many as there are free
slots, so that its cost does not grow with what is pending; of an endpoint whose breaker is half
open it takes one, and only one process does; where the slots are closed to an organisation it takes
nothing of it, and does not wait for it.
Must not: send.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher import lease_statement as sql
from coop_action_dispatcher.delivery import Delivery
from coop_action_dispatcher.endpoint_statement import CLAIM_PROBES, GIVE_PROBES
from coop_action_dispatcher.fairness import turns
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store import LEASE
from coop_runtime.database.array import Bigints, Integers, Texts
from coop_runtime.database.engine import transaction

_MOVE_BATCH = 1000
_MAX_ENDPOINTS = 512  # of which a pass looks for deliveries; others have the next turn
MAX_LEASES = 128  # of one pass: each rewrites its entries of half a dozen indexes


class Pass(Struct, frozen=True):
    """What a scheduling pass found. `next_due` is in seconds from now, None when nothing more is
    pending for which there are slots; `more` says that there may be more, once slots are free, and
    `cut` that there are more at once."""

    leased: Sequence[Delivery]
    next_due: float | None
    more: bool
    cut: bool


class Backlog(Struct, frozen=True):
    """What waits in the whole system: how many deliveries are `pending`, the age of the `oldest`,
    and by how much the most overdue is `late`, breakers and pauses left out. Times in seconds."""

    pending: int
    oldest: float
    late: float


class Leases:
    """The leases of one process, `owner`. `probe_timeout`: seconds until a probe that was never
    heard of again is made anew."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        owner: str,
        owner_timeout: float,
        probe_timeout: float = 30.0,
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._owner_timeout = owner_timeout
        self._probe_timeout = probe_timeout
        self._passes = 0

    async def take_due(self, slots: Slots) -> Pass:
        """Leases what is due, as many as there are free slots, everyone in turn.

        Takes the slots. Raises `Retryable`.
        """
        if not slots.free:
            return Pass((), None, more=True, cut=False)
        self._passes += 1
        chosen = _Chosen(slots)
        try:
            async with transaction(self._engine) as connection:
                found = (await connection.execute(sql.LANES)).all()
                open_ = [lane for lane in found if not slots.closed_to(lane.org_id)]
                lanes = _rotated(open_, self._passes)
                rooms = chosen.rooms(lanes)
                leased = await self._lease(connection, chosen, rooms) if rooms else []
        except BaseException:
            chosen.undo()
            raise
        chosen.keep(leased)
        waits = [lane.sendable_in for lane in lanes if lane.sendable_in > 0]
        return Pass(leased, next_due=min(waits, default=None), more=chosen.more, cut=chosen.cut)

    async def _lease(
        self, connection: AsyncConnection, chosen: _Chosen, rooms: Mapping[int, int]
    ) -> list[Delivery]:
        share = max(1, 2 * MAX_LEASES // len(rooms))  # more would be read in vain
        wanted = Integers(min(room, share) for room in rooms.values())
        found = await connection.execute(sql.DUE, {"endpoints": Bigints(rooms), "rooms": wanted})
        due: dict[int, list[int]] = {}
        for endpoint_id, seq in found:
            due.setdefault(endpoint_id, []).append(seq)
        chosen.judge(due, rooms, share)
        probes = set(chosen.half_open & due.keys())
        if probes:
            claimed = await connection.execute(
                CLAIM_PROBES, {"ids": Bigints(probes), "secs": self._probe_timeout}
            )
            mine = set(claimed.scalars())
            for endpoint_id in probes - mine:
                del due[endpoint_id]
            probes = mine
        seqs = chosen.choose(due, self._passes)
        rows: Sequence[Row[tuple[object, ...]]] = ()
        if seqs:
            taken = await connection.execute(
                sql.TAKE, {"seqs": Bigints(seqs), "owner": self._owner, "lease": LEASE}
            )
            rows = taken.all()
        leased = [_delivery(row, probes) for row in rows]
        unused = probes - {delivery.endpoint_id for delivery in leased}
        if unused:
            await connection.execute(GIVE_PROBES, {"ids": Bigints(unused)})
        return leased

    async def beat(self, under_way: Collection[int]) -> int:
        """Says that this process lives; frees the leases of those that do not, and its own that
        it does not know of (a commit whose answer was lost). Raises `Retryable`.

        Gives the number of leases freed.
        """
        async with transaction(self._engine, within=5) as connection:
            await connection.execute(sql.BEAT, {"owner": self._owner})
            freed = await connection.execute(
                sql.RECLAIM,
                {
                    "owner": self._owner,
                    "under_way": Bigints(under_way),
                    "owner_timeout": self._owner_timeout,
                },
            )
            await connection.execute(sql.FORGET_OWNERS)
            return freed.rowcount

    async def retire(self) -> None:
        """Frees every lease of this process, which stops. Raises `Retryable`."""
        async with transaction(self._engine, within=5) as connection:
            for statement in sql.RETIRE:
                await connection.execute(statement, {"owner": self._owner})

    async def release_held(self, org_ids: Collection[str]) -> int:
        """Makes the held deliveries of these organisations due now; gives their number."""
        async with transaction(self._engine) as connection:
            released = await connection.execute(sql.RELEASE_HELD, {"orgs": Texts(org_ids)})
            return released.rowcount

    async def move(
        self, org_id: str, endpoints: Mapping[str, int], blocked: Collection[int]
    ) -> int:
        """Takes what waits for a blocked endpoint to where its action or callback leads by now.

        `endpoints` are ids by action id or kind of callback; `blocked` those that are paused or
        open. Gives the number moved. Raises `Retryable`.
        """
        moved, after = 0, 0
        while True:
            async with transaction(self._engine) as connection:
                found = await connection.execute(
                    sql.MOVE,
                    {
                        "org": org_id,
                        "actions": Texts(endpoints),
                        "endpoints": Bigints(endpoints.values()),
                        "blocked": Bigints(blocked),
                        "after": after,
                        "limit": _MOVE_BATCH,
                    },
                )
                count, last = found.one()
            moved += int(count)
            if count < _MOVE_BATCH:
                return moved
            after = last

    async def backlog(self) -> Backlog:
        """What waits, whether or not there are slots to send it. Raises `Retryable`."""
        async with transaction(self._engine) as connection:
            count, age = (await connection.execute(sql.BACKLOG)).one()
            lanes = (await connection.execute(sql.LANES)).all()
        late = [-lane.due_in for lane in lanes if not lane.open and lane.due_in < 0]
        return Backlog(int(count), float(age), max(late, default=0.0))


class _Chosen:
    """What one pass takes, with the slots that go with it."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._org_of: dict[int, str] = {}
        self._taken: dict[int, int] = {}
        self.half_open: set[int] = set()
        self.more = self.cut = False

    def rooms(self, lanes: Sequence[Row[tuple[object, ...]]]) -> dict[int, int]:
        """How many deliveries each endpoint with something to send may have."""
        rooms: dict[int, int] = {}
        for lane in lanes:
            if lane.sendable_in > 0:
                continue
            room = self._slots.room(lane.org_id, lane.endpoint_id)
            if not room or len(rooms) >= _MAX_ENDPOINTS:
                self.more = True
                continue
            self._org_of[lane.endpoint_id] = lane.org_id
            rooms[lane.endpoint_id] = 1 if lane.open else room
            if lane.open:
                self.half_open.add(lane.endpoint_id)
        return rooms

    def judge(self, due: Mapping[int, Sequence[int]], rooms: Mapping[int, int], share: int) -> None:
        """Whether there may be more than what was found."""
        for endpoint_id, seqs in due.items():
            self.more = self.more or len(seqs) >= rooms[endpoint_id]
            self.cut = self.cut or (len(seqs) == share < rooms[endpoint_id])

    def choose(self, due: Mapping[int, Sequence[int]], start: int) -> list[int]:
        """The deliveries that get a slot."""
        for endpoint_id, seq in turns(due, self._org_of, start):
            if len(self._taken) == MAX_LEASES:
                self.more = self.cut = True
                break
            if self._slots.take(self._org_of[endpoint_id], endpoint_id):
                self._taken[seq] = endpoint_id
            else:
                self.more = True
                if not self._slots.free:
                    break
        return list(self._taken)

    def keep(self, leased: Sequence[Delivery]) -> None:
        """Gives back the slots of what another process had locked."""
        for delivery in leased:
            del self._taken[delivery.seq]
        self.undo()

    def undo(self) -> None:
        """Gives back the slots."""
        for endpoint_id in self._taken.values():
            self._slots.give(self._org_of[endpoint_id], endpoint_id)
        self._taken.clear()


def _rotated(
    lanes: Sequence[Row[tuple[object, ...]]], by: int
) -> Sequence[Row[tuple[object, ...]]]:
    """The same in another order, so that whoever is left out has the next turn."""
    if len(lanes) <= _MAX_ENDPOINTS:
        return lanes
    cut = by * _MAX_ENDPOINTS % len(lanes)
    return [*lanes[cut:], *lanes[:cut]]


def _delivery(row: Row[tuple[object, ...]], probes: Collection[int]) -> Delivery:
    fields = dict(row._mapping)
    fields["execution_id"] = str(fields["execution_id"])
    return Delivery(**fields, probe=row.endpoint_id in probes)
