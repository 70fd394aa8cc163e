"""The rules engine without Kafka, one process: from an item's bytes to the bytes of its result and
effects, at 10, 100 and 1,000 rules.

Every text is new in every run. `compared_to` has the share of items on which a rule passed, the
time to compile, and how the cost grows from 10 to 1,000 rules.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import msgspec

from coop_contracts.event import ItemSubmitted, encode
from coop_rules_engine.handler import ItemHandler
from coop_rules_engine.registry import Registry
from coop_runtime.config_table import ConfigChange, ConfigTable
from coop_runtime.message import Message, Received
from tests.bench.result import show
from tests.bench.rules_load import ORG, Load

_RUNS = 5
_BATCH = 500
_BOUNDS = {10: "none", 100: ">= 25000", 1000: ">= 10000 (with the whole language)"}


class _Sink:
    """Takes messages at once, as a broker without cost."""

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0

    def begin(self, messages: Sequence[Message]) -> Awaitable[None]:
        self.messages += len(messages)
        self.bytes += sum(len(message.value) for message in messages)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future


@dataclass(frozen=True)
class Measured:
    """Items a second of each run, by the clock and by this process's CPU; effects an item; seconds
    to compile."""

    runs: list[float]
    cpu: list[float]
    effects: float
    compiled: float


async def measure(rules: int, items: int) -> Measured:
    """Evaluates `items` new items in each run."""
    load = Load()
    table = ConfigTable.of(
        ConfigChange(ORG, kind, document.id, document, 1)
        for kind, document in load.documents(rules)
    )
    registry = Registry(table)
    compiling = asyncio.create_task(registry.run())
    began = time.perf_counter()
    await registry.wait(ORG, 1)
    compiled = time.perf_counter() - began
    sink = _Sink()
    handler = ItemHandler(registry, sink)
    decode = msgspec.json.Decoder(ItemSubmitted).decode
    runs, cpu = [], []
    for _ in range(_RUNS):
        raw = [encode(load.item()) for _ in range(items)]
        began, used = time.perf_counter(), time.process_time()
        for start in range(0, items, _BATCH):
            batch = [
                Received(decode(value), b"k", "coop.items.v1", 0, 0, {}, 0)
                for value in raw[start : start + _BATCH]
            ]
            await (await handler(batch))
        runs.append(items / (time.perf_counter() - began))
        cpu.append(items / (time.process_time() - used))
    compiling.cancel()
    return Measured(runs, cpu, sink.messages / (items * _RUNS) - 1, compiled)


def main() -> None:
    """Prints one line for each number of rules."""
    costs: dict[int, float] = {}
    for rules, items in ((10, 5_000), (100, 5_000), (1000, 2_000)):
        found = asyncio.run(measure(rules, items))
        costs[rules] = 1 / statistics.median(found.cpu)
        show(
            f"rules_core_{rules}",
            found.runs,
            unit="items/s",
            bound=_BOUNDS[rules],
            compared_to={
                "items_per_cpu_second": round(statistics.median(found.cpu)),
                "actions_per_item": round(found.effects, 3),
                "compile_seconds": round(found.compiled, 3),
                "cpu_cost_to_10_rules": round(costs[rules] / costs[10], 1),
            },
        )


if __name__ == "__main__":
    main()
