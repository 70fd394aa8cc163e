"""What the document of a bank may say.

Guarantees: a bank that rules match is not empty, and stays of its type; the entries in the document
itself can be matched (those in parts are checked by `bank`, which makes the parts).
Must not: try patterns on text.
"""

from __future__ import annotations

from collections.abc import Iterator

from coop_contracts.config import HashBank, Kind, LocationBank, TextBank
from coop_contracts.error import pointer
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.kernel.error import Fault
from coop_rules.matching.bank import area_problem, string_problem

MAX_FAULTS = 50


def check_text_bank(
    bank: TextBank, previous: TextBank | None, catalogue: Catalogue
) -> Iterator[Fault]:
    """Faults of a text bank, at most 50 of its strings."""
    empty = not bank.strings and not bank.chunk_ids
    if empty and catalogue.users_of(Kind.TEXT_BANK, bank.id):
        yield Fault("/strings", "rules match this bank: at least one string")
    if previous is not None and previous.type != bank.type:
        yield Fault("/type", "cannot be changed: rules match it as it is")
    yield from string_faults(bank)


def string_faults(bank: TextBank) -> Iterator[Fault]:
    """Faults of the strings in the document, at most 50."""
    found = 0
    for position, string in enumerate(bank.strings):
        reason = string_problem(string, bank.type)
        if reason is not None:
            yield Fault(pointer("strings", position), reason)
            found += 1
            if found == MAX_FAULTS:
                return


def check_location_bank(bank: LocationBank, catalogue: Catalogue) -> Iterator[Fault]:
    """Faults of a location bank, at most 50 of its locations."""
    empty = not bank.locations and not bank.chunk_ids
    if empty and catalogue.users_of(Kind.LOCATION_BANK, bank.id):
        yield Fault("/locations", "rules match this bank: at least one location")
    yield from location_faults(bank)


def location_faults(bank: LocationBank) -> Iterator[Fault]:
    """Faults of the locations in the document, at most 50."""
    found, ids = 0, set()
    for position, location in enumerate(bank.locations):
        at = pointer("locations", position)
        problem = area_problem(location)
        if location.id in ids:
            problem = ("/id", "another location has this id")
        ids.add(location.id)
        if problem is not None:
            yield Fault(at + problem[0], problem[1])
            found += 1
            if found == MAX_FAULTS:
                return


def check_hash_bank(bank: HashBank, previous: HashBank | None) -> Iterator[Fault]:
    """Faults of a hash bank."""
    if previous is not None and previous.hma_name != bank.hma_name:
        yield Fault("/hmaName", "cannot be changed: the contents are kept under it")
    if previous is not None and previous.known_good != bank.known_good:
        yield Fault("/knownGood", "cannot be changed: make another bank")
    if not 0 <= bank.enabled_ratio <= 1:
        yield Fault("/enabledRatio", "from 0 to 1")
