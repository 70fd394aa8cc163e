"""A decision clears the user's other jobs: killed, twice, at once, and not what it must not."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from coop_contracts import ids
from coop_contracts.event import (
    ActionRequested,
    CallbackRequested,
)
from coop_queues.job import JobKind
from coop_review_api.review.hold import Releaser
from coop_review_api.review.table import decisions

from .automation_world import Killed, World, banned

pytestmark = pytest.mark.engines


@pytest.fixture
async def world(context: Any, admin: Any, sign_in: Any, org: Any, kit: Any) -> World:
    return await World.make(context, admin, sign_in, org, kit)


async def test_a_ban_closes_the_users_other_jobs_here(world: World) -> None:
    """The user's own job and their content's jobs of this queue are closed, each by a decision of
    nobody; other users' and other queues' jobs, appeals and child safety stay."""
    first = await world.place("post-1")
    cleared = [
        await world.place("post-2"),
        await world.place("bad", None, type_id=world.user),
    ]
    kept = [
        await world.place("post-3", "good"),
        await world.place("post-4", queue=world.other),
        await world.place("post-5", kind=JobKind.APPEAL, queue=world.appeals),
        await world.place("post-6", csam=True),
        await world.place("post-7", kind=JobKind.NCMEC, csam=True),
    ]
    decided = await world.decide(first, banned(world))
    await world.settle()
    states = await world.states()
    assert {states[job] for job in cleared} == {"CLOSED"}
    assert {states[job] for job in kept} == {"PENDING"}
    made = await world.automatic()
    assert {one.job_id for one in made} == set(cleared)
    for one in made:
        (component,) = one.components
        assert (component.type, component.close_reason) == ("AUTOMATIC_CLOSE", "USER_ACTIONED")
        assert one.reviewer_id == "system"
        assert decided["id"] in str(one.reason)
        assert one.decision_id == ids.decision_id(job_id=one.job_id)
    assert (
        await world.count(decisions.c.job_id.in_(cleared), decisions.c.reviewer_id.is_(None)) == 2
    )
    (row,) = await world.rows()
    assert (row.state, row.closed, row.held, row.cause_id) == ("COMPLETE", 2, 0, decided["id"])
    shown = await world.admin.call("GET", f"/v1/automations/{row.automation_id}")
    assert shown.json()["order"]["subject"] == {"id": "bad", "typeId": world.user}
    listed = await world.admin.call("GET", "/v1/automations?kind=CLEAR_REPORTS")
    assert [one["id"] for one in listed.json()["items"]] == [row.automation_id]


async def test_a_user_who_is_about_child_safety_is_not_cleared(world: World) -> None:
    """Once there is such a job about them, their own plain job is for people to close; what they
    made is cleared as ever."""
    first = await world.place("post-1")
    made = await world.place("post-2")
    own = await world.place("bad", None, type_id=world.user)
    grave = await world.place("bad", None, type_id=world.user, kind=JobKind.NCMEC, csam=True)
    await world.decide(first, banned(world))
    await world.settle()
    states = await world.states()
    assert (states[made], states[own], states[grave]) == ("CLOSED", "PENDING", "PENDING")


async def test_all_queues_and_the_same_action(world: World) -> None:
    """With that scope and disposition each job gets the action, under ids of its own decision; an
    item that the action does not fit is closed all the same, and says why."""
    await world.set_queue(
        clearReportsDisposition="SAME_ACTION",
        clearReportsScope="ALL_QUEUES",
        clearReportsTriggerActionIds=[world.warn, world.ban],
    )
    first = await world.place("post-1")
    second = await world.place("post-2", queue=world.other)
    profile = await world.place("bad", None, type_id=world.user)
    act = [{"type": "CUSTOM_ACTION", "actionIds": [world.warn]}]
    await world.decide(first, act)
    await world.settle()
    assert set((await world.states()).values()) == {"CLOSED"}
    by_job = {made.job_id: made for made in await world.automatic()}
    assert [part.type for part in by_job[second].components] == ["CUSTOM_ACTION"]
    assert [part.type for part in by_job[profile].components] == ["AUTOMATIC_CLOSE"]
    assert "not acted on" in str(by_job[profile].reason)
    requests = [r for r in await world.sent(ActionRequested) if r.item.id == "post-2"]
    assert [request.execution_id for request in requests] == [
        ids.execution_id(
            cause=ids.decision_id(job_id=second),
            action=world.warn,
            target=ids.item_key(world.org_id, world.post, "post-2"),
        )
    ]
    assert requests[0].actor_id == world.moderator.user_id


async def test_ignored_jobs_are_told_to_the_platform(world: World) -> None:
    """The disposition IGNORE is an ignore: the platform's callback follows, once."""
    await world.configure(undo_window=0, ignore_callback_url="https://platform.example/ignored")
    await world.set_queue(clearReportsDisposition="IGNORE")
    first = await world.place("post-1")
    other = await world.place("post-2")
    await world.decide(first, banned(world))
    await world.settle()
    (made,) = await world.automatic()
    assert (made.job_id, made.components[0].type) == (other, "IGNORE")
    (callback,) = await world.sent(CallbackRequested)
    assert callback.decision_id == made.decision_id


async def test_nothing_is_cleared_before_the_decision_has_left(world: World) -> None:
    """Within the undo window nothing happens; undone, nothing ever does; else it does then."""
    await world.configure(undo_window=60)
    first, other = await world.place("post-1"), await world.place("post-2")
    decided = await world.decide(first, banned(world))
    await world.settle()
    assert (await world.states())[other] == "PENDING"
    undone = await world.moderator.call("POST", f"/v1/decisions/{decided['id']}/undo")
    assert undone.status_code == 200, undone.text
    world.context.clock.forward(seconds=61)
    await world.settle()
    assert (await world.states())[other] == "PENDING"
    assert [row.state for row in await world.rows()] == ["CANCELLED"]
    again = undone.json()["jobId"]
    await world.decide(again, banned(world))
    world.context.clock.forward(seconds=61)
    await world.settle()
    assert (await world.states())[other] == "PENDING", "it has not left: nobody released it"
    await Releaser(world.context.engine, clock=world.context.clock).release()
    await world.settle()
    assert (await world.states())[other] == "CLOSED"


async def test_what_is_held_for_longer_clears_nothing_before(world: World) -> None:
    """The window is extended: nothing is cleared in the time that was won, and then all of it."""
    await world.configure(undo_window=60)
    first, other = await world.place("post-1"), await world.place("post-2")
    decided = await world.decide(first, banned(world))
    world.context.clock.forward(seconds=40)
    path = f"/v1/decisions/{decided['id']}/undo-window/extend"
    answer = await world.moderator.call("POST", path)
    assert answer.status_code == 200, answer.text
    [waiting] = await world.rows()
    assert waiting.due_at == datetime.fromisoformat(answer.json()["leavesAt"])
    world.context.clock.forward(seconds=100)
    await Releaser(world.context.engine, clock=world.context.clock).release()
    await world.settle()
    assert (await world.states())[other] == "PENDING"
    world.context.clock.forward(seconds=21)
    await Releaser(world.context.engine, clock=world.context.clock).release()
    await world.settle()
    assert (await world.states())[other] == "CLOSED"


async def test_killed_between_batches_it_goes_on_and_nothing_happens_twice(world: World) -> None:
    """Killed before any commit, and between batches: every job is closed by one decision."""
    world.batches_of(3)
    first = await world.place("post-0")
    others = [await world.place(f"post-{number}") for number in range(1, 11)]
    await world.decide(first, banned(world))
    (row,) = await world.rows()

    def die() -> None:
        raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            await world.worker(committing=die).advance(row.automation_id)
        assert not await world.automatic()
    assert await world.worker().advance(row.automation_id)
    assert len(await world.automatic()) == 3
    with pytest.raises(Killed):
        await world.worker(committing=die).advance(row.automation_id)
    await asyncio.gather(world.settle(), world.settle(), world.settle())
    await world.settle()
    made = await world.automatic()
    assert sorted(one.job_id for one in made) == sorted(others)
    (row,) = await world.rows()
    assert (row.state, row.closed) == ("COMPLETE", 10)


async def test_claims_during_a_sweep_keep_what_they_got(world: World) -> None:
    """Reviewers claim while jobs are cleared: what one holds is theirs to decide, and is closed by
    the sweep only after they gave it back."""
    world.batches_of(4)
    first = await world.place("post-0")
    others = [await world.place(f"post-{number}") for number in range(1, 21)]
    await world.decide(first, banned(world))

    async def claim() -> Any:
        answer = await world.admin.call("POST", f"/v1/queues/{world.queue}/claims")
        return answer.json() if answer.status_code == 200 else None

    claimed = [
        one for one in await asyncio.gather(claim(), world.settle(), claim(), claim()) if one
    ]
    states = await world.states()
    held = {one["job"]["id"] for one in claimed}
    assert {job for job in others if states[job] == "PENDING"} == held
    (row,) = await world.rows()
    assert (row.state, row.held) == ("RUNNING", len(held)) if held else row.state == "COMPLETE"
    decided = 0
    for one in claimed[:1]:
        body = {"leaseToken": one["lease"]["token"], "components": [{"type": "IGNORE"}]}
        answer = await world.admin.call("POST", f"/v1/jobs/{one['job']['id']}/decisions", body)
        assert answer.status_code == 201, answer.text
        decided += 1
    for one in claimed[1:]:
        header = {"X-Lease-Token": one["lease"]["token"]}
        await world.admin.call("DELETE", f"/v1/jobs/{one['job']['id']}/lease", headers=header)
    world.context.clock.forward(seconds=20)
    await world.settle()
    assert set((await world.states()).values()) == {"CLOSED"}
    assert len(await world.automatic()) == len(others) - decided
    assert [row.state for row in await world.rows()] == ["COMPLETE"]


async def test_what_is_held_for_long_is_left_to_its_holder(world: World) -> None:
    """After an hour the sweep ends, and says how many jobs it left."""
    first, other = await world.place("post-0"), await world.place("post-1")
    await world.decide(first, banned(world))
    answer = await world.admin.call("POST", f"/v1/queues/{world.queue}/claims")
    assert answer.json()["job"]["id"] == other
    await world.settle()
    world.context.clock.forward(hours=2)
    await world.settle()
    (row,) = await world.rows()
    assert (row.state, row.held, row.closed) == ("COMPLETE", 1, 0)
    assert (await world.states())[other] == "PENDING"


async def test_a_job_that_was_moved_with_the_ban_goes_on(world: World) -> None:
    """Who bans a user and moves the job wants it looked at: the others are cleared, not this."""
    await world.set_queue(clearReportsScope="ALL_QUEUES")
    first, other = await world.place("post-0"), await world.place("post-1")
    move = {"type": "MOVE", "queueId": world.other}
    decided = await world.decide(first, [move, banned(world)[0]])
    await world.settle()
    states = await world.states()
    assert (states[decided["movedTo"]], states[other]) == ("PENDING", "CLOSED")


async def test_later_reports_are_not_cleared(world: World) -> None:
    """What came after the decision is looked at by people."""
    first = await world.place("post-0")
    await world.decide(first, banned(world))
    world.context.clock.forward(minutes=5)
    late = await world.place("post-1")
    await world.settle()
    assert (await world.states())[late] == "PENDING"
