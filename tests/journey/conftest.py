"""One stack for all journeys: starting it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_stack import LocalStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The whole system, every service a process."""
    with LocalStack(tmp_path_factory.mktemp("stack") / "state") as running:
        yield running
