"""`coop media`: carried out by hma-bridge's own command."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from coop_cli.app import app


def test_what_is_said_comes_from_the_bridge(capfd: pytest.CaptureFixture[str]) -> None:
    """Its arguments are passed on, its exit code and words come back."""
    span = ["--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"]
    found = CliRunner().invoke(app, ["media", "rehash", *span, "--org", "o"])
    assert found.exit_code == 2
    assert "--since has to be before --until" in capfd.readouterr().err


def test_nothing_is_done_without_a_command() -> None:
    """It says which there are."""
    found = CliRunner().invoke(app, ["media"])
    assert found.exit_code == 2
    assert "rehash" in found.output
