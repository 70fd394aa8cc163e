"""The edge of the fast lane: a batch of submissions in, their results and effects out.

    rules ─▶ values from Redis ─▶ evaluate each lane ─▶ limits ─▶ publish
             (one round trip)                           (one round trip)

Guarantees: nothing is published of a batch of which one item could not be evaluated (the consumer
then tries one by one); the batch is settled when the broker has acknowledged everything. Items
whose rules need nothing from outside cost no call to anyone. What cannot be decided on the
values that are known here is deferred to its lane, and is not recorded here.
Must not: hold the event loop for long: health must answer while a batch is evaluated. Wait for
media or a remote model.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from coop_contracts.event import ItemSubmitted, SignalValue
from coop_rules.program.state import Facts
from coop_rules_engine import metric
from coop_rules_engine.counter.limit import Limiter
from coop_rules_engine.counter.value import CounterRequest, CounterValues
from coop_rules_engine.evaluation import NOTHING, KnownValues, LaneResult, evaluate, wanting
from coop_rules_engine.result_message import deferred, messages_of
from coop_rules_engine.rules.registry import Registry
from coop_rules_engine.rules.rule_set import RuleSet
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message, Received

SLICE_SECONDS = 0.005  # how long items are evaluated before other tasks may run


class Publisher(Protocol):
    """The broker edge, as far as it is needed here."""

    def begin(self, messages: Sequence[Message]) -> Awaitable[None]: ...


class _TimeSlice:
    """How long the event loop has been kept from other tasks; `end` lets them run."""

    __slots__ = ("_began", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.perf_counter()

    @property
    def over(self) -> bool:
        return time.perf_counter() - self._began > self._seconds

    async def end(self) -> None:
        await asyncio.sleep(0)
        self._began = time.perf_counter()


class ItemHandler:
    """The handler of the consumer of ItemSubmitted. `slice_seconds`: how long it evaluates before
    other tasks may run."""

    def __init__(
        self,
        registry: Registry,
        publisher: Publisher,
        counters: CounterValues,
        limiter: Limiter,
        *,
        slice_seconds: float = SLICE_SECONDS,
    ) -> None:
        self._registry = registry
        self._publisher = publisher
        self._counters = counters
        self._limiter = limiter
        self._slice = slice_seconds

    async def __call__(self, batch: Sequence[Received[ItemSubmitted]]) -> Awaitable[None]:
        """Evaluates the batch and begins to publish; what it returns is done when the broker has
        acknowledged everything.

        Raises Poison for an item whose data cannot be read, Retryable while rules are not compiled
        or what must be counted cannot be.
        """
        rules = await self._rules(batch)
        submissions = [Submission.of(received) for received in batch]
        known = await self._fetch(submissions, rules)
        now = datetime.now(UTC)
        began, time_slice = time.perf_counter(), _TimeSlice(self._slice)
        outputs: list[Message | LaneResult] = []
        for place, submission in enumerate(submissions):
            outputs += _evaluate(submission, rules[submission.org_id], known.get(place), now)
            if time_slice.over:
                await time_slice.end()
        messages = await self._limiter.messages(outputs, now=now)
        metric.EVALUATION_SECONDS.observe(time.perf_counter() - began)
        return self._settle(self._publisher.begin(messages), len(batch))

    async def _rules(self, batch: Sequence[Received[ItemSubmitted]]) -> dict[str, RuleSet]:
        wanted: dict[str, int] = {}
        for received in batch:
            event = received.event
            if event.config_revision > wanted.get(event.org_id, -1):
                wanted[event.org_id] = event.config_revision
        return {
            org_id: await self._registry.rules(org_id, revision)
            for org_id, revision in wanted.items()
        }

    async def _fetch(
        self, submissions: Sequence[Submission], rules: Mapping[str, RuleSet]
    ) -> dict[int, tuple[Facts, KnownValues]]:
        """The decoded data and the values from Redis, by place in the batch, of those submissions
        whose rules take a value from Redis."""
        if not any(one.needs_counters for one in rules.values()):
            return {}
        asked: dict[int, CounterRequest] = {}
        for place, submission in enumerate(submissions):
            found = rules[submission.org_id].types.get(submission.item.type_id)
            if found is not None and found.counter_needs:
                asked[place] = CounterRequest(submission, found, submission.facts())
        values = await self._counters.fetch(list(asked.values()))
        return {
            place: (one.facts, known)
            for (place, one), known in zip(asked.items(), values, strict=True)
        }

    async def _settle(self, acknowledged: Awaitable[None], items: int) -> None:
        await acknowledged
        metric.EVALUATED.inc(items)


def _evaluate(
    submission: Submission, rules: RuleSet, given: tuple[Facts, KnownValues] | None, now: datetime
) -> list[Message | LaneResult]:
    """For each lane its messages, or its deferral where values are missing; a LaneResult where a
    rule has limits, which the Limiter asks about."""
    found = rules.types.get(submission.item.type_id)
    if found is None:
        # The item type was deleted after the submission: no rule is left.
        gone = LaneResult(submission=submission, lane="FAST", revision=rules.revision)
        return [*messages_of(gone, now=now)]
    facts, known = given or (None, NOTHING)
    if facts is None and len(found.lanes) > 1:
        facts = submission.facts()
    outputs: list[Message | LaneResult] = []
    for lane in found.lanes.values():
        result = evaluate(submission, rules, lane, facts=facts, known=known)
        if lane.lane != "FAST":
            open_lanes = {need.signal.lane for need in wanting(result)}
            if not submission.awaits_media:
                open_lanes.discard("MEDIA")
            if "SLOW" in open_lanes or "MEDIA" in open_lanes:
                metric.DEFERRED.labels(lane.lane).inc()
                awaits = "MEDIA" in open_lanes
                outputs.append(deferred(result, _flat(known), awaits_media=awaits, now=now))
                continue
        if result.asks:
            outputs.append(result)
        else:
            outputs += messages_of(result, now=now)
    return outputs


def _flat(known: KnownValues) -> list[SignalValue]:
    return [value for values in known.values() for value in values]
