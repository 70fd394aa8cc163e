"""ingest's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root. Sizes are bytes, times seconds.
"""

from __future__ import annotations

from pydantic import Field, SecretStr

from coop_runtime.process.settings import RuntimeSettings

_KIB = 1024
_MIB = 1024 * 1024


class Settings(RuntimeSettings):
    """What ingest is told.

    `ingest_max_event` keeps an event below the broker's own limit for a message (1 MiB);
    `ingest_max_bytes_in_flight` bounds what all requests together hold in memory, as sent.
    `ingest_requests_per_second` holds for each organisation that has no rate of its own;
    `ingest_burst` is how many seconds' worth may come at once. `ingest_allow_private_urls` accepts
    private and loopback hosts in items, for a platform on the same network.
    A request with `sync` waits `ingest_sync_timeout` for its rules; `ingest_sync_waiting` may wait
    at once.
    What is known of items is asked at `lookup_url`, review-api's internal API, with the secret
    `internal_token`; an answer takes `ingest_lookup_timeout` at most, `ingest_lookups` may be under
    way.
    """

    internal_port: int = Field(default=9080, ge=0, le=65535)
    ingest_host: str = "127.0.0.1"
    ingest_port: int = Field(default=8080, ge=0, le=65535)
    ingest_max_body: int = Field(default=10 * _MIB, ge=_KIB)
    ingest_max_items: int = Field(default=1_000, ge=1)
    ingest_max_item: int = Field(default=256 * _KIB, ge=_KIB)
    ingest_max_event: int = Field(default=900_000, ge=_KIB)
    ingest_max_bytes_in_flight: int = Field(default=256 * _MIB, ge=_MIB)
    ingest_ack_timeout: float = Field(default=3, gt=0, le=30)
    ingest_requests_per_second: int = Field(default=1_000, ge=1)
    ingest_burst: float = Field(default=2, ge=1)
    ingest_allow_private_urls: bool = False
    ingest_sync_timeout: float = Field(default=1, gt=0, le=10)
    ingest_sync_waiting: int = Field(default=1_000, ge=1)
    lookup_url: str = "http://127.0.0.1:8084"
    internal_token: SecretStr = SecretStr("")
    ingest_lookup_timeout: float = Field(default=3, gt=0, le=30)
    ingest_lookups: int = Field(default=50, ge=1)
