"""More time for whoever is about to take a decision back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from coop_contracts.event import ActionRequested
from coop_contracts.permission import Role
from coop_review_api.review.hold import Releaser

from .test_enforcement import Desk, configure, desk, sent

pytestmark = pytest.mark.engines
__all__ = ["desk"]


async def test_who_is_at_the_button_has_more_time_and_not_without_end(
    desk: Desk, place: Any, engine: Any, clock: Any
) -> None:
    """Extended, a decision leaves two windows from then, and is undone past its first one. Whoever
    asks again and again has ten windows, and then it leaves."""
    await configure(engine, clock, desk.org_id, undo_window=11)
    await place(desk.queue, desk.post, "post-1")
    await place(desk.queue, desk.post, "post-2")
    acted = [{"type": "CUSTOM_ACTION", "actionIds": [desk.remove]}]
    first = await desk.decide(desk.queue, acted)
    path = f"/v1/decisions/{first['id']}"
    releaser = Releaser(engine, clock=clock)
    clock.forward(seconds=6)
    before = clock()
    answer = await desk.moderator.call("POST", f"{path}/undo-window/extend")
    assert answer.status_code == 200, answer.text
    until = datetime.fromisoformat(answer.json()["leavesAt"])
    assert before <= until - timedelta(seconds=22) <= clock()
    shown = (await desk.moderator.call("GET", path)).json()
    assert datetime.fromisoformat(shown["leavesAt"]) == until
    clock.forward(seconds=6)
    assert await releaser.release() == 0
    assert (await desk.moderator.call("POST", f"{path}/undo")).status_code == 200
    second = await desk.decide(desk.queue, acted)
    path = f"/v1/decisions/{second['id']}"
    while answer.status_code == 200:
        until = datetime.fromisoformat(answer.json()["leavesAt"])
        clock.forward(seconds=4)
        await releaser.release()
        answer = await desk.moderator.call("POST", f"{path}/undo-window/extend")
    assert answer.status_code == 409
    assert until == datetime.fromisoformat(second["decidedAt"]) + timedelta(seconds=11 + 110)
    [request] = await sent(engine, desk.org_id, ActionRequested)
    assert request.cause_id == second["id"]
    assert (await desk.moderator.call("POST", f"{path}/undo")).status_code == 409


async def test_a_long_window_is_extended_by_two_minutes_at_most(
    desk: Desk, place: Any, engine: Any, clock: Any
) -> None:
    """What acts on somebody is not put off by hours."""
    await configure(engine, clock, desk.org_id, undo_window=600)
    await place(desk.queue, desk.post, "post-1")
    decided = await desk.decide(desk.queue, [{"type": "IGNORE"}])
    clock.forward(seconds=599)
    path = f"/v1/decisions/{decided['id']}/undo-window/extend"
    answer = await desk.moderator.call("POST", path)
    until = datetime.fromisoformat(answer.json()["leavesAt"])
    assert until == datetime.fromisoformat(decided["leavesAt"]) + timedelta(seconds=120)


async def test_only_who_decided_has_more_time(
    desk: Desk, place: Any, engine: Any, clock: Any, sign_in: Any
) -> None:
    """Nobody else puts off what was decided, not even who may undo it; what was undone, has left or
    moved has none to extend."""
    await configure(engine, clock, desk.org_id, undo_window=60)
    await place(desk.queue, desk.post, "post-1")
    decided = await desk.decide(desk.queue, [{"type": "IGNORE"}])
    path = f"/v1/decisions/{decided['id']}/undo-window/extend"
    other = await sign_in(Role.MODERATOR)
    assert (await other.call("POST", path)).status_code == 403
    assert (await desk.admin.call("POST", path)).status_code == 403
    unknown = path.replace(decided["id"], "nowhere")
    assert (await desk.moderator.call("POST", unknown)).status_code == 404
    await desk.moderator.call("POST", f"/v1/decisions/{decided['id']}/undo")
    assert (await desk.moderator.call("POST", path)).status_code == 409
    again = await desk.decide(desk.queue, [{"type": "IGNORE"}])
    clock.forward(seconds=61)
    late = await desk.moderator.call("POST", path.replace(decided["id"], again["id"]))
    assert late.status_code == 409, "before the releaser has looked at it, too"


async def test_extending_and_leaving_at_once_is_one_of_the_two(
    desk: Desk, place: Any, engine: Any, clock: Any
) -> None:
    """Twenty decisions extended at the moment they leave: each was sent, or is held, never both."""
    await configure(engine, clock, desk.org_id, undo_window=60)
    for number in range(20):
        await place(desk.queue, desk.post, f"post-{number}")
    acted = [{"type": "CUSTOM_ACTION", "actionIds": [desk.remove]}]
    made = [await desk.decide(desk.queue, acted) for _ in range(20)]
    clock.forward(seconds=59)
    late = Releaser(engine, clock=lambda: clock() + timedelta(seconds=2))
    extending = [
        desk.moderator.call("POST", f"/v1/decisions/{one['id']}/undo-window/extend") for one in made
    ]
    answers, *_ = await asyncio.gather(asyncio.gather(*extending), late.release())
    await late.release()
    held = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(await sent(engine, desk.org_id, ActionRequested)) == 20 - held
