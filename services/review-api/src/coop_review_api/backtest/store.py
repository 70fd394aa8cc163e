"""Reading backtests, their samples, and retroactions.

Guarantees: scoped by organisation, paged by key.
Must not: change anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.backtest.request import OPEN
from coop_review_api.backtest.table import backtest_samples, backtests, retroactions
from coop_review_api.kernel.error import NotFound

Difference = Literal["NEWLY_PASSING", "NO_LONGER_PASSING", "PASSING", "UNKNOWN"]

_CLASSES: dict[Difference, ColumnElement[bool]] = {
    "PASSING": backtest_samples.c.passed.is_(True),
    "UNKNOWN": backtest_samples.c.passed.is_(None),
    "NEWLY_PASSING": backtest_samples.c.passed.is_(True) & backtest_samples.c.live.is_(False),
    "NO_LONGER_PASSING": backtest_samples.c.passed.is_(False) & backtest_samples.c.live.is_(True),
}


async def get(
    connection: AsyncConnection, org_id: str, backtest_id: str, *, plain: bool = True
) -> Row[Any]:
    """One; `plain`: not a part of a retroaction. Raises `NotFound`."""
    query = select(backtests).where(
        backtests.c.org_id == org_id, backtests.c.backtest_id == backtest_id
    )
    if plain:
        query = query.where(backtests.c.retroaction_id.is_(None))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"no backtest {backtest_id}")
    return row


async def page(
    connection: AsyncConnection,
    org_id: str,
    *,
    rule_id: str | None,
    before: str | None,
    limit: int,
) -> list[Row[Any]]:
    """Up to `limit`, newest first, older than `before`."""
    query = (
        select(backtests)
        .where(backtests.c.org_id == org_id, backtests.c.retroaction_id.is_(None))
        .order_by(backtests.c.backtest_id.desc())
        .limit(limit)
    )
    if rule_id is not None:
        query = query.where(backtests.c.rule_id == rule_id)
    if before is not None:
        query = query.where(backtests.c.backtest_id < before)
    return list(await connection.execute(query))


async def samples(
    connection: AsyncConnection,
    backtest_id: str,
    *,
    difference: Difference | None,
    after: str | None,
    limit: int,
) -> list[Row[Any]]:
    """Up to `limit` in the order of their ranks, from the one after `after`. What they are about is
    not looked at: `backtest.route.sample_page` leaves out what one may not see."""
    query = (
        select(backtest_samples)
        .where(backtest_samples.c.backtest_id == backtest_id)
        .order_by(backtest_samples.c.rank)
        .limit(limit)
    )
    if difference is not None:
        query = query.where(_CLASSES[difference])
    if after is not None:
        query = query.where(backtest_samples.c.rank > after)
    return list(await connection.execute(query))


RetroactionState = Literal[
    "PREVIEWING",
    "AWAITING_CONFIRMATION",
    "ACTING",
    "CANCELLING",
    "COMPLETE",
    "CANCELLED",
    "FAILED",
]


@dataclass(frozen=True, kw_only=True)
class Retroaction:
    """A retroaction with its preview and, once confirmed, its run (rows of `backtests`)."""

    retroaction_id: str
    rate: float
    created_by: str
    created_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    preview: Row[Any]
    run: Row[Any] | None

    @property
    def state(self) -> RetroactionState:
        """
        PREVIEWING ─▶ AWAITING_CONFIRMATION ─confirm─▶ ACTING ─▶ COMPLETE
             └──────────────┴───────cancel──────────────┴─▶ CANCELLING ─▶ CANCELLED
        """
        now = self.preview if self.run is None else self.run
        if now.state in OPEN:
            if now.cancel_requested_at is not None:
                return "CANCELLING"
            return "PREVIEWING" if self.run is None else "ACTING"
        if now.state == "COMPLETE":
            if self.run is not None:
                return "COMPLETE"
            return "AWAITING_CONFIRMATION" if self.cancelled_at is None else "CANCELLED"
        return "CANCELLED" if now.state == "CANCELLED" else "FAILED"


async def retroaction(
    connection: AsyncConnection, org_id: str, retroaction_id: str, *, lock: bool = False
) -> Retroaction:
    """One; with `lock` until the transaction ends. Raises `NotFound`."""
    query = select(retroactions).where(
        retroactions.c.org_id == org_id, retroactions.c.retroaction_id == retroaction_id
    )
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NotFound(f"no retroaction {retroaction_id}")
    return (await _whole(connection, [row]))[0]


async def retroaction_page(
    connection: AsyncConnection, org_id: str, *, before: str | None, limit: int
) -> list[Retroaction]:
    """Up to `limit`, newest first, older than `before`."""
    query = (
        select(retroactions)
        .where(retroactions.c.org_id == org_id)
        .order_by(retroactions.c.retroaction_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(retroactions.c.retroaction_id < before)
    return await _whole(connection, list(await connection.execute(query)))


async def _whole(connection: AsyncConnection, rows: list[Row[Any]]) -> list[Retroaction]:
    ids = [row.retroaction_id for row in rows]
    found = await connection.execute(select(backtests).where(backtests.c.retroaction_id.in_(ids)))
    parts = {part.backtest_id: part for part in found}
    return [
        Retroaction(
            retroaction_id=row.retroaction_id,
            rate=row.rate,
            created_by=row.created_by,
            created_at=row.created_at,
            confirmed_by=row.confirmed_by,
            confirmed_at=row.confirmed_at,
            cancelled_at=row.cancelled_at,
            preview=parts[row.preview_id],
            run=parts.get(row.run_id) if row.run_id is not None else None,
        )
        for row in rows
    ]
