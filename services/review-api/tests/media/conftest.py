"""What the tests of media share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from .media_world import Host, MediaWorld, hosting


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with hosting() as found:
        yield found


@pytest.fixture
async def world(admin: Any, context: Any, org: Any, kit: Any, host: Host) -> MediaWorld:
    fields = [
        {"name": "text", "type": "STRING"},
        {"name": "photo", "type": "IMAGE"},
        {
            "name": "photos",
            "type": "ARRAY",
            "container": {"containerType": "ARRAY", "valueScalarType": "IMAGE"},
        },
        {"name": "film", "type": "VIDEO"},
        {"name": "any", "type": "MEDIA"},
    ]
    made = await admin.make("/v1/item-types", kit.item_type("Photo", fields=fields, fieldRoles={}))
    queue = await admin.make("/v1/queues", {"name": "Photos", "openToEveryone": True})
    return MediaWorld(
        admin=admin,
        context=context,
        org_id=org.org_id,
        host=host,
        type_id=made["id"],
        queue_id=queue["id"],
    )
