"""Queues and routing rules as documents."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.permission import Role

pytestmark = pytest.mark.engines


async def test_there_is_always_one_default_queue(admin: Any, kit: Any) -> None:
    """Making a queue the default takes that from the other; having none is refused."""

    async def queues() -> dict[str, Any]:
        items = (await admin.call("GET", "/v1/queues")).json()["items"]
        return {queue["name"]: queue for queue in items}

    first = await queues()
    assert {name: queue["isDefaultQueue"] for name, queue in first.items()} == {
        "Default": True,
        "Appeals": True,
    }
    spam = await admin.make("/v1/queues", {"name": "Spam", "openToEveryone": True})
    assert spam["isDefaultQueue"] is False
    await admin.call("PUT", f"/v1/queues/{spam['id']}", {"name": "Spam", "isDefaultQueue": True})
    now = await queues()
    assert (now["Spam"]["isDefaultQueue"], now["Default"]["isDefaultQueue"]) == (True, False)
    assert now["Appeals"]["isDefaultQueue"] is True
    body = {"name": "Spam", "isDefaultQueue": False}
    refused = await admin.call("PUT", f"/v1/queues/{spam['id']}", body)
    assert kit.pointers(refused) == ["/isDefaultQueue"]
    assert (await admin.call("DELETE", f"/v1/queues/{spam['id']}")).status_code == 409
    assert (await admin.call("DELETE", f"/v1/queues/{first['Default']['id']}")).status_code == 204


async def test_queues_know_their_people(admin: Any, sign_in: Any, kit: Any) -> None:
    """Reviewers must be users of the organisation; a closed queue does not exist for others."""
    stranger = await sign_in(Role.MODERATOR, (await kit.make_org()).org_id)
    moderator, other = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    body = {"name": "Closed", "reviewerIds": [moderator.user_id, stranger.user_id]}
    assert kit.pointers(await admin.call("POST", "/v1/queues", body)) == ["/reviewerIds/1"]
    queue = await admin.make("/v1/queues", {**body, "reviewerIds": [moderator.user_id]})
    path = f"/v1/queues/{queue['id']}"
    assert (await moderator.call("GET", path)).status_code == 200
    for suffix in ("", "/revisions", "/counts"):
        assert (await other.call("GET", path + suffix)).status_code == 404
    assert (await other.call("POST", path + "/claims")).status_code == 404
    assert "Closed" not in (await other.call("GET", "/v1/queues")).text


async def test_routing_rules_are_numbered_in_order(admin: Any, kit: Any) -> None:
    """A new routing rule goes last unless it says where; appeals rules need appeals queues."""
    post = await admin.make("/v1/item-types", kit.item_type())
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    ids = {queue["name"]: queue["id"] for queue in queues}
    body = {
        "name": "First",
        "itemTypeIds": [post["id"]],
        "conditionSet": kit.contains(strings=["x"]),
        "destinationQueueId": ids["Default"],
    }
    first = await admin.make("/v1/routing-rules", body)
    second = await admin.make("/v1/routing-rules", {**body, "name": "Second"})
    assert second["sequenceNumber"] == first["sequenceNumber"] + 1
    wrong = {**body, "name": "Third", "destinationQueueId": ids["Appeals"]}
    assert kit.pointers(await admin.call("POST", "/v1/routing-rules", wrong)) == [
        "/destinationQueueId"
    ]
    await admin.make("/v1/routing-rules", {**wrong, "forAppeals": True})
