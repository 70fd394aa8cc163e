"""Automations in general, and emptying a queue."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.event import (
    DecisionMade,
)
from coop_queues import store
from coop_review_api.automation import batch
from coop_review_api.kernel.schema import audit_log
from coop_runtime.database.engine import transaction

from .automation_world import World, banned

pytestmark = pytest.mark.engines


@pytest.fixture
async def world(context: Any, admin: Any, sign_in: Any, org: Any, kit: Any) -> World:
    return await World.make(context, admin, sign_in, org, kit)


async def test_another_organisation_is_untouched(world: World, kit: Any) -> None:
    """The same user's id in another organisation is another user."""
    stranger = await kit.make_org()
    theirs = await world.place("post-1", org_id=stranger.org_id, queue=stranger.default_queue_id)
    first = await world.place("post-0")
    await world.decide(first, banned(world))
    body = {"reporter": {"id": "reporter-1", "typeId": world.user}}
    await world.admin.call("POST", "/v1/report-invalidations", body)
    await world.settle()
    async with transaction(world.context.engine) as connection:
        summary = await store.get_summary(connection, stranger.org_id, theirs)
    assert (summary.state, summary.report_count) == ("PENDING", 1)


async def test_a_failing_automation_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that raises is tried again later, in the end it is FAILED, and others are done."""
    broken, fine = await world.place("post-0", "a"), await world.place("post-1", "b")
    kept, cleared = await world.place("post-2", "a"), await world.place("post-3", "b")
    await world.decide(broken, banned(world, user="a"))
    await world.decide(fine, banned(world, user="b"))
    carry_out = batch.carry_out

    async def fail(connection: Any, row: Any, *, now: Any, limit: int) -> Any:
        if row.order["subject"]["id"] == "a":
            raise ValueError("a defect")
        return await carry_out(connection, row, now=now, limit=limit)

    monkeypatch.setattr(batch, "carry_out", fail)
    await world.settle()
    states = await world.states()
    assert (states[kept], states[cleared]) == ("PENDING", "CLOSED")
    by_user = {row.order["subject"]["id"]: row for row in await world.rows()}
    assert (by_user["a"].state, by_user["a"].error) == ("RUNNING", "ValueError")
    world.context.clock.forward(hours=2)
    await world.settle()
    assert {row.state for row in await world.rows()} == {"FAILED", "COMPLETE"}


async def test_a_queue_is_emptied_by_who_said_how_much_it_is(world: World) -> None:
    """Only what was counted is closed, each by a decision of the person; child safety stays."""
    job_ids = [await world.place(f"post-{number}") for number in range(3)]
    csam = await world.place("post-csam", csam=True)
    path = f"/v1/queues/{world.queue}"
    contents = (await world.admin.call("GET", f"{path}/contents")).json()
    assert (contents["pending"], contents["closable"], contents["leased"]) == (4, 3, 0)
    assert contents["byKind"] == {"DEFAULT": 4}
    assert contents["childSafety"] == 1
    order = {"closable": 2, "asOf": contents["asOf"], "reason": "test data"}
    assert (await world.admin.call("POST", f"{path}/empty", order)).status_code == 409
    assert (await world.moderator.call("POST", f"{path}/empty", order)).status_code == 403
    world.context.clock.forward(minutes=5)
    late = await world.place("post-late")
    answer = await world.admin.call("POST", f"{path}/empty", {**order, "closable": 3})
    assert answer.status_code == 202, answer.text
    await world.settle()
    states = await world.states()
    assert {states[job] for job in job_ids} == {"CLOSED"}
    assert (states[csam], states[late]) == ("PENDING", "PENDING")
    made = await world.sent(DecisionMade)
    assert {one.job_id for one in made} == set(job_ids)
    for one in made:
        (component,) = one.components
        assert (component.type, component.close_reason) == ("CLOSE", "QUEUE_EMPTIED")
        assert (one.reviewer_id, one.automatic) == (world.admin.user_id, False)
        assert one.reason == "test data"
    async with transaction(world.context.engine) as connection:
        actions = await connection.scalars(
            select(audit_log.c.action).where(audit_log.c.org_id == world.org_id)
        )
        assert "queue.emptied" in set(actions)
    appeals = {"closable": 9, "asOf": contents["asOf"]}
    answer = await world.admin.call("POST", f"/v1/queues/{world.appeals}/empty", appeals)
    assert answer.status_code == 409


async def test_an_automation_is_cancelled_by_a_person(world: World) -> None:
    """What was done stays, nothing more is; twice is once; what has ended cannot be cancelled."""
    world.batches_of(2)
    for number in range(5):
        await world.place(f"post-{number}")
    order = {"closable": 5, "asOf": world.context.clock().isoformat()}
    path = f"/v1/queues/{world.queue}/empty"
    made = (await world.admin.call("POST", path, order)).json()
    await world.worker().advance(made["id"])
    path = f"/v1/automations/{made['id']}/cancel"
    assert (await world.moderator.call("POST", path)).status_code == 403
    for _ in range(2):
        stopped = await world.admin.call("POST", path)
        assert (stopped.status_code, stopped.json()["state"]) == (200, "CANCELLED")
    await world.settle()
    assert sorted((await world.states()).values()) == ["CLOSED"] * 2 + ["PENDING"] * 3
    body = {"reporter": {"id": "nobody", "typeId": world.user}}
    done = (await world.admin.call("POST", "/v1/report-invalidations", body)).json()
    late = await world.admin.call("POST", f"/v1/automations/{done['id']}/cancel")
    assert late.status_code == 409


async def test_cancelled_at_any_moment_the_worker_goes_on(world: World) -> None:
    """A worker that is cancelled again and again, wherever it is, in the end has done each job
    once."""
    world.batches_of(2)
    first = await world.place("post-0")
    others = [await world.place(f"post-{number}") for number in range(1, 25)]
    await world.decide(first, banned(world))
    (row,) = await world.rows()
    random = Random(7)
    deadline = asyncio.get_running_loop().time() + 60
    while (await world.rows())[0].state == "RUNNING":
        assert asyncio.get_running_loop().time() < deadline
        working = asyncio.create_task(world.worker().advance(row.automation_id))
        await asyncio.sleep(random.uniform(0, 0.1))
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await world.worker().advance(row.automation_id)
    made = await world.automatic()
    assert sorted(one.job_id for one in made) == sorted(others)


async def test_an_item_that_says_it_was_deleted_is_not_handed_out(world: World, kit: Any) -> None:
    """Its newest version is enough: no platform is asked, none is configured."""
    fields = [{"name": "text", "type": "STRING"}, {"name": "gone", "type": "BOOLEAN"}]
    roles = {"isDeleted": "gone"}
    kind = kit.item_type(name="Note", fields=fields, fieldRoles=roles)
    note = (await world.admin.make("/v1/item-types", kind))["id"]
    await world.set_queue(autoCloseJobs=True)
    gone = await world.place("note-1", type_id=note)
    assert await world.place("note-1", type_id=note, data=b'{"gone": true}') == gone
    await world.place("note-2", type_id=note, data=b'{"gone": true}')
    assert await world.place("note-2", type_id=note, data=b'{"gone": false}')
    answer = await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")
    assert answer.json()["job"]["itemId"] == "note-2"
    (made,) = await world.automatic()
    assert (made.job_id, made.components[0].close_reason) == (gone, "ITEM_DELETED_BEFORE_REVIEW")
