"""Finding documents by what people know of them: the id, or a part of the name.

Guarantees: scoped by organisation; so many of each kind; names that begin with the words come
first.
Must not: decide who may know of what it finds.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Text, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.configuration.table import config_current


class FoundDocument(NamedTuple):
    """A document as it is stored, as JSON."""

    kind: Kind
    document: str


async def named(
    connection: AsyncConnection, org_id: str, kinds: Collection[Kind], words: str, *, of_each: int
) -> list[FoundDocument]:
    """Up to `of_each` current documents of each kind whose id is `words`, or whose name has them,
    whatever their case."""
    columns = config_current.c
    name = columns.document["name"].astext
    place: Any = case(
        (columns.id == words, 0),
        (name.istartswith(words, autoescape=True), 1),
        else_=2,
    )
    ranked = (
        select(
            columns.kind,
            cast(columns.document, Text).label("document"),
            func.row_number()
            .over(partition_by=columns.kind, order_by=(place, func.lower(name), columns.id))
            .label("place"),
        )
        .where(
            columns.org_id == org_id,
            columns.kind.in_(list(kinds)),
            columns.document.is_not(None),
            or_(columns.id == words, name.icontains(words, autoescape=True)),
        )
        .subquery()
    )
    rows = await connection.execute(
        select(ranked.c.kind, ranked.c.document)
        .where(ranked.c.place <= of_each)
        .order_by(ranked.c.kind, ranked.c.place)
    )
    return [FoundDocument(Kind(row.kind), row.document) for row in rows]
