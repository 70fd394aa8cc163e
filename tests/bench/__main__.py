"""Runs the benchmarks: all of them, or those named.

python -m tests.bench [name …]      a name is what follows `bench_` in a file of this folder
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Runs each benchmark; returns the exit code."""
    found = sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    chosen = [name for name in found if not names or any(name.startswith(one) for one in names)]
    if not chosen:
        sys.stderr.write(f"no benchmark is named {' '.join(names)}; there are {', '.join(found)}\n")
        return 2
    for name in chosen:
        importlib.import_module(f"tests.bench.bench_{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
