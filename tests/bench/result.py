"""The one line that a benchmark prints."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from typing import Any


def show(
    bench: str,
    runs: Sequence[float],
    *,
    unit: str,
    bound: str,
    compared_to: dict[str, Any] | None = None,
) -> None:
    """Prints the line: the median of `runs`, and every run rounded to three figures."""
    line = {
        "bench": bench,
        "value": _round(statistics.median(runs)),
        "unit": unit,
        "runs": [_round(run) for run in runs],
        "bound": bound,
        "compared_to": compared_to or {},
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _round(value: float) -> float:
    return float(f"{value:.4g}")
