"""The tables of roles: every service has one, and what it says of its processes is so."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from coop_local import roster
from coop_runtime.database.schema import ROLES
from coop_runtime.process.role import Command, Migration, Role, RoleTable, attribute
from coop_runtime.process.settings import RuntimeSettings

SERVICES = sorted(
    path.parent.name for path in Path(__file__).parents[2].glob("services/*/src/coop_*/__main__.py")
)
TABLES: dict[str, RoleTable] = {
    service: import_module(f"{service}.__main__").TABLE for service in SERVICES
}
EVERY_ROLE = [
    pytest.param(role, id=f"{service}-{role.name}")
    for service, table in TABLES.items()
    for role in table.roles
]

_NEEDS = {
    "COOP_POSTGRES": "postgresql://nobody@127.0.0.1:1/none",
    "COOP_SECRET_KEYS": "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=",
    "COOP_INTERNAL_TOKEN": "secret",
}
_BUILD = """
import contextlib, io, json, os, sys
from importlib import import_module
from coop_runtime.process.role import attribute

service, tries = sys.argv[1], json.loads(sys.argv[2])
table = import_module(service + ".__main__").TABLE
found = []
for role, environment in tries:
    for name in [name for name in os.environ if name.startswith("COOP_")]:
        del os.environ[name]
    os.environ.update(environment)
    (chosen,) = [one for one in table.roles if one.name == role]
    code, told = 0, io.StringIO()
    with contextlib.redirect_stderr(told):
        try:
            attribute(chosen.build)(attribute(chosen.settings).load())
        except SystemExit as ended:
            code = ended.code
    found.append([code, told.getvalue()])
print(json.dumps(found))
"""


def needs_of(role: Role) -> dict[str, str]:
    """The variables that a role has to be given, with a value for each."""
    declared = (role.database_role, role.secret_keys, role.internal_token)
    return {
        name: value
        for (name, value), wanted in zip(_NEEDS.items(), declared, strict=True)
        if wanted
    }


def test_the_stack_starts_every_role_of_every_service() -> None:
    """A service, or a role, that the local stack does not know would be missing from every run."""
    assert len(SERVICES) >= 5
    started = {table.module: table for table in roster._TABLES}
    assert started == TABLES


@pytest.mark.parametrize("service", SERVICES)
def test_the_usage_names_everything(service: str) -> None:
    """`python -m coop_x` without an argument tells each role and command, and ends with 2."""
    table = TABLES[service]
    told = subprocess.run(
        [sys.executable, "-m", service], capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert told.stderr == table.usage()
    words = told.stderr.removeprefix(f"usage: python -m {service} ").strip().split(" | ")
    assert [word.split()[0] for word in words] == [entry.name for entry in table.entries()]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("service", SERVICES)
def test_a_table_is_light(service: str) -> None:
    """Who reads a table, or asks for the usage, imports nothing of what it names."""
    script = f"import sys, {service}.__main__; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    ours = {name for name in told.stdout.split() if name.startswith("coop_")}
    table = TABLES[service]
    module = "process.roles" if table.module == "coop_review_api" else "roles"
    packages = {service, f"{service}.{module.partition('.')[0]}", f"{service}.{module}"}
    assert ours == packages | {
        f"{service}.__main__",
        "coop_runtime",
        "coop_runtime.process",
        "coop_runtime.process.garbage",
        "coop_runtime.process.role",
        "coop_runtime.process.spare",
    }


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_what_a_table_says_of_a_role_is_so(role: Role) -> None:
    """Its settings exist with that port, its database role is one of the roles there are."""
    settings = attribute(role.settings)
    assert issubclass(settings, RuntimeSettings)
    assert settings.model_fields["internal_port"].default == role.internal_port
    assert role.port is None or role.port in settings.model_fields
    assert role.public or role.port
    assert role.database_role is None or role.database_role in ROLES


@pytest.mark.parametrize("service", SERVICES)
def test_a_role_needs_what_its_table_says(service: str) -> None:
    """With what is declared, and nothing else, it is built; without the database or the keys it
    refuses, naming the variable."""
    tries: list[tuple[str, dict[str, str]]] = []
    expected: list[tuple[str, str | None]] = []
    for role in TABLES[service].roles:
        needs = needs_of(role)
        for missing in (None, *(needs.keys() - {"COOP_INTERNAL_TOKEN"})):
            tries.append((role.name, {k: v for k, v in needs.items() if k != missing}))
            expected.append((role.name, missing))
    # One process for all of them: most of the time goes into the imports.
    built = subprocess.run(
        [sys.executable, "-c", _BUILD, service, json.dumps(tries)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    answers = json.loads(built.stdout.splitlines()[-1])
    for (name, missing), (code, told) in zip(expected, answers, strict=True):
        assert code == (2 if missing else 0), f"{name} without {missing}: {told}"
        assert missing is None or missing in told


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_and_commands_are_there(service: str) -> None:
    """What a table names can be imported and called; a schema's owner is one of its roles."""
    for entry in TABLES[service].entries():
        if isinstance(entry, Command):
            assert callable(attribute(entry.carry_out))
        elif isinstance(entry, Migration):
            assert callable(attribute(entry.migrate))
            assert entry.database_role in {role.database_role for role in TABLES[service].roles}


def test_no_two_processes_share_a_name_or_a_port() -> None:
    """On one machine all of them run side by side, each at its default."""
    every = [role for table in TABLES.values() for role in table.roles]
    assert len({role.process for role in every}) == len(every)
    assert len({role.internal_port for role in every}) == len(every)
    served = [role.port for role in every if role.port]
    assert len(set(served)) == len(served)
