"""Live events of a page at work: its session, the configuration, tasks, comments, presence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from coop_contracts.permission import Role
from coop_review_api.http.openapi import document
from coop_review_api.live.event import LiveEvents
from coop_review_api.live.hub import Hub
from coop_review_api.live.presence import Presence, PresenceLimits
from coop_review_api.process.application import build

from ..world.application import application_of
from .test_live import listening

pytestmark = pytest.mark.engines


@pytest.fixture
def app(context: Any) -> Any:
    """The application, whose streams last."""
    hub = context.part(Hub)
    hub.limits = replace(hub.limits, lifetime=3600)
    return application_of(context)


@pytest.fixture
async def job(admin: Any, kit: Any, place: Any, org: Any) -> str:
    """A job of the default queue, which moderators review in."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    return str(await place(org.default_queue_id, post))


async def test_events_are_described() -> None:
    """Each that is sent has a schema of its name in the description."""
    models = document(build(None))["components"]["schemas"]  # type: ignore[arg-type]
    assert set(models["LiveEvents"]["properties"]) == set(LiveEvents.__struct_fields__)
    for name in ("SessionEvent", "PresenceEvent", "Task", "HeldJob", "PersonHere"):
        assert models[name]["properties"]


async def test_a_page_hears_of_its_session_and_of_changes_of_the_configuration(
    app: Any, admin: Any, clock: Any
) -> None:
    """A revision for whatever is saved; and when the session would end."""
    async with listening(app, admin) as (page, _):
        await page.until("session", lambda data: data is not None)
        assert page.latest("build") == {"id": "build-1"}
        before = page.latest("session")
        shown = (await admin.call("GET", "/v1/session")).json()
        for name in ("expiresAt", "idleExpiresAt"):
            assert datetime.fromisoformat(before[name]) == datetime.fromisoformat(shown[name])
        policy = await admin.make("/v1/policies", {"name": "Spam"})
        await page.until("config", lambda data: data["revision"] == policy["revision"])
        clock.forward(minutes=5)
        await admin.call("GET", "/v1/policies")
        await page.until(
            "session",
            lambda data: (
                datetime.fromisoformat(data["idleExpiresAt"])
                >= datetime.fromisoformat(before["idleExpiresAt"]) + timedelta(minutes=4)
            ),
        )


async def test_a_page_hears_of_what_its_person_set_in_motion(
    app: Any, admin: Any, sign_in: Any, kit: Any, clock: Any
) -> None:
    """An export, a backtest, a bulk action once it is confirmed; nobody else's; and no more ten
    minutes after the end."""
    other = await sign_in(Role.ADMIN)
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    action = (await admin.make("/v1/actions", kit.action(post)))["id"]

    def kinds(data: Any) -> list[str]:
        return [one["kind"] for one in data["items"]]

    async with listening(app, admin) as (page, _), listening(app, other) as (others, _):
        await page.until("tasks", lambda data: data == {"items": []})
        made = (await admin.call("POST", "/v1/decision-log/exports", {"format": "CSV"})).json()
        await page.until("tasks", lambda data: kinds(data) == ["EXPORT"])
        (export,) = page.latest("tasks")["items"]
        assert (export["id"], export["state"], export["done"]) == (made["id"], "RUNNING", 0)
        rule = kit.rule(post, actionIds=[action])
        span = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
        await admin.call("POST", "/v1/backtests", {"rule": rule, **span})
        await page.until("tasks", lambda data: kinds(data) == ["EXPORT", "BACKTEST"])
        order = {"itemTypeId": post, "actionIds": [action], "itemIds": ["a", "b"]}
        bulk = (await admin.call("POST", "/v1/bulk-actions", order)).json()["id"]
        assert "BULK_ACTION" not in kinds(page.latest("tasks"))
        confirmed = await admin.call("POST", f"/v1/bulk-actions/{bulk}/confirm", {})
        assert confirmed.status_code == 200, confirmed.text
        await page.until("tasks", lambda data: "BULK_ACTION" in kinds(data))
        (shown,) = [one for one in page.latest("tasks")["items"] if one["id"] == bulk]
        assert (shown["done"], shown["total"]) == (0, 2)
        await admin.call("POST", f"/v1/bulk-actions/{bulk}/cancel", {})
        await page.until("tasks", lambda data: "CANCELLED" in str(data))
        clock.forward(minutes=11)
        await page.until("tasks", lambda data: "BULK_ACTION" not in kinds(data))
        assert others.latest("tasks") == {"items": []}


async def test_a_page_hears_of_comments_on_what_is_open(
    app: Any, admin: Any, sign_in: Any, job: str
) -> None:
    """On a job that one holds, or has open; never what they say."""
    moderator = await sign_in(Role.MODERATOR)
    async with listening(app, moderator) as (page, _):
        await page.until("comments", lambda data: data == {"items": []})
        made = await admin.make(f"/v1/jobs/{job}/comments", {"body": "Look at this"})
        assert (await moderator.call("PUT", f"/v1/jobs/{job}/presence")).status_code == 200
        await page.until("comments", lambda data: data["items"] != [])
        (one,) = page.latest("comments")["items"]
        assert (one["jobId"], one["count"]) == (job, 1)
        path = f"/v1/jobs/{job}/comments/{made['id']}"
        assert (await admin.call("DELETE", path)).status_code == 204
        await page.until("comments", lambda data: data == {"items": []})
        assert "Look" not in page.body.decode()


async def test_people_know_who_else_has_a_job_open(
    app: Any, admin: Any, sign_in: Any, job: str, clock: Any
) -> None:
    """Until they leave, or say nothing for a while. One does not meet oneself."""
    moderator = await sign_in(Role.MODERATOR)
    path = f"/v1/jobs/{job}/presence"
    async with listening(app, moderator) as (page, _):
        assert (await moderator.call("PUT", path)).json() == {"peopleIds": [], "people": []}
        answer = await admin.call("PUT", path)
        assert answer.json()["people"] == [moderator.view("MODERATOR")]
        await page.until("presence", lambda data: data is not None and data["items"] != [])
        assert page.latest("presence") == {
            "items": [{"jobId": job, "people": [admin.view("ADMIN")]}]
        }
        assert (await admin.call("DELETE", path)).status_code == 204
        await page.until("presence", lambda data: data == {"items": []})
        await admin.call("PUT", path)
        await page.until("presence", lambda data: data["items"] != [])
        clock.forward(seconds=40)
        await moderator.call("PUT", path)
        clock.forward(seconds=6)
        await page.until("presence", lambda data: data == {"items": []})


async def test_only_who_may_see_a_job_meets_people_there(
    admin: Any, sign_in: Any, kit: Any, place: Any, job: str
) -> None:
    """A queue that is closed to somebody, another organisation's job, one that is not there: as if
    there were none, and nobody hears of them."""
    closed = await admin.make("/v1/queues", {"name": "C", "reviewerIds": [admin.user_id]})
    post = (await admin.call("GET", f"/v1/jobs/{job}")).json()["itemTypeId"]
    hidden = await place(closed["id"], post)
    moderator = await sign_in(Role.MODERATOR)
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    for person, one in ((moderator, hidden), (stranger, job), (moderator, "nothing")):
        for method in ("PUT", "DELETE"):
            answer = await person.call(method, f"/v1/jobs/{one}/presence")
            assert answer.status_code == 404, answer.text
    assert (await admin.call("PUT", f"/v1/jobs/{hidden}/presence")).json()["people"] == []
    assert (await admin.call("PUT", f"/v1/jobs/{job}/presence")).json()["people"] == []


async def test_whoever_has_a_job_open_may_always_leave_it(
    admin: Any, sign_in: Any, place: Any, job: str
) -> None:
    """Also when they may not see it any longer: once, and then it is as if there were none."""
    queue = await admin.make("/v1/queues", {"name": "Opened", "openToEveryone": True})
    post = (await admin.call("GET", f"/v1/jobs/{job}")).json()["itemTypeId"]
    path = f"/v1/jobs/{await place(queue['id'], post)}/presence"
    moderator = await sign_in(Role.MODERATOR)
    assert (await moderator.call("PUT", path)).status_code == 200
    closed = {"name": "Opened", "reviewerIds": [admin.user_id]}
    assert (await admin.call("PUT", f"/v1/queues/{queue['id']}", closed)).status_code == 200
    assert (await moderator.call("PUT", path)).status_code == 404
    assert (await admin.call("PUT", path)).json()["peopleIds"] == [moderator.user_id]
    assert (await moderator.call("DELETE", path)).status_code == 204
    assert (await admin.call("PUT", path)).json()["peopleIds"] == []
    assert (await moderator.call("DELETE", path)).status_code == 404


async def test_without_redis_nobody_is_anywhere(
    app: Any, context: Any, admin: Any, sign_in: Any, job: str, clock: Any
) -> None:
    """And nobody is hindered: pages are told all else."""
    away = Presence(Redis.from_url("redis://127.0.0.1:1"), clock=clock, limits=PresenceLimits())
    await away.enter(job, "p1")
    await away.leave(job, "p1")
    assert (await away.of(["p1"]), await away.at([job])) == ({}, {})
    context.part(Hub)._presence = away
    moderator = await sign_in(Role.MODERATOR)
    async with listening(app, moderator) as (page, _):
        await page.until("presence", lambda data: data == {"items": []})
    del admin


async def test_places_and_people_are_bounded(redis: Redis, clock: Any) -> None:
    """Somebody is at so many jobs at most: those named last; so many people are named at one."""
    limits = PresenceLimits(lasts=45, jobs=3, people=2)
    presence = Presence(redis, clock=clock, limits=limits)
    for number in range(5):
        clock.forward(seconds=1)
        await presence.enter(f"job-{number}", "p1")
    assert await presence.of(["p1", "p2"]) == {"p1": {"job-2", "job-3", "job-4"}}
    for number in range(4):
        await presence.enter("job-4", f"q{number}")
    assert len((await presence.at(["job-4"]))["job-4"]) == 2
    assert 0 < await redis.ttl("coop:presence:job:job-4") <= 46
