"""The erasure of an end user from the queue store, and what comes late of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec import Raw

from coop_contracts.erasure import ErasedUser, stand_in_of
from coop_contracts.event import ItemRef, ReportEntry, SubmittedItem
from coop_queues import store
from coop_queues.error import AlreadyClosed
from coop_queues.job import AppealEntry, JobEntry, JobKind, Placement, Routing
from coop_queues.retention import TOMB, ClaimRetention
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

MARKER = "marker-3b7e"
USER, OTHER = ItemRef("user-5c1d", "user"), ItemRef("other-1", "user")
POST = ItemRef("post-1", "post")


def item(ref: ItemRef, creator: ItemRef | None) -> SubmittedItem:
    data = Raw(msgspec.json.encode({"text": f"{MARKER} {ref.id}"}))
    return SubmittedItem(
        id=ref.id, type_id=ref.type_id, type_version="v", data=data, creator=creator
    )


def placement(
    org_id: str,
    entry_id: str,
    about: SubmittedItem,
    *,
    reporter: ItemRef = OTHER,
    at: datetime | None = None,
    **more: Any,
) -> Placement:
    moment = at or datetime.now(UTC) - timedelta(minutes=1)
    report = ReportEntry(
        report_id=entry_id, reported_at=moment, reporter=reporter, reason=f"{MARKER} reason"
    )
    entry = more.pop("entry", None) or JobEntry(
        entry_id=entry_id,
        source="REPORT",
        at=moment,
        routing=Routing(how="DEFAULT", config_revision=1),
        report=report,
        note=f"{MARKER} note",
        csam=more.pop("csam", False),
    )
    return Placement(org_id=org_id, queue_id="q", item=about, entry=entry, **more)


def erased(org_id: str, until: datetime | None = None) -> ErasedUser:
    stand_in = stand_in_of(b"k" * 32, org_id, USER)
    return ErasedUser(user=USER, stand_in=stand_in, until=until or datetime.now(UTC))


async def erase(engine: Any, org_id: str, user: ErasedUser) -> list[Any]:
    """All of it, as a caller goes through it; the changes that Redis is told of."""
    changes: list[Any] = []
    async with transaction(engine) as connection:
        await store.entomb(connection, org_id, user)
        items = [user.user, *await store.made_by(connection, org_id, user.user, None)]
        items = [
            one for one in items if one not in await store.grave_among(connection, org_id, items)
        ]
        changes += await store.close_about(connection, org_id, user, items)
        await store.empty_about(connection, org_id, user, items, None)
    while True:
        async with transaction(engine) as connection:
            if not await store.empty_by(connection, org_id, user):
                return changes


def dump(url: str, org_id: str) -> str:
    """Every row of the organisation as text."""
    found = []
    with psycopg.connect(url) as connection:
        for query in (
            "SELECT to_jsonb(j)::text FROM queues.jobs j WHERE org_id = %(org)s",
            "SELECT convert_from(body, 'UTF8') FROM queues.entries WHERE org_id = %(org)s",
            "SELECT convert_from(i.body, 'UTF8') FROM queues.job_items i JOIN queues.jobs j"
            " USING (job_id) WHERE j.org_id = %(org)s",
        ):
            found += [row[0] for row in connection.execute(query.encode(), {"org": org_id})]
    return "\n".join(found)


@pytest.fixture
def org_id() -> str:
    return f"org-{uuid.uuid4()}"


@pytest.fixture
async def placed(engine: Any, org_id: str) -> dict[str, str]:
    """Jobs of every kind that the user is in; by what they are, their ids."""
    appeal = JobEntry(
        entry_id="e-appeal",
        source="APPEAL",
        at=datetime.now(UTC) - timedelta(minutes=1),
        routing=Routing(how="DEFAULT", config_revision=1),
        appeal=AppealEntry(
            appeal_id="e-appeal",
            appealed_by=USER,
            appealed_at=datetime.now(UTC),
            reason=f"{MARKER} appeal",
        ),
    )
    theirs = item(ItemRef("post-9", "post"), OTHER)
    made = {
        "content": placement(org_id, "e-1", item(POST, USER)),
        "user": placement(org_id, "e-2", item(USER, None)),
        "thread": placement(
            org_id,
            "e-3",
            item(ItemRef("post-8", "post"), OTHER),
            thread_items=(item(ItemRef("said", "post"), USER), theirs),
        ),
        "reported": placement(org_id, "e-4", theirs, reporter=USER),
        "appeal": placement(
            org_id, "e-appeal", item(POST, USER), entry=appeal, kind=JobKind.APPEAL
        ),
    }
    found = {}
    async with transaction(engine) as connection:
        for name, one in made.items():
            found[name] = (await store.place(connection, one)).job_id
    return found


async def test_nothing_that_the_user_said_is_left(
    engine: Any, org_id: str, placed: dict[str, str], queues_admin_url: str
) -> None:
    """Jobs about the user and their items are closed and empty, other people's are pending without
    what the user said in them; an organisation with the same ids has everything."""
    async with transaction(engine) as connection:
        await store.place(connection, placement(f"{org_id}-2", "e-1", item(POST, USER)))
    elsewhere = dump(queues_admin_url, f"{org_id}-2")
    user = erased(org_id)
    changes = await erase(engine, org_id, user)
    assert {one.job_id for one in changes} == {
        placed[name] for name in ("content", "user", "appeal")
    }
    left = dump(queues_admin_url, org_id)
    assert USER.id not in left
    assert f"{MARKER} said" not in left
    assert f"{MARKER} post-1" not in left
    assert left.count(MARKER) == left.count(f"{MARKER} post-8") + left.count(
        f"{MARKER} post-9"
    ) + left.count(f"{MARKER} reason") + left.count(f"{MARKER} note")
    async with transaction(engine) as connection:
        content = await store.get_job(connection, org_id, placed["content"])
        thread = await store.get_job(connection, org_id, placed["thread"])
        reported = await store.get_job(connection, org_id, placed["reported"])
        about = await store.get_job(connection, org_id, placed["user"])
    assert (content.summary.state, content.summary.close_reason) == ("CLOSED", "ERASED")
    assert content.item.erased
    assert bytes(content.item.data) == b"{}"
    assert content.item.creator == user.stand_in
    assert content.reports[0].reporter == OTHER
    assert content.reports[0].reason is None
    assert about.summary.item == user.stand_in
    assert thread.summary.state == "PENDING"
    assert [one.erased for one in thread.thread_items] == [False, True]
    assert thread.reports[0].reason == f"{MARKER} reason"
    assert reported.reports[0].reporter == user.stand_in
    assert reported.reports[0].reason is None
    assert reported.item.erased is False
    assert dump(queues_admin_url, f"{org_id}-2") == elsewhere
    assert await erase(engine, org_id, user) == []
    assert dump(queues_admin_url, org_id) == left


async def test_what_comes_late_comes_empty(engine: Any, org_id: str, queues_admin_url: str) -> None:
    """An event of before the erasure that is placed after it brings nothing back; one of after it
    is new, and stays as it is, also when the erasure is carried out again. What is about child
    safety is kept as it came."""
    user = erased(org_id, datetime.now(UTC) - timedelta(hours=1))
    await erase(engine, org_id, user)
    before, after = user.until - timedelta(minutes=1), user.until + timedelta(minutes=1)
    late = {
        "late": placement(org_id, "e-1", item(POST, USER), at=before, reporter=USER),
        "grave": placement(org_id, "e-2", item(ItemRef("g", "post"), USER), at=before, csam=True),
        "new": placement(org_id, "e-3", item(ItemRef("new", "post"), USER), at=after),
    }
    jobs = {}
    async with transaction(engine) as connection:
        for name, one in late.items():
            job_id = (await store.place(connection, one)).job_id
            jobs[name] = await store.get_job(connection, org_id, job_id)
    assert jobs["late"].item.erased
    assert jobs["late"].reports[0].reporter == user.stand_in
    assert not jobs["grave"].item.erased
    assert jobs["new"].item.creator == USER
    await erase(engine, org_id, user)
    left = dump(queues_admin_url, org_id)
    assert f"{MARKER} new" in left
    assert f"{MARKER} g" in left
    assert f"{MARKER} post-1" not in left


async def test_whoever_holds_such_a_job_is_told_that_it_is_closed(
    engine: Any, org_id: str, placed: dict[str, str], order: Any
) -> None:
    """The lease of a reviewer is over with the job."""
    claims = store.Claims(engine, order)
    claim = await claims.claim(org_id, "q", "reviewer-1")
    assert claim is not None
    await erase(engine, org_id, erased(org_id))
    async with transaction(engine) as connection:
        if claim.job.summary.job_id in (placed["content"], placed["user"]):
            with pytest.raises(AlreadyClosed):
                await store.close(
                    connection,
                    org_id,
                    claim.job.summary.job_id,
                    claim.lease_token,
                    by="reviewer-1",
                    reason="DECIDED",
                )


async def test_items_of_before_are_keyed(
    engine: Any, org_id: str, placed: dict[str, str], queues_admin_url: str
) -> None:
    """Items that came before they had the key of their maker get it, and are erased by it."""
    with psycopg.connect(queues_admin_url) as connection:
        connection.execute("UPDATE queues.job_items SET author_key = NULL, placed_at = NULL")
    while True:
        async with transaction(engine) as connection_:
            if not await store.key_authors(connection_):
                break
    await erase(engine, org_id, erased(org_id))
    assert f"{MARKER} said" not in dump(queues_admin_url, org_id)


async def test_a_tomb_lasts_longer_than_the_topics(
    engine: Any, org_id: str, queues_admin_url: str
) -> None:
    """Who was erased is remembered until no topic has anything of them any more."""
    moment = datetime.now(UTC) - TOMB
    for name, until in (("old", moment - timedelta(hours=1)), ("new", moment + timedelta(hours=1))):
        async with transaction(engine) as connection:
            user = ErasedUser(
                user=ItemRef(name, "user"), stand_in=ItemRef(f"x-{name}", "user"), until=until
            )
            await store.entomb(connection, org_id, user)
    await ClaimRetention(engine, retention=timedelta(days=400)).keep()
    with psycopg.connect(queues_admin_url) as connection_:
        left = connection_.execute(
            "SELECT stand_in FROM queues.erased_users WHERE org_id = %s", (org_id,)
        ).fetchall()
    assert left == [("x-new",)]
