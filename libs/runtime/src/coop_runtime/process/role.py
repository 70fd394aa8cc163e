"""What can be run of a service: its roles, each a process that stays, its migration, its commands.

    python -m coop_x <role>
    python -m coop_x migrate
    python -m coop_x <command> [argument …]

Guarantees: what a table names (`module:attribute`) is imported when it is run and not before, so
that a process pays for its own role only, and who looks after processes can read every table; the
exit code is the role's or the command's, and 2, after the usage, for what is not in the table.
Must not: read the environment before it is known what to run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from importlib import import_module
from typing import Any

from coop_runtime.process import garbage, spare

EXIT_USAGE = 2


def attribute(path: str) -> Any:
    """What `module:attribute` names. Raises ImportError, AttributeError."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class Role:
    """A process that stays: `build` names a function from the value of `settings`, a class of
    `RuntimeSettings`, to a `Service`. The rest is for whoever starts and surrounds the process."""

    name: str
    build: str
    _: KW_ONLY
    settings: str
    process: str
    """What it is called among all processes of the system."""
    internal_port: int
    """The default of the setting `internal_port`: health and metrics."""
    port: str | None = None
    """The setting of the port that it serves besides."""
    public: bool = True
    """Whether people and platforms go to that port, or the system's own services only."""
    database_role: str | None = None
    secret_keys: bool = False
    """Whether it encrypts or decrypts."""
    egress: bool = False
    """Whether it sends to addresses that users choose."""
    object_store: bool = False
    """Whether it keeps files in the object store."""
    internal_token: bool = False
    """Whether it asks, or is asked, on a port of the system's own."""

    def run(self) -> int:
        """The exit code, once it was told to stop or cannot go on."""
        with spare.imports():
            read, build = attribute(self.settings).load, attribute(self.build)
        service = build(read())
        garbage.settle()
        return int(service.run())


@dataclass(frozen=True)
class Migration:
    """The command `migrate`: `migrate` names a function that brings a schema to the newest revision
    as its owner, at a URL; `settings` names the class that knows the URL, `database_role` is the
    role that uses the schema."""

    migrate: str
    _: KW_ONLY
    settings: str
    database_role: str
    name: str = "migrate"

    def run(self) -> int:
        """The exit code."""
        settings = attribute(self.settings).load().require("postgres")
        attribute(self.migrate)(settings.postgres)
        return 0


@dataclass(frozen=True)
class Command:
    """For whoever runs the system: `carry_out` names a function from arguments to an exit code."""

    name: str
    carry_out: str

    def run(self, arguments: Sequence[str]) -> int:
        """The exit code."""
        return int(attribute(self.carry_out)(arguments))


@dataclass(frozen=True)
class RoleTable:
    """All that `python -m <module>` runs; roles in the order in which a system starts them."""

    module: str
    _: KW_ONLY
    roles: tuple[Role, ...]
    migration: Migration | None = None
    commands: tuple[Command, ...] = ()

    def entries(self) -> Iterator[Role | Migration | Command]:
        """Each of them."""
        yield from self.roles
        if self.migration is not None:
            yield self.migration
        yield from self.commands

    def usage(self) -> str:
        """One line: what may follow the module's name."""
        words = [
            f"{entry.name} --help" if isinstance(entry, Command) else entry.name
            for entry in self.entries()
        ]
        return f"usage: python -m {self.module} {' | '.join(words)}\n"


def main(table: RoleTable, arguments: Sequence[str]) -> int:
    """Run what `arguments` (without the program's name) choose; the exit code."""
    name, rest = next(iter(arguments), None), arguments[1:]
    for entry in table.entries():
        if entry.name != name:
            continue
        if isinstance(entry, Command):
            return entry.run(rest)
        if not rest:
            return entry.run()
    sys.stderr.write(table.usage())
    return EXIT_USAGE
