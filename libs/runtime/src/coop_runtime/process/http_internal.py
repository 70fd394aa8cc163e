"""The internal HTTP port of a service: /livez, /readyz, /metrics.

    /livez    200 while the event loop turns (a heartbeat not older than 5 s), else 503
    /readyz   200 when every check passes, else 503; {"ready", "checks": {name: bool}, "failing"}
    /metrics  Prometheus exposition

Guarantees: a check that raises or takes over a second counts as failing and is named; an answer
never shows a setting. Must not: be reachable from outside the cluster.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from coop_runtime.process import metric
from coop_runtime.process.asgi import App, Receive, Scope, Send
from coop_runtime.process.log import logger

Check = Callable[[], bool | Awaitable[bool]]

HEARTBEAT = 0.5
HEARTBEAT_LIMIT = 5.0
CHECK_TIMEOUT = 1.0

_JSON = b"application/json"

_log = logger("coop.health")


class Health:
    """The state of one process. Lives in its event loop."""

    def __init__(self) -> None:
        self.stopping = False
        self.started = False
        self._checks: dict[str, Check] = {}
        self._beat_at = time.monotonic()

    def add(self, name: str, check: Check) -> None:
        """Adds a readiness check; the name must be new."""
        if name in self._checks:
            raise ValueError(f"readiness check {name!r} exists")
        self._checks[name] = check

    async def beat(self) -> None:
        """Keeps the heartbeat, until cancelled."""
        while True:
            now = time.monotonic()
            metric.LOOP_LAG.set(max(0.0, now - self._beat_at - HEARTBEAT))
            self._beat_at = now
            await asyncio.sleep(HEARTBEAT)

    def alive(self) -> bool:
        """True when the event loop has turned within the limit."""
        return time.monotonic() - self._beat_at < HEARTBEAT_LIMIT

    async def readiness(self) -> dict[str, bool]:
        """Every check's answer by name, with `started` and `not-stopping` among them."""
        answers = await asyncio.gather(*map(_ask, self._checks, self._checks.values()))
        checks = {
            "started": self.started,
            "not-stopping": not self.stopping,
            **dict(zip(self._checks, answers, strict=True)),
        }
        for name, passed in checks.items():
            metric.READY.labels(name).set(passed)
        return checks


async def _ask(name: str, check: Check) -> bool:
    try:
        answer = check()
        if inspect.isawaitable(answer):
            answer = await asyncio.wait_for(answer, CHECK_TIMEOUT)
        return bool(answer)
    except Exception as error:  # noqa: BLE001 - whatever it is, the check did not pass
        _log.warning("readiness check failed", check=name, error=repr(error))
        return False


def internal_app(health: Health) -> App:
    """The ASGI application of the internal port."""

    async def livez() -> tuple[int, bytes, bytes]:
        return (
            (200, _JSON, b'{"alive":true}') if health.alive() else (503, _JSON, b'{"alive":false}')
        )

    async def readyz() -> tuple[int, bytes, bytes]:
        checks = await health.readiness()
        failing = [name for name, passed in checks.items() if not passed]
        body = msgspec.json.encode({"ready": not failing, "checks": checks, "failing": failing})
        return 503 if failing else 200, _JSON, body

    async def metrics() -> tuple[int, bytes, bytes]:
        # `coop_ready` is of now, also where nobody asks /readyz.
        await health.readiness()
        return 200, CONTENT_TYPE_LATEST.encode(), generate_latest()

    routes = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        route = routes.get(scope["path"])
        if route is None or scope["method"] not in ("GET", "HEAD"):
            status, kind, body = 404, _JSON, b'{"error":"not found"}'
        else:
            status, kind, body = await route()
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {
                "type": "http.response.body",
                "body": b"" if scope["method"] == "HEAD" else body,
            }
        )

    return app
