"""Bulk actions on as many items as they may have, in one request."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import httpx
import pytest

from coop_contracts.permission import Role
from coop_review_api.http.upload import Uploads

pytestmark = pytest.mark.engines


@pytest.fixture
async def order(admin: Any, kit: Any) -> dict[str, Any]:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    action = (await admin.make("/v1/actions", kit.action(post)))["id"]
    return {"itemTypeId": post, "actionIds": [action]}


async def test_a_hundred_thousand_ids_fit_into_one_request(
    order: Any, admin: Any, sign_in: Any, place: Any, org: Any
) -> None:
    """As CSV and as a list, to a new bulk action and to one that is there; those in review are
    counted; one more is refused."""
    moderator = await sign_in(Role.MODERATOR)
    ids = [str(uuid.uuid4()) for _ in range(100_000)]
    for item in (ids[0], ids[-1], "somewhere else"):
        await place(org.default_queue_id, order["itemTypeId"], item)
    await place(
        (await admin.make("/v1/queues", {"name": "B", "openToEveryone": True}))["id"],
        order["itemTypeId"],
        ids[0],
    )
    lines = "\r\n".join(["itemId", *ids])
    made = await moderator.make("/v1/bulk-actions", {**order, "csv": lines})
    assert (made["total"], made["duplicates"], made["inReview"]) == (100_000, 0, 2)
    assert [one["itemId"] for one in made["sample"][:2]] == ids[:2]
    empty = await moderator.make("/v1/bulk-actions", {**order, "itemIds": ids[:1]})
    path = f"/v1/bulk-actions/{empty['id']}/items"
    added = await moderator.call("POST", path, {"itemIds": ids})
    assert added.status_code == 200, added.text
    assert (added.json()["total"], added.json()["duplicates"]) == (100_000, 1)
    refused = await moderator.call("POST", path, {"itemIds": ["one more"]})
    assert refused.status_code == 422


async def test_a_large_body_is_bounded_and_its_sender_known(
    order: Any, admin: Any, http: httpx.AsyncClient, context: Any
) -> None:
    """Nobody's body is read before they signed in; above the limit it is 413, announced or not;
    what is not JSON 415, and a fault 422."""
    uploads = context.part(Uploads)
    uploads.limits = replace(uploads.limits, max_bytes=2000)

    async def endless() -> Any:
        while True:
            yield b" " * 1000

    json = {"Content-Type": "application/json"}
    answer = await http.post("/v1/bulk-actions", content=b"x" * 3000, headers=json)
    assert answer.status_code == 401
    large = {**order, "itemIds": ["x" * 100] * 20}
    assert (await admin.call("POST", "/v1/bulk-actions", large)).status_code == 413
    answer = await admin.http.post("/v1/bulk-actions", content=endless(), headers=json)
    assert answer.status_code == 413
    answer = await admin.http.post("/v1/bulk-actions", content=b"{}")
    assert answer.status_code == 415
    answer = await admin.http.post("/v1/bulk-actions", content=b"{", headers=json)
    assert answer.status_code == 422
