"""The configuration as it was at a revision, read from the log.

Guarantees: what is returned is what every service had when it knew that revision: the newest state
of each document that is not above it. A chunk of a bank is made of its content, so any state of it
in the log will do.
Must not: change anything, or be asked for more than is needed: a bank can be megabytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

import msgspec
from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import (
    BankChunk,
    Document,
    Kind,
    LocationBank,
    TextBank,
)
from coop_review_api.configuration.table import config_log

D = TypeVar("D", bound=Document)


async def documents_at(
    connection: AsyncConnection,
    org_id: str,
    revision: int,
    kind: Kind,
    type_: type[D],
    *,
    ids: Collection[str] | None = None,
) -> dict[str, tuple[D, int]]:
    """The documents of a kind (those of `ids`, if given) with the revision of their last change."""
    newest = (
        select(config_log.c.id, func.max(config_log.c.revision).label("revision"))
        .where(
            config_log.c.org_id == org_id,
            config_log.c.kind == kind,
            config_log.c.revision <= revision,
        )
        .group_by(config_log.c.id)
    )
    if ids is not None:
        newest = newest.where(config_log.c.id.in_(list(ids)))
    found = newest.subquery()
    rows = await connection.execute(
        select(
            config_log.c.id,
            config_log.c.revision,
            cast(config_log.c.document, Text).label("document"),
        ).where(
            config_log.c.org_id == org_id,
            config_log.c.revision == found.c.revision,
            config_log.c.document.is_not(None),
        )
    )
    return {row.id: (msgspec.json.decode(row.document, type=type_), row.revision) for row in rows}


async def chunks_of(
    connection: AsyncConnection, org_id: str, banks: Iterable[TextBank | LocationBank]
) -> dict[str, BankChunk]:
    """The chunks of banks, by id, deleted ones too."""
    ids = list(dict.fromkeys(chunk_id for bank in banks for chunk_id in bank.chunk_ids))
    if not ids:
        return {}
    rows = await connection.execute(
        select(config_log.c.id, cast(config_log.c.document, Text).label("document"))
        .ext(distinct_on(config_log.c.id))
        .where(
            config_log.c.org_id == org_id,
            config_log.c.kind == Kind.BANK_CHUNK,
            config_log.c.id.in_(ids),
            config_log.c.document.is_not(None),
        )
        .order_by(config_log.c.id, config_log.c.revision.desc())
    )
    return {row.id: msgspec.json.decode(row.document, type=BankChunk) for row in rows}
