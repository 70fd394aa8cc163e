"""How many deliveries this process may have under way: in all, of an organisation, to an endpoint.

Guarantees: whoever comes anew finds a free slot, however many slow endpoints there are. A limit is
a share of what is free just now (dynamic thresholds: A. Choudhury, E. Hahne, IEEE/ACM Transactions
on Networking 6(2), 1998): hogs leave room by themselves, and one alone may have much.
Must not: queue. What gets no slot stays in the database, where it costs no memory and another
process may take it.

An organisation may have twice what it leaves free (two thirds, when it is alone), an endpoint half
of what is left to its organisation. Of 256 slots, one slow endpoint has 64 (the fixed limit), ten
of one organisation have 16 each; 96 stay free, 32 of them for the organisation's other endpoints.
An organisation that is suspended gets none: what is its waits in the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

ENDPOINT_SHARE = 0.5
ORG_SHARE = 2.0


class Slots:
    """Counts leases from the moment they are wanted until their result is recorded.

    `per_endpoint` is a fixed limit beside the shares of what is free.
    """

    def __init__(
        self,
        *,
        total: int,
        per_endpoint: int,
        endpoint_share: float = ENDPOINT_SHARE,
        org_share: float = ORG_SHARE,
    ) -> None:
        self._total = total
        self._per_endpoint = per_endpoint
        self._endpoint_share = endpoint_share
        self._org_share = org_share
        self._used: Counter[int] = Counter()
        self._used_of_org: Counter[str] = Counter()
        self._sum = 0
        self._closed_to: Callable[[str], bool] = _open_to_all

    def close_to(self, closed_to: Callable[[str], bool]) -> None:
        """Ask this, each time, whether an organisation gets no slot."""
        self._closed_to = closed_to

    def closed_to(self, org_id: str) -> bool:
        """Whether the organisation gets no slot, however many are free."""
        return self._closed_to(org_id)

    @property
    def used(self) -> int:
        """Slots in use."""
        return self._sum

    @property
    def free(self) -> int:
        """Slots left in all."""
        return max(0, self._total - self._sum)

    def room(self, org_id: str, endpoint_id: int) -> int:
        """How many the endpoint may take now. An upper bound: each one taken makes it smaller."""
        if self._closed_to(org_id):
            return 0
        free = self.free
        of_org = min(free, _below(free * self._org_share) - self._used_of_org[org_id])
        mine = min(self._per_endpoint, _below(of_org * self._endpoint_share))
        return max(0, min(of_org, mine - self._used[endpoint_id]))

    def take(self, org_id: str, endpoint_id: int) -> bool:
        """Takes a slot if there is one."""
        if not self.room(org_id, endpoint_id):
            return False
        self._used[endpoint_id] += 1
        self._used_of_org[org_id] += 1
        self._sum += 1
        return True

    def give(self, org_id: str, endpoint_id: int) -> None:
        """Gives a slot back."""
        self._sum -= 1
        self._used[endpoint_id] -= 1
        if self._used[endpoint_id] <= 0:
            del self._used[endpoint_id]
        self._used_of_org[org_id] -= 1
        if self._used_of_org[org_id] <= 0:
            del self._used_of_org[org_id]


def _open_to_all(_org_id: str) -> bool:
    return False


def _below(limit: float) -> int:
    """The number of slots with which one is below the limit before the last is taken."""
    return -int(-limit // 1)
