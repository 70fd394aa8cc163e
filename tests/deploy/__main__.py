"""`make test-deploy`: what deploys Coop, looked at and really run. `python -m tests.deploy
[pytest's arguments]`.

First the files, by the programs that read them (`tool.py`). Then an engine is found or started,
base images are found, pulled or made, Coop's images are built, of this state and of the commit
before (COOP_TEST_PREVIOUS names another), and `test_container.py` runs on them. Where there can be
no engine it says so, and counts as skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import base_image, container_engine, tool

ROOT = Path(__file__).resolve().parents[2]
# The same on every machine: what is built, and kept, by whoever runs the tests.
STATE = ROOT / ".coop" / "containers"
IMAGE = "coop:test"
PREVIOUS = "coop:test-previous"
SERVICES = (
    *("ingest", "rules-engine", "routing", "action-dispatcher"),
    *("hma-bridge", "ncmec-reporter", "review-api", "cli"),
)
_CONTAINERS = "tests/deploy/test_container.py"


def main() -> int:
    with _told("tools"):
        for name in tool.have(STATE):
            print(f"  not to be had here: {name}", flush=True)
    read = _tested("tests/deploy", "--ignore", _CONTAINERS)
    try:
        with container_engine.running(STATE):
            return _run() or read
    except container_engine.NoEngineError as error:
        print(f"skipped: {_CONTAINERS} ({error})", flush=True)
        return read


def _run() -> int:
    with _told("base images"):
        for name in base_image.ensure():
            print(f"  a stand-in: {name}", flush=True)
    with _told("images"):
        build(ROOT, IMAGE)
        for service in SERVICES:
            build(ROOT, f"coop-{service}:test", target=service)
    environment = {"COOP_TEST_IMAGE": IMAGE}
    commit = os.environ.get("COOP_TEST_PREVIOUS", "HEAD^")
    if _is_there(commit):
        with _told(f"the image of {commit}"), _tree_of(commit) as tree:
            build(tree, PREVIOUS)
        environment["COOP_TEST_PREVIOUS_IMAGE"] = PREVIOUS
    return _tested(_CONTAINERS, **environment)


def _tested(*paths: str, **environment: str) -> int:
    """Pytest's exit code, with the arguments that were given."""
    command = [sys.executable, "-m", "pytest", *paths, *sys.argv[1:]]
    told = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=told, check=False).returncode


def build(tree: Path, tag: str, *, target: str | None = None) -> None:
    """One image of a tree, with the console that `make console` built here."""
    command = ["docker", "build", "--quiet", "--network", "host", "--tag", tag]
    command += ["--file", "deploy/Dockerfile", "--build-arg", "CONSOLE=given"]
    command += ["--target", target] if target else []
    subprocess.run([*command, "."], cwd=tree, check=True, stdout=subprocess.DEVNULL)


def _is_there(commit: str) -> bool:
    """Whether this clone has it; a shallow one may not."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@contextmanager
def _tree_of(commit: str) -> Iterator[Path]:
    """A commit's files, with today's console: what it serves is not what an upgrade is about."""
    tree = STATE / "previous"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "remove", "--force", str(tree)], capture_output=True, check=False)
    subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
    try:
        built = "services/review-console/dist"
        subprocess.run(["cp", "-r", str(ROOT / built), str(tree / built)], check=True)
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True)


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
