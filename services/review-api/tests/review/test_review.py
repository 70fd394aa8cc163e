"""Reviewing through the API: claims, leases, decisions and what follows from them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from coop_contracts import ids
from coop_contracts.event import ActionRequested, DecisionMade
from coop_contracts.permission import Role
from coop_queues.table import claims
from coop_review_api.kernel.schema import audit_log, outbox
from coop_review_api.review.desk import Desk
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]


@dataclass
class World:
    """An organisation with something to review."""

    admin: Any
    moderator: Any
    org_id: str
    post: str
    queue: str
    other_queue: str
    appeals: str
    policy: str
    other_policy: str
    remove: str
    warn: str


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any) -> World:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    days = {
        "name": "days",
        "displayName": "Days",
        "type": "NUMBER",
        "required": True,
        "min": 1,
        "max": 30,
        "defaultValue": 7,
    }
    return World(
        admin=admin,
        moderator=await sign_in(Role.MODERATOR),
        org_id=org.org_id,
        post=post,
        queue=org.default_queue_id,
        other_queue=(await admin.make("/v1/queues", {"name": "Spam", "openToEveryone": True}))[
            "id"
        ],
        appeals=org.appeals_queue_id,
        policy=(await admin.make("/v1/policies", {"name": "Spam"}))["id"],
        other_policy=(await admin.make("/v1/policies", {"name": "Abuse"}))["id"],
        remove=(await admin.make("/v1/actions", kit.action(post)))["id"],
        warn=(await admin.make("/v1/actions", kit.action(post, name="Warn", parameters=[days])))[
            "id"
        ],
    )


async def claim(person: Any, queue: str) -> tuple[str, str]:
    answer = await person.call("POST", f"/v1/queues/{queue}/claims")
    assert answer.status_code == 200, answer.text
    return answer.json()["job"]["id"], answer.json()["lease"]["token"]


async def decide(person: Any, job: str, token: str, components: Any, **more: Any) -> Any:
    body = {"leaseToken": token, "components": components, **more}
    return await person.call("POST", f"/v1/jobs/{job}/decisions", body)


async def sent(engine: Any, org_id: str, type_: Any) -> list[Any]:
    """Events of a type that the outbox holds for an organisation, in order."""
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(outbox.c.key, outbox.c.value)
            .where(outbox.c.topic == type_.topic)
            .order_by(outbox.c.id)
        )
        found = [(bytes(key), msgspec.json.decode(value, type=type_)) for key, value in rows]
    return [(key, event) for key, event in found if event.org_id == org_id]


async def test_a_claim_shows_the_job_and_leases_it(world: World, place: Any) -> None:
    """The reviewer gets item, reports and lease; nobody else gets the same job; empty is 204."""
    job_id = await place(world.queue, world.post, "post-1")
    answer = (await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")).json()
    assert answer["job"]["id"] == job_id
    assert answer["job"]["itemId"] == "post-1"
    payload = answer["job"]["payload"]
    assert payload["item"]["data"] == {"text": "buy now \0"}
    assert payload["entries"][0]["report"]["reason"] == "spam"
    assert len(answer["lease"]["token"]) == 32
    empty = await world.admin.call("POST", f"/v1/queues/{world.queue}/claims")
    assert empty.status_code == 204
    counts = (await world.moderator.call("GET", f"/v1/queues/{world.queue}/counts")).json()
    assert (counts["pending"], counts["leased"]) == (1, 1)
    everywhere = (await world.moderator.call("GET", "/v1/queue-counts")).json()["items"]
    assert {entry["queueId"]: entry["pending"] for entry in everywhere} == {
        world.queue: 1,
        world.other_queue: 0,
        world.appeals: 0,
    }


async def test_a_decision_its_job_and_its_events_are_one(
    world: World, place: Any, engine: Any
) -> None:
    """An action closes the job and puts decision and request on their topics, ids derived."""
    await place(world.queue, world.post, "post-1")
    job, token = await claim(world.moderator, world.queue)
    components = [
        {
            "type": "CUSTOM_ACTION",
            "actionIds": [world.remove, world.warn],
            "policyIds": [world.policy],
            "parameters": {world.warn: {"days": 3}},
        }
    ]
    answer = await decide(
        world.moderator, job, token, components, reason="clear spam", note="seen before"
    )
    assert answer.status_code == 201, answer.text
    decided = answer.json()
    closed = (await world.moderator.call("GET", f"/v1/jobs/{job}")).json()
    assert (closed["state"], closed["closedBy"]) == ("CLOSED", world.moderator.user_id)
    ((key, made),) = await sent(engine, world.org_id, DecisionMade)
    assert key == f"{world.org_id}/{job}".encode()
    assert made.decision_id == decided["id"] == ids.decision_id(job_id=job)
    assert made.reviewer_id == world.moderator.user_id
    assert made.correlation_id == "report-cause"
    requests = await sent(engine, world.org_id, ActionRequested)
    target = ids.item_key(world.org_id, world.post, "post-1")
    for (request_key, request), action in zip(requests, (world.remove, world.warn), strict=True):
        assert request_key == target.encode()
        assert request.execution_id == ids.execution_id(
            cause=made.decision_id, action=action, target=target
        )
        assert request.source == "MRT_JOB"
        assert request.actor_email == world.moderator.email
        assert request.actor_note == "seen before"
        assert request.decision_reason == "clear spam"
        assert request.policy_ids == (world.policy,)
        assert request.causation_id == made.event_id
        assert request.creator.id == "author-1"
        assert [entry.reason for entry in request.report_history] == ["spam"]
        assert request.config_revision == made.config_revision > 0
    assert [request.parameters for _, request in requests] == [{}, {"days": 3}]
    assert [one["executionId"] for one in decided["executions"]] == [
        request.execution_id for _, request in requests
    ]


async def test_the_same_decision_again_gets_the_same_answer(
    world: World, place: Any, engine: Any
) -> None:
    """A repeated request changes nothing; another decision on the job is 409."""
    await place(world.queue, world.post)
    job, token = await claim(world.moderator, world.queue)
    act = [{"type": "CUSTOM_ACTION", "actionIds": [world.remove]}]
    first = await decide(world.moderator, job, token, act)
    again = await decide(world.moderator, job, token, act)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert len(await sent(engine, world.org_id, ActionRequested)) == 1
    assert (await decide(world.moderator, job, token, IGNORE)).status_code == 409
    assert (await decide(world.admin, job, token, act)).status_code == 409


async def test_the_same_decision_at_once_is_made_once(
    world: World, place: Any, engine: Any
) -> None:
    """Eight copies of a request in parallel: one decision, eight equal answers."""
    await place(world.queue, world.post)
    job, token = await claim(world.moderator, world.queue)
    act = [{"type": "CUSTOM_ACTION", "actionIds": [world.remove]}]
    answers = await asyncio.gather(*(decide(world.moderator, job, token, act) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await sent(engine, world.org_id, DecisionMade)) == 1
    assert len(await sent(engine, world.org_id, ActionRequested)) == 1


async def test_without_the_lease_nothing_is_decided(world: World, place: Any, engine: Any) -> None:
    """A wrong token, someone else's hands, or a lease that was given back: 409, no effect."""
    await place(world.queue, world.post)
    job, token = await claim(world.moderator, world.queue)
    assert (await decide(world.moderator, job, "0" * 32, IGNORE)).status_code == 409
    assert (await decide(world.admin, job, token, IGNORE)).status_code == 409
    header = {"X-Lease-Token": token}
    released = await world.moderator.call("DELETE", f"/v1/jobs/{job}/lease", headers=header)
    assert released.status_code == 204
    late = await decide(world.moderator, job, token, IGNORE)
    assert late.status_code == 409
    assert late.json()["type"] == "/problems/lease-lost"
    assert await sent(engine, world.org_id, DecisionMade) == []
    async with transaction(engine) as connection:
        found = await connection.scalars(
            select(decisions.c.decision_id).where(decisions.c.job_id == job)
        )
        assert list(found) == []
    assert (await claim(world.admin, world.queue))[0] == job


async def test_a_lease_is_extended_by_its_holder(world: World, place: Any) -> None:
    """Extending moves the end; others cannot, nor can they skip or release."""
    await place(world.queue, world.post)
    answer = (await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")).json()
    job, lease = answer["job"]["id"], answer["lease"]
    body = {"leaseToken": lease["token"]}
    extended = await world.moderator.call("POST", f"/v1/jobs/{job}/lease/extend", body)
    assert extended.json()["expiresAt"] > lease["expiresAt"]
    for step in ("lease/extend", "skip"):
        assert (await world.admin.call("POST", f"/v1/jobs/{job}/{step}", body)).status_code == 409
    header = {"X-Lease-Token": lease["token"]}
    stolen = await world.admin.call("DELETE", f"/v1/jobs/{job}/lease", headers=header)
    assert stolen.status_code == 409


async def test_skipping_leaves_the_job_to_others(world: World, place: Any) -> None:
    """The skipper does not see the job again, the next reviewer does."""
    job_id = await place(world.queue, world.post)
    job, token = await claim(world.moderator, world.queue)
    body = {"leaseToken": token}
    assert (await world.moderator.call("POST", f"/v1/jobs/{job}/skip", body)).status_code == 204
    again = await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")
    assert again.status_code == 204
    assert (await claim(world.admin, world.queue))[0] == job_id


async def test_a_move_continues_in_the_other_queue(world: World, place: Any, engine: Any) -> None:
    """A moved job is closed here and pending there, with its reports; the decision says where."""
    await place(world.queue, world.post, "post-1")
    job, token = await claim(world.moderator, world.queue)
    move = [{"type": "MOVE", "queueId": world.other_queue}]
    moved = (await decide(world.moderator, job, token, move)).json()
    there, _ = await claim(world.moderator, world.other_queue)
    assert moved["movedTo"] == there != job
    shown = (await world.moderator.call("GET", f"/v1/jobs/{there}")).json()
    assert shown["movedFrom"] == [job]
    assert shown["reportCount"] == 1
    ((_, made),) = await sent(engine, world.org_id, DecisionMade)
    assert made.components[0].queue_id == world.other_queue
    assert await sent(engine, world.org_id, ActionRequested) == []
    assert (await decide(world.moderator, job, token, move)).json() == moved


async def test_what_a_decision_may_not_say(world: World, place: Any, kit: Any, org: Any) -> None:
    """Every wrong component is refused with its pointer, and the job stays claimed."""
    comment = (await world.admin.make("/v1/item-types", kit.item_type("Comment")))["id"]
    elsewhere = (await world.admin.make("/v1/actions", kit.action(comment, name="Hide")))["id"]
    hidden = (await world.admin.make("/v1/actions", kit.action(world.post, name="Ban")))["id"]
    body = {"name": "Default", "isDefaultQueue": True, "hiddenActionIds": [hidden]}
    await world.admin.call("PUT", f"/v1/queues/{world.queue}", body)
    enqueue = org.action_ids["ENQUEUE_TO_MRT"]
    await place(world.queue, world.post)
    job, token = await claim(world.moderator, world.queue)

    def act(*actions: str, **more: Any) -> dict[str, Any]:
        return {"type": "CUSTOM_ACTION", "actionIds": list(actions), **more}

    wrong: list[tuple[list[dict[str, Any]], str]] = [
        ([act("nope")], "/components/0/actionIds/0"),
        ([act(elsewhere)], "/components/0/actionIds/0"),
        ([act(hidden)], "/components/0/actionIds/0"),
        ([act(enqueue)], "/components/0/actionIds/0"),
        ([act(world.remove, world.remove)], "/components/0/actionIds/1"),
        ([act(world.remove, policyIds=["nope"])], "/components/0/policyIds/0"),
        (
            [act(world.warn, parameters={world.warn: {"days": 31}})],
            f"/components/0/parameters/{world.warn}/days",
        ),
        (
            [act(world.warn, parameters={world.warn: {"days": "3"}})],
            f"/components/0/parameters/{world.warn}/days",
        ),
        (
            [act(world.warn, parameters={world.warn: {"weeks": 3}})],
            f"/components/0/parameters/{world.warn}/weeks",
        ),
        (
            [act(world.remove, parameters={world.warn: {}})],
            f"/components/0/parameters/{world.warn}",
        ),
        ([*IGNORE, act(world.remove)], "/components/1/type"),
        ([*IGNORE, {"type": "MOVE", "queueId": world.other_queue}], "/components"),
        ([{"type": "ACCEPT_APPEAL"}], "/components/0"),
        ([], "/components"),
        ([{"type": "MOVE", "queueId": "nope"}], "/components/0/queueId"),
        ([{"type": "MOVE", "queueId": world.queue}], "/components/0/queueId"),
        ([{"type": "MOVE", "queueId": world.appeals}], "/components/0/queueId"),
        ([{"type": "MOVE"}], "/components/0/queueId"),
        ([{"type": "ESCALATE"}], "/components/0"),
        ([{"type": "IGNORE", "actionIds": [world.remove]}], "/components/0/actionIds"),
    ]
    for components, pointer in wrong:
        answer = await decide(world.moderator, job, token, components)
        assert answer.status_code == 422, (components, answer.text)
        assert pointer in [e["pointer"] for e in answer.json()["errors"]], answer.text
    assert (await decide(world.moderator, job, token, IGNORE)).status_code == 201


async def test_the_organisations_rules_bind(world: World, place: Any) -> None:
    """Required policies and reasons, and one policy only, are enforced on the server."""
    settings = {
        "name": "Acme",
        "requiresPolicyForDecisions": True,
        "requiresDecisionReason": True,
        "requiresDecisionReasonOnIgnore": True,
        "allowMultiplePoliciesPerAction": False,
    }
    assert (await world.admin.call("PUT", "/v1/settings", settings)).status_code == 200
    await place(world.queue, world.post)
    job, token = await claim(world.moderator, world.queue)
    act: dict[str, Any] = {"type": "CUSTOM_ACTION", "actionIds": [world.remove]}
    bare = await decide(world.moderator, job, token, [act])
    assert [error["pointer"] for error in bare.json()["errors"]] == [
        "/reason",
        "/components/0/policyIds",
    ]
    assert (await decide(world.moderator, job, token, IGNORE, reason=" ")).status_code == 422
    two = {**act, "policyIds": [world.policy, world.other_policy]}
    assert (await decide(world.moderator, job, token, [two], reason="r")).status_code == 422
    one = {**act, "policyIds": [world.policy]}
    assert (await decide(world.moderator, job, token, [one], reason="r")).status_code == 201


async def test_default_parameters_are_applied(world: World, place: Any, engine: Any) -> None:
    """A parameter left out takes its default value in the event."""
    await place(world.queue, world.post)
    job, token = await claim(world.moderator, world.queue)
    await decide(
        world.moderator, job, token, [{"type": "CUSTOM_ACTION", "actionIds": [world.warn]}]
    )
    ((_, request),) = await sent(engine, world.org_id, ActionRequested)
    assert request.parameters == {"days": 7}


async def test_jobs_are_found(world: World, place: Any) -> None:
    """Search by item, prefix, queue and state, page by page, in the order they came."""
    placed = [await place(world.queue, world.post, f"run7-{number}") for number in range(5)]
    await place(world.other_queue, world.post, "other-1")

    async def find(query: str) -> list[str]:
        found, cursor = [], ""
        while True:
            answer = await world.moderator.call("GET", f"/v1/jobs?limit=2&{query}{cursor}")
            page = answer.json()
            found += [job["id"] for job in page["items"]]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    assert await find("itemIdPrefix=run7-") == placed
    assert await find(f"itemId=run7-3&itemTypeId={world.post}") == [placed[3]]
    assert await find("itemIdPrefix=run7%25") == []
    assert len(await find(f"queueId={world.other_queue}")) == 1
    job, token = await claim(world.moderator, world.queue)
    await decide(world.moderator, job, token, IGNORE)
    assert await find("state=CLOSED") == [job]
    assert (await world.moderator.call("GET", "/v1/jobs?cursor=aGk")).status_code == 422


async def test_child_safety_jobs_need_their_permission(
    world: World, place: Any, sign_in: Any, engine: Any
) -> None:
    """Without the permission such a job is nowhere; with it, each look leaves an audit row."""
    job_id = await place(world.queue, world.post, csam=True)
    plain = await place(world.queue, world.post)
    assert (await claim(world.moderator, world.queue))[0] == plain
    assert (await world.moderator.call("GET", f"/v1/jobs/{job_id}")).status_code == 404
    assert job_id not in (await world.moderator.call("GET", "/v1/jobs")).text
    reviewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    assert (await claim(reviewer, world.queue))[0] == job_id
    assert (await reviewer.call("GET", f"/v1/jobs/{job_id}")).status_code == 200
    async with transaction(engine) as connection:
        rows = await connection.scalars(
            select(audit_log.c.actor).where(
                audit_log.c.action == "child-safety.viewed", audit_log.c.target_id == job_id
            )
        )
        assert list(rows) == [reviewer.user_id] * 2


async def test_what_one_may_not_see_is_in_nobodys_way(
    world: World, place: Any, engine: Any
) -> None:
    """Behind more child-safety jobs than Redis offers at once is the next job, not an empty queue;
    nobody is said to have skipped what they were never given."""
    for _ in range(40):
        await place(world.queue, world.post, csam=True)
    plain = await place(world.queue, world.post)
    assert (await claim(world.moderator, world.queue))[0] == plain
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(claims.c.job_id, claims.c.outcome).where(
                claims.c.reviewer_id == world.moderator.user_id
            )
        )
        assert [tuple(row) for row in rows] == [(plain, None)]


async def test_a_queue_with_jobs_is_not_deleted(world: World, place: Any) -> None:
    """Deleting a queue in which jobs wait is 409 and says how many."""
    await place(world.other_queue, world.post)
    refused = await world.admin.call("DELETE", f"/v1/queues/{world.other_queue}")
    assert refused.status_code == 409
    assert "1 job" in refused.json()["detail"]


async def test_a_job_whose_type_is_gone_can_still_be_ignored(
    world: World, place: Any, kit: Any
) -> None:
    """Deleting an item type leaves its jobs decidable."""
    gone = (await world.admin.make("/v1/item-types", kit.item_type("Gone")))["id"]
    await place(world.queue, gone)
    assert (await world.admin.call("DELETE", f"/v1/item-types/{gone}")).status_code == 204
    job, token = await claim(world.moderator, world.queue)
    act = [{"type": "CUSTOM_ACTION", "actionIds": [world.remove]}]
    assert (await decide(world.moderator, job, token, act)).status_code == 422
    assert (await decide(world.moderator, job, token, IGNORE)).status_code == 201


async def test_reviews_go_on_without_redis(world: World, place: Any, context: Any) -> None:
    """With Redis away, claims and decisions still work from the rows."""
    job_id = await place(world.queue, world.post)
    context.part(Desk).order.failed(ConnectionError("gone"))
    job, token = await claim(world.moderator, world.queue)
    assert job == job_id
    context.part(Desk).order.failed(ConnectionError("gone"))
    assert (await decide(world.moderator, job, token, IGNORE)).status_code == 201
