"""An organisation with a hash bank, and hma-bridge as a test says."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from ..media.media_world import MediaWorld, hosting


@pytest.fixture
async def bank_id(admin: Any) -> str:
    made = await admin.make("/v1/hash-banks", {"name": "Known", "enabledRatio": 1})
    return str(made["id"])


@pytest.fixture
def bridge(dispatcher: Any, org: Any) -> Any:
    """`answer(path, body)`: what the bridge says there, from then on."""

    def answer(path: str, body: Any, status: int = 200) -> None:
        found = httpx.Response(status, json=body)
        dispatcher.answers[f"/internal/v1/orgs/{org.org_id}/{path}"] = found

    dispatcher.answer = answer
    return dispatcher


def asked(bridge: Any) -> Any:
    return json.loads(bridge.asked[-1].content)


async def audited(engine: Any, org_id: str) -> list[tuple[str, Any]]:
    async with engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT action, detail FROM review.audit_log WHERE org_id = :org"
                " AND action LIKE 'hash-bank.%' ORDER BY action DESC"
            ),
            {"org": org_id},
        )
        return [(row.action, row.detail) for row in found]


@pytest.fixture
async def world(admin: Any, context: Any, org: Any, kit: Any) -> Any:
    fields = [{"name": "photo", "type": "IMAGE"}]
    made = await admin.make("/v1/item-types", kit.item_type("Photo", fields=fields, fieldRoles={}))
    queue = await admin.make("/v1/queues", {"name": "Photos", "openToEveryone": True})
    async with hosting() as host:
        yield MediaWorld(
            admin=admin,
            context=context,
            org_id=org.org_id,
            host=host,
            type_id=made["id"],
            queue_id=queue["id"],
        )
