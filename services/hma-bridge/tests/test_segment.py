"""The index: exact, whatever is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coop_hma_bridge.segment import (
    BITS,
    RADIUS,
    Cut,
    Segment,
    Words,
    cuts_for,
    near_by_hand,
)


def random_hashes(size: int, seed: int = 1) -> Words:
    return np.random.default_rng(seed).integers(0, 2**64, (size, 4), dtype=np.uint64)


def flipped(found: Words, bits: Any) -> Words:
    other = found.copy()
    for bit in bits:
        other[int(bit) // 64] ^= np.uint64(1 << (int(bit) % 64))
    return other


def test_substrings_cover_all_bits_and_miss_none() -> None:
    """Every way to cut has all 256 bits once, and no spread of 31 differences escapes it."""
    for size in (0, 1_000_000, 10_000_000):
        cuts = cuts_for(size)
        covered = [bit for cut in cuts for bit in range(cut.start, cut.start + cut.length)]
        assert covered == list(range(BITS))
        assert sum(cut.radius + 1 for cut in cuts) == RADIUS + 1
    with pytest.raises(ValueError, match="miss"):
        Segment(random_hashes(1), cuts=[Cut(0, 16, 1)])


@pytest.mark.parametrize("spread", ["random", "even"])
def test_everything_within_31_bits_is_found(spread: str) -> None:
    """Planted at each distance, at random and spread as evenly as can be over the substrings; at 32
    and beyond nothing is found. What is found, with its distance, is what looking by hand finds."""
    hashes = random_hashes(20_000)
    segment = Segment(hashes)
    generator = np.random.default_rng(2)
    for distance in range(36):
        for number in range(4):
            place = int(generator.integers(len(hashes)))
            bits: Any = [(8 * n + number + 3 * (n // 32)) % BITS for n in range(distance)]
            if spread == "random":
                bits = generator.choice(BITS, distance, replace=False)
            wanted = flipped(hashes[place], bits)
            found, by_hand = segment.near(wanted), near_by_hand(hashes, wanted)
            assert found.positions.tolist() == by_hand.positions.tolist()
            assert found.distances.tolist() == by_hand.distances.tolist()
            assert (place in found.positions) == (distance <= RADIUS)


def test_hashes_alike_are_all_found() -> None:
    """Hundreds of entries with the same hash, and their neighbours, are all of them found."""
    one = random_hashes(1)[0]
    generator = np.random.default_rng(3)
    near = [flipped(one, generator.choice(BITS, n % 40, replace=False)) for n in range(1000)]
    hashes = np.array([one] * 500 + near)
    found = Segment(hashes).near(one)
    assert found.positions.tolist() == near_by_hand(hashes, one).positions.tolist()


def test_longer_substrings_find_the_same() -> None:
    """The way to cut for millions, on fewer: the tables are there for speed, not for the answer."""
    hashes = random_hashes(3_000)
    segment = Segment(hashes, cuts=cuts_for(10_000_000))
    generator = np.random.default_rng(4)
    for distance in (0, 15, 30, 31, 32):
        for place in range(20):
            wanted = flipped(hashes[place], generator.choice(BITS, distance, replace=False))
            found = segment.near(wanted)
            assert found.positions.tolist() == near_by_hand(hashes, wanted).positions.tolist()


def test_an_empty_one_finds_nothing() -> None:
    """Before the first hash there is nothing to find."""
    assert Segment(random_hashes(0)).near(random_hashes(1)[0]).positions.tolist() == []
