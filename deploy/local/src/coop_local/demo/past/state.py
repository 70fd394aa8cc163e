"""What is remembered of the month before the story."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from coop_local.engine import write_private


class PastState(msgspec.Struct):
    """When the month ended, and whether all of it is there."""

    end: datetime
    loaded: bool = False

    @classmethod
    def of(cls, file: Path) -> PastState:
        """As the file says; without one, a month that ends now."""
        if file.exists():
            return msgspec.json.decode(file.read_bytes(), type=cls)
        return cls(end=datetime.now(UTC))

    def keep(self, file: Path) -> None:
        """Write it down, whole or not at all."""
        write_private(file, msgspec.json.encode(self).decode())
