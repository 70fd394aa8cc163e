"""The supervisor, over stand-in services and real engines."""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coop_local.engine import remembered_port
from coop_local.postgres import Postgres

pytestmark = pytest.mark.engines

HERE = Path(__file__).parent


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Poll until the condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


class Supervised:
    """A supervisor over stand-in services."""

    def __init__(self, state: Path, environment: dict[str, str]) -> None:
        self.state = state
        self.diary = state.parent / "diary"
        self.diary.touch()
        self.out = state.parent / "out"
        self._environment = environment
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *specs: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one; its output is appended to `out`."""
        with self.out.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "supervised.py"), str(self.diary), *specs],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment | environment,
            )
        self._processes.append(process)
        return process

    def spec(self, name: str, words: str = "") -> str:
        """A stand-in on a free port."""
        port = remembered_port(self.state.parent / "ports" / name)
        return f"{name}:{port}" + (f":{words}" if words else "")

    def said(self) -> str:
        return self.out.read_text()

    def until_said(self, text: str) -> None:
        until(lambda: text in self.said())

    def diary_lines(self) -> list[list[str]]:
        return [line.split() for line in self.diary.read_text().splitlines()]

    def pid_of(self, name: str) -> int:
        """The newest process of a stand-in."""
        return [int(line[2]) for line in self.diary_lines() if line[:2] == ["start", name]][-1]

    def end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[str]:
    """A server for these tests alone: a supervisor sets the passwords of the server's roles."""
    with tempfile.TemporaryDirectory(prefix="coop-supervised-") as folder:
        postgres = Postgres(Path(folder) / "postgres", durable=False)
        postgres.start()
        yield postgres.url
        postgres.stop()


@pytest.fixture
def supervised(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str, own_postgres: str
) -> Iterator[Supervised]:
    """A supervisor that uses running engines as servers of its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COOP_")
    }
    environment |= {
        "COOP_STATE": str(tmp_path / "state"),
        "COOP_KAFKA": kafka_bootstrap,
        "COOP_REDIS": redis_url,
        "COOP_POSTGRES_ADMIN": own_postgres,
        "COOP_FREE_PORTS": "true",
        "COOP_STOP_TIMEOUT": "2",
    }
    it = Supervised(tmp_path / "state", environment)
    yield it
    it.end()


def test_it_starts_waits_until_ready_and_stops_in_reverse_order(supervised: Supervised) -> None:
    """Ready is said only when every service is; a stop asks the last started first."""
    process = supervised.start(supervised.spec("a"), supervised.spec("b", "ready-after,0.7"))
    supervised.until_said("Ready after")
    supervised.until_said("hook saw a,b on")
    run = json.loads((supervised.state / "run.json").read_text())
    assert run["ready"] is True
    assert run["services"]["b"]["pid"] == supervised.pid_of("b")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    ends = [line[:2] for line in supervised.diary_lines() if line[0] != "start"]
    assert ends == [["asked", "b"], ["end", "b"], ["asked", "a"], ["end", "a"]]
    assert not (supervised.state / "run.json").exists()


def test_a_service_that_dies_is_started_again(supervised: Supervised) -> None:
    """A crash is told and mended while the rest goes on."""
    supervised.start(supervised.spec("a"), supervised.spec("b"))
    supervised.until_said("Ready after")
    first, other = supervised.pid_of("a"), supervised.pid_of("b")
    os.kill(first, signal.SIGKILL)
    supervised.until_said("a ended (signal SIGKILL); starting it again in 0.5 s")
    supervised.until_said("a started again")
    until(lambda: supervised.pid_of("a") != first)
    assert alive(other)
    run_file = supervised.state / "run.json"
    until(
        lambda: json.loads(run_file.read_text())["services"]["a"]["pid"] == supervised.pid_of("a")
    )


def test_an_engine_that_dies_is_started_again(supervised: Supervised) -> None:
    """The stack mends its own engines; the services only see a pause."""
    supervised.start(supervised.spec("a"), COOP_REDIS="")
    supervised.until_said("Ready after")
    run_file = supervised.state / "run.json"

    def valkey() -> int:
        return int(json.loads(run_file.read_text())["engines"]["valkey"]["pid"])

    first = valkey()
    os.kill(first, signal.SIGKILL)
    supervised.until_said("valkey ended; starting it again")
    supervised.until_said("valkey answers again")
    until(lambda: valkey() not in (0, first))
    assert alive(supervised.pid_of("a"))


def test_a_service_that_cannot_start_fails_the_start(supervised: Supervised) -> None:
    """The start gives up after three exits, shows the reason, stops the others, and returns 1."""
    process = supervised.start(supervised.spec("a"), supervised.spec("b", "exit,2"))
    assert process.wait(60) == 1
    assert "b ended 3 times" in supervised.said()
    assert "it cannot work like this" in supervised.said()
    assert not alive(supervised.pid_of("a"))


def test_a_service_that_is_never_ready_fails_the_start(supervised: Supervised) -> None:
    """Readiness has a deadline, and what is missing is named."""
    process = supervised.start(
        supervised.spec("a"), supervised.spec("slow", "ready-after,600"), COOP_READY_TIMEOUT="1"
    )
    assert process.wait(60) == 1
    assert "not ready within 1 s" in supervised.said()
    assert "COOP_READY_TIMEOUT" in supervised.said()
    assert "slow:" in supervised.said()


def test_a_second_signal_changes_nothing(supervised: Supervised) -> None:
    """However often Ctrl-C is pressed, the stop is complete and the exit code is 0."""
    process = supervised.start(supervised.spec("a"), supervised.spec("b", "ignore-term"))
    supervised.until_said("Ready after")
    process.send_signal(signal.SIGINT)
    until(lambda: ["asked", "b"] in [line[:2] for line in supervised.diary_lines()])
    process.send_signal(signal.SIGINT)
    supervised.until_said("Already stopping")
    assert process.wait(30) == 0
    assert "b did not stop in" in supervised.said()
    assert ["end", "a"] in [line[:2] for line in supervised.diary_lines()]
    assert not alive(supervised.pid_of("b"))


def test_a_stop_during_the_start_leaves_nothing(supervised: Supervised) -> None:
    """A signal before the stack is ready stops what is there."""
    process = supervised.start(supervised.spec("slow", "ready-after,600"))
    until(lambda: any(line[:2] == ["start", "slow"] for line in supervised.diary_lines()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert "Ready after" not in supervised.said()
    assert not alive(supervised.pid_of("slow"))


def test_a_second_supervisor_is_refused(supervised: Supervised) -> None:
    """Two on one state would spoil each other's data: the second one says whose it is."""
    first = supervised.start(supervised.spec("a"))
    supervised.until_said("Ready after")
    second = supervised.start(supervised.spec("a"))
    assert second.wait(30) == 1
    assert f"in use by another supervisor (process {first.pid})" in supervised.said()
    assert first.poll() is None


def test_no_service_outlives_a_killed_supervisor(supervised: Supervised) -> None:
    """SIGKILL of the supervisor ends its services too, and the next start succeeds."""
    process = supervised.start(supervised.spec("a"))
    supervised.until_said("Ready after")
    service = supervised.pid_of("a")
    process.kill()
    process.wait()
    until(lambda: not alive(service))
    supervised.out.write_text("")
    supervised.start(supervised.spec("a"))
    supervised.until_said("Ready after")


def test_secrets_are_made_once_and_private(supervised: Supervised) -> None:
    """The secrets of the first start are those of the second, and only their owner reads them."""
    process = supervised.start(supervised.spec("a"))
    supervised.until_said("Ready after")
    file = supervised.state / "secrets.json"
    first = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((supervised.state / "run.json").stat().st_mode) == 0o600
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    supervised.out.write_text("")
    supervised.start(supervised.spec("a"))
    supervised.until_said("Ready after")
    assert file.read_text() == first


def test_where_the_output_is_no_terminal_the_counters_are_lines(supervised: Supervised) -> None:
    """A log file gets whole lines without control characters."""
    supervised.start(supervised.spec("a"))
    supervised.until_said("accepted 0  evaluated 0")
    assert "\x1b" not in supervised.said()
