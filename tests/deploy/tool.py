"""Programs that look at what deploys Coop: on the machine's PATH, or installed beside the tests.

Compose, hadolint, yamllint and kubernetes-validate come from wheels (`tools.lock`), in an
environment of their own: what they require is not what Coop does. Helm has no wheel; where there
is Go it is built once, of one version whose sum Go's own ledger of modules knows, and kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .compose import program

_LOCK = Path(__file__).with_name("tools.lock")
_HELM = "helm.sh/helm/v3/cmd/helm@v3.18.4"
_HELM_SECONDS = 600


def have(folder: Path) -> list[str]:
    """Puts them on PATH, for this process and those it starts; what lacks is named.

    `folder` keeps what was installed.
    """
    try:
        _have_wheels(folder / "tools")
    except subprocess.CalledProcessError as error:
        print(f"  wheels cannot be installed: {error}", flush=True)
    lacking = [] if _have_helm(folder / "go") else ["helm"]
    wheels = ("hadolint", "yamllint", "kubernetes-validate")
    return [*lacking, *(name for name in wheels if shutil.which(name) is None)]


def _have_wheels(environment: Path) -> None:
    stamp = environment / "lock"
    if not stamp.is_file() or stamp.read_bytes() != _LOCK.read_bytes():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", str(environment)], check=True)
        python = str(environment / "bin" / "python")
        install = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes"]
        subprocess.run([*install, "-r", str(_LOCK)], check=True)
        stamp.write_bytes(_LOCK.read_bytes())
    if program() is None or shutil.which("hadolint") is None:
        os.environ["PATH"] += f"{os.pathsep}{environment / 'bin'}"


def _have_helm(folder: Path) -> bool:
    """Whether it is there now. A machine that cannot build it goes without."""
    os.environ["PATH"] += f"{os.pathsep}{folder}"
    if shutil.which("helm") is not None:
        return True
    go = shutil.which("go")
    if go is None:
        return False
    try:
        environment = {**os.environ, "GOBIN": str(folder)}
        subprocess.run(
            [go, "install", _HELM],
            env=environment,
            capture_output=True,
            timeout=_HELM_SECONDS,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True
