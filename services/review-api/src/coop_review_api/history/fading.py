"""Items of which something was done, when it is no longer kept that it was: the mark goes, and the
versions that were kept because of it. Profiles stay.

Guarantees: an item to which something was done since is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues.reading import item_key
from coop_review_api.configuration.fading import Faded, Fades, Spares
from coop_review_api.history.table import item_marks, kept_items


@dataclass(frozen=True)
class _Marks:
    spares: Spares
    name: str = item_marks.name

    async def __call__(
        self,
        connection: AsyncConnection,
        org_id: str,
        *,
        before: datetime,
        after: tuple[Any, ...] | None,
        batch: int,
    ) -> Faded:
        """See `configuration.fading.Fades`."""
        mark, kept = item_marks.c, kept_items.c
        place = (mark.marked_at, mark.item_id, mark.type_id)
        query = select(*place).where(mark.org_id == org_id, mark.marked_at < before)
        if after is not None:
            query = query.where(tuple_(*place) > after)
        query = query.order_by(*place).limit(batch).with_for_update(skip_locked=True)
        rows = (await connection.execute(query)).all()
        keys = {row: item_key(row.type_id, row.item_id) for row in rows}
        spared = await self.spares(connection, org_id, list(keys.values()))
        gone = [(row.item_id, row.type_id) for row, key in keys.items() if key not in spared]
        if gone:
            await connection.execute(
                delete(kept_items).where(
                    kept.org_id == org_id,
                    tuple_(kept.item_id, kept.type_id).in_(gone),
                    kept.is_user.is_(False),
                )
            )
            await connection.execute(
                delete(item_marks).where(
                    mark.org_id == org_id, tuple_(mark.item_id, mark.type_id).in_(gone)
                )
            )
        return Faded(len(gone), tuple(rows[-1]) if len(rows) == batch else None)


def fading(spares: Spares) -> tuple[Fades, ...]:
    """Marks, and what is kept because of them."""
    return (_Marks(spares),)
