"""One service as a child process: how it is started, seen to be ready, restarted and stopped.

    stopped ──launch──▶ running ──exit──▶ waiting (back-off) ──launch──▶ running …

Guarantees: a service that ends is started again after 0.5 s, doubling up to 30 s, and from the
beginning once it ran for a minute. Must not: decide the order of services (the supervisor does).
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from coop_local.engine import end, rotate, spawn
from coop_runtime.process.backoff import Backoff, no_jitter

_FIRST_DELAY, _LAST_DELAY = 0.5, 30.0
_STEADY_SECONDS = 60.0


@dataclass(frozen=True)
class ServiceSpec:
    """What to run. `command` is a whole command line, `environment` the child's whole environment.

    `ready_url` answers 200 when the service is ready. `url` is where people and platforms reach it,
    `metrics_url` what the counters read; both are optional.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    ready_url: str
    url: str | None = None
    metrics_url: str | None = None


class ServiceProcess:
    """A service of the stack. Lives on the event loop's thread."""

    def __init__(self, spec: ServiceSpec, *, log: Path, directory: Path) -> None:
        self.spec = spec
        self.log = log
        self.restarts = 0
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._launched_at = 0.0
        self._backoff = Backoff(first=_FIRST_DELAY, last=_LAST_DELAY, jitter=no_jitter)
        self._launch_again_at: float | None = None

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def launch(self) -> None:
        """Start the process."""
        rotate(self.log)
        self._process = spawn(
            self.spec.command,
            environment=self.spec.environment,
            log=self.log,
            directory=self._directory,
        )
        self._launched_at = time.monotonic()
        self._launch_again_at = None

    def check(self) -> str | None:
        """Notice an exit and start again when its time has come; a line for the user, or None."""
        if self._launch_again_at is not None:
            if time.monotonic() < self._launch_again_at:
                return None
            self.launch()
            self.restarts += 1
            return f"{self.spec.name} started again (process {self.pid})."
        if self._process is None or self._process.poll() is None:
            return None
        if time.monotonic() - self._launched_at > _STEADY_SECONDS:
            self._backoff.reset()
        delay = self._backoff.next_delay()
        self._launch_again_at = time.monotonic() + delay
        return (
            f"{self.spec.name} ended ({how_it_ended(self._process.returncode)}); "
            f"starting it again in {delay:g} s. Log: {self.log}"
        )

    async def ready(self, client: httpx.AsyncClient) -> bool:
        """Whether it runs and its readiness check passes."""
        if self.pid is None:
            return False
        try:
            return (await client.get(self.spec.ready_url)).status_code == 200
        except httpx.HTTPError:
            return False

    async def stop(self, limit: float) -> bool:
        """SIGTERM, and SIGKILL after `limit` seconds. True when it stopped by itself."""
        self._launch_again_at = None
        process, self._process = self._process, None
        if process is None:
            return True
        return await asyncio.to_thread(end, process, signal.SIGTERM, limit)

    def last_lines(self, count: int = 12) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
