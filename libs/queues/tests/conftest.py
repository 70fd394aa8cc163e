"""Fixtures of the queue store's tests: a database of its own, an organisation for each test."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from msgspec import Raw
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef, ReportEntry, SubmittedItem
from coop_local.testing import Databases
from coop_queues.job import AppealEntry, JobEntry, JobKind, Placement, Routing
from coop_queues.migrations import run
from coop_queues.store import Claims, OrderIndex, Ranking
from coop_runtime.database.engine import bootstrap, engine_of, service_url

PASSWORDS = {
    "coop_review": "review-password",
    "coop_review_owner": "review-owner-password",
    "coop_queues": "queues-password",
    "coop_queues_owner": "queues-owner-password",
}
# Recent, so that nothing is overdue.
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@pytest.fixture(scope="session")
def queues_admin_url(databases: Databases) -> str:
    """A superuser's URL of a database with the queue store's schema."""
    url = databases.make()
    bootstrap(url, PASSWORDS)
    owner = service_url(url, "coop_queues_owner", PASSWORDS["coop_queues_owner"])
    run(owner)
    with psycopg.connect(owner) as connection:  # tests empty the tables, which no service does
        connection.execute("GRANT TRUNCATE ON ALL TABLES IN SCHEMA queues TO coop_queues")
    return url


@pytest.fixture(scope="session")
async def engine(queues_admin_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of routing's role."""
    url = service_url(queues_admin_url, "coop_queues", PASSWORDS["coop_queues"])
    made = engine_of(url, pool_size=25, application_name="test")
    yield made
    await made.dispose()


@pytest.fixture
async def order(redis_url: str) -> AsyncIterator[OrderIndex]:
    # A busy machine is not an absent Redis.
    made = OrderIndex.of(redis_url, timeout=20)
    yield made
    await made.close()


@pytest.fixture
async def claims(engine: AsyncEngine, order: OrderIndex) -> AsyncIterator[Claims]:
    made = Claims(engine, order)
    yield made
    await made.close()


@pytest.fixture
def org() -> str:
    return f"org-{uuid.uuid4().hex[:8]}"


_numbers = itertools.count()


def item(item_id: str = "i1", type_id: str = "post", **data: Any) -> SubmittedItem:
    raw = Raw(str(data or {"text": "hello"}).replace("'", '"').encode())
    return SubmittedItem(id=item_id, type_id=type_id, type_version="2026-01-01T00:00:00Z", data=raw)


def report(
    org: str,
    item_id: str = "i1",
    *,
    entry_id: str | None = None,
    queue: str = "q1",
    minute: int = 0,
    reason: str | None = None,
    reporter: str = "u1",
    policies: tuple[str, ...] = (),
    what: SubmittedItem | None = None,
    thread: tuple[SubmittedItem, ...] = (),
    additional: tuple[SubmittedItem, ...] = (),
    in_thread: tuple[ItemRef, ...] = (),
    csam: bool = False,
    ranking: Ranking | None = None,
) -> Placement:
    """A report as routing places it, made `minute` minutes after START."""
    number = next(_numbers)
    entry_id = entry_id or f"report-{number}"
    at = START + timedelta(minutes=minute)
    return Placement(
        org_id=org,
        queue_id=queue,
        item=what or item(item_id),
        thread_items=thread,
        additional_items=additional,
        ranking=ranking or Ranking(),
        entry=JobEntry(
            entry_id=entry_id,
            source="REPORT",
            at=at,
            routing=Routing(how="DEFAULT", config_revision=1),
            report=ReportEntry(
                report_id=entry_id,
                reported_at=at,
                reporter=ItemRef(id=reporter, type_id="user"),
                reason=reason,
                policy_id=policies[0] if policies else None,
            ),
            policy_ids=policies,
            reported_in_thread=in_thread,
            csam=csam,
        ),
    )


def appeal(org: str, item_id: str = "i1", *, entry_id: str, queue: str = "q1") -> Placement:
    """An appeal as routing places it."""
    return Placement(
        org_id=org,
        queue_id=queue,
        kind=JobKind.APPEAL,
        item=item(item_id),
        entry=JobEntry(
            entry_id=entry_id,
            source="APPEAL",
            at=START,
            routing=Routing(how="DEFAULT", config_revision=1),
            appeal=AppealEntry(
                appeal_id=entry_id,
                appealed_by=ItemRef(id="u1", type_id="user"),
                appealed_at=START,
                actions_taken=("a1",),
                reason="no",
            ),
        ),
    )
