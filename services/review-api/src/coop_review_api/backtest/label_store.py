"""The labels of backtests as rows: kept with the request, marked by what the engine says.

Guarantees: bounded by `label.MAX_LABELS` a backtest; what is marked is what was said last.
Must not: show an item; `label_route` leaves out what one may not see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.backtest.label import MAX_LABELS, Label
from coop_review_api.backtest.measure import Measured
from coop_review_api.backtest.table import backtest_labels

Agreement = Literal[
    "MATCHED_ACTED", "MATCHED_LEFT", "MISSED_ACTED", "MISSED_LEFT", "UNDECIDED", "NOT_READ"
]

_c = backtest_labels.c
_OF: dict[Agreement, ColumnElement[bool]] = {
    "MATCHED_ACTED": and_(_c.said == "P", _c.acted),
    "MATCHED_LEFT": and_(_c.said == "P", ~_c.acted),
    "MISSED_ACTED": and_(_c.said == "F", _c.acted),
    "MISSED_LEFT": and_(_c.said == "F", ~_c.acted),
    "UNDECIDED": _c.said == "U",
    "NOT_READ": _c.said == "-",
}
assert set(_OF) == set(get_args(Agreement))

_LETTERS = "PUF-"

_MARK = text(
    """
    UPDATE review.backtest_labels
       SET said = substr(CAST(:judged AS text), position + 1, 1)
     WHERE backtest_id = :id AND position < length(CAST(:judged AS text))
       AND substr(CAST(:judged AS text), position + 1, 1) <> '?'
       AND said <> substr(CAST(:judged AS text), position + 1, 1)
    """
)


async def keep(connection: AsyncConnection, backtest_id: str, labels: Sequence[Label]) -> None:
    """Keep them in their order, which is that of the request."""
    rows = [
        {
            "backtest_id": backtest_id,
            "position": position,
            "item_type_id": label.item.type_id,
            "item_id": label.item.id,
            "job_id": label.job_id,
            "acted": label.acted,
            "decided_at": label.decided_at,
        }
        for position, label in enumerate(labels)
    ]
    if rows:
        await connection.execute(insert(backtest_labels), rows)


async def mark(connection: AsyncConnection, backtest_id: str, judged: str) -> None:
    """What the rule says of each, as `BacktestProgressed.judged` has it; a letter that is none says
    nothing."""
    if judged:
        known = "".join(one if one in _LETTERS else "?" for one in judged[:MAX_LABELS])
        await connection.execute(_MARK, {"id": backtest_id, "judged": known})


async def measured(
    connection: AsyncConnection, backtest_ids: Collection[str]
) -> dict[str, Measured]:
    """By backtest; those without labels are left out."""
    counts = {
        name.lower(): func.count().filter(holds)
        for name, holds in _OF.items()
        if name != "NOT_READ"
    }
    rows = await connection.execute(
        select(
            _c.backtest_id,
            func.count().label("labelled"),
            *(count.label(name) for name, count in counts.items()),
        )
        .where(_c.backtest_id.in_(backtest_ids))
        .group_by(_c.backtest_id)
    )
    return {
        row.backtest_id: Measured(
            labelled=row.labelled, **{name: getattr(row, name) for name in counts}
        )
        for row in rows
    }


async def page(
    connection: AsyncConnection,
    backtest_id: str,
    *,
    agreement: Agreement | None,
    after: int | None,
    limit: int,
) -> list[Row[Any]]:
    """Up to `limit`, newest decision first, from the one after that position."""
    query = (
        select(backtest_labels)
        .where(_c.backtest_id == backtest_id)
        .order_by(_c.position)
        .limit(limit)
    )
    if agreement is not None:
        query = query.where(_OF[agreement])
    if after is not None:
        query = query.where(_c.position > after)
    return list(await connection.execute(query))
