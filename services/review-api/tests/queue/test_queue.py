"""Queues: what their documents may say, removing them, marking them for oneself."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from coop_contracts.config import Kind, OrgSettings, Policy
from coop_contracts.permission import Role
from coop_queues.store import Ranking
from coop_queues.table import jobs
from coop_review_api.automation.worker import AutomationLimits, AutomationWorker
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.queue import removal
from coop_review_api.queue.table import removed_queues
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


class Killed(BaseException):
    """The process died here."""


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def pending(engine: Any, org_id: str) -> dict[str, list[str]]:
    """Items of pending jobs, by queue."""
    query = select(jobs.c.queue_id, jobs.c.item_id).where(
        jobs.c.org_id == org_id, jobs.c.state == "PENDING"
    )
    found: dict[str, list[str]] = {}
    async with transaction(engine) as connection:
        for queue_id, item_id in await connection.execute(query.order_by(jobs.c.item_id)):
            found.setdefault(queue_id, []).append(item_id)
    return found


async def drained(engine: Any, org_id: str, worker: AutomationWorker) -> None:
    """Moves until nothing of this organisation is due."""
    for _ in range(200):
        await worker.move()
        query = select(removed_queues.c.due_at).where(removed_queues.c.org_id == org_id)
        async with transaction(engine) as connection:
            due = list(await connection.scalars(query))
        if all(at > worker._clock() for at in due):
            return
    raise AssertionError("still due after 200 batches")


def worker_of(context: Any, *, jobs: int = 50, **more: Any) -> AutomationWorker:
    """A worker whose batches are of so many jobs."""
    limits = AutomationLimits(jobs=jobs)
    order = context.part(Desk).order
    return AutomationWorker(context.engine, order, clock=context.clock, limits=limits, **more)


@pytest.fixture
def worker(context: Any) -> AutomationWorker:
    return worker_of(context)


async def test_a_queues_document_is_whole(admin: Any, kit: Any) -> None:
    """Everything a queue may say is kept and shown as it was said."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    action = (await admin.make("/v1/actions", kit.action(post)))["id"]
    body = {
        "name": "Spam",
        "description": "What looks like spam",
        "isAppealsQueue": False,
        "hiddenActionIds": [],
        "reviewerIds": [admin.user_id],
        "order": "WEIGHTED",
        "weights": {"report": 5.0, "reporter": 10.0, "severity": 0.0},
        "targetMinutes": 60,
        "isPaused": True,
        "autoCloseJobs": True,
        "clearReportsDisposition": "SAME_ACTION",
        "clearReportsScope": "ALL_QUEUES",
        "clearReportsTriggerActionIds": [action],
        "secondReviewShare": 0.25,
    }
    made = await admin.make("/v1/queues", body)
    assert {name: made[name] for name in body} == body
    listed = (await admin.call("GET", "/v1/queues")).json()["items"]
    assert next(one for one in listed if one["id"] == made["id"]) == made
    plain = {"name": "Spam"}
    again = (await admin.call("PUT", f"/v1/queues/{made['id']}", plain)).json()
    assert (again["order"], again["targetMinutes"], again["isPaused"]) == (
        "OLDEST_FIRST",
        None,
        False,
    )
    used = await admin.call("DELETE", f"/v1/actions/{action}")
    assert used.status_code == 204, "nothing refers to it any more"


async def test_every_fault_of_a_queue_has_its_pointer(admin: Any, kit: Any, org: Any) -> None:
    """Bounds, unknown references, and what does not go together, each at its field."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    action = (await admin.make("/v1/actions", kit.action(post)))["id"]
    wrong = {
        "name": "Wrong",
        "order": "WEIGHTED",
        "weights": {"report": -1.0},
        "targetMinutes": 0,
        "secondReviewShare": 1.5,
        "clearReportsDisposition": "IGNORE",
    }
    assert pointers(await admin.call("POST", "/v1/queues", wrong)) == [
        "/targetMinutes",
        "/weights/report",
        "/secondReviewShare",
        "/clearReportsTriggerActionIds",
    ]
    weightless = {"name": "Wrong", "order": "WEIGHTED"}
    assert pointers(await admin.call("POST", "/v1/queues", weightless)) == ["/weights"]
    triggers = {
        "name": "Wrong",
        "hiddenActionIds": [action],
        "clearReportsDisposition": "AUTOMATIC_CLOSE",
        "clearReportsTriggerActionIds": [action, "nothing", org.action_ids["ENQUEUE_TO_MRT"]],
    }
    assert pointers(await admin.call("POST", "/v1/queues", triggers)) == [
        "/clearReportsTriggerActionIds/1",
        "/clearReportsTriggerActionIds/0",
        "/clearReportsTriggerActionIds/2",
    ]
    alone = {"name": "Wrong", "clearReportsTriggerActionIds": [action]}
    assert pointers(await admin.call("POST", "/v1/queues", alone)) == [
        "/clearReportsTriggerActionIds"
    ]
    appeals = {
        "name": "Wrong",
        "isAppealsQueue": True,
        "autoCloseJobs": True,
        "clearReportsDisposition": "IGNORE",
        "clearReportsTriggerActionIds": [action],
    }
    assert pointers(await admin.call("POST", "/v1/queues", appeals)) == [
        "/clearReportsDisposition",
        "/autoCloseJobs",
    ]
    reviewers = {"name": "Wrong", "reviewerIds": ["nobody"]}
    assert pointers(await admin.call("POST", "/v1/queues", reviewers)) == ["/reviewerIds/0"]
    unknown = {"name": "Wrong", "order": "ALPHABETICAL"}
    assert pointers(await admin.call("POST", "/v1/queues", unknown)) == ["/order"]
    clearing = {
        "name": "Clearing",
        "clearReportsDisposition": "IGNORE",
        "clearReportsTriggerActionIds": [action],
    }
    await admin.make("/v1/queues", clearing)
    used = await admin.call("DELETE", f"/v1/actions/{action}")
    assert (used.status_code, used.json()["usedBy"]) == (409, ["queue Clearing"])
    late = {"name": "Law", "reviewWithinMinutes": 0}
    assert pointers(await admin.call("POST", "/v1/policies", late)) == ["/reviewWithinMinutes"]
    law = await admin.make("/v1/policies", {"name": "Law", "reviewWithinMinutes": 60})
    assert law["reviewWithinMinutes"] == 60


async def test_a_default_queue_is_changed_by_making_another_one(admin: Any, org: Any) -> None:
    """The old default is one no longer and can go; there is never none, and never two."""
    made = await admin.make(
        "/v1/queues", {"name": "New", "isDefaultQueue": True, "openToEveryone": True}
    )
    old = (await admin.call("GET", f"/v1/queues/{org.default_queue_id}")).json()
    assert (made["isDefaultQueue"], old["isDefaultQueue"]) == (True, False)
    none = await admin.call(
        "PUT", f"/v1/queues/{made['id']}", {"name": "New", "isDefaultQueue": False}
    )
    assert pointers(none) == ["/isDefaultQueue"]
    assert (await admin.call("DELETE", f"/v1/queues/{made['id']}")).status_code == 409
    assert (await admin.call("DELETE", f"/v1/queues/{old['id']}")).status_code == 204


async def test_a_queue_with_jobs_goes_only_when_they_go_on(
    admin: Any,
    org: Any,
    kit: Any,
    place: Any,
    engine: Any,
    context: Any,
) -> None:
    """Without moveTo it is 409 and says how much is in it; with it every job goes on, also when the
    mover is killed in between, also what arrives late; leases end, and their holders are told."""
    worker = worker_of(context, jobs=2)
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    queue = (await admin.make("/v1/queues", {"name": "Going", "openToEveryone": True}))["id"]
    target = (await admin.make("/v1/queues", {"name": "Staying", "openToEveryone": True}))["id"]
    for number in range(5):
        await place(queue, post, f"post-{number}")
    await place(target, post, "post-3")  # the two become one
    claim = (await admin.call("POST", f"/v1/queues/{queue}/claims")).json()
    refused = await admin.call("DELETE", f"/v1/queues/{queue}")
    assert refused.status_code == 409
    assert "5 jobs are in this queue, 1 of them in somebody's hands" in refused.json()["detail"]
    wrong = await admin.call("DELETE", f"/v1/queues/{queue}?moveTo={org.appeals_queue_id}")
    assert pointers(wrong) == ["#/query/moveTo"]
    unknown = await admin.call("DELETE", f"/v1/queues/{queue}?moveTo=nothing")
    assert pointers(unknown) == ["#/query/moveTo"]
    gone = await admin.call("DELETE", f"/v1/queues/{queue}?moveTo={target}")
    assert gone.status_code == 204, gone.text
    assert (await admin.call("GET", f"/v1/queues/{queue}")).status_code == 404

    def die() -> None:
        raise Killed

    killed = worker_of(context, jobs=2, committing=die)
    for _ in range(3):
        with pytest.raises(Killed):
            await killed.move()
    assert len((await pending(engine, org.org_id))[queue]) == 5
    await worker.move()
    await asyncio.gather(*(drained(engine, org.org_id, worker) for _ in range(3)))
    everything = [f"post-{number}" for number in range(5)]
    assert await pending(engine, org.org_id) == {target: everything}
    body = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
    job = f"/v1/jobs/{claim['job']['id']}"
    late = await admin.call("POST", f"{job}/decisions", body)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/already-closed")
    assert "goes on in another one" in late.json()["detail"]
    lease = {"leaseToken": claim["lease"]["token"]}
    assert (await admin.call("POST", f"{job}/lease/extend", lease)).status_code == 409
    await place(queue, post, "straggler")  # by a router that has not heard yet
    worker._clock.forward(seconds=30)  # type: ignore[attr-defined]
    await drained(engine, org.org_id, worker)
    assert await pending(engine, org.org_id) == {target: [*everything, "straggler"]}
    (shown,) = (await admin.call("GET", "/v1/removed-queues")).json()["items"]
    assert (shown["id"], shown["moved"], shown["pending"]) == (queue, 6, 0)
    taken = (await admin.call("POST", f"/v1/queues/{target}/claims")).json()
    assert taken["job"]["itemId"] == "post-0", "it kept its turn"


async def test_a_reviewer_is_told_that_their_queue_went(
    admin: Any, sign_in: Any, org: Any, kit: Any, place: Any, engine: Any, worker: AutomationWorker
) -> None:
    """Who holds a job of a removed queue gets 409, not 404, even without seeing other queues."""
    moderator = await sign_in(Role.MODERATOR)
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    private = {"name": "Going", "reviewerIds": [moderator.user_id]}
    queue = (await admin.make("/v1/queues", private))["id"]
    await place(queue, post)
    claim = (await moderator.call("POST", f"/v1/queues/{queue}/claims")).json()
    gone = await admin.call("DELETE", f"/v1/queues/{queue}?moveTo={org.default_queue_id}")
    assert gone.status_code == 204
    job, token = f"/v1/jobs/{claim['job']['id']}", claim["lease"]["token"]
    lease = {"leaseToken": token}
    assert (await moderator.call("POST", f"{job}/lease/extend", lease)).status_code == 409
    await drained(engine, org.org_id, worker)
    assert (await moderator.call("POST", f"{job}/skip", lease)).status_code == 409
    body = {**lease, "components": [{"type": "IGNORE"}]}
    assert (await moderator.call("POST", f"{job}/decisions", body)).status_code == 409


async def test_what_names_a_queue_keeps_it(
    admin: Any, org: Any, kit: Any, engine: Any, clock: Any
) -> None:
    """A queue that a routing rule or the settings name is not removed, moveTo or not."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    queue = (await admin.make("/v1/queues", {"name": "Named", "openToEveryone": True}))["id"]
    rule = {
        "name": "To it",
        "itemTypeIds": [post],
        "conditionSet": kit.contains(strings=["x"]),
        "destinationQueueId": queue,
    }
    rule_id = (await admin.make("/v1/routing-rules", rule))["id"]
    path = f"/v1/queues/{queue}?moveTo={org.default_queue_id}"
    refused = await admin.call("DELETE", path)
    assert (refused.status_code, refused.json()["usedBy"]) == (409, ["routing-rule To it"])
    contents = (await admin.call("GET", f"/v1/queues/{queue}/contents")).json()
    assert contents["usedBy"] == ["routing-rule To it"]
    await admin.call("DELETE", f"/v1/routing-rules/{rule_id}")
    async with transaction(engine) as connection:
        configuration = await lock(connection, org.org_id, author="test", clock=clock)
        document = OrgSettings(id=SETTINGS_ID, name="Acme", ncmec_queue_id=queue)
        await configuration.save(Kind.SETTINGS, document)
    assert (await admin.call("DELETE", path)).json()["usedBy"] == ["settings Acme"]


async def test_a_removed_queue_leads_on_through_others(
    admin: Any, org: Any, kit: Any, place: Any, engine: Any, worker: AutomationWorker
) -> None:
    """When the chosen queue goes as well, jobs go where that one's went; else to the default."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    first, second, third = [
        (await admin.make("/v1/queues", {"name": name, "openToEveryone": True}))["id"]
        for name in ("One", "Two", "Three")
    ]
    await place(first, post, "post-1")
    await place(second, post, "post-2")
    assert (await admin.call("DELETE", f"/v1/queues/{first}?moveTo={second}")).status_code == 204
    assert (await admin.call("DELETE", f"/v1/queues/{second}?moveTo={third}")).status_code == 204
    await drained(engine, org.org_id, worker)
    assert await pending(engine, org.org_id) == {third: ["post-1", "post-2"]}
    empty = (await admin.make("/v1/queues", {"name": "Four", "openToEveryone": True}))["id"]
    assert (await admin.call("DELETE", f"/v1/queues/{empty}")).status_code == 204
    await place(empty, post, "post-4")
    worker._clock.forward(seconds=30)  # type: ignore[attr-defined]
    await drained(engine, org.org_id, worker)
    assert (await pending(engine, org.org_id))[org.default_queue_id] == ["post-4"]


async def test_a_restored_queue_keeps_what_it_has(
    admin: Any, org: Any, kit: Any, place: Any, engine: Any, worker: AutomationWorker
) -> None:
    """Restored before everything went on, it keeps the rest and gets new jobs."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    made = await admin.make("/v1/queues", {"name": "Back", "openToEveryone": True})
    await place(made["id"], post, "post-1")
    path = f"/v1/queues/{made['id']}"
    gone = await admin.call("DELETE", f"{path}?moveTo={org.default_queue_id}")
    assert gone.status_code == 204
    back = await admin.call("POST", f"{path}/revisions/{made['revision']}/restore")
    assert back.status_code == 200, back.text
    await drained(engine, org.org_id, worker)
    assert await pending(engine, org.org_id) == {made["id"]: ["post-1"]}


async def test_favourites_are_each_their_own(admin: Any, sign_in: Any, org: Any, kit: Any) -> None:
    """Marked twice is marked once; nobody sees another's; a queue that went is in no list."""
    moderator = await sign_in(Role.MODERATOR)
    queue = (await admin.make("/v1/queues", {"name": "Mine", "openToEveryone": True}))["id"]
    for one in (queue, queue, org.default_queue_id):
        assert (await moderator.call("PUT", f"/v1/queues/{one}/favourite")).status_code == 204
    listed = (await moderator.call("GET", "/v1/favourites")).json()
    assert listed == {"items": [queue, org.default_queue_id]}
    assert (await admin.call("GET", "/v1/favourites")).json() == {"items": []}
    path = f"/v1/queues/{org.default_queue_id}/favourite"
    assert (await moderator.call("DELETE", path)).status_code == 204
    assert (await moderator.call("DELETE", path)).status_code == 204
    assert (await moderator.call("GET", "/v1/favourites")).json() == {"items": [queue]}
    assert (await admin.call("DELETE", f"/v1/queues/{queue}")).status_code == 204
    assert (await moderator.call("GET", "/v1/favourites")).json() == {"items": []}
    stranger = (await kit.make_org()).default_queue_id
    path = f"/v1/queues/{stranger}/favourite"
    assert (await moderator.call("PUT", path)).status_code == 404


async def test_contents_need_permission_and_hide_child_safety(
    admin: Any, sign_in: Any, org: Any, kit: Any, place: Any
) -> None:
    """Only who edits queues sees what is in one; how much is child safety, only who may."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    await place(org.default_queue_id, post, csam=True)
    path = f"/v1/queues/{org.default_queue_id}/contents"
    assert (await admin.call("GET", path)).json()["childSafety"] == 1
    moderator = await sign_in(Role.MODERATOR)
    assert (await moderator.call("GET", path)).status_code == 403


async def test_counts_say_what_is_overdue(
    admin: Any, org: Any, kit: Any, place: Any, context: Any
) -> None:
    """How many jobs are past their deadline, and when the next one is."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    law = (await admin.make("/v1/policies", {"name": "Law", "reviewWithinMinutes": 60}))["id"]
    queue = org.default_queue_id
    now = (await admin.call("GET", f"/v1/queues/{queue}/counts")).json()
    assert (now["pending"], now["overdue"], now["nextDeadline"]) == (0, 0, None)
    ranking = Ranking.of(None, [Policy(id=law, name="Law", review_within_minutes=60)], revision=1)
    await place(queue, post)
    context.clock.forward(hours=-2)
    late = context.clock() + timedelta(hours=1)
    await place(queue, post, policy_ids=(law,), ranking=ranking)
    context.clock.forward(hours=2)
    now = (await admin.call("GET", f"/v1/queues/{queue}/counts")).json()
    assert (now["pending"], now["overdue"]) == (2, 1)
    deadline = datetime.fromisoformat(now["nextDeadline"])
    assert abs(deadline - late) < timedelta(minutes=1)


async def test_what_fails_for_ever_is_tried_ever_more_rarely_and_counted(
    admin: Any, context: Any, place: Any, org: Any, kit: Any, monkeypatch: Any, clock: Any
) -> None:
    """A removed queue whose batches fail is looked at again after half a minute, later every ten
    minutes, never given up, and each time is counted for the alarm; then its jobs go on."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    gone = (await admin.make("/v1/queues", {"name": "Gone", "openToEveryone": True}))["id"]
    kept = (await admin.make("/v1/queues", {"name": "Kept", "openToEveryone": True}))["id"]
    await place(gone, post)
    answer = await admin.call("DELETE", f"/v1/queues/{gone}?moveTo={kept}")
    assert answer.status_code == 204, answer.text
    carry_out, worker = removal.carry_out, worker_of(context)

    async def fail(connection: Any, row: Any, **more: Any) -> Any:
        if row.queue_id == gone:
            raise ValueError("a defect")
        return await carry_out(connection, row, **more)

    def failures() -> float:
        labels = {"kind": "REMOVED_QUEUE"}
        return REGISTRY.get_sample_value("coop_review_automation_failures_total", labels) or 0

    async def rest() -> float:
        """For how many seconds it is left alone after it was tried."""
        before = failures()
        for _ in range(200):
            await worker.move()
            if failures() > before:
                break
        query = select(removed_queues.c.due_at).where(removed_queues.c.queue_id == gone)
        async with transaction(context.engine) as connection:
            due: Any = await connection.scalar(query)
        return float((due - clock()).total_seconds())

    monkeypatch.setattr(removal, "carry_out", fail)
    assert await rest() == pytest.approx(30, abs=5)
    clock.forward(seconds=31)
    assert await rest() == pytest.approx(30, abs=5)
    clock.forward(days=1)
    assert await rest() == pytest.approx(600, abs=5)
    clock.forward(minutes=11)
    monkeypatch.undo()
    for _ in range(200):
        await worker.move()
        if gone not in await pending(context.engine, org.org_id):
            break
    assert list(await pending(context.engine, org.org_id)) == [kept]


def test_looks_become_rarer() -> None:
    """A removed queue is looked at every few seconds at first, every ten minutes in the end."""
    assert removal.next_look(timedelta(0)) == timedelta(seconds=2)
    assert removal.next_look(timedelta(minutes=10)) == timedelta(minutes=1)
    assert removal.next_look(timedelta(days=30)) == timedelta(minutes=10)
