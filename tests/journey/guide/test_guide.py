"""The user guide is followed from its first sentence to its last, in a browser.

Guarantees: tried once more it begins anew, with an organisation that nobody knows yet; without a
browser it is skipped by name, with `CI` set it fails instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.local_stack import ROOT, LocalStack

pytestmark = pytest.mark.journey

HERE = Path(__file__).parent
_CONSOLE = ROOT / "services/review-console"
_CHROMIUM = os.environ.get("COOP_CHROMIUM") or shutil.which("chromium")
_SLUG = "lighthouse"  # as the guide calls it
_COMMAND_S = 120.0
_PATIENCE = 600.0
_STARTS = 300.0  # the stack, where this is the first to ask for it


@pytest.fixture
def browser() -> str:
    """Where the browser is."""
    if not (_CONSOLE / "dist" / "index.html").exists():
        pytest.fail("the console is not built: make console")
    if _CHROMIUM is not None:
        return _CHROMIUM
    missing = "there is no chromium: install Debian's package, or set COOP_CHROMIUM"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture
def environment(stack: LocalStack, browser: str) -> dict[str, str]:
    """That of a shell in which the command line, Node and the packages of the guide are there."""
    node = subprocess.check_output([sys.executable, _CONSOLE / "scripts/node.py"], text=True)
    lines = (stack.state / "cli.env").read_text().splitlines()
    path = f"{Path(sys.executable).parent}:{node.strip()}:{os.environ['PATH']}"
    command_line = dict(line.split("=", 1) for line in lines if line)
    return command_line | {
        "PATH": path,
        "HOME": os.environ.get("HOME", "/tmp"),  # the browser wants one
        "COOP_CONSOLE_URL": stack.url("review-api"),
        "COOP_DEMO_FILE": str(stack.state / "demo.json"),
        "COOP_INGEST_URL": stack.url("ingest"),
        "COOP_RUN_FILE": str(stack.state / "run.json"),
        "COOP_CHROMIUM": browser,
    }


@pytest.mark.timeout(_PATIENCE + _STARTS + _COMMAND_S)
def test_the_guide_is_followed_to_its_end(environment: dict[str, str]) -> None:
    """Each of its steps does what it says, and each sentence of the script is one of the guide."""
    _forget(environment)
    code, told = _follow(environment)
    print(told)
    assert code == 0, told


def _forget(environment: Mapping[str, str]) -> None:
    """Removes what an earlier try made, once what it had under way has come to its end."""
    known = json.loads(_told(_coop(environment, "list")))["items"]
    for one in known:
        if one["slug"] != _SLUG:
            continue
        _told(_coop(environment, "suspend", _SLUG))
        deadline = time.monotonic() + _COMMAND_S
        while True:
            removed = _coop(environment, "remove", _SLUG, "--confirm", one["orgId"])
            if removed.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(2)
        _told(removed)


def _told(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def _coop(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coop_cli", "org", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )


def _follow(environment: Mapping[str, str]) -> tuple[int, str]:
    """Its exit code and the end of what it said."""
    with subprocess.Popen(
        ["node", "--test", "--test-reporter=spec", "follow.test.mjs"],
        cwd=HERE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            told, _ = running.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            _kill(running)
            told, _ = running.communicate()
            told += f"\nnot done after {_PATIENCE:g} s"
        finally:
            _kill(running)
    return running.returncode, told[-12_000:]


def _kill(running: subprocess.Popen[str]) -> None:
    """With the browsers and the receiver, which are of its group: also where the test was ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
