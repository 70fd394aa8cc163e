"""The soak: 20,000 actions over 50 endpoints, 10 of them dead and 10 slow, the dispatcher killed
with -9 twenty times; and what the bad endpoints cost the healthy ones.

One line: `value` is the p99 of healthy endpoints with the bad ones beside them, over that of the
same load without them; `compared_to` has what the killed run saw. Ends with an error when an action
did not arrive, came to the receiver out of its item's order, or was lost.
"""

from __future__ import annotations

import itertools
import time
from statistics import median, quantiles

from coop_local.stack import EngineAddresses
from tests.bench import delivery_load as load
from tests.bench import environment as stand
from tests.bench.delivery_soak import Plan, Report, soak, urls_of
from tests.bench.result import show

_PLAN = Plan(actions=20_000, endpoints=50, dead=10, slow=10, kills=20)
_RUNS = 3
_HEALTHY_RATE = 150  # actions a second, over 30 endpoints
_SECONDS = 20
_SETTLE = 3


def _p99(addresses: EngineAddresses, database: str, *, bad: bool) -> float:
    """Seconds from request to receipt at healthy endpoints, at a steady rate."""
    org = stand.new_organisation()
    with load.receiver() as origin:
        urls = urls_of(_PLAN, origin)
        stand.seed(addresses, org, *load.documents(org, urls))
        chosen = [action for action in urls if bad or action.startswith("honest")]
        rate = _HEALTHY_RATE * len(chosen) // sum(one.startswith("honest") for one in chosen)
        internal = stand.free_port()
        environment = load.environment_of(
            addresses, database, COOP_INTERNAL_PORT=str(internal), COOP_LOG_LEVEL="ERROR"
        )
        ready = f"http://127.0.0.1:{internal}/readyz"
        with (
            stand.service(
                "coop_action_dispatcher", "dispatcher", environment, ready_url=ready, deadline=120
            ),
            load.Publisher(addresses) as publisher,
        ):
            turns = itertools.cycle(chosen)
            began, sent = time.monotonic(), 0
            while (passed := time.monotonic() - began) < _SECONDS:
                due = int(passed * rate) - sent
                publisher.publish(
                    [load.request(org.id, next(turns), f"i{sent + n}", 0) for n in range(due)]
                )
                sent += due
                time.sleep(0.02)
            time.sleep(_SETTLE)
            found = load.stats(origin)
    delays: list[float] = [
        delay
        for path, those in found["delays"].items()
        if path.startswith("/honest/")
        for delay in those
    ]
    return quantiles(delays, n=100)[98]


def _check(report: Report) -> None:
    wrong = []
    if report.taken != report.expected:
        wrong.append(f"{report.taken} of {report.expected} arrived")
    if report.unordered:
        wrong.append(f"{report.unordered} items out of order")
    if report.states.get("DELIVERED", 0) != report.expected:
        wrong.append(f"{report.states} recorded")
    if sum(report.states.values()) != _PLAN.actions:
        wrong.append(f"{sum(report.states.values())} of {_PLAN.actions} on record")
    if wrong:
        raise RuntimeError("; ".join(wrong))


def main() -> None:
    """Prints one line."""
    with stand.engines() as addresses:
        database = load.database(addresses)
        report = soak(addresses, _PLAN, database=database)
        _check(report)
        pairs = [
            (_p99(addresses, database, bad=False), _p99(addresses, database, bad=True))
            for _ in range(_RUNS)
        ]
    show(
        "soak",
        [bad / alone for alone, bad in pairs],
        unit="p99 of healthy endpoints beside bad ones, over that without them",
        bound="<= 2",
        compared_to={
            "p99_ms_alone": round(median(alone for alone, _ in pairs) * 1000, 1),
            "p99_ms_beside_bad": round(median(bad for _, bad in pairs) * 1000, 1),
            "actions": _PLAN.actions,
            "arrived_of_expected": f"{report.taken}/{report.expected}",
            "sent_again": report.repeats,
            "out_of_order": report.unordered,
            "killed": report.kills,
            "seconds": round(report.seconds),
            "states": dict(report.states),
        },
    )


if __name__ == "__main__":
    main()
