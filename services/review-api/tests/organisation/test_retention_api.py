"""What is kept, as an administrator is told."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.permission import Role
from coop_contracts.stored import PLACES, stored_in, topics_stored

pytestmark = pytest.mark.engines


async def test_every_kind_is_told_and_where_it_can_be_changed(admin: Any) -> None:
    """The whole registry, once; a setting is either the operator's or a field of the settings."""
    items = (await admin.call("GET", "/v1/retention")).json()["items"]
    assert len(items) == sum(len(stored_in(place)) for place in PLACES) + len(topics_stored())
    assert len({(one["place"], one["name"], one["what"]) for one in items}) == len(items)
    fields = (await admin.call("GET", "/v1/settings")).json()
    for one in items:
        assert one["organisation"] is None or one["organisation"] in fields
        assert one["operator"] is None or one["operator"].startswith("COOP_")
        assert one["ends"] or one["note"], f"{one['name']} has no end, and does not say why"
    comments = next(one for one in items if (one["place"], one["name"]) == ("review", "comments"))
    assert comments["organisation"] == "recordDays"
    assert comments["erased"] == "EMPTIED"


async def test_who_may_see_it(sign_in: Any) -> None:
    """Administrators: they answer for it."""
    for role in Role:
        person = await sign_in(role)
        expected = 200 if role is Role.ADMIN else 403
        assert (await person.call("GET", "/v1/retention")).status_code == expected, role
