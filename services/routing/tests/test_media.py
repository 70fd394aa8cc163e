"""Routing rules about known pictures: the queue depends on the hashes of a report's media."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind, Queue
from coop_contracts.event import ItemRef, MatchedBank, MediaSignal, MediaSignals, ReportSubmitted
from coop_queues.store import OrderIndex, jobs_of_item
from coop_routing.entry_router import EntryRouter
from coop_routing.handler import Placer
from coop_routing.park import Unparker
from coop_routing.placement import media_of, traits_of
from coop_routing.route import Route
from coop_routing.route_table import RouteTables
from coop_runtime.database.engine import transaction
from coop_signals.media_value import MediaValues

from .conftest import Configuration, Models, NoStrikes, item, leaf, report, router_of, rule
from .test_place_batch import received

URL = "https://cdn.example.com/1.png"


def known_picture() -> dict[str, Any]:
    return leaf(
        input={"type": "CONTENT_FIELD", "name": "picture", "contentTypeId": "post"},
        signal={"id": '{"type":"IMAGE_SIMILARITY_MATCH"}', "type": "IMAGE_SIMILARITY_MATCH"},
        matchingValues={"imageBankIds": ["b1"]},
    )


def stamped(org: str, number: str = "1", **fields: Any) -> ReportSubmitted:
    made = report(org, number, item(picture={"url": URL}), **fields)
    return msgspec.structs.replace(made, awaits_media=True, time=datetime.now(UTC))


def ref(event: ReportSubmitted) -> ItemRef:
    return ItemRef(event.item.id, event.item.type_id)


def told(event: ReportSubmitted, *banks: str, error: str | None = None) -> MediaSignals:
    matched = tuple(MatchedBank(bank_id=bank, distance=3) for bank in banks)
    return MediaSignals(
        event_id=str(uuid.uuid4()),
        org_id=event.org_id,
        time=event.time,
        correlation_id="c",
        submission_id=event.report_id,
        item=ItemRef(event.item.id, event.item.type_id),
        media=(MediaSignal(url=URL, field="picture", matched_banks=matched, error=error),),
    )


@pytest.fixture
def media() -> MediaValues:
    return MediaValues(None, catch_up=0.01)


@pytest.fixture
def patient(
    configuration: Configuration, tables: RouteTables, models: Models, media: MediaValues
) -> EntryRouter:
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", known_picture()))
    return router_of(tables, models, NoStrikes(), seconds=0.1, media=media, media_seconds=20)


async def routed(entry_router: EntryRouter, event: ReportSubmitted) -> Route:
    entry = await entry_router.open(
        event.org_id, event.item, traits_of(event), at=event.time, media_of=media_of(event)
    )
    await entry_router.settle([entry])
    return entry.route()


async def test_a_known_picture_decides_the_queue(
    patient: EntryRouter, media: MediaValues, org: str
) -> None:
    """Whether the hashes came before the report was read or after; the value is in the record."""
    early = stamped(org)
    media.take(told(early, "b2", "b1"))
    found = await routed(patient, early)
    assert (found.queue_id, found.routing.how) == ("urgent", "RULE")
    [value] = found.routing.signals
    assert (value.score, value.matched_value) == (True, "b1")
    late = stamped(org, "2")
    task = asyncio.create_task(routed(patient, late))
    await asyncio.sleep(0.05)
    assert not task.done()
    media.take(told(late, "b1"))
    assert (await task).queue_id == "urgent"
    other = stamped(org, "3")
    media.take(told(other, "b2"))
    assert (await routed(patient, other)).queue_id == "default"


async def test_a_medium_that_cannot_be_hashed_is_unknown(
    patient: EntryRouter, media: MediaValues, org: str
) -> None:
    """Its rule does not pass, and the record says why in the bridge's words."""
    event = stamped(org)
    media.take(told(event, error="its host says that it is no longer there"))
    found = await routed(patient, event)
    assert found.queue_id == "default"
    assert "no longer there" in found.routing.undecided[0].reasons[0]


async def test_hashes_that_do_not_come_are_not_waited_for_for_long(
    configuration: Configuration, tables: RouteTables, models: Models, org: str
) -> None:
    """At the deadline after its submission, at once where nobody hashes: unknown, with the reason.
    An old report is not waited for anew."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", known_picture()))
    entry_router = router_of(tables, models, NoStrikes(), seconds=9, media_seconds=0.2)
    late = await routed(entry_router, stamped(org))
    assert late.queue_id == "default"
    assert late.routing.undecided[0].rule.id == "r1"
    slow = router_of(tables, models, NoStrikes(), seconds=9, media_seconds=60)
    began = time.monotonic()
    plain = msgspec.structs.replace(stamped(org, "2"), awaits_media=False)
    found = await routed(slow, plain)
    assert "nobody hashes" in found.routing.undecided[0].reasons[0]
    old = msgspec.structs.replace(stamped(org, "3"), time=datetime(2026, 1, 1, tzinfo=UTC))
    assert (await routed(slow, old)).queue_id == "default"
    assert time.monotonic() - began < 30


@pytest.mark.engines
async def test_who_waits_for_hashes_holds_up_nobody(
    configuration: Configuration,
    patient: EntryRouter,
    media: MediaValues,
    engine: AsyncEngine,
    order: OrderIndex,
    org: str,
) -> None:
    """Reports of one batch that need no hashes are placed while another still waits for its own."""
    waiting = stamped(org, "1")
    plain = report(org, "2", item(item_id="other", text="hello"))
    settlement = await Placer(engine, order, patient)(received(waiting, plain))
    assert settlement is not None
    async with transaction(engine) as connection:
        assert await jobs_of_item(connection, org, ref(plain))
        assert not await jobs_of_item(connection, org, ref(waiting))
    media.take(told(waiting, "b1"))
    await asyncio.wait_for(settlement, 20)
    async with transaction(engine) as connection:
        (job,) = await jobs_of_item(connection, org, ref(waiting))
    assert job.queue_id == "urgent"


@pytest.mark.engines
async def test_parked_reports_go_where_their_pictures_send_them(
    configuration: Configuration,
    patient: EntryRouter,
    tables: RouteTables,
    media: MediaValues,
    engine: AsyncEngine,
    order: OrderIndex,
    org: str,
) -> None:
    """What came before the organisation had a queue is routed by its hashes as if it came now."""
    queues = ("default", "appeals", "spam", "urgent")
    for queue in queues:
        configuration.remove(Kind.QUEUE, queue)
    event = msgspec.structs.replace(stamped(org), time=datetime.now(UTC) - timedelta(minutes=5))
    settlement = await Placer(engine, order, patient)(received(event))
    assert settlement is not None
    await settlement
    configuration.put(
        Kind.QUEUE,
        Queue(id="main", name="Main", is_default_queue=True),
        Queue(id="urgent", name="Urgent"),
    )
    media.take(told(event, "b1"))
    assert await Unparker(engine, order, tables, patient, period=1).once() == 1
    async with transaction(engine) as connection:
        (job,) = await jobs_of_item(connection, org, ref(event))
    assert job.queue_id == "urgent"
