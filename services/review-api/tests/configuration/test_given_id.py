"""Ids that a caller has for documents, and API keys that a platform has already."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import pytest

from coop_contracts.config import ApiKey, Kind
from coop_review_api.configuration.log import read
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


def bodies(kit: Any, type_id: str) -> dict[str, dict[str, Any]]:
    """A new document of each kind that is made with an id."""
    return {
        "policies": {"name": "Hate"},
        "item-types": kit.item_type("Post"),
        "actions": kit.action(type_id),
        "rules": kit.rule(type_id),
        "queues": {"name": "Second"},
        "text-banks": {"name": "Words", "type": "STRING", "strings": ["a"]},
        "location-banks": {"name": "Places", "locations": []},
        "hash-banks": {"name": "Hashes"},
    }


async def test_a_document_is_made_under_the_id_that_the_caller_has(
    admin: Any, sign_in: Any, kit: Any
) -> None:
    """Kept as it is, for every kind; another organisation may have the same; what has it, or had
    it, keeps it."""
    type_id = (await admin.make("/v1/item-types", kit.item_type("Other")))["id"]
    other = await kit.make_org()
    there = await sign_in("ADMIN", other.org_id)
    type_there = (await there.make("/v1/item-types", kit.item_type("Other")))["id"]
    theirs = bodies(kit, type_there)
    for path, body in bodies(kit, type_id).items():
        document_id = f"{path}_0-{secrets.token_hex(6)}"[:64]
        given = {**body, "id": document_id}
        made = await admin.make(f"/v1/{path}", given)
        assert made["id"] == document_id
        shown = await admin.call("GET", f"/v1/{path}/{document_id}")
        assert shown.json()["name"] == body["name"]
        assert (await admin.call("PUT", f"/v1/{path}/{document_id}", given)).status_code == 200
        moved = await admin.call("PUT", f"/v1/{path}/{document_id}", {**body, "id": "x"})
        assert kit.pointers(moved) == ["/id"]
        assert (await there.make(f"/v1/{path}", {**theirs[path], "id": document_id}))["id"] == (
            document_id
        )
        for name in ("Again", "And again"):
            again = await admin.call("POST", f"/v1/{path}", {**given, "name": name})
            assert again.status_code == 409, path
            assert again.json()["errors"][0]["pointer"] == "/id"
            await admin.call("DELETE", f"/v1/{path}/{document_id}")


@pytest.mark.parametrize(
    "document_id", ["", "a" * 65, "a b", "a/b", "a@1", "ä", "a\n", "..", None, 7, "IGNORE"]
)
async def test_an_id_is_of_ordinary_characters(admin: Any, kit: Any, document_id: Any) -> None:
    """1 to 64 of A–Z, a–z, 0–9, _ and -; an action has not the name of a callback; null is none."""
    type_id = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    answer = await admin.call("POST", "/v1/actions", {**kit.action(type_id), "id": document_id})
    if document_id is None:
        assert answer.status_code == 201
    else:
        assert kit.pointers(answer) == ["/id"]


async def test_a_key_that_a_platform_has_is_taken_over(
    admin: Any, sign_in: Any, kit: Any, context: Any, org: Any
) -> None:
    """By its hash, whichever case; nothing is shown; no hash stands twice, in no organisation."""
    key = secrets.token_hex(32)
    key_hash = hashlib.sha256(key.encode()).hexdigest()
    body = {"name": "Coop's", "keyHash": key_hash.upper()}
    made = await admin.make("/v1/api-keys", body)
    assert made["key"] is None
    assert made["createdBy"] == admin.user_id
    async with transaction(context.engine) as connection:
        entry = await read(connection, org.org_id, Kind.API_KEY, ApiKey, made["id"])
    assert entry is not None
    assert entry.document.key_hash == key_hash
    there = await sign_in("ADMIN", (await kit.make_org()).org_id)
    for person in (admin, there):
        again = await person.call("POST", "/v1/api-keys", {**body, "keyHash": key_hash})
        assert again.status_code == 409
    await admin.call("POST", f"/v1/api-keys/{made['id']}/revoke")
    assert (await there.call("POST", "/v1/api-keys", body)).status_code == 409
    for wrong in ("", key_hash[:-1], key_hash + "0", "g" * 64, key_hash[:-1] + "\n"):
        answer = await admin.call("POST", "/v1/api-keys", {**body, "keyHash": wrong})
        assert kit.pointers(answer) == ["/keyHash"]
    replaced = await admin.call("POST", f"/v1/api-keys/{made['id']}/rotate", {})
    assert replaced.status_code == 409, "it is over"
