"""How long sessions last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class SessionLimits:
    """How long a session lives at most, and without a request."""

    lifetime: timedelta
    idle: timedelta

    def shortened(self, *, hours: float | None, idle_minutes: float | None) -> SessionLimits:
        """These, or what an organisation says where that is shorter."""
        limits = self
        if hours is not None:
            limits = replace(limits, lifetime=min(limits.lifetime, timedelta(hours=hours)))
        if idle_minutes is not None:
            limits = replace(limits, idle=min(limits.idle, timedelta(minutes=idle_minutes)))
        return limits
