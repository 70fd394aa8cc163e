"""The kinds of banks as resources.

Guarantees: who may only write drafts cannot change what a live rule does by way of a bank; large
banks are kept in parts, and are whole on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import HashBank, Kind, LocationBank, TextBank
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_review_api.configuration import bank_document as wire
from coop_review_api.configuration import bank_part
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.resource import Command, Resource
from coop_review_api.configuration.rule import live_rules_with_bank
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body
from coop_review_api.http.context import Context
from coop_review_api.kernel.error import Forbidden
from coop_review_api.kernel.principal import Principal

_P = Permission

B = TypeVar("B", bound=Body)
D = TypeVar("D", TextBank, LocationBank, HashBank)
P = TypeVar("P", TextBank, LocationBank)

_HMA_MAX = 200  # characters of the readable part of a name


class _Banks(Resource[B, D]):
    read = requires(_P.VIEW_RULES_DASHBOARD, _P.MUTATE_NON_LIVE_RULES)
    write = requires(_P.MUTATE_NON_LIVE_RULES, _P.MUTATE_LIVE_RULES)

    async def guard(
        self,
        configuration: LockedConfiguration,
        principal: Principal,
        *,
        before: D | None,
        after: D | None,
    ) -> None:
        if before is None or after is None or principal.may(_P.MUTATE_LIVE_RULES):
            return
        catalogue = await configuration.catalogue(Kind.RULE, Kind.ROUTING_RULE)
        live = live_rules_with_bank(self.kind, before.id, catalogue)
        if live:
            # Otherwise who may only write drafts could change what a live rule does.
            raise Forbidden(f"live rules match this bank: needs {_P.MUTATE_LIVE_RULES}")


class PartedBanks(_Banks[B, P]):
    """Banks whose entries are in the configuration, large ones in parts."""

    entries: str  # the field

    async def stored(self, configuration: LockedConfiguration, document: P) -> P:
        return await bank_part.stored(configuration, document)

    async def whole(self, connection: AsyncConnection, org_id: str, document: P) -> P:
        return await bank_part.whole(connection, org_id, document)

    async def saved(
        self, configuration: LockedConfiguration, *, before: P | None, after: P | None
    ) -> None:
        await bank_part.drop_unused(configuration, before=before, after=after)

    async def listed(
        self, connection: AsyncConnection, org_id: str, documents: Sequence[P]
    ) -> dict[str, dict[str, Any]]:
        counts = await bank_part.counts(connection, org_id, documents)
        return {bank_id: {"entryCount": count} for bank_id, count in counts.items()}

    def present(
        self,
        context: Context,  # noqa: ARG002
        principal: Principal,  # noqa: ARG002
        document: P,
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        if fields.pop("chunkIds", ()):
            return {**fields, self.entries: None, "entryCount": None}
        return {**fields, "entryCount": len(getattr(document, self.entries))}


class TextBanks(PartedBanks[wire.TextBankBody, TextBank]):
    kind, path, noun, plural = Kind.TEXT_BANK, "text-banks", "TextBank", "TextBanks"
    document, body, view, entries = TextBank, wire.TextBankBody, wire.TextBankView, "strings"


class LocationBanks(PartedBanks[wire.LocationBankBody, LocationBank]):
    kind, path = Kind.LOCATION_BANK, "location-banks"
    noun, plural = "LocationBank", "LocationBanks"
    document, body, view = LocationBank, wire.LocationBankBody, wire.LocationBankView
    entries = "locations"

    async def build(self, command: Command[wire.LocationBankBody, LocationBank]) -> LocationBank:
        fields = command.body.model_dump(by_alias=True, mode="json")
        fields["locations"] = [with_id(location) for location in fields["locations"]]
        return msgspec.convert({**fields, "id": command.document_id}, LocationBank)


class HashBanks(_Banks[wire.HashBankBody, HashBank]):
    kind, path, noun, plural = Kind.HASH_BANK, "hash-banks", "HashBank", "HashBanks"
    document, body, view = HashBank, wire.HashBankBody, wire.HashBankView

    async def build(self, command: Command[wire.HashBankBody, HashBank]) -> HashBank:
        fields = command.body.model_dump(by_alias=True, mode="json")
        previous = command.previous
        fields["hmaName"] = (
            hma_name(command.principal.org_id, command.body.name, command.document_id)
            if previous is None
            else previous.hma_name  # a rename there loses the contents
        )
        return msgspec.convert({**fields, "id": command.document_id}, HashBank)


def with_id(location: dict[str, Any]) -> dict[str, Any]:
    """The location with an id of its own, where none was sent."""
    return {**location, "id": location.get("id") or new_id()}


def hma_name(org_id: str, name: str, document_id: str) -> str:
    """`COOP_<organisation>_<name>_<id>`, of the characters that HMA allows; the id because two
    names can be the same in those characters."""
    readable = re.sub(r"[^A-Z0-9]+", "_", f"{org_id}_{name[:_HMA_MAX]}".upper()).strip("_")
    return f"COOP_{readable}_{document_id[-12:].upper()}"
