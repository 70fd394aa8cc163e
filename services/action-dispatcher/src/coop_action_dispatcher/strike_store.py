"""Strikes in PostgreSQL: what executions add and reversals take away, in the caller's transaction.

Guarantees: the total is the sum of the user's live strikes at every moment, whatever runs beside
this and however often: each execution counts once, by its id, and not at all if it was taken back
before or after; whoever changes a user's account holds its row. A batch is a dozen statements,
whatever its size.
Must not: commit; talk to Redis.

Locks are taken in one order, here and everywhere: users by digest, executions by id, then
deliveries. Who waits for a user therefore holds no delivery, and nobody waits in a circle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher import strike_batch
from coop_action_dispatcher.arrival import Configuration
from coop_action_dispatcher.strike import Part, Reversal, User
from coop_action_dispatcher.strike_account import hold, save
from coop_action_dispatcher.strike_statement import (
    EXPIRING,
    NOW,
    PRUNE_EXECUTIONS,
    PRUNE_STRIKES,
    PRUNE_USERS,
    TOTALS,
)

_RETENTION = timedelta(days=45)
"""After their expiry. Longer than the log keeps requests (30 days): one that comes again then finds
its execution, or adds a strike that has expired."""


class Strikes:
    """The accounts of users. `now` replaces the database's clock, on which processes agree."""

    def __init__(self, config: Configuration, *, now: Callable[[], datetime] | None = None) -> None:
        self._config = config
        self._now = now
        self.committed = asyncio.Event()
        """Set by who committed changes: Redis is to be told, without waiting for its next look."""

    async def apply(
        self, connection: AsyncConnection, parts: Sequence[Part], reversals: Sequence[Reversal] = ()
    ) -> dict[str, int]:
        """What reversals take away and executions add; an execution of this very batch is added
        before it is taken back.

        Gives the user's total after each part, by execution id. Raises `Collision`: roll back and
        begin again.
        """
        if not parts and not reversals:
            return {}
        distinct: dict[str, Part] = {}
        for part in parts:
            distinct.setdefault(part.execution_id, part)
        return await strike_batch.apply(
            connection,
            list(distinct.values()),
            {reversal.execution_id: reversal for reversal in reversals},
            config=self._config,
            clock=self._clock,
        )

    async def totals(self, connection: AsyncConnection, users: Iterable[User]) -> dict[bytes, int]:
        """The live strikes of these users, by digest, with what this transaction changed.

        Nobody is locked: another transaction may be about to change them.
        """
        digests = {user.digest for user in users}
        if not digests:
            return {}
        now = None if self._now is None else self._now()
        asked = {"digests": list(digests), "now": now}
        found = await connection.execute(TOTALS, asked)
        return dict.fromkeys(digests, 0) | {bytes(row.user_digest): row.total for row in found}

    async def expire(self, connection: AsyncConnection, *, limit: int) -> int:
        """Takes expired strikes of up to `limit` users off their totals; gives the users' number.

        Leaves out users whom another transaction holds: it sees to them.
        """
        now = await self._clock(connection)
        found = await connection.execute(EXPIRING, {"now": now, "limit": limit})
        digests = {bytes(digest) for (digest,) in found}
        if digests:
            await save(
                connection,
                await hold(connection, digests, config=self._config, clock=self._clock),
            )
        return len(digests)

    async def prune(self, connection: AsyncConnection, *, limit: int) -> int:
        """Deletes up to `limit` executions, and strikes, that expired long ago, and users of whom
        nothing is left; gives the number of executions and strikes."""
        old = {"before": await self._clock(connection) - _RETENTION, "limit": limit}
        executions = await connection.execute(PRUNE_EXECUTIONS, old)
        strikes = await connection.execute(PRUNE_STRIKES, old)
        digests = [bytes(digest) for (digest,) in strikes]
        if digests:
            await connection.execute(PRUNE_USERS, {"digests": digests})
        return executions.rowcount + len(digests)

    async def _clock(self, connection: AsyncConnection) -> datetime:
        if self._now is not None:
            return self._now()
        now: datetime = (await connection.execute(NOW)).scalar_one()
        return now
