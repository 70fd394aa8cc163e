"""What was counted once and is gone: it is not counted again when the log is read again.

    a row is there            it says by itself that it was counted
    its partition was dropped its time is before the horizon, which rose in the same transaction

Guarantees: who counts holds the horizon where it is until they have committed; dropping waits.
Must not: move back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_READ = text(
    "SELECT dropped_before FROM review.tally_horizons WHERE counted_table = :name FOR SHARE"
)
_RAISE = text(
    """
    UPDATE review.tally_horizons SET dropped_before = greatest(dropped_before, :before)
     WHERE counted_table = :name
    """
)


async def horizon_of(connection: AsyncConnection, table: str) -> datetime:
    """Rows of that table before this were counted, and dropped."""
    found: datetime = (await connection.execute(_READ, {"name": table})).scalar_one()
    return found


def raising(table: str, before: datetime) -> Callable[[AsyncConnection], Awaitable[None]]:
    """What has to be done in the transaction that drops that table's rows before that time."""

    async def raise_horizon(connection: AsyncConnection) -> None:
        await connection.execute(_RAISE, {"name": table, "before": before})

    return raise_horizon
