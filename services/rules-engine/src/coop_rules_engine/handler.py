"""The edge: a batch of submissions in, their results and effects out.

Guarantees: nothing is published of a batch of which one item could not be evaluated (the consumer
then tries one by one); the batch is settled when the broker has acknowledged everything.
Must not: hold the event loop for long: health must answer while a batch is evaluated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from coop_contracts.event import ItemSubmitted
from coop_rules_engine import metric
from coop_rules_engine.evaluation import evaluate
from coop_rules_engine.registry import Registry
from coop_rules_engine.ruleset import RuleSet
from coop_runtime.message import Message, Received

_SLICE_SECONDS = 0.005  # how long items are evaluated before others have a turn


class Publisher(Protocol):
    """The broker edge, as far as it is needed here."""

    def begin(self, messages: Sequence[Message]) -> Awaitable[None]: ...


class ItemHandler:
    """The handler of the consumer of ItemSubmitted."""

    def __init__(self, registry: Registry, publisher: Publisher) -> None:
        self._registry = registry
        self._publisher = publisher

    async def __call__(self, batch: Sequence[Received[ItemSubmitted]]) -> Awaitable[None]:
        """Evaluates the batch and begins to publish; what it returns ends with the last
        acknowledgement.

        Raises Poison for an item whose data cannot be read, Retryable while rules are not compiled.
        """
        rules = await self._rules(batch)
        messages: list[Message] = []
        now = datetime.now(UTC)
        began = sliced = time.perf_counter()
        for received in batch:
            event = received.event
            messages += evaluate(
                event,
                rules[event.org_id],
                now=now,
                traceparent=received.headers.get("traceparent", b"").decode("ascii", "replace"),
            )
            if time.perf_counter() - sliced > _SLICE_SECONDS:
                await asyncio.sleep(0)
                sliced = time.perf_counter()
        metric.EVALUATION_SECONDS.observe(time.perf_counter() - began)
        return self._settle(self._publisher.begin(messages), len(batch))

    async def _rules(self, batch: Sequence[Received[ItemSubmitted]]) -> dict[str, RuleSet]:
        wanted: dict[str, int] = {}
        for received in batch:
            event = received.event
            if event.config_revision > wanted.get(event.org_id, -1):
                wanted[event.org_id] = event.config_revision
        rules = {}
        for org_id, revision in wanted.items():
            found = self._registry.current(org_id, revision)
            if found is None:
                found = await self._registry.wait(org_id, revision)
            rules[org_id] = found
        return rules

    async def _settle(self, acknowledged: Awaitable[None], items: int) -> None:
        await acknowledged
        metric.EVALUATED.inc(items)
