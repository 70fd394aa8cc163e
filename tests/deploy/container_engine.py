"""An engine of containers for the tests: the one that answers, else Docker's, started here.

Guarantees: what is started here has its data and its socket in a folder of its own, and ends, with
all of its containers, when the context ends; an engine that was there is left as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 60
_STOP_SECONDS = 60
# A network for its bridge that machines seldom have.
_BRIDGE = "172.31.250.1/24"


class NoEngineError(Exception):
    """Containers cannot be run here; says why."""


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """An engine that `docker` reaches, by what this sets in the environment.

    `folder` keeps what a started one has built. Raises NoEngineError.
    """
    client = builder()
    if client is None:
        raise NoEngineError("no docker on PATH that can build images with BuildKit")
    before = dict(os.environ)
    os.environ["PATH"] = f"{client.parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["DOCKER_BUILDKIT"] = "1"
    try:
        if _answers():
            yield
            return
        with _started(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def builder() -> Path | None:
    """The first `docker` on PATH that builds with BuildKit: by its plugin, or, before version 23,
    by itself."""
    for folder in os.get_exec_path():
        found = shutil.which("docker", path=folder)
        if found is None:
            continue
        if _says(found, "buildx", "version") is not None:
            return Path(found)
        version = _says(found, "--version") or ""
        number = version.removeprefix("Docker version ").partition(".")[0]
        if number.isdecimal() and int(number) < 23:
            return Path(found)
    return None


def _says(*command: str) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _answers() -> bool:
    return _says("docker", "info") is not None


@contextmanager
def _started(folder: Path) -> Iterator[None]:
    program = shutil.which("dockerd")
    if program is None or os.geteuid() != 0:
        raise NoEngineError("no engine answers, and none can be started (dockerd, as root)")
    folder.mkdir(parents=True, exist_ok=True)
    socket = f"unix://{folder / 'socket'}"
    settings = folder / "daemon.json"
    settings.write_text(
        json.dumps(
            {
                "data-root": str(folder / "data"),
                "exec-root": str(folder / "exec"),
                "pidfile": str(folder / "pid"),
                "hosts": [socket],
                "bip": _BRIDGE,
                # Lowering it takes a right that not every machine gives.
                "oom-score-adjust": 0,
            }
        )
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--config-file", str(settings)],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        os.environ["DOCKER_HOST"] = socket
        _await(process, folder / "log")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while not _answers():
        if process.poll() is not None or time.monotonic() > until:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise NoEngineError(f"dockerd does not start here: {' '.join(last)[:300]}")
        time.sleep(0.2)
