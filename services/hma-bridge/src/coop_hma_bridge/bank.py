"""Banks by their numbers: entries say a number, configuration says an id.

Must not: decide whether a bank is in use; its document does.
"""

from __future__ import annotations

from collections.abc import Iterable


class BankNumbers:
    """Of all organisations; kept by the follower."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self.newest = 0

    def learn(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Number, organisation, bank."""
        for number, org_id, bank_id in rows:
            self._numbers[org_id, bank_id] = number
            self.newest = max(self.newest, number)

    def of(self, org_id: str, bank_id: str) -> int | None:
        """None for a bank that never had an entry."""
        return self._numbers.get((org_id, bank_id))
