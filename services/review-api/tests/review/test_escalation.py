"""Escalating to NCMEC: a job about an item becomes one about its author, with all that is known."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import (
    ActionRequested,
    ItemRef,
    ItemSubmitted,
    ReviewRequested,
    RulesEvaluated,
    SubmittedItem,
    encode,
)
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing, requested_entry_id
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.kernel.schema import outbox
from coop_review_api.projection import store as projection
from coop_review_api.projection.partition import KEPT, RECENT, Partitions
from coop_review_api.review.desk import Desk
from coop_review_api.review.escalation import MAX_BYTES, has_media
from coop_review_api.review.hold import Releaser
from coop_runtime.database.engine import transaction

ESCALATE = {"type": "ESCALATE_TO_NCMEC"}
VERSION = "2026-01-01T00:00:00.000000Z"
PICTURE = {"text": "t", "picture": {"url": "https://cdn.example/1.png"}}


def item_of(type_id: str, item_id: str, data: Any, creator: ItemRef | None = None) -> SubmittedItem:
    return SubmittedItem(
        id=item_id,
        type_id=type_id,
        type_version=VERSION,
        data=msgspec.Raw(json.dumps(data).encode()),
        creator=creator,
    )


@dataclass
class World:
    """An organisation with posts of a known author."""

    context: Any
    moderator: Any
    admin: Any
    org_id: str
    post: str
    user: str
    queue: str
    ncmec: str
    remove: str
    author: ItemRef = field(init=False)

    def __post_init__(self) -> None:
        self.author = ItemRef(id="author-1", type_id=self.user)

    async def place(self, item: SubmittedItem, **more: Any) -> str:
        entry = JobEntry(
            entry_id=str(uuid.uuid4()),
            source="REPORT",
            at=self.context.clock(),
            routing=Routing(how="DEFAULT", config_revision=1),
            policy_ids=("policy-1",),
        )
        values = {"queue_id": self.queue, "entry": entry, **more}
        placement = Placement(org_id=self.org_id, item=item, **values)
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def try_(self, *components: Any, **more: Any) -> Any:
        claim = (await self.moderator.call("POST", f"/v1/queues/{self.queue}/claims")).json()
        body = {"leaseToken": claim["lease"]["token"], "components": components, **more}
        path = f"/v1/jobs/{claim['job']['id']}/decisions"
        return await self.moderator.call("POST", path, body)

    async def decide(self, *components: Any, **more: Any) -> Any:
        answer = await self.try_(*components, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def submitted(self, *items: SubmittedItem, settled: bool = False) -> None:
        """What the projector writes of submissions."""
        now = self.context.clock()
        engine = self.context.engine
        await Partitions(engine).ensure(RECENT, (now,))
        await Partitions(engine).ensure(KEPT["submissions"], (now,))
        events = [
            ItemSubmitted(
                event_id=new_id(),
                org_id=self.org_id,
                time=now,
                correlation_id="s",
                submission_id=new_id(),
                item=item,
                request_id="r",
                config_revision=1,
            )
            for item in items
        ]
        async with transaction(engine) as connection:
            await projection.add_submissions(connection, events, now=now)
            if settled:
                await connection.exec_driver_sql(
                    "INSERT INTO review.submissions SELECT * FROM review.recent_submissions"
                    f" WHERE org_id = '{self.org_id}'"
                )
                await connection.exec_driver_sql(
                    f"DELETE FROM review.recent_submissions WHERE org_id = '{self.org_id}'"
                )

    async def asked(self) -> list[ReviewRequested]:
        query = select(outbox.c.value).where(outbox.c.topic == ReviewRequested.topic)
        async with transaction(self.context.engine) as connection:
            rows = await connection.scalars(query.order_by(outbox.c.id))
            found = [msgspec.json.decode(row, type=ReviewRequested) for row in rows]
        return [event for event in found if event.org_id == self.org_id]


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any, context: Any) -> World:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    ncmec = (await admin.make("/v1/queues", {"name": "Child safety", "openToEveryone": True}))["id"]
    async with transaction(context.engine) as connection:
        log = await lock(connection, org.org_id, author="test", clock=context.clock)
        settings = OrgSettings(id=SETTINGS_ID, name="A", undo_window=60, ncmec_queue_id=ncmec)
        await log.save(Kind.SETTINGS, settings)
    return World(
        context=context,
        moderator=await sign_in(Role.MODERATOR),
        admin=admin,
        org_id=org.org_id,
        post=post,
        user=org.default_user_type_id,
        queue=org.default_queue_id,
        ncmec=ncmec,
        remove=(await admin.make("/v1/actions", kit.action(post)))["id"],
    )


async def leave(world: World) -> None:
    world.context.clock.forward(seconds=61)
    await Releaser(world.context.engine, clock=world.context.clock).release()


@pytest.mark.engines
async def test_it_becomes_a_job_about_the_author(world: World) -> None:
    """The request is about the author, of kind NCMEC, with the job's items and all media that is
    known, and leaves after the undo window; the job is closed."""
    seen = item_of(world.post, "post-1", {"text": "meet me"}, world.author)
    thread = item_of(world.post, "post-2", {"text": "where?"})
    kept = item_of(world.post, "old", PICTURE, world.author)
    recent = item_of(world.post, "new", {"media": [{"url": "https://c.example/v"}]}, world.author)
    profile = item_of(world.user, "author-1", {"name": "A", "icon": {"url": "https://c.example/i"}})
    dull = item_of(world.post, "words", {"text": "hello"}, world.author)
    other = item_of(world.post, "theirs", PICTURE, ItemRef(id="author-2", type_id=world.user))
    await world.submitted(kept, settled=True)
    await world.submitted(recent, profile, dull, other)
    job_id = await world.place(seen, thread_items=(thread,))
    act = {"type": "CUSTOM_ACTION", "actionIds": [world.remove]}
    decided = await world.decide(ESCALATE, act, note="looks like grooming")
    assert await world.asked() == [], "held for the undo window"
    await leave(world)
    (asked,) = await world.asked()
    assert (asked.job_kind, asked.source, asked.queue_id) == ("NCMEC", "MRT_JOB", None)
    assert asked.item == profile
    assert [one.id for one in asked.related_items] == ["post-1", "new", "old", "post-2"]
    assert asked.policy_ids == ("policy-1",)
    assert (asked.note, asked.from_job_id) == ("looks like grooming", job_id)
    assert asked.actor_id == world.moderator.user_id
    shown = (await world.admin.call("GET", f"/v1/jobs/{job_id}")).json()
    assert (shown["state"], shown["closeReason"]) == ("CLOSED", "DECIDED")
    user = {"id": "author-1", "typeId": world.user}
    assert decided["escalation"] == {"user": user, "jobId": None}
    query = select(outbox.c.id).where(outbox.c.topic == ActionRequested.topic)
    async with transaction(world.context.engine) as connection:
        assert (await connection.scalars(query)).first() is not None


@pytest.mark.engines
async def test_the_job_that_it_became_is_shown_to_who_may_see_it(world: World) -> None:
    """Once it is placed the decision links it, for those who may see child-safety data alone; the
    new job says which one it came from."""
    job_id = await world.place(item_of(world.post, "post-1", {"text": "t"}, world.author))
    decided = await world.decide(ESCALATE)
    await leave(world)
    (asked,) = await world.asked()
    placed = await world.place(
        asked.item,
        queue_id=world.ncmec,
        kind=JobKind.NCMEC,
        entry=JobEntry(
            entry_id=requested_entry_id(asked.entry_id),
            source="MRT_JOB",
            at=asked.time,
            routing=Routing(how="SETTING", config_revision=1),
            csam=True,
            from_job_id=asked.from_job_id,
        ),
    )
    path = f"/v1/decisions/{decided['id']}"
    assert (await world.admin.call("GET", path)).json()["escalation"]["jobId"] == placed
    assert (await world.moderator.call("GET", path)).json()["escalation"]["jobId"] is None
    assert (await world.moderator.call("GET", f"/v1/jobs/{placed}")).status_code == 404
    looked = (await world.admin.call("GET", f"/v1/jobs/{placed}")).json()
    assert (looked["kind"], looked["csam"]) == ("NCMEC", True)
    assert looked["payload"]["entries"][0]["fromJobId"] == job_id


@pytest.mark.engines
async def test_undone_nobody_is_asked_to_look(world: World) -> None:
    """An escalation that was taken back within the window left no trace on the log."""
    await world.place(item_of(world.post, "post-1", PICTURE, world.author))
    decided = await world.decide(ESCALATE)
    undone = await world.moderator.call("POST", f"/v1/decisions/{decided['id']}/undo")
    assert undone.status_code == 200
    await leave(world)
    assert await world.asked() == []


@pytest.mark.engines
async def test_the_job_s_user_is_escalated_with_their_profile(world: World) -> None:
    """A job about a user escalates that user; words alone are enough."""
    await world.place(item_of(world.user, "author-1", {"name": "only words"}))
    await world.decide(ESCALATE)
    await leave(world)
    (asked,) = await world.asked()
    assert asked.item.id == "author-1"
    assert json.loads(bytes(asked.item.data)) == {"name": "only words"}
    assert asked.related_items == ()


@pytest.mark.engines
async def test_an_author_without_a_profile_is_one_without_data(world: World) -> None:
    """Who was never submitted is still a user, of the type's present version."""
    await world.place(item_of(world.post, "post-1", {"text": "t"}, world.author))
    await world.decide(ESCALATE)
    await leave(world)
    (asked,) = await world.asked()
    assert (asked.item.id, bytes(asked.item.data)) == ("author-1", b"{}")
    assert asked.item.schema_variant == "partial"
    assert asked.item.type_version > VERSION


@pytest.mark.engines
async def test_an_author_whom_only_the_log_knows(world: World) -> None:
    """A job that came without its item's author finds it in the evaluations of the item."""
    now = world.context.clock()
    await Partitions(world.context.engine).ensure(KEPT["evaluations"], (now,))
    event = RulesEvaluated(
        event_id=new_id(),
        org_id=world.org_id,
        time=now,
        correlation_id="s",
        submission_id=new_id(),
        item=ItemRef(id="post-1", type_id=world.post),
        config_revision=1,
        creator=world.author,
    )
    async with transaction(world.context.engine) as connection:
        await projection.add_evaluations(connection, [event])
    await world.submitted(item_of(world.post, "media", PICTURE, world.author))
    await world.place(item_of(world.post, "post-1", {}))
    await world.decide(ESCALATE)
    await leave(world)
    (asked,) = await world.asked()
    assert asked.item.id == "author-1"
    assert [one.id for one in asked.related_items] == ["post-1", "media"]


@pytest.mark.engines
async def test_an_unknown_author_is_a_clear_refusal(world: World, admin: Any, kit: Any) -> None:
    """Nobody is reported by guess: the refusal says why, and the job stays."""
    bare = {**kit.item_type("Bare"), "fieldRoles": {}}
    bare_id = (await admin.make("/v1/item-types", bare))["id"]
    why = {
        world.post: "submitted without its creator",
        bare_id: "Bare names no creator field",
    }
    for type_id, reason in why.items():
        await world.place(item_of(type_id, f"of {type_id}", {"text": "t"}))
        answer = await world.try_(ESCALATE)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/components/0"
        assert reason in error["reason"]
    post = ItemRef(id="post-9", type_id=world.post)
    async with transaction(world.context.engine) as connection:
        await connection.exec_driver_sql(
            f"DELETE FROM queues.jobs WHERE state = 'PENDING' AND org_id = '{world.org_id}'"
        )
    await world.place(item_of(world.post, "odd", {"text": "t"}, post))
    assert "whose items are no users" in (await world.try_(ESCALATE)).text


@pytest.mark.engines
async def test_what_does_not_fit_is_counted(world: World) -> None:
    """A message has its limits: the newest go with it, and its note says how many did not."""
    words = "x" * 30_000
    many = [
        item_of(world.post, f"m{n}", {**PICTURE, "words": words, "n": n}, world.author)
        for n in range(40)
    ]
    await world.submitted(*many)
    await world.place(item_of(world.post, "post-1", {"text": "t"}, world.author))
    await world.decide(ESCALATE, note="seen")
    await leave(world)
    (asked,) = await world.asked()
    sent = len(asked.related_items) - 1
    assert 5 < sent < 40
    assert asked.note == f"seen\n{40 - sent} more items with media are known of this user"
    assert len(encode(asked)) < 1.1 * MAX_BYTES


@pytest.mark.parametrize(
    ("data", "shows"),
    [
        ({"text": "http://words.example/a.png"}, False),
        ({"creator": {"id": "u", "typeId": "t"}}, False),
        ({"picture": {"url": "https://c.example/1"}}, True),
        ({"all": [{"url": "https://c.example/1", "mediaType": None}]}, True),
        ({"by": {"name": {"url": "https://c.example/1"}}}, True),
        ({"url": None}, False),
    ],
)
def test_media_is_known_by_its_coerced_form(data: Any, shows: bool) -> None:
    """An address in words is no medium; a medium is one in a list or a map, too."""
    assert has_media(item_of("t", "i", data)) is shows


def test_deeply_nested_data_is_read() -> None:
    """However deep an unknown field nests, its item is looked at."""
    nested = b'{"a":' * 600 + b'{"url":"https://c.example/1"}' + b"}" * 600
    item = SubmittedItem(id="i", type_id="t", type_version=VERSION, data=msgspec.Raw(nested))
    assert has_media(item)
