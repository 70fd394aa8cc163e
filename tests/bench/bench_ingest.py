"""ingest, one process: requests and items accepted and acknowledged by Kafka, a second.

The bare server of the same run reads the body and answers, nothing else: what ingest adds is the
difference. The load generator has a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from coop_local.stack import EngineAddresses
from tests.bench import environment as stand
from tests.bench.result import show

_RUNS = 3
_SECONDS = 6.0
_CONNECTIONS = 64
_PATH = "/api/v1/items/async/"


def measure(url: str, org: stand.Organisation, items: int, *, seconds: float = _SECONDS) -> float:
    """Requests answered with 202, a second. Raises RuntimeError when any was answered otherwise."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.bench.http_load",
            url,
            _PATH,
            str(seconds),
            str(_CONNECTIONS if items == 1 else 16),
            org.api_key,
            org.item_type,
            str(items),
        ],
        cwd=stand.ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    counts = json.loads(done.stdout)["counts"]
    if set(counts) != {"202"}:
        raise RuntimeError(f"answers other than 202: {counts}")
    return float(counts["202"]) / seconds


@dataclass(frozen=True)
class Servers:
    """ingest and the bare server, each with its port and its process."""

    org: stand.Organisation
    ours: int
    ours_pid: int
    bare: int
    bare_pid: int


@contextmanager
def servers(addresses: EngineAddresses) -> Iterator[Servers]:
    """Both of them, ready, for an organisation of their own."""
    org = stand.new_organisation()
    stand.seed(addresses, org)
    port, internal, bare_port = stand.free_port(), stand.free_port(), stand.free_port()
    environment = stand.environment_of(
        addresses, COOP_INGEST_PORT=str(port), COOP_INTERNAL_PORT=str(internal)
    )
    bare = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare_server", str(bare_port)], cwd=stand.ROOT
    )
    try:
        ready = f"http://127.0.0.1:{internal}/readyz"
        with stand.service("coop_ingest", "api", environment, ready_url=ready) as ours:
            yield Servers(org, port, ours.pid, bare_port, bare.pid)
    finally:
        bare.terminate()
        bare.wait(timeout=10)


def main() -> None:
    """Prints one line for 1 and one for 50 items a request."""
    with stand.engines() as addresses, servers(addresses) as both:
        for items, bound in ((1, 5_000), (50, 25_000)):
            _compare(both, items, bound)


def _compare(both: Servers, items: int, bound: int) -> None:
    org, port, bare_port = both.org, both.ours, both.bare
    measure(f"http://127.0.0.1:{port}", org, items)  # warms connections and caches
    ours, bare = [], []
    for _ in range(_RUNS):
        ours.append(measure(f"http://127.0.0.1:{port}", org, items) * items)
        bare.append(measure(f"http://127.0.0.1:{bare_port}", org, items) * items)
    show(
        f"ingest_{items}_items_a_request",
        ours,
        unit="items/s accepted and acknowledged",
        bound=f">= {bound}",
        compared_to={"bare_server_items_s": median(bare), "share": median(ours) / median(bare)},
    )


if __name__ == "__main__":
    main()
