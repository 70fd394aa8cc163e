"""Appeals: who may decide them, what they are against, what follows."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, text

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import (
    ActionRequested,
    CallbackRequested,
    DecisionMade,
    EffectsReversed,
    ItemRef,
    SubmittedItem,
)
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import AppealEntry, JobEntry, JobKind, Placement, Routing
from coop_queues.slot import item_key
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.enforcement import bulk_store
from coop_review_api.kernel.schema import outbox
from coop_review_api.projection.partition import KEPT, Partitions
from coop_review_api.projection.table import requested_actions
from coop_review_api.review.desk import Desk
from coop_review_api.review.hold import Releaser
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

ACCEPT, REJECT = {"type": "ACCEPT_APPEAL"}, {"type": "REJECT_APPEAL"}


@dataclass
class World:
    """An organisation in which posts are removed, and people appeal."""

    context: Any
    admin: Any
    first: Any
    second: Any
    org_id: str
    post: str
    user: str
    queue: str
    appeals: str
    policy: str
    remove: str
    restore: str
    warn: str
    ban: str

    async def configure(self, **settings: Any) -> None:
        async with transaction(self.context.engine) as connection:
            log = await lock(connection, self.org_id, author="test", clock=self.context.clock)
            given = {"undo_window": 0.0, **settings}
            document = OrgSettings(id=SETTINGS_ID, name="Acme", **given)
            await log.save(Kind.SETTINGS, document)

    async def appeal(self, *actions: str, item: str = "post-1", **more: Any) -> str:
        """Puts an appeal where routing would; its job."""
        appeal_id = more.pop("appeal_id", str(uuid.uuid4()))
        now = self.context.clock()
        placement = Placement(
            org_id=self.org_id,
            queue_id=self.appeals,
            kind=JobKind.APPEAL,
            item=SubmittedItem(
                id=item,
                type_id=more.pop("type_id", self.post),
                type_version="2026-01-01T00:00:00.000000Z",
                data=msgspec.Raw(b'{"text": "t"}'),
                creator=ItemRef(id="author-1", type_id=self.user),
            ),
            entry=JobEntry(
                entry_id=f"appeal/{appeal_id}",
                source="APPEAL",
                at=now,
                routing=Routing(how="DEFAULT", config_revision=1),
                appeal=AppealEntry(
                    appeal_id=appeal_id,
                    appealed_by=ItemRef(id="author-1", type_id=self.user),
                    appealed_at=now,
                    actions_taken=actions,
                    reason="it was a joke",
                ),
            ),
        )
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def claim(self, person: Any, queue: str | None = None) -> Any:
        answer = await person.call("POST", f"/v1/queues/{queue or self.appeals}/claims")
        return answer.json() if answer.status_code == 200 else None

    async def try_(self, person: Any, components: Any, queue: str | None = None) -> Any:
        claim = await self.claim(person, queue)
        body = {"leaseToken": claim["lease"]["token"], "components": components}
        answer = await person.call("POST", f"/v1/jobs/{claim['job']['id']}/decisions", body)
        if answer.status_code != 201:
            header = {"X-Lease-Token": claim["lease"]["token"]}
            await person.call("DELETE", f"/v1/jobs/{claim['job']['id']}/lease", headers=header)
        return answer

    async def decide(self, person: Any, components: Any, queue: str | None = None) -> Any:
        answer = await self.try_(person, components, queue)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def acted(self, place: Any, person: Any, *actions: str, item: str = "post-1") -> Any:
        """Somebody decides to act on an item."""
        await place(self.queue, self.post, item)
        part = {"type": "CUSTOM_ACTION", "actionIds": list(actions), "policyIds": [self.policy]}
        return await self.decide(person, [part], self.queue)

    async def sent(self, type_: Any) -> list[Any]:
        """Events of a type that left, in order."""
        query = select(outbox.c.value).where(outbox.c.topic == type_.topic).order_by(outbox.c.id)
        async with transaction(self.context.engine) as connection:
            found = [msgspec.json.decode(v, type=type_) for v in await connection.scalars(query)]
        return [event for event in found if event.org_id == self.org_id]


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any, context: Any) -> World:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    user = org.default_user_type_id
    restore = (await admin.make("/v1/actions", kit.action(post, name="Restore")))["id"]
    remove = kit.action(post, reverseActionId=restore)
    return World(
        context=context,
        admin=admin,
        first=await sign_in(Role.MODERATOR),
        second=await sign_in(Role.MODERATOR),
        org_id=org.org_id,
        post=post,
        user=user,
        queue=org.default_queue_id,
        appeals=org.appeals_queue_id,
        policy=(await admin.make("/v1/policies", {"name": "Spam"}))["id"],
        remove=(await admin.make("/v1/actions", remove))["id"],
        restore=restore,
        warn=(await admin.make("/v1/actions", kit.action(post, name="Warn")))["id"],
        ban=(await admin.make("/v1/actions", kit.action(user, name="Ban")))["id"],
    )


async def test_an_accepted_appeal_calls_back_for_each(world: World, place: Any) -> None:
    """Each appeal of the job gets its callback; the decision names the one appealed against, and
    nothing else is done."""
    original = await world.acted(place, world.first, world.remove)
    await world.appeal(world.remove, appeal_id="appeal-1")
    await world.appeal(world.remove, appeal_id="appeal-2")
    decided = await world.decide(world.second, [ACCEPT])
    callbacks = await world.sent(CallbackRequested)
    assert {one.callback for one in callbacks} == {"APPEAL_DECISION"}
    assert sorted(
        [json.loads(bytes(one.body)) for one in callbacks], key=lambda b: b["appealId"]
    ) == [
        {
            "appealId": appeal_id,
            "item": {"id": "post-1", "typeId": world.post},
            "appealedBy": {"id": "author-1", "typeId": world.user},
            "appealDecision": "ACCEPT",
        }
        for appeal_id in ("appeal-1", "appeal-2")
    ]
    assert len({one.callback_id for one in callbacks}) == 2
    made = (await world.sent(DecisionMade))[-1]
    assert made.appeal_of == original["id"] == decided["appealOf"]
    assert sorted(made.components[0].appeal_ids) == ["appeal-1", "appeal-2"]
    assert [one.action_id for one in await world.sent(ActionRequested)] == [world.remove]


async def test_the_job_shows_what_the_appeal_is_against(world: World, place: Any) -> None:
    """Claimed or looked at, an appeal links the decision: who, when, which actions and policies."""
    original = await world.acted(place, world.first, world.remove, world.warn)
    job_id = await world.appeal(world.remove)
    claimed = (await world.claim(world.second))["job"]
    looked = (await world.admin.call("GET", f"/v1/jobs/{job_id}")).json()
    assert claimed["appealOf"] == looked["appealOf"]
    (origin,) = looked["appealOf"]
    assert origin == {
        "by": "PERSON",
        "id": original["id"],
        "decisionId": original["id"],
        "reviewerId": world.first.user_id,
        "reviewer": world.first.view("MODERATOR"),
        "decidedAt": original["decidedAt"],
        "actionIds": [world.remove],
        "policyIds": [world.policy],
        "ruleIds": [],
        "executionIds": [original["executions"][0]["executionId"]],
    }


async def test_nobody_decides_an_appeal_against_themselves(world: World, place: Any) -> None:
    """The one who decided is not given it, and is refused if they hold it; an admin is, too."""
    await world.acted(place, world.admin, world.remove)
    job_id = await world.appeal(world.warn)
    held = await world.claim(world.admin)
    assert held["job"]["id"] == job_id, "against something else"
    await world.appeal(world.remove)
    body = {"leaseToken": held["lease"]["token"], "components": [ACCEPT]}
    answer = await world.admin.call("POST", f"/v1/jobs/{job_id}/decisions", body)
    assert answer.status_code == 403
    assert "even where there is nobody else" in answer.json()["detail"]
    header = {"X-Lease-Token": held["lease"]["token"]}
    await world.admin.call("DELETE", f"/v1/jobs/{job_id}/lease", headers=header)
    assert await world.claim(world.admin) is None
    assert await world.sent(CallbackRequested) == []
    assert (await world.decide(world.second, [REJECT]))["jobId"] == job_id


async def test_the_next_appeal_is_given_in_place_of_one_s_own(world: World, place: Any) -> None:
    """Appeals that somebody may not decide, however many, do not stand in the way of others, and
    nobody is said to have skipped them; by their ids they are not to be had either."""
    for number in range(32):
        await world.acted(place, world.first, world.remove, item=f"mine-{number}")
        await world.appeal(world.remove, item=f"mine-{number}")
    await world.acted(place, world.second, world.remove, item="theirs")
    job_id = await world.appeal(world.remove, item="theirs")
    own = await world.appeal(world.remove, item="mine-0")
    taken = await world.first.call("POST", f"/v1/jobs/{own}/claims")
    assert (taken.status_code, taken.json()["type"]) == (403, "/problems/forbidden")
    assert (await world.second.call("POST", f"/v1/jobs/{own}/claims")).status_code == 200
    assert (await world.claim(world.first))["job"]["id"] == job_id
    passed_on = await world.admin.call("GET", "/v1/decision-log?kind=SKIP&kind=RELEASE")
    assert passed_on.json()["items"] == []


async def test_what_an_appeal_s_decision_may_say(world: World, place: Any) -> None:
    """Accepted with actions, rejected with related ones, moved alone; nothing else."""
    await world.acted(place, world.first, world.remove)
    await world.appeal(world.remove, appeal_id="appeal-1")
    act = {"type": "CUSTOM_ACTION", "actionIds": [world.restore]}
    author = [{"id": "author-1", "typeId": world.user}]
    related = {"type": "RELATED_ACTION", "items": author, "actionIds": [world.ban]}
    move = {"type": "MOVE", "queueId": world.queue}
    wrong: list[tuple[list[Any], str]] = [
        ([{"type": "IGNORE"}], "/components"),
        ([act], "/components"),
        ([related], "/components"),
        ([REJECT, act], "/components/1/type"),
        ([ACCEPT, REJECT], "/components"),
        ([move], "/components/0/queueId"),
        ([{"type": "ESCALATE_TO_NCMEC"}], "/components"),
        ([{**ACCEPT, "appealIds": ["appeal-2"]}], "/components/0/appealIds"),
        ([{**REJECT, "reverseActions": True}], "/components/0/reverseActions"),
    ]
    for components, pointer in wrong:
        answer = await world.try_(world.second, components)
        assert answer.status_code == 422, (components, answer.text)
        assert pointer in [one["pointer"] for one in answer.json()["errors"]], answer.text
    more = (
        await world.admin.make(
            "/v1/queues", {"name": "Senior", "isAppealsQueue": True, "openToEveryone": True}
        )
    )["id"]
    moved = await world.decide(world.second, [{"type": "MOVE", "queueId": more}])
    assert moved["appealOf"] is None
    decided = await world.decide(
        world.second, [{**ACCEPT, "appealIds": ["appeal-1"]}, act, related], more
    )
    assert decided["jobId"] == moved["movedTo"]
    assert [one.action_id for one in await world.sent(ActionRequested)] == [
        world.remove,
        world.restore,
        world.ban,
    ]


async def test_reversing_takes_back_what_was_appealed_against(world: World, place: Any) -> None:
    """Strikes of all appealed executions, and reverse actions where there are; the same ids as any
    other reversal of them, so that doing both is doing it once."""
    original = await world.acted(place, world.first, world.remove, world.warn)
    await world.appeal(world.remove, world.warn)
    decided = await world.decide(world.second, [{**ACCEPT, "reverseActions": True}])
    removal, warning = (one["executionId"] for one in original["executions"])
    undone = await world.sent(EffectsReversed)
    assert [one.execution_id for one in undone] == [removal, warning]
    request = (await world.sent(ActionRequested))[-1]
    assert (request.action_id, request.source) == (world.restore, "REVERSAL")
    assert (request.reverses, request.item.id) == (removal, "post-1")
    assert request.actor_id == world.second.user_id
    assert decided["executions"] == [
        {
            "executionId": request.execution_id,
            "actionId": world.restore,
            "item": None,
            "reverses": removal,
        }
    ]
    body = {"decisionId": original["id"]}
    bulk = (await world.admin.call("POST", "/v1/reversals", body)).json()
    confirm = {"total": bulk["total"]}
    path = f"/v1/bulk-actions/{bulk['id']}/confirm"
    await world.admin.call("POST", path, confirm)
    for _ in range(20):
        async with transaction(world.context.engine) as connection:
            await bulk_store.advance(connection, batch=100, clock=world.context.clock)
    again = [one for one in await world.sent(ActionRequested) if one.reverses == removal]
    assert {one.execution_id for one in again} == {request.execution_id}


async def test_reversing_what_nobody_knows_is_refused(world: World) -> None:
    """Where nothing is known of the appealed actions there is nothing to take back."""
    await world.appeal(world.remove)
    answer = await world.try_(world.second, [{**ACCEPT, "reverseActions": True}])
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/components/0/reverseActions"]
    decided = await world.decide(world.second, [REJECT])
    assert decided["appealOf"] is None
    (callback,) = await world.sent(CallbackRequested)
    assert json.loads(bytes(callback.body))["appealDecision"] == "REJECT"


async def test_an_appeal_s_decision_can_be_undone(world: World, place: Any) -> None:
    """Within the window nothing left, and the appeal is there again, for somebody else still."""
    await world.configure(undo_window=60)
    await world.acted(place, world.first, world.remove)
    await world.appeal(world.remove)
    decided = await world.decide(world.second, [{**ACCEPT, "reverseActions": True}])
    undone = await world.second.call("POST", f"/v1/decisions/{decided['id']}/undo")
    assert undone.status_code == 200
    assert await world.claim(world.first) is None
    await world.decide(world.second, [REJECT])
    world.context.clock.forward(seconds=61)
    await Releaser(world.context.engine, clock=world.context.clock).release()
    (callback,) = await world.sent(CallbackRequested)
    assert json.loads(bytes(callback.body))["appealDecision"] == "REJECT"
    assert await world.sent(EffectsReversed) == []


async def test_the_newest_of_each_action_is_what_it_is_against(world: World, place: Any) -> None:
    """Undone decisions and older ones are not; two actions may be two people's."""
    await world.acted(place, world.admin, world.remove, world.warn)
    await world.acted(place, world.first, world.remove)
    await world.configure(undo_window=60)
    undone = await world.acted(place, world.second, world.remove)
    await world.second.call("POST", f"/v1/decisions/{undone['id']}/undo")
    await world.decide(world.admin, [{"type": "IGNORE"}], world.queue)
    job_id = await world.appeal(world.remove, world.warn)
    shown = (await world.admin.call("GET", f"/v1/jobs/{job_id}")).json()["appealOf"]
    assert [(one["reviewerId"], one["actionIds"]) for one in shown] == [
        (world.first.user_id, [world.remove]),
        (world.admin.user_id, [world.warn]),
    ]
    for person in (world.first, world.admin):
        assert await world.claim(person) is None
    assert await world.claim(world.second)


async def test_an_action_on_an_author_is_known_as_theirs(world: World, place: Any) -> None:
    """A ban that came with the decision on a post is what the author's appeal is against."""
    await place(world.queue, world.post)
    author = [{"id": "author-1", "typeId": world.user}]
    related = {"type": "RELATED_ACTION", "items": author, "actionIds": [world.ban]}
    original = await world.decide(world.first, [related], world.queue)
    job_id = await world.appeal(world.ban, item="author-1", type_id=world.user)
    (origin,) = (await world.admin.call("GET", f"/v1/jobs/{job_id}")).json()["appealOf"]
    assert (origin["decisionId"], origin["actionIds"]) == (original["id"], [world.ban])
    assert await world.claim(world.first) is None


async def test_bulk_actions_and_rules_are_known(world: World) -> None:
    """Who ordered or confirmed a bulk action does not decide; a rule leaves everyone free."""
    order = {"itemTypeId": world.post, "actionIds": [world.remove], "itemIds": ["post-1"]}
    bulk = await world.first.call("POST", "/v1/bulk-actions", order)
    bulk_id = bulk.json()["id"]
    await world.first.call("POST", f"/v1/bulk-actions/{bulk_id}/confirm", {"total": 1})
    for _ in range(20):
        async with transaction(world.context.engine) as connection:
            await bulk_store.advance(connection, batch=100, clock=world.context.clock)
    await by_rule(world, "post-1", world.warn)
    job_id = await world.appeal(world.remove, world.warn)
    shown = (await world.admin.call("GET", f"/v1/jobs/{job_id}")).json()["appealOf"]
    found = {one["by"]: one for one in shown}
    assert found["BULK_ACTION"]["id"] == bulk_id
    assert found["BULK_ACTION"]["reviewerId"] == world.first.user_id
    assert (found["RULE"]["ruleIds"], found["RULE"]["reviewerId"]) == (["rule-1"], None)
    assert await world.claim(world.first) is None
    decided = await world.decide(world.second, [ACCEPT])
    assert decided["appealOf"] is None, "no decision on a job is appealed against"


async def by_rule(world: World, item_id: str, action_id: str) -> None:
    """What the projector records of a rule's action."""
    now = world.context.clock() - timedelta(minutes=1)
    engine = world.context.engine
    await Partitions(engine).ensure(KEPT["requested_actions"], (now,))
    async with transaction(engine) as connection:
        await connection.execute(
            insert(requested_actions).values(
                org_id=world.org_id,
                execution_id=str(uuid.uuid4()),
                time=now,
                action_id=action_id,
                source="RULE_EXECUTION",
                item_key=item_key(world.post, item_id),
                item_type_id=world.post,
                item_id=item_id,
                policy_ids=[],
                rule_ids=["rule-1"],
                cause_id="submission-1",
            )
        )


async def test_another_organisation_s_decisions_are_not_the_origin(
    world: World, place: Any, kit: Any
) -> None:
    """The same item ids elsewhere do not make anybody the one who decided."""
    await world.acted(place, world.first, world.remove)
    other = await kit.make_org()
    async with transaction(world.context.engine) as connection:
        await connection.execute(
            text("UPDATE review.decisions SET org_id = :other WHERE org_id = :org"),
            {"other": other.org_id, "org": world.org_id},
        )
    await world.appeal(world.remove)
    assert (await world.claim(world.first))["job"]["appealOf"] == []
