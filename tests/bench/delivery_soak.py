"""The soak of deliveries: many endpoints, some dead and some slow, and a dispatcher that is killed.

Guarantees: deterministic but for the machine: a seed decides when it is killed. Says what it saw;
whoever calls judges.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coop_local.stack import EngineAddresses
from coop_runtime.kafka.message import Message
from tests.bench import delivery_load as load
from tests.bench import environment as stand
from tests.bench.killed import Killed

_POLL = 0.2


@dataclass(frozen=True)
class Plan:
    """`per_item` actions follow each other on an item; `slow` endpoints answer after `slowness`
    seconds. A kill comes up to `reprieve` seconds after the process has begun to deliver; within
    `deadline` seconds of the last one everything must have arrived."""

    actions: int
    endpoints: int
    dead: int
    slow: int
    kills: int
    slowness: float = 1.0
    per_item: int = 4
    reprieve: float = 2.0
    deadline: float = 300.0
    seed: int = 7


@dataclass(frozen=True)
class Report:
    """What was seen. `expected`: the actions whose endpoint lives; `taken`: the distinct ones it
    took; `repeats`: those it was sent again; `unordered`: items whose actions came out of order;
    `states`: deliveries by state, those to dead endpoints among them."""

    expected: int
    taken: int
    repeats: int
    unordered: int
    states: Mapping[str, int]
    kills: int
    seconds: float


def urls_of(plan: Plan, origin: str) -> dict[str, str]:
    """A URL for each endpoint's action: dead ones, slow ones, honest ones."""
    nobody = stand.free_port()
    urls = {}
    for n in range(plan.endpoints):
        if n < plan.dead:
            urls[f"dead-{n}"] = f"http://127.0.0.1:{nobody}/{n}"
        elif n < plan.dead + plan.slow:
            urls[f"slow-{n}"] = f"{origin}/slow/{plan.slowness}/{n}"
        else:
            urls[f"honest-{n}"] = f"{origin}/honest/{n}"
    return urls


def requests_of(plan: Plan, org_id: str, actions: Sequence[str]) -> list[tuple[str, str, int]]:
    """(action, item, number) of every request, in the order in which they are published."""
    rounds = plan.actions // len(actions)
    return [
        (action, f"{action}-{turn // plan.per_item}", turn % plan.per_item)
        for turn in range(rounds)
        for action in actions
    ]


def soak(addresses: EngineAddresses, plan: Plan, *, database: str | None = None) -> Report:
    """Publishes half of the requests, starts the dispatcher, publishes the rest bit by bit while it
    is killed, and waits for what must arrive. Raises TimeoutError."""
    chance = random.Random(plan.seed)
    org = stand.new_organisation()
    with load.receiver() as origin:
        urls = urls_of(plan, origin)
        stand.seed(addresses, org, *load.documents(org, urls))
        database = database or load.database(addresses)
        wanted = requests_of(plan, org.id, list(urls))
        expected = sum(not action.startswith("dead") for action, _, _ in wanted)
        half = len(wanted) // 2
        load.publish(addresses, _messages(org.id, wanted[:half]))
        environment = load.environment_of(
            addresses, database, COOP_INTERNAL_PORT="0", COOP_LOG_LEVEL="ERROR"
        )
        began = time.monotonic()
        process = Killed()
        process.start("dispatcher", "coop_action_dispatcher", "dispatcher", environment)
        try:
            for turn in range(plan.kills):
                rest = wanted[half:]
                part = rest[len(rest) * turn // plan.kills : len(rest) * (turn + 1) // plan.kills]
                before = load.count(origin)
                load.publish(addresses, _messages(org.id, part))
                # Killed before it delivers anything it would prove nothing.
                _wait(origin, before + 1, plan.deadline)
                time.sleep(chance.uniform(0, plan.reprieve))
                process.kill("dispatcher")
            _wait(origin, expected, plan.deadline)
            states = _settled(database, org.id, expected, plan.deadline)
        finally:
            process.stop()
        found = load.stats(origin)
    return Report(
        expected=expected,
        taken=int(found["taken"]),
        repeats=int(found["repeats"]),
        unordered=int(found["unordered"]),
        states=states,
        kills=process.kills.total(),
        seconds=time.monotonic() - began,
    )


def _messages(org_id: str, wanted: Sequence[tuple[str, str, int]]) -> list[Message]:
    return [load.request(org_id, action, item, number) for action, item, number in wanted]


def _wait(origin: str, expected: int, deadline: float) -> None:
    until = time.monotonic() + deadline
    while (taken := load.count(origin)) < expected:
        if time.monotonic() > until:
            raise TimeoutError(f"{taken} of {expected} arrived within {deadline} s")
        time.sleep(_POLL)


def _settled(database: str, org_id: str, expected: int, deadline: float) -> Mapping[str, int]:
    """The deliveries by state once every one that was taken is recorded."""
    until = time.monotonic() + deadline
    while True:
        states = load.delivered(database, org_id)
        if states.get("DELIVERED", 0) >= expected or time.monotonic() > until:
            return states
        time.sleep(_POLL)
