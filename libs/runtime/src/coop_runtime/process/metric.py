"""The metrics every service has, and the catalogue of all metrics.

Guarantees: every metric has a meaning in words; `catalogue` lists those of all imported modules, so
that the documents can be made from it and compared. Names start with `coop_`, times are seconds.
Must not: take a label value from outside (a path, an id, a name): label values are a closed set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from importlib import metadata
from typing import Any, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.metrics import MetricWrapperBase

from coop_runtime.process.asgi import App, Receive, Scope, Send
from coop_runtime.process.level import Level
from coop_runtime.process.tally import TallyCounter, TallyHistogram

BUILD = Level(
    "coop_build_info",
    "1; the labels say what runs.",
    ["service", "version"],
    together="each",
    gone="ends with the process",
)
READY = Level(
    "coop_ready",
    "1 while the readiness check passes.",
    ["check"],
    measured=True,
    together="each",
    gone="ends with the process; asked at each scrape",
)
TASK_FAILURES = Counter(
    "coop_task_failures_total", "Background tasks that ended when they should not have.", ["task"]
)
LOOP_LAG = Level(
    "coop_event_loop_lag_seconds",
    "By how much the event loop was last late for its heartbeat.",
    measured=True,
    together="each",
    gone="a loop that hangs answers no scrape",
)
LOG_LINES_LOST = Counter("coop_log_lines_lost_total", "Log lines that could not be written.")

HTTP_REQUESTS = TallyCounter(
    "coop_http_requests_total",
    "Requests answered; status 499 is a client that left before the answer.",
    ["method", "route", "status"],
)
HTTP_SECONDS = TallyHistogram(
    "coop_http_request_seconds",
    "Time from the request's head to the end of the answer.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
HTTP_IN_FLIGHT = Level(
    "coop_http_requests_in_flight",
    "Requests being answered now.",
    together="sum",
    gone="a request that ended is taken off, however it ended",
)

OUTBOX_DEPTH = Level(
    "coop_outbox_messages",
    "Rows waiting in the outbox, counted up to 100,000.",
    ["schema"],
    measured=True,
    gone="said by the relay that publishes only; who stops publishing says nothing",
)
OUTBOX_AGE = Level(
    "coop_outbox_oldest_seconds",
    "Age of the oldest row waiting in the outbox.",
    ["schema"],
    measured=True,
    gone="as `coop_outbox_messages`; 0 when nothing waits",
)
OUTBOX_PUBLISHED = Counter(
    "coop_outbox_published_total", "Rows published and acknowledged by the broker.", ["schema"]
)
OUTBOX_REFUSED = Level(
    "coop_outbox_refused_messages",
    "Rows the broker client refuses for what they are; set aside and tried again each minute.",
    ["schema"],
    measured=True,
    gone="as `coop_outbox_messages`",
)
OUTBOX_ACTIVE = Level(
    "coop_outbox_relay_active",
    "1 in the relay that publishes, 0 in those standing by.",
    ["schema"],
    measured=True,
    together="sum",
    gone="0 once the lock is lost; the sum should be 1",
)
OUTBOX_RETRIES = Counter(
    "coop_outbox_retries_total", "Times the relay backed off.", ["schema", "cause"]
)

EGRESS_REFUSED = Counter(
    "coop_egress_refused_total",
    "Outbound requests, and addresses that were to be saved, that the egress guard refused.",
    ["reason"],
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"


class MetricInfo(NamedTuple):
    """One metric: `type` is counter, gauge or histogram. `level` says how a gauge is read."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str
    level: Level | None


def catalogue(registry: CollectorRegistry = REGISTRY) -> list[MetricInfo]:
    """Every `coop_` metric of the modules imported so far, by name."""
    found = {}
    for collector in list(registry._collector_to_names):
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith("coop_"):
            suffix = "_total" if collector._type == "counter" else ""
            name = collector._name + suffix
            found[name] = MetricInfo(
                name,
                str(collector._type),
                tuple(collector._labelnames),
                collector._documentation,
                collector if isinstance(collector, Level) else None,
            )
    return [found[name] for name in sorted(found)]


def announce(service: str) -> None:
    """Sets the build metric of this process: the service's name and the runtime's version."""
    BUILD.labels(service, metadata.version("coop-runtime")).set(1)


def route_of(scope: Scope) -> str:
    """The route's template where the framework left it in the scope, else `unmatched`."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else UNMATCHED


def measured(app: App, *, route: Callable[[Scope], str] = route_of) -> App:
    """The same ASGI application with its requests counted and timed.

    `route` names the route after the request was handled; its answers must be a closed set.
    """
    requests: dict[tuple[str, str, int], Any] = {}
    seconds: dict[tuple[str, str], Any] = {}

    async def measure(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status = 499
        failed = True

        async def watch(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        HTTP_IN_FLIGHT.inc()
        try:
            await app(scope, receive, watch)
            failed = False
        finally:
            HTTP_IN_FLIGHT.dec()
            elapsed = time.perf_counter() - started
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            name = route(scope)
            key = (method, name, 500 if failed and status == 499 else status)
            counter = requests.get(key)
            if counter is None:
                counter = requests[key] = HTTP_REQUESTS.labels(*key)
                seconds[key[:2]] = HTTP_SECONDS.labels(method, name)
            counter.inc()
            seconds[key[:2]].observe(elapsed)

    return measure
