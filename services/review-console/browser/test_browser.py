"""The console in a real browser, against the whole system: every `*.test.mjs` of this folder.

Guarantees: without a browser they are skipped by name; with `CI` set they fail instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_stack import LocalStack, state_folder

HERE = Path(__file__).parent
FILES = sorted(path.name for path in HERE.glob("*.test.mjs"))
CHROMIUM = os.environ.get("COOP_CHROMIUM") or shutil.which("chromium")

_STORY_S = 120.0

pytestmark = pytest.mark.journey


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
        LocalStack(folder / "state", COOP_DEMO_RATE="5", COOP_DEMO_STORY="true") as running,
    ):
        _wait_for_the_story(running)
        yield running


def _wait_for_the_story(stack: LocalStack) -> None:
    """Until the demo platform has told all of it."""
    deadline = time.monotonic() + _STORY_S
    told = stack.state / "demo-story.json"
    while not (told.exists() and "appeals" in json.loads(told.read_bytes())["chapters"]):
        if time.monotonic() > deadline:
            pytest.fail("the demo's story was not told in time: see logs/demo-platform.log")
        time.sleep(0.5)


@pytest.mark.timeout(420)
@pytest.mark.parametrize("file", FILES)
def test_the_console_in_a_browser(stack: LocalStack, browser: str, file: str) -> None:
    """Everything that this file says of the console holds."""
    node = subprocess.check_output([sys.executable, HERE.parent / "scripts" / "node.py"], text=True)
    environment = os.environ | {
        "PATH": f"{node.strip()}:{os.environ['PATH']}",
        "COOP_CONSOLE_URL": stack.url("review-api"),
        "COOP_DEMO_FILE": str(stack.state / "demo.json"),
        "COOP_CHROMIUM": browser,
    }
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", "--test-timeout=360000", file],
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-20_000:])
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
