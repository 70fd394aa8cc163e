"""What is built beside: one job after the other, in a thread that lives while there are some.

Guarantees: a job that fails is logged and keeps up no other.
Must not: know what is built.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Builder:
    """Takes jobs from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._working = False

    def later(self, job: Callable[[], None]) -> None:
        """Does the job after those that are waiting."""
        with self._changed:
            self._jobs.append(job)
            if not self._working:
                self._working = True
                threading.Thread(target=self._run, name="matcher builder", daemon=True).start()

    def settle(self, timeout: float) -> bool:
        """Waits until there is nothing to do; False if that takes longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._working, timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._jobs:
                    self._working = False
                    self._changed.notify_all()
                    return
                job = self._jobs.popleft()
            try:
                job()
            except Exception:  # noqa: BLE001 - logged
                # The scanner answers the same as it is, only slower.
                _log.exception("matcher could not be put together")
            del job
