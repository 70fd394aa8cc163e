"""Actions: built-in and own, callbacks, secret headers, parameters."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from coop_contracts.config import Action, Kind
from coop_contracts.permission import Role
from coop_review_api.configuration.log import read
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


async def test_built_in_actions(admin: Any, kit: Any) -> None:
    """They are there from the start, cannot be changed, and rules may carry them."""
    post = await admin.make("/v1/item-types", kit.item_type())
    actions = (await admin.call("GET", "/v1/actions")).json()["items"]
    by_type = {action["actionType"]: action for action in actions}
    assert sorted(by_type) == ["ENQUEUE_AUTHOR_TO_MRT", "ENQUEUE_TO_MRT", "ENQUEUE_TO_NCMEC"]
    enqueue = by_type["ENQUEUE_TO_MRT"]
    assert enqueue["name"].startswith("Enqueue Item")
    body = kit.action(post["id"], name="Mine")
    assert (await admin.call("PUT", f"/v1/actions/{enqueue['id']}", body)).status_code == 409
    assert (await admin.call("DELETE", f"/v1/actions/{enqueue['id']}")).status_code == 409
    built_in = [action["id"] for action in actions]
    await admin.make("/v1/rules", kit.rule(post["id"], actionIds=built_in))


async def test_an_action_must_fit_the_rule(admin: Any, kit: Any) -> None:
    """A rule cannot carry an action that does not apply to one of its item types."""
    post = await admin.make("/v1/item-types", kit.item_type())
    comment = await admin.make("/v1/item-types", kit.item_type("Comment"))
    action = await admin.make("/v1/actions", kit.action(comment["id"]))
    body = kit.rule(post["id"], actionIds=[action["id"]])
    assert kit.pointers(await admin.call("POST", "/v1/rules", body)) == ["/actionIds/0"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://platform.example/x",
        "platform.example",
        "http://",
        "https://user:secret@platform.example/",
        "http://[::1",
        "https://platform.example/a b",
        "https://platform.example/\nx",
        "https://platform.example:99999/",
        "javascript:alert(1)",
    ],
)
async def test_callback_addresses(admin: Any, kit: Any, url: str) -> None:
    """Only http(s) URLs with a host and without credentials are callback addresses."""
    post = await admin.make("/v1/item-types", kit.item_type())
    answer = await admin.call("POST", "/v1/actions", kit.action(post["id"], callbackUrl=url))
    assert kit.pointers(answer) == ["/callbackUrl"]


async def test_header_values_are_never_shown(
    admin: Any, engine: Any, org: Any, kit: Any, context: Any
) -> None:
    """Header values are ciphertext in database and outbox; the API gives names; updates can keep
    one, replace one and remove all."""
    post = await admin.make("/v1/item-types", kit.item_type())
    secret = "Bearer very-secret-value"
    body = kit.action(post["id"], callbackUrlHeaders={"Authorization": secret, "X-Team": "trust"})
    made = await admin.make("/v1/actions", body)
    path = f"/v1/actions/{made['id']}"
    assert made["callbackUrlHeaderNames"] == ["Authorization", "X-Team"]
    history = await admin.call("GET", path + "/revisions")
    for shown in (str(made), (await admin.call("GET", path)).text, history.text):
        assert "very-secret" not in shown
    async with transaction(engine) as connection:
        stored = await connection.scalar(
            text("SELECT string_agg(document::text, '') FROM review.config_log")
        )
        sent = await connection.scalars(select(outbox.c.value))
        assert "very-secret" not in stored
        assert not any(b"very-secret" in value for value in sent)

    async def headers() -> dict[str, str]:
        async with transaction(engine) as connection:
            entry = await read(connection, org.org_id, Kind.ACTION, Action, made["id"])
        assert entry is not None
        if entry.document.callback_url_headers is None:
            return {}
        plain = context.vault.decrypt(
            entry.document.callback_url_headers, context=f"{org.org_id}/action/{made['id']}"
        )
        return msgspec.json.decode(plain, type=dict[str, str])

    await admin.call("PUT", path, kit.action(post["id"], description="untouched headers"))
    assert await headers() == {"Authorization": secret, "X-Team": "trust"}
    changed = {"Authorization": None, "X-New": "1"}
    await admin.call("PUT", path, kit.action(post["id"], callbackUrlHeaders=changed))
    assert await headers() == {"Authorization": secret, "X-New": "1"}
    await admin.call("PUT", path, kit.action(post["id"], callbackUrlHeaders={}))
    assert await headers() == {}
    for wrong in (
        {"Host": "evil"},
        {"X-A": "a\r\nX-B: b"},
        {"bad name": "x"},
        {"X-Unknown": None},
        {"webhook-id": "1"},
    ):
        answer = await admin.call("PUT", path, kit.action(post["id"], callbackUrlHeaders=wrong))
        assert kit.pointers(answer)[0].startswith("/callbackUrlHeaders/")


async def test_parameters_are_limited(admin: Any, kit: Any) -> None:
    """Parameter definitions are held to their limits, each fault at its place."""
    post = await admin.make("/v1/item-types", kit.item_type())
    parameters = [
        {"name": "bad name", "displayName": "x", "type": "STRING"},
        {"name": "a", "displayName": "", "type": "SELECT", "options": []},
        {"name": "a", "displayName": "A", "type": "NUMBER", "min": 3, "max": 1},
        {"name": "b", "displayName": "B", "type": "BOOLEAN", "defaultValue": "yes"},
    ]
    found = kit.pointers(
        await admin.call("POST", "/v1/actions", kit.action(post["id"], parameters=parameters))
    )
    assert found == [
        "/parameters/0/name",
        "/parameters/1/displayName",
        "/parameters/1/options",
        "/parameters/2/name",
        "/parameters/2/min",
        "/parameters/3/defaultValue",
    ]
    many = [{"name": f"p{n}", "displayName": "P", "type": "STRING"} for n in range(51)]
    answer = await admin.call("POST", "/v1/actions", kit.action(post["id"], parameters=many))
    assert kit.pointers(answer) == ["/parameters"]


async def test_callbacks_are_for_those_who_manage_actions(
    admin: Any, sign_in: Any, kit: Any
) -> None:
    """A reviewer sees an action's name and parameters, not its address, body or headers."""
    post = await admin.make("/v1/item-types", kit.item_type())
    await admin.make("/v1/actions", kit.action(post["id"], callbackUrlHeaders={"X-Key": "v"}))
    moderator = await sign_in(Role.MODERATOR)
    shown = await moderator.call("GET", "/v1/actions")
    assert shown.status_code == 200
    assert "platform.example" not in shown.text
    assert "X-Key" not in shown.text
