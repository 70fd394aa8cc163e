"""An organisation's configuration as one transaction sees it, for checks to look things up in.

Guarantees: a consistent picture under the organisation's lock.
Must not: be kept after the transaction, or be used to read banks: all entries but one are left out,
because they can be a thousand times larger than all the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Text, case, cast, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import (
    DOCUMENT_TYPES,
    Document,
    Geometry,
    Kind,
    Location,
    LocationBank,
    Point,
    TextBank,
)
from coop_review_api.configuration.reference import references_of
from coop_review_api.configuration.table import config_current, orgs

D = TypeVar("D", bound=Document)


class Catalogue:
    """Documents by kind and id. `revision` is the organisation's when they were read."""

    def __init__(
        self, documents: Mapping[Kind, Mapping[str, Document]], *, revision: int = 0
    ) -> None:
        self._documents = documents
        self.revision = revision

    def get(self, kind: Kind, type_: type[D], document_id: str) -> D | None:
        return self.all(kind, type_).get(document_id)

    def all(self, kind: Kind, type_: type[D]) -> dict[str, D]:
        """Every document of a kind; `type_` is the kind's document type."""
        documents = self._documents.get(kind, {})
        return {
            document_id: found
            for document_id, found in documents.items()
            if isinstance(found, type_)
        }

    def users_of(self, kind: Kind, document_id: str) -> list[tuple[Kind, Document]]:
        """What refers to a document, itself excepted."""
        return [
            (other_kind, document)
            for other_kind, documents in self._documents.items()
            for document in documents.values()
            if (other_kind, document.id) != (kind, document_id)
            and any((ref.kind, ref.id) == (kind, document_id) for ref in references_of(document))
        ]


async def load_catalogue(
    connection: AsyncConnection, org_id: str, kinds: Collection[Kind]
) -> Catalogue:
    """The organisation's current documents of these kinds."""
    return await _load(connection, org_id, config_current.c.kind.in_([str(kind) for kind in kinds]))


async def load_documents(
    connection: AsyncConnection, org_id: str, wanted: Collection[tuple[Kind, str]]
) -> Catalogue:
    """Those of these documents that exist, by kind and id."""
    pairs = [(str(kind), document_id) for kind, document_id in wanted]
    return await _load(
        connection, org_id, tuple_(config_current.c.kind, config_current.c.id).in_(pairs)
    )


async def _load(
    connection: AsyncConnection, org_id: str, condition: ColumnElement[bool]
) -> Catalogue:
    document = config_current.c.document
    shown = case(
        (config_current.c.kind == Kind.TEXT_BANK, _with_one(document, "strings")),
        (config_current.c.kind == Kind.LOCATION_BANK, _with_one(document, "locations")),
        else_=document,
    )
    of_org = (config_current.c.org_id == orgs.c.org_id) & document.is_not(None)
    # One statement is one snapshot: the revision is that of exactly these documents.
    rows = await connection.execute(
        select(orgs.c.head_revision, config_current.c.kind, cast(shown, Text))
        .select_from(orgs.outerjoin(config_current, of_org & condition))
        .where(orgs.c.org_id == org_id)
        .order_by(config_current.c.id)
    )
    found: dict[Kind, dict[str, Document]] = {}
    revision = 0
    for head_revision, kind_name, text in rows:
        revision = head_revision
        if kind_name is None:
            continue
        kind = Kind(kind_name)
        decoded = _without_chunks(msgspec.json.decode(text, type=DOCUMENT_TYPES[kind]))
        found.setdefault(kind, {})[decoded.id] = decoded
    return Catalogue(found, revision=revision)


def _with_one(document: Any, entries: str) -> ColumnElement[Any]:
    first = func.jsonb_path_query_array(document, literal_column(f"'$.{entries}[0]'"))
    return func.jsonb_set(document, literal_column(f"'{{{entries}}}'"), first)


def _without_chunks(document: Document) -> Document:
    """A bank that is kept in chunks with something of its kind in it: one with nothing in it cannot
    be matched."""
    match document:
        case TextBank(chunk_ids=(_, *_)):
            return msgspec.structs.replace(document, strings=("x",), chunk_ids=())
        case LocationBank(chunk_ids=(_, *_)):
            somewhere = Location(id="x", geometry=Geometry(center=Point(lat=0, lng=0), radius=1))
            return msgspec.structs.replace(document, locations=(somewhere,), chunk_ids=())
    return document
