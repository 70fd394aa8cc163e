"""What rules are evaluated with: their item type and banks, as they were at a revision.

Guarantees: the same documents as every service had at that revision.
Must not: load a bank that none of the rules matches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import (
    BankChunk,
    Document,
    HashBank,
    ItemType,
    Kind,
    LocationBank,
    RoutingRule,
    Rule,
    TextBank,
)
from coop_review_api.configuration.past import chunks_of, documents_at
from coop_review_api.configuration.reference import references_of
from coop_rules.language.scope import BindingScope
from coop_rules.signal.catalogue import SignalCatalogue

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, kw_only=True)
class Material:
    """`rules` with the revision of their last change; `item_type` None: it was not there."""

    org_id: str
    revision: int
    item_type: ItemType | None
    rules: Mapping[str, tuple[Rule, int]]
    text_banks: Mapping[str, TextBank] = field(default_factory=dict)
    location_banks: Mapping[str, LocationBank] = field(default_factory=dict)
    hash_banks: Mapping[str, HashBank] = field(default_factory=dict)
    chunks: Mapping[str, BankChunk] = field(default_factory=dict)

    @property
    def bank_names(self) -> dict[str, str]:
        """By bank id."""
        banks: list[TextBank | LocationBank | HashBank] = [
            *self.text_banks.values(),
            *self.location_banks.values(),
            *self.hash_banks.values(),
        ]
        return {bank.id: bank.name for bank in banks}

    def scope(
        self, item_type: ItemType, signals: SignalCatalogue, *, routing: bool = False
    ) -> BindingScope:
        """What conditions, of routing rules where it says so, are bound against."""
        return BindingScope(
            item_type=item_type,
            text_banks=self.text_banks,
            location_banks=self.location_banks,
            chunks=self.chunks,
            org_id=self.org_id,
            routing=routing,
            catalogue=signals,
        )


async def rules_at(
    connection: AsyncConnection, org_id: str, revision: int, item_type_id: str
) -> dict[str, tuple[Rule, int]]:
    """The rules of an item type, by id, whatever their status."""
    found = await documents_at(connection, org_id, revision, Kind.RULE, Rule)
    return {
        rule_id: (rule, changed)
        for rule_id, (rule, changed) in found.items()
        if item_type_id in rule.item_type_ids
    }


async def material_of(
    connection: AsyncConnection,
    org_id: str,
    revision: int,
    item_type_id: str,
    rules: Mapping[str, tuple[Rule, int]],
    *,
    routing: Iterable[RoutingRule] = (),
) -> Material:
    """What these rules, and routing rules, need on items of a type."""
    wanted: dict[Kind, set[str]] = {}
    for rule in (*(rule for rule, _ in rules.values()), *routing):
        for reference in references_of(rule):
            wanted.setdefault(reference.kind, set()).add(reference.id)

    async def load(kind: Kind, type_: type[D], ids: Collection[str]) -> dict[str, D]:
        if not ids:
            return {}
        found = await documents_at(connection, org_id, revision, kind, type_, ids=ids)
        return {document_id: document for document_id, (document, _) in found.items()}

    item_types = await load(Kind.ITEM_TYPE, ItemType, [item_type_id])
    texts = await load(Kind.TEXT_BANK, TextBank, wanted.get(Kind.TEXT_BANK, ()))
    places = await load(Kind.LOCATION_BANK, LocationBank, wanted.get(Kind.LOCATION_BANK, ()))
    hashes = await load(Kind.HASH_BANK, HashBank, wanted.get(Kind.HASH_BANK, ()))
    return Material(
        org_id=org_id,
        revision=revision,
        item_type=item_types.get(item_type_id),
        rules=rules,
        text_banks=texts,
        location_banks=places,
        hash_banks=hashes,
        chunks=await chunks_of(connection, org_id, [*texts.values(), *places.values()]),
    )
