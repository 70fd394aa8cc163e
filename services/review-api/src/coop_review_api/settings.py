"""Settings of review-api, read from the environment once.

Guarantees: times are seconds. Must not: hold defaults for secrets.
"""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from coop_review_api.kernel.live_limit import LiveLimits
from coop_review_api.kernel.mail_server import MailServer, Tls
from coop_review_api.kernel.session_limit import SessionLimits
from coop_runtime.process.settings import CommaSeparated, Networks
from coop_signals import SignalSettings

_ORIGIN = r"^https?://[A-Za-z0-9.\-\[\]:]+$"


class Settings(SignalSettings):
    """`review_origins`: origins, such as `https://review.example.com`, that pages which log in may
    come from, beside the API's own host. `review_secure_cookies` may only be off where browsers
    reach the API without TLS. `review_trusted_proxies`: addresses, and networks (`10.0.0.0/8`), of
    proxies whose X-Forwarded-For is believed. Times are seconds.

    `review_public_url`: where browsers and identity providers reach this API; `review_console_url`:
    where people reach the console (empty: at the same place). `review_console`: the folder of the
    built console, with its index.html, served beside the API (empty: none is).

    `review_live_…`: pages that are told of changes: how many, how often at most, and for how long
    until they have to connect again.

    A reviewer holds at most `review_max_claims` jobs at once. The enabled rules of an item type may
    take `review_rule_cost_ceiling` milliseconds of processor time for an item; what would take more
    is not saved.

    Veiled media are kept in `object_store` (`file:///folder`, `s3://bucket/prefix`; `memory:///`:
    nowhere), at most `review_media_bytes`, for `review_media_days` after somebody last saw them.

    `dispatch_url` is the dispatcher's internal API, `hash_url` hma-bridge's, `ncmec_url`
    ncmec-reporter's, `internal_token` the secret shared with all of them. Reports to NCMEC are real
    ones only where `ncmec_environment` says so, to the reporter as well. Actions that are decided
    together with a report wait until its media are held as evidence, for `review_evidence_wait` at
    most: longer than the reporter tries to have a medium (ten minutes). 0: they do not wait.

    Mails are sent where `smtp_host` is set, from `smtp_from`; `smtp_certificates` is a file of
    authorities to trust besides the system's.
    """

    internal_port: int = Field(default=9081, ge=0, le=65535)
    review_host: str = "127.0.0.1"
    review_port: int = Field(default=8081, ge=0, le=65535)
    review_secure_cookies: bool = True
    review_public_url: str = Field(default="http://127.0.0.1:8081", pattern=_ORIGIN)
    review_console: str = ""
    review_console_url: str = Field(default="", pattern=f"^$|{_ORIGIN}")
    review_origins: CommaSeparated = ()
    review_trusted_proxies: Networks = ()
    review_session_lifetime: float = Field(default=12 * 3600, gt=0)
    review_session_idle: float = Field(default=2 * 3600, gt=0)
    review_lease: float = Field(default=600, ge=10, le=3600)
    review_skip: float = Field(default=1800, ge=0)
    review_max_claims: int = Field(default=5, ge=1, le=100)
    review_rule_cost_ceiling: float = Field(default=50, gt=0)
    review_max_body: int = Field(default=1_000_000, ge=1_000)  # bytes
    review_live_streams: int = Field(default=1000, ge=1, le=100_000)  # of one process
    review_live_every: float = Field(default=1, ge=0.05, le=60)
    review_live_lifetime: float = Field(default=300, ge=0.1, le=3600)
    object_store: str = "memory:///"
    review_media_bytes: int = Field(default=1024**3, ge=0)
    review_media_days: float = Field(default=30, gt=0, le=3650)
    review_log_head_check: float = Field(default=2, gt=0)
    dispatch_url: str = "http://127.0.0.1:8083"
    hash_url: str = "http://127.0.0.1:8085"
    ncmec_url: str = "http://127.0.0.1:8086"
    ncmec_environment: Literal["test", "production"] = "test"
    review_evidence_wait: float = Field(default=900, ge=0, le=86_400)
    internal_token: SecretStr = SecretStr("")
    smtp_host: str | None = None
    smtp_port: int | None = Field(default=None, ge=1, le=65535)
    smtp_tls: Tls = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str | None = None
    smtp_certificates: str | None = None

    @model_validator(mode="after")
    def _can_mail(self) -> Self:
        if self.smtp_host is not None:
            if "@" not in parseaddr(self.smtp_from or "")[1]:
                raise ValueError("COOP_SMTP_FROM must be an address where COOP_SMTP_HOST is set")
            if self.smtp_user is not None and self.smtp_tls == "none":
                raise ValueError("COOP_SMTP_PASSWORD is not shown to a server without TLS")
        return self

    @property
    def mail_server(self) -> MailServer | None:
        """Where mails go; None where they go nowhere."""
        if self.smtp_host is None or self.smtp_from is None:
            return None
        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            tls=self.smtp_tls,
            user=self.smtp_user,
            password=self.smtp_password.get_secret_value() or None,
            sender=self.smtp_from,
            certificates=self.smtp_certificates,
        )

    @property
    def console_url(self) -> str:
        """Where people reach the console: an origin, without a path."""
        return self.review_console_url or self.review_public_url

    @property
    def live_limits(self) -> LiveLimits:
        return LiveLimits(
            every=self.review_live_every,
            lifetime=self.review_live_lifetime,
            streams=self.review_live_streams,
        )

    @property
    def session_limits(self) -> SessionLimits:
        return SessionLimits(
            lifetime=timedelta(seconds=self.review_session_lifetime),
            idle=timedelta(seconds=self.review_session_idle),
        )


class ProjectorSettings(Settings):
    """`review_recent_window`: seconds for which every submission is kept, so that its evaluation
    finds it; those whose evaluation is recorded stay, like the evaluations, for
    `review_retention_days`."""

    internal_port: int = Field(default=9087, ge=0, le=65535)
    review_recent_window: float = Field(default=6 * 3600, ge=60)
    review_retention_days: float = Field(default=30, ge=1, le=3650)
    review_retention_check: float = Field(default=60, gt=0)  # seconds
    review_projector_batch: int = Field(default=1000, ge=1, le=10_000)


class HistorySettings(Settings):
    """`review_history_window`: seconds for which an organisation that keeps no history has its
    items, so that what is done about one finds it. How long others keep theirs is their own setting
    (`item_history_days`)."""

    internal_port: int = Field(default=9095, ge=0, le=65535)
    review_history_window: float = Field(default=6 * 3600, ge=60)
    review_history_check: float = Field(default=600, gt=0)
    review_history_batch: int = Field(default=1000, ge=1, le=10_000)


class LookupSettings(Settings):
    """What platforms may know of their items, asked by ingest with the secret `internal_token`."""

    internal_port: int = Field(default=9096, ge=0, le=65535)
    review_lookup_host: str = "127.0.0.1"
    review_lookup_port: int = Field(default=8084, ge=0, le=65535)


class RelaySettings(Settings):
    """The relay beside an api on one machine. `review_bulk_rate` is in items a second, of all bulk
    actions and all relays together. `review_erasure_settle`: seconds after which an erasure goes by
    once more, for what was on its way; shorter than decisions are held (`undo_window`) or consumers
    are behind, it says that it is done too soon."""

    internal_port: int = Field(default=9082, ge=0, le=65535)
    review_bulk_rate: float = Field(default=500, gt=0, le=100_000)
    review_erasure_settle: float = Field(default=7200, ge=1, le=86_400)


class ImportSettings(Settings):
    """Moving in from Coop. `import_dsn` is Coop's own database (`postgresql://user:password@host/db`,
    of a role that may only read), `import_redis` its Redis (`redis://…`), in which review jobs
    wait."""

    import_dsn: SecretStr = SecretStr("")
    import_redis: SecretStr = SecretStr("")
