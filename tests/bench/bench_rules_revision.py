"""A new revision of 1,000 rules while items are evaluated: how long until it can be used, and the
longest time that evaluation stood still for it.

Guarantees: evaluation and compilation run as in the service, two threads of one process; each
revision changes one rule. Times are the process's CPU, of which a thread that holds the interpreter
uses all and one that waits for a core none; `compared_to` has the clock's, and the longest
standstill of the same thread with nothing compiled beside it: what the machine does by itself.
Must not: count the work that the matchers do in the background after the revision is in use as part
of its time; the standstill counts it.
"""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from coop_contracts.config import ItemType, Kind, TextBank
from coop_contracts.event import ItemSubmitted
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.program import EnabledRule, Program
from tests.bench.result import show
from tests.bench.rules_load import Load

_RULES = 1_000
_REVISIONS = 12
_QUIET_SECONDS = 3.0


@dataclass
class Organisation:
    """A thousand rules and what they are compiled against."""

    rules: list[EnabledRule]
    item_type: ItemType
    banks: dict[str, TextBank]
    cache: CompilerCache

    @classmethod
    def of(cls, load: Load) -> Organisation:
        documents = load.documents(_RULES)
        item_type = next(d for _, d in documents if isinstance(d, ItemType))
        banks = {d.id: d for _, d in documents if isinstance(d, TextBank)}
        found = [EnabledRule.of(d, 1) for kind, d in documents if kind is Kind.RULE]  # type: ignore[arg-type]
        return cls([rule for rule in found if rule], item_type, banks, CompilerCache())

    def compile(self) -> Program:
        """As the service does it: the garbage collector does not walk what is made."""
        gc.disable()
        try:
            return compile_program(
                self.rules, item_type=self.item_type, text_banks=self.banks, cache=self.cache
            )
        finally:
            gc.freeze()
            gc.enable()


class Evaluator(threading.Thread):
    """Evaluates items without pause; knows the longest time between two of them, by the process's
    CPU and by the clock."""

    def __init__(self, program: Program, items: Sequence[ItemSubmitted]) -> None:
        super().__init__(daemon=True)
        self.program = program
        self._items = items
        self._done = threading.Event()
        self.begin()

    def begin(self) -> None:
        """Forgets what was measured so far."""
        self.cpu = self.wall = 0.0

    def run(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        while not self._done.is_set():
            for item in self._items:
                self.program.evaluate(item.item.data, at=item.time).record()
                now, used = time.perf_counter(), time.process_time()
                self.wall = max(self.wall, now - wall)
                self.cpu = max(self.cpu, used - cpu)
                wall, cpu = now, used

    def stop(self) -> None:
        self._done.set()
        self.join(30)


def _leaf(kind: str, load: Load, index: int) -> dict[str, Any]:
    if kind == "number":
        return {
            "input": {"type": "CONTENT_FIELD", "name": "score1", "contentTypeId": "post"},
            "comparator": "GREATER_THAN",
            "threshold": 0.5 + index / 1000,
        }
    words = [f"revision{load.random.randint(0, 10**9)}x{n}" for n in range(25)]
    suffix = "TEXT" if kind == "keyword" else "REGEX"
    return {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"type": f"TEXT_MATCHING_CONTAINS_{suffix}"},
        "matchingValues": {"strings": words if kind == "keyword" else [words[0] + "[0-9]+"]},
    }


def _revisions(kind: str, organisation: Organisation, load: Load, evaluator: Evaluator) -> None:
    """Measures the time from a changed rule to a program that obeys it, for each revision."""
    cpu, wall = [], []
    evaluator.begin()
    for index in range(_REVISIONS):
        changed = {"conjunction": "AND", "conditions": [_leaf(kind, load, index)]}
        rule = organisation.rules[index * 7]
        organisation.rules[index * 7] = replace(rule, condition_set=changed)
        began, used = time.perf_counter(), time.thread_time()
        evaluator.program = organisation.compile()
        wall.append(time.perf_counter() - began)
        cpu.append(time.thread_time() - used)
        time.sleep(0.2)
    organisation.cache.scanners.settle(60)
    show(
        f"rules_revision_{kind}",
        cpu,
        unit="s of CPU until a changed rule of 1,000 is compiled",
        bound="< 0.5; no standstill over 0.1 s",
        compared_to={
            "by_clock": round(statistics.median(wall), 3),
            "longest_standstill": round(evaluator.cpu, 4),
            "longest_standstill_by_clock": round(evaluator.wall, 4),
        },
    )


def main() -> None:
    """Prints a line for the first compilation, one for evaluation alone, one for each kind of
    change."""
    load = Load()
    organisation = Organisation.of(load)
    used = time.thread_time()
    program = organisation.compile()
    show(
        "rules_compile_first",
        [time.thread_time() - used],
        unit="s of CPU to compile 1,000 rules",
        bound="none",
    )
    organisation.cache.scanners.settle(60)
    gc.collect()
    evaluator = Evaluator(program, [load.item() for _ in range(5_000)])
    evaluator.start()
    time.sleep(1.0)
    evaluator.begin()
    time.sleep(_QUIET_SECONDS)
    show(
        "rules_standstill_alone",
        [evaluator.cpu],
        unit="s of CPU, longest between two evaluations",
        bound="none",
        compared_to={"by_clock": round(evaluator.wall, 4)},
    )
    for kind in ("number", "keyword", "regex"):
        _revisions(kind, organisation, load, evaluator)
    evaluator.stop()


if __name__ == "__main__":
    main()
