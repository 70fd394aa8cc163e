"""Whose work is next, where a worker has work of many organisations.

Guarantees: organisations take turns, however much work each has; what another process is at is
passed over.
Must not: be shared by workers: each remembers whom it served itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select
from sqlalchemy.ext.asyncio import AsyncConnection

_REMEMBERED = 10_000


class OrgTurns:
    """One worker's memory of whom it served, the latest last."""

    def __init__(self) -> None:
        self._served: dict[str, None] = {}

    def in_order(self, org_ids: Iterable[str]) -> list[str]:
        """Those never served first, then those served longest ago."""
        known = {org_id: place for place, org_id in enumerate(self._served)}
        return sorted(org_ids, key=lambda org_id: (known.get(org_id, -1), org_id))

    def served(self, org_id: str) -> None:
        """It had its turn."""
        self._served.pop(org_id, None)
        self._served[org_id] = None
        if len(self._served) > _REMEMBERED:
            del self._served[next(iter(self._served))]


async def take_in_turn(
    connection: AsyncConnection,
    work: Select[Any],
    org_id: ColumnElement[str],
    turns: OrgTurns,
    *,
    of: FromClause,
) -> Any | None:
    """The first row of `work`, in its order, of the organisation whose turn it is, locked in `of`;
    None when there is none that no other process has."""
    having = work.with_only_columns(org_id).order_by(None).distinct()
    found = (await connection.execute(having)).scalars().all()
    for one in turns.in_order(found):
        mine = work.where(org_id == one).limit(1).with_for_update(skip_locked=True, of=of)
        row = (await connection.execute(mine)).one_or_none()
        if row is not None:
            turns.served(one)
            return row
    return None
