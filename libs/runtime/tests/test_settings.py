"""Settings: named errors, no defaults for secrets, no values in messages."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import SecretStr

from coop_runtime.process.settings import Networks, RuntimeSettings


class Settings(RuntimeSettings):
    """A service's settings: one more required variable, one default changed."""

    internal_port: int = 9999
    rate: int


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the developer's own variables."""
    for name in list(os.environ):
        if name.startswith("COOP_"):
            monkeypatch.delenv(name)


def test_variables_are_read_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """COOP_ and the field's name in capitals; comma-separated lists; empty means the default."""
    monkeypatch.setenv("COOP_RATE", "5")
    monkeypatch.setenv("COOP_KAFKA", "broker:1")
    monkeypatch.setenv("COOP_EGRESS_ALLOW", "127.0.0.0/8, hooks.internal ,")
    monkeypatch.setenv("COOP_OTLP_ENDPOINT", "")
    settings = Settings.load()
    assert settings.rate == 5
    assert settings.internal_port == 9999
    assert settings.kafka == "broker:1"
    assert settings.egress_allow == ("127.0.0.0/8", "hooks.internal")
    assert settings.otlp_endpoint is None


def test_a_missing_variable_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the variable, exit code 2."""
    with pytest.raises(SystemExit) as stop:
        Settings.load()
    assert stop.value.code == 2
    assert capsys.readouterr().err == "settings: COOP_RATE: is not set\n"


def test_a_wrong_variable_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every wrong variable is in the one line; no value is, it may be a secret."""
    monkeypatch.setenv("COOP_RATE", "hunter2")
    monkeypatch.setenv("COOP_INTERNAL_PORT", "99999999")
    monkeypatch.setenv("COOP_LOG_LEVEL", "hunter3")
    with pytest.raises(SystemExit):
        Settings.load()
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "COOP_RATE" in line
    assert "COOP_LOG_LEVEL" in line
    assert "hunter" not in line


def test_an_uncaught_end_prints_no_traceback() -> None:
    """A process that loads its settings without them ends with one line and code 2."""
    program = "from coop_runtime.process.settings import RuntimeSettings; RuntimeSettings.load()"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr == "settings: COOP_INTERNAL_PORT: is not set\n"


def test_required_fields_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A service that needs a database and keys says so by the variables' names."""
    settings = RuntimeSettings(internal_port=1)
    with pytest.raises(SystemExit) as stop:
        settings.require("postgres", "secret_keys")
    assert stop.value.code == 2
    assert capsys.readouterr().err == "settings: COOP_POSTGRES, COOP_SECRET_KEYS must be set\n"
    full = RuntimeSettings(internal_port=1, postgres="postgresql://", secret_keys=SecretStr("k"))
    assert full.require("postgres", "secret_keys") is full


def test_secrets_are_not_shown() -> None:
    """The settings' repr keeps the keys to itself."""
    settings = RuntimeSettings(internal_port=1, secret_keys=SecretStr("hunter2"))
    assert "hunter2" not in repr(settings)


class ProxySettings(RuntimeSettings):
    """A service that lies behind proxies."""

    internal_port: int = 0
    proxies: Networks = ()


def test_a_variable_may_name_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the setting is: a secret, a number, a list, an object; the line's end is not of
    it, other white space is."""
    for name, text in {
        "SECRET_KEYS": " k \r\n",
        "RATE": "7\n",
        "EGRESS_ALLOW": "127.0.0.0/8,hooks.internal\n",
        "TENANT_WEIGHTS": '{"o": 3}',
    }.items():
        path = tmp_path / name
        path.write_text(text, newline="")
        monkeypatch.setenv(f"COOP_{name}_FILE", str(path))
    settings = Settings.load()
    assert settings.secret_keys.get_secret_value() == " k "
    assert settings.rate == 7
    assert settings.egress_allow == ("127.0.0.0/8", "hooks.internal")
    assert settings.weight_of("o") == 3


def refused(capsys: pytest.CaptureFixture[str], kind: type[RuntimeSettings] = Settings) -> str:
    with pytest.raises(SystemExit) as stop:
        kind.load()
    assert stop.value.code == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


def test_a_file_that_cannot_be_had_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its variable and with the reason; a variable beside its own file is refused as well."""
    monkeypatch.setenv("COOP_RATE_FILE", str(tmp_path / "missing"))
    assert refused(capsys) == (
        "settings: COOP_RATE_FILE: its file cannot be read: No such file or directory\n"
    )
    (tmp_path / "rate").write_bytes(b"\xff")
    monkeypatch.setenv("COOP_RATE_FILE", str(tmp_path / "rate"))
    assert "COOP_RATE_FILE: its file cannot be read: is not UTF-8" in refused(capsys)
    monkeypatch.setenv("COOP_RATE", "5")
    assert "COOP_RATE and COOP_RATE_FILE are both set" in refused(capsys)


def test_passwords_go_into_urls_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to quote one; what is in a URL already, and means the same, may stay."""
    monkeypatch.setenv("COOP_RATE", "1")
    monkeypatch.setenv("COOP_POSTGRES", "postgresql://coop@a:1,b:2/db?sslmode=verify-full")
    monkeypatch.setenv("COOP_POSTGRES_PASSWORD", "a/b@c:d %")
    monkeypatch.setenv("COOP_REDIS", "rediss://cache:6379/0")
    monkeypatch.setenv("COOP_REDIS_PASSWORD", "e@f")
    settings = Settings.load()
    assert settings.postgres == (
        "postgresql://coop:a%2Fb%40c%3Ad%20%25@a:1,b:2/db?sslmode=verify-full"
    )
    assert settings.redis == "rediss://:e%40f@cache:6379/0"
    monkeypatch.setenv("COOP_POSTGRES", settings.postgres)
    assert Settings.load().postgres == settings.postgres


def test_two_passwords_for_one_server_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which one is meant cannot be known; neither is shown."""
    monkeypatch.setenv("COOP_RATE", "1")
    monkeypatch.setenv("COOP_POSTGRES", "postgresql://coop:hunter2@db/coop")
    monkeypatch.setenv("COOP_POSTGRES_PASSWORD", "hunter3")
    line = refused(capsys)
    assert line == "settings: COOP_POSTGRES holds another password\n"
    monkeypatch.setenv("COOP_POSTGRES", "postgresql://db/coop")
    assert "COOP_POSTGRES names no user" in refused(capsys)


def test_networks_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Addresses and networks of both kinds; anything else is named."""
    monkeypatch.setenv("COOP_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32")
    assert ProxySettings.load().proxies == tuple(
        map(ip_network, ("10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"))
    )
    monkeypatch.setenv("COOP_PROXIES", "10.0.0.1/8")
    assert refused(capsys, ProxySettings) == (
        "settings: COOP_PROXIES: an address or a network (10.0.0.0/8) is expected\n"
    )


SASL = {
    "COOP_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "COOP_KAFKA_SASL_MECHANISM": "PLAIN",
    "COOP_KAFKA_USERNAME": "coop",
    "COOP_KAFKA_PASSWORD": "hunter2",
}
HALF: dict[str, tuple[dict[str, str], str]] = {
    "no mechanism": (SASL | {"COOP_KAFKA_SASL_MECHANISM": ""}, "COOP_KAFKA_SASL_MECHANISM"),
    "a mechanism of nothing": (
        {"COOP_KAFKA_SASL_MECHANISM": "PLAIN"},
        "COOP_KAFKA_SECURITY_PROTOCOL",
    ),
    "no password": (SASL | {"COOP_KAFKA_PASSWORD": ""}, "COOP_KAFKA_PASSWORD"),
    "no token's place": (
        SASL | {"COOP_KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
        "COOP_KAFKA_TOKEN_URL",
    ),
    "no such file": (SASL | {"COOP_KAFKA_CA": "/no/such"}, "COOP_KAFKA_CA: there is no such file"),
    "a certificate without its key": (
        SASL | {"COOP_KAFKA_CERTIFICATE": __file__},
        "COOP_KAFKA_KEY",
    ),
    "an authority, and nothing encrypted": ({"COOP_KAFKA_CA": __file__}, "COOP_KAFKA_CA"),
}


@pytest.mark.parametrize("half", HALF)
def test_half_of_a_brokers_security_is_refused(
    half: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that would only fail later, or be less safe than it looks, does not start."""
    variables, named = HALF[half]
    monkeypatch.setenv("COOP_RATE", "1")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    line = refused(capsys)
    assert named in line
    assert "hunter" not in line
