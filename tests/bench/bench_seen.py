"""Copies of a hash among a million media of one organisation that were seen in thirty days, beside
three hundred thousand of another's: counted, as a preview does, on a real PostgreSQL; and how soon
media that were hashed are remembered. Two lines.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_contracts.hash_bank import CountCopies
from coop_hma_bridge import seen_store
from coop_hma_bridge.migrations import run as migrate
from coop_hma_bridge.seen import SeenMedium
from coop_hma_bridge.seen_store import SEEN
from coop_hma_bridge.seen_writer import SeenWriter
from coop_runtime.database.engine import bootstrap, owner_of, service_url, transaction
from coop_runtime.database.partition import Partitions
from tests.bench import environment as stand
from tests.bench import review_load as load
from tests.bench.result import show

_SEEN = {"org": 1_000_000, "other": 300_000}
_RUNS = 5
_WRITTEN = 20_000
_DAYS = 30
_ROLE = "coop_hashes"
_FILL = text(
    """
    INSERT INTO hashes.seen_media (org_id, time, submission_id, place, md5, pdq, quality, kind,
                                   item_id, type_id, field)
    SELECT :org, CAST(:now AS timestamptz) - n * interval '2.5 seconds',
           CAST(gen_random_uuid() AS text), 0, decode(md5(CAST(:org AS text) || n), 'hex'),
           CAST('x' || md5(CAST(:org AS text) || n) || md5(n || CAST(:org AS text)) AS bit(256)),
           90, 'IMAGE', 'item-' || n / 2, 'post', 'picture'
    FROM generate_series(1, CAST(:many AS integer)) AS n
    """
)
_ONE = text("SELECT CAST(pdq AS text) FROM hashes.seen_media WHERE org_id = 'org' LIMIT 1")


def main() -> None:
    """Prints the lines."""
    with stand.engines() as addresses:
        url = addresses.postgres_admin
        bootstrap(url, {_ROLE: "password", owner_of(_ROLE): "owner-password"})
        migrate(service_url(url, owner_of(_ROLE), "owner-password"))
        asyncio.run(_measure(service_url(url, _ROLE, "password")))


async def _measure(url: str) -> None:
    now = datetime.now(UTC)
    async with load.database(url) as engine:
        partitions = Partitions(engine)
        await partitions.ensure(SEEN, [now - timedelta(days=day) for day in range(_DAYS + 1)])
        for org, many in _SEEN.items():
            async with transaction(engine, within=600) as connection:
                await connection.execute(text("SET LOCAL statement_timeout = '600s'"))
                await connection.execute(_FILL, {"org": org, "now": now, "many": many})
        await _count(engine, now)
        await _write(engine, partitions, now)


async def _count(engine: AsyncEngine, now: datetime) -> None:
    runs = []
    async with transaction(engine) as connection:
        pdq = f"{int(str(await connection.scalar(_ONE)), 2):064x}"
    since = now - timedelta(days=_DAYS)
    for _ in range(_RUNS):
        began = time.perf_counter()
        async with transaction(engine, within=60) as connection:
            sought = CountCopies(since=since, until=now, pdq=pdq)
            found = await seen_store.count(connection, "org", sought)
        runs.append(time.perf_counter() - began)
        assert found == (1, 1), found
    show("copies_among_a_million_seen", runs, unit="s", bound="< 1 s")


async def _write(engine: AsyncEngine, partitions: Partitions, now: datetime) -> None:
    writer = SeenWriter(engine, partitions, days=_DAYS, most=_WRITTEN)
    running = asyncio.create_task(writer.run())
    runs = []
    for number in range(3):
        began = time.perf_counter()
        media = (_medium(number * _WRITTEN + place, now) for place in range(_WRITTEN))
        await asyncio.gather(*(writer.add([one]) for one in media))
        runs.append(_WRITTEN / (time.perf_counter() - began))
    running.cancel()
    show("media_remembered", runs, unit="media/s, a submission each", bound="≥ 1,000")


def _medium(number: int, now: datetime) -> SeenMedium:
    return SeenMedium(
        org_id="org",
        time=now,
        submission_id=f"submission-{number}",
        place=0,
        item=ItemRef(f"item-{number}", "post"),
        field="picture",
        kind="IMAGE",
        md5=f"{number:032x}",
        pdq=f"{number:064x}",
        pdq_upright=None,
        quality=90,
    )


if __name__ == "__main__":
    main()
