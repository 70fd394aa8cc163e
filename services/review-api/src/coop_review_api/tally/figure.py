"""What is counted, and by what it can be split.

    actions       asked for and not taken back        by the action's time
    reversals     what took actions back              by their own time
    decisions     on jobs, undone ones apart          when they were made
    matches       rules that passed on a submission   when it was submitted
    evaluations   of submissions, by item type, lane
                  and revision of the configuration   when it was submitted

A figure is counted whole (every dimension at once), and besides in the splits that pages ask for
often: a few hundred rows a day instead of thousands. `split_for` chooses; both are the same facts.

Guarantees: pure. A fact counts once under each value of a dimension that has many.
Must not: know a table.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

FigureName = Literal["actions", "reversals", "decisions", "matches", "evaluations"]
DimensionName = Literal[
    "ACTION",
    "ITEM_TYPE",
    "LANE",
    "POLICY",
    "QUEUE",
    "REVIEWER",
    "REVISION",
    "RULE",
    "SOURCE",
    "TYPE",
]
WHOLE: Final = "*"
SEPARATOR: Final = "\x1f"
"""Between the values of a dimension that has many, where a figure is counted whole."""

Split = tuple[DimensionName, ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`many`: the dimensions of which one fact may have several values, or none. `splits`: those
    that are kept beside the whole."""

    dimensions: tuple[DimensionName, ...]
    many: frozenset[DimensionName] = frozenset()
    splits: tuple[Split, ...] = ()


_OF_ACTIONS: Final[tuple[DimensionName, ...]] = ("ACTION", "SOURCE", "ITEM_TYPE", "RULE", "POLICY")

FIGURES: Final[Mapping[FigureName, Figure]] = {
    "actions": Figure(
        dimensions=_OF_ACTIONS,
        many=frozenset({"RULE", "POLICY"}),
        splits=((), ("ACTION",), ("SOURCE",), ("ITEM_TYPE",), ("RULE",), ("POLICY",)),
    ),
    "reversals": Figure(dimensions=_OF_ACTIONS, many=frozenset({"RULE", "POLICY"})),
    "decisions": Figure(
        dimensions=("TYPE", "ACTION", "POLICY", "QUEUE", "REVIEWER", "ITEM_TYPE"),
        many=frozenset({"TYPE", "ACTION", "POLICY"}),
        splits=((), ("REVIEWER", "TYPE"), ("REVIEWER",), ("QUEUE",), ("TYPE",), ("POLICY",)),
    ),
    "matches": Figure(dimensions=("RULE", "REVISION")),
    "evaluations": Figure(dimensions=("ITEM_TYPE", "LANE", "REVISION")),
}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened at `time`, or, with -1, that is counted no longer. `values` are in
    the order of the figure's dimensions; an empty text where there is none."""

    org_id: str
    figure: FigureName
    time: datetime
    values: tuple[str | tuple[str, ...], ...]
    grave: bool = False
    units: Literal[1, -1] = 1


def cells_of(fact: Fact) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where a fact counts: splits, by their names, with the values."""
    figure = FIGURES[fact.figure]
    yield (
        WHOLE,
        tuple(
            value if isinstance(value, str) else SEPARATOR.join(sorted(set(value)))
            for value in fact.values
        ),
    )
    by_name = dict(zip(figure.dimensions, fact.values, strict=True))
    for split in figure.splits:
        each = [
            (value,) if isinstance(value := by_name[name], str) else tuple(dict.fromkeys(value))
            for name in split
        ]
        for values in itertools.product(*each):
            yield name_of(split), values


def name_of(split: Split) -> str:
    """The name by which its rows are found."""
    return ",".join(split)


def split_for(
    figure: Figure, group_by: Collection[DimensionName], filters: Mapping[DimensionName, int]
) -> Split | None:
    """The smallest split that answers this, of filters with so many values; None: the whole does.

    Of a dimension with many values a split has one row for each: it would count a fact several
    times, unless that is grouped by, or one value of it is asked for; and one that is grouped by
    shows all values of a fact, whichever of them a filter has found.
    """
    wanted = set(group_by) | set(filters)
    for split in sorted(figure.splits, key=len):
        if not wanted <= set(split):
            continue
        if all(_tells(name, group_by, filters) for name in split if name in figure.many):
            return split
    return None


def _tells(
    name: DimensionName, group_by: Collection[DimensionName], filters: Mapping[DimensionName, int]
) -> bool:
    return (filters.get(name) == 1) != (name in group_by and name not in filters)


def positions_of(dimensions: Sequence[DimensionName]) -> Mapping[DimensionName, int]:
    """Where each dimension's value stands, from 1 as in SQL."""
    return {name: position for position, name in enumerate(dimensions, start=1)}
