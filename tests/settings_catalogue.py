"""Writes docs/operations/settings.md from the settings that the services declare.

python -m tests.settings_catalogue
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from coop_cli.settings import BootstrapSettings, ReviewApiSettings
from coop_local.roster import _TABLES
from coop_ncmec_simulator.settings import Settings as SimulatorSettings
from coop_review_api.settings import ImportSettings
from coop_runtime.process.role import Role, attribute
from coop_runtime.process.settings import KafkaSettings, RuntimeSettings, variable_of
from coop_signals.settings import SignalSettings

PATH = Path(__file__).resolve().parents[1] / "docs" / "operations" / "settings.md"

_BOUNDS = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}
_BESIDE: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("ncmec-simulator", SimulatorSettings),
    ("coop rules, coop media", ReviewApiSettings),
    ("coop admin database", BootstrapSettings),
    ("coop import", ImportSettings),
)
_GENERAL: dict[type[BaseSettings], str] = {
    KafkaSettings: "Every process: the broker",
    RuntimeSettings: "Every process",
    SignalSettings: "Who asks providers of signals",
}


def _by_process() -> dict[str, type[BaseSettings]]:
    found: dict[str, type[BaseSettings]] = {
        role.process: attribute(role.settings) for table in _TABLES for role in table.roles
    }
    return found | dict(_BESIDE)


def _classes(processes: dict[str, type[BaseSettings]]) -> list[type[BaseSettings]]:
    """Each class that declares settings, the general ones first."""
    found: dict[type[BaseSettings], None] = {KafkaSettings: None, RuntimeSettings: None}
    for settings in processes.values():
        for one in reversed(settings.__mro__):
            if issubclass(one, KafkaSettings) and _declared(one):
                found[one] = None
    return list(found)


def _declared(settings: type[BaseSettings]) -> dict[str, FieldInfo]:
    """Its own fields. Where a role only has another port for health, that is in the roles."""
    own = inspect.get_annotations(settings)
    return {
        name: field
        for name, field in settings.model_fields.items()
        if name in own and (name != "internal_port" or settings is RuntimeSettings)
    }


def _users(settings: type[BaseSettings], processes: dict[str, type[BaseSettings]]) -> list[str]:
    return [name for name, one in processes.items() if issubclass(one, settings)]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be set"
    value = field.default
    if isinstance(value, SecretStr) or value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    if isinstance(value, int) and value >= 1024 * 1024 and value % (1024 * 1024) == 0:
        return f"`{value}` ({value // (1024 * 1024)} MiB)"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _bounds(field: FieldInfo) -> str:
    choices = _choices(field.annotation)
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    told = []
    for one in field.metadata:
        for kind, (sign, name) in _BOUNDS.items():
            if isinstance(one, kind):
                told.append(f"{sign} {getattr(one, name):g}")
    return ", ".join(told)


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(one) for one in get_args(annotation)]
    return [choice for one in get_args(annotation) for choice in _choices(one)]


def _prose(settings: type[BaseSettings]) -> Iterator[str]:
    """What the class says, with each setting by its variable's name."""
    known = set(settings.model_fields)
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(settings.__doc__ or "")):
        words = re.sub(
            r"`([a-z_]+)`",
            lambda found: f"`{variable_of(found[1])}`" if found[1] in known else found[0],
            " ".join(paragraph.split()),
        )
        yield from textwrap.wrap(words, 100, break_long_words=False, break_on_hyphens=False)
        yield ""


def text() -> str:
    """The reference as Markdown."""
    processes = _by_process()
    lines = [
        "# Settings",
        "",
        "Written by `make contracts` from the code; the tests compare. Every setting is an",
        "environment variable; an empty one counts as not set. A value that is missing or out of",
        "bounds ends the process at its start with one line that names it, and exit code 2. Times",
        "are seconds, sizes bytes.",
        "",
        "Any of them may name a file instead, for secrets that are mounted:",
        "`COOP_SECRET_KEYS_FILE=/run/secrets/keys` is `COOP_SECRET_KEYS` with what the file holds,",
        "less the line's end. A file is read once, at the start.",
        "",
        "In Kubernetes set `enableServiceLinks: false`: a Service named `coop-ingest` would set",
        "`COOP_INGEST_PORT` to an address, and no process starts with that.",
        "",
    ]
    for settings in _classes(processes):
        lines += _section(settings, _users(settings, processes))
    lines += _ports()
    lines += _connections()
    return "\n".join(lines).rstrip() + "\n"


def _section(settings: type[BaseSettings], users: list[str]) -> Iterator[str]:
    yield f"## {_GENERAL.get(settings) or ', '.join(users)}"
    yield ""
    if settings is SignalSettings:
        yield from textwrap.wrap(f"Of {', '.join(users)}.", 100, break_on_hyphens=False)
        yield ""
    yield from _prose(settings)
    yield "| variable | default | may be |"
    yield "|---|---|---|"
    for name, field in _declared(settings).items():
        default = _default(field)
        if settings is RuntimeSettings and name == "internal_port":
            default = "by role, below"
        yield f"| `{variable_of(name)}` | {default} | {_bounds(field)} |"
    yield ""


def _ports() -> Iterator[str]:
    yield "## Ports"
    yield ""
    yield "Health and metrics (`/livez`, `/readyz`, `/metrics`) are on `COOP_INTERNAL_PORT`, which"
    yield "nobody outside should reach. The images set it to 9080, and listen on all addresses."
    yield ""
    yield "| process | `COOP_INTERNAL_PORT` by default | serves | for |"
    yield "|---|---|---|---|"
    for table in _TABLES:
        for role in table.roles:
            fields = attribute(role.settings).model_fields
            port = f"`{variable_of(role.port)}` {fields[role.port].default}" if role.port else ""
            whom = ("people and platforms" if role.public else "other services") if port else ""
            yield f"| {role.process} | {role.internal_port} | {port} | {whom} |"
    yield ""


def _connections() -> Iterator[str]:
    yield "## Connections to the database"
    yield ""
    yield "What one replica opens at most; `COOP_POSTGRES_POOL` sets it for a process. The sum over"
    yield "all replicas has to fit PostgreSQL's `max_connections`, with a few to spare for"
    yield "migrations and people."
    yield ""
    yield "| process | connections |"
    yield "|---|---|"
    for table in _TABLES:
        for role in table.roles:
            if role.database_role is not None:
                yield f"| {role.process} | {_connections_of(role)} |"
    yield ""


def _connections_of(role: Role) -> str:
    """What its composition root opens without the setting."""
    module = import_module(role.build.partition(":")[0])
    (found,) = re.findall(r"postgres_pool or ([^,\n]+)", inspect.getsource(module))
    value = str(getattr(module, found, found))
    return re.sub(r"settings\.(\w+)", lambda name: f"`{variable_of(name[1])}`", value)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
