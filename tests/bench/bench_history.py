"""The history of items: what one process writes beside a bare COPY, and what finding costs.

Writing: items of 0.9 KB are on the log before the role starts; the time runs from its first row to
its last, committed. The bare COPY is of the same rows, as they then are in the table, in one
statement into the same table with its indexes, emptied before.

Finding: five million rows over thirty days (fewer where filling takes too long), one user with
100,000 of them; every way, asked one after the other for what is there, by the reader itself.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_local.stack import EngineAddresses
from coop_review_api.history.port import Slice
from coop_review_api.history.reader import ItemReader
from coop_review_api.migrations import run as migrate
from coop_runtime.database.engine import bootstrap, engine_of, service_url
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from tests.bench import environment as stand
from tests.bench import history_load as load
from tests.bench.result import show

_RUNS = 3
_ITEMS = 150_000
_SECONDS = 120.0
_ROWS = 5_000_000
_FILL_SECONDS = 600.0
_LOOKUPS = 300
_WARM = 20  # look-ups until the driver has every statement prepared


def _publish(addresses: EngineAddresses, org_id: str, run: int) -> None:
    settings = RuntimeSettings(
        kafka=addresses.kafka, kafka_idempotence=addresses.kafka_idempotence, internal_port=0
    )
    dice = random.Random(run)

    async def publish() -> None:
        producer = Producer(settings, client_id="bench-items")
        await producer.start()
        for first in range(0, _ITEMS, 1000):
            messages = [load.message(org_id, n, dice) for n in range(first, first + 1000)]
            await producer.publish(messages, timeout=30)
        await producer.stop()

    asyncio.run(publish())


def _count(database: psycopg.Connection[Any]) -> int:
    row = database.execute("SELECT count(*) FROM review.item_versions").fetchone()
    return int(row[0]) if row else 0


def _written(
    addresses: EngineAddresses, url: str, database: psycopg.Connection[Any]
) -> tuple[float, float]:
    """Rows a second of the process, and its CPU a row in microseconds."""
    internal = stand.free_port()
    environment = stand.environment_of(
        addresses, COOP_POSTGRES=url, COOP_INTERNAL_PORT=str(internal)
    )
    ready = f"http://127.0.0.1:{internal}/livez"
    until = time.monotonic() + _SECONDS
    with stand.service("coop_review_api", "history", environment, ready_url=ready) as one:
        process = psutil.Process(one.pid)
        while (first := _count(database)) == 0:
            _wait(until)
        began, used = time.perf_counter(), sum(process.cpu_times()[:2])
        while (found := _count(database)) < _ITEMS:
            _wait(until)
        seconds = time.perf_counter() - began
        cpu = sum(process.cpu_times()[:2]) - used
    assert found == _ITEMS
    return (found - first) / seconds, cpu / (found - first) * 1e6


def _copied(database: psycopg.Connection[Any]) -> float:
    """Rows a second of a bare COPY of what is there into the same table, emptied."""
    with database.cursor() as cursor:
        with cursor.copy("COPY (SELECT * FROM review.item_versions) TO STDOUT") as out:
            rows = b"".join(bytes(block) for block in out)
        cursor.execute("TRUNCATE review.item_versions")
        cursor.execute("CHECKPOINT")
        began = time.perf_counter()
        with cursor.copy("COPY review.item_versions FROM STDIN") as copy:
            copy.write(rows)
        seconds = time.perf_counter() - began
    assert _count(database) == _ITEMS
    return _ITEMS / seconds


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError(f"not written in {_SECONDS} s")
    time.sleep(0.2)  # counting costs, too


async def _ways(engine: AsyncEngine, org_id: str, rows: int) -> dict[str, tuple[float, float]]:
    """p50 and p99 of each look-up, in milliseconds."""
    now = datetime.now(UTC)

    async def horizon(_connection: object, _org_id: str) -> datetime:
        return now - timedelta(days=load.DAYS + 2)

    reader = ItemReader(engine, horizon, clock=lambda: now)
    dice = random.Random(1)
    heavy = ItemRef(load.HEAVY, "member")
    deep = (await reader.by_author(org_id, heavy, Slice(200))).next
    for _ in range(50):
        deep = (await reader.by_author(org_id, heavy, Slice(200, deep))).next

    def item() -> ItemRef:
        return ItemRef(f"i{dice.randrange(rows)}", "post")

    def key(type_id: str) -> ItemRef:
        return ItemRef(f"k{dice.randrange(load.KEYS)}", type_id)

    def address() -> str:
        return f"10.{dice.randrange(256)}.{dice.randrange(256)}.1"

    async def around() -> None:
        # Of an item of the thread, as the page of an item asks it.
        thread = key("topic")
        page = await reader.after(org_id, thread, Slice(1))
        of = page.items[0] if page.items else None
        await reader.before(org_id, thread, Slice(20), of=of)

    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "latest": lambda: reader.latest(org_id, item()),
        "versions": lambda: reader.versions(org_id, item()),
        "of_id": lambda: reader.of_id(org_id, item().id),
        "by_author": lambda: reader.by_author(org_id, key("member")),
        "by_author_and_type": lambda: reader.by_author(org_id, key("member"), type_id="post"),
        "by_author_of_100000": lambda: reader.by_author(org_id, heavy),
        "the_same_10000_items_on": lambda: reader.by_author(org_id, heavy, Slice(50, deep)),
        "the_same_of_a_type_it_lacks": lambda: reader.by_author(org_id, heavy, type_id="none"),
        "media_of_the_same": lambda: reader.media_of(org_id, heavy),
        "after": lambda: reader.after(org_id, key("topic")),
        "around_twice": around,
        "by_parent": lambda: reader.by_parent(org_id, key("post")),
        "by_address": lambda: reader.by_address(org_id, address()),
        "by_text": lambda: reader.by_text(org_id, f"w{dice.randrange(20_000)}"),
        "by_frequent_text": lambda: reader.by_text(org_id, f"x{dice.randrange(300)}"),
    }
    found: dict[str, tuple[float, float]] = {}
    for name, ask in ways.items():
        took = []
        for number in range(_WARM + _LOOKUPS):
            began = time.perf_counter()
            await ask()
            if number >= _WARM:
                took.append((time.perf_counter() - began) * 1000)
        cuts = statistics.quantiles(took, n=100)
        found[name] = (round(cuts[49], 2), round(cuts[98], 2))
    return found


def _found(
    url: str, database: psycopg.Connection[Any], org_id: str
) -> tuple[dict[str, int], dict[str, tuple[float, float]]]:
    rows = load.fill(database, org_id, rows=_ROWS, seconds=_FILL_SECONDS)
    row = database.execute(
        "SELECT sum(pg_total_relation_size(inhrelid))::bigint, sum(pg_table_size(inhrelid))::bigint"
        " FROM pg_inherits WHERE inhparent = 'review.item_versions'::regclass"
    ).fetchone()
    assert row is not None

    async def ask() -> dict[str, tuple[float, float]]:
        engine = engine_of(url, pool_size=1, application_name="bench")
        try:
            return await _ways(engine, org_id, rows)
        finally:
            await engine.dispose()

    took = asyncio.run(ask())
    indexes = row[0] - row[1]
    sizes = {"rows": rows, "bytes_a_row": row[0] // rows, "of_them_indexes": indexes // rows}
    return sizes, took


def main() -> None:
    """Prints two lines: writing and finding."""
    org = stand.new_organisation()
    with stand.engines() as addresses:
        stand.seed(addresses, org, *load.DOCUMENTS)
        roles = ("coop_queues", "coop_review", "coop_review_owner")
        bootstrap(addresses.postgres_admin, dict.fromkeys(roles, "bench"))
        url = service_url(addresses.postgres_admin, "coop_review", "bench")
        migrate(service_url(addresses.postgres_admin, "coop_review_owner", "bench"))
        written, copied = [], []
        with psycopg.connect(addresses.postgres_admin, autocommit=True) as database:
            for run in range(_RUNS):
                database.execute("TRUNCATE review.item_versions")
                _publish(addresses, org.id, run)
                written.append(_written(addresses, url, database))
                copied.append(_copied(database))
            show(
                "history_written",
                [rate for rate, _ in written],
                unit="rows/s by one process",
                bound=">= half of the bare COPY",
                compared_to={
                    "bare_copy": [round(rate) for rate in copied],
                    "share": round(
                        statistics.median(rate for rate, _ in written) / statistics.median(copied),
                        2,
                    ),
                    "cpu_us_a_row": round(statistics.median(cpu for _, cpu in written), 1),
                },
            )
            database.execute("TRUNCATE review.item_versions")
            sizes, took = _found(url, database, org.id)
    show(
        "history_found",
        [max(p99 for _, p99 in took.values())],
        unit="ms p99 of the slowest way",
        bound="< 20; < 30 for a user with 100,000 items",
        compared_to={**sizes, **took},
    )


if __name__ == "__main__":
    main()
