"""Settings: named errors, no defaults for secrets, no values in messages."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pydantic import SecretStr

from coop_runtime.process.settings import RuntimeSettings


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
