"""How many times the processor time of one way another takes: by turns, so that whatever else the
machine does meets both."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """Of each turn; the medians of both in seconds of CPU an entry."""

    turns: list[float]
    cost: float
    base: float


def ratio(
    way: Callable[[bytes], object],
    base: Callable[[bytes], object],
    fresh: Callable[[], Sequence[bytes]],
    *,
    turns: int = 5,
) -> Ratio:
    """Both on entries that are new in each turn; the first turn warms up and does not count."""
    found: list[tuple[float, float]] = []
    for turn in range(turns + 1):
        costs = []
        for run in (way, base):
            entries = fresh()
            gc.collect()
            gc.freeze()  # as services do with what they hold
            began = time.process_time()
            for entry in entries:
                run(entry)
            costs.append((time.process_time() - began) / len(entries))
        if turn:
            found.append((costs[0], costs[1]))
    gc.unfreeze()
    return Ratio(
        [one / other for one, other in found],
        statistics.median(one for one, _ in found),
        statistics.median(other for _, other in found),
    )
