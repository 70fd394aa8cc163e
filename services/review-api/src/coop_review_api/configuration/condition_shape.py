"""The condition JSON of rules, as the description of this API tells it.

Guarantees: what `coop_rules.language.parse` has taken has these members, and what it takes has no
others. A null is an absent one: Coop's clients write both.
Must not: read anything; the language does, and names each fault of what was sent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import JsonValue

from coop_contracts.config import Location
from coop_review_api.http.body import Model
from coop_review_api.http.shape import Shape
from coop_rules.language.model import Comparator, Conjunction, InputType

Scalar = str | int | float | bool


class ConditionInput(Model):
    """Where a condition's values come from. `name` and `contentTypeId` are those of a field, or
    `name` one of Coop's own inputs."""

    type: InputType
    name: str | None = None
    content_type_id: str | None = None
    content_type_ids: list[str] | None = None
    spec: DerivedInput | None = None


class DerivedInput(Model):
    """What a derived field is made of, and how."""

    source: ConditionInput
    derivation_type: str


class CountWindow(Model):
    size_ms: int | float
    hop_ms: int | float | None = None


class CountKind(Model):
    type: Literal["COUNT"]


class CountClause(Model):
    """How many items of a group (that fulfil `conditionSet`) came within the window."""

    aggregation: CountKind
    window: CountWindow
    id: str | None = None
    condition_set: ConditionSet | None = None
    group_by: list[ConditionInput] | None = None


class SignalArguments(Model):
    aggregation_clause: CountClause | None = None


class ConditionSignal(Model):
    """`type` names the signal; `id` is Coop's `{"type": …}` as text."""

    id: str | None = None
    type: str | None = None
    name: Any = None
    subcategory: str | None = None
    args: SignalArguments | None = None


class ConditionMatching(Model):
    """What a signal looks for."""

    strings: list[str] | None = None
    text_bank_ids: list[str] | None = None
    locations: list[Annotated[dict[str, Any], Shape(Location)]] | None = None
    location_bank_ids: list[str] | None = None
    image_bank_ids: list[str] | None = None


class Condition(Model):
    """`threshold` is a list for IN and NOT_IN only."""

    input: ConditionInput
    comparator: Comparator | None = None
    threshold: Scalar | list[Scalar] | None = None
    signal: ConditionSignal | None = None
    matching_values: ConditionMatching | None = None


class ConditionSet(Model):
    """Conditions, and sets of them."""

    conjunction: Conjunction
    conditions: list[ConditionSet | Condition]


ConditionJson = Annotated[dict[str, Any], Shape(Condition)]
ConditionSetJson = Annotated[dict[str, Any], Shape(ConditionSet)]
SentConditionSet = Annotated[dict[str, JsonValue], Shape(ConditionSet)]
"""Of a body: any JSON object, which the language then reads."""
