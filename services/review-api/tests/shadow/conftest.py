"""An organisation of Coop's that was moved in, and both systems on the same traffic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ..moving.conftest import (
    Moving,
    coop_url,
    here,
    moving,
    new_admin_url,
    new_engine,
    new_url,
)
from .both import Both, Receiving, receiving_at

__all__ = ["coop_url", "here", "moving", "new_admin_url", "new_engine", "new_url"]


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Receiving]:
    """A receiver of Coop's webhooks, as a process."""
    made = receiving_at(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    """The same for all tests of a module that leave it as it is."""
    made = receiving_at(tmp_path_factory.mktemp("receiver"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def both(
    moving: Moving,
    new_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Both:
    """After the import; the rules are those of Coop's, in the background here."""
    monkeypatch.setenv("COOP_POSTGRES", new_url)
    made = Both(moving, new_url, tmp_path, since=datetime.now(UTC), capture=capsys)
    await made.move_in()
    return made
