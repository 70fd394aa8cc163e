"""A compiled condition or condition set on its way into a program.

Guarantees: children are in the order in which they are evaluated, so that `first` is what an
evaluation of the whole always asks for.
Must not: know predicates or scans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from coop_rules.language.model import Conjunction
from coop_rules.program.index import Triggers, set_triggers
from coop_rules.program.shape import MAX_INLINE, Shape, factory, wide
from coop_rules.program.state import EvaluationState, Test

Ask = Callable[[EvaluationState], object]
"""A scan, or the scores of a signal: made when it is first asked for."""


@dataclass(frozen=True, slots=True)
class Node:
    """Its shape with the arguments of its conditions, how many nodes it has, what it costs, what it
    is filed under; `asks` are all scans and scores that it may ask for, `first` the one that it
    asks for whatever the item is, if any."""

    shape: Shape
    arguments: tuple[Any, ...]
    size: int
    cost: int
    triggers: Triggers
    weight: int
    first: Ask | None = None
    asks: frozenset[Ask] = frozenset()

    def test(self) -> Test:
        """The function of the whole tree."""
        return factory(self.shape)(*self.arguments)


def set_node(conjunction: Conjunction, found: Iterable[Node]) -> Node:
    """The node of a condition set of these children."""
    children = list(found)
    triggers, weight = set_triggers(
        conjunction, [(child.triggers, child.weight) for child in children]
    )
    # Cheap ones first; equally dear ones in the order of their shapes, so that rules that differ in
    # order alone share their code.
    children.sort(key=lambda child: (child.cost, repr(child.shape)))
    shape: Shape = (conjunction, *(child.shape for child in children))
    arguments = tuple(entry for child in children for entry in child.arguments)
    size = 1 + sum(child.size for child in children)
    if size > MAX_INLINE:
        tests = [child.test() for child in children]
        shape, arguments, size = ("C",), (wide(conjunction, tests),), 1
    return Node(
        shape=shape,
        arguments=arguments,
        size=size,
        cost=sum(child.cost for child in children),
        triggers=triggers,
        weight=weight,
        first=children[0].first if children else None,
        asks=frozenset[Ask]().union(*(child.asks for child in children)),
    )


def certain(roots: Sequence[Node], expiring: frozenset[int]) -> tuple[Ask, ...]:
    """What is asked for on every item, if every rule that has not expired is evaluated."""
    found = (root.first for index, root in enumerate(roots) if index not in expiring)
    return tuple(dict.fromkeys(ask for ask in found if ask is not None))


def doubtful(roots: Sequence[Node], asked: Sequence[Ask]) -> tuple[int, ...]:
    """The rules that may ask for something that is not `asked` anyway."""
    known = frozenset(asked)
    return tuple(index for index, root in enumerate(roots) if not root.asks <= known)
