"""The waiting lanes behind an engine, with a stand-in for the providers of remote signals."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from coop_contracts.event import EvaluationDeferred, RulesEvaluated, SignalValue
from coop_rules_engine.counter.limit import Limiter
from coop_rules_engine.lane.deferred import DeferredHandler
from coop_rules_engine.lane.media import MediaEvaluation
from coop_rules_engine.lane.slow import RemoteEvaluation
from coop_runtime.kafka.message import Received
from coop_signals.media_value import MediaValues

_SECONDS = 20.0


class Provider:
    """Stands for the providers of remote signals: answers when it is told to."""

    def __init__(self, score: float = 0.9) -> None:
        self.score: float | None = score
        self.asked: list[tuple[str, str, Sequence[object]]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def values(
        self, org_id: str, need: Any, inputs: Sequence[object], *, deadline: float
    ) -> list[SignalValue]:
        self.asked.append((org_id, need.signal.name, list(inputs)))
        error = None
        try:
            async with asyncio.timeout_at(deadline):
                await self.gate.wait()
        except TimeoutError:
            error = "no answer in time"
        score = None if error else self.score
        return [
            SignalValue(key=need.key, signal=need.signal.name, position=n, score=score, error=error)
            for n in range(len(inputs))
        ]


class Lanes:
    """The waiting lanes behind an engine whose broker keeps what is published."""

    def __init__(
        self,
        engine: Any,
        *,
        deadline: float = 10.0,
        patience: float = 10.0,
        share: int = 100,
        window: int = 1000,
    ) -> None:
        self.engine = engine
        self.provider = Provider()
        self.media = MediaValues(None)
        self.media._caught_up.set()
        limiter = Limiter(engine.store, engine.rebuilder)
        self.slow = DeferredHandler(
            RemoteEvaluation(
                engine.registry,
                self.provider,
                deadline=deadline,
                patience=patience,
                share=share,
            ),
            engine.broker,
            limiter,
            engine.verdicts,
            lane="SLOW",
            window=window,
        )
        self.waiting = DeferredHandler(
            MediaEvaluation(engine.registry, self.media, deadline=deadline),
            engine.broker,
            limiter,
            engine.verdicts,
            lane="MEDIA",
            window=window,
        )

    def deferred(self) -> list[Received[EvaluationDeferred]]:
        """What the engine deferred since this was asked last."""
        messages = self.engine.broker.messages
        found = [
            Received(event, message.key, message.topic, 0, 0, dict(message.headers), 0)
            for message, event in zip(messages, self.engine.broker.events(), strict=True)
            if isinstance(event, EvaluationDeferred)
        ]
        self.engine.broker.messages = [m for m in messages if m.topic != EvaluationDeferred.topic]
        return found

    async def run(self) -> None:
        """Both lanes, until nothing is deferred any more."""
        async with asyncio.timeout(_SECONDS):
            while events := self.deferred():
                for handler in (self.slow, self.waiting):
                    await (await handler(events))

    def results(self) -> list[tuple[str, list[Any]]]:
        """(lane, outcomes of its rules) of each result."""
        return [
            (one.lane, [rule.passed for rule in one.rules])
            for one in self.engine.broker.events(RulesEvaluated)
        ]


@pytest.fixture
def lanes_of() -> type[Lanes]:
    """Puts the lanes behind an engine."""
    return Lanes
