"""The edge of the fast lane: a batch of submissions in, their results and effects out.

    rules ─▶ values from Redis ─▶ evaluate each lane ─▶ limits ─▶ publish
             (one round trip)                           (one round trip)

Guarantees: nothing is published of a batch of which one item could not be evaluated (the consumer
then tries one by one); the batch is settled when the broker has acknowledged everything. Items
whose rules need nothing from outside cost no call to anyone. What cannot be decided on the
values that are known here is deferred to its lane, and is not recorded here. An organisation beyond
its share of the processor stands in a line of its own, which a thread works off: the others go on.
Must not: hold the event loop for long: health must answer while a batch is evaluated. Wait for
media or a remote model.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from coop_contracts.event import ItemSubmitted, SignalValue
from coop_rules.program.state import Facts
from coop_rules_engine import metric
from coop_rules_engine.counter.limit import Limiter
from coop_rules_engine.counter.value import CounterRequest, CounterValues
from coop_rules_engine.evaluation import NOTHING, KnownValues, LaneResult, evaluate, wanting
from coop_rules_engine.lane.verdict import Verdicts
from coop_rules_engine.result_message import deferred, messages_of
from coop_rules_engine.rules.registry import Registry
from coop_rules_engine.rules.rule_set import RuleSet
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.fair import Handled, Meter, Unmetered
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


class _Run:
    """Submissions of one organisation, one after the other: what they took is charged together."""

    __slots__ = ("_began", "_meter", "entries", "org_id", "spent")

    def __init__(self, meter: Meter) -> None:
        self.org_id = ""
        self.entries = 0
        self.spent = 0.0
        self._meter = meter
        self._began = 0.0

    def begin(self, org_id: str) -> None:
        self.org_id, self.entries = org_id, 0
        self._began = time.thread_time()

    def end(self) -> None:
        if self.entries:
            seconds = time.thread_time() - self._began
            self.spent += seconds
            self._meter.charge(self.org_id, seconds, self.entries)


class ItemHandler:
    """The handler of the consumer of ItemSubmitted. `verdicts` tells those who wait for them;
    `slice_seconds`: how long it evaluates before other tasks may run."""

    def __init__(
        self,
        registry: Registry,
        publisher: Publisher,
        counters: CounterValues,
        limiter: Limiter,
        verdicts: Verdicts,
        *,
        slice_seconds: float = SLICE_SECONDS,
    ) -> None:
        self._registry = registry
        self._publisher = publisher
        self._counters = counters
        self._limiter = limiter
        self._verdicts = verdicts
        self._slice = slice_seconds

    async def __call__(self, batch: Sequence[Received[ItemSubmitted]]) -> Awaitable[None]:
        """Evaluates the batch and begins to publish; what it returns is done when the broker has
        acknowledged everything.

        Raises Poison for an item whose data cannot be read, Retryable while rules are not compiled
        or what must be counted cannot be.
        """
        settlement = (await self.handle(batch, Unmetered())).settlement
        assert settlement is not None
        return settlement

    async def handle(
        self, batch: Sequence[Received[ItemSubmitted]], meter: Meter
    ) -> Handled[ItemSubmitted]:
        """As when called, but leaves out what is of organisations that may not go on."""
        prepared = await self._prepare(batch)
        began, run = time.perf_counter(), _Run(meter)
        time_slice = _TimeSlice(self._slice)
        outputs: list[Message | LaneResult] = []
        left: list[int] = []
        stopped: set[str] = set()
        for place, submission in enumerate(prepared.submissions):
            over = time_slice.over
            if over or submission.org_id != run.org_id:
                run.end()
                if over:
                    await time_slice.end()
                run.begin(submission.org_id)
                if not meter.may_go_on(run.org_id, time.perf_counter() - began):
                    stopped.add(run.org_id)
            if run.org_id in stopped:
                left.append(place)
            else:
                outputs += prepared.evaluate(place)
                run.entries += 1
        run.end()
        waiting = set(left)
        handled = [place for place in range(len(batch)) if place not in waiting]
        settlement = await self._publish(outputs, prepared, handled)
        metric.EVALUATION_SECONDS.observe(time.perf_counter() - began)
        return Handled(settlement, [batch[place] for place in left], run.spent)

    async def handle_beside(
        self, batch: Sequence[Received[ItemSubmitted]], thread: ThreadPoolExecutor
    ) -> Handled[ItemSubmitted]:
        """As when called, evaluating in a thread."""
        prepared = await self._prepare(batch)
        loop = asyncio.get_running_loop()
        outputs, seconds = await loop.run_in_executor(thread, prepared.evaluate_all)
        settlement = await self._publish(outputs, prepared, range(len(batch)))
        return Handled(settlement, [], seconds)

    async def _prepare(self, batch: Sequence[Received[ItemSubmitted]]) -> _Prepared:
        rules = await self._rules(batch)
        submissions = [Submission.of(received) for received in batch]
        known = await self._fetch(submissions, rules)
        return _Prepared(submissions, rules, known, datetime.now(UTC))

    async def _publish(
        self,
        outputs: Sequence[Message | LaneResult],
        prepared: _Prepared,
        handled: Sequence[int],
    ) -> Awaitable[None]:
        messages = await self._limiter.messages(outputs, now=prepared.now)
        acknowledged = self._publisher.begin(messages)
        accepted = [prepared.submissions[place].time for place in handled]
        return self._verdicts.after(
            self._settle(acknowledged, accepted), prepared.submissions, messages
        )

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

    async def _settle(self, acknowledged: Awaitable[None], accepted: Sequence[datetime]) -> None:
        await acknowledged
        metric.EVALUATED.inc(len(accepted))
        now = datetime.now(UTC)
        for time_accepted in accepted:
            metric.SECONDS.observe(max(0.0, (now - time_accepted).total_seconds()))


class _Prepared(NamedTuple):
    """A batch and all that its evaluation takes; `known` is by place in it."""

    submissions: Sequence[Submission]
    rules: Mapping[str, RuleSet]
    known: Mapping[int, tuple[Facts, KnownValues]]
    now: datetime

    def evaluate(self, place: int) -> list[Message | LaneResult]:
        submission = self.submissions[place]
        rules = self.rules[submission.org_id]
        return _evaluate(submission, rules, self.known.get(place), self.now)

    def evaluate_all(self) -> tuple[list[Message | LaneResult], float]:
        """What comes of them, and the seconds of processor time that it took."""
        began = time.thread_time()
        outputs = [one for place in range(len(self.submissions)) for one in self.evaluate(place)]
        return outputs, time.thread_time() - began


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
