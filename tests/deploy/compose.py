"""`docker-compose.yml`, started for the tests: a project of their own, with everything it made gone
in the end.

It needs an engine that answers (DOCKER_HOST, or the machine's own), Compose, and the image that
COOP_TEST_IMAGE names; `make test-deploy` builds that one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
ENGINE_PASSWORD = uuid.uuid4().hex


def program() -> list[str] | None:
    """Compose as a command: a program of its own, or the plugin of `docker`."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker"):
        plugin = ["docker", "compose"]
        asked = subprocess.run([*plugin, "version"], capture_output=True, check=False)
        return plugin if asked.returncode == 0 else None
    return None


def why_not() -> str | None:
    """Why containers cannot be run here; None where they can."""
    if "COOP_TEST_IMAGE" not in os.environ:
        return "COOP_TEST_IMAGE names no image of Coop (make test-deploy builds one)"
    if program() is None:
        return "there is no docker compose"
    if shutil.which("docker") is None:
        return "there is no docker"
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return None if asked.returncode == 0 else f"no engine answers: {asked.stderr.strip()[:200]}"


class ComposeStack:
    """One project. Raises CalledProcessError, with the end of what was said."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        found = program()
        assert found is not None
        self._command = [*found, "--project-name", name, "--file", str(FILE), "--profile", "demo"]
        self._environment = {**os.environ, **environment}

    def use_image(self, name: str) -> None:
        """From now on containers are made of this one; those that run are not touched."""
        self._environment["COOP_IMAGE"] = name

    def call(self, *arguments: str, seconds: float = 120) -> str:
        """What a command of Compose's wrote."""
        return self._run([*self._command, *arguments], seconds)

    def docker(self, *arguments: str, seconds: float = 60) -> str:
        """What a command of Docker's wrote."""
        return self._run(["docker", *arguments], seconds)

    def _run(self, command: list[str], seconds: float) -> str:
        done = subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command[-6:])}: {done.stderr[-2000:]}"
        return done.stdout

    def up(self, *more: str) -> None:
        """Start what does not run, and wait until all is ready."""
        self.call(
            "up", "--detach", "--no-build", "--wait", "--wait-timeout", "480", *more, seconds=500
        )

    def waiting(self) -> list[str]:
        """The services that are not ready now, of those that run."""
        told = self.call("ps", "--format", "{{.Service}} {{.Health}}").splitlines()
        return [line for line in told if not line.endswith(" healthy")]

    def down(self) -> None:
        """Stop and remove everything, the data too."""
        self.call("--profile", "tools", "down", "--volumes", "--timeout", "30", seconds=240)

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers."""
        return self.call("ps", "--all", "--quiet", service).split()

    def state(self, container: str) -> dict[str, Any]:
        """What Docker says of a container."""
        (found,) = json.loads(self.docker("inspect", container))
        return dict(found)

    def gateway(self) -> str:
        """This machine's address in the project's network."""
        (found,) = json.loads(self.docker("network", "inspect", f"{self.name}_default"))
        return str(found["IPAM"]["Config"][0]["Gateway"])
