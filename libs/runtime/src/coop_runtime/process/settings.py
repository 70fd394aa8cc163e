"""Settings every service has, read from the environment (prefix `COOP_`).

Every variable may name a file instead: `COOP_SECRET_KEYS_FILE=/run/secrets/keys` is the setting
`COOP_SECRET_KEYS` with what the file holds, less the line's end.

Guarantees: no secret has a default; a missing or wrong variable stops the process with one line
that names the variable, and exit code 2; no message shows a value, because a value may be a secret.
Must not: be built at import. A service subclasses `RuntimeSettings` in its own `settings.py` and
calls `Settings.load()` once, in its composition root.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NoReturn, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

ENV_PREFIX = "COOP_"
FILE_SUFFIX = "_FILE"
_FROM_ENVIRONMENT: dict[str, Any] = {}  # no argument: every field is read from the environment
EXIT_SETTINGS = 2


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A tuple of strings, in the environment `a,b,c`."""


def _networks(value: Any) -> Any:
    value = _split(value)
    return tuple(map(_network, value)) if isinstance(value, tuple) else value


def _network(value: Any) -> Any:
    try:
        return ip_network(value)
    except ValueError:
        # No value is shown: which of them it is can be seen from the others.
        raise ValueError("an address or a network (10.0.0.0/8) is expected") from None


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
"""Addresses and networks, in the environment `10.0.0.0/8,192.0.2.1`."""


class UnreadableSetting(ValueError):
    """A variable that names a file whose content cannot be had."""


class _FileSource(EnvSettingsSource):
    """The settings whose variables name files."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        fields = {variable_of(name) for name in self.settings_cls.model_fields}
        found: dict[str, str | None] = {}
        for variable, path in os.environ.items():
            setting = variable.removesuffix(FILE_SUFFIX)
            if setting == variable or setting not in fields or variable in fields or not path:
                continue
            if os.environ.get(setting):
                raise UnreadableSetting(f"{setting} and {variable} are both set")
            try:
                text = Path(path).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
                raise UnreadableSetting(f"{variable}: its file cannot be read: {reason}") from None
            found[setting.lower()] = text.rstrip("\r\n")
        return found


KafkaSecurity = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class KafkaSettings(BaseSettings):
    """How to reach the broker.

    `kafka` is one or more addresses, comma separated (`host:port`, `[v6]:port`). With
    `kafka_security_protocol` other than PLAINTEXT the connection is encrypted (`SSL`, `SASL_SSL`),
    or who asks says who it is (`SASL_…`), by `kafka_sasl_mechanism`: PLAIN and SCRAM with
    `kafka_username` and `kafka_password`; OAUTHBEARER with a token for the client
    `kafka_username`, `kafka_password` from `kafka_token_url` (OpenID Connect, client credentials),
    of the scope `kafka_token_scope`. `kafka_ca` is a PEM file of the authorities to trust instead
    of the system's; `kafka_certificate` and `kafka_key` (PEM files; `kafka_key_password`) are shown
    to a broker that asks for a certificate.

    A consumer that was not heard for `kafka_session_timeout` loses its partitions to the others.
    With `kafka_instance_id` it keeps them through a restart that takes no longer (static
    membership): a name of this process's own that stays, such as a StatefulSet's pod has. Two with
    one name take the partitions from each other.
    `kafka_address_family` is for names that have addresses of both kinds where only one leads
    anywhere.
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
    kafka_security_protocol: KafkaSecurity = "PLAINTEXT"
    kafka_sasl_mechanism: SaslMechanism | None = None
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_token_url: str = Field(default="", pattern="^$|^https?://")
    kafka_token_scope: str = ""
    kafka_ca: Path | None = None
    kafka_certificate: Path | None = None
    kafka_key: Path | None = None
    kafka_key_password: SecretStr = SecretStr("")
    kafka_address_family: Literal["any", "v4", "v6"] = "any"
    kafka_session_timeout: float = Field(default=6, ge=1, le=1800)
    kafka_instance_id: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,200}$")

    @model_validator(mode="after")
    def _security_is_whole(self) -> Self:
        sasl = self.kafka_security_protocol.startswith("SASL_")
        if sasl != (self.kafka_sasl_mechanism is not None):
            raise ValueError(
                "COOP_KAFKA_SASL_MECHANISM belongs to a COOP_KAFKA_SECURITY_PROTOCOL of SASL, and"
                " the other way round"
            )
        if sasl and not (self.kafka_username and self.kafka_password.get_secret_value()):
            raise ValueError("COOP_KAFKA_USERNAME and COOP_KAFKA_PASSWORD must be set for SASL")
        if (self.kafka_sasl_mechanism == "OAUTHBEARER") != bool(self.kafka_token_url):
            raise ValueError("COOP_KAFKA_TOKEN_URL belongs to the mechanism OAUTHBEARER")
        files = {
            "kafka_ca": self.kafka_ca,
            "kafka_certificate": self.kafka_certificate,
            "kafka_key": self.kafka_key,
        }
        given = {name: path for name, path in files.items() if path is not None}
        if given and not self.kafka_security_protocol.endswith("SSL"):
            raise ValueError(
                f"{variable_of(next(iter(given)))} is of no use: COOP_KAFKA_SECURITY_PROTOCOL does"
                " not encrypt"
            )
        if (self.kafka_certificate is None) != (self.kafka_key is None):
            raise ValueError("COOP_KAFKA_CERTIFICATE and COOP_KAFKA_KEY belong together")
        for name, path in given.items():
            if not path.is_file():
                raise ValueError(f"{variable_of(name)}: there is no such file")
        return self


def _one_server(value: str) -> str:
    parts = urlsplit(value)
    servers = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("redis", "rediss", "unix") or "," in servers:
        raise ValueError(
            "one server is expected (redis://host:port/0, rediss:// with TLS, unix://path): neither"
            " Sentinel nor Cluster is supported"
        )
    return value


class RuntimeSettings(KafkaSettings):
    """What every service is told. Times are seconds.

    `postgres` is the URL of the service's own role (`postgresql://user:password@host:port/db`, or
    `?host=/socket/directory`), `redis` that of one server, which is neither of a cluster nor a
    Sentinel: a process that uses it does not start on those. Their passwords are in the URL, or, as
    they are and without quoting, in `postgres_password` and `redis_password`. `postgres_pool` is
    how many connections to the database a process has at most; by default what its role needs.
    `secret_keys` are comma-separated base64 32-byte keys, newest first.
    `postgres` and `secret_keys` stay empty in a service that needs neither, so that it does not
    hold what it never uses: `Vault.of` and `require` refuse the empty value by the variable's name.

    Told to stop, a process that serves goes on serving for `drain_delay`, while it is not ready any
    more: for as long as a load balancer may take to notice. Then it stops within `stop_timeout`.
    A consumer that would write more than `dead_letters_a_minute` stops instead: something is wrong.
    `tenant_weights` says, as a JSON object by organisation, who may have more (or less) than others
    of what a process shares by organisation; 1 is everybody's.
    """

    with_passwords: ClassVar[tuple[str, ...]] = ("postgres", "redis")
    """The URLs that get the password of the setting `<name>_password`."""

    redis: Annotated[str, AfterValidator(_one_server)] = "redis://127.0.0.1:6379/0"
    redis_password: SecretStr = SecretStr("")
    postgres: str = ""
    postgres_password: SecretStr = SecretStr("")
    postgres_pool: int | None = Field(default=None, ge=2, le=1000)
    internal_host: str = "127.0.0.1"
    internal_port: int = Field(ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    otlp_endpoint: str | None = None
    trace_ratio: float = Field(default=0.05, ge=0, le=1)
    secret_keys: SecretStr = SecretStr("")
    egress_allow: CommaSeparated = ()
    drain_delay: float = Field(default=0, ge=0, le=300)
    stop_timeout: float = Field(default=20, gt=0)
    dead_letters_a_minute: int = Field(default=100, ge=1)
    tenant_weights: dict[str, Annotated[float, Field(gt=0, le=1000)]] = {}

    @classmethod
    def load(cls) -> Self:
        """The settings from the environment, or one line on stderr and exit code 2."""
        try:
            return cls(**_FROM_ENVIRONMENT)
        except UnreadableSetting as error:
            refuse(f"settings: {error}")
        except ValidationError as error:
            refuse(explain(error))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there are no such files
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - variables name files
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then variables, then the files that variables name."""
        return init_settings, env_settings, _FileSource(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _put_passwords_in(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values | {
            name: _with_password(values[name], values[f"{name}_password"], name)
            for name in cls.with_passwords
            if values.get(name) and values.get(f"{name}_password")
        }

    def weight_of(self, org_id: str) -> float:
        """An organisation's share of a process, beside others'."""
        return self.tenant_weights.get(org_id, 1.0)

    def require(self, *names: str) -> Self:
        """This, if every named field has a value; else one line on stderr and exit code 2."""
        missing = [variable_of(name) for name in names if _empty(getattr(self, name))]
        if missing:
            refuse(f"settings: {', '.join(missing)} must be set")
        return self


def _with_password(url: str, password: str | SecretStr, name: str) -> str:
    """The URL with the password in it."""
    if isinstance(password, SecretStr):
        password = password.get_secret_value()
    parts = urlsplit(url)
    user, _, given = parts.netloc.rpartition("@")[0].partition(":")
    if given and unquote(given) != password:
        raise ValueError(f"{variable_of(name)} holds another password")
    if not user and name != "redis":
        raise ValueError(f"{variable_of(name)} names no user whose password this could be")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


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
        reason = "is not set" if problem["type"] == "missing" else problem["msg"]
        # What is wrong between several names them itself.
        named = f"{variable_of(str(problem['loc'][0]))}: " if problem["loc"] else ""
        problems.append(named + reason.removeprefix("Value error, "))
    return "settings: " + "; ".join(problems)
