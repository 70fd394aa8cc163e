"""A child-safety job shows all media of its user, as they are when it is looked at."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, insert, select

from coop_contracts.event import ItemRef, ItemSubmitted, SubmittedItem
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues.job import JobKind
from coop_queues.reading import item_key
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_review_api.kernel.schema import audit_log
from coop_review_api.media.table import media_reveals
from coop_review_api.media_value.reference import digest_of
from coop_review_api.review.hold import Releaser
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions

from ..review.ncmec_world import URLS, World, world_of

pytestmark = pytest.mark.engines

HOST = "http://127.0.0.1:1"
SHAPE = Indexing(ItemShape(media=("picture",)), searched=False)


@pytest.fixture
async def world(admin: Any, org: Any, kit: Any, context: Any) -> World:
    return await world_of(admin, org, kit, context)


async def remember(world: World, *items: SubmittedItem, minutes_ago: int = 0) -> None:
    """The history has them, each a second older than the one before."""
    for number, item in enumerate(items):
        submission_id = new_id()
        at = world.context.clock() - timedelta(minutes=minutes_ago, seconds=number)
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=world.org_id,
            time=at,
            correlation_id=submission_id,
            submission_id=submission_id,
            item=msgspec.structs.replace(item, submission_id=None),
            request_id="r",
            config_revision=1,
        )
        versions = versions_of(event, lambda _org, _item: SHAPE)
        engine = world.context.engine
        await ItemStore(engine, Partitions(engine)).add(versions)


def posts(world: World, numbers: range, name: str = "old") -> list[SubmittedItem]:
    return [
        world.item(world.post, f"{name}-{n}", {"picture": {"url": f"{HOST}/{name}-{n}.png"}})
        for n in numbers
    ]


async def all_of(world: World, job_id: str, limit: int = 7) -> tuple[list[dict[str, Any]], Any]:
    """Every medium, page by page, and what is required."""
    found: list[dict[str, Any]] = []
    required, cursor = None, ""
    while True:
        path = f"/v1/jobs/{job_id}/user-media?limit={limit}{cursor}"
        answer = await world.admin.call("GET", path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        required = required or page["requirement"]
        if page["nextCursor"] is None:
            return found, required
        cursor = f"&cursor={page['nextCursor']}"


async def look(world: World, job_id: str, item_id: str, url: str) -> None:
    """The reviewer sees the whole of it, in this job."""
    now = world.context.clock()
    async with transaction(world.context.engine) as connection:
        await connection.execute(
            insert(media_reveals).values(
                reveal_id=uuid.uuid4().hex,
                org_id=world.org_id,
                user_id=world.admin.user_id,
                session_id="s",
                reference="r",
                stage="clear",
                job_id=job_id,
                item_key=item_key(world.post, item_id),
                value_key=digest_of(url),
                is_graphic=True,
                is_grave=True,
                revealed_at=now,
                expires_at=now + timedelta(seconds=60),
                seconds=20,
            )
        )


async def test_all_media_of_the_user_are_shown_page_by_page(world: World) -> None:
    """What was reported first, then the newest of what the history has, of weeks ago too; each
    once, of nobody else, without an address; and all count for what has to be looked at."""
    await remember(world, *posts(world, range(20)), minutes_ago=60 * 24 * 20)
    await remember(world, *posts(world, range(3), "new"), minutes_ago=5)
    carried = world.item(world.post, "post-1", {"picture": {"url": URLS[1]}})
    others = msgspec.structs.replace(
        posts(world, range(1), "stranger")[0], creator=ItemRef("user-9", world.user)
    )
    await remember(world, carried, others)
    await world.settle(minimum_media=None)
    claim = await world.place()
    await world.look(claim, 0)
    found, required = await all_of(world, claim["job"]["id"])
    assert [one["item"]["id"] for one in found] == [
        *("post-1", "post-0"),
        *(f"new-{n}" for n in range(3)),
        *(f"old-{n}" for n in range(20)),
    ]
    assert [one["isCarried"] for one in found] == [True] * 2 + [False] * 23
    assert [one["item"]["id"] for one in found if one["isSeen"]] == ["post-0"]
    assert required == {"known": 25, "looked": 1, "needed": 25}
    assert HOST not in str(found)
    facts = await world.admin.call("GET", f"/v1/media/{found[-1]['ref']}/facts")
    assert facts.status_code == 200, facts.text
    refused = await world.decide(claim, world.report())
    assert "1 of 25 media were looked at" in refused.text


async def test_what_is_sent_while_the_job_waits_belongs_to_it(world: World) -> None:
    """It is shown when the job is looked at, and may be reported: with the address that it has."""
    claim = await world.place()
    await world.look(claim, 0)
    job_id = claim["job"]["id"]
    before, _ = await all_of(world, job_id)
    await remember(world, *posts(world, range(1), "late"))
    after, required = await all_of(world, job_id)
    assert [one["item"]["id"] for one in after] == ["post-1", "post-0", "late-0"]
    assert (len(before), required["known"]) == (2, 3)
    (late,) = [one for one in after if not one["isCarried"]]
    report = world.report()
    medium = {"item": late["item"], "pointer": late["pointer"], "classification": "A1"}
    report["media"].append(medium)
    refused = await world.decide(claim, report)
    assert "look at the whole medium" in refused.text
    await look(world, job_id, "late-0", f"{HOST}/late-0.png")
    decided = await world.decide(claim, report)
    assert decided.status_code == 201, decided.text
    world.context.clock.forward(seconds=61)
    await Releaser(world.context.engine, clock=world.context.clock).release()
    (event,) = await world.sent()
    assert [(one.url, one.viewed) for one in event.media] == [
        (URLS[0], True),
        (f"{HOST}/late-0.png", True),
    ]
    assert event.media[1].submitted_at is not None


async def test_few_see_them_and_each_look_leaves_a_row(world: World, sign_in: Any) -> None:
    """Without the permission the job is not there; another kind of job has no such list."""
    claim = await world.place()
    path = f"/v1/jobs/{claim['job']['id']}/user-media"
    moderator = await sign_in(Role.MODERATOR)
    assert (await moderator.call("GET", path)).status_code == 404

    async def looks() -> int:
        query = select(func.count()).where(
            audit_log.c.org_id == world.org_id,
            audit_log.c.action == "child-safety.viewed",
            audit_log.c.target_id == claim["job"]["id"],
        )
        async with transaction(world.context.engine) as connection:
            return int(await connection.scalar(query) or 0)

    before = await looks()
    assert (await world.admin.call("GET", path)).status_code == 200
    assert await looks() == before + 1
    wrong = await world.admin.call("GET", f"{path}?cursor=x")
    assert wrong.status_code == 422
    other = await world.place(JobKind.DEFAULT)
    answer = await world.admin.call("GET", f"/v1/jobs/{other['job']['id']}/user-media")
    assert answer.status_code == 409
