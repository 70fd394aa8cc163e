"""A process that uses Redis does not start where COOP_REDIS is a server of another kind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coop_local.roster import _TABLES
from coop_local.valkey import Valkey
from coop_runtime.process.role import Role, attribute
from coop_runtime.process.settings import variable_of
from coop_runtime.secret.vault import new_key

ROOT = Path(__file__).resolve().parents[2]
# Those that never ask Redis.
_WITHOUT = {
    "hma-bridge",
    "ncmec-reporter",
    "review-history",
    "review-lookup",
    "review-projector",
    "rules-engine-backtest",
}
ROLES = [
    pytest.param(table.module, role, id=role.process)
    for table in _TABLES
    for role in table.roles
    if role.process not in _WITHOUT
]


@pytest.fixture(scope="module")
def sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Sentinel."""
    server = Valkey(tmp_path_factory.mktemp("redis") / "valkey", arguments=("--sentinel",))
    server.start()
    yield server.url
    server.stop()


def source_of(role: Role) -> str:
    """The module that wires the role."""
    found = sys.modules[attribute(role.build).__module__].__file__
    assert found is not None
    return Path(found).read_text(encoding="utf-8")


@pytest.mark.parametrize("process", sorted(_WITHOUT - {"rules-engine-backtest"}))
def test_those_left_out_use_none(process: str) -> None:
    """Whoever begins to use Redis is not forgotten here. (The role `backtest` shares its module
    with two that do.)"""
    roles = [role for table in _TABLES for role in table.roles if role.process == process]
    assert "settings.redis" not in source_of(roles[0])


@pytest.mark.engines
@pytest.mark.parametrize(("module", "role"), ROLES)
def test_a_role_does_not_start_on_a_sentinel(module: str, role: Role, sentinel: str) -> None:
    """It ends at once, before it asks anybody else, and its log names the setting."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    told = {
        "COOP_REDIS": sentinel,
        "COOP_KAFKA": "127.0.0.1:1",
        "COOP_INTERNAL_PORT": "0",
        "COOP_INTERNAL_TOKEN": "t" * 64,
        "COOP_SECRET_KEYS": new_key(),
        "COOP_POSTGRES": f"postgresql://{role.database_role}:x@127.0.0.1:1/coop",
        "COOP_REVIEW_CONSOLE": "",
    }
    if role.port:
        told[variable_of(role.port)] = "0"
    done = subprocess.run(
        [sys.executable, "-m", module, role.name],
        cwd=ROOT,
        env=kept | told,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said[-2000:]
    assert "service failed to start" in said
    assert "UnsupportedRedis" in said
    assert "COOP_REDIS is a server in the mode 'sentinel'" in said
