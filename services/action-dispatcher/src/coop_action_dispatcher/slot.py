"""How many deliveries this process may have under way, in all and to one endpoint.

Guarantees: a slow endpoint holds at most its own share; the rest is free for others.
Must not: queue. What gets no slot stays in the database, where it costs no memory and another
process may take it.
"""

from __future__ import annotations

from collections import Counter


class Slots:
    """Counts leases from the moment they are wanted until their result is recorded."""

    def __init__(self, *, total: int, per_endpoint: int) -> None:
        self._total = total
        self._per_endpoint = per_endpoint
        self._used: Counter[str] = Counter()
        self._sum = 0

    @property
    def per_endpoint(self) -> int:
        return self._per_endpoint

    @property
    def free(self) -> int:
        """Slots left in all."""
        return max(0, self._total - self._sum)

    def free_of(self, endpoint: str) -> int:
        """Slots left for one endpoint, whatever is left in all."""
        return max(0, self._per_endpoint - self._used[endpoint])

    def left_by_endpoint(self) -> dict[str, int]:
        """Slots left by endpoint, for the endpoints that hold any."""
        return {endpoint: self.free_of(endpoint) for endpoint in self._used}

    def take(self, endpoint: str) -> bool:
        """Takes a slot if there is one."""
        if not self.free or not self.free_of(endpoint):
            return False
        self.force(endpoint)
        return True

    def force(self, endpoint: str) -> None:
        """Takes a slot for a lease that exists already."""
        self._used[endpoint] += 1
        self._sum += 1

    def give(self, endpoint: str) -> None:
        """Gives a slot back."""
        self._sum -= 1
        self._used[endpoint] -= 1
        if self._used[endpoint] <= 0:
            del self._used[endpoint]
