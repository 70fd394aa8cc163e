"""Reading the log: lists of current documents, and every revision of one.

Guarantees: scoped by organisation, paged by key.
Must not: change anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Document, Kind
from coop_review_api.configuration.log import Entry
from coop_review_api.configuration.table import config_current, config_log
from coop_review_api.directory.person import PEOPLE

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, kw_only=True)
class DocumentRevision(Generic[D]):
    """One revision of a document; None when it was deleted."""

    document: D | None
    revision: int
    author: str
    author_email: str | None
    time: datetime


async def current_page(
    connection: AsyncConnection,
    org_id: str,
    kind: Kind,
    type_: type[D],
    *,
    after: str | None,
    limit: int,
) -> list[Entry[D]]:
    """Up to `limit` current documents by id, from the one after `after`."""
    query = (
        select(
            cast(config_current.c.document, Text).label("document"),
            config_current.c.revision,
            config_current.c.author,
            config_current.c.time,
        )
        .where(
            config_current.c.org_id == org_id,
            config_current.c.kind == kind,
            config_current.c.document.is_not(None),
        )
        .order_by(config_current.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(config_current.c.id > after)
    return [
        Entry(
            document=msgspec.json.decode(row.document, type=type_),
            revision=row.revision,
            author=row.author,
            time=row.time,
        )
        for row in await connection.execute(query)
    ]


async def change_at(
    connection: AsyncConnection,
    org_id: str,
    kind: Kind,
    type_: type[D],
    document_id: str,
    revision: int,
) -> DocumentRevision[D] | None:
    """The document's own revision of that number, or None."""
    found = await changes(
        connection, org_id, kind, type_, document_id, before=revision + 1, limit=1
    )
    return found[0] if found and found[0].revision == revision else None


async def changes(
    connection: AsyncConnection,
    org_id: str,
    kind: Kind,
    type_: type[D],
    document_id: str,
    *,
    before: int | None,
    limit: int,
) -> list[DocumentRevision[D]]:
    """Up to `limit` revisions of a document, newest first, older than `before`."""
    query = (
        select(
            cast(config_log.c.document, Text).label("document"),
            config_log.c.revision,
            config_log.c.author,
            PEOPLE.of.c.email,
            config_log.c.time,
        )
        .outerjoin(
            PEOPLE.of,
            (PEOPLE.of.c.user_id == config_log.c.author)
            & (PEOPLE.of.c.org_id == config_log.c.org_id),
        )
        .where(
            config_log.c.org_id == org_id, config_log.c.kind == kind, config_log.c.id == document_id
        )
        .order_by(config_log.c.revision.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(config_log.c.revision < before)
    return [
        DocumentRevision(
            document=None
            if row.document is None
            else msgspec.json.decode(row.document, type=type_),
            revision=row.revision,
            author=row.author,
            author_email=row.email,
            time=row.time,
        )
        for row in await connection.execute(query)
    ]
