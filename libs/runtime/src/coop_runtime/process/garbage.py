"""Garbage collection as a process wants it that runs for weeks and handles records by the thousand.

Python looks for cycles whenever 700 more objects were made than freed. A batch of records makes
some ten at once for each of them, none in a cycle, so that a consumer spent a fifth of its time
looking through what was in use, and through all modules now and then.

Guarantees: cycles are found as before, only later; what a process began with is not looked at.
Must not: be called before a process is wired.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 10_000
"""So many more objects made than freed begin a collection: the cycles that wait for it are some
megabytes at most."""
OLDER: Final = 20


def settle() -> None:
    """What is there stays: leave it alone from now on, and look at the rest more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
