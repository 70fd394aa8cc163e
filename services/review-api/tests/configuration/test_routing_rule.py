"""Routing rules: what is refused, trying them without effect, their order."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from coop_contracts.event import SignalValue
from coop_contracts.permission import Role
from coop_review_api.configuration.table import config_log
from coop_review_api.kernel import schema
from coop_review_api.signal.signals import Signals
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

HATE = "OPEN_AI_HATE_TEXT_MODEL"
HATEFUL = {
    "conjunction": "AND",
    "conditions": [
        {
            "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
            "signal": {"id": f'{{"type":"{HATE}"}}', "type": HATE},
            "comparator": "GREATER_THAN",
            "threshold": 0.5,
        }
    ],
}
COUNTED = {
    "input": {"type": "FULL_ITEM"},
    "signal": {
        "id": '{"type":"AGGREGATION"}',
        "type": "AGGREGATION",
        "args": {
            "aggregationClause": {
                "id": "a",
                "aggregation": {"type": "COUNT"},
                "groupBy": [],
                "window": {"sizeMs": 60000, "hopMs": 1000},
            }
        },
    },
    "comparator": "GREATER_THAN",
    "threshold": 1,
}


class Routed:
    """An organisation with the item type Post, three queues more than the first two, and rules."""

    def __init__(self, admin: Any, kit: Any) -> None:
        self.admin = admin
        self.kit = kit
        self.queues: dict[str, str] = {}

    async def build(self) -> Routed:
        self.post = await self.admin.make("/v1/item-types", self.kit.item_type())
        found = (await self.admin.call("GET", "/v1/queues")).json()["items"]
        self.queues = {
            "appeals" if one["isAppealsQueue"] else "default": one["id"] for one in found
        }
        for name in ("Spam", "Urgent"):
            self.queues[name] = (
                await self.admin.make("/v1/queues", {"name": name, "openToEveryone": True})
            )["id"]
        return self

    def body(self, name: str, queue: str, condition: Any, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "itemTypeIds": [self.post["id"]],
            "conditionSet": condition,
            "destinationQueueId": self.queues[queue],
            **more,
        }

    async def rule(self, name: str, queue: str, condition: Any, **more: Any) -> Any:
        return await self.admin.make("/v1/routing-rules", self.body(name, queue, condition, **more))

    async def test(self, text: str, **more: Any) -> dict[str, Any]:
        item = {"typeId": self.post["id"], "data": {"text": text}}
        answer = await self.admin.call("POST", "/v1/routing-rules/test", {"item": item, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def routed(admin: Any, kit: Any) -> Routed:
    return await Routed(admin, kit).build()


async def test_signals_that_routing_cannot_have_are_refused(routed: Routed) -> None:
    """An aggregation or a hash of media in a routing rule is refused at its condition, with the
    reason; the same aggregation in a rule is saved."""
    wrong = {
        "conjunction": "OR",
        "conditions": [*routed.kit.contains(strings=["x"])["conditions"], COUNTED],
    }
    body = routed.body("Counted", "Spam", wrong)
    answer = await routed.admin.call("POST", "/v1/routing-rules", body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/conditionSet/conditions/1/signal/type"
    assert "AGGREGATION is not for routing rules" in error["reason"]
    kept = routed.kit.rule(routed.post["id"], conditionSet=wrong)
    assert (await routed.admin.call("POST", "/v1/rules", kept)).status_code == 201


async def test_routing_is_tried_without_effect(routed: Routed, engine: Any) -> None:
    """The first rule that passes wins: its queue, the rules before it with their conditions, the
    revision; rules after it are not tried, and nothing is written."""
    contains = routed.kit.contains
    first = await routed.rule("First", "Urgent", contains(strings=["bomb"]))
    second = await routed.rule("Second", "Spam", contains(strings=["buy"]))
    await routed.rule("Draft", "Urgent", contains(strings=["buy"]), status="DRAFT")
    await routed.rule("Third", "Urgent", contains(strings=["now"]))

    async def written() -> list[int]:
        async with transaction(engine) as connection:
            return [
                await connection.scalar(select(func.count()).select_from(table)) or 0
                for table in (config_log, schema.outbox, schema.audit_log)
            ]

    before = await written()
    found = await routed.test("Buy now")
    assert await written() == before
    assert (found["how"], found["queue"]["name"]) == ("RULE", "Spam")
    assert found["rule"] == {"id": second["id"], "name": "Second"}
    assert [(one["id"], one["outcome"]) for one in found["rules"]] == [
        (first["id"], "FAILED"),
        (second["id"], "PASSED"),
    ]
    passed = found["rules"][1]
    assert passed["conditions"]["conditions"][0]["matchedValue"] == "buy"
    assert (passed["revision"], passed["destinationQueueId"]) == (
        second["revision"],
        routed.queues["Spam"],
    )
    assert found["configRevision"] >= second["revision"]
    none = await routed.test("hello")
    assert (none["how"], none["queue"]["id"]) == ("DEFAULT", routed.queues["default"])
    assert [one["name"] for one in none["rules"]] == ["First", "Second", "Third"]


async def test_appeals_senders_and_child_safety(routed: Routed) -> None:
    """An appeal is tried on the appeals' rules; a sender's queue and the settings' queue for child
    safety come before all rules."""
    by_policy = {
        "conjunction": "AND",
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "Relevant Policy"},
                "comparator": "EQUALS",
                "threshold": "p1",
            }
        ],
    }
    await routed.rule("Any", "Spam", routed.kit.contains(strings=["hello"]))
    await routed.rule("Appeal", "appeals", by_policy, forAppeals=True)
    appeal = await routed.test("hello", source="APPEAL", policyIds=["p0", "p1"])
    assert (appeal["how"], appeal["rule"]["name"]) == ("RULE", "Appeal")
    assert (await routed.test("hello", source="APPEAL"))["how"] == "DEFAULT"
    sent = await routed.test("hello", queueId=routed.queues["Urgent"])
    assert (sent["how"], sent["queue"]["name"], sent["rules"]) == ("SENDER", "Urgent", [])
    gone = await routed.test("hello", queueId="nothing")
    assert (gone["how"], gone["note"]) == ("RULE", "the sender's queue nothing is gone")


async def test_values_are_given_fetched_or_missing(
    routed: Routed, context: Any, monkeypatch: Any
) -> None:
    """A rule that needs a model is undecided without its value, which a test may give, or have
    fetched; what an earlier rule decides asks nobody."""
    await routed.rule("First", "Spam", routed.kit.contains(strings=["buy"]))
    await routed.rule("Hate", "Urgent", HATEFUL)
    asked: list[Any] = []

    async def values(org_id: str, need: Any, inputs: Any, *, deadline: float) -> Any:
        asked.extend(inputs)
        return [SignalValue(key=need.key, signal=need.signal.name, score=0.9) for _ in inputs]

    monkeypatch.setattr(context.part(Signals), "values", values)
    missing = await routed.test("hello")
    assert missing["how"] == "DEFAULT"
    assert missing["rules"][1]["outcome"] == "ERRORED"
    assert "not asked for" in missing["values"][0]["error"]
    given = await routed.test("hello", values=[{"signal": HATE, "score": 0.8}])
    assert (given["how"], given["rule"]["name"]) == ("RULE", "Hate")
    assert (await routed.test("buy", fetchSignals=True))["rule"]["name"] == "First"
    assert asked == []
    fetched = await routed.test("hello", fetchSignals=True)
    assert (fetched["rule"]["name"], asked) == ("Hate", ["hello"])
    assert fetched["rules"][1]["conditions"]["conditions"][0]["signals"][0]["score"] == 0.9


async def test_what_cannot_be_tried(routed: Routed) -> None:
    """Neither or both of item and submission, an unknown type, data that do not fit: 422 there; an
    unknown submission: 404."""
    item = {"typeId": routed.post["id"], "data": {"text": "x"}}
    for body, pointer in (
        ({}, ""),
        ({"item": item, "submissionId": "s"}, ""),
        ({"item": {**item, "typeId": "nothing"}}, "/item/typeId"),
        ({"item": {**item, "data": {"text": 5}}}, "/item/data/text"),
        ({"item": item, "source": "NOWHERE"}, "/source"),
    ):
        answer = await routed.admin.call("POST", "/v1/routing-rules/test", body)
        assert answer.status_code == 422, answer.text
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.text
    answer = await routed.admin.call("POST", "/v1/routing-rules/test", {"submissionId": "none"})
    assert answer.status_code == 404


async def order(person: Any, ids: list[str], **more: Any) -> Any:
    headers = more.pop("headers", {})
    return await person.call(
        "PUT", "/v1/routing-rules/order", {"ruleIds": ids, **more}, headers=headers
    )


async def test_rules_are_put_in_order(routed: Routed, engine: Any) -> None:
    """The order is what routing tries; a rule that keeps its place keeps its revision, the others
    get one each; appeal rules are not touched."""
    rules = [
        await routed.rule(f"R{n}", "Spam", routed.kit.contains(strings=["buy"])) for n in range(4)
    ]
    appeal = await routed.rule(
        "A", "appeals", routed.kit.contains(strings=["buy"]), forAppeals=True
    )
    a, b, c, d = (rule["id"] for rule in rules)
    answer = await order(routed.admin, [a, c, b, d])
    assert answer.status_code == 200, answer.text
    shown = answer.json()["items"]
    assert [one["id"] for one in shown] == [a, c, b, d]
    numbers = [one["sequenceNumber"] for one in shown]
    assert numbers == sorted(set(numbers))
    before = {rule["id"]: rule["revision"] for rule in rules}
    changed = {one["id"] for one in shown if one["revision"] != before[one["id"]]}
    assert changed == {b, c}
    after = (await routed.admin.call("GET", f"/v1/routing-rules/{appeal['id']}")).json()
    assert after["revision"] == appeal["revision"]
    again = await order(routed.admin, [a, c, b, d])
    assert [one["revision"] for one in again.json()["items"]] == [one["revision"] for one in shown]
    assert (await routed.test("buy"))["rule"]["name"] == "R0"
    await order(routed.admin, [d, c, b, a])
    assert (await routed.test("buy"))["rule"]["name"] == "R3"
    async with transaction(engine) as connection:
        saved = await connection.scalar(
            select(func.count())
            .select_from(schema.audit_log)
            .where(schema.audit_log.c.target_id == d)
        )
    assert saved == 2


async def test_rules_with_equal_numbers_are_told_apart(routed: Routed) -> None:
    """Rules that were saved with the same number get different ones."""
    ids = [
        (
            await routed.rule(
                f"R{n}", "Spam", routed.kit.contains(strings=["buy"]), sequenceNumber=7
            )
        )["id"]
        for n in range(3)
    ]
    shown = (await order(routed.admin, ids[::-1])).json()["items"]
    assert [(one["id"], one["sequenceNumber"]) for one in shown] == [
        (ids[2], 1),
        (ids[1], 2),
        (ids[0], 3),
    ]


async def test_a_stale_order_is_a_conflict(routed: Routed, sign_in: Any, kit: Any) -> None:
    """A list that lacks a rule, has one that is gone, of the other class or of another organisation
    changes nothing; one made of an older revision is told so; twice the same id is a fault."""
    contains = routed.kit.contains(strings=["buy"])
    a, b = [(await routed.rule(f"R{n}", "Spam", contains))["id"] for n in range(2)]
    appeal = (await routed.rule("A", "appeals", contains, forAppeals=True))["id"]
    for ids, status in (
        ([b], 409),
        ([b, a, "gone"], 409),
        ([b, a, appeal], 409),
        ([b, a, a], 422),
    ):
        answer = await order(routed.admin, ids)
        assert answer.status_code == status, answer.text
    assert (await order(routed.admin, [appeal], forAppeals=True)).status_code == 200
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert (await order(stranger, [b, a])).status_code == 409
    first = (await order(routed.admin, [a, b])).json()
    stale = {"If-Match": f'"{first["revision"] - 1}"'}
    assert (await order(routed.admin, [b, a], headers=stale)).status_code == 412
    fresh = {"If-Match": f'"{first["revision"]}"'}
    assert (await order(routed.admin, [b, a], headers=fresh)).status_code == 200
    moderator = await sign_in(Role.MODERATOR)
    assert (await order(moderator, [a, b])).status_code == 403


async def test_an_order_is_not_refused_for_a_broken_rule(routed: Routed, context: Any) -> None:
    """A rule that could not be saved any more does not keep the others from being put in order."""
    from msgspec.structs import replace

    from coop_contracts.config import Kind, RoutingRule
    from coop_review_api.configuration.log import lock

    contains = routed.kit.contains(strings=["buy"])
    a, b = [(await routed.rule(f"R{n}", "Spam", contains))["id"] for n in range(2)]
    session = (await routed.admin.call("GET", "/v1/session")).json()
    org_id = session.get("orgId") or session["org"]["id"]
    async with transaction(context.engine) as connection:
        configuration = await lock(connection, org_id, author="test", clock=context.clock)
        entry = await configuration.get(Kind.ROUTING_RULE, RoutingRule, a)
        broken = replace(
            entry.document, condition_set={"conjunction": "AND", "conditions": [COUNTED]}
        )
        await configuration.restate(Kind.ROUTING_RULE, a, broken)
    assert (await order(routed.admin, [b, a])).status_code == 200
    found = await routed.test("hello")
    assert found["how"] == "DEFAULT"
    tried = {one["name"]: one for one in found["rules"]}
    assert tried["R0"]["outcome"] == "ERRORED"
    assert "not for routing rules" in tried["R0"]["problems"][0]["reason"]
