"""The ratios of the hot paths, shortly: information, not a gate.

    python -m tests.bench.smoke

Guarantees: each ratio is of processor time in one run, by turns, so that neither the machine's
speed nor other work on it decides. The limits have a margin: a ratio beyond one of them is worth a
look at `make bench`. Exits with 0 either way.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import NamedTuple

import psutil

from coop_local.stack import EngineAddresses
from tests.bench import bench_ingest
from tests.bench import environment as stand
from tests.bench.bench_rules import Setting, items, sampled
from tests.bench.ratio import ratio
from tests.bench.rules_load import Load

_TURNS = 3
_SECONDS = 2.0


class Limit(NamedTuple):
    """What a ratio should be: at most, or at least, so much."""

    most: float | None = None
    least: float | None = None

    def holds(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (
            self.least is None or value >= self.least
        )

    def __str__(self) -> str:
        return f"<= {self.most}" if self.most is not None else f">= {self.least}"


def _sampled() -> float:
    return statistics.median(sampled(1000, turns=_TURNS).turns)


def _growth() -> float:
    """The cost of 1,000 rules over that of 10."""
    load = Load()
    many, few = (Setting.of(one, one.documents(n)) for one, n in ((load, 1000), (Load(), 10)))
    return statistics.median(
        ratio(many.evaluate, few.evaluate, items(load, 300), turns=_TURNS).turns
    )


def _ingest(addresses: EngineAddresses) -> float:
    """The bare server's processor time for a request over ingest's."""
    with bench_ingest.servers(addresses) as both:
        shares = []
        for _ in range(_TURNS + 1):
            cost = _request_cost(both.ours_pid, both.ours, both.org)
            shares.append(_request_cost(both.bare_pid, both.bare, both.org) / cost)
        return statistics.median(shares[1:])  # the first turn warms up


def _request_cost(pid: int, port: int, org: stand.Organisation) -> float:
    """Seconds of a process's CPU for a request."""
    process = psutil.Process(pid)
    used = sum(process.cpu_times()[:2])
    answered = bench_ingest.measure(f"http://127.0.0.1:{port}", org, 1, seconds=_SECONDS)
    return (sum(process.cpu_times()[:2]) - used) / (answered * _SECONDS)


def _say(what: str, limit: Limit, measured: Callable[[], float]) -> None:
    try:
        value = measured()
    except Exception as error:  # noqa: BLE001 - information: the next one is measured all the same
        sys.stdout.write(f"{what}: not measured: {error!r}\n")
        return
    verdict = "" if limit.holds(value) else "   <-- look at make bench"
    sys.stdout.write(f"{what}: {value:.2f} (limit: {limit}){verdict}\n")
    sys.stdout.flush()


def main() -> None:
    """Prints a line for each ratio."""
    _say("rules, every rule of 1,000 recorded over not sampled", Limit(most=8), _sampled)
    _say("rules, 1,000 over 10", Limit(most=12), _growth)
    with stand.engines() as addresses:
        what = "ingest, processor time of a bare server over ours"
        _say(what, Limit(least=0.12), lambda: _ingest(addresses))


if __name__ == "__main__":
    main()
