"""How right a rule is, by what people decided.

    precision   of the items that the rule matches, the share that people acted on
    recall      of the items that people acted on, the share that the rule matches

Guarantees: pure; each share has its Wilson score interval at 95 %, which says how little is known
where there are few, and stays between 0 and 1 (E. B. Wilson, 1927).
Must not: count what could not be decided, or was not read.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from msgspec import Struct

_Z: Final = 1.959963984540054  # 95 %


class Share(Struct, frozen=True, kw_only=True):
    """From 0 to 1, with the ends of its interval."""

    share: float
    low: float
    high: float


def share_of(part: int, whole: int) -> Share | None:
    """`part` of `whole`; None where there is nothing to have a share of."""
    if whole == 0:
        return None
    share, square = part / whole, _Z * _Z
    middle = share + square / (2 * whole)
    reach = _Z * sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    return Share(
        share=share,
        low=min(share, max(0.0, (middle - reach) / scale)),
        high=max(share, min(1.0, (middle + reach) / scale)),
    )


class Measured(Struct, frozen=True, kw_only=True):
    """Of `labelled` items, those by what the rule says and what people decided; `undecided` by the
    rule. The rest has no submission in the time, or is not read yet."""

    labelled: int
    undecided: int
    matched_acted: int
    matched_left: int
    missed_acted: int
    missed_left: int

    @property
    def precision(self) -> Share | None:
        return share_of(self.matched_acted, self.matched_acted + self.matched_left)

    @property
    def recall(self) -> Share | None:
        return share_of(self.matched_acted, self.matched_acted + self.missed_acted)
