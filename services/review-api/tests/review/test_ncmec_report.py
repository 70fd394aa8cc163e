"""Reporting a user to NCMEC is a decision: confirmed, complete, looked at, and told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from coop_contracts.event import CybertipRequested
from coop_contracts.ids import cybertip_id
from coop_queues import store
from coop_queues.job import Job, JobKind
from coop_queues.reading import item_key
from coop_review_api.kernel.error import Invalid
from coop_review_api.kernel.schema import outbox
from coop_review_api.media_value.reference import digest_of
from coop_review_api.review import rulebook
from coop_review_api.review.decision import Draft, Reviewer, Rulebook
from coop_review_api.review.hold import Releaser
from coop_review_api.review.judgement import decide
from coop_runtime.database.engine import transaction

from .ncmec_world import URLS, WORDS, World, world_of

pytestmark = pytest.mark.engines


@pytest.fixture
async def world(admin: Any, org: Any, kit: Any, context: Any) -> World:
    return await world_of(admin, org, kit, context)


async def test_a_report_leaves_after_the_undo_window(world: World) -> None:
    """With the media's addresses, and who saw which whole, as this system knows them; the record
    of the decision says that it was reported, and nothing of what was said."""
    claim = await world.place()
    await world.look(claim, 0)
    supplemental = {
        "item": {"id": "post-1", "typeId": world.post},
        "pointer": "/picture",
        "relevance": "SUPPLEMENTAL",
    }
    report = world.report()
    report["media"].append(supplemental)
    decided = await world.decide(claim, report)
    assert decided.status_code == 201, decided.text
    assert await world.sent() == []
    world.context.clock.forward(seconds=61)
    await Releaser(world.context.engine, clock=world.context.clock).release()
    (event,) = await world.sent()
    assert event.cybertip_id == cybertip_id(decision_id=decided.json()["id"])
    async with transaction(world.context.engine) as connection:
        keys = await connection.scalars(
            select(outbox.c.key).where(outbox.c.topic == CybertipRequested.topic)
        )
        assert f"{world.org_id}/{world.user}/user-1".encode() in list(keys)
    assert (event.environment, event.queue_id, event.user.user.id) == (
        "TEST",
        world.queue,
        "user-1",
    )
    assert [(one.url, one.viewed, one.classification) for one in event.media] == [
        (URLS[0], True, "B2"),
        (URLS[1], False, None),
    ]
    submitted = event.media[0].submitted_at
    assert submitted is not None
    assert submitted.tzinfo == UTC
    assert event.victims[0].age == 13
    async with transaction(world.context.engine) as connection:
        kept = await connection.scalar(
            text("SELECT components::text FROM review.decisions WHERE decision_id = :id"),
            {"id": decided.json()["id"]},
        )
    assert "SUBMIT_NCMEC_REPORT" in kept
    assert WORDS not in kept
    assert WORDS not in decided.text


async def test_an_undone_report_is_not_sent(world: World) -> None:
    """Within the window nothing has left."""
    claim = await world.place()
    await world.look(claim, 0)
    decided = (await world.decide(claim, world.report())).json()
    undone = await world.admin.call("POST", f"/v1/decisions/{decided['id']}/undo", {})
    assert undone.status_code == 200, undone.text
    world.context.clock.forward(seconds=61)
    await Releaser(world.context.engine, clock=world.context.clock).release()
    assert await world.sent() == []


MEDIUM = {"pointer": "/picture", "classification": "A1"}


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"confirmedUserId": "user-2"}, "confirmedUserId"),
        ({"environment": "PRODUCTION"}, "environment"),
        ({"highPriority": " "}, "highPriority"),
        ({"media": [], "additionalInfo": None}, ""),
        ({"media": ["post-7"]}, "media/0"),
        ({"media": ["post-0", "post-0"]}, "media/1"),
        ({"media": ["post-1"]}, "media/0/classification"),
        (
            {
                "threads": [
                    {"thread": {"id": "t", "typeId": "t"}, "messages": [{"id": "x", "typeId": "t"}]}
                ]
            },
            "threads/0/messages/0",
        ),
    ],
    ids=[
        "user",
        "environment",
        "priority",
        "nothing",
        "unknown",
        "twice",
        "not-looked-at",
        "message",
    ],
)
async def test_what_is_not_so_is_refused(world: World, more: dict[str, Any], at: str) -> None:
    """Each fault is named by its place, and nothing is decided."""
    claim = await world.place()
    await world.look(claim, 0)
    await world.look(claim, 1, stage="grey")
    if isinstance(more.get("media"), list):
        items = [{"id": one, "typeId": world.post} for one in more["media"]]
        more = more | {"media": [{"item": one, **MEDIUM} for one in items]}
    refused = await world.decide(claim, world.report(**more))
    assert refused.status_code == 422, refused.text
    pointers = [one["pointer"] for one in refused.json()["errors"]]
    assert f"/components/0/report{'/' + at if at else ''}" in pointers


async def test_as_much_is_looked_at_as_the_organisation_asks(world: World) -> None:
    """All media, where it says no number; by the log of reveals, not by what a page says."""
    await world.settle(minimum_media=None)
    claim = await world.place()
    await world.look(claim, 0)
    refused = await world.decide(claim, world.report())
    assert "1 of 2 media were looked at" in refused.text
    await world.look(claim, 1)
    assert (await world.decide(claim, world.report())).status_code == 201


async def test_what_is_not_enabled_or_no_such_job_is_not_reported(world: World) -> None:
    """Nor goes with another end of the job."""
    await world.settle(enabled=False)
    claim = await world.place()
    await world.look(claim, 0)
    refused = await world.decide(claim, world.report())
    assert "reporting to NCMEC is not enabled" in refused.text
    await world.settle()
    both = await world.decide(claim, world.report(), {"type": "IGNORE"})
    assert both.status_code == 422
    assert (await world.decide(claim, world.report())).status_code == 201
    other = await world.place(JobKind.DEFAULT)
    refused = await world.decide(other, world.report())
    assert "only of a job about child safety" in refused.text


async def known(world: World) -> tuple[Job, Rulebook]:
    """A job with what is known for its report; the first picture was looked at."""
    claim = await world.place()
    async with transaction(world.context.engine) as connection:
        job = await store.get_job(connection, world.org_id, claim["job"]["id"])
        rules = await rulebook.load(connection, job, drafted(world.report()), origins=())
    seen = (str(item_key(world.post, "post-0")), digest_of(URLS[0]))
    return job, replace(rules, seen=frozenset({seen}))


def drafted(report: dict[str, Any]) -> Draft:
    part = {"type": "SUBMIT_NCMEC_REPORT", "report": report}
    return msgspec.convert({"components": [part]}, Draft)


def judged(world: World, report: dict[str, Any], job: Job, rules: Rulebook) -> CybertipRequested:
    """The event of such a decision."""
    decision = decide(
        drafted(report),
        job=job,
        rulebook=rules,
        reviewer=Reviewer(user_id=world.admin.user_id, email=world.admin.email),
        now=world.context.clock(),
    )
    (event,) = [one for one in decision.events if isinstance(one, CybertipRequested)]
    return event


def thread_of(world: World, *item_ids: str) -> dict[str, Any]:
    messages = [{"id": one, "typeId": world.post} for one in item_ids]
    return {"thread": {"id": "t", "typeId": world.post}, "messages": messages}


async def test_what_is_told_is_the_version_that_was_judged(world: World) -> None:
    """Of an item with several versions the words and the time are those of the job's, not those of
    an older one; of a medium, those of the version that has it."""
    job, rules = await known(world)
    data = {"text": "before", "old": {"url": URLS[0]}}
    before = msgspec.structs.replace(
        world.item(world.post, "post-0", data), submission_id="018f0000-0000-7000-8000-000000000000"
    )
    report = world.report(threads=[thread_of(world, "post-0")])
    old = {"item": {"id": "post-0", "typeId": world.post}, "pointer": "/old"}
    report["media"].append(old)
    event = judged(world, report, job, replace(rules, submissions=(before,)))
    assert [one.text for one in event.threads[0].messages] == ["0"]
    first, second = (one.submitted_at for one in event.media)
    then = datetime.fromtimestamp(0x018F00000000 / 1000, UTC)
    assert second == then
    assert first is not None
    assert first > then


async def test_a_report_that_no_broker_takes_is_refused(world: World) -> None:
    """Before anything is decided, rather than never sent."""
    job, rules = await known(world)
    names = [f"long-{n}" for n in range(3)]
    long = tuple(world.item(world.post, one, {"text": "x" * 400_000}) for one in names)
    job = msgspec.structs.replace(job, thread_items=long)
    report = world.report(media=[], threads=[thread_of(world, *names[:2])])
    assert len(judged(world, report, job, rules).threads[0].messages) == 2
    with pytest.raises(Invalid) as refused:
        judged(world, world.report(media=[], threads=[thread_of(world, *names)]), job, rules)
    assert [fault.pointer for fault in refused.value.faults] == ["/components/0/report"]
