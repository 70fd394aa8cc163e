"""Settings of review-api, read from the environment once.

Guarantees: times are seconds. Must not: hold defaults for secrets.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from coop_review_api.session_limit import Limits
from coop_runtime.settings import CommaSeparated, RuntimeSettings


class Settings(RuntimeSettings):
    """`review_origins`: origins, such as `https://review.example.com`, that pages which log in may
    come from, beside the API's own host. `review_secure_cookies` may only be off where browsers
    reach the API without TLS. `review_trusted_proxies`: addresses whose X-Forwarded-For is
    believed. Times are seconds.
    """

    internal_port: int = Field(default=9081, ge=0, le=65535)
    review_host: str = "127.0.0.1"
    review_port: int = Field(default=8081, ge=0, le=65535)
    review_secure_cookies: bool = True
    review_origins: CommaSeparated = ()
    review_trusted_proxies: CommaSeparated = ()
    review_session_lifetime: float = Field(default=12 * 3600, gt=0)
    review_session_idle: float = Field(default=2 * 3600, gt=0)
    review_lease: float = Field(default=600, ge=10, le=3600)
    review_skip: float = Field(default=1800, ge=0)
    review_max_body: int = Field(default=1_000_000, ge=1_000)  # bytes
    review_pool: int = Field(default=10, ge=2)  # database connections
    review_log_head_check: float = Field(default=2, gt=0)

    @property
    def session_limits(self) -> Limits:
        return Limits(
            lifetime=timedelta(seconds=self.review_session_lifetime),
            idle=timedelta(seconds=self.review_session_idle),
        )


class RelaySettings(Settings):
    """The relay beside an api on one machine."""

    internal_port: int = Field(default=9082, ge=0, le=65535)
