"""One supervisor a state directory.

Guarantees: the lock goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class StateInUse(Exception):
    """Another supervisor works on the state directory."""


class StateUnusable(Exception):
    """Nothing can be written where the state is to be."""


@contextlib.contextmanager
def state_lock(state: Path) -> Iterator[None]:
    """Hold the state directory's lock. Raises StateInUse at once when somebody else has it, and
    StateUnusable when the directory cannot be made or written."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StateUnusable(
            f"The state cannot be kept in {state} ({error.strerror}): choose another directory "
            "with COOP_STATE."
        ) from error
    with os.fdopen(handle, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "unknown"
            raise StateInUse(
                f"The state in {state} is in use by another supervisor (process {holder}). "
                "Stop that one with Ctrl-C, or choose another directory with COOP_STATE."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
