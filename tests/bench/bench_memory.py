"""Resident memory of each service, idle: the whole system started again, nothing sent since."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.result import show
from tests.local_stack import LocalStack

_SETTLE_S = 5.0
_MIB = 1024 * 1024


def main() -> None:
    """Prints one line: the largest service's memory, and every service's beside it."""
    with tempfile.TemporaryDirectory(prefix="coop-bench-") as folder:
        state = Path(folder) / "state"
        # The first start makes the demo organisation, which is work.
        with LocalStack(state):
            pass
        with LocalStack(state) as stack:
            time.sleep(_SETTLE_S)
            run = stack.run_file()
            used = {
                name: round(psutil.Process(process["pid"]).memory_info().rss / _MIB, 1)
                for name, process in run["services"].items()
            }
    show(
        "idle_memory_of_the_largest_service",
        [max(used.values())],
        unit="MiB resident",
        bound="< 150",
        compared_to=used,
    )


if __name__ == "__main__":
    main()
