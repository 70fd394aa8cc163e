"""The reporter's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root. Times are seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from coop_runtime.process.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """What the reporter is told.

    `ncmec_test_url` and `ncmec_production_url` are the bases of NCMEC's interface
    (`https://…/ispws`), or of a stand-in on this machine; there is no default, so that nobody is
    asked by accident. Another machine is asked only where `ncmec_outside` says so, real reports are
    filed only where `ncmec_environment` says so, and only with `ncmec_xsd`, the file of the schema
    that NCMEC serves at `GET /xsd`. Media lie encrypted in the folder `ncmec_evidence`, none larger
    than `ncmec_evidence_most` bytes. They are kept for `ncmec_keep_days` from the filing, which is
    a year at least; a second person may confirm a destruction for `ncmec_confirm_days`; a file that
    no row knows goes after `ncmec_orphan_days`. `ncmec_at_once` reports are worked on at once, each
    of another organisation.
    """

    internal_port: int = Field(default=9094, ge=0, le=65535)
    ncmec_host: str = "127.0.0.1"
    ncmec_port: int = Field(default=8086, ge=0, le=65535)
    internal_token: SecretStr = SecretStr("")
    ncmec_environment: Literal["test", "production"] = "test"
    ncmec_test_url: str = ""
    ncmec_production_url: str = ""
    ncmec_outside: bool = False
    ncmec_xsd: Path | None = None
    ncmec_evidence: Path = Path(".coop/evidence")
    ncmec_evidence_most: int = Field(default=4 * 1024**3, ge=1)
    ncmec_lease: float = Field(default=60, ge=1, le=600)
    ncmec_at_once: int = Field(default=4, ge=1, le=32)
    ncmec_keep_days: int = Field(default=366, ge=366, le=36_600)
    ncmec_confirm_days: int = Field(default=7, ge=1, le=90)
    ncmec_orphan_days: int = Field(default=7, ge=1, le=365)
