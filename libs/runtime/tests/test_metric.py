"""The common metrics and the catalogue."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest
from prometheus_client import REGISTRY

from coop_runtime.process import metric
from coop_runtime.process.asgi import App, Receive, Scope, Send


def count(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("coop_http_requests_total", labels) or 0


async def ask(app: App, *, method: str = "POST", kind: str = "http") -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {}

    async def send(_message: MutableMapping[str, Any]) -> None:
        return

    await app({"type": kind, "method": method, "path": "/anything"}, receive, send)


def answering(status: int | None, *, error: Exception | None = None) -> App:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        if status is not None:
            await send({"type": "http.response.start", "status": status})
        if error is not None:
            raise error

    return app


async def test_requests_are_counted_and_timed() -> None:
    """By method, route and status."""
    before = count("POST", "/r", 202)
    await ask(metric.measured(answering(202), route=lambda _: "/r"))
    assert count("POST", "/r", 202) == before + 1
    labels = {"method": "POST", "route": "/r"}
    assert REGISTRY.get_sample_value("coop_http_request_seconds_count", labels) == before + 1


async def test_a_failure_counts_as_500_and_a_silent_end_as_499() -> None:
    """An exception before the answer is a 500; no answer at all is a client that left."""
    with pytest.raises(KeyError):
        await ask(metric.measured(answering(None, error=KeyError()), route=lambda _: "/f"))
    await ask(metric.measured(answering(None), route=lambda _: "/f"))
    assert count("POST", "/f", 500) == 1
    assert count("POST", "/f", 499) == 1


async def test_labels_are_a_closed_set() -> None:
    """An invented method or an unknown path cannot make new series."""
    await ask(metric.measured(answering(404)), method="INVENTED")
    assert count("OTHER", "unmatched", 404) >= 1
    assert count("INVENTED", "unmatched", 404) == 0


async def test_lifespan_passes_through() -> None:
    """Only HTTP is measured."""
    before = count("POST", "/l", 200)
    await ask(metric.measured(answering(200), route=lambda _: "/l"), kind="lifespan")
    assert count("POST", "/l", 200) == before


def test_every_metric_has_a_meaning() -> None:
    """The catalogue lists ours, each with a sentence; counters end in _total, times in seconds."""
    found = metric.catalogue()
    names = [info.name for info in found]
    assert "coop_outbox_messages" in names
    assert "coop_http_requests_total" in names
    assert names == sorted(set(names))
    for info in found:
        assert info.name.startswith("coop_")
        assert (info.type == "gauge") == (info.level is not None), info.name
        assert info.level is None or info.level.gone, info.name
        assert len(info.help) > 10, info.name
        assert info.help[0].isupper() or info.help[0].isdigit(), info.name
        assert (info.type == "counter") == info.name.endswith("_total"), info.name
        if info.type == "histogram":
            assert info.name.endswith("_seconds"), info.name
