"""One stack for the journeys of a file: those of another file may have one of their own, and two at
a time are more than a small machine carries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journey.collector import Collector
from tests.local_stack import LocalStack, state_folder


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Receives the spans of every service."""
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def stack(collector: Collector) -> Iterator[LocalStack]:
    """The whole system, every service a process, every trace recorded."""
    traced = {"COOP_OTLP_ENDPOINT": collector.url, "COOP_TRACE_RATIO": "1"}
    soon = {"COOP_REVIEW_ERASURE_SETTLE": "5"}  # nothing is held when an erasure is asked for
    with state_folder() as folder, LocalStack(folder / "state", **traced, **soon) as running:
        yield running
