"""One stack for all journeys: starting it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_stack import LocalStack, state_folder


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """The whole system, every service a process."""
    with state_folder() as folder, LocalStack(folder / "state") as running:
        yield running
