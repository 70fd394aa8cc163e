"""Addresses that this system will ask are judged when they are saved, as they will be then."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engines

# The operator of the tests allows 127.0.0.1, as `make run` does.
HOSTILE = (
    "http://127.0.0.2/hook",
    "http://2130706434/",
    "http://0177.0.0.2/",
    "http://0x7f.2/",
    "http://127.2/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://10.0.0.1./",
    "http://169.254.169.254/latest/meta-data/",
    "https://[fe80::1%25eth0]/",
)


@pytest.mark.parametrize("url", HOSTILE)
async def test_addresses_that_lead_inside_are_refused(admin: Any, kit: Any, url: str) -> None:
    """Of actions, callbacks and the partial-items endpoint: 422 at the field."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    action = await admin.call("POST", "/v1/actions", {**kit.action(post), "callbackUrl": url})
    assert kit.pointers(action) == ["/callbackUrl"]
    for name in ("appealCallbackUrl", "ignoreCallbackUrl", "partialItemsEndpoint"):
        answer = await admin.call("PUT", "/v1/settings", {"name": "Acme", name: url})
        assert kit.pointers(answer) == [f"/{name}"], name
