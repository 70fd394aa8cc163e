"""Runs the services' migrations, each as a process of its own, all at the same time.

Guarantees: they have a deadline; the first that fails is told with the end of its log.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coop_local.engine import end, spawn

_SECONDS = 120.0
_KILL_SECONDS = 5.0


class MigrationFailed(Exception):
    """A schema could not be brought up to date."""


@dataclass(frozen=True)
class MigrationSpec:
    """One migration: `name` names its log."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


async def run_migrations(specs: Sequence[MigrationSpec], state: Path) -> None:
    """Run them in parallel: each has a schema of its own. Raises MigrationFailed."""
    started = {}
    deadline = time.monotonic() + _SECONDS
    try:
        for spec in specs:
            log = state / "logs" / f"{spec.name}.log"
            log.unlink(missing_ok=True)
            started[log] = spawn(
                spec.command, environment=spec.environment, log=log, directory=state
            )
        while any(process.poll() is None for process in started.values()):
            if time.monotonic() > deadline:
                raise MigrationFailed(f"the migrations took longer than {_SECONDS:g} s")
            await asyncio.sleep(0.05)
    finally:
        for process in started.values():
            if process.poll() is None:
                await asyncio.to_thread(end, process, signal.SIGTERM, _KILL_SECONDS)
    for log, process in started.items():
        if process.returncode != 0:
            lines = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise MigrationFailed(f"{log.stem} failed. Last lines of {log}:\n{lines}")
