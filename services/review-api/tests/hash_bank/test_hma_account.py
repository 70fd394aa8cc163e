"""The Hasher-Matcher-Actioner as people see it: asked of hma-bridge, for their organisation."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.export import api_examples

pytestmark = pytest.mark.engines

TOLD = api_examples("hash-bank")["tryHma"]["answers"]
PATH = "/v1/hasher-matcher-actioner"


async def test_it_is_told_as_the_bridge_says(admin: Any, bridge: Any, sign_in: Any) -> None:
    """To whoever may see banks."""
    bridge.answer("hasher-matcher-actioner", TOLD)
    found = await admin.call("GET", PATH)
    assert (found.status_code, found.json()) == (200, TOLD), found.text
    role = await admin.make("/v1/roles", {"name": "Nothing", "permissions": []})
    nobody = await sign_in(role["id"])
    assert (await nobody.call("GET", PATH)).status_code == 403


async def test_there_is_none_or_nobody_to_ask(admin: Any, bridge: Any) -> None:
    """None is null; a bridge that is away is a part of the system that is (503)."""
    bridge.answer("hasher-matcher-actioner", {"account": None})
    assert (await admin.call("GET", PATH)).json() == {"account": None}
    bridge.answer("hasher-matcher-actioner", {"title": "no"}, status=500)
    assert (await admin.call("GET", PATH)).status_code == 503
