"""Routing entries: a queue is chosen for each, once the values that the choice needs are there.

    open ─▶ chosen on what is known ─final────────────────────────────────▶ route
                     │ wants values                                           ▲
                     └─▶ asked for, all entries at once ─▶ chosen again ──────┘

Guarantees: a value is asked for only where the choice depends on it; whatever Redis and the
providers do, every choice is final by the deadline: what did not come is unavailable, with the
reason, in the record. An entry that wants nothing waits for nobody.
Must not: raise for a provider's failure, or choose (`coop_rules.queue_choice` does).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec

from coop_contracts.event import SignalValue, SubmittedItem
from coop_queues.ranking import Ranking
from coop_routing import metric
from coop_routing.route import Route, route_of
from coop_routing.route_table import RouteTables
from coop_rules.language.need import Need
from coop_rules.program.state import Facts
from coop_rules.queue_choice import Choice, EntryTraits, RouteTable, choose, facts_of
from coop_signals import strike
from coop_signals.strike import StrikeQuestion

MAX_INPUTS = 100  # values of one item that are asked about for one need

_NOTHING_TO_ASK = "the input has no value that can be asked about"
_NOBODY = "routing has nobody to ask for this signal"


class RemoteValues(Protocol):
    """Where values of models come from (coop_signals.Providers)."""

    def gives(self, signal: str) -> bool: ...
    def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> Awaitable[Sequence[SignalValue]]: ...


class StrikeValues(Protocol):
    """Where users' strikes come from (coop_signals.strike.StrikeReader)."""

    def values(self, asked: Sequence[StrikeQuestion]) -> Awaitable[Sequence[list[SignalValue]]]: ...


@dataclass(slots=True, kw_only=True)
class PendingEntry:
    """An entry about `item` whose queue is being chosen. `known` are the values so far, by need;
    `seconds` of processor time the first choice took."""

    org_id: str
    item: SubmittedItem
    traits: EntryTraits
    at: datetime
    table: RouteTable
    choice: Choice
    seconds: float = 0.0
    facts: Facts | None = None
    known: dict[str, list[SignalValue]] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether the choice depends on values that are not known."""
        return bool(self.choice.wanting)

    def route(self, *, by: str | None = None) -> Route:
        """The choice with its record; `by` is the person who asked."""
        values = (value for found in self.known.values() for value in found)
        return route_of(self.choice, values, by=by)

    def learn(self, need: Need, values: list[SignalValue]) -> None:
        self.known[need.key] = values

    def choose_again(self) -> None:
        self.choice = choose(
            self.table, self.item, self.traits, at=self.at, facts=self.facts, known=self.known
        )


class EntryRouter:
    """One for a process. `seconds`: in which the values of one settlement have to come."""

    def __init__(
        self, tables: RouteTables, providers: RemoteValues, strikes: StrikeValues, *, seconds: float
    ) -> None:
        self._tables = tables
        self._providers = providers
        self._strikes = strikes
        self._seconds = seconds

    async def open(
        self,
        org_id: str,
        item: SubmittedItem,
        traits: EntryTraits,
        *,
        at: datetime,
        thread: ThreadPoolExecutor | None = None,
    ) -> PendingEntry:
        """The entry with the choice that the values known already allow, made in `thread` if there
        is one."""
        table = await self._tables.table(org_id, item, for_appeals=traits.for_appeals)

        def chosen() -> tuple[Choice, float]:
            began = time.thread_time()
            choice = choose(table, item, traits, at=at)
            return choice, time.thread_time() - began

        if thread is None:
            choice, seconds = chosen()
        else:
            choice, seconds = await asyncio.get_running_loop().run_in_executor(thread, chosen)
        return PendingEntry(
            org_id=org_id,
            item=item,
            traits=traits,
            at=at,
            table=table,
            choice=choice,
            seconds=seconds,
        )

    def ranking(self, org_id: str, queue_id: str) -> Ranking:
        """How that queue orders its jobs now."""
        return self._tables.rankings.of(org_id, queue_id)

    async def settle(self, entries: Sequence[PendingEntry]) -> None:
        """Makes every choice final."""
        waiting = [entry for entry in entries if entry.waits]
        if not waiting:
            return
        metric.WAITED.inc(len(waiting))
        deadline = asyncio.get_running_loop().time() + self._seconds
        # Ends: each round makes needs known, which are finite, and past the deadline at once.
        while waiting:
            await self._ask(waiting, deadline)
            for entry in waiting:
                entry.choose_again()
            waiting = [entry for entry in waiting if entry.waits]

    async def _ask(self, entries: Sequence[PendingEntry], deadline: float) -> None:
        """Every value that these entries want now is known afterwards, or why it is not."""
        struck: list[tuple[PendingEntry, StrikeQuestion]] = []
        asking: list[Awaitable[None]] = []
        for entry in entries:
            program = entry.table.program
            if program is None:
                continue
            if entry.facts is None:
                entry.facts = facts_of(entry.item, entry.traits, entry.at)
            for need in entry.choice.wanting:
                inputs = program.inputs_of(need, entry.facts, entry.known)[:MAX_INPUTS]
                if need.signal.name == strike.SIGNAL:
                    now = int(entry.at.timestamp() * 1000)
                    struck.append((entry, StrikeQuestion(entry.org_id, need, inputs, now)))
                else:
                    asking.append(self._ask_provider(entry, need, inputs, deadline))
        if struck:
            asking.append(self._ask_redis(struck, deadline))
        await asyncio.gather(*asking)

    async def _ask_redis(
        self, struck: Sequence[tuple[PendingEntry, StrikeQuestion]], deadline: float
    ) -> None:
        asked = [ask for _, ask in struck]
        try:
            async with asyncio.timeout_at(deadline):
                found = await self._strikes.values(asked)
        except TimeoutError:
            found = [[_missing(a.need, p, strike.AWAY) for p in range(len(a.users))] for a in asked]
        for (entry, ask), values in zip(struck, found, strict=True):
            entry.learn(ask.need, values)

    async def _ask_provider(
        self, entry: PendingEntry, need: Need, inputs: Sequence[object], deadline: float
    ) -> None:
        places = [place for place, value in enumerate(inputs) if value is not None]
        found: dict[int, SignalValue] = {}
        error = _NOTHING_TO_ASK
        if not self._providers.gives(need.signal.name):
            error = _NOBODY
        elif places:
            values = await self._providers.values(
                entry.org_id, need, [inputs[place] for place in places], deadline=deadline
            )
            found = {
                place: msgspec.structs.replace(value, position=place)
                for place, value in zip(places, values, strict=True)
            }
        entry.learn(
            need,
            [found.get(place) or _missing(need, place, error) for place in range(len(inputs))],
        )


def _missing(need: Need, position: int, error: str) -> SignalValue:
    return SignalValue(key=need.key, signal=need.signal.name, position=position, error=error)
