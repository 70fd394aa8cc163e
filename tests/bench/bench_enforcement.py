"""The dispatcher, one process: from requests on the log to webhooks at local receivers, recorded.

The requests are on the log before the dispatcher starts, so it always has more than it can do; the
time runs from the first webhook received to the last; then each must be on record as delivered.
RSA-2048 signs each. The receiver is a process of its own. By turns, what no delivery can do
without: `bare_delivery`.
"""

from __future__ import annotations

import random
import time
from statistics import median

import psutil

from coop_local.stack import EngineAddresses
from tests.bench import bare_delivery
from tests.bench import delivery_load as load
from tests.bench import environment as stand
from tests.bench.result import show

_RUNS = 3
_DELIVERIES = 15_000
_BARE = 4_000
_ENDPOINTS = 16
_SECONDS = 120.0


def _run(
    addresses: EngineAddresses, database: str, org: stand.Organisation, origin: str
) -> tuple[float, float]:
    """Deliveries a second, and milliseconds of the dispatcher's CPU for each."""
    load.reset(origin)
    before = load.delivered(database, org.id).get("DELIVERED", 0)
    run = random.randrange(1 << 32)
    load.publish(
        addresses,
        [load.request(org.id, f"a-{n % _ENDPOINTS}", f"{run}-{n}", n) for n in range(_DELIVERIES)],
    )
    internal = stand.free_port()
    environment = load.environment_of(addresses, database, COOP_INTERNAL_PORT=str(internal))
    ready = f"http://127.0.0.1:{internal}/livez"
    with stand.service("coop_action_dispatcher", "dispatcher", environment, ready_url=ready) as one:
        process = psutil.Process(one.pid)
        until = time.monotonic() + _SECONDS
        while not (first := load.count(origin)):
            _wait(until)
        began, used = time.perf_counter(), sum(process.cpu_times()[:2])
        while load.count(origin) < _DELIVERIES:
            _wait(until)
        seconds = time.perf_counter() - began
        cpu = sum(process.cpu_times()[:2]) - used
        while load.delivered(database, org.id).get("DELIVERED", 0) - before < _DELIVERIES:
            _wait(until)
    count = _DELIVERIES - first
    return count / seconds, cpu / count * 1000


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError(f"not delivered in {_SECONDS} s")
    time.sleep(0.05)


def main() -> None:
    """Prints two lines."""
    org = stand.new_organisation()
    with stand.engines() as addresses, load.receiver() as origin:
        urls = {f"a-{n}": f"{origin}/honest/{n}" for n in range(_ENDPOINTS)}
        stand.seed(addresses, org, *load.documents(org, urls))
        database = load.database(addresses)
        runs, bare = [], []
        for _ in range(_RUNS):
            runs.append(_run(addresses, database, org, origin))
            bare.append(bare_delivery.cost(origin, _BARE) * 1000)
    show(
        "enforcement",
        [wall for wall, _ in runs],
        unit="deliveries/s",
        bound=">= 1500",
        compared_to={"cpu_ms_per_delivery": round(median(cpu for _, cpu in runs), 3)},
    )
    show(
        "enforcement_over_bare",
        [cpu / base for (_, cpu), base in zip(runs, bare, strict=True)],
        unit="times the CPU of a signature and a POST",
        bound="<= 2",
        compared_to={"cpu_ms_of_both": round(median(bare), 3)},
    )


if __name__ == "__main__":
    main()
