"""Which lane a rule runs in: how long it has to wait for what it asks.

Guarantees: total: a condition set that cannot be read has the lane of what could be read of it.
Must not: check anything, or depend on item types.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec

from coop_contracts.event import Lane
from coop_rules.language.model import MAX_DEPTH
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import LANES

_DEEPEST = 2 * MAX_DEPTH


def rule_lane(condition_set: object, catalogue: SignalCatalogue) -> Lane:
    """SLOW if a condition needs a signal of the slow lane or a derived field, else MEDIA if one
    needs what is known of media, else FAST. `condition_set` is decoded JSON."""
    found = 0
    for leaf in _leaves(condition_set, 0):
        found = max(found, LANES.index(_lane(leaf, catalogue)))
    return LANES[found]


def _leaves(node: object, depth: int) -> Iterator[dict[str, Any]]:
    if not isinstance(node, dict) or depth > _DEEPEST:
        return
    children = node.get("conditions")
    if isinstance(children, list):
        for child in children:
            yield from _leaves(child, depth + 1)
    else:
        yield node


def _lane(leaf: dict[str, Any], catalogue: SignalCatalogue) -> Lane:
    lanes: list[Lane] = ["FAST"]
    source = leaf.get("input")
    spec = source.get("spec") if isinstance(source, dict) else None
    if isinstance(spec, dict):
        deriving = catalogue.deriving(str(spec.get("derivationType")))
        lanes.append("SLOW" if deriving is None else deriving.lane)
    found = catalogue.get(_signal_name(leaf.get("signal")))
    if found is not None:
        lanes.append(found.lane)
    return max(lanes, key=LANES.index)


def _signal_name(signal: object) -> str:
    if not isinstance(signal, dict):
        return ""
    named = signal.get("type")
    if named is None and isinstance(signal.get("id"), str):
        with contextlib.suppress(msgspec.DecodeError):
            named = msgspec.json.decode(signal["id"], type=dict[str, Any]).get("type")
    return str(named)
