"""What a condition is bound against: an item type, the banks, the signals.

Guarantees: what is made of a bank (pattern sets, checked entries, areas) is made once for each
version of it and kept by content. A bank of which a chunk is missing cannot be used.
Must not: know conditions. `Banks` belongs to one thread at a time.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import msgspec

from coop_contracts.config import (
    BankChunk,
    HashBank,
    ItemType,
    Location,
    LocationBank,
    TextBank,
)
from coop_contracts.error import pointer
from coop_rules.language.model import ConditionProblem
from coop_rules.matching.bank import TextKind, locations_of, string_problem, strings_of
from coop_rules.matching.geo import Areas
from coop_rules.matching.location import meaning
from coop_rules.matching.similarity import Similarity
from coop_rules.matching.text import PatternSet, variant_problem
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import Matching

_FUNCTIONS = 2_000  # similarities and areas kept


class BankGone(LookupError):
    """There is no such bank, or a part of it is not here; the message says which."""


class Banks:
    """What is made of banks. Keyed by organisation and bank, valid for the very document."""

    def __init__(self) -> None:
        self._strings: dict[
            tuple[str, str], tuple[TextBank, tuple[str, ...], list[ConditionProblem]]
        ] = {}
        self._sets: dict[tuple[str, str, Matching], tuple[TextBank, PatternSet]] = {}
        self._functions: OrderedDict[str, Any] = OrderedDict()

    def strings(
        self, org_id: str, bank: TextBank, chunks: Mapping[str, BankChunk]
    ) -> tuple[tuple[str, ...], list[ConditionProblem]]:
        """A text bank's entries, its chunks' included, and what is wrong with them by pointer."""
        kept = self._strings.get((org_id, bank.id))
        if kept is None or kept[0] is not bank:
            strings = _text_of(bank, chunks)
            kept = (bank, strings, string_problems(strings, kind=bank.type, at=("strings",)))
            self._strings[org_id, bank.id] = kept
        return kept[1], kept[2]

    def patterns(
        self, org_id: str, bank: TextBank, chunks: Mapping[str, BankChunk], *, matching: Matching
    ) -> tuple[PatternSet, list[ConditionProblem]]:
        """The bank as a pattern set for one kind of matching."""
        strings, problems = self.strings(org_id, bank, chunks)
        kept = self._sets.get((org_id, bank.id, matching))
        if kept is None or kept[0] is not bank:
            kept = (bank, PatternSet(matching, strings))
            self._sets[org_id, bank.id, matching] = kept
        return kept[1], problems

    def similarity(self, strings: tuple[str, ...]) -> tuple[Similarity, str]:
        """The nearest of the strings, and the digest of what they are."""
        ordered = sorted(set(strings))
        digest = _digest("similarity", ordered)
        return self._function(digest, lambda: Similarity(ordered)), digest

    def areas(self, locations: tuple[Location, ...]) -> tuple[Areas, str]:
        """The areas as one, and the digest of where they are."""
        digest = _digest("geo", sorted(msgspec.json.encode(meaning(x)).decode() for x in locations))
        return self._function(digest, lambda: Areas(locations)), digest

    def _function(self, digest: str, make: Any) -> Any:
        found = self._functions.get(digest)
        if found is None:
            found = self._functions[digest] = make()
            while len(self._functions) > _FUNCTIONS:
                self._functions.popitem(last=False)
        self._functions.move_to_end(digest)
        return found


@dataclass(frozen=True, slots=True)
class BindingScope:
    """What a leaf is bound against. `routing` allows the inputs and signals that only routing rules
    have. `hash_banks` None: that they exist is not checked."""

    item_type: ItemType
    text_banks: Mapping[str, TextBank]
    location_banks: Mapping[str, LocationBank] = dataclass_field(default_factory=dict)
    chunks: Mapping[str, BankChunk] = dataclass_field(default_factory=dict)
    hash_banks: Mapping[str, HashBank] | None = None
    org_id: str = ""
    banks: Banks = dataclass_field(default_factory=Banks)
    routing: bool = False
    catalogue: SignalCatalogue = dataclass_field(default_factory=SignalCatalogue.builtin)

    def text_bank(self, bank_id: str) -> TextBank:
        """Raises BankGone."""
        found = self.text_banks.get(bank_id)
        if found is None:
            raise BankGone(f"there is no text bank {bank_id}")
        return found

    def locations(self, bank_id: str) -> tuple[Location, ...]:
        """A location bank's entries. Raises BankGone."""
        bank = self.location_banks.get(bank_id)
        if bank is None:
            raise BankGone(f"there is no location bank {bank_id}")
        try:
            return tuple(locations_of(bank, self.chunks))
        except LookupError as error:
            raise BankGone(f"a part of bank {bank.name} is not here: {error}") from error


def _text_of(bank: TextBank, chunks: Mapping[str, BankChunk]) -> tuple[str, ...]:
    try:
        return tuple(strings_of(bank, chunks))
    except LookupError as error:
        raise BankGone(f"a part of bank {bank.name} is not here: {error}") from error


def _digest(kind: str, strings: list[str]) -> str:
    raw = msgspec.json.encode((kind, strings))
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def string_problems(
    strings: Sequence[str], *, kind: TextKind, at: Sequence[str], variant: bool = False
) -> list[ConditionProblem]:
    """What is wrong with a list of strings or regexes; `at` is the list's own path. `variant`: they
    are looked for as variants."""
    problems = []
    for index, string in enumerate(strings):
        reason = string_problem(string, kind)
        if reason is None and variant:
            reason = variant_problem(string)
        if reason is not None:
            problems.append(ConditionProblem(pointer(*at, index), reason))
    return problems
