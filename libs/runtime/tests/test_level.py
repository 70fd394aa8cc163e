"""What gauges say before, between and after their readings."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from coop_runtime.process.http_internal import Health, internal_app
from coop_runtime.process.level import Level


def made(*labels: str, **how: Any) -> tuple[Level, CollectorRegistry]:
    registry = CollectorRegistry()
    return Level("coop_x", "An x.", labels, registry=registry, gone="nothing", **how), registry


def test_what_was_not_measured_has_no_sample() -> None:
    """Nothing is not 0: a process that has not looked yet says nothing."""
    level, registry = made(measured=True)
    assert registry.get_sample_value("coop_x") is None
    level.set(0)
    assert registry.get_sample_value("coop_x") == 0
    level.forget()
    assert registry.get_sample_value("coop_x") is None
    level.set(2)
    assert registry.get_sample_value("coop_x") == 2


def test_each_label_is_measured_for_itself() -> None:
    """One label's reading makes no sample of another's."""
    level, registry = made("of", measured=True)
    level.labels("a")
    level.labels("b").set(1)
    assert registry.get_sample_value("coop_x", {"of": "a"}) is None
    assert registry.get_sample_value("coop_x", {"of": "b"}) == 1
    level.labels("b").forget()
    assert registry.get_sample_value("coop_x", {"of": "b"}) is None


def test_what_is_counted_begins_at_0() -> None:
    """What happens in this process only has not happened yet when it starts."""
    level, registry = made()
    assert registry.get_sample_value("coop_x") == 0
    level.inc()
    assert registry.get_sample_value("coop_x") == 1
    level.set_function(lambda: 7)
    assert registry.get_sample_value("coop_x") == 7


async def test_readiness_is_of_the_moment_it_is_read() -> None:
    """A scrape shows whether checks pass now, also where nobody asks /readyz."""
    health = Health()
    up = True
    health.add("level-test", lambda: up)
    app = internal_app(health)

    async def scrape() -> float | None:
        async def receive() -> MutableMapping[str, Any]:
            await asyncio.sleep(0)
            return {}

        async def send(_message: MutableMapping[str, Any]) -> None:
            return

        await app({"type": "http", "method": "GET", "path": "/metrics"}, receive, send)
        return REGISTRY.get_sample_value("coop_ready", {"check": "level-test"})

    assert await scrape() == 1
    up = False
    assert await scrape() == 0
