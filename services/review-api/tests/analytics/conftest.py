"""What tests of figures are made in."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from coop_contracts.permission import Role
from coop_runtime.database.engine import transaction

from .figure_world import World


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any, engine: Any) -> World:
    # When somebody looked is known of all organisations at once, also of those of other tests: an
    # hour or two before midnight, that is another day.
    async with transaction(engine) as connection:
        await connection.execute(text("DELETE FROM review.open_job_times"))
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    settings = {"name": "Acme", "undoWindow": 0, "allowMultiplePoliciesPerAction": True}
    changed = await admin.call("PUT", "/v1/settings", settings)
    assert changed.status_code == 200, changed.text
    return World(
        admin=admin,
        moderator=await sign_in(Role.MODERATOR),
        org_id=org.org_id,
        post=post,
        queue=org.default_queue_id,
        other=(await admin.make("/v1/queues", {"name": "Other", "openToEveryone": True}))["id"],
        policies=[(await admin.make("/v1/policies", {"name": name}))["id"] for name in ("P", "Q")],
        remove=(await admin.make("/v1/actions", kit.action(post)))["id"],
        engine=engine,
    )
