"""What people ask about strikes: a user's, their distribution, what thresholds did.

Guarantees: every query names its organisation, or a user's digest, which is made of it; a page's
cost does not grow with what lies before it.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher.strike import User
from coop_contracts.event import ItemRef

MAX_EXECUTIONS = 50
"""Of one strike, in an answer: a bulk job may hold thousands against one user."""

_ref = msgspec.json.Decoder(ItemRef)

_TOTAL = text(
    """
    SELECT COALESCE(sum(weight), 0)::bigint AS total, min(expires_at) AS next_expiry_at
    FROM dispatch.strikes
    WHERE user_digest = :digest AND counted > 0 AND expires_at > now()
    """
)

_STRIKES = text(
    f"""
    SELECT s.seq, s.strike_id, s.cause_id, s.policy_id, s.weight, s.struck_at, s.expires_at,
           CASE WHEN s.lead_execution_id IS NULL THEN 'REVERSED'
                WHEN s.expires_at > now() THEN 'LIVE' ELSE 'EXPIRED' END AS state,
           COALESCE((
               SELECT jsonb_agg(jsonb_build_object(
                   'executionId', e.execution_id, 'actionId', e.action_id,
                   'policyId', e.policy_id, 'weight', e.weight, 'reversedAt', e.reversed_at)
                   ORDER BY e.weight DESC, e.expires_at DESC, e.execution_id DESC)
               FROM (SELECT * FROM dispatch.strike_executions
                     WHERE strike_id = s.strike_id LIMIT {MAX_EXECUTIONS}) AS e
           ), '[]') AS executions
    FROM dispatch.strikes AS s
    WHERE s.user_digest = :digest AND (CAST(:before AS bigint) IS NULL OR s.seq < :before)
    ORDER BY s.seq DESC LIMIT :limit
    """  # noqa: S608 - made of constants
)

_DISTRIBUTION = text(
    """
    SELECT total AS strikes, count(*) AS users FROM dispatch.strike_users
    WHERE org_id = :org_id AND total > 0 GROUP BY total ORDER BY total LIMIT :limit
    """
)

_CROSSINGS = text(
    """
    SELECT c.seq, c.crossing_id, u.ref, c.threshold, c.total, c.cause_id, c.executions,
           c.crossed_at, c.fell_at
    FROM dispatch.strike_crossings AS c JOIN dispatch.strike_users AS u USING (user_digest)
    WHERE c.org_id = :org_id AND (CAST(:before AS bigint) IS NULL OR c.seq < :before)
    ORDER BY c.seq DESC LIMIT :limit
    """
)


async def total(connection: AsyncConnection, user: User) -> Row[Any]:
    """(total, next_expiry_at) of the live strikes at this moment."""
    return (await connection.execute(_TOTAL, {"digest": user.digest})).one()


async def strikes(
    connection: AsyncConnection, user: User, *, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """The user's strikes, newest first, before `seq`."""
    page = {"digest": user.digest, "before": before, "limit": limit}
    return (await connection.execute(_STRIKES, page)).all()


async def distribution(
    connection: AsyncConnection, org_id: str, *, limit: int
) -> Sequence[Row[Any]]:
    """How many users have how many strikes, (strikes, users) by strikes; seconds old at most."""
    found = await connection.execute(_DISTRIBUTION, {"org_id": org_id, "limit": limit})
    return found.all()


async def crossings(
    connection: AsyncConnection, org_id: str, *, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Crossings of thresholds with their executions, newest first, before `seq`."""
    page = {"org_id": org_id, "before": before, "limit": limit}
    return (await connection.execute(_CROSSINGS, page)).all()


def user_of(row: Row[Any]) -> ItemRef:
    """The user whom a row with a `ref` is about."""
    return _ref.decode(row.ref)
