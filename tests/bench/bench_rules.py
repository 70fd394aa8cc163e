"""The rule language, one process without Kafka: from the bytes of an ItemSubmitted to the bytes of
a RulesEvaluated that explains every match.

Guarantees: no text is seen twice; rules and items are random, and the same for everyone that is
compared; rates are by this process's CPU, since other work on the machine does not count against it
(`compared_to` has the clock's).
Must not: be tuned to the engine. The reference is the tests' own: a walk over the JSON, every
keyword and regex by itself.

Lines: 10, 100 and 1,000 rules; how the cost grows when all rules are made of the same 40
conditions; what it costs to record every rule; rules that match seven times an item; a pattern made
to explode.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from libs.rules.tests.rules_reference import Reference

from coop_contracts.config import ItemType, Kind, Rule, TextBank
from coop_contracts.event import ItemRef, ItemSubmitted, RulesEvaluated, encode
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.program import EnabledRule, Program
from tests.bench.ratio import Ratio, ratio
from tests.bench.result import show
from tests.bench.rules_load import Documents, Load

_RUNS = 5
_ITEMS = {10: 4_000, 100: 3_000, 1000: 1_500}  # a run
_REFERENCE_ITEMS = {10: 200, 100: 40, 1000: 8}
_BOUNDS = {10: "none", 100: ">= 25000, >= 20 times reference", 1000: ">= 10000, >= 80 times"}
_EXPLODING = ("(a+)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$")
_PLAIN = ("ab+c$", "x+y+z", "[A-Z]([a-z])+!")

_decode = msgspec.json.Decoder(ItemSubmitted).decode


@dataclass(frozen=True)
class Setting:
    """Rules compiled, and the same for the reference."""

    load: Load
    item_type: ItemType
    rules: tuple[Rule, ...]
    banks: dict[str, TextBank]
    program: Program

    @classmethod
    def of(cls, load: Load, documents: Documents) -> Setting:
        item_type = next(d for _, d in documents if isinstance(d, ItemType))
        rules = tuple(d for _, d in documents if isinstance(d, Rule))
        banks = {d.id: d for kind, d in documents if kind is Kind.TEXT_BANK}
        cache = CompilerCache()
        made = compile_program(
            [found for rule in rules if (found := EnabledRule.of(rule, 1))],
            item_type=item_type,
            text_banks=banks,  # type: ignore[arg-type]  # of the kind
            cache=cache,
        )
        cache.scanners.quicken()  # as after some minutes of items
        cache.scanners.settle(120)
        return cls(load, item_type, rules, banks, made)  # type: ignore[arg-type]

    def evaluate(self, raw: bytes, *, sampled: bool = False) -> int:
        """Bytes to bytes; the number of rules that passed. `sampled`: every rule is recorded."""
        event = _decode(raw)
        item = event.item
        evaluation = self.program.evaluate(
            item.data, at=event.time, creator=item.creator, trace=sampled
        )
        rules: Any = ()
        conditions: Any = ()
        if evaluation.outcomes:
            rules, conditions = evaluation.record()
        encode(
            RulesEvaluated(
                event_id=event.event_id,
                org_id=event.org_id,
                time=event.time,
                correlation_id=event.correlation_id,
                causation_id=event.event_id,
                submission_id=event.submission_id,
                item=ItemRef(item.id, item.type_id),
                config_revision=1,
                rules=rules,
                conditions=conditions,
                type_version=item.type_version,
                creator=item.creator,
                sampled=sampled,
            )
        )
        return len(evaluation.notable)

    def reference(self) -> Callable[[bytes], int]:
        """The same outcomes by the reference; without a record."""
        reference = Reference(self.item_type, banks=self.banks)

        def evaluate(raw: bytes) -> int:
            event = _decode(raw)
            data = msgspec.json.decode(event.item.data)
            found = [reference.evaluate(rule.condition_set, data) for rule in self.rules]
            return found.count(True)

        evaluate(encode(self.load.item()))  # compiles the regexes
        return evaluate


@dataclass(frozen=True)
class Measured:
    """Seconds of CPU and by the clock an item, in each run; matches an item."""

    cpu: list[float]
    wall: list[float]
    matches: float

    @property
    def cost(self) -> float:
        return statistics.median(self.cpu)

    @property
    def rates(self) -> list[float]:
        return [1 / cost for cost in self.cpu]


def measure(evaluate: Callable[[bytes], int], raws: Callable[[], Sequence[bytes]]) -> Measured:
    """Evaluates new items in each run; the first run warms up and does not count."""
    cpu: list[float] = []
    wall: list[float] = []
    matches = count = 0
    for run in range(_RUNS + 1):
        fresh = raws()
        gc.collect()
        gc.freeze()  # as the engine does with what it compiled
        began, used = time.perf_counter(), time.process_time()
        found = sum(map(evaluate, fresh))
        if run:
            cpu.append((time.process_time() - used) / len(fresh))
            wall.append((time.perf_counter() - began) / len(fresh))
            matches, count = matches + found, count + len(fresh)
    gc.unfreeze()
    return Measured(cpu, wall, matches / count)


def items(load: Load, count: int) -> Callable[[], Sequence[bytes]]:
    """As many new items each time, as bytes."""
    return lambda: [encode(load.item()) for _ in range(count)]


def _sizes() -> None:
    cost: dict[int, float] = {}
    for count, fresh in _ITEMS.items():
        load = Load()
        setting = Setting.of(load, load.documents(count))
        found = measure(setting.evaluate, items(load, fresh))
        plain = measure(setting.reference(), items(load, _REFERENCE_ITEMS[count]))
        cost[count] = found.cost
        show(
            f"rules_{count}",
            found.rates,
            unit="items/s of CPU",
            bound=_BOUNDS[count],
            compared_to={
                "items_per_second_by_clock": round(1 / statistics.median(found.wall)),
                "reference_items_per_second": round(1 / plain.cost, 1),
                "times_reference": round(plain.cost / found.cost, 1),
                "matches_per_item": round(found.matches, 2),
                "cost_to_10_rules": round(cost[count] / cost[10], 1),
            },
        )


def _shared() -> None:
    cost = {}
    matches = {}
    for count in (10, 100, 1000):
        load = Load(3)
        setting = Setting.of(load, load.documents(count, pool=40))
        found = measure(setting.evaluate, items(load, 2_000))
        cost[count], matches[count] = found.cost, found.matches
    show(
        "rules_sharing_40_conditions",
        [cost[1000] / cost[10]],
        unit="times the cost of 10 rules",
        bound="<= 8",
        compared_to={
            "microseconds_per_item": {count: round(c * 1e6, 1) for count, c in cost.items()},
            "matches_per_item": {count: round(m, 2) for count, m in matches.items()},
        },
    )


def sampled(rules: int, *, turns: int = 5) -> Ratio:
    """What an evaluation costs of which every rule is recorded, over one that is not sampled."""
    load = Load()
    setting = Setting.of(load, load.documents(rules))
    return ratio(
        partial(setting.evaluate, sampled=True), setting.evaluate, items(load, 200), turns=turns
    )


def _sampled() -> None:
    found = sampled(1000)
    show(
        "rules_sampled",
        found.turns,
        unit="times the cost of an evaluation that is not sampled",
        bound="<= 8",
        compared_to={
            "rules": 1000,
            "microseconds_per_item": [round(found.cost * 1e6, 1), round(found.base * 1e6, 1)],
        },
    )


def _dense() -> None:
    load = Load(dense=True)
    setting = Setting.of(load, load.documents(100))
    found = measure(setting.evaluate, items(load, 2_000))
    show(
        "rules_dense",
        found.rates,
        unit="items/s of CPU",
        bound="none (100 rules, about seven of which match)",
        compared_to={"matches_per_item": round(found.matches, 2)},
    )


def _exploding() -> None:
    """A text of the letters that such a pattern chokes on, as long as the others."""
    costs = []
    for patterns in (_PLAIN, _EXPLODING):
        load = Load()
        documents = load.documents(0)
        for index, pattern in enumerate(patterns):
            condition = {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
                "signal": {"type": "TEXT_MATCHING_CONTAINS_REGEX"},
                "matchingValues": {"strings": [pattern]},
            }
            rule = Rule(
                id=f"rule{index}",
                name=f"Rule {index}",
                status="LIVE",  # type: ignore[arg-type]
                item_type_ids=("post",),
                condition_set={"conjunction": "AND", "conditions": [condition]},
            )
            documents.append((Kind.RULE, rule))

        def raws(load: Load = load) -> Sequence[bytes]:
            hostile = ("a" * 20 + "x" * 20 + str(index % 10) for index in range(100_000))
            made = []
            for _ in range(1_000):
                text = "".join(next(hostile) for _ in range(12))
                text += str(load.random.random()) + "!"
                event = load.item()
                data = msgspec.Raw(msgspec.json.encode({"text": text}))
                item = msgspec.structs.replace(event.item, data=data)
                made.append(encode(msgspec.structs.replace(event, item=item)))
            return made

        costs.append(measure(Setting.of(load, documents).evaluate, raws).cost)
    show(
        "rules_exploding_pattern",
        [costs[1] / costs[0]],
        unit="times the cost of plain patterns",
        bound="about 1",
        compared_to={"microseconds_per_item": [round(cost * 1e6, 1) for cost in costs]},
    )


def main() -> None:
    """Prints the lines."""
    _sizes()
    _shared()
    _sampled()
    _dense()
    _exploding()


if __name__ == "__main__":
    main()
