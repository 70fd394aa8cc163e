"""The dispatcher's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root. Times are seconds.
"""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from coop_action_dispatcher.breaker import BreakerLimits
from coop_action_dispatcher.retention import MIN_DAYS, Retention
from coop_action_dispatcher.schedule import RETRY_DELAYS
from coop_action_dispatcher.tuning import Tuning
from coop_runtime.process.settings import CommaSeparated, RuntimeSettings

_DAY = 24 * 3600.0


class Settings(RuntimeSettings):
    """What the dispatcher is told.

    `delivery_retry_delays` (`COOP_DELIVERY_RETRY_DELAYS`, comma separated) are the waits between
    attempts. `delivery_breaker_failures` in a row open an endpoint's breaker for
    `delivery_breaker_open`, doubling up to `delivery_breaker_open_max`; after `delivery_pause_days`
    without success it is paused. A process whose heartbeat is older than `delivery_owner_timeout`
    counts as dead, and what it was sending is sent again.
    """

    internal_port: int = Field(default=9085, ge=0, le=65535)
    delivery_retry_delays: CommaSeparated = tuple(str(delay) for delay in RETRY_DELAYS)
    delivery_timeout: float = Field(default=15, gt=0, le=60)
    delivery_concurrency: int = Field(default=256, ge=1, le=10_000)
    delivery_endpoint_concurrency: int = Field(default=64, ge=1, le=10_000)
    delivery_heartbeat: float = Field(default=2, gt=0)
    delivery_owner_timeout: float = Field(default=6, gt=0)
    delivery_record_linger: float = Field(default=0.02, ge=0, le=1)
    delivery_breaker_failures: int = Field(default=10, ge=1)
    delivery_breaker_open: float = Field(default=5, gt=0)
    delivery_breaker_open_max: float = Field(default=60, gt=0)
    delivery_pause_days: float = Field(default=5, gt=0)
    delivery_retention_days: float = Field(default=90, ge=MIN_DAYS)

    @field_validator("delivery_retry_delays")
    @classmethod
    def _delays(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(float(delay) >= 0 for delay in value):
            raise ValueError("each delay must be a number of seconds")
        return value

    @property
    def tuning(self) -> Tuning:
        """All of it, for the dispatcher."""
        return Tuning(
            timeout=self.delivery_timeout,
            retry_delays=tuple(float(delay) for delay in self.delivery_retry_delays),
            concurrency=self.delivery_concurrency,
            endpoint_concurrency=self.delivery_endpoint_concurrency,
            heartbeat=self.delivery_heartbeat,
            owner_timeout=self.delivery_owner_timeout,
            record_linger=self.delivery_record_linger,
            breaker=BreakerLimits(
                failures=self.delivery_breaker_failures,
                first=self.delivery_breaker_open,
                last=self.delivery_breaker_open_max,
                pause_after=self.delivery_pause_days * _DAY,
            ),
            retention=Retention(keep_for=self.delivery_retention_days * _DAY),
            drain=self.stop_timeout / 2,
        )


class ApiSettings(RuntimeSettings):
    """The role `api`. `internal_token` is the secret that its callers share with it."""

    internal_port: int = Field(default=9086, ge=0, le=65535)
    dispatch_host: str = "127.0.0.1"
    dispatch_port: int = Field(default=8083, ge=0, le=65535)
    internal_token: SecretStr = SecretStr("")
