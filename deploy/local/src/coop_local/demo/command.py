"""`make demo`: uses the stack that runs, or starts one for as long as it takes.

Guarantees: a stack that ran before goes on running; one that was started here is stopped in order,
its data kept. The report's JSON object is the last line of the standard output.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from coop_local.demo.attach import PLATFORM, demo_file
from coop_local.demo.console_client import ConsoleError
from coop_local.demo.corpus import CorpusError, taken
from coop_local.demo.main_job import Load, StackUrls, report, run
from coop_local.demo.sender import RequestRefused
from coop_local.demo.state import DemoState
from coop_local.run_file import RunFile, created_at, read_run
from coop_local.settings import Settings

_FETCH_S = 240.0  # a first start fetches the broker, and migrates
_STOP_S = 90.0
_POLL_S = 0.2


class NoStack(Exception):
    """The stack is not up and could not be started."""


def run_demo(settings: Settings, corpus: Path, load: Load) -> int:
    """Runs the main job and prints its report; the exit code."""
    try:
        sys.stdout.write(f"{taken(corpus)}\n")
        with _stack(settings) as (running, state):
            services = running.services
            addresses = StackUrls(
                kafka=running.kafka,
                ingest=str(services["ingest"].url),
                review_api=str(services["review-api"].url),
                platform=str(services[PLATFORM].url),
            )
            return report(asyncio.run(run(corpus, addresses, state, load)))
    except* (
        CorpusError,
        NoStack,
        RequestRefused,
        TimeoutError,
        ConsoleError,
        httpx.HTTPError,
    ) as group:
        for error in _leaves(group):
            sys.stderr.write(f"demo: {error}\n")
    return 1


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


@contextmanager
def _stack(settings: Settings) -> Iterator[tuple[RunFile, DemoState]]:
    found = _running(settings)
    if found:
        yield found
        return
    sys.stderr.write("The stack is not up; starting it for this run.\n")
    command = [sys.executable, "-m", "coop_local", "run"]
    process = subprocess.Popen(command, stdout=sys.stderr, env=os.environ | {"COOP_DEMO_RATE": "0"})
    try:
        yield _wait(settings, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(settings: Settings, process: subprocess.Popen[bytes]) -> tuple[RunFile, DemoState]:
    seconds = _FETCH_S + settings.engine_timeout + settings.ready_timeout
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NoStack(f"the stack ended with {process.returncode}; see above")
        found = _running(settings)
        if found:
            return found
        time.sleep(_POLL_S)
    raise NoStack(f"the stack was not ready within {seconds:.0f} s")


def _running(settings: Settings) -> tuple[RunFile, DemoState] | None:
    """The stack of this state folder, if it is up and has its demo organisation."""
    running = read_run(settings.state / "run.json")
    remembered = demo_file(settings.state)
    if running is None or not running.ready or not created_at(running.supervisor):
        return None
    if not remembered.exists():
        return None
    return running, msgspec.json.decode(remembered.read_bytes(), type=DemoState)
