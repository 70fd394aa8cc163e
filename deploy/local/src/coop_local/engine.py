"""The embedded engines' common ground: a real server as a child process of this one.

Guarantees: an engine listens on loopback only; its port is chosen once and found again at the next
start; `start` returns when the server answers, or raises before its deadline; `stop` asks first,
waits, then kills, and touches no process that it did not start. A child gets its stop signal when
this process dies, even by SIGKILL (Linux).

Must not: choose between engines, create topics or schemas, or print.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psutil

START_SECONDS = 60.0
STOP_SECONDS = 20.0
_LEFTOVER_SECONDS = 20.0
_POLL_SECONDS = 0.02
_LOG_LIMIT = 8 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
# Below Linux's range for outgoing connections, which could take a remembered port between runs.
_PORT_RANGE = range(20_000, 32_000)


class EngineError(Exception):
    """An engine that cannot be started, with what its owner can do about it."""


class Engine(Protocol):
    """A server that the local stack can start.

    `start` is `prepare` (blocking, any thread), `launch` (fast; on a thread that lives as long as
    the server, because Linux ties the death signal to the thread) and `wait_ready` (any thread).
    """

    name: str

    @property
    def url(self) -> str:
        """Where clients connect. Known after `prepare`."""

    @property
    def pid(self) -> int | None:
        """The server's process, or None when it is not running."""

    def prepare(self) -> None:
        """Create what the first start needs. Idempotent. Raises EngineError."""

    def launch(self) -> None:
        """Start the process."""

    def wait_ready(self, timeout: float = START_SECONDS) -> None:
        """Return when the server answers; `timeout` in seconds. Raises EngineError."""

    def start(self) -> None:
        """`prepare`, `launch`, `wait_ready`; leaves nothing running when it raises."""

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop the server in order; kill it after `timeout` seconds. Idempotent."""


class EngineProcess(ABC):
    """What the engines share; a subclass says what to run and how to ask whether it answers."""

    name: str
    stop_signal: signal.Signals = signal.SIGTERM

    def __init__(self, state: Path, *, log: Path | None = None) -> None:
        """`state`: this engine's own directory. `log`: its log file, by default inside `state`."""
        self.state = state.absolute()
        self.log = (log or self.state / "server.log").absolute()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, or None when it is not running."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients reach the server."""

    @abstractmethod
    def prepare(self) -> None:
        """Create what the first start needs."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """One attempt, a second at most, whether the server serves."""

    def environment(self) -> Mapping[str, str]:
        """The child's whole environment: no setting of Coop's and no secret of the caller's."""
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
        return {name: os.environ[name] for name in kept if name in os.environ}

    def owner(self) -> tuple[int, int] | None:
        """User and group ids to run as, or None for this process's own."""
        return None

    def start(self) -> None:
        self.prepare()
        try:
            self.launch()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        if self.pid is not None:
            return
        self._await_leftover()
        rotate(self.log)
        self._process = spawn(
            self.command(),
            environment=self.environment(),
            log=self.log,
            directory=self.state,
            death_signal=self.stop_signal,
            owner=self.owner(),
        )
        (self.state / "pid").write_text(f"{self._process.pid}\n")

    def wait_ready(self, timeout: float = START_SECONDS) -> None:
        deadline = time.monotonic() + timeout
        while True:
            process = self._process
            if process is None or process.poll() is not None:
                code = None if process is None else process.returncode
                raise EngineError(
                    f"{self.name} ended at its start (exit code {code}).{self._why()}"
                )
            if self.answers():
                return
            if time.monotonic() > deadline:
                raise EngineError(
                    f"{self.name} did not answer within {timeout:g} s; on a slow or busy machine, "
                    f"give it more with COOP_ENGINE_TIMEOUT={2 * timeout:g}.{self._why()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        process = self._process
        if process is None:
            return
        end(process, self.stop_signal, timeout)
        self._process = None
        (self.state / "pid").unlink(missing_ok=True)

    def _await_leftover(self) -> None:
        """A server of a killed predecessor is still writing its last data: give it time to end."""
        with contextlib.suppress(FileNotFoundError, ValueError, psutil.Error):
            left = psutil.Process(int((self.state / "pid").read_text()))
            if any(str(self.state) in word for word in left.cmdline()):
                try:
                    left.wait(_LEFTOVER_SECONDS)
                except psutil.TimeoutExpired:
                    raise EngineError(
                        f"{self.name} of an earlier run still works on {self.state}: "
                        f"stop it (kill {left.pid}) and start again."
                    ) from None

    def _why(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-12:]
        except OSError:
            return ""
        return f" Last lines of {self.log}:\n" + "\n".join(lines)


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    directory: Path,
    death_signal: signal.Signals = signal.SIGTERM,
    owner: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that a Ctrl-C reaches only the supervisor.

    Its output is appended to `log`. The calling thread must outlive the child: on Linux the child
    gets `death_signal` when the thread that started it ends.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
            user=owner[0] if owner else None,
            group=owner[1] if owner else None,
            extra_groups=[] if owner else None,
            preexec_fn=_death_signal(death_signal),  # noqa: PLW1509 - nothing else can set it
        )


def end(process: subprocess.Popen[bytes], with_signal: signal.Signals, timeout: float) -> bool:
    """Ask a child to stop, kill it after `timeout` seconds. True when it stopped by itself."""
    if process.poll() is None:
        process.send_signal(with_signal)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def _death_signal(number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # PyDLL keeps the interpreter's lock, which nobody could give back between fork and exec.
    prctl = ctypes.PyDLL(None).prctl
    parent = os.getpid()

    def set_it() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)

    return set_it


def rotate(log: Path) -> None:
    """Move a log file that has grown too large aside; one older file is kept."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        # As servers do, so that connections of the last run in TIME_WAIT are no obstacle.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def remembered_port(memory: Path, *, wanted: int | None = None) -> int:
    """The port in the file `memory`, or a free one, which is then written there.

    `wanted` comes from the settings: it must be free, or this raises EngineError. A remembered port
    that somebody else has taken meanwhile is replaced. Whoever has a memory beside this one
    (`STATE/<engine>/port`, `STATE/ports/<service>`) may not listen yet: theirs is taken, too.
    """
    if wanted is not None:
        if not is_free(wanted):
            raise EngineError(f"Port {wanted} of the settings is in use by another process.")
        return wanted
    beside = set(_ports_beside(memory))
    with contextlib.suppress(FileNotFoundError, ValueError):
        port = int(memory.read_text())
        if port not in beside and is_free(port):
            return port
    for port in random.sample(_PORT_RANGE, 100):
        if port not in beside and is_free(port):
            memory.parent.mkdir(parents=True, exist_ok=True)
            memory.write_text(f"{port}\n")
            return port
    raise EngineError("No free port on 127.0.0.1 between 20000 and 32000.")


def _ports_beside(memory: Path) -> Iterator[int]:
    state = memory.parent.parent
    found = {one.resolve() for one in (*state.glob("*/*port"), *state.glob("ports/*"))}
    for other in found - {memory.resolve()}:
        with contextlib.suppress(OSError, ValueError):
            yield int(other.read_text())


def remembered_secret(memory: Path) -> str:
    """The random secret in the file `memory` (mode 600), made at the first call."""
    try:
        return memory.read_text().strip()
    except FileNotFoundError:
        secret = os.urandom(24).hex()
        write_private(memory, secret + "\n")
        return secret


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
