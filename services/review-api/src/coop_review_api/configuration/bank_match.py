"""Which entries of a bank would be found: in a text, or around a place.

Guarantees: an entry is found as a rule would find it; entries that are named are bounded; as many
are compiled at once as keep no other thread waiting.
Must not: say what a rule would do with it; a spot test does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from coop_contracts.config import Location, Point
from coop_rules.matching.geo import contains, is_unknown, location_problem
from coop_rules.matching.text import SMALL, PatternSet, ScannerCache, variant_problem
from coop_rules.signal.signal import Matching

NAMED: Final = 100
"""Entries that an answer names."""


def strings_in(
    strings: Sequence[str], text: str, matching: Matching, *, most: int = NAMED
) -> list[str]:
    """The first `most` of the strings that are in the text, as a rule would find them."""
    found: list[str] = []
    size = SMALL.get(matching, SMALL[Matching.CONTAINS])
    for start in range(0, len(strings), size):
        some = strings[start : start + size]
        if matching is Matching.VARIANT:
            some = [one for one in some if variant_problem(one) is None]
        if some:
            # One set a string: every one is told, not only the first. As many as one scanner is
            # made of at once, so that no other thread waits long.
            sets = [PatternSet(matching, [one]) for one in some]
            hits = ScannerCache().scanner(sets).scan(text)
            found += [some[index] for index in sorted(hits)]
        if len(found) >= most:
            break
    return found[:most]


def locations_around(
    locations: Sequence[Location], point: Point, *, most: int = NAMED
) -> tuple[list[Location], int]:
    """The first `most` that hold the point, and how many are not known yet."""
    found: list[Location] = []
    unknown = 0
    for one in locations:
        if is_unknown(one):
            unknown += 1
        elif len(found) < most and location_problem(one) is None and contains(one, point):
            found.append(one)
    return found, unknown
