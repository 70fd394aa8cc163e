"""The undo window, bulk actions and reversals."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, text

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import ActionRequested, DecisionMade, EffectsReversed, ReviewRequested
from coop_contracts.permission import Role
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.enforcement import bulk_store, pace
from coop_review_api.enforcement.table import bulk_items
from coop_review_api.enforcement.worker import BulkWorker
from coop_review_api.kernel.schema import outbox
from coop_review_api.review.hold import Releaser
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


async def configure(engine: Any, clock: Any, org_id: str, **settings: Any) -> None:
    """The organisation's settings, as given."""
    async with transaction(engine) as connection:
        configuration = await lock(connection, org_id, author="test", clock=clock)
        document = OrgSettings(id=SETTINGS_ID, name="Acme", **settings)
        await configuration.save(Kind.SETTINGS, document)


async def sent(engine: Any, org_id: str, type_: Any) -> list[Any]:
    """Events of a type that left for the broker, in order."""
    query = select(outbox.c.value).where(outbox.c.topic == type_.topic).order_by(outbox.c.id)
    async with transaction(engine) as connection:
        found = [msgspec.json.decode(v, type=type_) for v in await connection.scalars(query)]
    return [event for event in found if event.org_id == org_id]


class Desk:
    """An organisation with a post type, an action that can be taken back, and a moderator."""

    def __init__(self, admin: Any, moderator: Any, org: Any) -> None:
        self.admin, self.moderator, self.org_id = admin, moderator, org.org_id
        self.queue = org.default_queue_id
        self.enqueue = org.action_ids["ENQUEUE_TO_MRT"]
        self.post = self.remove = self.restore = self.warn = ""

    async def decide(self, queue: str, components: Any, person: Any = None) -> dict[str, Any]:
        person = person or self.moderator
        claim = (await person.call("POST", f"/v1/queues/{queue}/claims")).json()
        body = {"leaseToken": claim["lease"]["token"], "components": components}
        answer = await person.call("POST", f"/v1/jobs/{claim['job']['id']}/decisions", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def order(self, status: int = 201, path: str = "/v1/bulk-actions", **body: Any) -> Any:
        if path == "/v1/bulk-actions":
            body = {"itemTypeId": self.post, "actionIds": [self.remove], **body}
        answer = await self.moderator.call("POST", path, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def steer(self, bulk: Any, command: str, status: int = 200, **body: Any) -> Any:
        sent_ = body if command == "confirm" else None
        path = f"/v1/bulk-actions/{bulk['id']}/{command}"
        answer = await self.moderator.call("POST", path, sent_)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def look(self, bulk: Any, more: str = "") -> Any:
        answer = await self.moderator.call("GET", f"/v1/bulk-actions/{bulk['id']}{more}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def told(self) -> list[Any]:
        """What the moderator was told of bulk actions."""
        answer = await self.moderator.call("GET", "/v1/notifications")
        return [one["data"] for one in answer.json()["items"] if one["kind"] == "BULK_DONE"]


@pytest.fixture
async def desk(admin: Any, sign_in: Any, org: Any, kit: Any, engine: Any, clock: Any) -> Desk:
    await drained(engine, clock)  # what an earlier test left running
    made = Desk(admin, await sign_in(Role.MODERATOR), org)
    made.post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    made.restore = (await admin.make("/v1/actions", kit.action(made.post, name="Restore")))["id"]
    remove = {**kit.action(made.post), "reverseActionId": made.restore}
    made.remove = (await admin.make("/v1/actions", remove))["id"]
    made.warn = (await admin.make("/v1/actions", kit.action(made.post, name="Warn")))["id"]
    return made


async def drained(engine: Any, clock: Any) -> None:
    """Carries out whatever bulk action of anybody is running."""
    while True:
        async with transaction(engine) as connection:
            if not await bulk_store.advance(connection, batch=100, clock=clock):
                return


async def test_a_decision_is_held_for_the_undo_window(
    desk: Desk, place: Any, engine: Any, clock: Any
) -> None:
    """Nothing leaves before the window is over; then everything does, once and in order."""
    await configure(engine, clock, desk.org_id, undo_window=60)
    await place(desk.queue, desk.post, "post-1")
    acted = [{"type": "CUSTOM_ACTION", "actionIds": [desk.remove, desk.warn]}]
    decided = await desk.decide(desk.queue, acted)
    assert decided["leavesAt"] > decided["decidedAt"]
    releaser = Releaser(engine, clock=clock)
    await releaser.release()
    assert await sent(engine, desk.org_id, ActionRequested) == []
    assert await sent(engine, desk.org_id, DecisionMade) == []
    clock.forward(seconds=61)
    await asyncio.gather(releaser.release(), Releaser(engine, clock=clock).release())
    assert await releaser.release() == 0
    requests = await sent(engine, desk.org_id, ActionRequested)
    assert [request.action_id for request in requests] == [desk.remove, desk.warn]
    assert {request.cause_id for request in requests} == {decided["id"]}
    assert len(await sent(engine, desk.org_id, DecisionMade)) == 1
    late = await desk.moderator.call("POST", f"/v1/decisions/{decided['id']}/undo")
    assert late.status_code == 409


async def test_an_undone_decision_was_never_sent_and_its_job_goes_on(
    desk: Desk, place: Any, engine: Any, clock: Any
) -> None:
    """Undone, nothing ever leaves; the job is there again with its reports and is decided anew."""
    await configure(engine, clock, desk.org_id, undo_window=60)
    await place(desk.queue, desk.post, "post-1")
    acted = [{"type": "CUSTOM_ACTION", "actionIds": [desk.remove]}]
    first = await desk.decide(desk.queue, acted)
    undone = await desk.moderator.call("POST", f"/v1/decisions/{first['id']}/undo")
    assert undone.status_code == 200
    again = await desk.moderator.call("POST", f"/v1/decisions/{first['id']}/undo")
    assert again.status_code == 409
    second = await desk.decide(desk.queue, [{"type": "IGNORE"}])
    assert second["jobId"] == undone.json()["jobId"]
    clock.forward(seconds=61)
    await Releaser(engine, clock=clock).release()
    assert await sent(engine, desk.org_id, ActionRequested) == []
    (made,) = await sent(engine, desk.org_id, DecisionMade)
    assert made.decision_id == second["id"]


async def test_undoing_and_leaving_at_once_is_one_of_the_two(
    desk: Desk, place: Any, engine: Any, clock: Any
) -> None:
    """Twenty decisions undone at the moment they leave: each was sent, or undone, never both."""
    await configure(engine, clock, desk.org_id, undo_window=60)
    for number in range(20):
        await place(desk.queue, desk.post, f"post-{number}")
    acted = [{"type": "CUSTOM_ACTION", "actionIds": [desk.remove]}]
    made = [await desk.decide(desk.queue, acted) for _ in range(20)]

    class Late:
        """A relay whose clock runs ahead."""

        def __call__(self) -> Any:
            from datetime import timedelta

            return clock() + timedelta(seconds=120)

    undoing = [
        desk.moderator.call("POST", f"/v1/decisions/{decision['id']}/undo") for decision in made
    ]
    answers, *_ = await asyncio.gather(
        asyncio.gather(*undoing), Releaser(engine, clock=Late()).release()
    )
    await Releaser(engine, clock=Late()).release()
    undone = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(await sent(engine, desk.org_id, ActionRequested)) == 20 - undone


async def test_only_who_decided_or_manages_queues_undoes(
    desk: Desk, place: Any, engine: Any, clock: Any, sign_in: Any
) -> None:
    """Another moderator may not, another organisation does not find it, an admin may; a move has
    had its effect and leaves at once."""
    await configure(engine, clock, desk.org_id, undo_window=60)
    await place(desk.queue, desk.post, "post-1")
    decided = await desk.decide(desk.queue, [{"type": "IGNORE"}])
    path = f"/v1/decisions/{decided['id']}/undo"
    other = await sign_in(Role.MODERATOR)
    assert (await other.call("POST", path)).status_code == 403
    assert (await desk.admin.call("POST", path)).status_code == 200
    spam = (await desk.admin.make("/v1/queues", {"name": "Spam", "openToEveryone": True}))["id"]
    moved = await desk.decide(desk.queue, [{"type": "MOVE", "queueId": spam}])
    assert moved["leavesAt"] is None
    refused = await desk.moderator.call("POST", f"/v1/decisions/{moved['id']}/undo")
    assert refused.status_code == 409


async def test_a_bulk_action_is_previewed_confirmed_and_carried_out(
    desk: Desk, place: Any, engine: Any, clock: Any
) -> None:
    """The preview counts items, duplicates and what is in review; nothing happens before the
    confirmation; then each item is asked for once, and its result can be read."""
    await place(desk.queue, desk.post, "p1")
    bulk = await desk.order(
        itemIds=["p1", "p2", "p2"], csv="\ufeffid,note\np3,x\n\np1,y\n", note="spam wave"
    )
    assert (bulk["state"], bulk["total"], bulk["duplicates"]) == ("PREVIEW", 3, 2)
    assert bulk["inReview"] == 1
    assert [item["itemId"] for item in bulk["sample"]] == ["p1", "p2", "p3"]
    await drained(engine, clock)
    assert await sent(engine, desk.org_id, ActionRequested) == []
    await desk.steer(bulk, "confirm")
    await drained(engine, clock)
    requests = await sent(engine, desk.org_id, ActionRequested)
    assert [request.item.id for request in requests] == ["p1", "p2", "p3"]
    assert {(r.source, r.bulk_id, r.actor_note) for r in requests} == {
        ("BULK_ACTION", bulk["id"], "spam wave")
    }
    assert len({r.cause_id for r in requests}) == 3
    after = await desk.look(bulk)
    assert (after["state"], after["requested"], after["refused"]) == ("COMPLETE", 3, 0)
    (told,) = await desk.told()
    assert (told["bulkId"], told["state"], told["requested"]) == (bulk["id"], "COMPLETE", 3)
    items = (await desk.look(bulk, "/items?limit=2"))["items"]
    assert [item["executionIds"] for item in items] == [[r.execution_id] for r in requests[:2]]
    assert items[0]["deliveries"] == ["PENDING"]
    listed = (await desk.moderator.call("GET", "/v1/bulk-actions")).json()["items"]
    assert [entry["id"] for entry in listed] == [bulk["id"]]


async def test_above_the_limit_the_total_has_to_be_said(
    desk: Desk, engine: Any, clock: Any
) -> None:
    """Without it, or with another number, a large bulk action does not start."""
    await configure(engine, clock, desk.org_id, bulk_confirmation_above=2)
    bulk = await desk.order(itemIds=["a", "b", "c"])
    assert bulk["needsTotal"] is True
    await desk.steer(bulk, "confirm", 422)
    await desk.steer(bulk, "confirm", 409, total=2)
    started = await desk.steer(bulk, "confirm", total=3)
    assert started["state"] == "RUNNING"
    await desk.steer(bulk, "confirm", total=3)  # said twice is said once


async def test_pause_resume_cancel_and_crash(desk: Desk, engine: Any, clock: Any) -> None:
    """Paused or cancelled it asks for nothing more; a batch that is not committed happened not at
    all; what goes on does each item once."""
    bulk = await desk.order(itemIds=[f"i{n}" for n in range(30)])
    await desk.steer(bulk, "confirm")

    async def batch(*, crash: bool = False) -> None:
        async with transaction(engine) as connection:
            await bulk_store.advance(connection, batch=10, clock=clock)
            if crash:
                raise ZeroDivisionError

    await batch()
    with pytest.raises(ZeroDivisionError):
        await batch(crash=True)
    assert (await desk.look(bulk))["requested"] == 10
    await desk.steer(bulk, "pause")
    await batch()
    assert (await desk.look(bulk))["requested"] == 10
    await desk.steer(bulk, "resume")
    await asyncio.gather(*(batch() for _ in range(4)))
    await drained(engine, clock)
    requests = await sent(engine, desk.org_id, ActionRequested)
    assert sorted(r.item.id for r in requests) == sorted(f"i{n}" for n in range(30))
    cancelled = await desk.order(itemIds=["x"])
    await desk.steer(cancelled, "cancel")
    await desk.steer(cancelled, "confirm", 409)


@pytest.mark.parametrize("end", ["disable", "demote"])
async def test_a_bulk_action_ends_with_its_makers_right_to_it(
    desk: Desk, engine: Any, clock: Any, end: str
) -> None:
    """Nothing more is asked for once whoever confirmed it may not act; what was stays, and the
    moderator who comes back does not set it going again."""
    bulk = await desk.order(itemIds=[f"i{n}" for n in range(30)])
    await desk.steer(bulk, "confirm")
    async with transaction(engine) as connection:
        await bulk_store.advance(connection, batch=10, clock=clock)
    at = f"/v1/users/{desk.moderator.user_id}"
    if end == "disable":
        assert (await desk.admin.call("POST", f"{at}/disable")).status_code == 200
    else:
        changed = await desk.admin.call("PATCH", at, {"role": "EXTERNAL_MODERATOR"})
        assert changed.status_code == 200
    for _ in range(3):
        async with transaction(engine) as connection:
            await bulk_store.advance(connection, batch=10, clock=clock)
    shown = (await desk.admin.call("GET", f"/v1/bulk-actions/{bulk['id']}")).json()
    assert (shown["state"], shown["requested"]) == ("CANCELLED", 10)
    assert len(await sent(engine, desk.org_id, ActionRequested)) == 10


async def test_a_hundred_thousand_items(desk: Desk, engine: Any, clock: Any) -> None:
    """100,000 ids are taken; one more is refused and adds nothing."""
    first = await desk.order(csv="\n".join(f"item-{n}" for n in range(60_000)))
    path = f"/v1/bulk-actions/{first['id']}/items"
    more = {"csv": "\n".join(f"item-{n}" for n in range(50_000, 100_000))}
    second = await desk.moderator.call("POST", path, more)
    assert second.status_code == 200, second.text
    assert (second.json()["total"], second.json()["duplicates"]) == (100_000, 10_000)
    over = await desk.moderator.call("POST", path, {"itemIds": ["one-more"]})
    assert over.status_code == 422
    async with transaction(engine) as connection:
        count = await connection.scalar(
            select(func.count()).where(bulk_items.c.bulk_id == first["id"])
        )
    assert count == 100_000


async def test_what_is_wrong_with_an_order_is_named(desk: Desk, org: Any) -> None:
    """Unknown and unfit actions, policies and parameters are refused with their places."""
    author = org.action_ids["ENQUEUE_AUTHOR_TO_MRT"]
    answer = await desk.order(
        422,
        actionIds=[desk.remove, "gone", author],
        policyIds=["gone"],
        parameters={desk.remove: {"days": 1}, "other": {}},
    )
    places = {error["pointer"] for error in answer["errors"]}
    assert places == {
        "/actionIds/1",
        "/actionIds/2",
        "/policyIds/0",
        f"/parameters/{desk.remove}/days",
        "/parameters/other",
    }
    await desk.order(422, itemIds=["x" * 513])
    await desk.order(422, csv="x" * 513)


async def test_an_action_deleted_meanwhile_refuses_its_items(
    desk: Desk, engine: Any, clock: Any
) -> None:
    """What can no longer be done is said for each item; the rest of the order is not lost."""
    bulk = await desk.order(itemIds=["a", "b"], actionIds=[desk.warn])
    await desk.steer(bulk, "confirm")
    assert (await desk.admin.call("DELETE", f"/v1/actions/{desk.warn}")).status_code == 204
    await drained(engine, clock)
    after = await desk.look(bulk)
    assert (after["state"], after["refused"]) == ("COMPLETE", 2)
    items = (await desk.look(bulk, "/items?state=REFUSED"))["items"]
    assert {item["reason"] for item in items} == {"no such action"}


async def test_enqueueing_in_bulk_asks_for_reviews(desk: Desk, engine: Any, clock: Any) -> None:
    """The built-in action becomes one review request an item."""
    bulk = await desk.order(itemIds=["a", "b"], actionIds=[desk.enqueue])
    await desk.steer(bulk, "confirm")
    await drained(engine, clock)
    requests = await sent(engine, desk.org_id, ReviewRequested)
    assert [(r.item.id, r.source) for r in requests] == [("a", "BULK_ACTION"), ("b", "BULK_ACTION")]


async def test_a_decision_is_reversed_once(desk: Desk, place: Any, engine: Any, clock: Any) -> None:
    """Its strike is taken back and the reverse action requested, the same execution however often
    it is asked for; an action without a reverse one says so."""
    await place(desk.queue, desk.post, "post-1")
    decided = await desk.decide(
        desk.queue, [{"type": "CUSTOM_ACTION", "actionIds": [desk.remove, desk.warn]}]
    )
    body = {"path": "/v1/reversals", "decisionId": decided["id"], "note": "wrong"}
    twice = [await desk.order(**body) for _ in range(2)]
    for reversal in twice:
        assert (reversal["kind"], reversal["total"]) == ("REVERSAL", 2)
        await desk.steer(reversal, "confirm")
        await drained(engine, clock)
    executions = {one["actionId"]: one["executionId"] for one in decided["executions"]}
    undone = await sent(engine, desk.org_id, EffectsReversed)
    assert {event.execution_id for event in undone} == set(executions.values())
    requests = [
        r for r in await sent(engine, desk.org_id, ActionRequested) if r.source == "REVERSAL"
    ]
    assert {(r.action_id, r.reverses) for r in requests} == {
        (desk.restore, executions[desk.remove])
    }
    assert len({r.execution_id for r in requests}) == 1
    items = (await desk.look(reversal, "/items"))["items"]
    assert [item["reason"] for item in items] == [None, "Warn has no reverse action"]
    # What could not be done may be tried again, when there is a reverse action.
    (left,) = (await desk.order(**body))["sample"]
    assert left["reverses"] == executions[desk.warn]


async def test_a_bulk_action_is_reversed(desk: Desk, engine: Any, clock: Any) -> None:
    """Each of its executions is taken back; a reversal itself is not reversed."""
    bulk = await desk.order(itemIds=["a", "b"])
    await desk.steer(bulk, "confirm")
    await drained(engine, clock)
    reversal = await desk.order(path="/v1/reversals", bulkId=bulk["id"])
    await desk.steer(reversal, "confirm")
    await drained(engine, clock)
    done = await sent(engine, desk.org_id, ActionRequested)
    assert [r.action_id for r in done] == [desk.remove] * 2 + [desk.restore] * 2
    assert [r.reverses for r in done[2:]] == [r.execution_id for r in done[:2]]
    await desk.order(409, path="/v1/reversals", bulkId=reversal["id"])
    await desk.order(422, path="/v1/reversals", bulkId=bulk["id"], ruleId="r")
    await desk.order(422, path="/v1/reversals", ruleId="r")


async def test_another_organisations_bulk_actions_are_not_found(
    desk: Desk, kit: Any, sign_in: Any
) -> None:
    """Every route answers 404 for another's id."""
    other = await kit.make_org()
    stranger = await sign_in(Role.ADMIN, other.org_id)
    bulk = await desk.order(itemIds=["a"])
    path = f"/v1/bulk-actions/{bulk['id']}"
    for method, more, body in (
        ("GET", "", None),
        ("GET", "/items", None),
        ("POST", "/items", {"itemIds": ["b"]}),
        ("POST", "/confirm", {}),
        ("POST", "/pause", None),
    ):
        assert (await stranger.call(method, path + more, body)).status_code == 404
    assert (await stranger.call("GET", "/v1/bulk-actions")).json()["items"] == []
    answer = await stranger.call("POST", "/v1/reversals", {"bulkId": bulk["id"]})
    assert answer.status_code == 404


async def test_the_worker_carries_out_what_runs(desk: Desk, engine: Any, clock: Any) -> None:
    """The background loop finishes a confirmed bulk action by itself."""
    bulk = await desk.order(itemIds=["a", "b", "c"])
    await desk.steer(bulk, "confirm")
    worker = asyncio.create_task(BulkWorker(engine, clock=clock, rate=1000).run())
    try:
        async with asyncio.timeout(30):
            state = ""
            while state != "COMPLETE":
                state = (await desk.look(bulk))["state"]
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert len(await sent(engine, desk.org_id, ActionRequested)) == 3


async def test_the_rate_is_that_of_all_processes_together(
    desk: Desk, engine: Any, clock: Any
) -> None:
    """Three processes do in a second what one would; the one that is in the middle of a batch is
    not waited for by those that find it there."""
    bulk = await desk.order(itemIds=[str(number) for number in range(40)])
    await desk.steer(bulk, "confirm")
    began = time.monotonic()
    workers = [
        asyncio.create_task(BulkWorker(engine, clock=clock, rate=10).run()) for _ in range(3)
    ]
    try:
        async with asyncio.timeout(60):
            state = ""
            while state != "COMPLETE":
                state = (await desk.look(bulk))["state"]
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    # Batches of ten, of which the last one is not waited for.
    assert time.monotonic() - began >= 2.9
    assert len(await sent(engine, desk.org_id, ActionRequested)) == 40


async def test_the_pace_of_bulk_actions(engine: Any) -> None:
    """Who finds a batch going on waits as long as one takes; who was killed in the middle spent
    nothing; a clock that was put back holds nobody up."""
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE review.bulk_pace SET free_at = now()"))
    async with engine.connect() as killed:
        assert await pace.wait(killed, longest=2) == 0
        await pace.spend(killed, 2)
        async with transaction(engine) as connection:
            assert await pace.wait(connection, longest=2) == 2
        await killed.rollback()
    async with transaction(engine) as connection:
        assert await pace.wait(connection, longest=2) == 0
        await pace.spend(connection, 2)
    async with transaction(engine) as connection:
        assert 0 < await pace.wait(connection, longest=2) <= 2
        await connection.execute(
            text("UPDATE review.bulk_pace SET free_at = now() + interval '1 hour'")
        )
    async with transaction(engine) as connection:
        assert await pace.wait(connection, longest=2) == 0


async def test_the_decision_log_has_decisions_and_bulk_actions(
    desk: Desk, place: Any, engine: Any, clock: Any, sign_in: Any, kit: Any
) -> None:
    """Newest first and page by page: what was decided job by job, what in bulk once it was
    confirmed, and what was undone; another organisation's log is its own."""
    await configure(engine, clock, desk.org_id, undo_window=60)
    await place(desk.queue, desk.post, "post-1")
    decided = await desk.decide(desk.queue, [{"type": "IGNORE"}])
    undone = await desk.moderator.call("POST", f"/v1/decisions/{decided['id']}/undo")
    assert undone.status_code == 200
    bulk = await desk.order(itemIds=["a", "b"])
    assert await log_of(desk.moderator) == [("DECISION", decided["id"])]
    await desk.steer(bulk, "confirm")
    again = await desk.decide(desk.queue, [{"type": "IGNORE"}])
    expected = [
        ("DECISION", again["id"]),
        ("BULK_ACTION", bulk["id"]),
        ("DECISION", decided["id"]),
    ]
    assert await log_of(desk.moderator) == expected
    page = (await desk.moderator.call("GET", "/v1/decision-log?limit=3")).json()["items"]
    assert page[1]["components"][0]["actionIds"] == [desk.remove]
    assert (page[1]["total"], page[0]["undoneAt"]) == (2, None)
    assert page[2]["undoneAt"] is not None
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert await log_of(stranger) == []
    wrong = await desk.moderator.call("GET", "/v1/decision-log?cursor=AAAA")
    assert wrong.status_code == 422


async def log_of(person: Any) -> list[tuple[str, str]]:
    """The whole decision log, read one entry a page."""
    found, cursor = [], ""
    while True:
        answer = await person.call("GET", f"/v1/decision-log?limit=1{cursor}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += [(entry["kind"], entry["id"]) for entry in body["items"]]
        if body["nextCursor"] is None:
            return found
        cursor = f"&cursor={body['nextCursor']}"
