"""The settings of the command line: where the broker is, where the review API is and who asks.

`COOP_KAFKA` and, for a broker without idempotent producers, `COOP_KAFKA_IDEMPOTENCE=false`;
`COOP_URL`, `COOP_EMAIL` and `COOP_PASSWORD` for what is asked of the review API.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import SecretStr, model_validator

from coop_runtime.database.schema import ROLES, owner_of
from coop_runtime.process.settings import RuntimeSettings, variable_of


class CliSettings(RuntimeSettings):
    """No internal port: a command serves nothing."""

    internal_port: int = 0


class ReviewApiSettings(CliSettings):
    """The review API's address, without its base path, and an account there."""

    url: str = "http://127.0.0.1:8081"
    email: str = ""
    password: SecretStr = SecretStr("")


class BootstrapSettings(CliSettings):
    """`postgres_admin` is a URL of a superuser, or of the database's owner who may create roles;
    its password may be in `postgres_admin_password`. The others are the passwords that the
    services' roles and the owners of their tables get."""

    postgres_admin: str
    postgres_admin_password: SecretStr = SecretStr("")
    review_password: SecretStr
    review_owner_password: SecretStr
    queues_password: SecretStr
    queues_owner_password: SecretStr
    dispatch_password: SecretStr
    dispatch_owner_password: SecretStr
    hashes_password: SecretStr
    hashes_owner_password: SecretStr
    ncmec_password: SecretStr
    ncmec_owner_password: SecretStr

    with_passwords: ClassVar[tuple[str, ...]] = ("postgres", "redis", "postgres_admin")

    @model_validator(mode="after")
    def _passwords_are_there(self) -> Self:
        for role, password in self.passwords().items():
            if not password:
                raise ValueError(f"{variable_of(_field_of(role))} is empty")
        return self

    def passwords(self) -> dict[str, str]:
        """By role."""
        return {
            one: getattr(self, _field_of(one)).get_secret_value()
            for role in ROLES
            for one in (role, owner_of(role))
        }


def _field_of(role: str) -> str:
    return role.removeprefix("coop_") + "_password"
