"""The slow lane: evaluations with values of remote models.

Guarantees: a value that is not there by the deadline, whatever its provider does, is unavailable,
and the submission is evaluated without it. Values are asked for only where an outcome depends on
them, and again never: they are recorded with the result. An organisation that has more waiting than
its share gets no values for what is beyond it, so that the others' evaluations go on.
Must not: raise for a provider's failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from coop_contracts.event import EvaluationDeferred, SignalValue
from coop_rules.language.need import Need
from coop_rules_engine import metric
from coop_rules_engine.evaluation import LaneResult, evaluate, known_of, wanting
from coop_rules_engine.rules.registry import Registry
from coop_rules_engine.rules.rule_set import LaneRules, RuleSet
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Received

_ROUNDS = 4  # a value may be what another is asked about: a transcription, then its score
_NOTHING_TO_ASK = "the input has no value that can be asked about"
_AT_ONCE = 64  # evaluations of one organisation that ask; providers have their own bounds
_TOO_MANY = "too many evaluations of the organisation are waiting"
_TOO_LONG = "the organisation's turn did not come in time"


class RemoteValues(Protocol):
    """Where remote values come from (coop_signals.Providers)."""

    def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> Awaitable[Sequence[SignalValue]]: ...


class _Queue:
    """One organisation's evaluations: up to `_AT_ONCE` ask providers, the others wait for that."""

    def __init__(self) -> None:
        self._asking = asyncio.Semaphore(_AT_ONCE)
        self._inside = 0

    @property
    def idle(self) -> bool:
        return not self._inside

    @asynccontextmanager
    async def wait(self, share: int, patience: float) -> AsyncIterator[str]:
        """Waits for the right to ask; gives why it was refused, or ''."""
        if self._inside >= share:
            yield _TOO_MANY
            return
        self._inside += 1
        try:
            if not await self._acquire(patience):
                yield _TOO_LONG
                return
            try:
                yield ""
            finally:
                self._asking.release()
        finally:
            self._inside -= 1

    async def _acquire(self, patience: float) -> bool:
        try:
            async with asyncio.timeout(patience):
                return await self._asking.acquire()
        except TimeoutError:
            return False


class RemoteEvaluation:
    """Evaluates the slow lane's deferred events. An evaluation waits up to `patience` seconds for
    its organisation's turn, then up to `deadline` seconds for values; `share` is how many of an
    organisation may wait."""

    def __init__(
        self,
        registry: Registry,
        providers: RemoteValues,
        *,
        deadline: float,
        patience: float,
        share: int,
    ) -> None:
        self._registry = registry
        self._providers = providers
        self._deadline = deadline
        self._patience = patience
        self._share = share
        self._queues: dict[str, _Queue] = {}

    async def __call__(self, received: Received[EvaluationDeferred]) -> LaneResult:
        """What the rules say of the submission. Raises Retryable, Poison."""
        event, submission = received.event, Submission.of(received)
        rules = await self._registry.rules(event.org_id, event.config_revision)
        found = rules.types.get(event.item.type_id)
        lane = None if found is None else found.lanes.get("SLOW")
        if lane is None:
            # Its rules are gone, or need no remote value any more.
            result = LaneResult(submission=submission, lane="SLOW", revision=rules.revision)
        else:
            result = await self._in_turn(submission, rules, lane, event.signals)
        return result

    async def _in_turn(
        self,
        submission: Submission,
        rules: RuleSet,
        lane: LaneRules,
        signals: Sequence[SignalValue],
    ) -> LaneResult:
        """The result, with values if its organisation's turn comes."""
        org_id = submission.org_id
        queue = self._queues.setdefault(org_id, _Queue())
        async with queue.wait(self._share, self._patience) as refused:
            result = await self._decide(submission, rules, lane, signals, refused=refused)
        if queue.idle and self._queues.get(org_id) is queue:
            del self._queues[org_id]
        return result

    async def _decide(
        self,
        submission: Submission,
        rules: RuleSet,
        lane: LaneRules,
        signals: Sequence[SignalValue],
        *,
        refused: str,
    ) -> LaneResult:
        deadline = asyncio.get_running_loop().time() + self._deadline
        known, facts = known_of(signals), submission.facts()
        for _ in range(_ROUNDS):
            result = evaluate(submission, rules, lane, facts=facts, known=known)
            missing = [need for need in wanting(result) if need.signal.lane == "SLOW"]
            if not missing:
                break
            inputs = [lane.program.inputs_of(need, facts, signals=known) for need in missing]
            values = await asyncio.gather(
                *(
                    self._values(submission.org_id, need, given, deadline, refused=refused)
                    for need, given in zip(missing, inputs, strict=True)
                )
            )
            known |= {need.key: found for need, found in zip(missing, values, strict=True)}
        else:
            result = evaluate(submission, rules, lane, facts=facts, known=known)
        return result

    async def _values(
        self,
        org_id: str,
        need: Need,
        inputs: Sequence[object],
        deadline: float,
        *,
        refused: str,
    ) -> list[SignalValue]:
        places = [place for place, value in enumerate(inputs) if value is not None]
        name, error = need.signal.name, _NOTHING_TO_ASK
        found: dict[int, SignalValue] = {}
        if places and refused:
            metric.SHED.inc(len(places))
            error = refused
        elif places:
            values = await self._providers.values(
                org_id, need, [inputs[place] for place in places], deadline=deadline
            )
            found = {
                place: msgspec.structs.replace(value, position=place)
                for place, value in zip(places, values, strict=True)
            }
        return [
            found.get(place) or SignalValue(key=need.key, signal=name, position=place, error=error)
            for place in range(len(inputs))
        ]
