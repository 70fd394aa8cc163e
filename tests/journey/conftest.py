"""One stack for all journeys that need no other; those that start one of their own come after it:
two at a time are more than a small machine carries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.collector import Collector
from tests.local_stack import LocalStack, state_folder

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who wants to be alone comes last: the shared stack starts once."""
    places = [place for place, item in enumerate(items) if _HERE in item.path.parents]
    mine = sorted((items[place] for place in places), key=_wants_to_be_alone)
    for place, item in zip(places, mine, strict=True):
        items[place] = item


def _wants_to_be_alone(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "alone" in item.fixturenames


class SharedStack:
    """Started when it is first asked for, and again after `stop`."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._runs = False

    def running(self) -> LocalStack:
        """Every service a process, every trace recorded."""
        if not self._runs:
            self._stack.start()
            self._runs = True
        return self._stack

    def stop(self) -> None:
        """Idempotent; its data stays."""
        self._runs = False
        self._stack.stop()


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Receives the spans of every service."""
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture(scope="session")
def shared(collector: Collector) -> Iterator[SharedStack]:
    """The stack that most journeys use."""
    traced = {"COOP_OTLP_ENDPOINT": collector.url, "COOP_TRACE_RATIO": "1"}
    soon = {"COOP_REVIEW_ERASURE_SETTLE": "5"}  # nothing is held when an erasure is asked for
    with state_folder() as folder:
        one = SharedStack(LocalStack(folder / "state", **traced, **soon))
        yield one
        one.stop()


@pytest.fixture
def stack(shared: SharedStack) -> LocalStack:
    """The whole system."""
    return shared.running()


@pytest.fixture(scope="module")
def alone(shared: SharedStack) -> None:
    """Nothing else runs meanwhile."""
    shared.stop()
