"""`coop import`: carried out by review-api's own command."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from coop_cli.app import app


def test_what_is_said_comes_from_review_api(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its arguments are passed on, its exit code and words come back."""
    monkeypatch.delenv("COOP_IMPORT_DSN", raising=False)
    monkeypatch.setenv("COOP_POSTGRES", "postgresql://nobody@127.0.0.1:9/none")
    found = CliRunner().invoke(app, ["import", "coop", "--org", "o"])
    assert found.exit_code == 2
    assert "give --dsn, or COOP_IMPORT_DSN" in capfd.readouterr().err


def test_nothing_is_done_without_a_command(capfd: pytest.CaptureFixture[str]) -> None:
    """It says which there are."""
    found = CliRunner().invoke(app, ["import"])
    assert found.exit_code == 2
    assert "promote" in capfd.readouterr().err
