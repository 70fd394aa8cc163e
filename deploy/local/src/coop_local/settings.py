"""The local stack's settings, from the environment (prefix COOP_).

Must not be by-passed: no other module of the stack reads a setting from the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BrokerChoice = Literal["auto", "kafka", "tansu"]


class EngineSettings(BaseSettings):
    """Which engines to start, where their data lies, and on which ports."""

    model_config = SettingsConfigDict(
        env_prefix="COOP_", extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    state: Path = Path(".coop")
    """Everything that the stack keeps on disk."""
    cache_dir: Path | None = Field(default=None, validation_alias="COOP_CACHE")
    """What can be fetched again; by default inside the state directory."""
    broker: BrokerChoice = "auto"
    """auto: Apache Kafka, or Tansu where Kafka cannot be fetched."""

    kafka: str | None = None
    """Bootstrap servers of one's own; then no broker is started."""
    kafka_idempotence: bool = True
    """Whether the broker of one's own has idempotent producers."""
    postgres_admin: str | None = Field(
        default=None,
        validation_alias=AliasChoices("COOP_POSTGRES_ADMIN", "COOP_POSTGRES"),
    )
    """A superuser's URL of a database of one's own; then no PostgreSQL is started."""
    redis: str | None = None
    """A Redis or Valkey of one's own; then no Valkey is started."""

    kafka_port: int | None = None
    postgres_port: int | None = None
    redis_port: int | None = None
    """Ports of the embedded engines; by default free ones, chosen once and remembered."""

    engine_timeout: float = Field(default=180, gt=0)
    """Seconds that an engine may take until it answers."""

    @field_validator("state")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.absolute()

    @property
    def cache(self) -> Path:
        """Where fetched artifacts are kept."""
        return (self.cache_dir or self.state / "cache").absolute()


class Settings(EngineSettings):
    """The whole stack: the engines and the services. Times are seconds."""

    ingest_port: int = Field(default=8080, ge=1, le=65535)
    review_port: int = Field(default=8081, ge=1, le=65535)
    platform_port: int = Field(default=8082, ge=1, le=65535)
    dispatch_port: int = Field(default=8083, ge=1, le=65535)
    """The dispatcher's internal API, on loopback."""
    review_lookup_port: int = Field(default=8084, ge=1, le=65535)
    """review-api's internal API for ingest, on loopback."""
    hash_port: int = Field(default=8085, ge=1, le=65535)
    """hma-bridge's internal API for review-api, on loopback."""
    ncmec_port: int = Field(default=8086, ge=1, le=65535)
    """ncmec-reporter's internal API for review-api, on loopback."""
    ncmec_simulator_port: int = Field(default=8087, ge=1, le=65535)
    """Where reports to NCMEC are filed to on this machine."""
    internal_ports: int = Field(default=9080, ge=1, le=65000)
    """The first of the internal ports; each service takes the next one."""
    free_ports: bool = False
    """Choose free ports once, and remember them, instead of the ones above."""
    demo_rate: float = Field(default=0.05, ge=0, le=1000)
    """Items a second that the demo platform sends of its own; 0 for none."""
    demo_story: bool = True
    """Whether the demo platform tells its story: people, posts, reports, some decisions."""
    ready_timeout: float = Field(default=180, gt=0)
    """How long all services together may take until they are ready: a first start on a slow or busy
    machine takes minutes."""
    stop_timeout: float = Field(default=20, gt=0)
    """How long a service may take to stop before it is killed; its own deadline as well."""
