"""The settings of the command line: where the broker is.

`COOP_KAFKA` and, for a broker without idempotent producers, `COOP_KAFKA_IDEMPOTENCE=false`.
"""

from __future__ import annotations

from coop_runtime.settings import RuntimeSettings


class CliSettings(RuntimeSettings):
    """No internal port: a command serves nothing."""

    internal_port: int = 0
