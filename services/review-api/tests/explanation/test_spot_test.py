"""Spot test: one rule on one item, without any effect."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from coop_contracts.event import SignalValue
from coop_review_api.configuration.table import config_log
from coop_review_api.kernel import schema
from coop_review_api.kernel.schema import audit_log
from coop_review_api.signal.signals import Signals
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


async def test_a_rule_is_tried_without_effect(admin: Any, kit: Any, engine: Any) -> None:
    """A saved or unsaved rule on a partial item: outcome and tree; nothing is written. What is
    wrong with the rule or the item is said with its place."""
    post = await admin.make("/v1/item-types", kit.item_type())
    other = await admin.make("/v1/item-types", kit.item_type("Comment"))
    rule = await admin.make("/v1/rules", kit.rule(post["id"]))

    async def tables() -> list[int]:
        async with transaction(engine) as connection:
            return [
                await connection.scalar(select(func.count()).select_from(table)) or 0
                for table in (config_log, schema.outbox, audit_log)
            ]

    before = await tables()
    spam = {"typeId": post["id"], "data": {"text": "SPAM"}}
    saved = await admin.call("POST", "/v1/rules/spot-test", {"ruleId": rule["id"], "item": spam})
    assert saved.status_code == 200, saved.text
    assert (saved.json()["passed"], saved.json()["outcome"]) == (True, "PASSED")
    assert saved.json()["conditions"]["conditions"][0]["matchedValue"] == "spam"
    partial = {"typeId": post["id"], "data": {}}
    unsaved = await admin.call(
        "POST", "/v1/rules/spot-test", {"rule": kit.rule(post["id"]), "item": partial}
    )
    assert (unsaved.json()["passed"], unsaved.json()["outcome"]) == (False, "FAILED")
    assert await tables() == before
    wrong_rule = kit.rule(post["id"], conditionSet={"conjunction": "AND", "conditions": []})
    for body, pointer in (
        ({"rule": wrong_rule, "item": spam}, "/rule/conditionSet/conditions"),
        ({"ruleId": rule["id"], "item": {**spam, "data": {"text": 5}}}, "/item/data/text"),
        ({"ruleId": rule["id"], "item": {**spam, "typeId": other["id"]}}, "/item/typeId"),
        ({"ruleId": rule["id"], "item": {**spam, "typeId": "nothing"}}, "/item/typeId"),
        ({"ruleId": rule["id"]}, ""),
        ({"ruleId": rule["id"], "rule": kit.rule(post["id"]), "item": spam}, ""),
    ):
        answer = await admin.call("POST", "/v1/rules/spot-test", body)
        assert answer.status_code == 422, answer.text
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.text
    missing = await admin.call("POST", "/v1/rules/spot-test", {"ruleId": "x", "item": spam})
    assert missing.status_code == 404


async def test_values_are_given_or_fetched(
    admin: Any, kit: Any, context: Any, monkeypatch: Any
) -> None:
    """A signal's value is the given one, or with fetchSignals what the provider says; its failure
    makes the condition unavailable, not the test."""
    post = await admin.make("/v1/item-types", kit.item_type())
    signal = "OPEN_AI_HATE_TEXT_MODEL"
    hateful = {
        "conjunction": "AND",
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
                "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
                "comparator": "GREATER_THAN",
                "threshold": 0.5,
            }
        ],
    }
    asked: list[Any] = []

    async def values(org_id: str, need: Any, inputs: Any, *, deadline: float) -> Any:
        asked.append(inputs)
        return [SignalValue(key=need.key, signal=need.signal.name, score=0.9) for _ in inputs]

    monkeypatch.setattr(context.part(Signals), "values", values)
    body = {
        "rule": kit.rule(post["id"], conditionSet=hateful),
        "item": {"typeId": post["id"], "data": {"text": "hello"}},
    }

    async def outcome(**more: Any) -> tuple[str, Any]:
        answer = await admin.call("POST", "/v1/rules/spot-test", {**body, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()["outcome"], answer.json()["values"][0]

    assert (await outcome())[0] == "ERRORED"
    assert "not asked for" in (await outcome())[1]["error"]
    assert (await outcome(values=[{"signal": signal, "score": 0.1}]))[0] == "FAILED"
    assert asked == []
    assert (await outcome(fetchSignals=True))[0] == "PASSED"
    assert asked == [["hello"]]
    given = [{"signal": signal, "error": "the provider is away"}]
    assert (await outcome(fetchSignals=True, values=given))[0] == "ERRORED"
