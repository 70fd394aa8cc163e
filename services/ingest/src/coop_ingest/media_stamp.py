"""Whether a submission waits for the hashes of its media.

Guarantees: only what hma-bridge will speak of is stamped: its organisation has a hash bank in use.
Must not: cost more than a look-up for an organisation that has none.
"""

from __future__ import annotations

from coop_contracts.config import HashBank, Kind
from coop_runtime.kafka.config_table import ConfigTable


class MediaStamp:
    """Asked for each submission that has a picture or a film."""

    def __init__(self, table: ConfigTable) -> None:
        self._table = table

    def awaits(self, org_id: str) -> bool:
        """Whether the organisation's media are hashed."""
        banks = self._table.all(org_id, Kind.HASH_BANK)
        return any(
            isinstance(bank, HashBank) and bank.enabled_ratio > 0 and not bank.known_good
            for bank in banks.values()
        )
