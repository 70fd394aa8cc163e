"""The rules engine's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root.
"""

from __future__ import annotations

from pydantic import Field

from coop_runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """What the rules engine is told. `rules_batch` is how many items are handled at a time, and
    `rules_batches_in_flight` how many batches may wait for the broker's acknowledgement."""

    internal_port: int = Field(default=9083, ge=0, le=65535)
    rules_batch: int = Field(default=500, ge=1, le=10_000)
    rules_batches_in_flight: int = Field(default=4, ge=1, le=64)
