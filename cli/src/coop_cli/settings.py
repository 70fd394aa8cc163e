"""The settings of the command line: where the broker is, where the review API is and who asks.

`COOP_KAFKA` and, for a broker without idempotent producers, `COOP_KAFKA_IDEMPOTENCE=false`;
`COOP_URL`, `COOP_EMAIL` and `COOP_PASSWORD` for what is asked of the review API.
"""

from __future__ import annotations

from pydantic import SecretStr

from coop_runtime.process.settings import RuntimeSettings


class CliSettings(RuntimeSettings):
    """No internal port: a command serves nothing."""

    internal_port: int = 0


class ReviewApiSettings(CliSettings):
    """The review API's address, without its base path, and an account there."""

    url: str = "http://127.0.0.1:8081"
    email: str = ""
    password: SecretStr = SecretStr("")
