"""One batch of changes to the accounts of users: locked, brought up to date, changed, saved.

    lock users ─▶ take expired strikes off ─▶ take reversals off ─▶ add executions ─▶ save

Guarantees: see `strike_store`. A total that is changed is first brought up to date, so that a
threshold the user fell below by expiry can be crossed again by this very batch.
Must not: be used twice; it belongs to one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher import metric
from coop_action_dispatcher import strike_statement as sql
from coop_action_dispatcher.arrival import Configuration
from coop_action_dispatcher.item import storable
from coop_action_dispatcher.strike import Lead, Part, Reversal, User
from coop_action_dispatcher.table import outbox
from coop_action_dispatcher.threshold import Account, Cause, Rulebook
from coop_contracts.event import ItemRef
from coop_runtime.database.outbox import append

Moment = Callable[[AsyncConnection], Awaitable[datetime]]
"""Tells the present (UTC) to a transaction."""

_ref = msgspec.json.Decoder(ItemRef)


class Collision(Exception):
    """Another transaction wrote the same executions in between: roll back, begin again."""


class _Strike(Struct):
    """A strike that this batch changes."""

    part: Part
    lead: Lead | None = None
    counted: int = 0
    changed: bool = False


class StrikeBatch:
    """One transaction's work on the accounts that it holds."""

    def __init__(self, connection: AsyncConnection, config: Configuration, moment: Moment) -> None:
        self._connection = connection
        self._config = config
        self._moment = moment
        self._accounts: dict[bytes, Account] = {}
        self._rulebooks: dict[str, Rulebook] = {}

    async def apply(
        self, parts: Sequence[Part], reversals: Mapping[str, Reversal]
    ) -> dict[str, int]:
        """Distinct parts and reversals, by execution id. Gives the user's total after each part.

        Raises `Collision`.
        """
        added = {part.execution_id for part in parts}
        known = await self._find([one for one in reversals if one not in added])
        digests = {digest for digest in known.values() if digest is not None}
        await self._lock(digests, [part.user for part in parts])
        early = [one for one in reversals if one not in added and one not in known]
        new = await self._add_executions(parts, early)
        await self._reverse({one: reversals[one] for one in known})
        counts = await self._add(parts, new)
        await self._reverse({one: reversals[one] for one in reversals if one in added})
        await self._save()
        return counts

    async def expire(self, digests: Sequence[bytes]) -> None:
        """Brings the accounts of these users up to date."""
        await self._lock(set(digests), [])
        await self._save()

    async def _find(self, execution_ids: Sequence[str]) -> dict[str, bytes | None]:
        """The users whose strikes these executions are part of, of those that are known."""
        if not execution_ids:
            return {}
        found = await self._connection.execute(sql.FIND, {"ids": execution_ids})
        return {
            str(execution_id): None if digest is None else bytes(digest)
            for execution_id, _, digest in found
        }

    async def _lock(self, digests: set[bytes], users: Sequence[User]) -> None:
        """Holds the accounts, makes missing ones, and takes expired strikes off them."""
        new = {user.digest: user for user in users}
        if new:
            await self._connection.execute(
                sql.ADD_USERS,
                {
                    "digests": list(new),
                    "orgs": [storable(user.org_id) for user in new.values()],
                    "refs": [msgspec.json.encode(user.ref) for user in new.values()],
                },
            )
        wanted = {"digests": list(digests | new.keys())}
        held = (await self._connection.execute(sql.LOCK, wanted)).all()
        if not new.keys() <= {bytes(row.user_digest) for row in held}:
            raise Collision  # a user of whom nothing was left has just been deleted
        # The time after the locks are had: it must not lie before what their holders have written.
        self._now = await self._moment(self._connection)
        crossed = await self._crossed([bytes(row.user_digest) for row in held])
        for row in held:
            digest = bytes(row.user_digest)
            self._accounts[digest] = Account(
                User(row.org_id, _ref.decode(row.ref)),
                row.total,
                generations={one.threshold: one.generation for one in crossed.get(digest, ())},
                open_=[one.threshold for one in crossed.get(digest, ()) if one.open],
            )
        due = [bytes(row.user_digest) for row in held if _is_due(row.next_expiry_at, self._now)]
        if due:
            await self._expire(due)

    async def _crossed(self, digests: Sequence[bytes]) -> dict[bytes, list[Row[Any]]]:
        crossed: dict[bytes, list[Row[Any]]] = {}
        if digests:
            for row in await self._connection.execute(sql.CROSSED, {"digests": digests}):
                crossed.setdefault(bytes(row.user_digest), []).append(row)
        return crossed

    async def _expire(self, digests: Sequence[bytes]) -> None:
        expired = await self._connection.execute(sql.EXPIRE, {"digests": digests, "now": self._now})
        for row in sorted(expired, key=lambda row: row.expires_at):
            cause = Cause(
                cause_id=row.cause_id, policy_id=row.policy_id, correlation_id=row.cause_id
            )
            self._change(bytes(row.user_digest), -row.counted, cause)
            metric.STRIKES.labels("expired").inc()

    async def _add_executions(self, parts: Sequence[Part], early: Sequence[str]) -> set[str]:
        """Records executions, and those that were taken back before; gives the new ones' ids."""
        if not parts and not early:
            return set()
        nothing = [None] * len(early)
        moment = [self._now] * len(early)
        inserted = await self._connection.execute(
            sql.ADD_EXECUTIONS,
            {
                "ids": [part.execution_id for part in parts] + list(early),
                "strikes": [part.strike_id for part in parts] + nothing,
                "actions": [storable(part.action_id) for part in parts] + nothing,
                "policies": [storable(part.policy_id) for part in parts] + nothing,
                "weights": [part.weight for part in parts] + nothing,
                "struck": [part.struck_at for part in parts] + moment,
                "expires": [part.expires_at for part in parts] + moment,
                "reversed": [None] * len(parts) + moment,
            },
        )
        new = {str(execution_id) for (execution_id,) in inserted}
        if not new.issuperset(early):
            raise Collision
        return new

    async def _add(self, parts: Sequence[Part], new: set[str]) -> dict[str, int]:
        strikes = await self._strikes(parts, new)
        counts = {}
        for part in parts:
            account = self._accounts[part.user.digest]
            if part.execution_id in new:
                strike = strikes[part.strike_id]
                lead = Lead(part.weight, part.expires_at, part.execution_id)
                if strike.lead is None or lead > strike.lead:
                    counted = lead.counts(self._now)
                    self._change(part.user.digest, counted - strike.counted, _cause(part))
                    metric.STRIKES.labels("given" if strike.lead is None else "raised").inc()
                    strike.part, strike.lead, strike.counted = part, lead, counted
                    strike.changed = True
            counts[part.execution_id] = account.total
        changed = [(key, strike) for key, strike in strikes.items() if strike.changed]
        await self._save_strikes(changed)
        return counts

    async def _strikes(self, parts: Sequence[Part], new: set[str]) -> dict[str, _Strike]:
        strikes = {part.strike_id: _Strike(part) for part in parts if part.execution_id in new}
        if strikes:
            for row in await self._connection.execute(sql.STRIKES, {"ids": list(strikes)}):
                strike = strikes[str(row.strike_id)]
                strike.counted = row.counted
                if row.lead_execution_id is not None:
                    strike.lead = Lead(row.weight, row.expires_at, str(row.lead_execution_id))
        return strikes

    async def _save_strikes(self, changed: Sequence[tuple[str, _Strike]]) -> None:
        if not changed:
            return
        parts = [strike.part for _, strike in changed]
        await self._connection.execute(
            sql.SAVE_STRIKES,
            {
                "ids": [strike_id for strike_id, _ in changed],
                "digests": [part.user.digest for part in parts],
                "causes": [storable(part.cause_id) for part in parts],
                "leads": [part.execution_id for part in parts],
                "policies": [storable(part.policy_id) for part in parts],
                "weights": [part.weight for part in parts],
                "struck": [part.struck_at for part in parts],
                "expires": [part.expires_at for part in parts],
                "counted": [strike.counted for _, strike in changed],
            },
        )

    async def _reverse(self, reversals: Mapping[str, Reversal]) -> None:
        if not reversals:
            return
        found = await self._connection.execute(
            sql.REVERSE, {"ids": list(reversals), "now": self._now}
        )
        reversal_of = {
            str(strike_id): reversals[str(execution_id)]
            for execution_id, strike_id in found
            if strike_id is not None
        }
        if reversal_of:
            await self._lead_anew(reversal_of)

    async def _lead_anew(self, reversal_of: Mapping[str, Reversal]) -> None:
        """Strikes of which an execution was taken back: the next one leads, or none."""
        leads = await self._connection.execute(sql.LEADS, {"ids": list(reversal_of)})
        changed = [row for row in leads if row.execution_id != row.before]
        if not changed:
            return
        counted = []
        for row in changed:
            reversal = reversal_of[str(row.strike_id)]
            stands = row.execution_id is not None
            counted.append(row.weight if stands and row.expires_at > self._now else 0)
            cause = Cause(
                cause_id=row.cause_id,
                policy_id=row.policy_id or row.old_policy_id,
                correlation_id=reversal.correlation_id,
                event_id=reversal.event_id,
                traceparent=reversal.traceparent,
            )
            self._change(bytes(row.user_digest), counted[-1] - row.counted, cause)
            metric.STRIKES.labels("lowered" if stands else "taken_back").inc()
        await self._connection.execute(
            sql.SAVE_STRIKES,
            {
                "ids": [row.strike_id for row in changed],
                "digests": [row.user_digest for row in changed],
                "causes": [row.cause_id for row in changed],
                "leads": [row.execution_id for row in changed],
                "policies": [row.policy_id or row.old_policy_id for row in changed],
                "weights": [row.weight or 0 for row in changed],
                "struck": [row.struck_at or row.old_struck_at for row in changed],
                "expires": [row.expires_at or row.old_expires_at for row in changed],
                "counted": counted,
            },
        )

    def _change(self, digest: bytes, delta: int, cause: Cause) -> None:
        account = self._accounts[digest]
        org_id = account.user.org_id
        if org_id not in self._rulebooks:
            self._rulebooks[org_id] = Rulebook(org_id, self._config)
        account.change(
            delta,
            cause,
            rulebook=self._rulebooks[org_id],
            now=self._now,
        )

    async def _save(self) -> None:
        touched = [(digest, one) for digest, one in self._accounts.items() if one.touched]
        if not touched:
            return
        fallen = [(digest, one) for digest, account in touched for one in account.fallen]
        if fallen:
            await self._connection.execute(
                sql.CLOSE,
                {
                    "digests": [digest for digest, _ in fallen],
                    "thresholds": [threshold for _, threshold in fallen],
                    "now": self._now,
                },
            )
        await self._save_crossings([account for _, account in touched])
        await self._connection.execute(
            sql.SAVE_USERS,
            {
                "digests": [digest for digest, _ in touched],
                "totals": [account.total for _, account in touched],
            },
        )
        messages = [message for _, account in touched for message in account.messages]
        await append(self._connection, outbox, messages)

    async def _save_crossings(self, accounts: Sequence[Account]) -> None:
        crossings = [crossing for account in accounts for crossing in account.crossings]
        if not crossings:
            return
        metric.CROSSINGS.inc(len(crossings))
        await self._connection.execute(
            sql.CROSS,
            {
                "ids": [crossing.crossing_id for crossing in crossings],
                "digests": [crossing.user.digest for crossing in crossings],
                "orgs": [storable(crossing.user.org_id) for crossing in crossings],
                "thresholds": [crossing.threshold for crossing in crossings],
                "generations": [crossing.generation for crossing in crossings],
                "totals": [crossing.total for crossing in crossings],
                "causes": [storable(crossing.cause_id) for crossing in crossings],
                "executions": [
                    Jsonb(msgspec.to_builtins(crossing.executions)) for crossing in crossings
                ],
                "fell": [crossing.fell for crossing in crossings],
                "now": self._now,
            },
        )


def _is_due(expiry: datetime | None, now: datetime) -> bool:
    return expiry is not None and expiry <= now


def _cause(part: Part) -> Cause:
    return Cause(
        cause_id=part.cause_id,
        policy_id=part.policy_id,
        correlation_id=part.correlation_id,
        event_id=part.event_id,
        traceparent=part.traceparent,
    )
