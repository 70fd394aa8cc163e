"""Which of an organisation's banks have a medium: one question, two ways to answer it.

    EmbeddedMatcher    the bridge's own banks, in memory
    hma.HmaMatcher     the banks of a Hasher-Matcher-Actioner
    WeighedMatcher     what counts of all that: known good against nearly bad

Guarantees: an answer names banks of that organisation only, nearest entries first, `SIGNALS` of a
bank at most; who cannot answer raises `Retryable` and is asked again.
Must not: answer "no match" for want of an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from coop_contracts.config import HashBank, Kind
from coop_contracts.event import MatchedBank
from coop_hma_bridge.bank import BankNumbers
from coop_hma_bridge.book import HashBook
from coop_hma_bridge.entry import Algorithm, Match
from coop_hma_bridge.file_hash import FileHashes, Ours
from coop_runtime.kafka.config_table import ConfigTable

SIGNALS: Final = 10
"""Entries of a bank that are named: what everybody shares can match thousands."""


class Matcher(Protocol):
    """Asked for each medium. `seed` is the submission."""

    def match(
        self, org_id: str, hashes: FileHashes, *, seed: str
    ) -> Awaitable[tuple[MatchedBank, ...]]: ...


def banks_in_use(table: ConfigTable, org_id: str) -> Mapping[str, HashBank]:
    """The organisation's banks that match at all, by id."""
    found = table.all(org_id, Kind.HASH_BANK)
    return {
        bank_id: bank
        for bank_id, bank in found.items()
        if isinstance(bank, HashBank) and bank.enabled_ratio > 0
    }


def takes_part(bank: HashBank, seed: str) -> bool:
    """Whether the bank is asked for this submission: by a number made of the two, so that the
    answer is the same again. `seed` empty: whatever its ratio is."""
    if not seed or bank.enabled_ratio >= 1:
        return True
    digest = hashlib.sha256(f"{seed}\0{bank.id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < bank.enabled_ratio


class EmbeddedMatcher:
    """Looks up in the book. `stale` tells for how many seconds the book may not have all."""

    def __init__(
        self,
        table: ConfigTable,
        book: HashBook,
        numbers: BankNumbers,
        *,
        stale: Callable[[], float],
        most_stale: float,
    ) -> None:
        self._table = table
        self._book = book
        self._numbers = numbers
        self._stale = stale
        self._most_stale = most_stale

    async def match(self, org_id: str, hashes: FileHashes, *, seed: str) -> tuple[MatchedBank, ...]:
        """Raises Retryable while the banks' entries may not be whole."""
        if self._stale() > self._most_stale:
            raise Ours("banks", "the banks' entries are out of reach")
        banks = {
            number: bank
            for bank_id, bank in banks_in_use(self._table, org_id).items()
            if takes_part(bank, seed) and (number := self._numbers.of(org_id, bank_id)) is not None
        }
        if not banks:
            return ()
        found = self.look_up(hashes.md5, hashes.pdq)
        return tuple(
            matched_bank(bank, algorithm, [m for m in matches if m.bank == number])
            for algorithm, matches in found
            for number, bank in banks.items()
            if any(m.bank == number for m in matches)
        )

    def look_up(self, md5: str, pdq: Sequence[str]) -> list[tuple[Algorithm, list[Match]]]:
        """All entries that match, of every bank there is."""
        near: dict[int, Match] = {}
        for bits in pdq:
            for match in self._book.near(bytes.fromhex(bits)):
                known = near.get(match.entry_id)
                if known is None or match.distance < known.distance:
                    near[match.entry_id] = match
        exact = self._book.exact(bytes.fromhex(md5)) if md5 else []
        return [
            ("pdq", sorted(near.values(), key=lambda match: match.distance)),
            ("md5", exact),
        ]


def matched_bank(bank: HashBank, algorithm: Algorithm, matches: Sequence[Match]) -> MatchedBank:
    """What is said of a bank that has these, nearest first."""
    return MatchedBank(
        bank_id=bank.id,
        algorithm=algorithm,
        distance=matches[0].distance,
        signal_ids=tuple(str(match.entry_id) for match in matches[:SIGNALS]),
        known_good=bank.known_good,
    )


def weighed(banks: Sequence[MatchedBank]) -> tuple[MatchedBank, ...]:
    """What counts of the banks that have a medium. One that a bank of known good has by its very
    hash is not what other banks have nearly; what they have by its very hash, it is. A near match
    with something good proves nothing: what is bad may be as near."""
    if not any(one.known_good and one.distance == 0 for one in banks):
        return tuple(banks)
    return tuple(one for one in banks if one.known_good or not one.distance)


class WeighedMatcher:
    """Another matcher's answers, weighed: the last of them all, since what is good may be known
    here, and what is bad there."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    async def match(self, org_id: str, hashes: FileHashes, *, seed: str) -> tuple[MatchedBank, ...]:
        """Raises Retryable."""
        return weighed(await self._matcher.match(org_id, hashes, seed=seed))
