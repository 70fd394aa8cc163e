"""One search over everything, over HTTP from one api process: words that are an id, the beginning
of one, a part of a name, or nothing that is there, by an administrator who may see everything. One
line: p99 in milliseconds of 200 each, three runs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import chain, cycle, islice

import httpx
import msgspec
import psycopg

from coop_contracts.config import Field, FieldRoles, ItemType, Kind, Policy, ScalarType
from coop_contracts.event import ItemSubmitted, SubmittedItem
from coop_contracts.ids import new_id
from coop_queues import store
from coop_queues.job import JobEntry, Placement, Routing
from coop_review_api.configuration.log import lock
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, ItemVersion, versions_of
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions
from tests.bench import environment as stand
from tests.bench import review_load as load
from tests.bench.result import show

_ITEMS = 100_000
_JOBS = 2_000
_POLICIES = 500
_STEPS = 200  # a run
_RUNS = 3
_WARM = 20
_VERSION = "2026-01-01T00:00:00.000000Z"
_USER = ItemType(
    id="member",
    name="Member",
    kind="USER",
    version=_VERSION,
    fields=(Field(name="name", type=ScalarType.STRING, required=True),),
    field_roles=FieldRoles(display_name="name"),
)
_SHAPE = ItemShape.of(_USER)


def _item(number: int) -> SubmittedItem:
    return SubmittedItem(
        id=f"member-{number:06}",
        type_id=_USER.id,
        type_version=_VERSION,
        data=msgspec.Raw(msgspec.json.encode({"name": f"Person {number}"})),
    )


def _versions(org_id: str, number: int) -> list[ItemVersion]:
    submission_id = new_id()
    event = ItemSubmitted(
        event_id=new_id(),
        org_id=org_id,
        time=load.now() - timedelta(minutes=number % 1000),
        correlation_id=submission_id,
        submission_id=submission_id,
        item=_item(number),
        request_id="r",
        config_revision=1,
    )
    return versions_of(event, lambda _org, _one: Indexing(_SHAPE, searched=False))


def _placement(desk: load.Desk, number: int) -> Placement:
    entry = JobEntry(
        entry_id=f"report-{number}",
        source="RULE_EXECUTION",
        at=load.now(),
        routing=Routing(how="DEFAULT", config_revision=1),
    )
    return Placement(
        org_id=desk.org_id, queue_id=desk.queue_ids[0], item=_item(number), entry=entry
    )


async def _fill(desk: load.Desk) -> None:
    async with load.database(desk.urls["coop_review"]) as engine:
        async with transaction(engine) as connection:
            configuration = await lock(connection, desk.org_id, author="bench", clock=load.now)
            await configuration.save(Kind.ITEM_TYPE, _USER)
            for number in range(_POLICIES):
                policy = Policy(id=f"policy-{number}", name=f"Policy about matter {number}")
                await configuration.save(Kind.POLICY, policy)
        items = ItemStore(engine, Partitions(engine))
        for first in range(0, _ITEMS, 1000):
            numbers = range(first, first + 1000)
            await items.add([row for one in numbers for row in _versions(desk.org_id, one)])
    async with load.database(desk.urls["coop_queues"]) as engine:
        for first in range(0, _JOBS, 100):
            async with transaction(engine) as connection:
                for number in range(first, first + 100):
                    await store.place(connection, _placement(desk, number))


def _words() -> list[str]:
    """Ids, beginnings of ids, parts of names, and what is nowhere, by turns."""
    dice = random.Random(7)
    ways: tuple[Callable[[], str], ...] = (
        lambda: f"member-{dice.randrange(_ITEMS):06}",
        lambda: f"member-{dice.randrange(_ITEMS):06}"[:9],
        lambda: f"matter {dice.randrange(_POLICIES)}",
        lambda: f"nothing-{dice.randrange(1_000_000)}",
    )
    return [way() for way in islice(cycle(ways), _STEPS)]


async def _ask(client: httpx.AsyncClient, words: str) -> int:
    answer = await client.get("/v1/search", params={"q": words})
    answer.raise_for_status()
    return len(answer.json()["items"])


async def _measure(desk: load.Desk, url: str) -> list[list[float]]:
    """Seconds of each answer, by run."""
    runs = []
    async with desk.reviewers[0].client(url) as client:
        found = [await _ask(client, words) for words in _words()[:_WARM]]
        assert found[0] > 0
        assert found[2] > 0
        for _ in range(_RUNS):
            taken = []
            for words in _words():
                began = time.perf_counter()
                await _ask(client, words)
                taken.append(time.perf_counter() - began)
            runs.append(taken)
    return runs


def main() -> None:
    """Prints one line."""
    with stand.engines() as addresses:
        desk = load.run(
            load.furnish(
                addresses, queues=1, reviewers=1, callback="http://127.0.0.1:1/", undo_window=0
            )
        )
        with psycopg.connect(addresses.postgres_admin, autocommit=True) as database:
            database.execute("UPDATE review.users SET role = 'ADMIN'")
        load.run(_fill(desk))
        with psycopg.connect(addresses.postgres_admin, autocommit=True) as database:
            # As in a database that was not filled within this minute.
            database.execute("VACUUM ANALYZE")
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
            runs = load.run(_measure(desk, f"http://127.0.0.1:{port}"))
    show(
        "search",
        [load.percentile(run, 0.99) * 1000 for run in runs],
        unit=f"p99 in ms over HTTP, {_ITEMS} items, {_JOBS} jobs, {_POLICIES} policies",
        bound="< 100",
        compared_to={"p50_ms": round(load.percentile(list(chain(*runs)), 0.5) * 1000, 1)},
    )


if __name__ == "__main__":
    main()
