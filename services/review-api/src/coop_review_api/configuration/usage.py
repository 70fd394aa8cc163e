"""What documents are used by: which others refer to them.

Guarantees: names only what its reader may read by itself; so many of each, and how many there are.
Must not: know references; `reference` does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import DOCUMENT_TYPES, Document, Kind
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.reference import REFERRING, references_of
from coop_review_api.kernel.principal import Principal

NAMED: Final = 50
"""Users of one document that are named."""

Readers = Mapping[Kind, Collection[Permission]]
"""Who reads documents of a kind: with one of these permissions."""


@dataclass(frozen=True, kw_only=True)
class UsingDocument:
    """A document that refers to another."""

    kind: Kind
    id: str
    name: str


@dataclass
class Usage:
    """What a document is used by: the first `NAMED`, and how many in all."""

    users: list[UsingDocument] = field(default_factory=list)
    count: int = 0


async def usages(
    connection: AsyncConnection,
    principal: Principal,
    kind: Kind,
    ids: Sequence[str],
    readers: Readers,
) -> dict[str, Usage]:
    """Of each of these documents, as this person may read it."""
    found = {one: Usage() for one in ids}
    referring = [
        other
        for other in REFERRING.get(kind, ())
        if principal.permissions & frozenset(readers.get(other, (Permission.MANAGE_ORG,)))
    ]
    if not referring or not found:
        return found
    catalogue = await load_catalogue(connection, principal.org_id, referring)
    for other in referring:
        for document in catalogue.all(other, DOCUMENT_TYPES[other]).values():
            wanted = {ref.id for ref in references_of(document) if ref.kind is kind}
            for one in wanted & found.keys():
                if (other, document.id) != (kind, one):
                    _add(found[one], other, document)
    return found


def _add(usage: Usage, kind: Kind, document: Document) -> None:
    usage.count += 1
    if len(usage.users) < NAMED:
        name = str(getattr(document, "name", document.id))
        usage.users.append(UsingDocument(kind=kind, id=document.id, name=name))
