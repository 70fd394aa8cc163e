"""How many bytes of requests a process holds, shared by organisation.

Guarantees: whoever comes anew finds room, however much others hold: an organisation may hold twice
what it leaves free (two thirds, when it is alone; dynamic thresholds: A. Choudhury, E. Hahne,
IEEE/ACM Transactions on Networking 6(2), 1998). Where there is no room, bodies that arrive slowly
lose first: the organisation's own, or anybody's when the process is full. A body that arrives in
pieces counts as at least `LEAST` bytes, so that many that stand still are bounded too.
Must not: read, or wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

LEAST: Final = 64 * 1024
SLOW: Final = 16 * 1024
"""Bytes a second below which a body that has been arriving for `PATIENCE` seconds may be cut."""
PATIENCE: Final = 3.0

_ORG_SHARE = 2.0


class Arrival:
    """One body that arrives in pieces: what is held of it, since when, and how it is cut off."""

    __slots__ = ("began", "counted", "cut", "held", "lost", "org_id")

    def __init__(self, org_id: str, began: float, cut: Callable[[], None]) -> None:
        self.org_id = org_id
        self.began = began
        self.cut = cut
        self.held = 0
        self.counted = 0
        self.lost = False

    def rate(self, now: float) -> float:
        """Bytes a second so far."""
        return self.held / max(now - self.began, 1e-6)


class BytesInFlight:
    """All bodies of a process. `now` is a monotonic clock in seconds; an organisation that is not
    in `weights` has 1."""

    def __init__(
        self,
        limit: int,
        *,
        now: Callable[[], float],
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._limit = limit
        self._now = now
        self._weights = weights
        self._by_org: dict[str, int] = {}
        self._total = 0
        self._arriving: set[Arrival] = set()

    @property
    def total(self) -> int:
        """Bytes held, as counted."""
        return self._total

    def hold(self, org_id: str, count: int) -> bool:
        """A body that is here; False when there is no room. Give it back with `release`."""
        # Once a request: what `_fits` and `_add` do, without calling them.
        by_org = self._by_org
        mine = by_org.get(org_id, 0) + count
        free = self._limit - self._total
        if count > free or mine > _ORG_SHARE * self._weights.get(org_id, 1.0) * free:
            if not self._make_room(org_id, count):
                return False
            mine = by_org.get(org_id, 0) + count
        by_org[org_id] = mine
        self._total += count
        return True

    def release(self, org_id: str, count: int) -> None:
        """A body of so many bytes is no longer held."""
        self._by_org[org_id] -= count
        self._total -= count

    def begin(self, org_id: str, cut: Callable[[], None]) -> Arrival:
        """A body begins to arrive; `cut` ends it. It takes room with its first bytes. End it with
        `arrived` or `drop`."""
        arrival = Arrival(org_id, self._now(), cut)
        self._arriving.add(arrival)
        return arrival

    def hold_more(self, arrival: Arrival, count: int) -> bool:
        """`count` more bytes of it are here; False when there is no room, or it was cut off."""
        more = max(arrival.held + count, LEAST) - arrival.counted
        room = not arrival.lost and (
            self._fits(arrival.org_id, more) or self._make_room(arrival.org_id, more, but=arrival)
        )
        if room:
            arrival.held += count
            arrival.counted += more
            self._add(arrival.org_id, more)
        return room

    def arrived(self, arrival: Arrival) -> None:
        """All of it is here; give its `held` back with `release`."""
        self._arriving.discard(arrival)
        self._add(arrival.org_id, arrival.held - arrival.counted)

    def drop(self, arrival: Arrival) -> None:
        """It will not be used."""
        self._arriving.discard(arrival)
        self._add(arrival.org_id, -arrival.counted)
        arrival.counted = 0

    def _add(self, org_id: str, count: int) -> None:
        self._total += count
        self._by_org[org_id] = self._by_org.get(org_id, 0) + count

    def _fits(self, org_id: str, more: int) -> bool:
        free = self._limit - self._total
        share = _ORG_SHARE * self._weights.get(org_id, 1.0)
        return more <= free and self._by_org.get(org_id, 0) + more <= share * free

    def _make_room(self, org_id: str, more: int, *, but: Arrival | None = None) -> bool:
        """Cuts slow bodies off until it fits: the organisation's own, then, if the process is full,
        anybody's."""
        slow = self._slow(but)
        self._cut([one for one in slow if one.org_id == org_id], org_id, more)
        if more > self._limit - self._total:
            self._cut([one for one in slow if one.org_id != org_id], org_id, more)
        return self._fits(org_id, more)

    def _slow(self, but: Arrival | None) -> list[Arrival]:
        now = self._now()
        found = [
            one
            for one in self._arriving
            if one is not but and now - one.began >= PATIENCE and one.rate(now) < SLOW
        ]
        return sorted(found, key=lambda one: one.rate(now))

    def _cut(self, slow: Iterable[Arrival], org_id: str, more: int) -> None:
        for one in slow:
            if self._fits(org_id, more):
                return
            self.drop(one)
            one.lost = True
            one.cut()
