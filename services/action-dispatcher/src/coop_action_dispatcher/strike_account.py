"""The accounts of users that one transaction holds: locked, brought up to date, changed, saved.

    hold: lock the users' rows, make missing ones ─▶ take expired strikes off ─▶ … ─▶ save

Guarantees: an account is up to date before anything else changes it, so that a threshold which the
user fell below by expiry can be crossed again by the very same transaction; who holds an account
holds it until the transaction ends.
Must not: be kept beyond the transaction, or commit it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher import metric
from coop_action_dispatcher import strike_statement as sql
from coop_action_dispatcher.arrival import Configuration
from coop_action_dispatcher.collision import Collision
from coop_action_dispatcher.item import storable
from coop_action_dispatcher.schema import outbox
from coop_action_dispatcher.strike import User
from coop_action_dispatcher.strike_column import CROSSINGS
from coop_action_dispatcher.threshold import Account, Cause, Rulebook
from coop_contracts.event import ItemRef
from coop_runtime.database.outbox import append

Clock = Callable[[AsyncConnection], Awaitable[datetime]]
"""Tells the present (UTC) to a transaction."""

_ref = msgspec.json.Decoder(ItemRef)


class Accounts:
    """The accounts that a transaction holds, by the users' digests, since the moment `now`."""

    def __init__(
        self, held: Mapping[bytes, Account], *, now: datetime, config: Configuration
    ) -> None:
        self._held = held
        self._config = config
        self._rulebooks: dict[str, Rulebook] = {}
        self.now = now

    def total(self, digest: bytes) -> int:
        """The sum of the user's live strikes."""
        return self._held[digest].total

    def change(self, digest: bytes, delta: int, cause: Cause) -> None:
        """Adds `delta` to the user's total, with the events that tell of it."""
        account = self._held[digest]
        org_id = account.user.org_id
        if org_id not in self._rulebooks:
            self._rulebooks[org_id] = Rulebook(org_id, self._config)
        account.change(delta, cause, rulebook=self._rulebooks[org_id], now=self.now)

    def touched(self) -> dict[bytes, Account]:
        """Those that were changed."""
        return {digest: one for digest, one in self._held.items() if one.touched}


async def hold(
    connection: AsyncConnection,
    digests: set[bytes],
    users: Sequence[User] = (),
    *,
    config: Configuration,
    clock: Clock,
) -> Accounts:
    """Holds the accounts of users that are known by their digests, and of `users`, who need not
    have one yet.

    Raises `Collision`.
    """
    new = {user.digest: user for user in users}
    await _make(connection, new)
    wanted = {"digests": list(digests | new.keys())}
    held = (await connection.execute(sql.LOCK, wanted)).all()
    locked = {bytes(row.user_digest): row for row in held}
    if not new.keys() <= locked.keys():
        raise Collision  # a user of whom nothing was left has just been deleted
    # The time after the locks are had: it must not lie before what their holders have written.
    now = await clock(connection)
    crossed = await _crossed(connection, list(locked))
    accounts = Accounts(
        {digest: _account(row, crossed.get(digest, ())) for digest, row in locked.items()},
        now=now,
        config=config,
    )
    due = [digest for digest, row in locked.items() if _is_due(row.next_expiry_at, now)]
    if due:
        await _expire(connection, accounts, due)
    return accounts


async def _make(connection: AsyncConnection, users: Mapping[bytes, User]) -> None:
    """Rows for the users that have none."""
    if users:
        await connection.execute(
            sql.ADD_USERS,
            {
                "digests": list(users),
                "orgs": [storable(user.org_id) for user in users.values()],
                "refs": [msgspec.json.encode(user.ref) for user in users.values()],
            },
        )


async def _crossed(
    connection: AsyncConnection, digests: Sequence[bytes]
) -> dict[bytes, list[Row[Any]]]:
    """The thresholds that each user has ever crossed."""
    crossed: dict[bytes, list[Row[Any]]] = {}
    if digests:
        for row in await connection.execute(sql.CROSSED, {"digests": digests}):
            crossed.setdefault(bytes(row.user_digest), []).append(row)
    return crossed


def _account(row: Row[Any], crossed: Sequence[Row[Any]]) -> Account:
    return Account(
        User(row.org_id, _ref.decode(row.ref)),
        row.total,
        generations={one.threshold: one.generation for one in crossed},
        open_=[one.threshold for one in crossed if one.open],
    )


def _is_due(expiry: datetime | None, now: datetime) -> bool:
    return expiry is not None and expiry <= now


async def _expire(
    connection: AsyncConnection, accounts: Accounts, digests: Sequence[bytes]
) -> None:
    """Takes off what expired, each strike at its time."""
    expired = await connection.execute(sql.EXPIRE, {"digests": digests, "now": accounts.now})
    for row in sorted(expired, key=lambda row: row.expires_at):
        cause = Cause(cause_id=row.cause_id, policy_id=row.policy_id, correlation_id=row.cause_id)
        accounts.change(bytes(row.user_digest), -row.counted, cause)
        metric.STRIKES.labels("expired").inc()


async def save(connection: AsyncConnection, accounts: Accounts) -> None:
    """Writes the accounts that were changed: totals, thresholds crossed or fallen below, events."""
    touched = accounts.touched()
    if not touched:
        return
    fallen = [(digest, below) for digest, account in touched.items() for below in account.fallen]
    if fallen:
        await connection.execute(
            sql.CLOSE,
            {
                "digests": [digest for digest, _ in fallen],
                "thresholds": [threshold for _, threshold in fallen],
                "now": accounts.now,
            },
        )
    crossings = [crossing for account in touched.values() for crossing in account.crossings]
    if crossings:
        metric.CROSSINGS.inc(len(crossings))
        await connection.execute(sql.CROSS, CROSSINGS.arrays(crossings) | {"now": accounts.now})
    await connection.execute(
        sql.SAVE_USERS,
        {"digests": list(touched), "totals": [account.total for account in touched.values()]},
    )
    messages = [message for account in touched.values() for message in account.messages]
    await append(connection, outbox, messages)
