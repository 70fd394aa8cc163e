"""What GET gave can be sent back by PUT as it came: nothing changes, nothing is refused."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engines

STAMPS = ("revision", "updatedAt", "updatedBy")


@pytest.fixture
async def paths(admin: Any, kit: Any) -> list[str]:
    """A document of each kind that is written whole, and the settings with all that can be set."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    headers = {"callbackUrlHeaders": {"Authorization": "secret"}}
    action = (await admin.make("/v1/actions", {**kit.action(post), **headers}))["id"]
    made = {
        "item-types": post,
        "actions": action,
        "rules": (await admin.make("/v1/rules", kit.rule(post, actionIds=[action])))["id"],
    }
    for path, body in (
        ("policies", {"name": "P", "userStrikeCount": 2}),
        ("queues", {"name": "Q"}),
        ("text-banks", {"name": "B", "type": "STRING", "strings": ["a"]}),
        ("location-banks", {"name": "L", "locations": []}),
        ("roles", {"name": "R", "permissions": ["VIEW_MRT"]}),
    ):
        made[path] = (await admin.make(f"/v1/{path}", body))["id"]
    url = "https://platform.example/hook"
    settings = {
        "name": "Acme",
        "email": "acme@acme.example",
        "appealCallbackUrl": url,
        "appealCallbackHeaders": {"X-Key": "secret"},
        "ignoreCallbackUrl": url,
        "partialItemsEndpoint": url,
        "partialItemsHeaders": {"X-Key": "secret"},
        "userStrikeThresholds": [],
        "ruleMaxActionsPerMinute": 5,
    }
    answer = await admin.call("PUT", "/v1/settings", settings)
    assert answer.status_code == 200, answer.text
    return [f"/v1/{path}/{document_id}" for path, document_id in made.items()] + ["/v1/settings"]


async def test_documents_can_be_sent_back_as_they_came(admin: Any, paths: list[str]) -> None:
    """Each kind, the settings among them; secrets stay what they were."""
    for path in paths:
        shown = (await admin.call("GET", path)).json()
        answer = await admin.call("PUT", path, shown)
        assert answer.status_code == 200, (path, answer.text)
        again = (await admin.call("GET", path)).json()
        for name in STAMPS:
            shown.pop(name), again.pop(name)
        if path.startswith("/v1/item-types"):
            shown.pop("version"), again.pop("version")  # each save is one
        assert again == shown, path


async def test_what_is_sent_back_is_of_the_very_document(admin: Any, kit: Any) -> None:
    """Another document's id, and anything else that is not what it is, is a fault; what nobody
    shows is one still; making takes none."""
    one = await admin.make("/v1/policies", {"name": "One"})
    two = await admin.make("/v1/policies", {"name": "Two"})
    path = f"/v1/policies/{one['id']}"
    assert kit.pointers(await admin.call("PUT", path, two)) == ["/id"]
    assert kit.pointers(await admin.call("PUT", path, {**one, "nobodys": 1})) == ["/nobodys"]
    shown = (await admin.call("GET", "/v1/settings")).json()
    answer = await admin.call("PUT", "/v1/settings", {**shown, "isDemoOrg": True})
    assert kit.pointers(answer) == ["/isDemoOrg"]
    assert "/revision" in kit.pointers(await admin.call("POST", "/v1/policies", one))
