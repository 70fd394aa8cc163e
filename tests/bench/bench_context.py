"""A job's context over HTTP from one api process: a message of a thread of 400 that the history has
and the report carried, one reviewer who asks for it again and again. One line: p95 in milliseconds
of 200 each, three runs.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import msgspec

from coop_contracts.config import Field, FieldRoles, ItemType, Kind, ScalarType
from coop_contracts.event import ItemRef, ItemSubmitted, ReportEntry, SubmittedItem
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

_MESSAGES = 400
_STEPS = 200  # a run
_RUNS = 3
_VERSION = "2026-01-01T00:00:00.000000Z"
_MESSAGE = ItemType(
    id="message",
    name="Message",
    kind="CONTENT",
    version=_VERSION,
    fields=(
        Field(name="text", type=ScalarType.STRING, required=True),
        Field(name="author", type=ScalarType.RELATED_ITEM),
        Field(name="thread", type=ScalarType.RELATED_ITEM),
        Field(name="said", type=ScalarType.DATETIME),
    ),
    field_roles=FieldRoles(creator_id="author", thread_id="thread", created_at="said"),
)


def _message(number: int) -> SubmittedItem:
    said = load.now() - timedelta(days=1) + timedelta(seconds=number)
    author = ItemRef(id=f"user-{number % 7}", type_id="user")
    data: dict[str, Any] = {
        "text": f"message {number} " + "of some length " * 40,
        "author": {"id": author.id, "typeId": author.type_id},
        "thread": {"id": "room", "typeId": "topic"},
        "said": said.isoformat(),
    }
    return SubmittedItem(
        id=f"message-{number:04}",
        type_id=_MESSAGE.id,
        type_version=_VERSION,
        data=msgspec.Raw(msgspec.json.encode(data)),
        creator=author,
    )


def _versions(org_id: str, item: SubmittedItem) -> list[ItemVersion]:
    submission_id = new_id()
    event = ItemSubmitted(
        event_id=new_id(),
        org_id=org_id,
        time=load.now(),
        correlation_id=submission_id,
        submission_id=submission_id,
        item=item,
        request_id="r",
        config_revision=1,
    )
    shape = ItemShape.of(_MESSAGE)
    return versions_of(event, lambda _org, _item: Indexing(shape, searched=False))


async def _fill(desk: load.Desk) -> str:
    """The thread, its item type, and the job; its id."""
    messages = [_message(number) for number in range(_MESSAGES)]
    async with load.database(desk.urls["coop_review"]) as engine:
        async with transaction(engine) as connection:
            configuration = await lock(connection, desk.org_id, author="bench", clock=load.now)
            await configuration.save(Kind.ITEM_TYPE, _MESSAGE)
        versions = [row for one in messages for row in _versions(desk.org_id, one)]
        await ItemStore(engine, Partitions(engine)).add(versions)
    placement = Placement(
        org_id=desk.org_id,
        queue_id=desk.queue_ids[0],
        item=messages[_MESSAGES // 2],
        thread_items=tuple(reversed(messages)),
        entry=JobEntry(
            entry_id="report-0",
            source="REPORT",
            at=load.now(),
            routing=Routing(how="DEFAULT", config_revision=1),
            report=ReportEntry(
                report_id="report-0",
                reported_at=load.now(),
                reporter=ItemRef(id="user-1", type_id="user"),
            ),
        ),
    )
    async with load.database(desk.urls["coop_queues"]) as engine, transaction(engine) as connection:
        return (await store.place(connection, placement)).job_id


async def _measure(desk: load.Desk, url: str, job_id: str) -> list[list[float]]:
    """Seconds of each answer, by run."""
    async with desk.reviewers[0].client(url) as client:
        runs = []
        for _ in range(_RUNS):
            taken = []
            for _ in range(_STEPS):
                began = time.perf_counter()
                answer = await client.get(f"/v1/jobs/{job_id}/context")
                taken.append(time.perf_counter() - began)
                answer.raise_for_status()
            runs.append(taken)
        assert len(answer.json()["thread"]["items"]) == 41
        return runs


def main() -> None:
    """Prints one line."""
    with stand.engines() as addresses:
        desk = load.run(
            load.furnish(
                addresses, queues=1, reviewers=1, callback="http://127.0.0.1:1/", undo_window=10
            )
        )
        job_id = load.run(_fill(desk))
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
            runs = load.run(_measure(desk, f"http://127.0.0.1:{port}", job_id))
    every = [one for run in runs for one in run]
    show(
        "job_context",
        [load.percentile(run, 0.95) * 1000 for run in runs],
        unit=f"p95 in ms over HTTP, a thread of {_MESSAGES} messages",
        bound="< 150",
        compared_to={"p50_ms": round(load.percentile(every, 0.5) * 1000, 1)},
    )


if __name__ == "__main__":
    main()
