"""The console in a real browser, against the whole system: every `*.test.mjs` of this folder.

Guarantees: without a browser they are skipped by name; with `CI` set they fail instead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.local_stack import LocalStack, state_folder

HERE = Path(__file__).parent
FILES = sorted(path.name for path in HERE.glob("*.test.mjs"))
CHROMIUM = os.environ.get("COOP_CHROMIUM") or shutil.which("chromium")

pytestmark = pytest.mark.journey

_PATIENCE = 900.0  # seconds


@pytest.fixture(scope="module")
def browser() -> str:
    """Where the browser is."""
    if CHROMIUM is not None:
        return CHROMIUM
    missing = "there is no chromium: install Debian's package, or set COOP_CHROMIUM"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
def stack(browser: str) -> Iterator[LocalStack]:
    """The whole system, with a demo organisation whose platform sends a little all the time."""
    del browser
    if not (HERE.parent / "dist" / "index.html").exists():
        pytest.fail("the console is not built: make console")
    with (
        state_folder() as folder,
        LocalStack(folder / "state", COOP_DEMO_RATE="1", COOP_DEMO_STORY="true") as running,
    ):
        running.wait_told()
        yield running


@pytest.mark.timeout(_PATIENCE + 60)
@pytest.mark.parametrize("file", FILES)
def test_the_console_in_a_browser(stack: LocalStack, browser: str, file: str) -> None:
    """Everything that this file says of the console holds."""
    node = subprocess.check_output([sys.executable, HERE.parent / "scripts" / "node.py"], text=True)
    environment = os.environ | {
        "PATH": f"{node.strip()}:{os.environ['PATH']}",
        "COOP_CONSOLE_URL": stack.url("review-api"),
        "COOP_DEMO_FILE": str(stack.state / "demo.json"),
        "COOP_INGEST_URL": stack.url("ingest"),
        "COOP_RUN_FILE": str(stack.state / "run.json"),
        "COOP_CHROMIUM": browser,
        "COOP_PYTHON": sys.executable,
    }
    code, told = _run(file, environment)
    print(told)
    assert code == 0, told


def _run(file: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Its exit code and the end of what it said."""
    with subprocess.Popen(
        ["node", "--test", "--test-reporter=spec", "--test-timeout=900000", file],
        cwd=HERE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            told, faults = running.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            _kill(running)
            told, faults = running.communicate()
            faults += f"\nnot done after {_PATIENCE:g} s"
        finally:
            _kill(running)
    return running.returncode, told[-12_000:] + faults[-2_000:]


def _kill(running: subprocess.Popen[str]) -> None:
    """With the browser, which is of its group: also where the test was ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
