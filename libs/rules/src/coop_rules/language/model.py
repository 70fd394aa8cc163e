"""Coop's condition JSON as a tree of typed nodes, and its limits.

Must not: read JSON (`parse` does), or know item types or banks (`predicate` and `check` do).

    ConditionSet = {conjunction: AND|OR|XOR|NOT, conditions: [Leaf | ConditionSet, …]}
    Leaf = {input, comparator?, threshold?, signal?: {id, type, subcategory?, args?},
            matchingValues?: {strings?, textBankIds?, locations?, locationBankIds?, imageBankIds?}}
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from coop_contracts.config import Location

MAX_DEPTH = 10  # condition sets inside one another
MAX_LEAVES = 500  # of one rule
MAX_STRINGS = 10_000  # matching values of one leaf; more belong into a bank
MAX_STRING_LENGTH = 10_000  # characters of a name, threshold or matching value
MAX_THRESHOLDS = 1_000  # values of one IN or NOT_IN; more belong into a bank
MAX_GROUP_BY = 5  # inputs that an aggregation groups by
MAX_WINDOW = 30 * 24 * 3600.0  # seconds of an aggregation's window
MIN_WINDOW = 1.0


class Conjunction(StrEnum):
    AND = "AND"
    OR = "OR"
    XOR = "XOR"  # exactly one
    NOT = "NOT"  # of exactly one child; new


class Comparator(StrEnum):
    EQUALS = "EQUALS"
    NOT_EQUAL_TO = "NOT_EQUAL_TO"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUALS = "LESS_THAN_OR_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUALS = "GREATER_THAN_OR_EQUALS"
    IN = "IN"  # new
    NOT_IN = "NOT_IN"  # new
    CONTAINS = "CONTAINS"  # new
    IS_UNAVAILABLE = "IS_UNAVAILABLE"
    IS_NOT_PROVIDED = "IS_NOT_PROVIDED"


class InputType(StrEnum):
    USER_ID = "USER_ID"
    FULL_ITEM = "FULL_ITEM"
    CONTENT_FIELD = "CONTENT_FIELD"
    CONTENT_COOP_INPUT = "CONTENT_COOP_INPUT"
    CONTENT_DERIVED_FIELD = "CONTENT_DERIVED_FIELD"


class CoopInput(StrEnum):
    """The inputs that are not one field."""

    ALL_TEXT = "All text"
    ANY_IMAGE = "Any image"
    ANY_GEOHASH = "Any geohash"
    ANY_VIDEO = "Any video"
    AUTHOR = "Content author (user)"
    POLICY = "Relevant Policy"
    SOURCE = "Source"


class DerivedField(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a derived field is made of, and how."""

    source: Input
    derivation_type: str


class Input(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Where a leaf's values come from. `name` is a field's or a CoopInput's."""

    type: InputType
    name: str | None = None
    content_type_id: str | None = None
    content_type_ids: tuple[str, ...] = ()  # of FULL_ITEM: empty means every type of the rule
    spec: DerivedField | None = None


class AggregationClause(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """COUNT of the items (that fulfil `condition_set`) of a group within `window` seconds. Coop's
    hopping step is read and not kept: the window slides."""

    condition_set: ConditionSet | None
    group_by: tuple[Input, ...]
    window: float


class Signal(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    type: str
    subcategory: str | None = None
    aggregation: AggregationClause | None = None


class MatchingValues(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a signal looks for."""

    strings: tuple[str, ...] = ()
    text_bank_ids: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    location_bank_ids: tuple[str, ...] = ()
    image_bank_ids: tuple[str, ...] = ()


Scalar = bool | int | float | str


class Leaf(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`threshold` is a list for IN and NOT_IN only."""

    input: Input
    comparator: Comparator | None = None
    threshold: Scalar | tuple[Scalar, ...] | None = None
    signal: Signal | None = None
    matching_values: MatchingValues | None = None


class ConditionSet(Struct, frozen=True, kw_only=True):
    conjunction: Conjunction
    conditions: tuple[ConditionSet | Leaf, ...]


class ConditionProblem(Struct, frozen=True):
    """What is wrong and where: `pointer` is an RFC 6901 JSON pointer into the checked document."""

    pointer: str
    reason: str


class ConditionError(ValueError):
    """A condition set that cannot be read; `problems` has at least one."""

    def __init__(self, problems: list[ConditionProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.reason}" for p in problems))
