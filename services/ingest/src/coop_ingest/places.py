"""A bounded number of places, shared by organisation.

Guarantees: whoever comes anew finds one, however many others hold: an organisation may have twice
as many as it leaves free (as with `in_flight`).
Must not: wait, or queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from coop_ingest.refusal import Refusal

_ORG_SHARE: Final = 2.0


class Places:
    """`limit` at once; `refused` makes the refusal of who finds none. An organisation that is not
    in `weights` has 1."""

    def __init__(
        self,
        limit: int,
        refused: Callable[[], Refusal],
        *,
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._limit = limit
        self._refused = refused
        self._weights = weights
        self._by_org: dict[str, int] = {}
        self._total = 0

    @property
    def taken(self) -> int:
        return self._total

    @contextmanager
    def take(self, org_id: str) -> Iterator[None]:
        """Holds a place. Raises Refusal where there is none."""
        mine = self._by_org.get(org_id, 0) + 1
        free = self._limit - self._total
        if free < 1 or mine > _ORG_SHARE * self._weights.get(org_id, 1.0) * free:
            raise self._refused()
        self._by_org[org_id] = mine
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            self._by_org[org_id] -= 1
            if not self._by_org[org_id]:
                del self._by_org[org_id]
