"""`make test-deploy`: the containers, really run. `python -m tests.deploy [pytest's arguments]`.

An engine is found or started, base images are found, pulled or made, Coop's images are built, of
this state and of the commit before (COOP_TEST_PREVIOUS names another), and `test_container.py` runs
on them. Where there can be no engine it says so, and counts as skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import base_image, container_engine
from .compose import program

ROOT = Path(__file__).resolve().parents[2]
# The same on every machine: what is built, and kept, by whoever runs the tests.
STATE = ROOT / ".coop" / "containers"
IMAGE = "coop:test"
PREVIOUS = "coop:test-previous"
SERVICES = (
    *("ingest", "rules-engine", "routing", "action-dispatcher"),
    *("hma-bridge", "ncmec-reporter", "review-api", "cli"),
)
_COMPOSE = ROOT / "tests" / "deploy" / "compose.lock"


def main() -> int:
    try:
        with container_engine.running(STATE):
            return _run(sys.argv[1:])
    except container_engine.NoEngineError as error:
        print(f"skipped: tests/deploy/test_container.py ({error})", flush=True)
        return 0


def _run(arguments: list[str]) -> int:
    _have_compose()
    with _told("base images"):
        for name in base_image.ensure():
            print(f"  a stand-in: {name}", flush=True)
    with _told("images"):
        build(ROOT, IMAGE)
        for service in SERVICES:
            build(ROOT, f"coop-{service}:test", target=service)
    environment = {**os.environ, "COOP_TEST_IMAGE": IMAGE}
    commit = os.environ.get("COOP_TEST_PREVIOUS", "HEAD^")
    if _is_there(commit):
        with _told(f"the image of {commit}"), _tree_of(commit) as tree:
            build(tree, PREVIOUS)
        environment["COOP_TEST_PREVIOUS_IMAGE"] = PREVIOUS
    command = [sys.executable, "-m", "pytest", "tests/deploy/test_container.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


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


def _have_compose() -> None:
    """Compose on PATH: the machine's, or the one of a wheel, in an environment of its own."""
    if program() is not None:
        return
    environment = STATE / "compose"
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    install = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes"]
    subprocess.run([*install, "-r", str(_COMPOSE)], check=True)
    os.environ["PATH"] = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
