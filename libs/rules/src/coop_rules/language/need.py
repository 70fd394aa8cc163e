"""What a program wants to know from outside an item: the values of external signals.

Guarantees: a need's `key` is made of its meaning (signal, input, arguments) and nothing else: the
same in every rule, program, process and revision, so that recorded values find their condition
again. Must not: fetch anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from coop_rules.language.model import ConditionSet, Input, MatchingValues
from coop_rules.language.value import ValueSource
from coop_rules.signal.signal import SignalType


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A count of items, kept outside. `window` is in seconds and slides; `id` (16 hex) is made of
    the meaning, so that saving a rule again does not begin the count anew."""

    id: str
    condition_set: ConditionSet | None
    group_by: tuple[Input, ...]
    window: float


@dataclass(frozen=True, slots=True)
class Need:
    """One external signal on one input. `key`: 16 hex characters.

    A signal that negates another has no need of its own: `signal` is the one it negates.
    `matching` has the banks (for images: `image_bank_ids`).
    """

    key: str
    signal: SignalType
    values: ValueSource
    subcategory: str | None = None
    matching: MatchingValues | None = None
    aggregation: Aggregation | None = None
