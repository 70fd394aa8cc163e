"""How long sessions last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a session lives at most, and without a request."""

    lifetime: timedelta
    idle: timedelta
