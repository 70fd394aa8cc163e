"""The contents of banks: the parts they are published in, what one may hold, and what changed.

Guarantees: the order of the entries is the bank's; parts are cut where the content says, not by
number, so that a change of a few entries leaves the other parts, and their ids, as they are; every
document stays far below what a message may hold.
Must not: do I/O. Files are `bank_file`'s.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, structs

from coop_contracts.config import BankChunk, Location, LocationBank, TextBank
from coop_rules.matching.geo import location_problem
from coop_rules.matching.regex import regex_problem

MAX_STRINGS = 100_000  # of a bank; some 0.5 s to compile for the first time
MAX_REGEXES = 10_000  # of a bank; some 1 s to compile for the first time
MAX_LOCATIONS = 50_000
MAX_STRING = 1_000  # characters
MAX_REGEX = 5_000
MAX_NAME = 255  # characters of a location's name

_PLACE_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_INLINE = 100_000  # bytes of JSON up to which a bank holds its entries itself
_SMALLEST, _MEAN, _LARGEST = 16_000, 64_000, 256_000  # bytes of a chunk's entries

TextKind = Literal["STRING", "REGEX"]


class Difference(Struct, frozen=True, kw_only=True, rename="camel"):
    """What changed from one version of a bank to another: entries as they are shown."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def strings_of(bank: TextBank, chunks: Mapping[str, BankChunk]) -> tuple[str, ...]:
    """Every entry of the bank. Raises KeyError naming a chunk that is not there."""
    found = [chunks[chunk_id].strings for chunk_id in bank.chunk_ids]
    return bank.strings + tuple(string for strings in found for string in strings)


def locations_of(bank: LocationBank, chunks: Mapping[str, BankChunk]) -> tuple[Location, ...]:
    """Every location of the bank. Raises KeyError naming a chunk that is not there."""
    found = [chunks[chunk_id].locations for chunk_id in bank.chunk_ids]
    return bank.locations + tuple(one for locations in found for one in locations)


def split_text_bank(
    bank: TextBank, strings: Sequence[str]
) -> tuple[TextBank, tuple[BankChunk, ...]]:
    """The bank with these entries, and the chunks to publish before it (none for a small one)."""
    raw = [_encode(string) for string in strings]
    if sum(map(len, raw)) <= _INLINE:
        return structs.replace(bank, strings=tuple(strings), chunk_ids=()), ()
    chunks = tuple(
        BankChunk(id=f"{bank.id}/{digest}", bank_id=bank.id, strings=tuple(strings[start:end]))
        for start, end, digest in _cuts(raw)
    )
    return structs.replace(bank, strings=(), chunk_ids=tuple(one.id for one in chunks)), chunks


def split_location_bank(
    bank: LocationBank, locations: Sequence[Location]
) -> tuple[LocationBank, tuple[BankChunk, ...]]:
    """The bank with these locations, and the chunks to publish before it (none for a small one)."""
    raw = [_encode(location) for location in locations]
    if sum(map(len, raw)) <= _INLINE:
        return structs.replace(bank, locations=tuple(locations), chunk_ids=()), ()
    chunks = tuple(
        BankChunk(id=f"{bank.id}/{digest}", bank_id=bank.id, locations=tuple(locations[start:end]))
        for start, end, digest in _cuts(raw)
    )
    return structs.replace(bank, locations=(), chunk_ids=tuple(one.id for one in chunks)), chunks


_encode: Callable[[object], bytes] = msgspec.json.Encoder().encode


def _cuts(entries: Sequence[bytes]) -> Iterator[tuple[int, int, str]]:
    """Start, end and digest (16 hex) of each part.

    A part ends after an entry whose hash says so, with a probability that makes parts of `_MEAN`
    bytes: where a change moves the entries, the same entries end the parts after it.
    """
    start = size = 0
    content = hashlib.blake2b(digest_size=8)
    for index, entry in enumerate(entries):
        if size and size + len(entry) > _LARGEST:
            yield start, index, content.hexdigest()
            start, size, content = index, 0, hashlib.blake2b(digest_size=8)
        size += len(entry)
        content.update(entry + b"\n")
        mark = int.from_bytes(hashlib.blake2b(entry, digest_size=4).digest(), "big")
        if size >= _SMALLEST and mark * _MEAN < len(entry) << 32:
            yield start, index + 1, content.hexdigest()
            start, size, content = index + 1, 0, hashlib.blake2b(digest_size=8)
    if size:
        yield start, len(entries), content.hexdigest()


def string_problem(string: str, kind: TextKind) -> str | None:
    """Why a string cannot be an entry of a text bank, with the position where a regex fails; None
    if it can."""
    if not string.strip():
        return "is blank and would match everything"
    longest = MAX_REGEX if kind == "REGEX" else MAX_STRING
    if len(string) > longest:
        return f"has {len(string)} characters, at most {longest} are allowed"
    if kind == "REGEX":
        return regex_problem(string)
    return _half_pair(string)


def area_problem(location: Location) -> tuple[str, str] | None:
    """Why a location cannot be an entry of a location bank: the pointer within it, and the reason;
    None if it can."""
    for field, text in (("name", location.name), ("id", location.id)):
        if len(text) > MAX_NAME:
            return f"/{field}", f"at most {MAX_NAME} characters"
        if (problem := text_problem(text)) is not None:
            return f"/{field}", problem
    place = location.google_place_info
    if place is not None and not _PLACE_ID.fullmatch(place.id):
        return "/googlePlaceInfo/id", "is no place id of Google Maps"
    return location_problem(location)


def text_problem(text: str) -> str | None:
    """Why a text cannot be kept; None if it can."""
    return "must not contain U+0000" if "\0" in text else _half_pair(text)


def _half_pair(text: str) -> str | None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a surrogate pair"
    return None


def most(kind: TextKind) -> int:
    """How many entries a text bank may have."""
    return MAX_REGEXES if kind == "REGEX" else MAX_STRINGS


def strings_difference(before: Sequence[str], after: Sequence[str]) -> Difference:
    """The entries added, in the order of the new bank, and removed, in that of the old."""
    old, new = set(before), set(after)
    return Difference(
        added=tuple(one for one in dict.fromkeys(after) if one not in old),
        removed=tuple(one for one in dict.fromkeys(before) if one not in new),
    )


def locations_difference(before: Sequence[Location], after: Sequence[Location]) -> Difference:
    """The same of locations, as JSON; one that changed was removed and added."""
    return strings_difference(
        [_encode(one).decode() for one in before], [_encode(one).decode() for one in after]
    )
