"""The stand-in's settings, from the environment (prefix `COOP_`).

Must not: let it be reached from another machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from coop_runtime.process.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """What the stand-in is told. `ncmec_xsd` is the file of the schema: NCMEC's, from `GET /xsd`;
    without it documents are held against our own description of the interface. Who shows the user
    and the password may file."""

    internal_port: int = Field(default=9097, ge=0, le=65535)
    ncmec_simulator_host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    ncmec_simulator_port: int = Field(default=8087, ge=0, le=65535)
    ncmec_simulator_user: str = "demo"
    ncmec_simulator_password: str = "demo"  # noqa: S105 - opens nothing but this stand-in
    ncmec_xsd: Path | None = None
