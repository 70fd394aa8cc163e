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
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

import msgspec

from coop_contracts.config import ItemType
from coop_contracts.event import MediaSignals, SignalValue, SubmittedItem
from coop_queues.ranking import Ranking
from coop_routing import metric
from coop_routing.route import Route, route_of
from coop_routing.route_table import RouteTables
from coop_rules.language.need import Need
from coop_rules.program.state import Facts
from coop_rules.queue_choice import Choice, EntryTraits, RouteTable, choose, facts_of
from coop_runtime.process.error import Retryable
from coop_signals import strike
from coop_signals.media_value import media_values
from coop_signals.strike import StrikeQuestion

MAX_INPUTS = 100  # values of one item that are asked about for one need

_NOTHING_TO_ASK = "the input has no value that can be asked about"
_NOBODY = "routing has nobody to ask for this signal"
_NOT_HASHED = "nobody hashes the media of this entry"


class RemoteValues(Protocol):
    """Where values of models come from (coop_signals.Providers)."""

    def gives(self, signal: str) -> bool: ...
    def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> Awaitable[Sequence[SignalValue]]: ...


class MediaSource(Protocol):
    """Where the hashes of media come from (coop_signals.media_value.MediaValues)."""

    def get(
        self, submission_id: str, *, submitted: datetime, deadline: float
    ) -> Awaitable[MediaSignals | None]: ...


class StrikeValues(Protocol):
    """Where users' strikes come from (coop_signals.strike.StrikeReader)."""

    def values(self, asked: Sequence[StrikeQuestion]) -> Awaitable[Sequence[list[SignalValue]]]: ...


@dataclass(slots=True, kw_only=True)
class PendingEntry:
    """An entry about `item` whose queue is being chosen. `known` are the values so far, by need;
    `seconds` of processor time the first choice took. `media_of` is the submission whose media are
    hashed, None where nobody hashes them."""

    org_id: str
    item: SubmittedItem
    traits: EntryTraits
    at: datetime
    table: RouteTable
    choice: Choice
    seconds: float = 0.0
    media_of: str | None = None
    facts: Facts | None = None
    known: dict[str, list[SignalValue]] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether the choice depends on values that are not known."""
        return bool(self.choice.wanting)

    @property
    def waits_for_media(self) -> bool:
        """Whether hashes of media are among them, and will come."""
        wanted = any(need.signal.lane == "MEDIA" for need in self.choice.wanting)
        return wanted and self.media_of is not None

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
    """One for a process. `seconds`: in which the values of one settlement have to come;
    `media_seconds`: after its submission, in which the hashes of an entry's media have to."""

    def __init__(
        self,
        tables: RouteTables,
        providers: RemoteValues,
        strikes: StrikeValues,
        media: MediaSource,
        *,
        seconds: float,
        media_seconds: float,
    ) -> None:
        self._media = media
        self._media_seconds = media_seconds
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
        media_of: str | None = None,
        thread: ThreadPoolExecutor | None = None,
    ) -> PendingEntry:
        """The entry with the choice that the values known already allow, made in `thread` if there
        is one. `media_of`: the submission whose media are hashed."""
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
            media_of=media_of,
        )

    def ranking(self, org_id: str, queue_id: str) -> Ranking:
        """How that queue orders its jobs now."""
        return self._tables.rankings.of(org_id, queue_id)

    def item_types(self, org_id: str) -> Callable[[str], ItemType | None]:
        """The organisation's item types as they are now, by id."""
        return partial(self._tables.item_type, org_id)

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
                elif need.signal.lane == "MEDIA":
                    asking.append(self._await_media(entry, need, inputs))
                else:
                    asking.append(self._ask_provider(entry, need, inputs, deadline))
        if struck:
            asking.append(self._ask_redis(struck, deadline))
        await asyncio.gather(*asking)

    async def _await_media(self, entry: PendingEntry, need: Need, inputs: Sequence[object]) -> None:
        why, found = _NOT_HASHED, None
        if entry.media_of is not None:
            why = f"the media's hashes did not come within {self._media_seconds:g} s"
            deadline = entry.at.timestamp() + self._media_seconds
            try:
                found = await self._media.get(entry.media_of, submitted=entry.at, deadline=deadline)
            except Retryable:
                why = "the media's hashes are out of reach"
            if found is not None:
                why = "nothing is known of this medium"
        metric.MEDIA_AWAITED.labels("missing" if found is None else "came").inc()
        entry.learn(need, media_values(need, inputs, found, why=why))

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
