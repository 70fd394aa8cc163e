"""The supervisor: starts the whole stack, keeps it running, stops it in order.

    engines ─▶ roles and schemas ─▶ topics ─▶ migrations ─▶ services ─▶ all ready ─▶ hooks
    Ctrl-C, SIGTERM, SIGHUP or a failed start: services in reverse order ─▶ engines

Guarantees: one supervisor a state directory; a service or engine that ends is started again, and
the user reads it; a stop is complete before the process ends, and a second signal changes nothing;
no child outlives a killed supervisor for longer than its own stop takes (Linux).
Must not: know what the services do.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx
from psycopg import Error as DatabaseError

from coop_local import roster
from coop_local.counters import Counters, line_of
from coop_local.engine import EngineError
from coop_local.kafka import Kafka
from coop_local.lock import StateInUse, StateUnusable, state_lock
from coop_local.migration import MigrationFailed, MigrationSpec, run_migrations
from coop_local.roster import Ports, log_path
from coop_local.run_file import RunFile, leftover_services, running, write_run
from coop_local.secret_file import Secrets, stack_secrets
from coop_local.service_process import ServiceProcess, ServiceSpec
from coop_local.settings import Settings
from coop_local.stack import EngineAddresses, Stack
from coop_local.tansu import Tansu
from coop_local.terminal import Terminal
from coop_runtime.database.engine import bootstrap

_WATCH_SECONDS = 0.2
_READY_POLL_SECONDS = 0.1
_START_TRIES = 3
_LIVE_SECONDS = 1.0
_LINE_SECONDS = 10.0
_STILL_SECONDS = 20.0
_KILL_MARGIN_SECONDS = 5.0


class StartFailed(Exception):
    """The stack did not come up; the message says which part and why."""


@dataclass(frozen=True)
class Running:
    """A stack that is ready, for what comes after."""

    settings: Settings
    addresses: EngineAddresses
    ports: Ports
    services: Sequence[ServiceSpec]

    def service(self, name: str) -> ServiceSpec:
        """A service by name, with its URLs and environment."""
        return next(spec for spec in self.services if spec.name == name)


AfterReady = Callable[[Running], Awaitable[Sequence[str]]]
"""Runs once everything is ready; returns lines for the user. May raise StartFailed."""

Specs = Callable[[Settings, EngineAddresses, Secrets, Ports], Sequence[ServiceSpec]]
Migrations = Callable[[Settings, EngineAddresses, Secrets], Sequence[MigrationSpec]]


def run(
    settings: Settings,
    *,
    services: Specs = roster.services,
    migrations: Migrations = roster.migrations,
    after_ready: Sequence[AfterReady] = (),
) -> int:
    """Run the stack in the foreground until a signal; the exit code. One a state directory."""
    terminal = Terminal()
    try:
        with state_lock(settings.state):
            supervisor = Supervisor(
                settings,
                terminal=terminal,
                services=services,
                migrations=migrations,
                after_ready=after_ready,
            )
            return asyncio.run(supervisor.run())
    except (StateInUse, StateUnusable) as error:
        terminal.say(str(error))
        return 1


class Supervisor:
    """Runs the stack until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        *,
        terminal: Terminal,
        services: Specs,
        migrations: Migrations,
        after_ready: Sequence[AfterReady],
    ) -> None:
        self._settings = settings
        self._terminal = terminal
        self._specs = services
        self._migrations = migrations
        self._after_ready = after_ready
        self._stack = Stack(settings, say=self._terminal.say)
        self._services: list[ServiceProcess] = []
        self._stop_asked = asyncio.Event()
        self._starting = True

    async def run(self) -> int:
        """Returns the exit code: 0 after a stop that was asked for, 1 after a failed start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        work = asyncio.create_task(self._work())
        stop = asyncio.create_task(self._stop_asked.wait())
        code = 0
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                code = self._failure(work)
        finally:
            stop.cancel()
            work.cancel()
            await asyncio.wait({work})
            await self._stop()
        return code

    def _on_signal(self) -> None:
        if self._stop_asked.is_set():
            self._terminal.say("Already stopping; every part has a deadline.")
        self._stop_asked.set()

    def _failure(self, work: asyncio.Task[None]) -> int:
        error: BaseException | None = work.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        expected = (StartFailed, MigrationFailed, EngineError, DatabaseError)
        if error is not None and not isinstance(error, expected):
            raise error
        self._terminal.end_live()
        what = "The stack did not start" if self._starting else "The stack cannot go on"
        self._terminal.say(f"{what}: {error}")
        return 1

    async def _work(self) -> None:
        began = time.monotonic()
        settings = self._settings
        self._terminal.say(f"Coop starts; its state is in {settings.state}")
        left = await asyncio.to_thread(leftover_services, settings.state / "run.json")
        if left:
            named = ", ".join(f"{name} (kill {pid})" for name, pid in left.items())
            raise StartFailed(f"services of an earlier run still live: {named}")
        ports = roster.ports_of(settings)
        addresses = await self._start_engines()
        secrets = stack_secrets(settings.state / "secrets.json")
        await asyncio.to_thread(bootstrap, addresses.postgres_admin, secrets.passwords)
        await run_migrations(self._migrations(settings, addresses, secrets), settings.state)
        specs = self._specs(settings, addresses, secrets, ports)
        for spec in specs:
            log = log_path(settings.state, spec.name)
            service = ServiceProcess(spec, log=log, directory=settings.state)
            self._services.append(service)
            service.launch()
        self._write_run(addresses)
        async with (
            asyncio.TaskGroup() as group,
            httpx.AsyncClient(timeout=2, trust_env=False) as client,
        ):
            group.create_task(self._watch(addresses))
            await self._wait_ready(client)
            self._starting = False
            self._write_run(addresses, ready=True)
            self._terminal.say(f"Ready after {time.monotonic() - began:.1f} s.")
            await self._tell(Running(settings, addresses, ports, specs))
            await self._count(client)

    async def _start_engines(self) -> EngineAddresses:
        await asyncio.to_thread(self._stack.prepare)
        self._stack.launch()
        addresses = await asyncio.to_thread(self._stack.wait_ready)
        names = ", ".join(engine.name for engine in self._stack.engines) or "servers of your own"
        self._terminal.say(f"Engines: {names}")
        return addresses

    async def _wait_ready(self, client: httpx.AsyncClient) -> None:
        seconds = self._settings.ready_timeout
        deadline = time.monotonic() + seconds
        say_at = time.monotonic() + _STILL_SECONDS
        waiting = list(self._services)
        while waiting:
            answers = await asyncio.gather(*(service.ready(client) for service in waiting))
            waiting = [one for one, ready in zip(waiting, answers, strict=True) if not ready]
            if waiting and time.monotonic() > deadline:
                raise StartFailed(await _not_ready(client, waiting, seconds))
            if waiting and time.monotonic() > say_at:
                say_at += _STILL_SECONDS
                names = ", ".join(service.spec.name for service in waiting)
                left = max(0.0, deadline - time.monotonic())
                self._terminal.say(f"Still waiting for {names}; {left:.0f} s are left.")
            await asyncio.sleep(_READY_POLL_SECONDS)

    async def _watch(self, addresses: EngineAddresses) -> None:
        """Start again what has ended."""
        while True:
            changed = await self._watch_engines()
            for service in self._services:
                line = service.check()
                if line is None:
                    continue
                changed = True
                self._terminal.say(line)
                if self._starting and service.restarts >= _START_TRIES - 1 and service.pid is None:
                    raise StartFailed(
                        f"{service.spec.name} ended {_START_TRIES} times. Last lines of "
                        f"{service.log}:\n{service.last_lines()}"
                    )
            if changed:
                self._write_run(addresses, ready=not self._starting)
            await asyncio.sleep(_WATCH_SECONDS)

    async def _watch_engines(self) -> bool:
        ended = [engine for engine in self._stack.engines if engine.pid is None]
        if not ended:
            return False
        names = ", ".join(engine.name for engine in ended)
        self._terminal.say(f"{names} ended; starting it again. Logs: {self._settings.state}/logs")
        for engine in ended:
            engine.launch()
        await asyncio.to_thread(self._stack.wait_ready)
        self._terminal.say(f"{names} answers again.")
        return True

    async def _tell(self, running: Running) -> None:
        for hook in self._after_ready:
            for line in await hook(running):
                self._terminal.say(line)
        for spec in running.services:
            if spec.url:
                self._terminal.say(f"  {spec.name:<18}{spec.url}")
        self._terminal.say(f"  {'logs':<18}{running.settings.state / 'logs'}")
        self._terminal.say("Ctrl-C stops everything; the data stays.")

    async def _count(self, client: httpx.AsyncClient) -> None:
        urls = {one.spec.name: one.spec.metrics_url for one in self._services}
        counters = Counters(
            roster.COUNTED, {name: url for name, url in urls.items() if url is not None}
        )
        seconds = _LIVE_SECONDS if self._terminal.interactive else _LINE_SECONDS
        while True:
            self._terminal.live(line_of(await counters.read(client)))
            await asyncio.sleep(seconds)

    async def _stop(self) -> None:
        self._terminal.end_live()
        if self._services or self._stack.engines:
            self._terminal.say("Stopping.")
        for service in reversed(self._services):
            # The service's own deadline comes first, so that it can say what it gave up.
            limit = self._settings.stop_timeout + _KILL_MARGIN_SECONDS
            if not await service.stop(limit):
                self._terminal.say(f"{service.spec.name} did not stop in {limit:g} s: killed.")
        await asyncio.to_thread(self._stack.stop)
        (self._settings.state / "run.json").unlink(missing_ok=True)
        self._terminal.say("Stopped. The data stays for the next start.")

    def _write_run(self, addresses: EngineAddresses, *, ready: bool = False) -> None:
        engines = self._stack.engines
        logs = self._settings.state / "logs"
        run = RunFile(
            supervisor=os.getpid(),
            state=str(self._settings.state),
            ready=ready,
            broker=next((one.name for one in engines if isinstance(one, Kafka | Tansu)), "own"),
            kafka=addresses.kafka,
            kafka_idempotence=addresses.kafka_idempotence,
            postgres_admin=addresses.postgres_admin,
            redis=addresses.redis,
            engines={one.name: running(one.pid, logs / f"{one.name}.log") for one in engines},
            services={
                one.spec.name: running(
                    one.pid,
                    one.log,
                    url=one.spec.url,
                    ready_url=one.spec.ready_url,
                    metrics_url=one.spec.metrics_url,
                )
                for one in self._services
            },
        )
        write_run(self._settings.state / "run.json", run)


async def _not_ready(
    client: httpx.AsyncClient, waiting: Sequence[ServiceProcess], seconds: float
) -> str:
    """Which services are not ready, and what each says of itself."""
    lines = [
        f"not ready within {seconds:g} s; on a slow or busy machine, give it more with "
        f"COOP_READY_TIMEOUT={2 * seconds:g}:"
    ]
    for service in waiting:
        try:
            said = (await client.get(service.spec.ready_url)).text[:300]
        except httpx.HTTPError:
            said = "no answer"
        lines.append(f"{service.spec.name}: {said}. Last lines of {service.log}:")
        lines.append(service.last_lines(6))
    return "\n".join(lines)
