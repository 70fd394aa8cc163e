"""Explanations: why something happened, and the same evaluated again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from coop_contracts.event import (
    RequestedExecution,
    SignalValue,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, Placement, Routing
from coop_review_api.kernel.schema import audit_log
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

from ..world.evaluation import Evaluated
from ..world.statement import counted

pytestmark = pytest.mark.engines


class World(Evaluated):
    """The same, asked for explanations."""

    async def explain(self, submission_id: str, person: Any = None) -> dict[str, Any]:
        path = f"/v1/submissions/{submission_id}/explanation"
        answer = await (person or self.admin).call("GET", path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def world(admin: Any, context: Any, org: Any, kit: Any) -> World:
    return World(admin, context, org.org_id, kit)


def strike(score: float | None, key: str, error: str | None = None) -> SignalValue:
    return SignalValue(key=key, signal="USER_STRIKE_VALUE", score=score, error=error)


async def test_why_is_answered_in_words(world: World) -> None:
    """An explanation has the rule as it was, each condition with what it asked and found, the
    actions with what became of them, and the item, although rule, bank and action have changed or
    gone since."""
    admin, kit = world.admin, world.kit
    post = await admin.make("/v1/item-types", kit.item_type())
    bank = await admin.make(
        "/v1/text-banks", {"name": "Slurs", "type": "STRING", "strings": ["scam", "spam"]}
    )
    action = await admin.make("/v1/actions", kit.action(post["id"], name="Remove it"))
    policy = await admin.make("/v1/policies", {"name": "No spam"})
    both = {
        "conjunction": "AND",
        "conditions": [
            kit.contains(textBankIds=[bank["id"]]),
            {
                "conjunction": "OR",
                "conditions": [
                    {
                        "input": {
                            "type": "CONTENT_FIELD",
                            "name": "text",
                            "contentTypeId": post["id"],
                        },
                        "comparator": "EQUALS",
                        "threshold": "never",
                    },
                    kit.contains(strings=["buy"])["conditions"][0],
                ],
            },
        ],
    }
    body = kit.rule(
        post["id"],
        status="LIVE",
        conditionSet=both,
        actionIds=[action["id"]],
        policyIds=[policy["id"]],
    )
    rule = await admin.make("/v1/rules", body)
    submission_id = await world.submit(post["id"], {"text": "buy this Spam"})
    execution = RequestedExecution(execution_id=new_id(), action_id=action["id"])
    await world.evaluate(submission_id, executions=(execution,))
    await world.deliver(execution.execution_id, state="DEAD", attempts=3, status=500, error="no")
    await world.deliver(execution.execution_id, state="DELIVERED", attempts=1, status=204)

    changed = kit.rule(post["id"], name="Renamed")
    await admin.call("PUT", f"/v1/rules/{rule['id']}", changed)
    await admin.call("DELETE", f"/v1/text-banks/{bank['id']}")
    await admin.call("DELETE", f"/v1/actions/{action['id']}")

    found = await world.explain(submission_id)
    assert found["submitted"]["data"] == {"text": "buy this Spam"}
    assert found["submitted"]["creator"] == {"id": "author", "typeId": "user"}
    assert found["itemTypeName"] == "Post"
    (evaluation,) = found["evaluations"]
    (explained,) = evaluation["rules"]
    assert (explained["name"], explained["revision"]) == ("Spam rule", rule["revision"])
    assert explained["passed"] is True
    assert explained["actions"] == [{"id": action["id"], "name": "Remove it"}]
    assert explained["policies"] == [{"id": policy["id"], "name": "No spam"}]
    (done,) = evaluation["executions"]
    assert (done["state"], done["status"], done["ruleIds"]) == ("DELIVERED", 204, [rule["id"]])
    root = explained["conditions"]
    assert (root["outcome"], root["conjunction"]) == ("PASSED", "AND")
    banked, either = root["conditions"]
    leaf = banked["conditions"][0]
    assert leaf["outcome"] == "PASSED"
    assert "Slurs" in leaf["says"]
    assert "spam" in leaf["found"]
    assert leaf["condition"] == kit.contains(textBankIds=[bank["id"]])["conditions"][0]
    never, buys = either["conditions"]
    assert either["outcome"] == "PASSED"
    assert (never["outcome"], never["says"]) == ("FAILED", "text is “never”")
    assert buys["outcome"] == "PASSED"
    assert buys["path"] == "/conditions/1/conditions/1"


async def test_the_same_again_is_the_same(world: World) -> None:
    """Recorded item and values under the recorded revision give the recorded outcome, whatever the
    rules say now; a record that does not fit is found out."""
    admin, kit = world.admin, world.kit
    post = await admin.make("/v1/item-types", kit.item_type())
    await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    await admin.make(
        "/v1/rules",
        kit.rule(
            post["id"], name="B", status="BACKGROUND", conditionSet=kit.contains(strings=["x"])
        ),
    )
    one = await world.submit(post["id"], {"text": "spam"})
    event = await world.evaluate(one)
    sampled = await world.submit(post["id"], {"text": "good"})
    await world.evaluate(sampled, sampled=True)
    rule_id = event.rules[0].rule.id
    await admin.call("DELETE", f"/v1/rules/{rule_id}")
    for submission_id in (one, sampled):
        answer = await admin.call("POST", f"/v1/submissions/{submission_id}/evaluations")
        assert answer.status_code == 200, answer.text
        (again,) = answer.json()["items"]
        assert (again["same"], again["differences"]) == (True, []), again
    other = await world.submit(post["id"], {"text": "nothing"})
    wrong = msgspec.structs.replace(event, submission_id=other, event_id=new_id())
    await world._take(world.projection.evaluated, wrong)
    (again,) = (await admin.call("POST", f"/v1/submissions/{other}/evaluations")).json()["items"]
    assert again["same"] is False
    assert again["differences"][0]["ruleId"] == rule_id
    assert "did not pass" in again["differences"][0]["now"]
    lost = new_id()
    gone = msgspec.structs.replace(event, submission_id=lost, event_id=new_id())
    await world._take(world.projection.evaluated, gone)
    (again,) = (await admin.call("POST", f"/v1/submissions/{lost}/evaluations")).json()["items"]
    assert (again["same"], again["reason"]) == (None, "the item's data is no longer kept")
    assert (await world.explain(lost))["submitted"] is None


async def test_values_from_outside_are_shown_and_used_again(world: World) -> None:
    """A value that was fetched, and why one could not be, stand beside their conditions, and decide
    again."""
    admin, kit = world.admin, world.kit
    post = await admin.make("/v1/item-types", kit.item_type())
    strikes = {
        "conjunction": "AND",
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "Content author (user)"},
                "signal": {"id": '{"type":"USER_STRIKE_VALUE"}', "type": "USER_STRIKE_VALUE"},
                "comparator": "GREATER_THAN_OR_EQUALS",
                "threshold": 3,
            }
        ],
    }
    await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE", conditionSet=strikes))
    body = {"ruleId": (await admin.call("GET", "/v1/rules")).json()["items"][0]["id"]}
    creator = {"id": "u", "typeId": "user"}
    item = {"typeId": post["id"], "data": {"text": "x"}, "creator": creator}
    away = [{"signal": "USER_STRIKE_VALUE", "error": "it is away"}]
    tried = await admin.call("POST", "/v1/rules/spot-test", {**body, "item": item, "values": away})
    (value,) = tried.json()["values"]
    assert value["error"] == "it is away"
    assert tried.json()["outcome"] == "ERRORED"
    for score, error, outcome in ((4.0, None, "PASSED"), (None, "redis is away", "ERRORED")):
        submission_id = await world.submit(post["id"], {"text": "x"})
        values = (strike(score, value["key"], error),)
        await world.evaluate(submission_id, values=values)
        (evaluation,) = (await world.explain(submission_id))["evaluations"]
        leaf = evaluation["rules"][0]["conditions"]["conditions"][0]
        assert leaf["outcome"] == outcome
        assert leaf["signals"][0]["score"] == score
        assert (error or "4") in leaf["found"]
        (again,) = (
            await admin.call("POST", f"/v1/submissions/{submission_id}/evaluations")
        ).json()["items"]
        assert again["same"] is True
        tried = await admin.call(
            "POST", "/v1/rules/spot-test", {**body, "submissionId": submission_id}
        )
        assert tried.json()["outcome"] == outcome


async def test_what_happened_is_found_by_its_ids(world: World, place: Any) -> None:
    """The submission behind an item, a rule, an execution, a review job or a decision is found;
    lists are paged, newest first."""
    admin, kit = world.admin, world.kit
    post = await admin.make("/v1/item-types", kit.item_type())
    rule = await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    item_id = new_id()
    ids = []
    for _ in range(3):
        world.context.clock.forward(seconds=1)
        submission_id = await world.submit(post["id"], {"text": "spam"}, item_id=item_id)
        execution = RequestedExecution(execution_id=new_id(), action_id="a")
        await world.evaluate(submission_id, executions=(execution,))
        ids.append(submission_id)

    async def listed(query: str) -> list[str]:
        answer = await admin.call("GET", f"/v1/evaluations?{query}")
        assert answer.status_code == 200, answer.text
        return [one["submissionId"] for one in answer.json()["items"]]

    newest = ids[::-1]
    assert await listed(f"itemTypeId={post['id']}&itemId={item_id}") == newest
    assert await listed(f"ruleId={rule['id']}") == newest
    assert await listed(f"ruleId={rule['id']}&ruleRevision={rule['revision']}") == newest
    assert await listed(f"ruleId={rule['id']}&ruleRevision=1") == []
    assert await listed("matched=false") == []
    assert await listed(f"executionId={execution.execution_id}") == [ids[2]]
    assert await listed("executionId=nothing") == []
    page = (await admin.call("GET", f"/v1/evaluations?ruleId={rule['id']}&limit=2")).json()
    rest = await listed(f"ruleId={rule['id']}&limit=2&cursor={page['nextCursor']}")
    assert [one["submissionId"] for one in page["items"]] + rest == newest
    got = (await admin.call("GET", f"/v1/executions/{execution.execution_id}")).json()
    assert (got["submissionId"], got["state"]) == (ids[2], "UNKNOWN")
    for query in ("itemId=x", "ruleRevision=1", "jobId=a&decisionId=b", "since=yesterday"):
        answer = await admin.call("GET", f"/v1/evaluations?{query}")
        assert answer.status_code == 422, query


async def test_a_list_says_what_each_found(world: World, place: Any, org: Any) -> None:
    """Asked for outcomes, a list has each rule's outcome with what decided it, the item's first
    words without hidden fields, and its creator; of child safety no words. A page costs the same
    statements whatever its length."""
    admin, kit = world.admin, world.kit
    post = await admin.make("/v1/item-types", kit.item_type())
    rule = await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    other = await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE", name="Same"))
    item_id = new_id()

    async def listed(query: str) -> list[dict[str, Any]]:
        answer = await admin.call("GET", f"/v1/evaluations?itemId={item_id}&{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def submitted(text: str) -> None:
        world.context.clock.forward(seconds=1)
        submission_id = await world.submit(post["id"], {"text": text}, item_id=item_id)
        await world.evaluate(submission_id, sampled=True)

    of_type = f"itemTypeId={post['id']}"
    await submitted("this is spam " + "x" * 500)
    assert (await listed(of_type))[0]["outcome"] is None
    with counted(world.context.engine) as one:
        await listed(of_type + "&include=outcome")
    for _ in range(5):
        await submitted("harmless")
    with counted(world.context.engine) as many:
        *_, newest, oldest = await listed(of_type + "&include=outcome")
    assert one == many
    assert {one["id"] for one in oldest["outcome"]["rules"]} == {rule["id"], other["id"]}
    assert [one["passed"] for one in newest["outcome"]["rules"]] == [False, False]
    assert oldest["outcome"]["text"] == ("this is spam " + "x" * 500)[:200]
    assert oldest["outcome"]["creator"] == {"id": "author", "typeId": "user"}
    oldest = (await listed(f"{of_type}&include=outcome&ruleId={rule['id']}&matched=true"))[-1]
    (told,) = oldest["outcome"]["rules"]
    assert (told["id"], told["name"], told["passed"]) == (rule["id"], "Spam rule", True)
    assert told["matchedValue"] == "spam"
    answer = await admin.call("GET", "/v1/evaluations?include=everything")
    assert answer.status_code == 422

    await place(org.default_queue_id, post["id"], item_id, csam=True)
    assert {one["outcome"]["text"] for one in await listed(of_type + "&include=outcome")} == {None}


async def test_a_review_job_leads_to_its_submissions(world: World, org: Any, context: Any) -> None:
    """A job that a rule placed, and the decision on it, are explained by the submission."""
    admin, kit = world.admin, world.kit
    post = await admin.make("/v1/item-types", kit.item_type())
    await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    submission_id = await world.submit(post["id"], {"text": "spam"})
    execution = RequestedExecution(execution_id=new_id(), action_id="enqueue")
    await world.evaluate(submission_id, executions=(execution,))
    found = await world.explain(submission_id)
    placement = Placement(
        org_id=org.org_id,
        queue_id=org.default_queue_id,
        item=SubmittedItem(
            id=found["item"]["id"],
            type_id=post["id"],
            type_version="v",
            data=msgspec.Raw(b'{"text":"spam"}'),
        ),
        entry=JobEntry(
            entry_id=execution.execution_id,
            source="RULE_EXECUTION",
            at=context.clock(),
            routing=Routing(how="DEFAULT", config_revision=1),
            correlation_id=submission_id,
        ),
    )
    async with transaction(context.engine) as connection:
        placed = await store.place(connection, placement)
    await context.part(Desk).order.apply(placed.changes)
    (done,) = (await world.explain(submission_id))["evaluations"][0]["executions"]
    assert (done["state"], done["jobId"]) == ("REVIEW", placed.job_id)
    listed = (await admin.call("GET", f"/v1/evaluations?jobId={placed.job_id}")).json()["items"]
    assert [one["submissionId"] for one in listed] == [submission_id]
    claim = (await admin.call("POST", f"/v1/queues/{org.default_queue_id}/claims")).json()
    decided = await admin.call(
        "POST",
        f"/v1/jobs/{placed.job_id}/decisions",
        {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]},
    )
    assert decided.status_code == 201, decided.text
    query = f"/v1/evaluations?decisionId={decided.json()['id']}"
    listed = (await admin.call("GET", query)).json()["items"]
    assert [one["submissionId"] for one in listed] == [submission_id]


async def test_explanations_are_an_organisations_own(
    world: World, sign_in: Any, kit: Any, place: Any
) -> None:
    """Another organisation finds nothing; of an item of child-abuse material those without the
    permission find nothing either, and each look by those with it is audited."""
    admin = world.admin
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    moderator = await sign_in(Role.MODERATOR)
    post = await admin.make("/v1/item-types", kit.item_type())
    await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    item_id = new_id()
    submission_id = await world.submit(post["id"], {"text": "spam"}, item_id=item_id)
    execution = RequestedExecution(execution_id=new_id(), action_id="a")
    await world.evaluate(submission_id, executions=(execution,))
    path = f"/v1/submissions/{submission_id}"
    of_item = f"/v1/evaluations?itemTypeId={post['id']}&itemId={item_id}"
    trial = {"rule": kit.rule(post["id"]), "submissionId": submission_id}
    for method, one, body in (
        ("GET", path + "/explanation", None),
        ("POST", path + "/evaluations", None),
        ("GET", f"/v1/executions/{execution.execution_id}", None),
        ("POST", "/v1/rules/spot-test", trial),
    ):
        assert (await stranger.call(method, one, body)).status_code == 404, one
    assert (await stranger.call("GET", of_item)).json()["items"] == []
    assert (await moderator.call("GET", path + "/explanation")).status_code == 200
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    await place(queues[0]["id"], post["id"], item_id, csam=True)
    assert (await moderator.call("GET", path + "/explanation")).status_code == 404
    assert (await moderator.call("POST", path + "/evaluations")).status_code == 404
    asked_for = f"/v1/executions/{execution.execution_id}"
    assert (await moderator.call("GET", of_item)).json()["items"] == []
    assert (await moderator.call("GET", asked_for)).status_code == 404
    assert (await admin.call("GET", path + "/explanation")).status_code == 200
    assert (await admin.call("GET", of_item)).json()["items"] != []
    assert (await admin.call("GET", asked_for)).status_code == 200
    async with transaction(world.context.engine) as connection:
        audited = await connection.execute(
            select(audit_log.c.actor, audit_log.c.action, audit_log.c.target_kind).where(
                audit_log.c.org_id == world.org_id, audit_log.c.action.like("child-safety.%")
            )
        )
        assert {tuple(row) for row in audited} == {
            (admin.user_id, "child-safety.viewed", "submission"),
            (admin.user_id, "child-safety.listed", "evaluations"),
            (admin.user_id, "child-safety.viewed", "execution"),
        }
