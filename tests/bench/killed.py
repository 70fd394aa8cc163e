"""Service processes that a soak kills with -9."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping


class Killed:
    """Service processes that are started again whenever they were killed."""

    def __init__(self) -> None:
        self._specs: dict[str, tuple[list[str], dict[str, str]]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: Counter[str] = Counter()

    def start(self, name: str, module: str, role: str, environment: Mapping[str, str]) -> None:
        """Starts a process under that name."""
        self._specs[name] = ([sys.executable, "-m", module, role], dict(environment))
        self._launch(name)

    def _launch(self, name: str) -> None:
        command, environment = self._specs[name]
        self._running[name] = subprocess.Popen(command, env=environment)

    def kill(self, name: str) -> None:
        """kill -9, and a new one at once."""
        self._running[name].kill()
        self._running[name].wait()
        self.kills[name] += 1
        self._launch(name)

    @property
    def names(self) -> list[str]:
        return list(self._specs)

    def stop(self) -> None:
        """Ends all of them in order."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(timeout=25)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
