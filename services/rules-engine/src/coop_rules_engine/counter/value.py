"""The values of counters in Redis that rules compare: users' strikes, and counts of groups.

Guarantees: one round trip for a batch of items; a submission is in its groups before its rules are
evaluated, once, however often it is evaluated. A count that cannot be had is Retryable: a limit on
how often is worth nothing if it forgets. Strikes that cannot be had are unavailable.
Must not: be called for items whose rules need neither.

A group counts by the time of the item (its createdAt, else its submission; never later than that).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from coop_contracts.event import ItemSubmitted, SignalValue
from coop_rules.language.need import Need
from coop_rules.program.state import Facts
from coop_rules_engine import metric
from coop_rules_engine.counter.rebuild import Rebuilder
from coop_rules_engine.counter.redis_store import (
    CountersIncomplete,
    CounterStore,
    CountersUnavailable,
    GroupCount,
    count_key,
)
from coop_rules_engine.rules.registry import Registry
from coop_rules_engine.rules.rule_set import TypeRules
from coop_rules_engine.submission import Submission
from coop_runtime.process.error import Poison
from coop_runtime.process.log import logger
from coop_signals import strike
from coop_signals.strike import PlatformUser

_log = logger(__name__)


class CounterRequest(NamedTuple):
    """A submission whose rules take values from Redis, with those rules and its data."""

    submission: Submission
    rules: TypeRules
    facts: Facts


class CounterValues:
    """Reads the counters that rules compare; one for a process."""

    def __init__(self, store: CounterStore, rebuilder: Rebuilder) -> None:
        self._store = store
        self._rebuilder = rebuilder
        self._rest_until = 0.0

    async def fetch(self, asked: Sequence[CounterRequest]) -> list[dict[str, list[SignalValue]]]:
        """The values by need, for each submission.

        Raises CountersUnavailable, CountersIncomplete, where something is to be counted.
        """
        users: list[PlatformUser] = []
        counts: list[GroupCount] = []
        inputs = [_inputs(one, users, counts) for one in asked]
        strikes, counted, error = await self._ask(users, counts)
        return [
            {
                need.key: [
                    _counted(need, counted[place])
                    if need.aggregation is not None
                    else strike.value(
                        need,
                        position,
                        None if place < 0 else strikes[place],
                        one.submission.milliseconds,
                        strike.NO_USER if place < 0 else error,
                    )
                    for position, place in enumerate(places)
                ]
                for need, places in given
            }
            for one, given in zip(asked, inputs, strict=True)
        ]

    async def _ask(
        self, users: Sequence[PlatformUser], counts: Sequence[GroupCount]
    ) -> tuple[Sequence[strike.Strikes | None], Sequence[int], str]:
        if not users and not counts:
            return (), (), ""
        nothing: list[None] = [None] * len(users)
        if not counts and time.monotonic() < self._rest_until:
            return nothing, (), strike.AWAY
        try:
            found = await self._store.values(users, counts)
        except CountersIncomplete as error:
            self._rebuilder.ask(error.region, error.since)
            raise
        except CountersUnavailable as error:
            if counts:
                raise
            self._rest_until = time.monotonic() + strike.REST
            metric.STORE_FAILURES.inc()
            _log.warning("strikes are not known", error=str(error))
            return nothing, (), strike.AWAY
        return found.strikes, found.counts, strike.NOT_WHOLE


class RegistryRules:
    """The registry's rules, as a rebuild asks about them (`rebuild.RebuildRules`)."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def has_daily_limit(self, org_id: str, rule_id: str) -> bool:
        """Whether it has one now."""
        rules = self._registry.current(org_id)
        return rules is not None and rule_id in rules.daily

    def has_daily_limits(self) -> bool:
        """Whether any rule has one."""
        return any(rules.daily for rules in self._registry.known())

    def largest_window(self) -> float:
        """Of all clauses in use, in seconds; 0 where nothing is counted."""
        return max((rules.window for rules in self._registry.known()), default=0.0)

    def counts_of(self, item: ItemSubmitted) -> list[GroupCount]:
        """The groups that the item is counted in, under today's rules."""
        rules = self._registry.current(item.org_id)
        found = None if rules is None else rules.types.get(item.item.type_id)
        if found is None or not found.counter_needs:
            return []
        submission = Submission.of_event(item)
        try:
            facts = submission.facts()
        except Poison:
            return []  # it has no result, and counts for nothing
        counts: list[GroupCount] = []
        _inputs(CounterRequest(submission, found, facts), [], counts)
        return [count for count in counts if count.submission_id]


def _inputs(
    one: CounterRequest, users: list[PlatformUser], counts: list[GroupCount]
) -> list[tuple[Need, list[int]]]:
    """For each need the places of its inputs in `users` (-1: no user) or `counts`, which are added
    to."""
    given = []
    for need, program in one.rules.counter_needs:
        places = []
        for value in program.inputs_of(need, one.facts):
            if need.aggregation is not None:
                places.append(len(counts))
                counted = program.counts(need, one.facts) is True
                counts.append(
                    _count(one.submission, one.rules, need, value, one.facts, counted=counted)
                )
            elif value is None:
                places.append(-1)
            else:
                places.append(len(users))
                users.append(PlatformUser(one.submission.org_id, value.type_id, value.id))
        given.append((need, places))
    return given


def _count(
    submission: Submission,
    rules: TypeRules,
    need: Need,
    group: Sequence[Any],
    facts: Facts,
    *,
    counted: bool,
) -> GroupCount:
    clause = need.aggregation
    assert clause is not None
    submitted = submission.milliseconds
    return GroupCount(
        key=count_key(submission.org_id, clause.id, group),
        submission_id=submission.submission_id if counted else "",
        time=min(submitted, _created(rules, facts.data, submitted)),
        window=int(clause.window * 1000),
    )


def _created(rules: TypeRules, data: Mapping[str, Any], submitted: int) -> int:
    """When the item was made, as far as it says (Unix ms)."""
    name = rules.item_type.field_roles.created_at
    value = None if name is None else data.get(name)
    if not isinstance(value, str):
        return submitted
    try:
        return int(datetime.fromisoformat(value).timestamp() * 1000)
    except (ValueError, OverflowError):
        return submitted


def _counted(need: Need, count: int) -> SignalValue:
    return SignalValue(key=need.key, signal=need.signal.name, score=float(count))
