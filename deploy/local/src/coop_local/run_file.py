"""`run.json` in the state directory: what runs, for tools (mode 600, it holds addresses with
passwords) and for the next supervisor, which waits for what a killed one left behind.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import psutil

from coop_local.engine import write_private

LEFTOVER_SECONDS = 30.0


class RunningProcess(msgspec.Struct, rename="camel", kw_only=True):
    """One process; `created` (Unix seconds) tells it from a later one with the same number."""

    pid: int
    created: float
    log: str
    url: str | None = None
    ready_url: str | None = None
    metrics_url: str | None = None


class RunFile(msgspec.Struct, rename="camel", kw_only=True):
    """A running stack. `ready` once everything is."""

    supervisor: int
    state: str
    ready: bool = False
    broker: str
    kafka: str
    kafka_idempotence: bool
    postgres_admin: str
    redis: str
    engines: dict[str, RunningProcess]
    services: dict[str, RunningProcess]


def write_run(path: Path, run: RunFile) -> None:
    """Replace the file."""
    write_private(path, msgspec.json.format(msgspec.json.encode(run)).decode() + "\n")


def read_run(path: Path) -> RunFile | None:
    """The file's content, or None where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunFile)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def created_at(pid: int) -> float:
    """When a process began, Unix seconds; 0 when it has gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def running(
    pid: int | None,
    log: Path,
    *,
    url: str | None = None,
    ready_url: str | None = None,
    metrics_url: str | None = None,
) -> RunningProcess:
    """One entry; pid 0 when the process is down at this moment."""
    return RunningProcess(
        pid=pid or 0,
        created=created_at(pid) if pid else 0.0,
        log=str(log),
        url=url,
        ready_url=ready_url,
        metrics_url=metrics_url,
    )


def leftover_services(path: Path, *, timeout: float = LEFTOVER_SECONDS) -> dict[str, int]:
    """Names and pids of services of the last run that still live after `timeout` seconds.

    They were told to stop when their supervisor died and may be finishing their work.
    """
    run = read_run(path)
    deadline = time.monotonic() + timeout
    while True:
        alive = {
            name: process.pid
            for name, process in (run.services if run else {}).items()
            if process.pid and abs(created_at(process.pid) - process.created) < 1
        }
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.1)
