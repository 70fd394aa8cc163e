"""What was hashed a while ago: by address, and by what the file is.

Guarantees: bounded in number, least recently asked goes first; an address is believed for a while
only, a file's hashes for good.
Must not: outlive the process, or hold anything of a file but its hashes.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """At most `most` values, each for `seconds`."""

    def __init__(
        self, *, most: int, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._kept: OrderedDict[tuple[str, ...], tuple[float, V]] = OrderedDict()

    def get(self, *key: str) -> V | None:
        """The value, if it is not too old."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] + self._seconds <= self._now():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, value: V, *key: str) -> None:
        """Remember it from now on."""
        self._kept[key] = (self._now(), value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
