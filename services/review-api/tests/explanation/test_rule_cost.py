"""A rule's cost is said when it is saved, and what is too much is refused."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind, Rule
from coop_contracts.event import ItemSubmitted, SubmittedItem
from coop_contracts.ids import new_id
from coop_review_api.configuration.log import read
from coop_review_api.configuration.scale import RuleCost, RuleScale
from coop_review_api.explanation.rule_cost import MeasuredRules, ScaleLimits
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

pytestmark = pytest.mark.engines

TEXT = "lorem ipsum dolor sit amet " * 400


def regexes(count: int) -> dict[str, Any]:
    """Regexes that no literal lets pass over."""
    name = "TEXT_MATCHING_CONTAINS_REGEX"
    return {
        "conjunction": "AND",
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
                "signal": {"id": f'{{"type":"{name}"}}', "type": name},
                "matchingValues": {
                    "strings": [
                        f"(?:[a-z]+ ){{{n % 9 + 1}}}[a-z]*[0-9]{{{n + 2}}}" for n in range(count)
                    ]
                },
            }
        ],
    }


async def submit(context: Any, org_id: str, type_id: str, count: int) -> None:
    """Items of the type, on which rules can be measured."""
    projection = Projection(
        context.engine,
        Partitions(context.engine),
        clock=context.clock,
        retention=timedelta(days=30),
    )
    events = [
        ItemSubmitted(
            event_id=new_id(),
            org_id=org_id,
            time=context.clock(),
            correlation_id=new_id(),
            submission_id=new_id(),
            item=SubmittedItem(
                id=f"i{n}",
                type_id=type_id,
                type_version="v",
                data=msgspec.Raw(msgspec.json.encode({"text": f"{n} {TEXT}"})),
            ),
            request_id="r",
            config_revision=1,
        )
        for n in range(count)
    ]
    await projection.submitted([Received(one, None, "t", 0, 0, {}, 0) for one in events])


def limited(context: Any, **limits: Any) -> None:
    """Rules are measured within other limits."""
    measured = MeasuredRules(context.engine, signals=context.signals, limits=ScaleLimits(**limits))
    context.parts[RuleScale] = RuleScale(measured.weigh)


async def test_a_cost_is_measured_on_the_newest_items(
    admin: Any, kit: Any, context: Any, org: Any
) -> None:
    """Without items there is nothing to measure; with them the answer that saves a rule says what
    it takes, more for heavier rules, and what all of the type take; a list says nothing."""
    post = await admin.make("/v1/item-types", kit.item_type())
    blank = await admin.make("/v1/rules", kit.rule(post["id"], name="blank"))
    assert blank["cost"] == []
    await submit(context, org.org_id, post["id"], 30)
    light = await admin.make("/v1/rules", kit.rule(post["id"], name="light"))
    heavy = await admin.make(
        "/v1/rules",
        kit.rule(post["id"], name="heavy", status="LIVE", conditionSet=regexes(20)),
    )
    ((small,), (large,)) = light["cost"], heavy["cost"]
    assert small["itemTypeId"] == large["itemTypeId"] == post["id"]
    assert small["items"] == large["items"] == 20
    assert 0 < small["alone"] < large["alone"] / 2
    assert large["together"] >= large["alone"] * 0.5
    saved = await admin.call("PUT", f"/v1/rules/{light['id']}", kit.rule(post["id"], name="light"))
    assert saved.json()["cost"][0]["together"] > small["alone"] * 2
    listed = (await admin.call("GET", "/v1/rules")).json()["items"]
    assert {one["cost"] for one in listed} == {None}


async def test_what_is_too_costly_is_refused(admin: Any, kit: Any, context: Any, org: Any) -> None:
    """An enabled rule that takes its type above the ceiling is refused with both figures; a draft
    is saved; one that makes a type cheaper is saved though the type is still above."""
    post = await admin.make("/v1/item-types", kit.item_type())
    await submit(context, org.org_id, post["id"], 5)
    dear = kit.rule(post["id"], name="dear", status="LIVE", conditionSet=regexes(30))
    saved = await admin.make("/v1/rules", dear)
    limited(context, ceiling=saved["cost"][0]["alone"] / 100)
    other = await admin.call("POST", "/v1/rules", {**dear, "name": "other"})
    assert other.status_code == 422, other.text
    (fault, place) = other.json()["errors"]
    assert fault["pointer"] == "/conditionSet"
    assert "too costly" in fault["reason"]
    assert "ms" in fault["reason"]
    assert place["pointer"] == "/itemTypeIds/0"
    draft = await admin.call("POST", "/v1/rules", {**dear, "name": "draft", "status": "DRAFT"})
    assert draft.status_code == 201, draft.text
    path = f"/v1/rules/{saved['id']}"
    cheaper = await admin.call("PUT", path, {**dear, "conditionSet": regexes(3)})
    assert cheaper.status_code == 200, cheaper.text
    again = await admin.call("PUT", path, dear)
    assert again.status_code == 422


async def test_measuring_is_bounded(admin: Any, kit: Any, context: Any, org: Any) -> None:
    """However heavy a rule, it is measured in about the time that is given for it."""
    limited(context, seconds=0.0, ceiling=1e9)
    post = await admin.make("/v1/item-types", kit.item_type())
    await submit(context, org.org_id, post["id"], 20)
    made = await admin.make("/v1/rules", kit.rule(post["id"], conditionSet=regexes(40)))
    assert made["cost"][0]["alone"] > 0


async def test_one_organisations_rules_keep_nobody_else_waiting(
    admin: Any, kit: Any, context: Any, org: Any
) -> None:
    """While a rule of one organisation is being measured, its next one waits, and one of another
    organisation does not."""
    post = await admin.make("/v1/item-types", kit.item_type())
    await submit(context, org.org_id, post["id"], 1)
    made = await admin.make("/v1/rules", kit.rule(post["id"]))
    async with transaction(context.engine) as connection:
        entry = await read(connection, org.org_id, Kind.RULE, Rule, made["id"])
    assert entry is not None
    rule = entry.document
    assert rule is not None
    began, go_on = threading.Event(), threading.Event()

    class Waiting(MeasuredRules):
        def _cost(self, sample: Any, rule: Rule) -> RuleCost:
            began.set()
            assert go_on.wait(30)
            return super()._cost(sample, rule)

    rules = Waiting(context.engine, signals=context.signals, limits=ScaleLimits())
    first = asyncio.create_task(rules.weigh(org.org_id, rule))
    assert await asyncio.to_thread(began.wait, 30)
    second = asyncio.create_task(rules.weigh(org.org_id, rule))
    async with asyncio.timeout(10):
        assert await rules.weigh("another", rule) == []
    assert not first.done()
    assert not second.done()
    go_on.set()
    assert len(await first) == len(await second) == 1
