"""Jobs in queues, as routing puts them there."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from coop_contracts.event import ItemRef, ReportEntry, SubmittedItem
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing
from coop_review_api.http.context import Context
from coop_review_api.organisation.creation import Created
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

_numbers = itertools.count()


Place = Callable[..., Awaitable[str]]


@pytest.fixture
def place(context: Context, org: Created) -> Place:
    """Puts a job into a queue as routing does; its id."""

    async def put(queue_id: str, type_id: str, item_id: str | None = None, **entry: Any) -> str:
        item_id = item_id or f"item-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        kind = entry.pop("kind", JobKind.DEFAULT)
        ranking = entry.pop("ranking", store.Ranking())
        reporter = entry.pop("reporter", "reporter-1")
        report_id = str(uuid.uuid4())
        placement = Placement(
            org_id=org.org_id,
            queue_id=queue_id,
            kind=kind,
            ranking=ranking,
            item=SubmittedItem(
                id=item_id,
                type_id=type_id,
                type_version="2026-01-01T00:00:00.000000Z",
                data=msgspec.Raw(b'{"text": "buy now \\u0000"}'),
                creator=ItemRef(id="author-1", type_id="user"),
            ),
            entry=JobEntry(
                entry_id=report_id,
                source="REPORT",
                at=context.clock(),
                routing=Routing(how="DEFAULT", config_revision=1),
                report=ReportEntry(
                    report_id=report_id,
                    reported_at=context.clock(),
                    reporter=ItemRef(id=reporter, type_id="user"),
                    reason="spam",
                ),
                correlation_id="report-cause",
                **entry,
            ),
        )
        async with transaction(context.engine) as connection:
            placed = await store.place(connection, placement)
        await context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    return put
