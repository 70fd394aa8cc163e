"""What a dispatcher may be tuned by. Data only."""

from __future__ import annotations

from msgspec import Struct

from coop_action_dispatcher.breaker import BreakerLimits
from coop_action_dispatcher.retention import Retention
from coop_action_dispatcher.schedule import RETRY_DELAYS


class Tuning(Struct, frozen=True, kw_only=True):
    """Times are seconds. See the settings of the same names."""

    timeout: float = 15.0
    retry_delays: tuple[float, ...] = RETRY_DELAYS
    concurrency: int = 256
    endpoint_concurrency: int = 64
    heartbeat: float = 2.0
    owner_timeout: float = 6.0
    record_linger: float = 0.02
    breaker: BreakerLimits = BreakerLimits()
    retention: Retention = Retention()
    drain: float = 10.0
