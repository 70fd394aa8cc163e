"""The whole system as a user starts it, for journeys and benchmarks: `python -m coop_local run`.

Guarantees: a state folder of its own and free ports, so that it meets no other stack; stopped by
the process it started, in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
_ACCEPTED = 'coop_ingest_accepted_total{kind="item"}'
_READY_S = float(os.environ.get("COOP_TEST_READY_S", "240"))
_STOP_S = 60.0


@contextlib.contextmanager
def state_folder() -> Iterator[Path]:
    """A folder that PostgreSQL may use when pytest runs as root: pytest's own close to others."""
    with tempfile.TemporaryDirectory(prefix="coop-stack-") as folder:
        yield Path(folder)


class LocalStack:
    """A running stack; `with LocalStack(folder) as stack`."""

    def __init__(self, state: Path, **environment: str) -> None:
        self.state = state
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
        cache = os.environ.get("COOP_CACHE", str(ROOT / ".coop" / "cache"))
        self.environment = kept | {
            "COOP_STATE": str(state),
            "COOP_CACHE": cache,
            "COOP_FREE_PORTS": "true",
            "COOP_DEMO_RATE": "0",
            "COOP_DEMO_STORY": "false",
            **environment,
        }
        self._process: subprocess.Popen[str] | None = None
        self.output = state.parent / f"{state.name}.out"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> float:
        """Starts it and waits until the demo organisation is there; returns the seconds taken."""
        began = time.monotonic()
        with self.output.open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "coop_local", "run"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        while not self._is_up():
            if self._process.poll() is not None:
                raise RuntimeError(f"the stack ended:\n{self.output.read_text()[-4000:]}")
            if time.monotonic() - began > _READY_S:
                self.stop()
                raise TimeoutError(f"not ready:\n{self.output.read_text()[-4000:]}")
            time.sleep(0.1)
        return time.monotonic() - began

    def _is_up(self) -> bool:
        try:
            run = self.run_file()
        except (OSError, ValueError):
            return False
        return bool(run.get("ready")) and (self.state / "demo.json").exists()

    def run_file(self) -> dict[str, Any]:
        """What runs: addresses and processes."""
        found: dict[str, Any] = json.loads((self.state / "run.json").read_text())
        return found

    def demo_file(self) -> dict[str, Any]:
        """The demo organisation: ids, API key, users."""
        found: dict[str, Any] = json.loads((self.state / "demo.json").read_text())
        return found

    def url(self, service: str) -> str:
        """A service's public address."""
        return str(self.run_file()["services"][service]["url"])

    def pid(self, service: str) -> int:
        """A service's process; 0 while it is down."""
        return int(self.run_file()["services"][service]["pid"])

    def kill(self, service: str) -> None:
        """kill -9, as the kernel or an operator would."""
        os.kill(self.pid(service), signal.SIGKILL)

    def demo(self, *arguments: str, timeout: float = 240) -> subprocess.Popen[str]:
        """Starts `make demo` against this stack; the caller waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "coop_local", "demo", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def accepted(self) -> int:
        """Items that the running ingest process has accepted."""
        process = self.run_file()["services"]["ingest"]
        with urllib.request.urlopen(process["metricsUrl"], timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        counts = [line.split()[-1] for line in lines if line.startswith(_ACCEPTED)]
        return int(sum(float(count) for count in counts))

    def wait_accepted(self, more: int, *, deadline: float = 60) -> None:
        """Waits until `more` items than now have been accepted."""
        wanted = self.accepted() + more
        until = time.monotonic() + deadline
        while self.accepted() < wanted:
            if time.monotonic() > until:
                raise TimeoutError(f"{more} items were not accepted within {deadline} s")
            time.sleep(0.02)

    def wait_told(self, *, deadline: float = 240) -> None:
        """Waits until the demo platform has told all of its story."""
        until = time.monotonic() + deadline
        told = self.state / "demo-story.json"
        while not (told.exists() and "appeals" in json.loads(told.read_bytes())["chapters"]):
            if time.monotonic() > until:
                raise TimeoutError("the story was not told: see logs/demo-platform.log")
            time.sleep(0.2)

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            return process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def report_of(demo: subprocess.Popen[str], *, timeout: float) -> dict[str, Any]:
    """Waits for a demo and returns its last line, with its exit code as `exit_code`."""
    try:
        output, _ = demo.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        demo.kill()
        output, _ = demo.communicate()
        raise AssertionError(f"the demo did not end in {timeout} s:\n{output[-3000:]}") from None
    try:
        found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise AssertionError(f"the demo printed no report:\n{output[-3000:]}") from None
    return found | {"exit_code": demo.returncode, "output": output}
