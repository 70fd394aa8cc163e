"""What is saved and is not what it seems is warned of in the answer that saves it."""

from __future__ import annotations

from typing import Any

import pytest

from coop_review_api.signal.signals import Signals
from coop_signals.strike import MARKER

pytestmark = pytest.mark.engines

HATE = "OPEN_AI_HATE_TEXT_MODEL"


def leaf(signal: str, **more: Any) -> dict[str, Any]:
    return {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
        **more,
    }


def conditions(*leaves: Any) -> dict[str, Any]:
    return {"conjunction": "OR", "conditions": list(leaves)}


async def test_rules(admin: Any, kit: Any) -> None:
    """A rule on a model without an account, with a regex that JavaScript reads otherwise, or
    already expired is saved, and each is said when it is saved, read, restored and tried."""
    post = await admin.make("/v1/item-types", kit.item_type())
    regexes = {"strings": [r"\p{L}{3}", r"free\s+money"], "textBankIds": []}
    sent = kit.rule(
        post["id"],
        expirationTime="2020-01-01T00:00:00Z",
        conditionSet=conditions(
            leaf(HATE, comparator="GREATER_THAN", threshold=0.5),
            leaf("TEXT_MATCHING_CONTAINS_REGEX", matchingValues=regexes),
        ),
    )
    places = [
        "/expirationTime",
        "/conditionSet/conditions/0/signal/type",
        "/conditionSet/conditions/1/matchingValues/strings/0",
    ]
    made = await admin.make("/v1/rules", sent)
    path = f"/v1/rules/{made['id']}"
    assert [one["pointer"] for one in made["warnings"]] == places
    read = (await admin.call("GET", path)).json()
    assert read["warnings"] == made["warnings"]
    (listed,) = (await admin.call("GET", "/v1/rules")).json()["items"]
    assert listed["warnings"] is None
    item = {"typeId": post["id"], "data": {"text": "x"}}
    tried = await admin.call("POST", "/v1/rules/spot-test", {"ruleId": made["id"], "item": item})
    assert tried.json()["warnings"] == made["warnings"]

    account = await admin.call(
        "PUT", "/v1/integrations/OPEN_AI", {"credential": {"apiKey": "sk-of-a-test"}}
    )
    assert account.status_code == 200, account.text
    again = await admin.call("PUT", path, {**sent, "expirationTime": "2099-01-01T00:00:00Z"})
    assert [one["pointer"] for one in again.json()["warnings"]] == places[2:]
    restored = await admin.call("POST", f"{path}/revisions/{made['revision']}/restore")
    assert [one["pointer"] for one in restored.json()["warnings"]] == [places[0], places[2]]


async def test_text_banks(admin: Any) -> None:
    """A bank's regexes are warned of when it is made, changed and imported; strings never are."""
    body = {"name": "Patterns", "type": "REGEX", "strings": ["[[:alpha:]]"]}
    made = await admin.make("/v1/text-banks", body)
    assert [one["pointer"] for one in made["warnings"]] == ["/strings/0"]
    path = f"/v1/text-banks/{made['id']}"
    changed = await admin.call("PATCH", path, {"add": ["[]a]"], "remove": ["[[:alpha:]]"]})
    assert [one["pointer"] for one in changed.json()["warnings"]] == ["/strings/0"]
    imported = await admin.http.post(
        f"{path}/import", content=rb"\u00e9" + b"\n", headers={"content-type": "text/csv"}
    )
    assert (imported.status_code, imported.json()["warnings"]) == (200, [])
    words = await admin.make("/v1/text-banks", {**body, "name": "Words", "type": "STRING"})
    assert words["warnings"] == []


async def test_strikes_are_known_in_a_spot_test(admin: Any, kit: Any, context: Any) -> None:
    """Strikes are this system's own: a spot test has them without asking anybody."""
    post = await admin.make("/v1/item-types", kit.item_type())
    strikes = {
        "input": {"type": "USER_ID"},
        "signal": {"id": '{"type":"USER_STRIKE_VALUE"}', "type": "USER_STRIKE_VALUE"},
        "comparator": "LESS_THAN",
        "threshold": 3,
    }
    body = {
        "rule": kit.rule(post["id"], conditionSet=conditions(strikes)),
        "item": {
            "typeId": post["id"],
            "data": {"text": "x"},
            "creator": {"id": "u1", "typeId": "user"},
        },
    }
    redis = context.part(Signals)._strikes._client
    run = (await redis.info("server"))["run_id"]
    await redis.set(MARKER, run)
    tried = await admin.call("POST", "/v1/rules/spot-test", body)
    assert tried.status_code == 200, tried.text
    (value,) = tried.json()["values"]
    assert (value["score"], tried.json()["outcome"]) == (0.0, "PASSED"), value
