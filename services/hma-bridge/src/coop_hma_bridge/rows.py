"""Entries of one algorithm in growing arrays, and an index of the exact ones.

Guarantees: one thread may add while another reads: what is added is there when `size` says so.
Must not: shrink: who removes says so in `alive`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from coop_hma_bridge.segment import Words

EXACT_WORDS: Final = 2
Numbers = Sequence[int] | NDArray[np.uint32] | NDArray[np.int64]
"""Of banks or of entries."""

_Index = tuple[NDArray[np.uint64], NDArray[np.uint32], dict[int, tuple[int, ...]]]


class Rows:
    """`words` of 64 bits a hash. An entry's place is its index, for good."""

    def __init__(self, words: int) -> None:
        self.size = 0
        self.hashes: Words = np.empty((0, words), dtype=np.uint64)
        self.banks: NDArray[np.uint32] = np.empty(0, dtype=np.uint32)
        self.entries: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # bigint, as they are there
        self.alive: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)

    def add(self, hashes: Words, banks: Numbers, entries: Numbers) -> None:
        """Put these behind what there is. The first are taken as they are: who gives them changes
        them no more."""
        end = self.size + len(hashes)
        if not len(self.hashes):
            self.hashes = np.ascontiguousarray(hashes, dtype=np.uint64)
            self.banks = np.asarray(banks, dtype=np.uint32)
            self.entries = np.asarray(entries, dtype=np.int64)
            self.alive = np.ones(end, dtype=np.bool_)
            self.size = end
            return
        if end > len(self.hashes):
            self._grow(max(end, self.size + self.size // 16))
        where = slice(self.size, end)
        self.hashes[where] = hashes
        self.banks[where] = banks
        self.entries[where] = entries
        self.alive[where] = True
        self.size = end

    def _grow(self, room: int) -> None:
        # New arrays, never larger ones in place: a fold may be reading the old ones.
        for name in ("hashes", "banks", "entries", "alive"):
            old = getattr(self, name)
            new = np.zeros((room, *old.shape[1:]), dtype=old.dtype)
            new[: self.size] = old[: self.size]
            setattr(self, name, new)


class ExactIndex:
    """Where hashes of 16 bytes are in their `rows`: a sorted array, and a tail beside it."""

    def __init__(self, *, tail: int) -> None:
        self.rows = Rows(EXACT_WORDS)
        self._tail_limit = tail
        # Sorted keys, their places, and the tail: changed as one, for who reads meanwhile.
        self._index: _Index = (np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint32), {})

    def add(self, hashes: Words, banks: Numbers, entries: Numbers) -> None:
        """Put these behind what there is."""
        begin = self.rows.size
        self.rows.add(hashes, banks, entries)
        _, order, tail = self._index
        if self.rows.size - len(order) > self._tail_limit:
            keys = self.rows.hashes[: self.rows.size, 0]
            order = np.argsort(keys, kind="stable").astype(np.uint32)
            self._index = (keys[order], order, {})
            return
        for place, key in enumerate(hashes[:, 0].tolist(), begin):
            tail[key] = (*tail.get(key, ()), place)

    def places(self, wanted: Words) -> list[int]:
        """Of all entries with this hash (2 words)."""
        keys, order, tail = self._index
        key = wanted[0]
        begin = int(np.searchsorted(keys, key, side="left"))
        last = int(np.searchsorted(keys, key, side="right"))
        found = [int(place) for place in order[begin:last]]
        found += tail.get(int(key), ())
        second = wanted[1]
        return [place for place in found if self.rows.hashes[place, 1] == second]
