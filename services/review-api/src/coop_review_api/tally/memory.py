"""What seasons say, remembered: a page of figures asks for the same year again and again.

    tally_keys.seasons_version   the database raises it with whatever changes a season of the key

Guarantees: what is remembered of a key holds as long as its version is the one that stood in the
snapshot in which it was read. At most so many numbers; the times that were not asked for longest
are forgotten first.
Must not: be asked with versions of another snapshot than that of the rest of the answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from coop_review_api.tally.bucket import Buckets

_NUMBERS: Final = 1_000_000  # of up to 36 bytes
_BESIDE: Final = 20  # numbers that have the size of what stands beside those of a key


class _Known(NamedTuple):
    version: int
    numbers: Sequence[int]


class SeasonMemory:
    """One process's: by time and key, how often in each bucket; empty where there is nothing."""

    def __init__(self, *, numbers: int = _NUMBERS) -> None:
        self._at_most = numbers
        self._held = 0
        self._times: OrderedDict[Buckets, dict[int, _Known]] = OrderedDict()

    def known(self, buckets: Buckets, versions: Mapping[int, int]) -> dict[int, Sequence[int]]:
        """Of these keys those that are remembered."""
        held = self._times.get(buckets)
        if held is None:
            return {}
        self._times.move_to_end(buckets)
        return {
            key: one.numbers
            for key, version in versions.items()
            if (one := held.get(key)) is not None and one.version == version
        }

    def keep(
        self,
        buckets: Buckets,
        versions: Mapping[int, int],
        found: Mapping[int, Sequence[int]],
    ) -> None:
        """Remember what was found of these keys; of those that are not in it: nothing."""
        held = self._times.setdefault(buckets, {})
        for key, version in versions.items():
            before = held.get(key)
            one = _Known(version, tuple(found.get(key, ())))
            held[key] = one
            self._held += _size(one) - (_size(before) if before else 0)
        while self._held > self._at_most and self._times:
            _, gone = self._times.popitem(last=False)
            self._held -= sum(map(_size, gone.values()))


def _size(one: _Known) -> int:
    return len(one.numbers) + _BESIDE
