"""What a signal is: its inputs, its output, what it costs, and where its score comes from.

Guarantees: an entry says all that binding a condition, ordering it and showing it to people needs.
Must not: compute anything. Local signals are computed by `matching`; external ones by the service
that evaluates, which hands their values in (`language.need`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from coop_contracts.config import ScalarType
from coop_contracts.event import Lane

__all__ = ["LANES", "Lane", "Matching", "MatchingFamily", "Output", "SignalType", "Thresholds"]

Output = Literal["BOOLEAN", "NUMBER", "ENUM", "STRING"]
"""What a signal's score is. ENUM: one of `SignalType.order`; STRING: text of a derived field."""

MatchingFamily = Literal["strings", "text_banks", "locations", "location_banks", "image_banks"]
"""The families of matching values: the attributes of `model.MatchingValues`, shortened."""

LANES: tuple[Lane, ...] = ("FAST", "MEDIA", "SLOW")
"""From the least to the most that a rule waits for."""


class Matching(StrEnum):
    """How the matching values of a text signal are looked for."""

    CONTAINS = "CONTAINS"  # substring
    REGEX = "REGEX"
    WORD = "WORD"  # substring between boundaries of words
    VARIANT = "VARIANT"  # as people disguise it


class Thresholds(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the signal's maker recommends."""

    high_precision: float
    high_recall: float


class SignalType(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One signal.

    `cost` orders conditions: cheap ones first (Coop's scale; a plain comparison is 0). Exactly one
    of `matching` (scanned for, with all others at once), `function` (computed here) and `external`
    (handed in as a Need's values) says where the score comes from.
    """

    name: str
    inputs: frozenset[ScalarType]
    output: Output
    cost: int
    lane: Lane = "FAST"
    needs_matching_values: frozenset[MatchingFamily] = frozenset()
    matching: Matching | None = None
    function: Literal["similarity", "geo"] | None = None
    external: bool = False
    negates: str | None = None  # the signal whose boolean this one turns around
    order: tuple[str, ...] = ()  # of an ENUM, from the lowest
    subcategories: bool = False  # a condition must name one
    full_item: bool = False  # takes the whole item, with an aggregation clause as its arguments
    derivation: str | None = None  # gives the derived field of this type; no condition names it
    allowed_in_rules: bool = True  # False: in routing rules only
    unfit_for_routing: str = ""  # why routing rules cannot have it; empty: they can
    integration: str | None = None  # whose signal it is: an Integration's id
    needs_account: bool = False  # without that account it cannot be asked
    display_name: str = ""
    description: str = ""
    recommended_thresholds: Thresholds | None = None
    languages: tuple[str, ...] = ()  # empty: all
    docs_url: str = ""
