"""The dispatcher's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root. Times are seconds.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from coop_action_dispatcher.schedule import RETRY_DELAYS
from coop_runtime.settings import CommaSeparated, RuntimeSettings


class Settings(RuntimeSettings):
    """What the dispatcher is told.

    `delivery_retry_delays` (`COOP_DELIVERY_RETRY_DELAYS`, comma separated) are the waits between
    attempts. A process whose heartbeat is older than `delivery_owner_timeout` counts as dead, and
    what it was sending is sent again.
    """

    internal_port: int = Field(default=9085, ge=0, le=65535)
    delivery_retry_delays: CommaSeparated = tuple(str(delay) for delay in RETRY_DELAYS)
    delivery_timeout: float = Field(default=15, gt=0, le=60)
    delivery_concurrency: int = Field(default=256, ge=1, le=10_000)
    delivery_endpoint_concurrency: int = Field(default=64, ge=1, le=10_000)
    delivery_heartbeat: float = Field(default=2, gt=0)
    delivery_owner_timeout: float = Field(default=6, gt=0)
    delivery_record_linger: float = Field(default=0.005, ge=0, le=1)

    @field_validator("delivery_retry_delays")
    @classmethod
    def _delays(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(float(delay) >= 0 for delay in value):
            raise ValueError("each delay must be a number of seconds")
        return value

    @property
    def retry_delays(self) -> tuple[float, ...]:
        return tuple(float(delay) for delay in self.delivery_retry_delays)
