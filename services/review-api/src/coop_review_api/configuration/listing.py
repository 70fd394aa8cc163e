"""Lists of documents: found by words, in an order, page by page.

    sort      orders by                                position of a page
    id        id                                       [sort, id]
    name      the name, whatever its case; then id     [sort, name, id]
    updated   the last change, newest first            [sort, revision, id]
    created   the first change, newest first           [sort, revision, id]

Guarantees: scoped by organisation; a page goes on where the one before ended; documents that are
there without anybody having saved them stand where they would if they had been saved before all
others.
Must not: decide who may know of what it lists.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Document, Kind
from coop_review_api.configuration.document_kind import NEVER, DocumentKind
from coop_review_api.configuration.log import Entry
from coop_review_api.configuration.table import config_current, config_log
from coop_review_api.http.page import MAX_BIGINT
from coop_review_api.kernel.error import Fault, Invalid

Sort = Literal["id", "name", "updated", "created"]

D = TypeVar("D", bound=Document)

_c: Final = config_current.c
_NAME: Final = func.lower(func.coalesce(_c.document["name"].astext, _c.id))


@dataclass(frozen=True, kw_only=True)
class DocumentListing:
    """What is listed: documents with these words in their name, or with this id; all, without."""

    words: str | None = None
    sort: Sort = "id"


class ListPlace(NamedTuple):
    """Where a document stands in a list: what it is ordered by, and its id."""

    sort: Sort
    key: str | int
    id: str

    def position(self) -> str:
        return msgspec.json.encode(self).decode()


class ListedDocument(NamedTuple):
    """A document in a list."""

    entry: Entry[Any]
    spot: ListPlace


class Making(NamedTuple):
    """Who made a document, when."""

    author: str
    time: datetime


async def page(
    connection: AsyncConnection,
    documents: DocumentKind[D],
    org_id: str,
    listing: DocumentListing,
    *,
    after: str | None,
    limit: int,
) -> list[ListedDocument]:
    """Up to `limit` of the organisation's, from the one after a position, whoever may know of them.
    Raises `Invalid` for a position that is none of this order."""
    spot = None if after is None else _spot(after, listing.sort)
    key = _key(org_id, documents.kind, listing.sort)
    query = _query(org_id, documents.kind, listing, key, spot).limit(limit)
    found = [
        ListedDocument(
            Entry(
                document=msgspec.json.decode(row.document, type=documents.type),
                revision=row.revision,
                author=row.author,
                time=row.time,
            ),
            ListPlace(listing.sort, row.key, row.id),
        )
        for row in await connection.execute(query)
    ]
    if not documents.implied:
        return found
    saved = await _saved(connection, org_id, documents)
    found += [
        one
        for one in _implied(documents, listing)
        if one.spot.id not in saved and (spot is None or _order(one.spot) > _order(spot))
    ]
    return sorted(found, key=lambda one: _order(one.spot))[:limit]


async def makings(
    connection: AsyncConnection, org_id: str, kind: Kind, ids: Collection[str]
) -> dict[str, Making]:
    """Of these documents, by id; of what nobody saved none."""
    log = config_log.c
    rows = await connection.execute(
        select(log.id, log.author, log.time)
        .ext(distinct_on(log.id))
        .where(log.org_id == org_id, log.kind == kind, log.id.in_(ids))
        .order_by(log.id, log.revision)
    )
    return {row.id: Making(row.author, row.time) for row in rows}


def _key(org_id: str, kind: Kind, sort: Sort) -> ColumnElement[Any]:
    match sort:
        case "id":
            return _c.id
        case "name":
            return _NAME
        case "updated":
            return _c.revision
        case "created":
            log = config_log.c
            return (
                select(func.min(log.revision))
                .where(log.org_id == org_id, log.kind == kind, log.id == _c.id)
                .scalar_subquery()
            )


def _query(
    org_id: str,
    kind: Kind,
    listing: DocumentListing,
    key: ColumnElement[Any],
    spot: ListPlace | None,
) -> Select[Any]:
    where = [_c.org_id == org_id, _c.kind == kind, _c.document.is_not(None)]
    if listing.words is not None:
        name = _c.document["name"].astext
        has_them = name.icontains(listing.words, autoescape=True)
        where.append(or_(_c.id == listing.words, has_them))
    if spot is not None and isinstance(spot.key, int):
        where.append(or_(key < spot.key, and_(key == spot.key, _c.id > spot.id)))
    elif spot is not None:
        where.append(tuple_(key, _c.id) > tuple_(literal(spot.key), literal(spot.id)))
    first = key.desc() if listing.sort in ("updated", "created") else key
    return (
        select(
            _c.id,
            cast(_c.document, Text).label("document"),
            _c.revision,
            _c.author,
            _c.time,
            key.label("key"),
        )
        .where(*where)
        .order_by(first, _c.id)
    )


async def _saved(
    connection: AsyncConnection, org_id: str, documents: DocumentKind[Any]
) -> frozenset[str]:
    """Those of the implied documents that somebody saved: they are among the others."""
    found = await connection.scalars(
        select(_c.id).where(
            _c.org_id == org_id,
            _c.kind == documents.kind,
            _c.document.is_not(None),
            _c.id.in_(documents.implied),
        )
    )
    return frozenset(found)


def _implied(documents: DocumentKind[Any], listing: DocumentListing) -> list[ListedDocument]:
    found = []
    for document_id, document in documents.implied.items():
        name = str(getattr(document, "name", document_id)).lower()
        words = None if listing.words is None else listing.words.lower()
        if words is None or listing.words == document_id or words in name:
            keys: Mapping[Sort, str | int] = {"id": document_id, "name": name}
            spot = ListPlace(listing.sort, keys.get(listing.sort, 0), document_id)
            entry = Entry(document=document, revision=0, author="", time=NEVER)
            found.append(ListedDocument(entry, spot))
    return found


def _order(spot: ListPlace) -> tuple[str | int, str]:
    return (-spot.key if isinstance(spot.key, int) else spot.key, spot.id)


def _spot(position: str, sort: Sort) -> ListPlace:
    fault = Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    try:
        found = msgspec.json.decode(position, type=ListPlace)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise fault from None
    is_number = isinstance(found.key, int)
    if found.sort != sort or is_number != (sort in ("updated", "created")):
        raise fault
    if isinstance(found.key, int) and not 0 <= found.key <= MAX_BIGINT:
        raise fault
    return found
