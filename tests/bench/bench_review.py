"""Review at one million pending jobs, over HTTP from one api process: claims, and decisions with an
action. Two lines: p99 in milliseconds of 800 each, three runs, by a reviewer who does one after the
other without a pause; and for comparison by four such at once, where they wait for each other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import httpx
import psycopg

from coop_local.stack import EngineAddresses
from coop_queues import store
from coop_queues.job import JobEntry, Placement, Routing
from coop_runtime.database.engine import transaction
from tests.bench import environment as stand
from tests.bench import review_load as load
from tests.bench.result import show

_JOBS = 1_000_000
_TOGETHER = 4  # reviewers, where they press the process at once
_STEPS = 800  # a run
_RUNS = 3
_BUILT_S = 300.0

# A job like the one that is there, again and again, whatever other columns the tables have.
_COPIES: dict[str, dict[str, str]] = {
    "jobs": {
        "job_id": "md5('job' || n)::uuid",
        "item_key": "md5('item' || n)::uuid",
        "item_id": "'item-' || n",
        "rank": "rank + n",
    },
    "generations": {"item_key": "md5('item' || n)::uuid"},
    "entries": {
        "job_id": "md5('job' || n)::uuid",
        "entry_id": "'entry-' || n",
        "position": "position + n",
    },
    "job_items": {"job_id": "md5('job' || n)::uuid", "position": "position + n"},
}


def _copy(connection: psycopg.Connection[Any], table: str, changed: Mapping[str, str]) -> None:
    """Fills a table with copies of its one row, that differ in `changed`."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'queues' AND table_name = %s AND is_generated = 'NEVER'",
        (table,),
    )
    columns = [str(row[0]) for row in found]
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    statement = (
        f"INSERT INTO queues.{table} ({names}) SELECT {values}"
        f" FROM (SELECT * FROM queues.{table} LIMIT 1) t, generate_series(1, {_JOBS - 1}) n"
    )
    connection.execute(statement.encode())
    connection.execute(f"VACUUM ANALYZE queues.{table}".encode())


@dataclass
class Times:
    """Seconds of each step."""

    claims: list[float] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)


async def _fill(addresses: EngineAddresses, desk: load.Desk) -> None:
    entry = JobEntry(
        entry_id="entry-0",
        source="RULE_EXECUTION",
        at=load.now(),
        routing=Routing(how="DEFAULT", config_revision=1),
    )
    placement = Placement(
        org_id=desk.org_id, queue_id=desk.queue_ids[0], item=load.item(0), entry=entry
    )
    async with load.database(desk.urls["coop_queues"]) as engine, transaction(engine) as connection:
        await store.place(connection, placement)
    with psycopg.connect(addresses.postgres_admin, autocommit=True) as connection:
        for table, changed in _COPIES.items():
            _copy(connection, table, changed)


async def _step(client: httpx.AsyncClient, queue_id: str, times: Times | None) -> None:
    began = time.perf_counter()
    claimed = await client.post(f"/v1/queues/{queue_id}/claims")
    taken = time.perf_counter()
    claimed.raise_for_status()
    found = claimed.json()
    body = load.decision(found["lease"]["token"], acts=True)
    deciding = time.perf_counter()
    decided = await client.post(f"/v1/jobs/{found['job']['id']}/decisions", json=body)
    done = time.perf_counter()
    decided.raise_for_status()
    if times is not None:
        times.claims.append(taken - began)
        times.decisions.append(done - deciding)


async def _work(client: httpx.AsyncClient, queue_id: str, times: Times, steps: int) -> None:
    for _ in range(steps):
        await _step(client, queue_id, times)


async def _built(addresses: EngineAddresses, desk: load.Desk, client: httpx.AsyncClient) -> None:
    """Claims until Redis has the whole order: from then on claims are asked of it."""
    order = store.OrderIndex.of(addresses.redis)
    until = time.monotonic() + _BUILT_S
    try:
        while not await order.size(desk.org_id, desk.queue_ids[0]):
            await _step(client, desk.queue_ids[0], None)
            if time.monotonic() > until:
                raise TimeoutError(f"no order of the queue within {_BUILT_S} s")
            await asyncio.sleep(0.5)
    finally:
        await order.close()


async def _measure(addresses: EngineAddresses, desk: load.Desk, url: str) -> dict[int, list[Times]]:
    """The runs by how many reviewers were at it, each without a pause."""
    clients = [reviewer.client(url) for reviewer in desk.reviewers]
    try:
        await _built(addresses, desk, clients[0])
        runs: dict[int, list[Times]] = {}
        for together in (1, _TOGETHER):
            for _ in range(_RUNS):
                times = Times()
                await asyncio.gather(
                    *(
                        _work(client, desk.queue_ids[0], times, _STEPS // together)
                        for client in clients[:together]
                    )
                )
                runs.setdefault(together, []).append(times)
        return runs
    finally:
        for client in clients:
            await client.aclose()


def main() -> None:
    """Prints two lines."""
    with stand.engines() as addresses:
        desk = load.run(
            load.furnish(
                addresses,
                queues=1,
                reviewers=_TOGETHER,
                callback="http://127.0.0.1:1/",
                undo_window=10,
            )
        )
        load.run(_fill(addresses, desk))
        port, internal = stand.free_port(), stand.free_port()
        environment = load.environment_of(
            addresses,
            desk,
            "coop_review",
            COOP_REVIEW_PORT=str(port),
            COOP_INTERNAL_PORT=str(internal),
        )
        ready = f"http://127.0.0.1:{internal}/readyz"
        with stand.service("coop_review_api", "api", environment, ready_url=ready, deadline=60):
            runs = load.run(_measure(addresses, desk, f"http://127.0.0.1:{port}"))
    for name, bound in (("claims", "< 20"), ("decisions", "< 50")):
        alone, together = (
            [getattr(one, name) for one in runs[number]] for number in (1, _TOGETHER)
        )
        pressed = list(chain(*together))
        show(
            f"review_{name}",
            [load.percentile(one, 0.99) * 1000 for one in alone],
            unit=f"p99 in ms over HTTP at {_JOBS:,} pending jobs, one after the other",
            bound=bound,
            compared_to={
                "p50_ms": round(load.percentile(list(chain(*alone)), 0.5) * 1000, 1),
                f"p50_ms_{_TOGETHER}_at_once": round(load.percentile(pressed, 0.5) * 1000, 1),
                f"p99_ms_{_TOGETHER}_at_once": round(load.percentile(pressed, 0.99) * 1000, 1),
                "steps": sum(len(one) for one in alone) + len(pressed),
            },
        )


if __name__ == "__main__":
    main()
