"""A new revision of 1,000 rules in the rules engine while it evaluates: how long until it is live,
and the longest that an item waited for it.

Guarantees: the engine's own registry and handler, as in the process, without broker; each revision
changes one rule; every text is new. `compared_to` has the longest of the same items before: what
the machine does by itself.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Sequence

import msgspec

from coop_contracts.config import Kind, Rule
from coop_contracts.event import ItemSubmitted
from coop_rules_engine.app import SWITCH_SECONDS
from coop_rules_engine.counter.limit import Limiter
from coop_rules_engine.counter.rebuild import Rebuilder
from coop_rules_engine.counter.redis_store import CounterStore
from coop_rules_engine.counter.value import CounterValues, RegistryRules
from coop_rules_engine.lane.fast import ItemHandler
from coop_rules_engine.lane.verdict import Verdicts
from coop_rules_engine.rules.registry import Registry
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.message import Message, Received
from coop_runtime.process.settings import RuntimeSettings
from tests.bench.result import show
from tests.bench.rules_load import ORG, Load

_RULES = 1_000
_REVISIONS = 10
_ITEMS = 8_000
_ALONE_SECONDS = 3.0


class _Broker:
    """Takes messages and acknowledges at once."""

    def begin(self, messages: Sequence[Message]) -> Awaitable[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class _Evaluation:
    """Evaluates one item after the other; `seconds` has the time of each."""

    def __init__(self, handler: ItemHandler, items: Sequence[ItemSubmitted]) -> None:
        self.seconds: list[float] = []
        self._handler = handler
        self._items = [Received(item, b"key", item.topic, 0, 0, {}, 0) for item in items]
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            for item in self._items:
                began = time.perf_counter()
                await (await self._handler([item]))
                await asyncio.sleep(0)
                self.seconds.append(time.perf_counter() - began)
                if self.stopping:
                    return


async def _measure(load: Load) -> tuple[list[float], list[float], float]:
    """Seconds until each revision was live, the longest item of each, the longest before."""
    documents = load.documents(_RULES)
    changes = enumerate(documents, 1)
    table = ConfigTable.of(ConfigChange(ORG, k, d.id, d, number) for number, (k, d) in changes)
    registry = Registry(table)
    compiling = asyncio.create_task(registry.run())
    store = CounterStore.of("redis://127.0.0.1:1/0")  # never asked
    settings = RuntimeSettings(internal_port=0)
    rebuilder = Rebuilder(store, RegistryRules(registry), settings, window=0)
    handler = ItemHandler(
        registry,
        _Broker(),
        CounterValues(store, rebuilder),
        Limiter(store, rebuilder),
        Verdicts(store.client),
    )
    await registry.wait(ORG, len(documents))
    evaluation = _Evaluation(handler, [load.item() for _ in range(_ITEMS)])
    evaluating = asyncio.create_task(evaluation.run())
    await asyncio.sleep(_ALONE_SECONDS)
    alone, live, longest = max(evaluation.seconds), [], []
    rules = [document for _, document in documents if isinstance(document, Rule)]
    for number in range(_REVISIONS):
        condition = {
            "input": {"type": "CONTENT_FIELD", "name": "score1", "contentTypeId": "post"},
            "comparator": "GREATER_THAN",
            "threshold": 0.5 + number / 1000,
        }
        rule = msgspec.structs.replace(
            rules[number * 7],
            condition_set={"conjunction": "AND", "conditions": [condition]},
        )
        revision = len(documents) + 1 + number
        evaluation.seconds.clear()
        began = time.perf_counter()
        table.apply(ConfigChange(ORG, Kind.RULE, rule.id, rule, revision))
        while registry.current(ORG, revision) is None:  # noqa: ASYNC110 - seen as an item sees it
            await asyncio.sleep(0.001)
        live.append(time.perf_counter() - began)
        await asyncio.sleep(0.2)  # what is left of it
        longest.append(max(evaluation.seconds))
    evaluation.stopping = True
    await evaluating
    compiling.cancel()
    await asyncio.gather(compiling, return_exceptions=True)
    await store.close()
    return live, longest, alone


def main() -> None:
    """Prints two lines: live, and standing still."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        live, longest, alone = asyncio.run(_measure(Load()))
    finally:
        sys.setswitchinterval(before)
    show("rules_engine_revision_live", live, unit="s", bound="< 1")
    show(
        "rules_engine_revision_standstill",
        longest,
        unit="s, longest item of a revision",
        bound="< 0.1",
        compared_to={"longest_without_compiling": round(alone, 4), "rules": _RULES},
    )


if __name__ == "__main__":
    main()
