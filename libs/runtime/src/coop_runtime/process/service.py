"""The life of a service process: start, run, stop.

    starting ──start hooks──▶ running ──SIGTERM, SIGINT, or a task's end──▶ stopping ──▶ exit code

    stopping: unready ─▶ goes on for `drain_delay`, if it serves
              ─▶ stopping hooks ─▶ public HTTP finishes its requests
              ─▶ tasks are cancelled and awaited ─▶ stop hooks in reverse order
              ─▶ internal HTTP ─▶ traces flushed

Guarantees: exit code 0 only after a stop that was asked for and went well; a task that ends or
raises stops the whole process with 1 and its traceback in the log; stopping is bounded by
`stop_timeout` after the delay, and cut short by a second signal. Through the delay everything goes
on: a load balancer that has not noticed yet sends requests still.
Must not: restart anything inside the process. The supervisor does, and it is visible there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

import uvloop

from coop_runtime.process import log, metric, telemetry
from coop_runtime.process.http_internal import Check, Health, internal_app
from coop_runtime.process.http_server import HttpServer
from coop_runtime.process.settings import RuntimeSettings

Hook = Callable[[], Awaitable[None]]
Run = Callable[[], Coroutine[Any, Any, None]]
Wait = Callable[[float], Awaitable[None]]
"""Returns once something is there; raises TimeoutError after so many seconds."""

EXIT_OK = 0
EXIT_FAILURE = 1

# Shares of stop_timeout at which each step must be over, so that a slow one leaves time for the
# next: requests that hang must not cost the producer its flush.
_HTTP_SHARE = 0.4
_TASK_SHARE = 0.75
_FORCE_AFTER = 3.0  # seconds after stop_timeout
_WAIT_SECONDS = 3600.0  # for what a task comes after; until then the process is alive, not ready


class _Stopped(Exception):
    """A stop was asked for while starting."""


class Consuming(Protocol):
    """What takes messages for as long as the service runs."""

    async def run(self) -> None:
        """Until cancelled."""

    def ready(self) -> bool:
        """Whether it takes them."""


class Service:
    """One process of one role. Add everything, then `run`."""

    def __init__(self, name: str, settings: RuntimeSettings) -> None:
        self._name = name
        self._settings = settings
        self._health = Health()
        self._tasks: dict[str, Run] = {}
        self._start_hooks: list[Hook] = []
        self._stopping_hooks: list[Callable[[], None]] = []
        self._stop_hooks: list[Hook] = []
        self._servers: list[HttpServer] = []
        self._failed = False
        self._stuck = False
        self._log = log.logger("coop.service")

    def add_readiness(self, name: str, check: Check) -> None:
        """Adds a check of `/readyz`; it may be async, has 1 s, and fails when it raises."""
        self._health.add(name, check)

    def add_task(self, name: str, run: Run, *, after: Sequence[Wait] = ()) -> None:
        """Adds a task that runs as long as the service; its end, or an error, stops the service.

        It begins once each of `after`, asked in their order, has what it waits for; a wait of an
        hour is an error.
        """
        if name in self._tasks:
            raise ValueError(f"task {name!r} exists")
        self._tasks[name] = _after(after, run) if after else run

    def consume(self, name: str, consumer: Consuming, *, after: Sequence[Wait] = ()) -> None:
        """Adds a consumer as a task and as a readiness check of that name: not one message is taken
        before what `after` waits for, such as a whole configuration, is there."""
        self.add_task(name, consumer.run, after=after)
        self.add_readiness(name, consumer.ready)

    def add_start(self, hook: Hook) -> None:
        """Adds what must have happened before tasks and public HTTP start; hooks run in order."""
        self._start_hooks.append(hook)

    def add_stopping(self, hook: Callable[[], None]) -> None:
        """Adds what is told first that the service stops: whatever keeps requests open by itself.
        It must not wait, or raise."""
        self._stopping_hooks.append(hook)

    def add_stop(self, hook: Hook) -> None:
        """Adds what happens last; hooks run in reverse order, also after a failed start."""
        self._stop_hooks.append(hook)

    def serve(self, asgi_app: Any, host: str, port: int) -> None:
        """Serves an ASGI application on a public port, once the start hooks are through."""
        self._servers.append(HttpServer(asgi_app, host, port))

    def run(self) -> int:
        """Runs until a signal or a failure; the exit code for `sys.exit`."""
        settings = self._settings
        log.configure(self._name, level=settings.log_level, form=settings.log_format)
        telemetry.configure(self._name, endpoint=settings.otlp_endpoint, ratio=settings.trace_ratio)
        metric.announce(self._name)
        forced = threading.Timer(0, _force)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                forced = runner.run(self._main())
                if self._stuck:
                    _force()
        except KeyboardInterrupt:
            self._failed = True  # before the signal handlers were there
        finally:
            telemetry.shutdown()
            forced.cancel()
        return EXIT_FAILURE if self._failed else EXIT_OK

    async def _main(self) -> threading.Timer:
        stop, hurry = asyncio.Event(), asyncio.Event()
        _handle_signals(stop, hurry)
        internal = HttpServer(
            internal_app(self._health), self._settings.internal_host, self._settings.internal_port
        )
        tasks: dict[asyncio.Task[None], str] = {}
        inner: dict[asyncio.Task[None], str] = {}
        try:
            for server in (internal, *self._servers):
                server.bind()
            inner[asyncio.create_task(self._health.beat())] = "heartbeat"
            inner[asyncio.create_task(internal.run())] = "internal-http"
            await self._start(stop)
            tasks = self._start_tasks()
            self._health.started = True
            ports = [server.port for server in self._servers]
            self._log.info("service started", internal_port=internal.port, public_ports=ports)
            await self._watch({**tasks, **inner}, stop)
        except _Stopped:
            self._log.info("stopped while starting")
        except Exception:  # noqa: BLE001 - reported, and the process ends
            self._failed = True
            self._log.exception("service failed to start")
        await self._drain({**tasks, **inner}, hurry)
        # Threads that never return would hold the loop's end for ever.
        forced = threading.Timer(self._settings.stop_timeout + _FORCE_AFTER, _force)
        forced.daemon = True
        forced.start()
        await self._stop(tasks, hurry)
        internal.stop(1)
        await _settle([task for task in inner if inner[task] == "internal-http"], 2)
        await _cancel(list(inner), 1)
        for server in (internal, *self._servers):
            server.close()
        self._log.info("service stopped", failed=self._failed)
        return forced

    async def _start(self, stop: asyncio.Event) -> None:
        async def hooks() -> None:
            for hook in self._start_hooks:
                await hook()

        starting = asyncio.create_task(hooks())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise _Stopped
            await starting
        finally:
            await _cancel([starting, stopping], self._settings.stop_timeout * 0.25)

    def _start_tasks(self) -> dict[asyncio.Task[None], str]:
        tasks = {asyncio.create_task(run(), name=name): name for name, run in self._tasks.items()}
        for server in self._servers:
            name = f"http:{server.port}"
            tasks[asyncio.create_task(server.run(), name=name)] = name
        return tasks

    async def _watch(self, tasks: dict[asyncio.Task[None], str], stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        for task, name in tasks.items():
            if task.done():
                self._report(task, name)

    async def _drain(self, tasks: dict[asyncio.Task[None], str], hurry: asyncio.Event) -> None:
        """Not ready any more, and serving: for as long as nothing fails and nobody hurries."""
        self._health.stopping = True
        delay = self._settings.drain_delay
        if not delay or self._failed or not self._health.started or not self._servers:
            return
        self._log.info("service draining", seconds=delay)
        hurrying = asyncio.create_task(hurry.wait())
        try:
            await asyncio.wait(
                {*tasks, hurrying}, timeout=delay, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            hurrying.cancel()
        for task, name in tasks.items():
            if task.done():
                self._report(task, name)

    def _report(self, task: asyncio.Task[None], name: str) -> None:
        self._failed = True
        metric.TASK_FAILURES.labels(name).inc()
        error = None if task.cancelled() else task.exception()
        self._log.error("task ended", task=name, exc_info=error)

    async def _stop(self, tasks: dict[asyncio.Task[None], str], hurry: asyncio.Event) -> None:
        self._log.info("service stopping")
        began = time.monotonic()
        limit = self._settings.stop_timeout

        def left(share: float) -> float:
            if hurry.is_set():
                return 0.1
            return max(0.1, began + limit * share - time.monotonic())

        for tell in self._stopping_hooks:
            tell()
        for server in self._servers:
            server.stop(left(_HTTP_SHARE))
        public = [task for task, name in tasks.items() if name.startswith("http:")]
        await _hurried(_settle(public, left(_HTTP_SHARE)), hurry)
        already = {task for task in tasks if task.done()}
        if not await _hurried(_cancel(list(tasks), left(_TASK_SHARE)), hurry):
            self._failed = self._stuck = True
            late = [name for task, name in tasks.items() if not task.done()]
            self._log.error("tasks did not stop in time", tasks=late)
        for task, name in tasks.items():
            if task not in already and task.done() and not task.cancelled() and task.exception():
                self._report(task, name)
        for hook in reversed(self._stop_hooks):
            try:
                await asyncio.wait_for(hook(), left(1))
            except Exception:  # noqa: BLE001 - the other hooks must run
                self._failed = True
                self._log.exception("stop hook failed", hook=getattr(hook, "__qualname__", ""))


def _after(waits: Sequence[Wait], run: Run) -> Run:
    async def waited() -> None:
        for wait in waits:
            await wait(_WAIT_SECONDS)
        await run()

    return waited


def _force() -> None:
    """Ends the process at once: something in it cannot be ended in order."""
    log.logger("coop.service").error("process ends by force")
    os._exit(EXIT_FAILURE)


def _handle_signals(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    def handle() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle)


async def _settle(tasks: list[asyncio.Task[None]], within: float) -> bool:
    """Waits; true when all ended in time."""
    if not tasks:
        return True
    _, pending = await asyncio.wait(tasks, timeout=within)
    return not pending


async def _cancel(tasks: list[asyncio.Task[Any]], within: float) -> bool:
    # Again near the end: Python 3.11 loses a cancellation that meets the end of what
    # `asyncio.wait_for` waits for (gh-86296), and the client of Redis sends through that.
    for share in (0.75, 0.25):
        for task in tasks:
            task.cancel()
        if await _settle(tasks, within * share):
            return True
    return False


async def _hurried(step: Coroutine[Any, Any, bool], hurry: asyncio.Event) -> bool:
    """The step's answer, or False as soon as a second signal came."""
    working, hurrying = asyncio.create_task(step), asyncio.create_task(hurry.wait())
    try:
        await asyncio.wait({working, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else False
    finally:
        working.cancel()
        hurrying.cancel()
