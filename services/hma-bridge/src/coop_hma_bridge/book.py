"""All hashes of all banks, in memory, exact: what the embedded mode looks up in.

    change ─▶ tail (looked through by hand) ─▶ folded into a Segment, in a thread

Guarantees: an entry is found from the moment `apply` returns, and one that was disabled or removed
no more; applying a change twice is applying it once; a look-up never waits for changes or a fold,
which may be made in other threads.
Must not: talk to the database (`follower` does), or know whose bank a number is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Final

import numpy as np

from coop_hma_bridge.entry import ACTIVE, Change, Match
from coop_hma_bridge.rows import EXACT_WORDS, ExactIndex, Numbers, Rows
from coop_hma_bridge.segment import WORDS, Segment, Words, near_by_hand, words_of

TAIL: Final = 50_000
"""Hashes that are looked through one by one: 0.2 ms."""


class HashBook:
    """One for a process; lives in one event loop."""

    def __init__(self, *, tail: int = TAIL) -> None:
        self._tail_limit = tail
        self._pdq = Rows(WORDS)
        self._segment = Segment(np.empty((0, WORDS), dtype=np.uint64))
        self._exact = ExactIndex(tail=tail)
        self._late: dict[int, int] = {}  # places of the entries in the tail
        self._newest = 0  # of all entries that were ever here: ids rise as they are committed
        self._folding: asyncio.Task[None] | None = None
        self._changing = threading.Lock()

    def __len__(self) -> int:
        """Entries that match."""
        return sum(int(rows.alive[: rows.size].sum()) for rows in (self._pdq, self._exact.rows))

    @property
    def tail(self) -> int:
        """PDQ hashes that are not in the segment yet."""
        return self._pdq.size - len(self._segment)

    def load_pdq(self, hashes: Words, banks: Numbers, entries: Numbers) -> None:
        """Take the PDQ hashes there are at the start: half a second a million."""
        self._pdq.add(hashes, banks, entries)
        self._segment = Segment(self._pdq.hashes[: self._pdq.size])
        self._newest = max(self._newest, int(np.max(entries, initial=0)))

    def load_md5(self, hashes: Words, banks: Numbers, entries: Numbers) -> None:
        """Take the MD5 hashes there are at the start."""
        self._exact.add(hashes, banks, entries)
        self._newest = max(self._newest, int(np.max(entries, initial=0)))

    def apply(self, changes: Iterable[Change]) -> None:
        """Take what has changed; in a thread, where that is much."""
        with self._changing:
            self._apply(changes)

    def _apply(self, changes: Iterable[Change]) -> None:
        added: dict[int, Change] = {}
        exact: dict[int, Change] = {}
        newest = self._newest
        for change in changes:
            new = exact if change.algorithm == "md5" else added
            newest = max(newest, change.entry_id)
            rows, place = self._find(change)
            if place is not None:
                rows.alive[place] = change.state == ACTIVE
            elif change.state == ACTIVE:
                new[change.entry_id] = change
            else:
                new.pop(change.entry_id, None)
        self._newest = newest
        if exact:
            self._exact.add(*_columns(exact.values(), EXACT_WORDS))
        if added:
            self._late |= {entry: place for place, entry in enumerate(added, self._pdq.size)}
            self._pdq.add(*_columns(added.values(), WORDS))
            self._segment.hashes = self._pdq.hashes[: len(self._segment)]

    def fold_if_long(self) -> None:
        """Begin to fold the tail, where it is long; call in the event loop, after changes."""
        if self.tail > self._tail_limit and self._folding is None:
            self._folding = asyncio.get_running_loop().create_task(self._fold())

    def _find(self, change: Change) -> tuple[Rows, int | None]:
        """Where the entry is, if it is there."""
        if change.entry_id > self._newest:
            return self._pdq, None
        if change.algorithm == "md5":
            rows = self._exact.rows
            places = self._exact.places(words_of(change.hash, EXACT_WORDS)[0])
        else:
            rows = self._pdq
            if change.entry_id in self._late:
                return rows, self._late[change.entry_id]
            # What is as near as can be has the same hash.
            places = self._segment.near(words_of(change.hash)[0]).positions.tolist()
        return rows, next((p for p in places if rows.entries[p] == change.entry_id), None)

    async def _fold(self) -> None:
        """Make the segment anew, with what is in the tail; then again, if that has grown."""
        try:
            while self.tail > self._tail_limit:
                await asyncio.to_thread(self._fold_now)
        finally:
            self._folding = None

    def _fold_now(self) -> None:
        size = self._pdq.size
        segment = Segment(self._pdq.hashes[:size])
        with self._changing:
            segment.hashes = self._pdq.hashes[:size]
            self._segment = segment
            self._late = {entry: at for entry, at in self._late.items() if at >= size}

    def near(self, pdq: bytes) -> list[Match]:
        """Entries within 31 bits, nearest first."""
        wanted = words_of(pdq)[0]
        rows, segment = self._pdq, self._segment
        begin, end = len(segment), rows.size
        found = segment.near(wanted)
        late = near_by_hand(rows.hashes[begin:end], wanted)
        places = np.concatenate([found.positions, late.positions + begin])
        far = np.concatenate([found.distances, late.distances])
        kept = np.flatnonzero(rows.alive[places])
        kept = kept[np.argsort(far[kept], kind="stable")]
        return [
            Match(int(rows.banks[place]), int(rows.entries[place]), int(distance))
            for place, distance in zip(places[kept], far[kept], strict=True)
        ]

    def exact(self, md5: bytes) -> list[Match]:
        """Entries with the MD5 of a file."""
        rows = self._exact.rows
        return [
            Match(int(rows.banks[place]), int(rows.entries[place]), 0)
            for place in self._exact.places(words_of(md5, EXACT_WORDS)[0])
            if rows.alive[place]
        ]

    async def settle(self) -> None:
        """Wait for a fold that is under way."""
        if self._folding is not None:
            await asyncio.shield(self._folding)


def _columns(changes: Iterable[Change], words: int) -> tuple[Words, list[int], list[int]]:
    found = list(changes)
    hashes = words_of(b"".join(one.hash for one in found), words)
    return hashes, [one.bank for one in found], [one.entry_id for one in found]
