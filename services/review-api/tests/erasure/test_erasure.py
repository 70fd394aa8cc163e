"""The erasure of end users: nothing of them is left, nothing comes back, and nobody else loses
anything. On the real engines; the dispatcher, whose part its own tests show, answers as a test
says."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from coop_contracts.event import ItemRef
from coop_contracts.permission import Role
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.history.store import ItemStore
from coop_runtime.database.engine import engine_of
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.message import Received

from ..world.clock import Clock
from ..world.evaluation import Evaluated
from .erasure_world import (
    AnsweringBridge,
    AnsweringDispatcher,
    Everywhere,
    carried_out,
    left_in_database,
    left_in_redis,
    planted,
    worker_of,
)

pytestmark = pytest.mark.engines


@pytest.fixture
def later() -> Clock:
    """The worker's clock."""
    return Clock()


@pytest.fixture
def told() -> AnsweringDispatcher:
    return AnsweringDispatcher()


@pytest.fixture
async def dispatch(told: AnsweringDispatcher) -> AsyncIterator[Dispatch]:
    made = Dispatch("http://dispatch", "token", transport=httpx.MockTransport(told))
    yield made
    await made.aclose()


@pytest.fixture
async def history(review_url: str) -> AsyncIterator[ItemStore]:
    """The history's writer, on connections of its own."""
    engine = engine_of(review_url, pool_size=2, application_name="test-history")
    yield ItemStore(engine, Partitions(engine))
    await engine.dispose()


@pytest.fixture
async def everywhere(
    admin: Any, context: Any, org: Any, kit: Any, history: ItemStore
) -> Everywhere:
    type_id = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    await admin.make("/v1/rules", kit.rule(type_id, status="LIVE"))
    unique = uuid.uuid4().hex
    return Everywhere(
        world=Evaluated(admin, context, org.org_id, kit),
        admin=admin,
        org=org,
        user=ItemRef(f"user-{unique}", org.default_user_type_id),
        post=ItemRef(f"post-{unique}", type_id),
        marker=f"marker{unique}",
        queue_id=org.default_queue_id,
        type_id=type_id,
        history=history,
    )


async def asked(me: Everywhere, *users: ItemRef) -> dict[str, Any]:
    wanted = [{"typeId": user.type_id, "id": user.id} for user in users or (me.user,)]
    made: dict[str, Any] = await me.admin.make("/v1/erasures", {"users": wanted, "reason": "asked"})
    return made


async def report(me: Everywhere, erasure: dict[str, Any]) -> dict[str, Any]:
    answer = await me.admin.call("GET", f"/v1/erasures/{erasure['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_nothing_of_a_user_is_left(
    everywhere: Everywhere,
    context: Any,
    later: Clock,
    dispatch: Any,
    told: AnsweringDispatcher,
    review_admin_url: str,
    redis: Any,
) -> None:
    """A marker in every field in which their data can be, and their id, are found everywhere
    before, and nowhere afterwards: in no table of either schema, in no key or value of Redis."""
    me = everywhere
    await planted(me)
    before = left_in_database(review_admin_url, me.marker)
    assert {table.split("_p2")[0] for table in before} >= {
        "review.item_versions",
        "review.kept_items",
        "review.recent_submissions",
        "review.submissions",
        "review.requested_actions",
        "review.comments",
        "review.user_notes",
        "review.decisions",
        "review.job_drafts",
        "review.log_export_chunks",
        "review.backtest_samples",
        "review.golden_items",
        "review.second_reviews",
        "queues.entries",
        "queues.job_items",
    }
    tables = left_in_database(review_admin_url, me.user.id)
    assert {"review.bulk_items", "review.automations", "queues.jobs"} <= tables
    assert any(table.startswith("review.evaluations_p") for table in tables)
    erasure = await asked(me)
    assert erasure["state"] == "RUNNING"
    seen = AnsweringBridge()
    await carried_out(worker_of(context, dispatch, later, seen=seen), later)
    assert left_in_database(review_admin_url, me.marker) == set()
    # Who of the organisation noted something on them: append-only, and said to stay.
    assert left_in_database(review_admin_url, me.user.id) <= {"review.audit_log"}
    assert await left_in_redis(redis, me.marker, me.user.id) == set()
    shown = await report(me, erasure)
    assert (shown["state"], shown["done"], shown["error"]) == ("COMPLETE", 1, None)
    erased = {one["kind"]: one["rows"] for one in shown["erased"]}
    assert {"item_versions", "evaluations", "comments", "decisions", "jobs", "webhooks"} <= set(
        erased
    )
    assert {one["kind"] for one in shown["stayed"]} == {
        "audit log",
        "child safety",
        "decisions",
        "numbers of jobs",
        "requested actions",
        "strikes",
        "topics",
    }
    for asked_of in (told, seen):
        items = [item for one in asked_of.asked for item in one.get("items", [])]
        assert {"id": me.post.id, "typeId": me.type_id} in items
    assert "seen media" in erased
    decisions = (await me.admin.call("GET", "/v1/decision-log")).json()["items"]
    named = {one["itemId"] for one in decisions if one["kind"] == "DECISION"}
    # Other organisations' erasures may be carried out by the same worker.
    (stand_in,) = named - {me.post.id}
    assert stand_in in {one["erased"]["standIn"]["id"] for one in told.asked}
    assert me.post.id in named


async def test_killed_anywhere_it_is_finished_by_the_next_process(
    everywhere: Everywhere, context: Any, later: Clock, dispatch: Any, review_admin_url: str
) -> None:
    """Each step by a process of its own, every other of which dies before it says that the step
    was done: the report comes to the same end."""

    class Killed(BaseException):
        pass

    class Mortal(type(worker_of(context, dispatch, later))):  # type: ignore[misc]
        async def _go_on(self, erasure: Any, user: Any) -> None:
            await super()._go_on(erasure, user)
            raise Killed

    me = everywhere
    await planted(me)
    erasure = await asked(me)
    steps = 0
    while (await report(me, erasure))["state"] == "RUNNING":
        steps += 1
        assert steps < 200
        worker = worker_of(context, dispatch, later)
        if steps % 2:
            worker.__class__ = Mortal
        try:
            if not await worker.step():
                later.forward(hours=2, minutes=1)
        except Killed:
            later.forward(minutes=6)  # its lease runs out
    assert left_in_database(review_admin_url, me.marker) == set()
    # Who of the organisation noted something on them: append-only, and said to stay.
    assert left_in_database(review_admin_url, me.user.id) <= {"review.audit_log"}


async def test_another_organisations_user_of_the_same_id_stays(
    everywhere: Everywhere,
    context: Any,
    later: Clock,
    dispatch: Any,
    review_admin_url: str,
    kit: Any,
    sign_in: Any,
) -> None:
    """Whatever an organisation erases, another one with the same ids has all that it had."""
    me, other_org = everywhere, await kit.make_org()
    other = Everywhere(
        world=Evaluated(None, context, other_org.org_id, kit),
        admin=None,
        org=other_org,
        user=me.user,
        post=me.post,
        marker=f"other-{me.marker}",
        queue_id=other_org.default_queue_id,
        type_id=me.type_id,
        history=me.history,
    )
    post, profile = other.item(me.post, me.user), other.item(me.user, None)
    await other.to_history(post, profile)
    await other.place(post, reporter=me.user)
    await other.place(profile)
    await other.request(me.post, me.user)
    await me.to_history(me.item(me.post, me.user))
    there = left_in_database(review_admin_url, other.marker, org_id=other_org.org_id)
    erasure = await asked(me)
    await carried_out(worker_of(context, dispatch, later), later)
    assert left_in_database(review_admin_url, other.marker, org_id=other_org.org_id) == there
    theirs = await sign_in(Role.ADMIN, other_org.org_id)
    assert (await theirs.call("GET", f"/v1/erasures/{erasure['id']}")).status_code == 404
    assert (await theirs.call("GET", f"/v1/erasures/{erasure['id']}/users")).status_code == 404
    assert (await theirs.call("GET", "/v1/erasures")).json()["items"] == []


async def test_what_is_about_child_safety_stays(
    everywhere: Everywhere,
    context: Any,
    later: Clock,
    dispatch: Any,
    review_admin_url: str,
    sign_in: Any,
) -> None:
    """An item that a job of child-abuse material holds stays whole, with everything about it, and
    the report says why, and to those who may see such how many; the user's other items go."""
    me = everywhere
    grave = ItemRef(f"grave-{me.post.id}", me.type_id)
    plain, evidence = me.item(me.post, me.user, "plain"), me.item(grave, me.user, "evidence")
    await me.to_history(plain, evidence)
    job = await me.place(evidence, csam=True)
    await me.place(plain)
    erasure = await asked(me)
    await carried_out(worker_of(context, dispatch, later), later)
    shown = await report(me, erasure)
    stayed = {one["kind"]: one for one in shown["stayed"]}
    assert stayed["child safety"]["items"] == 1
    assert "law" in stayed["child safety"]["why"]
    assert left_in_database(review_admin_url, f"{me.marker} plain") == set()
    kept = left_in_database(review_admin_url, f"{me.marker} evidence")
    assert "queues.job_items" in kept
    assert any(table.startswith("review.item_versions") for table in kept)
    role = {"name": "Erases", "permissions": ["ERASE_END_USERS"]}
    made = await me.admin.make("/v1/roles", role)
    person = await sign_in(made["id"])
    blind = (await person.call("GET", f"/v1/erasures/{erasure['id']}")).json()
    assert {one["kind"]: one["items"] for one in blind["stayed"]}["child safety"] is None
    of_users = (await person.call("GET", f"/v1/erasures/{erasure['id']}/users")).json()["items"]
    assert [one["grave"] for one in of_users] == [None]
    held = (await me.admin.call("GET", f"/v1/jobs/{job}")).json()
    assert held["state"] == "PENDING"
    assert held["payload"]["item"]["creator"]["id"] == me.user.id


async def test_what_comes_late_brings_nothing_back(
    everywhere: Everywhere, context: Any, later: Clock, dispatch: Any, review_admin_url: str
) -> None:
    """Events of before the erasure, read again after it, write nothing of the user; what the user
    sends afterwards is new, and is kept, the second round of the erasure included."""
    me = everywhere
    post = me.item(me.post, me.user, "old")
    long_ago = context.clock() - timedelta(minutes=10)
    await me.to_history(post, at=long_ago)
    await asked(me)
    worker = worker_of(context, dispatch, later)
    await carried_out(worker, later, rounds=1)
    assert await me.to_history(post, at=long_ago) == 0
    await me.request(me.post, me.user)
    projection = me.world.projection

    event = me.submitted(post, long_ago)
    await projection.submitted([Received(event, b"", event.topic, 0, 0, {}, -1)])
    await me.place(post, at=long_ago, reporter=me.user)
    assert left_in_database(review_admin_url, f"{me.marker} old") == set()
    new = me.item(ItemRef(f"new-{me.post.id}", me.type_id), me.user, "new")
    assert await me.to_history(new) == 1
    await me.place(new)
    await carried_out(worker, later)
    there = left_in_database(review_admin_url, f"{me.marker} new")
    assert any(table.startswith("review.item_versions") for table in there)
    assert "queues.job_items" in there


async def test_it_waits_for_webhooks_and_says_so(
    everywhere: Everywhere,
    context: Any,
    later: Clock,
    dispatch: Any,
    told: AnsweringDispatcher,
    engine: Any,
) -> None:
    """While webhooks are on their way it is not finished; a dispatcher that is away is named as the
    reason, and waited for."""
    me = everywhere
    told.away = True
    erasure = await asked(me)
    worker = worker_of(context, dispatch, later)
    await carried_out(worker, later, rounds=1)
    assert "dispatcher" in (await report(me, erasure))["error"]
    told.away, told.waiting = False, 2
    await carried_out(worker, later, rounds=3)
    shown = await report(me, erasure)
    assert (shown["state"], shown["error"]) == ("RUNNING", None)
    assert shown["waiting"] > 0
    told.waiting = 0
    await carried_out(worker, later, rounds=2)
    assert (await report(me, erasure))["state"] == "COMPLETE"


async def test_who_may_ask_and_what_is_refused(
    everywhere: Everywhere, sign_in: Any, kit: Any, review_admin_url: str
) -> None:
    """Administrators alone, unless a role is given the permission; each fault names its field. Who
    asked is in the audit log, the users' ids are not."""
    me = everywhere
    for role in Role:
        person = await sign_in(role)
        answer = await person.call("GET", "/v1/erasures")
        assert answer.status_code == (200 if role is Role.ADMIN else 403), role
    user = {"typeId": me.user.type_id, "id": me.user.id}
    for body, pointer in (
        ({"users": []}, "/users"),
        ({"users": [user] * 1001}, "/users"),
        ({"users": [{"typeId": "t"}]}, "/users/0/id"),
        ({"users": [user], "reason": "x" * 501}, "/reason"),
    ):
        assert kit.pointers(await me.admin.call("POST", "/v1/erasures", body)) == [pointer]
    erasure = await asked(me, me.user, me.user)
    assert erasure["total"] == 1
    for state, ids in (("RUNNING", [erasure["id"]]), ("COMPLETE", [])):
        found = (await me.admin.call("GET", f"/v1/erasures?state={state}")).json()["items"]
        assert [one["id"] for one in found] == ids
    users = (await me.admin.call("GET", f"/v1/erasures/{erasure['id']}/users")).json()["items"]
    assert [one["state"] for one in users] == ["WAITING"]
    assert users[0]["standIn"].startswith("erased-")
    again = await asked(me)
    users_again = await me.admin.call("GET", f"/v1/erasures/{again['id']}/users")
    assert users_again.json()["items"][0]["standIn"] == users[0]["standIn"]
    with psycopg.connect(review_admin_url) as connection:
        logged = connection.execute(
            "SELECT target_id, detail::text FROM review.audit_log"
            " WHERE action = 'erasure.requested' AND org_id = %s",
            (me.org.org_id,),
        ).fetchall()
    assert len(logged) == 2
    assert me.user.id not in str(logged)
