"""Item types: their checks, their versions, what holds them in place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.config import ItemType, Kind
from coop_review_api.configuration.log import change, read
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


async def test_an_item_type_keeps_its_versions(
    admin: Any, engine: Any, org: Any, kit: Any, published: Any
) -> None:
    """Each save gives a later version, kept under its own id and published before the type."""
    made = await admin.make("/v1/item-types", kit.item_type())
    body = kit.item_type(description="Changed")
    changed = (await admin.call("PUT", f"/v1/item-types/{made['id']}", body)).json()
    assert changed["version"] > made["version"]
    assert len(changed["version"]) == len("2026-01-01T00:00:00.000000Z")
    async with transaction(engine) as connection:
        for view in (made, changed):
            version_id = f"{made['id']}@{view['version']}"
            entry = await read(connection, org.org_id, Kind.ITEM_TYPE_VERSION, ItemType, version_id)
            assert entry is not None
            assert entry.document.version == view["version"]
    events = [e for e in await published(org.org_id) if e.id.startswith(made["id"])]
    assert [event.kind for event in events] == ["item-type-version", "item-type"] * 2


async def test_versions_rise_when_the_clock_does_not(
    engine: Any, org: Any, kit: Any, clock: Any
) -> None:
    """Two changes at the same moment still have different, rising versions."""
    moment = clock()
    document = msgspec.convert({**kit.item_type("Note"), "id": "t1", "version": ""}, ItemType)
    versions = []
    for _ in range(3):
        async with transaction(engine) as connection:
            await change(
                connection,
                org.org_id,
                Kind.ITEM_TYPE,
                "t1",
                document,
                author="cli",
                clock=lambda: moment,
            )
            entry = await read(connection, org.org_id, Kind.ITEM_TYPE, ItemType, "t1")
            assert entry is not None
            versions.append(entry.document.version)
    assert versions == sorted(set(versions))
    assert len(versions) == 3


async def test_an_item_type_is_checked(admin: Any, kit: Any) -> None:
    """Wrong roles and doubled fields are refused with the pointers of the definition."""
    body = kit.item_type(
        fields=[{"name": "text", "type": "STRING"}, {"name": "text", "type": "NUMBER"}],
        fieldRoles={"creatorId": "nobody"},
    )
    found = kit.pointers(await admin.call("POST", "/v1/item-types", body))
    assert "/fields/1/name" in found
    assert "/fieldRoles/creatorId" in found


async def test_the_default_user_type_stays(admin: Any) -> None:
    """Every organisation starts with the user type, and it cannot be deleted."""
    (user_type,) = (await admin.call("GET", "/v1/item-types")).json()["items"]
    assert user_type["name"] == "User"
    assert user_type["isDefaultUserType"]
    refused = await admin.call("DELETE", f"/v1/item-types/{user_type['id']}")
    assert refused.status_code == 409
    body = {"name": "User", "kind": "USER", "fields": [{"name": "name", "type": "STRING"}]}
    kept = await admin.call("PUT", f"/v1/item-types/{user_type['id']}", body)
    assert kept.json()["isDefaultUserType"] is True


async def test_an_item_type_is_not_changed_under_its_rules(admin: Any, kit: Any) -> None:
    """Removing a field that a rule reads is 409 and names the rule."""
    post = await admin.make("/v1/item-types", kit.item_type())
    reads = kit.contains(strings=["x"])
    reads["conditions"][0]["input"] = {
        "type": "CONTENT_FIELD",
        "name": "text",
        "contentTypeId": post["id"],
    }
    await admin.make("/v1/rules", kit.rule(post["id"], conditionSet=reads))
    body = kit.item_type(fields=[{"name": "other", "type": "STRING"}], fieldRoles={})
    refused = await admin.call("PUT", f"/v1/item-types/{post['id']}", body)
    assert refused.status_code == 409
    assert "Spam rule" in refused.json()["usedBy"][0]
