"""The life of a service process, seen from outside: ports, signals, exit codes, log lines."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = Path(__file__).with_name("service_program.py")


class Program:
    """The process, and its log lines as they come."""

    def __init__(self, mode: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), mode],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put(None)

    def line(self, event: str, *, seconds: float = 20) -> dict[str, Any]:
        """The first line of that event, from now on."""
        deadline = time.monotonic() + seconds
        while True:
            text = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
            assert text is not None, f"ended without {event!r}: {self.raw}"
            self.raw.append(text)
            self.lines.append(json.loads(text))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]

    def end(self, *, seconds: float = 20) -> int:
        """The exit code, with all lines read."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        while (text := self._queue.get(timeout=1)) is not None:
            self.raw.append(text)
            self.lines.append(json.loads(text))
        return code

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    def close(self) -> None:
        self.process.kill()
        _, _ = self.process.communicate() if not self._reader.is_alive() else (None, None)
        self.process.wait(5)
        self._reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Starts programs and ends what is left of them."""
    programs: list[Program] = []

    def run(mode: str = "plain", **environment: str) -> Program:
        programs.append(Program(mode, **environment))
        return programs[-1]

    yield run
    for program in programs:
        program.close()


def started(program: Program) -> tuple[str, str]:
    """The base URLs: internal, public."""
    line = program.line("service started")
    return (
        f"http://127.0.0.1:{line['internal_port']}",
        f"http://127.0.0.1:{line['public_ports'][0]}",
    )


def stop(program: Program) -> int:
    program.process.send_signal(signal.SIGTERM)
    return program.end()


def hooks(program: Program) -> list[str]:
    return [line["name"] for line in program.lines if line["event"] == "hook"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_in_order_with_zero(
    start: Callable[..., Program], number: signal.Signals
) -> None:
    """Start hooks in order, the task cleaned up, stop hooks in reverse order, exit code 0."""
    program = start()
    started(program)
    program.process.send_signal(number)
    assert program.end() == 0
    assert hooks(program) == ["start-1", "start-2", "stop-2", "stop-1"]
    assert program.events.index("task cleaned up") < len(program.events) - 2


def test_the_internal_port_answers(start: Callable[..., Program]) -> None:
    """/livez, /readyz and /metrics answer; anything else is 404."""
    program = start()
    internal, public = started(program)
    assert httpx.get(public + "/").text == "ok"
    assert httpx.get(internal + "/livez").json() == {"alive": True}
    ready = httpx.get(internal + "/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"started": True, "not-stopping": True, "always": True}
    metrics = httpx.get(internal + "/metrics").text
    assert 'coop_build_info{service="program",version="0.1.0"} 1.0' in metrics
    assert 'coop_http_requests_total{method="GET",route="unmatched",status="200"} 1.0' in metrics
    assert httpx.get(internal + "/").status_code == 404
    assert httpx.head(internal + "/livez").content == b""
    assert "server" not in httpx.get(public + "/").headers
    assert stop(program) == 0


def test_an_unready_check_is_named(start: Callable[..., Program]) -> None:
    """A check that raises, or never answers, makes 503 with its name; liveness is untouched."""
    program = start("unready")
    internal, _ = started(program)
    answer = httpx.get(internal + "/readyz")
    assert answer.status_code == 503
    assert answer.json()["failing"] == ["broken", "never"]
    assert httpx.get(internal + "/livez").status_code == 200
    assert stop(program) == 0


def test_while_starting_it_is_alive_and_not_ready(start: Callable[..., Program]) -> None:
    """Long start hooks do not look like a dead process; a signal ends them cleanly."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = start("start-hangs", INTERNAL_PORT=str(port))
    program.line("hook")
    program.line("hook")
    deadline = time.monotonic() + 10
    while True:
        try:
            assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["failing"] == ["started"]
    assert stop(program) == 0
    assert hooks(program) == ["start-1", "start-2", "stop-2", "stop-1"]


@pytest.mark.parametrize(
    ("mode", "event", "text"),
    [
        ("task-fails", "task ended", "RuntimeError: task broke"),
        ("task-ends", "task ended", None),
        ("start-fails", "service failed to start", "RuntimeError: start-2"),
        ("lifespan-fails", "task ended", "failed to start"),
    ],
)
def test_a_failure_ends_the_process_with_one(
    start: Callable[..., Program], mode: str, event: str, text: str | None
) -> None:
    """A task that raises or ends, a start hook or lifespan that fails: logged, stopped, exit 1."""
    program = start(mode)
    assert program.end() == 1
    line = next(line for line in program.lines if line["event"] == event)
    assert line["level"] == "error"
    if text is not None:
        assert text in line["exception"]
    assert hooks(program)[-2:] == ["stop-2", "stop-1"]


def test_a_consumer_comes_after_what_it_waits_for(start: Callable[..., Program]) -> None:
    """Not before the last wait is over, asked one after the other; and it says when it is ready."""
    program = start("consumes")
    internal, _ = started(program)
    program.line("consumes")
    waits = [(x["what"], x["whole"]) for x in program.lines if x["event"] == "waited"]
    assert waits == [("first", True), ("second", True)]
    assert httpx.get(internal + "/readyz").json()["checks"]["messages"] is True
    assert stop(program) == 0


def test_a_wait_in_vain_ends_the_process(start: Callable[..., Program]) -> None:
    """What never comes is an error of the task that waits for it, which never began."""
    program = start("wait-fails")
    assert program.end() == 1
    line = next(line for line in program.lines if line["event"] == "task ended")
    assert line["task"] == "messages"
    assert "TimeoutError" in line["exception"]
    assert "consumes" not in program.events


def test_log_lines_carry_trace_and_no_secret(start: Callable[..., Program]) -> None:
    """Service, level, time and the trace of the headers are in the line; the secret is not."""
    program = start("task-fails")
    program.end()
    line = next(line for line in program.lines if line["event"] == "about to fail")
    assert line["service"] == "program"
    assert line["logger"] == "program"
    assert line["level"] == "info"
    assert line["time"].endswith("Z")
    assert line["trace_id"] == "a" * 32
    assert line["span_id"] == "b" * 16
    assert line["api_key"] == "[redacted]"


def test_a_taken_port_is_a_clear_error(start: Callable[..., Program]) -> None:
    """The address is in the log, nothing was started, exit 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = start(PUBLIC_PORT=str(port))
        assert program.end() == 1
    assert f"127.0.0.1:{port}" in program.lines[0]["exception"]
    assert "start-1" not in hooks(program)


def test_a_running_request_is_answered_before_the_stop(start: Callable[..., Program]) -> None:
    """A stop finishes what was accepted, and takes nothing new."""
    program = start()
    internal, public = started(program)
    answers: list[str] = []
    request = threading.Thread(target=lambda: answers.append(httpx.get(public + "/slow").text))
    request.start()
    program.line("slow request began")
    program.process.send_signal(signal.SIGTERM)
    program.line("service stopping")
    assert httpx.get(internal + "/readyz").json()["failing"] == ["not-stopping"]
    request.join(10)
    assert answers == ["ok"]
    assert program.end() == 0


def test_a_stuck_request_does_not_hold_the_stop(start: Callable[..., Program]) -> None:
    """A request that never ends is cut at its share of the time, and the hooks still run."""
    program = start(STOP_TIMEOUT="3")
    _, public = started(program)

    def ask() -> None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(public + "/stuck", timeout=20)

    request = threading.Thread(target=ask)
    request.start()
    program.line("stuck request began")
    began = time.monotonic()
    program.process.send_signal(signal.SIGTERM)
    program.end(seconds=10)
    assert time.monotonic() - began < 4.5
    assert hooks(program)[-2:] == ["stop-2", "stop-1"]
    request.join(10)


@pytest.mark.parametrize("mode", ["stubborn", "stop-hangs", "stop-fails"])
def test_what_does_not_stop_is_left_behind(start: Callable[..., Program], mode: str) -> None:
    """A task or hook that hangs or fails: bounded time, the other hooks run, exit 1."""
    program = start(mode, STOP_TIMEOUT="1")
    started(program)
    began = time.monotonic()
    program.process.send_signal(signal.SIGTERM)
    assert program.end(seconds=10) == 1
    assert time.monotonic() - began < 4
    assert hooks(program)[-1] == "stop-1"


def test_a_lost_cancellation_is_repeated(start: Callable[..., Program]) -> None:
    """A task whose library swallowed the cancellation still cleans up, and the stop went well."""
    program = start("deaf", STOP_TIMEOUT="3")
    started(program)
    program.process.send_signal(signal.SIGTERM)
    program.line("lost a cancellation")
    program.line("task cleaned up")
    assert program.end() == 0


def test_a_second_signal_hurries(start: Callable[..., Program]) -> None:
    """The second signal cuts the grace short."""
    program = start("stubborn", STOP_TIMEOUT="60")
    started(program)
    program.process.send_signal(signal.SIGTERM)
    program.line("refuses to stop")
    program.process.send_signal(signal.SIGTERM)
    assert program.end(seconds=5) == 1


def test_it_serves_until_load_balancers_know(start: Callable[..., Program]) -> None:
    """Told to stop it is unready at once, and answers new connections for the delay; then it stops
    in order."""
    program = start(DRAIN_DELAY="3")
    internal, public = started(program)
    began = time.monotonic()
    program.process.send_signal(signal.SIGTERM)
    program.line("service draining")
    ready = httpx.get(f"{internal}/readyz")
    assert (ready.status_code, ready.json()["failing"]) == (503, ["not-stopping"])
    assert httpx.get(f"{internal}/livez").status_code == 200
    assert httpx.get(public).text == "ok"
    assert "task cleaned up" not in program.events
    assert program.end() == 0
    assert time.monotonic() - began > 3
    assert program.events.index("service stopping") < program.events.index("task cleaned up")


def test_a_second_signal_ends_the_delay(start: Callable[..., Program]) -> None:
    """Who asks twice does not wait."""
    program = start(DRAIN_DELAY="300")
    started(program)
    program.process.send_signal(signal.SIGTERM)
    program.line("service draining")
    program.process.send_signal(signal.SIGTERM)
    program.end()
    assert "service stopped" in program.events


def test_what_fails_while_draining_ends_the_delay(start: Callable[..., Program]) -> None:
    """A process whose task broke does not pretend to serve."""
    program = start("task-fails", DRAIN_DELAY="300")
    assert program.end() == 1
    assert "service draining" not in program.events
