"""An exact index of 256-bit hashes by Hamming distance, in numpy.

A hash that differs in `RADIUS` bits is cut into substrings, of which the i-th may differ in r(i);
the sum of r(i) + 1 over all of them is RADIUS + 1. Then at least one differs in r(i) or fewer
(pigeonhole; M. Norouzi, A. Punjani, D. J. Fleet, "Fast Exact Search in Hamming Space with
Multi-Index Hashing", 2014). So every substring has a table from its value to the hashes that have
it; a look-up reads the values that are r(i) or fewer bits away, and compares what it finds there.

Guarantees: a look-up finds every hash at a distance up to RADIUS, and no other; about 75 bytes a
hash beyond the hash itself, measured in the benchmark `hashes`.
Must not: change once it is made: `book` keeps what is new beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

RADIUS: Final = 31
"""Bits, inclusive: what everybody matches PDQ with."""
BITS: Final = 256
WORDS: Final = 4
_LARGE: Final = 2_000_000  # hashes: from here on longer substrings cost less than their candidates

Words = NDArray[np.uint64]


class Cut(NamedTuple):
    """A substring: `length` bits from bit `start` on, of which `radius` may differ."""

    start: int
    length: int
    radius: int


class Found(NamedTuple):
    """Positions in the segment, and their distances."""

    positions: NDArray[np.int64]
    distances: NDArray[np.int64]


def words_of(hashes: bytes, words: int = WORDS) -> Words:
    """n × words of n × 8 × words bytes."""
    return np.frombuffer(hashes, dtype="<u8").reshape(-1, words)


def cuts_for(size: int) -> list[Cut]:
    """How hashes are cut where there are so many."""
    if size < _LARGE:
        return _cuts([(16, 1)] * 16)
    return _cuts([(23, 2)] * 8 + [(18, 1)] * 4)


def _cuts(parts: Sequence[tuple[int, int]]) -> list[Cut]:
    found, start = [], 0
    for length, radius in parts:
        found.append(Cut(start, length, radius))
        start += length
    return found


def distances(hashes: Words, wanted: Words) -> NDArray[np.int64]:
    """Of each hash to one, in bits."""
    found: NDArray[np.int64] = np.bitwise_count(hashes ^ wanted).sum(axis=1, dtype=np.int64)
    return found


class Segment:
    """The index of these hashes (n × 4 words). `cuts`: as for so many, unless a test says."""

    def __init__(self, hashes: Words, *, cuts: Sequence[Cut] | None = None) -> None:
        self.hashes = np.ascontiguousarray(hashes, dtype=np.uint64)
        self._cuts = list(cuts) if cuts is not None else cuts_for(len(hashes))
        if sum(cut.radius + 1 for cut in self._cuts) != RADIUS + 1:
            raise ValueError("these substrings would miss hashes, or look at too many")
        self._size = len(self.hashes)
        self._make_tables()
        self._make_probes()

    def __len__(self) -> int:
        return self._size

    def _make_tables(self) -> None:
        """One row of positions by value for each substring, one after another, and where in it the
        positions of each value begin."""
        size = len(self.hashes)
        self._positions = np.empty(size * len(self._cuts), dtype=np.uint32)
        values = sum((1 << cut.length) + 1 for cut in self._cuts)
        self._begins = np.empty(values, dtype=np.uint32)
        at, filled = 0, 0
        self._table_at: list[int] = []
        for cut in self._cuts:
            self._table_at.append(at)
            keys = _keys(self.hashes, cut)
            # numpy sorts 16 bits by radix, several times as fast.
            small = keys.astype(np.uint16) if cut.length <= 16 else keys.astype(np.uint32)
            order = np.argsort(small, kind="stable")
            self._positions[filled : filled + size] = order
            counts = np.bincount(keys, minlength=1 << cut.length)
            begins = self._begins[at : at + (1 << cut.length) + 1]
            begins[0] = filled
            np.cumsum(counts, out=begins[1:], dtype=np.uint32)
            begins[1:] += np.uint32(filled)
            at += (1 << cut.length) + 1
            filled += size

    def _make_probes(self) -> None:
        """All differences that are looked up, and of which table each is."""
        masks = [_masks(cut) for cut in self._cuts]
        self._masks = np.concatenate(masks)
        self._of_cut = np.repeat(np.arange(len(masks)), [len(one) for one in masks])
        self._base = np.array(self._table_at, dtype=np.int64)

    def near(self, wanted: Words) -> Found:
        """All hashes within RADIUS of one (4 words)."""
        keys = np.array([_keys(wanted[None, :], cut)[0] for cut in self._cuts], dtype=np.int64)
        probes = (keys[self._of_cut] ^ self._masks) + self._base[self._of_cut]
        begins = self._begins[probes].astype(np.int64)
        counts = self._begins[probes + 1] - begins
        total = int(counts.sum())
        if not total:
            return _NOTHING
        ends = np.cumsum(counts)
        places = np.arange(total) + np.repeat(begins - ends + counts, counts)
        candidates = self._positions[places]
        far = distances(self.hashes[candidates], wanted)
        near = np.flatnonzero(far <= RADIUS)
        if not near.size:
            return _NOTHING
        positions, first = np.unique(candidates[near], return_index=True)
        return Found(positions.astype(np.int64), far[near[first]])


_NOTHING: Final = Found(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def near_by_hand(hashes: Words, wanted: Words) -> Found:
    """The same, by looking at every hash: for few."""
    if not len(hashes):
        return _NOTHING
    far = distances(hashes, wanted)
    positions = np.flatnonzero(far <= RADIUS)
    return Found(positions, far[positions])


def _keys(hashes: Words, cut: Cut) -> NDArray[np.int64]:
    """The substring of each hash; it lies in one word, or in two."""
    word, shift = divmod(cut.start, 64)
    found: Any = hashes[:, word] >> np.uint64(shift)
    if shift + cut.length > 64:
        found = found | (hashes[:, word + 1] << np.uint64(64 - shift))
    mask = np.uint64((1 << cut.length) - 1)
    keys: NDArray[np.int64] = (found & mask).astype(np.int64)
    return keys


def _masks(cut: Cut) -> NDArray[np.int64]:
    """All values with at most so many bits."""
    bits = range(cut.length)
    found = [
        sum(1 << bit for bit in chosen)
        for many in range(cut.radius + 1)
        for chosen in combinations(bits, many)
    ]
    return np.array(found, dtype=np.int64)
