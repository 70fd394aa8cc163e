"""How fast bulk actions go, of all processes together: one row says when the next batch may begin.

Guarantees: one process at a time carries a batch out, and the next one begins when the rate allows,
whoever begins it; a process that is killed lets the others go on at once. Time is the database's.
Must not: make anybody wait; who may not begin is told for how long.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TAKE: Final = text(
    """
    SELECT extract(epoch FROM free_at - clock_timestamp())::float
      FROM review.bulk_pace FOR UPDATE SKIP LOCKED
    """
)
_SPEND: Final = text(
    """
    UPDATE review.bulk_pace
       SET free_at = transaction_timestamp() + make_interval(secs => :seconds)
    """
)


async def wait(connection: AsyncConnection, *, longest: float) -> float:
    """Seconds until a batch may begin; at 0.0 it is this transaction that may, and nobody else
    until it ends.

    `longest` is what a whole batch takes: so long waits who finds another process at it. A time
    that is further ahead was set before the database's clock was put back, and holds nobody up.
    """
    rest: float | None = (await connection.execute(_TAKE)).scalar_one_or_none()
    if rest is None:
        return longest
    return rest if 0 < rest <= longest else 0.0


async def spend(connection: AsyncConnection, seconds: float) -> None:
    """The batch of this transaction takes so long at the rate that is allowed."""
    await connection.execute(_SPEND, {"seconds": seconds})
