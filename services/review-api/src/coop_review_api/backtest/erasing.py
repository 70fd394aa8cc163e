"""The erasure of an end user from backtests: samples of what they made go, and what people
decided of it; counts stay."""

from __future__ import annotations

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.backtest.table import backtest_labels, backtest_samples, backtests
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_runtime.database.engine import transaction


def eraser(engine: AsyncEngine) -> Eraser:
    """The part of backtests."""

    async def of_items(part: ErasedPart) -> Counts:
        ours = select(backtests.c.backtest_id).where(backtests.c.org_id == part.org_id)
        items = [(item.type_id, item.id) for item in part.items]
        forget = delete(backtest_samples).where(
            backtest_samples.c.backtest_id.in_(ours),
            backtest_samples.c.time <= part.erased.until,
            tuple_(backtest_samples.c.item_type_id, backtest_samples.c.item_id).in_(items),
        )
        unlabel = delete(backtest_labels).where(
            backtest_labels.c.backtest_id.in_(ours),
            backtest_labels.c.decided_at <= part.erased.until,
            tuple_(backtest_labels.c.item_type_id, backtest_labels.c.item_id).in_(items),
        )
        async with transaction(engine) as connection:
            return {
                table.name: (await connection.execute(statement)).rowcount
                for table, statement in ((backtest_samples, forget), (backtest_labels, unlabel))
            }

    return Eraser(name="backtests", of_items=of_items)
