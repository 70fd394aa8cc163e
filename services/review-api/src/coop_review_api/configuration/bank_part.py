"""The parts that large banks are kept in.

    entries ──check──▶ split (`matching.bank`) ──▶ chunks ──▶ bank ──▶ unused chunks deleted

Guarantees: all of a change is one transaction under the organisation's lock, in an order in which
no reader of the log sees a bank without its parts; a part that did not change is not saved again.
Must not: run long on the event loop: thousands of patterns are compiled in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Generic, TypeVar, cast

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import BankChunk, Kind, LocationBank, TextBank
from coop_review_api.configuration import place
from coop_review_api.configuration.bank import location_faults, string_faults
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.past import chunks_of
from coop_review_api.configuration.table import config_current
from coop_review_api.kernel.error import Fault, Invalid
from coop_rules.matching.bank import (
    MAX_LOCATIONS,
    locations_of,
    most,
    split_location_bank,
    split_text_bank,
    strings_of,
)

Bank = TextBank | LocationBank
B = TypeVar("B", TextBank, LocationBank)


class BankParts(Generic[B]):
    """The parts of a kind of banks, as `DocumentKind.parts`."""

    async def stored(self, configuration: LockedConfiguration, document: B) -> B:
        """The bank as it is saved, its parts saved already, its places as far as they are known.
        Raises `Invalid` with its faults."""
        whole: Bank = document
        if isinstance(document, LocationBank):
            await asyncio.to_thread(_refuse_locations, document)
            connection, now = configuration.connection, configuration.now
            whole = await place.known(connection, configuration.org_id, document, now)
        bank, chunks = await asyncio.to_thread(_split, whole)
        known = await _existing(configuration, [chunk.id for chunk in chunks])
        for chunk in chunks:
            if chunk.id not in known:
                await configuration.save(Kind.BANK_CHUNK, chunk)
        return cast(B, bank)

    async def whole(self, connection: AsyncConnection, org_id: str, document: B) -> B:
        """The bank with all its entries in the document, as it was whenever it was."""
        if not document.chunk_ids:
            return document
        chunks = await chunks_of(connection, org_id, [document])
        if isinstance(document, TextBank):
            strings = strings_of(document, chunks)
            return msgspec.structs.replace(document, strings=strings, chunk_ids=())
        locations = locations_of(document, chunks)
        return msgspec.structs.replace(document, locations=locations, chunk_ids=())


async def drop_unused(
    configuration: LockedConfiguration, *, before: Bank | None, after: Bank | None
) -> None:
    """Delete the parts that only the earlier state had."""
    used = set(after.chunk_ids) if after is not None else set()
    for chunk_id in before.chunk_ids if before is not None else ():
        if chunk_id not in used:
            used.add(chunk_id)
            await configuration.delete(Kind.BANK_CHUNK, chunk_id)


async def counts(connection: AsyncConnection, org_id: str, banks: Sequence[Bank]) -> dict[str, int]:
    """How many entries banks have, by id, without reading them."""
    found = {
        bank.id: len(bank.strings if isinstance(bank, TextBank) else bank.locations)
        for bank in banks
    }
    ids = [chunk_id for bank in banks for chunk_id in bank.chunk_ids]
    if not ids:
        return found
    document = config_current.c.document
    entries = func.jsonb_array_length(
        func.coalesce(document["strings"], document["locations"], text("'[]'::jsonb"))
    )
    rows = await connection.execute(
        select(config_current.c.id, entries.label("entries")).where(
            config_current.c.org_id == org_id,
            config_current.c.kind == Kind.BANK_CHUNK,
            config_current.c.id.in_(ids),
            document.is_not(None),
        )
    )
    lengths = {row.id: row.entries for row in rows}
    for bank in banks:
        found[bank.id] += sum(lengths.get(chunk_id, 0) for chunk_id in bank.chunk_ids)
    return found


def _split(bank: Bank) -> tuple[Bank, tuple[BankChunk, ...]]:
    if isinstance(bank, TextBank):
        if len(bank.strings) > most(bank.type):
            raise Invalid([Fault("/strings", f"at most {most(bank.type)} of type {bank.type}")])
        faults = list(string_faults(bank))
        if faults:
            raise Invalid(faults)
        return split_text_bank(bank, bank.strings)
    return split_location_bank(bank, bank.locations)


def _refuse_locations(bank: LocationBank) -> None:
    if len(bank.locations) > MAX_LOCATIONS:
        raise Invalid([Fault("/locations", f"at most {MAX_LOCATIONS}")])
    faults = list(location_faults(bank))
    if faults:
        raise Invalid(faults)


async def _existing(
    configuration: LockedConfiguration, chunk_ids: Collection[str]
) -> frozenset[str]:
    if not chunk_ids:
        return frozenset()
    found = await configuration.connection.scalars(
        select(config_current.c.id).where(
            config_current.c.org_id == configuration.org_id,
            config_current.c.kind == Kind.BANK_CHUNK,
            config_current.c.id.in_(list(chunk_ids)),
            config_current.c.document.is_not(None),
        )
    )
    return frozenset(found)
