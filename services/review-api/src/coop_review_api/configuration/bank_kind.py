"""The kinds of banks, and what is special to each.

Guarantees: large banks are kept in parts. (Who may only write drafts writes no banks: what a live
rule does would change by way of one.)
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from coop_contracts.config import HashBank, Kind, Location, LocationBank, TextBank
from coop_contracts.error import pointer
from coop_contracts.ids import new_id
from coop_review_api.configuration import bank_part
from coop_review_api.configuration.bank_part import BankParts
from coop_review_api.configuration.document_kind import DocumentChange, DocumentKind, SentDocument
from coop_review_api.kernel.error import Fault, Invalid
from coop_rules.matching.location import location_of

P = TypeVar("P", TextBank, LocationBank)

_HMA_MAX = 200  # characters of the readable part of a name


async def _drop_unused(change: DocumentChange[P]) -> None:
    await bank_part.drop_unused(change.configuration, before=change.before, after=change.after)


async def _location_bank(sent: SentDocument[LocationBank]) -> LocationBank:
    locations = [
        located(location, pointer("locations", index))
        for index, location in enumerate(sent.fields["locations"])
    ]
    bank = sent.to(LocationBank, locations=[])
    return msgspec.structs.replace(bank, locations=tuple(locations))


async def _hash_bank(sent: SentDocument[HashBank]) -> HashBank:
    if sent.previous is not None:
        name = sent.previous.hma_name  # a rename there loses the contents
    else:
        name = hma_name(sent.configuration.org_id, sent.fields["name"], sent.document_id)
    good = sent.fields.get("knownGood")
    if good is None:
        good = sent.previous is not None and sent.previous.known_good
    return sent.to(HashBank, hmaName=name, knownGood=good)


TEXT_BANKS: Final = DocumentKind(
    kind=Kind.TEXT_BANK,
    type=TextBank,
    noun="TextBank",
    saved=_drop_unused,
    parts=BankParts[TextBank](),
)
LOCATION_BANKS: Final = DocumentKind(
    kind=Kind.LOCATION_BANK,
    type=LocationBank,
    noun="LocationBank",
    build=_location_bank,
    saved=_drop_unused,
    parts=BankParts[LocationBank](),
)
HASH_BANKS: Final = DocumentKind(
    kind=Kind.HASH_BANK,
    type=HashBank,
    noun="HashBank",
    build=_hash_bank,
)


def located(sent: dict[str, Any], at: str) -> Location:
    """A location as it was sent, with an id of its own where none was. Raises `Invalid`."""
    try:
        return location_of(sent, id=new_id())
    except ValueError as error:
        raise Invalid([Fault(at, str(error))]) from error


def hma_name(org_id: str, name: str, document_id: str) -> str:
    """`COOP_<organisation>_<name>_<id>`, of the characters that HMA allows; the id because two
    names can be the same in those characters."""
    readable = re.sub(r"[^A-Z0-9]+", "_", f"{org_id}_{name[:_HMA_MAX]}".upper()).strip("_")
    return f"COOP_{readable}_{document_id[-12:].upper()}"
