"""A scheduling pass of the dispatcher over a million pending retries: milliseconds, and memory.

Two kinds of pass: one that finds nothing due, and one that leases all it may, 128. The retries
belong to 500 endpoints of 50 organisations; 20,000 of them are due. Every pass is a transaction of
its own, committed.
"""

from __future__ import annotations

import asyncio
import os
import time

import psutil
import psycopg

from coop_action_dispatcher.connection import prepare
from coop_action_dispatcher.lease import MAX_LEASES, Leases
from coop_action_dispatcher.slot import Slots
from coop_runtime.database.engine import engine_of, service_url
from tests.bench import delivery_load as load
from tests.bench import environment as stand
from tests.bench.result import show

_PENDING = 1_000_000
_DUE = 20_000
_ENDPOINTS = 500
_ORGS = 50
_RUNS = 30
_MIB = 1024 * 1024

_FILL = (
    """
    INSERT INTO dispatch.endpoints (org_id, name)
    SELECT 'org-' || n % %(orgs)s, 'https://platform.example:443 #' || n
    FROM generate_series(1, %(endpoints)s) AS n
    """,
    """
    INSERT INTO dispatch.requests
        (execution_id, org_id, action_id, item_type_id, item_id, item_digest, endpoint_id, request,
         body)
    SELECT gen_random_uuid(), e.org_id, 'a-1', 'post', 'item-' || n, decode(md5(n::text), 'hex'),
           e.id, convert_to(rpad('{', 700, 'x'), 'UTF8'), convert_to(rpad('{', 400, 'x'), 'UTF8')
    FROM generate_series(1, %(pending)s) AS n
    JOIN dispatch.endpoints AS e ON e.id = n % %(endpoints)s + 1
    """,
    """
    INSERT INTO dispatch.deliveries
        (seq, execution_id, org_id, item_digest, endpoint_id, head, attempts, next_attempt_at,
         last_status, last_error)
    SELECT seq, execution_id, org_id, item_digest, endpoint_id, true, 3,
           now() + make_interval(secs => 3600 + random() * 7200), 500, 'HTTP 500'
    FROM dispatch.requests
    """,
)

_MAKE_DUE = """
    UPDATE dispatch.deliveries SET next_attempt_at = now() - make_interval(secs => random() * 60)
    WHERE seq % (SELECT %(pending)s / %(due)s) = 0
"""


def _fill(url: str) -> None:
    sizes = {"pending": _PENDING, "endpoints": _ENDPOINTS, "orgs": _ORGS}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        for statement in _FILL:
            # psycopg's own placeholder is the only meaning of a percent sign it knows.
            connection.execute(statement.replace(" % %(", " %% %("), sizes)
    owner = service_url(url, "coop_dispatch_owner", "bench")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE dispatch.deliveries")


def _make_due(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        statement = _MAKE_DUE.replace("seq % (", "seq %% (")
        connection.execute(statement, {"pending": _PENDING, "due": _DUE})


async def _passes(url: str, *, expected: int) -> list[float]:
    """Milliseconds of each pass; each leases `expected` deliveries."""
    engine = engine_of(url, application_name="bench")
    prepare(engine)
    leases = Leases(engine, owner="00000000-0000-0000-0000-000000000001", owner_timeout=6)
    await leases.take_due(Slots(total=0, per_endpoint=0))
    runs = []
    for _ in range(_RUNS):
        slots = Slots(total=256, per_endpoint=64, endpoint_share=1e9, org_share=1e9)
        began = time.perf_counter()
        found = await leases.take_due(slots)
        runs.append((time.perf_counter() - began) * 1000)
        if len(found.leased) != expected:
            raise RuntimeError(f"{len(found.leased)} leased, not {expected}")
    await engine.dispose()
    return runs


def main() -> None:
    """Prints one line for a pass that finds nothing, and one for a pass that leases 128."""
    process = psutil.Process(os.getpid())
    with stand.engines() as addresses:
        url = load.database(addresses)
        _fill(url)
        before = process.memory_info().rss
        idle = asyncio.run(_passes(url, expected=0))
        _make_due(url)
        busy = asyncio.run(_passes(url, expected=MAX_LEASES))
        grown = (process.memory_info().rss - before) / _MIB
    for name, runs in (("idle", idle), ("128_leased", busy)):
        show(
            f"enforcement_pass_over_a_million_{name}",
            runs,
            unit="ms a pass",
            bound="< 50",
            compared_to={"endpoints": _ENDPOINTS, "memory_grown_mib": round(grown, 1)},
        )


if __name__ == "__main__":
    main()
