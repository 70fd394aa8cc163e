"""What a decision may consist of, what follows from each part, and the organisation's rules."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from coop_contracts import ids
from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import (
    ActionRequested,
    CallbackRequested,
    DecisionMade,
    ItemRef,
    ItemSubmitted,
    ReviewRequested,
    SubmittedItem,
)
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobKind
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.kernel.error import Conflict, Invalid
from coop_review_api.kernel.schema import outbox
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_review_api.review import deciding
from coop_review_api.review.decision import Component, Reviewer
from coop_review_api.review.hold import Releaser
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import Received

pytestmark = pytest.mark.engines

IGNORE = {"type": "IGNORE"}


@dataclass
class World:
    """An organisation with posts, users, threads and actions on them."""

    admin: Any
    moderator: Any
    engine: Any
    clock: Any
    org_id: str
    post: str
    user: str
    queue: str
    other_queue: str
    appeals: str
    policy: str
    other_policy: str
    remove: str
    ban: str

    async def configure(self, **settings: Any) -> None:
        async with transaction(self.engine) as connection:
            log = await lock(connection, self.org_id, author="test", clock=self.clock)
            given = {"undo_window": 0.0, **settings}
            document = OrgSettings(id=SETTINGS_ID, name="Acme", **given)
            await log.save(Kind.SETTINGS, document)

    async def try_(self, components: Any, *, person: Any = None, **more: Any) -> Any:
        """Claims the next job of the queue and decides it so."""
        person, queue = person or self.moderator, more.pop("queue", self.queue)
        claim = (await person.call("POST", f"/v1/queues/{queue}/claims")).json()
        body = {"leaseToken": claim["lease"]["token"], "components": components, **more}
        return await person.call("POST", f"/v1/jobs/{claim['job']['id']}/decisions", body)

    async def decide(self, components: Any, **more: Any) -> dict[str, Any]:
        answer = await self.try_(components, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def refused(self, components: Any, **more: Any) -> list[str]:
        """The pointers of what is wrong; the job is free again."""
        answer = await self.try_(components, **more)
        assert answer.status_code == 422, answer.text
        async with transaction(self.engine) as connection:
            jobs = await store.pending_page(connection, self.org_id, self.queue)
            await connection.exec_driver_sql(
                "UPDATE queues.jobs SET lease_token = NULL, lease_holder = NULL,"
                f" lease_expires_at = NULL WHERE job_id = '{jobs.jobs[0].job_id}'"
            )
        return [error["pointer"] for error in answer.json()["errors"]]

    async def sent(self, type_: Any) -> list[Any]:
        """Events of a type that left, in order."""
        query = select(outbox.c.value).where(outbox.c.topic == type_.topic).order_by(outbox.c.id)
        async with transaction(self.engine) as connection:
            found = [msgspec.json.decode(v, type=type_) for v in await connection.scalars(query)]
        return [event for event in found if event.org_id == self.org_id]

    def act(self, *actions: str, **more: Any) -> dict[str, Any]:
        return {"type": "CUSTOM_ACTION", "actionIds": list(actions or [self.remove]), **more}

    def related(self, *items: tuple[str, str], **more: Any) -> dict[str, Any]:
        """The author is banned, or what is given is done to what is given."""
        refs = [{"id": id_, "typeId": type_} for type_, id_ in items or [(self.user, "author-1")]]
        return {"type": "RELATED_ACTION", "items": refs, "actionIds": [self.ban], **more}


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any, engine: Any, clock: Any) -> World:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    user = org.default_user_type_id
    days = {"name": "days", "displayName": "Days", "type": "NUMBER", "min": 1, "max": 30}
    ban = kit.action(user, name="Ban", parameters=[days])
    return World(
        admin=admin,
        moderator=await sign_in(Role.MODERATOR),
        engine=engine,
        clock=clock,
        org_id=org.org_id,
        post=post,
        user=user,
        queue=org.default_queue_id,
        other_queue=(await admin.make("/v1/queues", {"name": "Other", "openToEveryone": True}))[
            "id"
        ],
        appeals=org.appeals_queue_id,
        policy=(await admin.make("/v1/policies", {"name": "Spam"}))["id"],
        other_policy=(await admin.make("/v1/policies", {"name": "Abuse"}))["id"],
        remove=(await admin.make("/v1/actions", kit.action(post)))["id"],
        ban=(await admin.make("/v1/actions", ban))["id"],
    )


async def test_other_items_are_acted_on_with_their_creators(world: World, place: Any) -> None:
    """Whose an item is that the job does not know, is told by what was last submitted of it."""
    partitions = Partitions(world.engine)
    projection = Projection(
        world.engine, partitions, clock=world.clock, retention=timedelta(days=30)
    )
    submission = ids.new_id()
    event = ItemSubmitted(
        event_id=ids.new_id(),
        org_id=world.org_id,
        time=world.clock(),
        correlation_id=submission,
        submission_id=submission,
        item=SubmittedItem(
            id="post-2",
            type_id=world.post,
            type_version="v",
            data=msgspec.Raw(b"{}"),
            creator=ItemRef("author-2", world.user),
        ),
        request_id="r",
        config_revision=1,
    )
    await projection.submitted([Received(event, b"", event.topic, 0, 0, {}, -1)])
    await place(world.queue, world.post, "post-1")
    others = world.related((world.post, "post-2"), (world.post, "post-3"), actionIds=[world.remove])
    await world.decide([others])
    requests = await world.sent(ActionRequested)
    assert [(one.item.id, one.creator) for one in requests] == [
        ("post-2", ItemRef("author-2", world.user)),
        ("post-3", None),
    ]


async def test_related_actions_are_each_an_effect_of_their_own(world: World, place: Any) -> None:
    """Items, actions and components keep their order; each has an id of its own and its item."""
    await place(world.queue, world.post, "post-1")
    decided = await world.decide(
        [
            world.act(),
            world.related(
                (world.user, "author-1"),
                (world.user, "friend-1"),
                policyIds=[world.policy],
                parameters={world.ban: {"days": 3}},
            ),
        ],
        reason="a ring",
    )
    requests = await world.sent(ActionRequested)
    assert [(one.action_id, one.item.id) for one in requests] == [
        (world.remove, "post-1"),
        (world.ban, "author-1"),
        (world.ban, "friend-1"),
    ]
    assert len({one.execution_id for one in requests}) == 3
    banned = requests[1]
    target = ids.item_key(world.org_id, world.user, "author-1")
    assert banned.execution_id == ids.execution_id(
        cause=decided["id"], action=world.ban, target=target
    )
    assert (banned.parameters, banned.policy_ids) == ({"days": 3}, (world.policy,))
    assert banned.decision_reason == "a ring"
    assert banned.report_history is None, "nobody reported the author"
    assert requests[0].report_history
    (made,) = await world.sent(DecisionMade)
    assert [part.items for part in made.components] == [
        (),
        (ItemRef("author-1", world.user), ItemRef("friend-1", world.user)),
    ]
    assert [one["item"] for one in decided["executions"]] == [
        None,
        {"id": "author-1", "typeId": world.user},
        {"id": "friend-1", "typeId": world.user},
    ]
    shown = await world.moderator.call("GET", f"/v1/decisions/{decided['id']}")
    assert shown.json() == decided


async def test_what_a_related_action_may_not_say(world: World, place: Any, admin: Any) -> None:
    """Unknown types, unfit or hidden actions, repeats and wrong values are refused where they are;
    nothing happens."""
    await place(world.queue, world.post)
    at = "/components/0"
    assert await world.refused([world.related(("nope", "a"))]) == [f"{at}/items/0/typeId"]
    assert await world.refused([world.related((world.post, "a"))]) == [f"{at}/actionIds/0"]
    twice = world.related((world.user, "a"), (world.user, "a"))
    assert await world.refused([twice]) == [f"{at}/actionIds/0"]
    again = [world.related(), world.related()]
    assert await world.refused(again) == ["/components/1/actionIds/0"]
    wrong = world.related(parameters={world.ban: {"days": 99}})
    assert await world.refused([wrong]) == [f"{at}/parameters/{world.ban}/days"]
    nul = world.related((world.user, "a\0b"))
    assert await world.refused([nul]) == [f"{at}/items/0/id"]
    many = [
        world.related(*((world.user, f"{n}-{m}") for m in range(100)), actionIds=[world.ban])
        for n in range(11)
    ]
    assert "/components" in await world.refused(many)
    hidden = {"name": "Default", "isDefaultQueue": True, "hiddenActionIds": [world.ban]}
    answer = await admin.call("PUT", f"/v1/queues/{world.queue}", hidden)
    assert answer.status_code == 200, answer.text
    assert await world.refused([world.related()]) == [f"{at}/actionIds/0"]
    assert await world.sent(DecisionMade) == []


async def test_the_organisation_s_rules_bind_related_actions_too(world: World, place: Any) -> None:
    """Policy, reason and one policy an action are required of both kinds; ignoring has its own."""
    await world.configure(
        requires_policy_for_decisions=True,
        requires_decision_reason=True,
        requires_decision_reason_on_ignore=True,
        allow_multiple_policies_per_action=False,
    )
    await place(world.queue, world.post)
    assert await world.refused([world.act(), world.related()]) == [
        "/reason",
        "/components/0/policyIds",
        "/components/1/policyIds",
    ]
    both = [world.policy, world.other_policy]
    parts = [world.act(policyIds=both), world.related(policyIds=both)]
    assert await world.refused(parts, reason="r") == [
        "/components/0/policyIds",
        "/components/1/policyIds",
    ]
    assert await world.refused([IGNORE], reason=" ") == ["/reason"]
    await world.decide([world.related(policyIds=[world.policy])], reason="r")


async def test_child_safety_jobs_need_no_policy_or_reason(world: World, place: Any) -> None:
    """A job about a user for NCMEC is decided without what the organisation asks of others."""
    await world.configure(
        requires_policy_for_decisions=True,
        requires_decision_reason=True,
        requires_decision_reason_on_ignore=True,
    )
    await place(world.queue, world.user, "user-1", kind=JobKind.NCMEC, csam=True)
    assert await world.refused([{"type": "ESCALATE_TO_NCMEC"}], person=world.admin) == [
        "/components/0"
    ]
    await world.decide([world.act(world.ban)], person=world.admin)
    await place(world.queue, world.user, "user-2", kind=JobKind.NCMEC, csam=True)
    await world.decide([IGNORE], person=world.admin)


async def test_act_and_move(world: World, place: Any) -> None:
    """Actions happen on the item while the job goes on elsewhere; they leave at once, because the
    move has taken effect."""
    await world.configure(undo_window=60)
    await place(world.queue, world.post, "post-1")
    decided = await world.decide(
        [world.act(), {"type": "MOVE", "queueId": world.other_queue}, world.related()]
    )
    assert decided["movedTo"]
    assert decided["leavesAt"] is None
    requests = await world.sent(ActionRequested)
    assert [one.item.id for one in requests] == ["post-1", "author-1"]
    again = await world.decide([world.act()], queue=world.other_queue)
    assert again["jobId"] == decided["movedTo"]
    clock = world.clock
    clock.forward(seconds=61)
    await Releaser(world.engine, clock=clock).release()
    ids_ = [one.execution_id for one in await world.sent(ActionRequested)]
    assert len(set(ids_)) == len(ids_) == 3


async def test_an_ignored_job_is_told_where_it_is_wanted(world: World, place: Any) -> None:
    """With an ignore URL the platform gets the item as it was submitted; without one nothing."""
    await place(world.queue, world.post, "post-1")
    await world.decide([IGNORE])
    assert await world.sent(CallbackRequested) == []
    await world.configure(ignore_callback_url="https://platform.example/ignored", undo_window=60)
    await place(world.queue, world.post, "post-2")
    decided = await world.decide([IGNORE, world.related()])
    assert await world.sent(CallbackRequested) == [], "held for the undo window"
    world.clock.forward(seconds=61)
    await Releaser(world.engine, clock=world.clock).release()
    (callback,) = await world.sent(CallbackRequested)
    assert callback.callback == "IGNORE"
    assert callback.decision_id == decided["id"]
    assert bytes(callback.body) == (
        b'{"id":"post-2","typeId":"%s","data":{"text": "buy now \\u0000"}}' % world.post.encode()
    )
    assert len(await world.sent(ActionRequested)) == 1


async def test_the_same_decision_of_all_parts_at_once_is_made_once(
    world: World, place: Any
) -> None:
    """Copies of a request in parallel: one row, one set of events, equal answers."""
    await world.configure(ignore_callback_url="https://platform.example/ignored")
    await place(world.queue, world.post)
    claim = (await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")).json()
    body = {"leaseToken": claim["lease"]["token"], "components": [IGNORE, world.related()]}
    path = f"/v1/jobs/{claim['job']['id']}/decisions"
    answers = await asyncio.gather(*(world.moderator.call("POST", path, body) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    for type_ in (DecisionMade, ActionRequested, CallbackRequested):
        assert len(await world.sent(type_)) == 1


async def test_killed_before_the_commit_nothing_happened(
    world: World, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while it records leaves neither row nor event, and the job claimed."""
    await place(world.queue, world.post)
    whole = append

    async def died(*_args: Any, **_more: Any) -> None:
        raise ConnectionError("killed")

    claim = (await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")).json()
    body = {"leaseToken": claim["lease"]["token"], "components": [world.act(), world.related()]}
    path = f"/v1/jobs/{claim['job']['id']}/decisions"
    monkeypatch.setattr(deciding, "append", died)
    with pytest.raises(ConnectionError):
        await world.moderator.call("POST", path, body)
    assert await world.sent(ActionRequested) == []
    monkeypatch.setattr(deciding, "append", whole)
    assert (await world.moderator.call("POST", path, body)).status_code == 201
    assert len(await world.sent(ActionRequested)) == 2


async def test_an_automatic_decision_is_one_without_a_reviewer(world: World, place: Any) -> None:
    """Closed, ignored or acted on by the settings of a queue: a row, its events at once, no rule
    for reviewers; a second one of the job is refused, and nothing of it can be undone."""
    await world.configure(
        requires_policy_for_decisions=True,
        requires_decision_reason=True,
        ignore_callback_url="https://platform.example/ignored",
        undo_window=60,
    )
    on_behalf = Reviewer(user_id=world.moderator.user_id, email="moderator@acme.example")
    parts: list[Component] = [
        Component(type="AUTOMATIC_CLOSE", close_reason="USER_ACTIONED"),
        Component(type="IGNORE"),
        Component(type="CUSTOM_ACTION", action_ids=(world.remove,)),
    ]
    for number, part in enumerate(parts):
        job_id = await place(world.queue, world.post, f"post-{number}")
        async with transaction(world.engine) as connection:
            job = await store.get_job(connection, world.org_id, job_id)
            recorded = await deciding.record_automatic(
                connection, job, [part], now=world.clock(), on_behalf=on_behalf
            )
            with pytest.raises(Conflict):
                await deciding.record_automatic(connection, job, [part], now=world.clock())
        shown = await world.admin.call("GET", f"/v1/decisions/{recorded.decision_id}")
        assert shown.json()["reviewerId"] is None
        assert shown.json()["automatic"] is True
        assert shown.json()["leavesAt"] is None
        undo = await world.admin.call("POST", f"/v1/decisions/{recorded.decision_id}/undo")
        assert undo.status_code == 409
    made = await world.sent(DecisionMade)
    assert [one.automatic for one in made] == [True] * 3
    assert {one.reviewer_id for one in made} == {"system"}
    assert made[0].components[0].close_reason == "USER_ACTIONED"
    assert len(await world.sent(CallbackRequested)) == 1
    (request,) = await world.sent(ActionRequested)
    assert request.actor_id == world.moderator.user_id
    async with transaction(world.engine) as connection:
        job = await store.get_job(connection, world.org_id, await place(world.queue, world.user))
        with pytest.raises(Invalid):
            await deciding.record_automatic(connection, job, [parts[2]], now=world.clock())


async def test_reviewers_do_not_close_by_themselves(world: World, place: Any) -> None:
    """What the settings of a queue decide is no part of a reviewer's vocabulary."""
    await place(world.queue, world.post)
    for type_ in ("AUTOMATIC_CLOSE", "CLOSE"):
        assert await world.refused([{"type": type_}]) == ["/components/0"]


async def test_a_decision_is_shown_to_who_may_see_its_job(
    world: World, place: Any, sign_in: Any, kit: Any
) -> None:
    """Another organisation, a closed queue, child safety without the permission: not there."""
    await place(world.queue, world.post, csam=True)
    decided = await world.decide([IGNORE], person=world.admin)
    path = f"/v1/decisions/{decided['id']}"
    assert (await world.admin.call("GET", path)).status_code == 200
    assert (await world.moderator.call("GET", path)).status_code == 404
    other = await kit.make_org()
    stranger = await sign_in(Role.ADMIN, other.org_id)
    assert (await stranger.call("GET", path)).status_code == 404
    missing = "/v1/decisions/00000000-0000-4000-8000-000000000000"
    assert (await world.admin.call("GET", missing)).status_code == 404


async def test_a_reversal_waits_until_a_decision_can_no_longer_be_undone(
    world: World, place: Any
) -> None:
    """While it can be undone it is not reversed; afterwards each execution is, on its own item."""
    await world.configure(undo_window=60)
    await place(world.queue, world.post, "post-1")
    decided = await world.decide([world.act(), world.related()])
    body = {"decisionId": decided["id"]}
    early = await world.admin.call("POST", "/v1/reversals", body)
    assert early.status_code == 409
    assert "undo it instead" in early.json()["detail"]
    world.clock.forward(seconds=61)
    await Releaser(world.engine, clock=world.clock).release()
    answer = await world.admin.call("POST", "/v1/reversals", body)
    assert answer.status_code == 201, answer.text
    items = (await world.admin.call("GET", f"/v1/bulk-actions/{answer.json()['id']}/items")).json()
    assert [(one["itemTypeId"], one["itemId"]) for one in items["items"]] == [
        (world.post, "post-1"),
        (world.user, "author-1"),
    ]


async def test_nothing_of_an_organisation_is_in_another_s_decision(
    world: World, place: Any, kit: Any, engine: Any
) -> None:
    """Types, actions, policies and queues of another organisation are unknown here."""
    other = await kit.make_org()
    await place(world.queue, world.post)
    assert await world.refused([world.related((other.default_user_type_id, "a"))]) == [
        "/components/0/items/0/typeId"
    ]
    moved = [{"type": "MOVE", "queueId": other.default_queue_id}]
    assert await world.refused(moved) == ["/components/0/queueId"]
    assert await world.sent(ReviewRequested) == []
    async with transaction(engine) as connection:
        rows = await connection.scalars(
            select(decisions.c.decision_id).where(decisions.c.org_id == world.org_id)
        )
        assert list(rows) == []
