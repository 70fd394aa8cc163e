"""A plugin that is good, and how to make one that is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from coop_contracts.config import ScalarType
from coop_signals.manifest import Manifest, ModelCard, SignalDeclaration
from coop_signals.plugin import Context, Plugin, load

CARD = ModelCard(
    training_data="None.",
    policy_and_taxonomy="Length.",
    annotation_methodology="None.",
    performance_benchmarks="None.",
    bias_and_limitations="Counts characters, understands nothing.",
    implementation_guidance="Compare with a number.",
    relevant_links=("https://example.com/",),
)
LENGTH = SignalDeclaration(
    name="TEXT_LENGTH",
    display_name="Length",
    description="Characters.",
    inputs=frozenset({ScalarType.STRING}),
    output="NUMBER",
    cost=2,
)
MANIFEST = Manifest(
    id="LENGTHS",
    name="Lengths",
    version="1.0",
    docs_url="https://example.com/",
    model_card=CARD,
    signals=(LENGTH,),
)


async def length(value: Any, _context: Context) -> int:
    return len(value)


class Entry:
    """An entry point that gives what it is told, or raises it."""

    def __init__(self, name: str, content: object) -> None:
        self.name = name
        self.dist = None
        self._content = content

    def load(self) -> object:
        if isinstance(self._content, BaseException):
            raise self._content
        if callable(self._content):
            return self._content()
        return self._content


def entry(place: str, /, **changes: Any) -> Entry:
    """A plugin that is good but for the changes to its manifest (or to its `functions`)."""
    functions = changes.pop("functions", {"TEXT_LENGTH": length})
    rest = {key: changes.pop(key) for key in ("timeout", "concurrency") if key in changes}
    return Entry(place, Plugin(msgspec.structs.replace(MANIFEST, **changes), functions, **rest))


def known(function: Callable[..., Awaitable[object]], **changes: Any) -> Any:
    found = load([entry("a", functions={"TEXT_LENGTH": function}, **changes)])
    assert found.problems == ()
    return found
