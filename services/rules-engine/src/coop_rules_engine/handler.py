"""The edge of the fast lane: a batch of submissions in, their results and effects out.

    rules ─▶ values from Redis ─▶ evaluate each lane ─▶ limits ─▶ publish
             (one round trip)                           (one round trip)

Guarantees: nothing is published of a batch of which one item could not be evaluated (the consumer
then tries one by one); the batch is settled when the broker has acknowledged everything. Items
whose rules need nothing from outside cost no call to anyone. What cannot be decided on what is at
hand is deferred to its lane, and is not recorded here.
Must not: hold the event loop for long: health must answer while a batch is evaluated. Wait for
anyone's model or media.
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
from coop_rules_engine.at_hand import Asked, AtHand
from coop_rules_engine.evaluation import NOTHING, Known, Verdict, evaluate, wanting
from coop_rules_engine.limit import Limiter
from coop_rules_engine.record import deferred, messages_of
from coop_rules_engine.registry import Registry
from coop_rules_engine.ruleset import RuleSet
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message, Received

_SLICE_SECONDS = 0.005  # how long items are evaluated before others have a turn


class Publisher(Protocol):
    """The broker edge, as far as it is needed here."""

    def begin(self, messages: Sequence[Message]) -> Awaitable[None]: ...


class _Turns:
    """Gives others a turn now and then."""

    __slots__ = ("_sliced",)

    def __init__(self) -> None:
        self._sliced = time.perf_counter()

    @property
    def due(self) -> bool:
        return time.perf_counter() - self._sliced > _SLICE_SECONDS

    async def give(self) -> None:
        await asyncio.sleep(0)
        self._sliced = time.perf_counter()


class ItemHandler:
    """The handler of the consumer of ItemSubmitted."""

    def __init__(
        self, registry: Registry, publisher: Publisher, at_hand: AtHand, limiter: Limiter
    ) -> None:
        self._registry = registry
        self._publisher = publisher
        self._at_hand = at_hand
        self._limiter = limiter

    async def __call__(self, batch: Sequence[Received[ItemSubmitted]]) -> Awaitable[None]:
        """Evaluates the batch and begins to publish; what it returns ends with the last
        acknowledgement.

        Raises Poison for an item whose data cannot be read, Retryable while rules are not compiled
        or what must be counted cannot be.
        """
        rules = await self._rules(batch)
        submissions = [Submission.of(received) for received in batch]
        known = await self._fetch(submissions, rules)
        now = datetime.now(UTC)
        began, turns = time.perf_counter(), _Turns()
        said: list[Message | Verdict] = []
        for place, submission in enumerate(submissions):
            said += _evaluate(submission, rules[submission.org_id], known.get(place), now)
            if turns.due:
                await turns.give()
        messages = await self._limiter.messages(said, now=now)
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
    ) -> dict[int, tuple[Facts, Known]]:
        """What is given of the submissions whose rules take something from Redis, by place."""
        if not any(one.at_hand for one in rules.values()):
            return {}
        asked: dict[int, Asked] = {}
        for place, submission in enumerate(submissions):
            found = rules[submission.org_id].types.get(submission.item.type_id)
            if found is not None and found.at_hand:
                asked[place] = Asked(submission, found, submission.facts())
        values = await self._at_hand.fetch(list(asked.values()))
        return {
            place: (one.facts, known)
            for (place, one), known in zip(asked.items(), values, strict=True)
        }

    async def _settle(self, acknowledged: Awaitable[None], items: int) -> None:
        await acknowledged
        metric.EVALUATED.inc(items)


def _evaluate(
    submission: Submission, rules: RuleSet, given: tuple[Facts, Known] | None, now: datetime
) -> list[Message | Verdict]:
    """What each lane says, or that it cannot say it yet; a verdict where rules must ask whether
    they may act."""
    found = rules.types.get(submission.item.type_id)
    if found is None:
        # The item type was deleted after the submission: no rule is left.
        gone = Verdict(submission=submission, lane="FAST", revision=rules.revision)
        return [*messages_of(gone, now=now)]
    facts, known = given or (None, NOTHING)
    if facts is None and len(found.lanes) > 1:
        facts = submission.facts()
    said: list[Message | Verdict] = []
    for lane in found.lanes.values():
        verdict = evaluate(submission, rules, lane, facts=facts, known=known)
        if lane.lane != "FAST":
            open_lanes = {need.signal.lane for need in wanting(verdict)}
            if not submission.awaits_media:
                open_lanes.discard("MEDIA")
            if "SLOW" in open_lanes or "MEDIA" in open_lanes:
                metric.DEFERRED.labels(lane.lane).inc()
                awaits = "MEDIA" in open_lanes
                said.append(deferred(verdict, _flat(known), awaits_media=awaits, now=now))
                continue
        if verdict.asks:
            said.append(verdict)
        else:
            said += messages_of(verdict, now=now)
    return said


def _flat(known: Known) -> list[SignalValue]:
    return [value for values in known.values() for value in values]
