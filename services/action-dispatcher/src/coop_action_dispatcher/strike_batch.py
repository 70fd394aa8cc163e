"""One batch of changes to strikes: what executions add, and what reversals take away.

    hold the users' accounts ─▶ take reversals off ─▶ add executions ─▶ save the accounts

A strike is as heavy as its leading execution (see `strike`). An execution that is added leads when
it is heavier than the one that leads so far; when the one that leads is taken back, the next leads,
and a strike of which no execution stands weighs nothing.

Guarantees: see `strike_store`.
Must not: commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher import metric
from coop_action_dispatcher import strike_statement as sql
from coop_action_dispatcher.arrival import Configuration
from coop_action_dispatcher.collision import Collision
from coop_action_dispatcher.item import storable
from coop_action_dispatcher.strike import Lead, Part, Reversal
from coop_action_dispatcher.strike_account import Accounts, Clock, hold, save
from coop_action_dispatcher.strike_column import EXECUTIONS, STRIKE_ROWS, ExecutionRow, StrikeRow
from coop_action_dispatcher.threshold import Cause


class Standing(NamedTuple):
    """How a strike stands: the execution that leads it, and what it adds to its user's total."""

    lead: Lead | None
    counted: int


_NO_STRIKE = Standing(None, 0)


async def apply(
    connection: AsyncConnection,
    parts: Sequence[Part],
    reversals: Mapping[str, Reversal],
    *,
    config: Configuration,
    clock: Clock,
) -> dict[str, int]:
    """Distinct parts and reversals, by execution id. Gives the user's total after each part.

    A reversal may be of an execution that is known, of one of this very batch, which is added
    before it is taken back, or of one that has not been asked for yet: that one is remembered.
    Raises `Collision`.
    """
    own = {part.execution_id for part in parts}
    known = await _find(connection, [one for one in reversals if one not in own])
    digests = {digest for digest in known.values() if digest is not None}
    users = [part.user for part in parts]
    accounts = await hold(connection, digests, users, config=config, clock=clock)
    early = [one for one in reversals if one not in own and one not in known]
    new = await _add_executions(connection, parts, early, now=accounts.now)
    await _reverse(connection, accounts, {one: reversals[one] for one in known})
    counts = await _add(connection, accounts, parts, new)
    await _reverse(connection, accounts, {one: reversals[one] for one in reversals if one in own})
    await save(connection, accounts)
    return counts


async def _find(
    connection: AsyncConnection, execution_ids: Sequence[str]
) -> dict[str, bytes | None]:
    """The users whose strikes these executions are part of, of those that are known."""
    if not execution_ids:
        return {}
    found = await connection.execute(sql.FIND, {"ids": execution_ids})
    return {
        str(execution_id): None if digest is None else bytes(digest)
        for execution_id, _, digest in found
    }


async def _add_executions(
    connection: AsyncConnection, parts: Sequence[Part], early: Sequence[str], *, now: datetime
) -> set[str]:
    """Records executions, and those that were taken back before; gives the new ones' ids."""
    if not parts and not early:
        return set()
    rows = [_execution(part) for part in parts]
    rows += [
        ExecutionRow(execution_id=one, struck_at=now, expires_at=now, reversed_at=now)
        for one in early
    ]
    inserted = await connection.execute(sql.ADD_EXECUTIONS, EXECUTIONS.arrays(rows))
    new = {str(execution_id) for (execution_id,) in inserted}
    if not new.issuperset(early):
        raise Collision
    return new


async def _add(
    connection: AsyncConnection, accounts: Accounts, parts: Sequence[Part], new: set[str]
) -> dict[str, int]:
    """Gives strikes, or makes them heavier, by the executions that are new; the users' totals
    after each part."""
    strike_ids = {one.execution_id: one.strike_id for one in parts if one.execution_id in new}
    standings = await _standings(connection, set(strike_ids.values()))
    changed: dict[str, StrikeRow] = {}
    totals = {}
    for part in parts:
        strike_id = strike_ids.get(part.execution_id)
        if strike_id is not None:
            before = standings.get(strike_id, _NO_STRIKE)
            if leads(part, before):
                strike = led_by(part, now=accounts.now)
                accounts.change(
                    strike.user_digest, strike.counted - before.counted, _cause_of(part)
                )
                metric.STRIKES.labels("given" if before.lead is None else "raised").inc()
                standings[strike_id] = Standing(_lead_of(part), strike.counted)
                changed[strike_id] = strike
        totals[part.execution_id] = accounts.total(part.user.digest)
    await _save_strikes(connection, list(changed.values()))
    return totals


async def _standings(connection: AsyncConnection, strike_ids: set[str]) -> dict[str, Standing]:
    """How these strikes stand, those left out that there are not yet."""
    if not strike_ids:
        return {}
    found = await connection.execute(sql.STRIKES, {"ids": list(strike_ids)})
    return {str(row.strike_id): _standing(row) for row in found}


async def _reverse(
    connection: AsyncConnection, accounts: Accounts, reversals: Mapping[str, Reversal]
) -> None:
    """Takes executions back, and what they added to the users' totals."""
    if not reversals:
        return
    reversed_ = await connection.execute(sql.REVERSE, {"ids": list(reversals), "now": accounts.now})
    reversal_of = {
        str(strike_id): reversals[str(execution_id)]
        for execution_id, strike_id in reversed_
        if strike_id is not None
    }
    if not reversal_of:
        return
    changed = []
    for row in await connection.execute(sql.LEADS, {"ids": list(reversal_of)}):
        if row.execution_id == row.before:
            continue  # another execution leads: the strike is as heavy as before
        strike = led_by_next(row, now=accounts.now)
        cause = _taken_back(strike, reversal_of[strike.strike_id])
        accounts.change(strike.user_digest, strike.counted - row.counted, cause)
        metric.STRIKES.labels("lowered" if strike.lead_execution_id else "taken_back").inc()
        changed.append(strike)
    await _save_strikes(connection, changed)


async def _save_strikes(connection: AsyncConnection, changed: Sequence[StrikeRow]) -> None:
    if changed:
        await connection.execute(sql.SAVE_STRIKES, STRIKE_ROWS.arrays(changed))


def leads(part: Part, standing: Standing) -> bool:
    """Whether the execution leads its strike, as that stands, once it is added."""
    return standing.lead is None or _lead_of(part) > standing.lead


def led_by(part: Part, *, now: datetime) -> StrikeRow:
    """The strike, led by this execution."""
    return StrikeRow(
        strike_id=part.strike_id,
        user_digest=part.user.digest,
        cause_id=storable(part.cause_id),
        lead_execution_id=part.execution_id,
        policy_id=storable(part.policy_id),
        weight=part.weight,
        struck_at=part.struck_at,
        expires_at=part.expires_at,
        counted=_lead_of(part).counts(now),
    )


def led_by_next(row: Row[Any], *, now: datetime) -> StrikeRow:
    """A strike whose leading execution was taken back, from its row of `LEADS`: led by the next
    one, or, where none stands, weighing nothing, with the policy and the times that it had."""
    strike_id, digest = str(row.strike_id), bytes(row.user_digest)
    if row.execution_id is None:
        return StrikeRow(
            strike_id=strike_id,
            user_digest=digest,
            cause_id=row.cause_id,
            lead_execution_id=None,
            policy_id=row.old_policy_id,
            weight=0,
            struck_at=row.old_struck_at,
            expires_at=row.old_expires_at,
            counted=0,
        )
    next_ = Lead(row.weight, row.expires_at, str(row.execution_id))
    return StrikeRow(
        strike_id=strike_id,
        user_digest=digest,
        cause_id=row.cause_id,
        lead_execution_id=next_.execution_id,
        policy_id=row.policy_id,
        weight=next_.weight,
        struck_at=row.struck_at,
        expires_at=next_.expires_at,
        counted=next_.counts(now),
    )


def _lead_of(part: Part) -> Lead:
    return Lead(part.weight, part.expires_at, part.execution_id)


def _standing(row: Row[Any]) -> Standing:
    if row.lead_execution_id is None:
        return Standing(None, row.counted)
    return Standing(Lead(row.weight, row.expires_at, str(row.lead_execution_id)), row.counted)


def _execution(part: Part) -> ExecutionRow:
    return ExecutionRow(
        execution_id=part.execution_id,
        strike_id=part.strike_id,
        action_id=storable(part.action_id),
        policy_id=storable(part.policy_id),
        weight=part.weight,
        struck_at=part.struck_at,
        expires_at=part.expires_at,
    )


def _cause_of(part: Part) -> Cause:
    return Cause(
        cause_id=part.cause_id,
        policy_id=part.policy_id,
        correlation_id=part.correlation_id,
        event_id=part.event_id,
        traceparent=part.traceparent,
    )


def _taken_back(strike: StrikeRow, reversal: Reversal) -> Cause:
    return Cause(
        cause_id=strike.cause_id,
        policy_id=strike.policy_id,
        correlation_id=reversal.correlation_id,
        event_id=reversal.event_id,
        traceparent=reversal.traceparent,
    )
