"""Settings every service has, read from the environment (prefix `COOP_`).

Guarantees: no secret has a default; a missing or wrong variable stops the process with one line
that names the variable, and exit code 2; no message shows a value, because a value may be a secret.
Must not: be built at import. A service subclasses `RuntimeSettings` in its own `settings.py` and
calls `Settings.load()` once, in its composition root.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_PREFIX = "COOP_"
_FROM_ENVIRONMENT: dict[str, Any] = {}  # no argument: every field is read from the environment
EXIT_SETTINGS = 2


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A tuple of strings, in the environment `a,b,c`."""


class RuntimeSettings(BaseSettings):
    """What every service is told. Times are seconds; URLs carry their own credentials.

    `postgres` is the URL of the service's own role (`postgresql://user:password@host:port/db`, or
    `?host=/socket/directory`); `secret_keys` comma-separated base64 32-byte keys, newest first.
    Both stay empty in a service that needs neither, so that it does not hold what it never uses:
    `Vault.of` and `require` refuse the empty value by the variable's name.
    A consumer that would write more than `dead_letters_a_minute` stops instead: something is wrong.
    `tenant_weights` says, as a JSON object by organisation, who may have more (or less) than others
    of what a process shares by organisation; 1 is everybody's.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    kafka: str = "127.0.0.1:9092"
    kafka_idempotence: bool = True
    redis: str = "redis://127.0.0.1:6379/0"
    postgres: str = ""
    internal_host: str = "127.0.0.1"
    internal_port: int = Field(ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    otlp_endpoint: str | None = None
    trace_ratio: float = Field(default=0.05, ge=0, le=1)
    secret_keys: SecretStr = SecretStr("")
    egress_allow: CommaSeparated = ()
    stop_timeout: float = Field(default=20, gt=0)
    dead_letters_a_minute: int = Field(default=100, ge=1)
    tenant_weights: dict[str, Annotated[float, Field(gt=0, le=1000)]] = {}

    @classmethod
    def load(cls) -> Self:
        """The settings from the environment, or one line on stderr and exit code 2."""
        try:
            return cls(**_FROM_ENVIRONMENT)
        except ValidationError as error:
            refuse(explain(error))

    def weight_of(self, org_id: str) -> float:
        """An organisation's share of a process, beside others'."""
        return self.tenant_weights.get(org_id, 1.0)

    def require(self, *names: str) -> Self:
        """This, if every named field has a value; else one line on stderr and exit code 2."""
        missing = [variable_of(name) for name in names if _empty(getattr(self, name))]
        if missing:
            refuse(f"settings: {', '.join(missing)} must be set")
        return self


def refuse(reason: str) -> NoReturn:
    """Ends the process for settings it cannot run with: one line on stderr, exit code 2."""
    sys.stderr.write(reason + "\n")
    raise SystemExit(EXIT_SETTINGS) from None


def _empty(value: object) -> bool:
    if isinstance(value, SecretStr):
        return not value.get_secret_value()
    return value is None or value in ("", ())


def variable_of(name: str) -> str:
    """The environment variable of a field: `internal_port` is `COOP_INTERNAL_PORT`."""
    return ENV_PREFIX + name.upper()


def explain(error: ValidationError) -> str:
    """One line for a person: each wrong variable and what is wrong with it, without any value."""
    problems = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        variable = variable_of(str(problem["loc"][0])) if problem["loc"] else "settings"
        reason = "is not set" if problem["type"] == "missing" else problem["msg"]
        problems.append(f"{variable}: {reason}")
    return "settings: " + "; ".join(problems)
