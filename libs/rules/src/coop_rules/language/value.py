"""Where a condition's values come from: an input, given its types.

Guarantees: `bind_input` gives the same for a rule being saved and one being compiled; what it gives
can be read from any item of the type without guessing.
Must not: read values (`reading` does), or know comparators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from coop_contracts.config import ContainerType, Field, ItemType, ScalarType
from coop_rules.language.meaning import need_key
from coop_rules.language.model import ConditionProblem, CoopInput, Input, InputType
from coop_rules.language.threshold import ComparisonFamily
from coop_rules.signal.catalogue import SignalCatalogue

_FAMILIES: Mapping[ScalarType, ComparisonFamily] = {
    ScalarType.NUMBER: ComparisonFamily.NUMBER,
    ScalarType.DATETIME: ComparisonFamily.DATETIME,
    ScalarType.BOOLEAN: ComparisonFamily.BOOLEAN,
    ScalarType.USER_ID: ComparisonFamily.REFERENCE,
    ScalarType.RELATED_ITEM: ComparisonFamily.REFERENCE,
    ScalarType.IMAGE: ComparisonFamily.MEDIA,
    ScalarType.VIDEO: ComparisonFamily.MEDIA,
    ScalarType.AUDIO: ComparisonFamily.MEDIA,
    ScalarType.MEDIA: ComparisonFamily.MEDIA,
}
MEDIA_TYPES = frozenset({ScalarType.IMAGE, ScalarType.VIDEO, ScalarType.AUDIO})
ID_TYPES = frozenset(
    {ScalarType.ID, ScalarType.POLICY_ID, ScalarType.USER_ID, ScalarType.RELATED_ITEM}
)
GROUPING = frozenset({ScalarType.USER_ID, ScalarType.ID, ScalarType.STRING})
"""What an aggregation may group by, as in Coop."""

_ANY: Mapping[CoopInput, ScalarType] = {
    CoopInput.ALL_TEXT: ScalarType.STRING,
    CoopInput.ANY_IMAGE: ScalarType.IMAGE,
    CoopInput.ANY_GEOHASH: ScalarType.GEOHASH,
    CoopInput.ANY_VIDEO: ScalarType.VIDEO,
    CoopInput.AUTHOR: ScalarType.USER_ID,
    CoopInput.POLICY: ScalarType.POLICY_ID,
    CoopInput.SOURCE: ScalarType.STRING,
}
_MANY = frozenset(
    {CoopInput.ANY_IMAGE, CoopInput.ANY_GEOHASH, CoopInput.ANY_VIDEO, CoopInput.POLICY}
)


@dataclass(frozen=True, slots=True)
class ValueSource:
    """Where values come from: a field (`name` set), one of Coop's inputs (`coop`), another input
    through a derivation (`source`), or the groups of an aggregation (`group`).

    `media` narrows values of MEDIA fields to these kinds.
    """

    scalar: ScalarType
    name: str = ""
    container: ContainerType | None = None
    coop: CoopInput | None = None
    media: frozenset[ScalarType] = frozenset()
    derivation: str | None = None
    derived_by: str = ""  # the key of the need that gives the derived values
    source: ValueSource | None = None
    group: tuple[ValueSource, ...] | None = None

    @property
    def family(self) -> ComparisonFamily:
        return _FAMILIES.get(self.scalar, ComparisonFamily.TEXT)

    @property
    def is_list(self) -> bool:
        """Whether there may be several values, of which CONTAINS asks for a member."""
        return self.source is None and (self.container is not None or self.coop in _MANY)

    @property
    def is_plain(self) -> bool:
        """Whether it is one value of one field, as the item has it."""
        return bool(self.name) and self.container is None and not self.media

    def narrowed(self, kinds: frozenset[ScalarType]) -> ValueSource | None:
        """These values for a signal that takes `kinds`; None where it cannot take them."""
        if self.scalar in kinds:
            return self
        wanted = kinds & MEDIA_TYPES
        if self.scalar is ScalarType.MEDIA and wanted:
            return replace(self, media=wanted)
        return None


def bind_input(
    source: Input,
    item_type: ItemType,
    catalogue: SignalCatalogue,
    problems: list[ConditionProblem],
    *,
    routing: bool,
    at: str = "/input",
) -> ValueSource | None:
    """The values of an input in one item type; None with a problem added. An input of another item
    type is the caller's to exclude."""
    match source.type:
        case InputType.CONTENT_FIELD:
            for field in item_type.fields:
                if field.name == source.name:
                    return _field(field)
            reason = f"item type {item_type.name} has no field {source.name}"
            problems.append(ConditionProblem(f"{at}/name", reason))
        case InputType.USER_ID:
            return ValueSource(ScalarType.USER_ID, coop=CoopInput.AUTHOR)
        case InputType.FULL_ITEM:
            problems.append(
                ConditionProblem(f"{at}/type", "FULL_ITEM is for signals of the whole item")
            )
        case InputType.CONTENT_DERIVED_FIELD:
            return _derived(source, item_type, catalogue, problems, routing=routing, at=at)
        case InputType.CONTENT_COOP_INPUT:
            name = CoopInput(source.name or "")
            if routing or name not in (CoopInput.POLICY, CoopInput.SOURCE):
                return ValueSource(_ANY[name], coop=name)
            problems.append(
                ConditionProblem(f"{at}/name", f"{name} is known to routing rules only")
            )
    return None


def _field(field: Field) -> ValueSource:
    if field.container is not None:
        return ValueSource(
            field.container.value_scalar_type,
            name=field.name,
            container=field.container.container_type,
        )
    return ValueSource(ScalarType(field.type), name=field.name)


def _derived(
    source: Input,
    item_type: ItemType,
    catalogue: SignalCatalogue,
    problems: list[ConditionProblem],
    *,
    routing: bool,
    at: str,
) -> ValueSource | None:
    assert source.spec is not None  # the reader has seen to it
    signal = catalogue.deriving(source.spec.derivation_type)
    if signal is None:
        reason = f"{source.spec.derivation_type[:100]} is not a known derivation"
        problems.append(ConditionProblem(f"{at}/spec/derivationType", reason))
        return None
    inner = source.spec.source
    if inner.type is InputType.FULL_ITEM:
        # Of a whole item, what can be transcribed is its videos.
        inner = Input(type=InputType.CONTENT_COOP_INPUT, name=CoopInput.ANY_VIDEO)
    place = f"{at}/spec/source"
    values = bind_input(inner, item_type, catalogue, problems, routing=routing, at=place)
    if values is None:
        return None
    narrowed = values.narrowed(signal.inputs)
    if narrowed is None:
        eligible = ", ".join(sorted(signal.inputs))
        reason = f"{values.scalar} is not eligible: {source.spec.derivation_type} takes {eligible}"
        problems.append(ConditionProblem(f"{at}/spec/source", reason))
        return None
    return ValueSource(
        ScalarType.STRING,
        container=values.container,
        derivation=signal.derivation,
        derived_by=need_key(signal.name, inner),
        source=narrowed,
    )
