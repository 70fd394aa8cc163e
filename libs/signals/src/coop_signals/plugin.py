"""Plugins: packages that bring signals of their own.

    entry point `coop.signals` ──load──▶ Plugin ──check──▶ in the catalogue
                                   └───────┴── broken: reported, left out

Guarantees: whatever is wrong with a plugin (its import fails or hangs, its manifest is malformed, a
name is taken) becomes a `PluginProblem`, and everything else goes on.
Must not: be taken for a sandbox. A plugin runs in the process with its rights: install only what
you would run. docs/plugins.md says how to write one.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

import httpx

from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.process.log import logger
from coop_signals import metric
from coop_signals.error import AccountRefused, InputRefused, Unavailable
from coop_signals.integration import builtin_manifests
from coop_signals.manifest import (
    ConfigField,
    Manifest,
    ModelCard,
    SignalDeclaration,
    problems_of,
)
from coop_signals.provider import Score

__all__ = [
    "GROUP",
    "AccountRefused",
    "ConfigField",
    "Context",
    "InputRefused",
    "InstalledSignals",
    "Manifest",
    "ModelCard",
    "Plugin",
    "PluginProblem",
    "Score",
    "SignalDeclaration",
    "SignalFunction",
    "Unavailable",
    "load",
]

GROUP = "coop.signals"
IMPORT_SECONDS = 10.0
MAX_TIMEOUT = 30.0

_log = logger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Context:
    """What a signal is given beside its value. `credential` are the account's secrets, `config` the
    rest of it; `http` goes to public addresses only (and those that the operator allows)."""

    org_id: str
    subcategory: str | None
    credential: Mapping[str, str]
    config: Mapping[str, Any]
    http: httpx.AsyncClient


SignalFunction = Callable[[Any, Context], Awaitable[Score]]
"""Gives the score of one value: a text, a number, `{"url": …}`, as items have them. Raises
InputRefused where this value can have none, AccountRefused where the account is not taken,
Unavailable where another try may help."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What the entry point names. `functions` by signal name; `timeout` seconds of one run,
    `concurrency` runs at once for one organisation."""

    manifest: Manifest
    functions: Mapping[str, SignalFunction]
    timeout: float = 5.0
    concurrency: int = 16


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """A plugin that was left out: its entry point, the package it came in, and why."""

    entry_point: str
    distribution: str
    reason: str


@dataclass(frozen=True, slots=True)
class InstalledSignals:
    """All that is known without calling anyone: signals, integrations (by id), plugins in use, and
    what was left out."""

    catalogue: SignalCatalogue
    manifests: Mapping[str, Manifest]
    plugins: tuple[Plugin, ...]
    problems: tuple[PluginProblem, ...]


class EntryPoint(Protocol):
    """What of `importlib.metadata.EntryPoint` is needed."""

    @property
    def name(self) -> str: ...
    @property
    def dist(self) -> metadata.Distribution | None: ...
    def load(self) -> Any: ...


def load(
    entry_points: Iterable[EntryPoint] | None = None, *, import_seconds: float = IMPORT_SECONDS
) -> InstalledSignals:
    """The built-in integrations and the installed plugins. Never raises for a plugin, nor waits
    longer than `import_seconds` for one."""
    found = metadata.entry_points(group=GROUP) if entry_points is None else entry_points
    manifests = {manifest.id: manifest for manifest in builtin_manifests()}
    catalogue = SignalCatalogue.builtin()
    plugins: list[Plugin] = []
    problems: list[PluginProblem] = []
    # By name, so that of two with the same id the same one is left out each time.
    for entry_point in sorted(found, key=lambda entry: (entry.name, _distribution(entry))):
        plugin, reason = _load_one(entry_point, import_seconds)
        if plugin is not None:
            reason = _clash(plugin.manifest, manifests, catalogue)
        if plugin is None or reason is not None:
            problem = PluginProblem(entry_point.name, _distribution(entry_point), reason or "")
            problems.append(problem)
            _log.error(
                "a plugin is left out",
                entry_point=problem.entry_point,
                distribution=problem.distribution,
                reason=problem.reason,
            )
            continue
        manifest = plugin.manifest
        plugins.append(plugin)
        manifests[manifest.id] = manifest
        catalogue = catalogue.with_plugins(
            signal.signal_type(manifest) for signal in manifest.signals
        )
    metric.PLUGINS.labels("loaded").set(len(plugins))
    metric.PLUGINS.labels("broken").set(len(problems))
    return InstalledSignals(catalogue, manifests, tuple(plugins), tuple(problems))


def _distribution(entry_point: EntryPoint) -> str:
    return "" if entry_point.dist is None else entry_point.dist.name


def _load_one(entry_point: EntryPoint, seconds: float) -> tuple[Plugin | None, str | None]:
    """The plugin, or None and why not."""
    result: list[object] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(entry_point.load())
        except BaseException as error:  # noqa: BLE001 - also a module that ends the process
            failure.append(error)

    # In a thread, because an import can hang.
    thread = threading.Thread(target=run, name=f"import {entry_point.name}", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        return None, f"its import failed: {_one_line(failure[0])}"
    if not result:
        return None, f"its import took over {seconds:g} s"
    plugin = result[0]
    if not isinstance(plugin, Plugin):
        return None, f"its entry point is a {type(plugin).__name__}, not a Plugin"
    try:
        problems = _problems(plugin)
    except Exception as error:  # noqa: BLE001 - objects of its own making
        problems = [f"it cannot be checked: {_one_line(error)}"]
    return (None, "; ".join(problems)) if problems else (plugin, None)


def _problems(plugin: Plugin) -> list[str]:
    if not isinstance(plugin.manifest, Manifest):
        return ["its manifest is no Manifest"]
    problems = problems_of(plugin.manifest)
    declared = {signal.name for signal in plugin.manifest.signals}
    for name in sorted(declared - plugin.functions.keys()):
        problems.append(f"{name} has no function")
    for name in sorted(plugin.functions.keys() - declared):
        problems.append(f"the function of {name} has no declaration")
    for name, function in plugin.functions.items():
        call = getattr(function, "__call__", None)  # noqa: B004 - an object may be the function
        if not inspect.iscoroutinefunction(function) and not inspect.iscoroutinefunction(call):
            problems.append(f"the function of {name} is not asynchronous")
    if not 0 < plugin.timeout <= MAX_TIMEOUT:
        problems.append(f"the timeout is not within {MAX_TIMEOUT:g} s")
    if not 1 <= plugin.concurrency <= 1000:
        problems.append("the concurrency is not within 1 to 1000")
    return problems


def _clash(
    manifest: Manifest, manifests: Mapping[str, Manifest], catalogue: SignalCatalogue
) -> str | None:
    if manifest.id in manifests:
        return f"the id {manifest.id} is taken"
    taken = [signal.name for signal in manifest.signals if signal.name in catalogue]
    return f"there is a signal {taken[0]} already" if taken else None


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
