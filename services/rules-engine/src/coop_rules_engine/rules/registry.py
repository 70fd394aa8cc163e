"""The compiled rules of every organisation, kept current beside the evaluation.

    change ─▶ stale ─▶ configuration (event loop) ─▶ compile (one worker thread) ─▶ swapped in whole

Guarantees: what `current` gives is one whole revision; changes that come while compiling are taken
together by the next round; a change delays no evaluation of items submitted before it.
Must not: hand out an older rule set after a newer one.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from coop_contracts.config import (
    SYSTEM_ORG,
    Action,
    BankChunk,
    Document,
    ItemType,
    Kind,
    LocationBank,
    OrgSettings,
    Rule,
    TextBank,
)
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules_engine import metric
from coop_rules_engine.rules.rule_set import BankSet, RuleConfiguration, RuleSet, RuleSetCompiler
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

KINDS = (
    Kind.RULE,
    Kind.ITEM_TYPE,
    Kind.TEXT_BANK,
    Kind.LOCATION_BANK,
    Kind.BANK_CHUNK,
    Kind.ACTION,
    Kind.POLICY,
    Kind.SETTINGS,
)

_WAIT_SECONDS = 30.0
NEWER_SECONDS = 2.0  # that items wait for a revision which ingest knew of
_POLL_SECONDS = 0.05  # a revision without a change of rules swaps nothing
_NEVER = 2**31 - 1
_CONFIG_SECONDS = 3600.0  # until then the process is alive and not ready

_Note = tuple[str, str, int, str]  # what happened, rule id, its revision, details

D = TypeVar("D", bound=Document)

_log = logger(__name__)


class Registry:
    """One for a process. `run` compiles until cancelled. `catalogue`: the signals there are;
    `newer_seconds`: how long an item waits for a newer revision than is known."""

    def __init__(
        self,
        config: ConfigTable,
        catalogue: SignalCatalogue | None = None,
        *,
        newer_seconds: float = NEWER_SECONDS,
    ) -> None:
        self._config = config
        self._newer_seconds = newer_seconds
        self._current: dict[str, RuleSet] = {}
        self._stale: set[str] = set()
        self._compiling = ""
        self._running = False
        self._given_up: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._swapped = asyncio.Event()
        self._compiler = RuleSetCompiler(catalogue)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="rule compiler")
        self._reported: dict[str, frozenset[_Note]] = {}
        config.subscribe(self._changed)

    def current(self, org_id: str, revision: int = 0) -> RuleSet | None:
        """The organisation's rules if they are of `revision` or newer, else None."""
        found = self._current.get(org_id)
        if found is None or found.revision >= revision:
            return found
        known = self._config.revision(org_id)
        if known < revision or org_id in self._stale or org_id == self._compiling:
            return found if revision <= self._given_up.get(org_id, -1) else None
        # What changed since is of no concern to rules: they are those of the newer revision too.
        self._current[org_id] = renewed = replace(found, revision=known)
        return renewed

    def known(self) -> list[RuleSet]:
        """The rules of every organisation, as they are now; may be called from any thread."""
        return list(self._current.copy().values())

    async def rules(self, org_id: str, revision: int) -> RuleSet:
        """As `wait`, without waiting where there is no need to."""
        found = self.current(org_id, revision)
        return found if found is not None else await self.wait(org_id, revision)

    async def wait(self, org_id: str, revision: int = 0) -> RuleSet:
        """The organisation's rules, of `revision` or newer where that comes within `newer_seconds`:
        an item must not be evaluated without what ingest already knew of.

        Raises Retryable when there are none at all within 30 s.
        """
        if org_id not in self._current:
            self._mark(org_id)
        began = time.monotonic()
        while (found := self.current(org_id, revision)) is None:
            waited = time.monotonic() - began
            if waited > self._newer_seconds and org_id in self._current:
                # The configuration is behind, or was set back: said once, then we go on with it.
                self._given_up[org_id] = revision
                metric.BEHIND.inc()
                _log.warning("configuration behind items", org_id=org_id, revision=revision)
            elif waited > _WAIT_SECONDS:
                raise Retryable(f"the rules of {org_id} are not compiled yet")
            else:
                await self._next_swap(_POLL_SECONDS)
        return found

    def ready(self) -> bool:
        """Whether every organisation known so far has rules to evaluate."""
        pending = self._stale | ({self._compiling} if self._compiling else set())
        return self._running and not pending - self._current.keys()

    async def compiled(self, timeout: float) -> None:  # noqa: ASYNC109 - the caller's deadline
        """Waits until `ready`. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not self.ready():
                await self._next_swap(_POLL_SECONDS)

    async def run(self) -> None:
        """Compile what is stale, once the configuration is whole, until cancelled."""
        await self._config.wait_ready(_CONFIG_SECONDS)
        for gauge in (metric.STALE, metric.PROGRAMS, metric.BROKEN):
            gauge.set(0)  # an installation without organisations has none of these
        for org_id in self._config.org_ids():
            if org_id != SYSTEM_ORG:
                self._mark(org_id)
        self._running = True
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._stale:
                    await self._compile(self._stale.pop())
                    metric.STALE.set(len(self._stale))
        finally:
            self._running = False
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _next_swap(self, at_most: float) -> None:
        self._swapped.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._swapped.wait(), at_most)

    def _changed(self, change: ConfigChange) -> None:
        if change.org_id != SYSTEM_ORG and self._config.ready():
            self._mark(change.org_id)

    def _mark(self, org_id: str) -> None:
        self._stale.add(org_id)
        metric.STALE.set(len(self._stale))
        self._wake.set()

    async def _compile(self, org_id: str) -> None:
        began = time.perf_counter()
        self._compiling = org_id
        try:
            configuration = self._configuration(org_id)
            with _garbage_collection_put_off():
                made = await asyncio.get_running_loop().run_in_executor(
                    self._executor, self._compiler.compile, configuration, self._current.get(org_id)
                )
        finally:
            self._compiling = ""
        self._current[org_id] = made
        self._swapped.set()
        metric.COMPILE_SECONDS.observe(time.perf_counter() - began)
        metric.PROGRAMS.set(
            sum(len(t.lanes) for found in self._current.values() for t in found.types.values())
        )
        self._report(org_id, made)

    def _configuration(self, org_id: str) -> RuleConfiguration:
        config = self._config
        settings = config.get(org_id, Kind.SETTINGS, "settings")
        return RuleConfiguration(
            org_id=org_id,
            revision=config.revision(org_id),
            rules=tuple(
                (rule, config.revision_of(org_id, Kind.RULE, rule.id))
                for rule in config.all(org_id, Kind.RULE).values()
                if isinstance(rule, Rule)
            ),
            item_types=_of(config, org_id, Kind.ITEM_TYPE, ItemType),
            banks=BankSet(
                text=_of(config, org_id, Kind.TEXT_BANK, TextBank),
                locations=_of(config, org_id, Kind.LOCATION_BANK, LocationBank),
                chunks=_of(config, org_id, Kind.BANK_CHUNK, BankChunk),
            ),
            actions=_of(config, org_id, Kind.ACTION, Action),
            policy_ids=frozenset(config.all(org_id, Kind.POLICY)),
            settings=settings if isinstance(settings, OrgSettings) else None,
        )

    def _report(self, org_id: str, made: RuleSet) -> None:
        """Logs, once for each revision of a rule, what of it will not happen."""
        found: set[_Note] = set()
        for rules in (lane for one in made.types.values() for lane in one.lanes.values()):
            refs = {code.rule.ref.id: code.rule.ref for code in rules.program.rules}
            for rule_id, problems in rules.program.problems.items():
                at = "; ".join(f"{problem.pointer}: {problem.reason}" for problem in problems)
                found.add(("rule is broken", rule_id, refs[rule_id].revision, at))
            for plan in rules.plans:
                for action_id, reason in plan.missing:
                    note = f"action {action_id} is {reason.replace('_', ' ')}"
                    entry = ("action will not happen", plan.rule.id, plan.rule.revision, note)
                    found.add(entry)
            for rule_id in rules.failed:
                found.add(("rule left out", rule_id, 0, "the compiler failed"))
        known = self._reported.get(org_id, frozenset())
        for event, rule_id, revision, note in sorted(found - known):
            _log.warning(event, org_id=org_id, rule=rule_id, revision=revision, note=note)
            if event == "rule left out":
                metric.COMPILE_FAILURES.inc()
        self._reported[org_id] = frozenset(found)
        metric.BROKEN.set(
            sum(
                len({entry[1] for entry in entries if entry[0] == "rule is broken"})
                for entries in self._reported.values()
            )
        )


@contextlib.contextmanager
def _garbage_collection_put_off() -> Iterator[None]:
    """No full collection meanwhile, and none that looks at what was made here, then or later.

    Rules live until they are replaced, and then are free at once: they do not refer to themselves
    (a test sees to it). A full collection would walk through all of them, and hold everything up
    for a tenth of a second and more.
    """
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    try:
        yield
    finally:
        gc.collect(1)
        gc.freeze()
        gc.set_threshold(young, middle, old)


def _of(config: ConfigTable, org_id: str, kind: Kind, document_type: type[D]) -> dict[str, D]:
    found = config.all(org_id, kind)
    return {key: value for key, value in found.items() if isinstance(value, document_type)}
